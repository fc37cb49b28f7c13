"""What a process says of itself while it runs: one JSON object a line, on stderr (ASVS 5.0.0, V16).

Whoever reads these lines is not whoever may read the database: they are shipped to other machines and kept there. So a
line has no secret, no query of an address, no name or code of an organisation, no number of a person, no text of an error
(it quotes values: a constraint names the row that broke it), but its kind and where it happened. What is written is chosen
where it is written; what is taken out here is the second line of defence. A request that goes well leaves no line: how many
bids are handed in could be counted by them.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Callable, Iterable, MutableMapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from pydantic import BaseModel, SecretStr

from audit.refusal import Broken, Refused

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered: ours, never one that came with it."""
CHATTY = ("httpx", "httpcore", "asyncio", "tortoise", "apscheduler", "uvicorn.access")
"""They write a line for each thing that went well, and addresses in them."""
LONGEST = 2000
FRAMES = 12
SHORTEST = 6
"""Characters below which a secret is not looked for in lines: it would be found in words."""

Event = MutableMapping[str, Any]


def new_request() -> str:
    """A fresh id of a request."""
    return secrets.token_hex(8)


def trace() -> str:
    """What a person is told to find a fault by: the id of the request, where there is one."""
    return REQUEST.get() or new_request()


# ---------------------------------------------------------------------------------------------------- what is taken out

_OUT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*@"), "***@"),
    (re.compile(r"\?[^\s\"'<>?]*=[^\s\"'<>]*"), "?***"),
    (re.compile(r"\b(tr[a-z]_)[\w-]{20,}"), r"\1***"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.I), r"\1 ***"),
    (
        re.compile(
            r"\b((?:[\w-]*(?:password|passphrase|secret|token|pepper|cookie|authorization|api[-_]?key))"
            r"[\"']?\s*[=:]\s*)(?!\s|\*\*\*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&}\]]+)",
            re.I,
        ),
        r"\1***",
    ),
    (re.compile(r"(?<![0-9A-Za-z.])\d{17}[0-9Xx](?![0-9A-Za-z])"), "(person)"),
    (
        re.compile(r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])"),
        "(organisation)",
    ),
    (re.compile(r"(?<![0-9A-Za-z.])(?:\+?86[- ]?)?1[3-9]\d{9}(?![0-9A-Za-z])"), "(number)"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "(mail)"),
)


def clean(text: str, hidden: Iterable[str] = ()) -> str:
    """A text as it may stand in a line: without what looks like a secret, an organisation or a person, and without any
    character that could end the line, hide a part of it or turn it round (ASVS 16.4.1)."""
    text = text[: 2 * LONGEST]
    for secret in hidden:
        text = text.replace(secret, "***")
    for pattern, instead in _OUT:
        text = pattern.sub(instead, text)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def secrets_of(*settings: BaseModel, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Every secret of these settings (settings.py), and the passwords in addresses of a database; longest first."""
    found = {*more}
    for one in settings:
        for name, info in type(one).model_fields.items():
            value = getattr(one, name)
            if isinstance(value, SecretStr):
                found.add(value.get_secret_value())
            elif not info.repr and isinstance(value, str):
                found.add(value)
                if "://" in value:
                    password = urlsplit(value).password or ""
                    found |= {password, unquote(password)}
    return tuple(sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True))


def fault(error: BaseException) -> dict[str, Any]:
    """An error without its words: kind, code, and where it came from, innermost last; then what caused it."""
    told: dict[str, Any] = {"kind": f"{type(error).__module__}.{type(error).__qualname__}"}
    code = error.code if isinstance(error, Refused | Broken) else getattr(error, "sqlstate", None)
    if code:
        told["code"] = str(code)
    if constraint := getattr(error, "constraint_name", None):
        told["constraint"] = str(constraint)
    if isinstance(error, OSError) and error.errno:
        told["errno"] = error.errno
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    told["where"] = [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and cause is not error:
        told["cause"] = f"{type(cause).__module__}.{type(cause).__qualname__}"
    return told


def _place(filename: str) -> str:
    """A file as the house knows it, without where it is installed."""
    return "/".join(filename.replace("\\", "/").split("/")[-2:])


# ------------------------------------------------------------------------------------------------------------ the line


def _with_request(logger: Any, method: str, event: Event) -> Event:
    if request := REQUEST.get():
        event["request"] = request
    return event


_TRACED = "Traceback (most recent call last)"
_FRAME = re.compile(r'^\s*File "([^"]*)", line (\d+), in (\S+)', re.M)
_KIND = re.compile(r"^([A-Za-z_][\w.]*)(?=[:\s(]|$)", re.M)


def _traced(text: str) -> dict[str, Any]:
    """The same of an error that a library has made a text of."""
    found = list(_FRAME.finditer(text))
    kind = _KIND.search(text, found[-1].end()) if found else None  # the first line after the frames that is not set in
    frames = [f"{_place(one[1])}:{one[2]} {one[3]}" for one in found[-FRAMES:]]
    return {"kind": kind[1] if kind else "", "where": frames}


def _without_words(logger: Any, method: str, event: Event) -> Event:
    before, found, traced = str(event.get("event", "")).partition(_TRACED)
    if found:
        event["event"], event["error"] = before.strip() or "an error", _traced(traced)
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        event["error"] = fault(given)
    return event


def _cleaner(hidden: tuple[str, ...]) -> Callable[[Any, str, Event], Event]:
    def cleaned(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {clean(str(k), hidden): cleaned(v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [cleaned(one) for one in value]
        return clean(str(value), hidden)

    def process(logger: Any, method: str, event: Event) -> Event:
        return {name: cleaned(value) for name, value in event.items()}

    return process


def formatter(hidden: tuple[str, ...] = ()) -> structlog.stdlib.ProcessorFormatter:
    """Lines as they are written; `hidden`: this process's own secrets."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_request,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_words,
            _cleaner(hidden),
            structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True),
        ],
    )


class _Lines(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:
        """A line that cannot be made is told without its words; logging's own way would print them all."""
        error = sys.exc_info()[0]
        kind = error.__name__ if error else ""
        self.stream.write(
            f'{{"event": "a line was lost", "level": "error", "kind": "{kind}", "logger": "trading.logs"}}\n'
        )


def speak(*settings: BaseModel, more: Iterable[str] = ()) -> None:
    """From now on this process speaks like that, and so do the libraries in it. `more`: further secrets it holds."""
    handler = _Lines(sys.stderr)
    handler.setFormatter(formatter(secrets_of(*settings, more=more)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = last_resort


def last_resort(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """What nobody caught ends the process with a line like any other (ASVS 16.5.4)."""
    logging.getLogger("trading").critical("unforeseen: the process ends", exc_info=error)
