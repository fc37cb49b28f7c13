"""The one place where codes become sentences: the catalogue `locale/*.toml`, Chinese first, English beside it.

Lower floors raise `Refused("E-LATE", …)` and know no language; the edge (CLI, API, pages) asks here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

from audit.refusal import Broken, Refused
from trading.law.admission import GROUNDS
from trading.law.article import Article
from trading.law.calendar import LEGAL_ZONE
from trading.law.periods import Span

ZH, EN = "zh-CN", "en"
LANGUAGES = (ZH, EN)
DEFAULT = ZH

_UNITS = {
    "日": "days",
    "工作日": "working days",
    "月": "months",
    "年": "years",
    "小时": "hours",
    "家": "bidders",
    "人": "members",
}


MAY_BE_EMPTY = ("derivation", "regime", "direction")
"""Facts there may be nothing to tell of (to a moment that is given, nothing was counted; no regime knows a method):
the brackets right around one go with it."""


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """The whole catalogue, {code: {"zh", "en"}}, of all files of the folder.

    Our bugs are loud: tomllib.TOMLDecodeError for a broken file, ValueError for a code that stands in two.
    """
    whole: dict[str, Mapping[str, str]] = {}
    folder = files("trading").joinpath("locale")
    for part in sorted(folder.iterdir(), key=lambda one: one.name):
        if part.name.endswith(".toml"):
            told = tomllib.loads(part.read_text(encoding="utf-8"))
            if twice := whole.keys() & told.keys():
                raise ValueError(f"{part.name}: told twice: {sorted(twice)}")
            whole |= told
    return whole


def say(code: str, lang: str = DEFAULT, /, **facts: Any) -> str:
    """The sentence of a code in a reader's language; the bare code where the catalogue has none (a test looks).

    A fact the raiser did not give shows as `…`: a sentence with a gap beats a crash at the edge.
    """
    if not facts:
        return _plainly(code, lang)
    entry = catalogue().get(code)
    if entry is None:
        return code
    key = "en" if language(lang) == EN else "zh"
    told = entry[key]
    for name in MAY_BE_EMPTY:
        if facts.get(name) == "":
            told = told.replace(f"（{{{name}}}）", "").replace(f" ({{{name}}})", "")
    return told.format_map(_Facts({name: _fact(name, value, key) for name, value in facts.items()}))


@lru_cache(maxsize=8192)
def _plainly(code: str, lang: str) -> str:
    """A sentence without facts: pages say the same few hundreds all day."""
    entry = catalogue().get(code)
    return code if entry is None else entry["en" if language(lang) == EN else "zh"].format_map(_Facts())


def tell(error: Refused | Broken, lang: str = DEFAULT) -> str:
    """An error as a sentence, with the article it rests on: `投标截止时间已过…（《招标投标法实施条例》第三十六条）`."""
    sentence = say(error.code, lang, **error.facts)
    article = article_of(error)
    if not article:
        return sentence
    cited = article.cite(language(lang)) if isinstance(article, Article) else str(article)
    return f"{sentence}（{cited}）" if language(lang) == ZH else f"{sentence} ({cited})"


def article_of(error: Refused | Broken) -> Any:
    """The article an error rests on: its own, or the law's for a refusal of the floors that know no law; else None."""
    return getattr(error, "article", None) or GROUNDS.get(error.code)


def derive(span: Span, lang: str = DEFAULT) -> str:
    """How a period was counted, step by step, each with its article."""
    steps = [f"{say(step.code, lang, day=step.day)} ({step.article.cite(language(lang))})" for step in span.steps]
    return ("；" if language(lang) == ZH else "; ").join(steps)


@lru_cache(maxsize=256)
def language(asked: str) -> str:
    """One of our two languages for a tag ("zh", "zh-Hans-CN", "en-GB"); Chinese for everything we do not speak."""
    return EN if asked.lower().replace("_", "-").split("-")[0] == "en" else ZH


@lru_cache(maxsize=256)
def negotiate(header: str | None, default: str = DEFAULT) -> str:
    """The language for an `Accept-Language` header (RFC 9110 §12.5.4): the best weighted one that we speak."""
    best, chosen = 0.0, default
    for tag, weight in _preferences(header or ""):
        primary = tag.lower().split("-")[0]
        spoken = {"zh": ZH, "en": EN, "*": default}.get(primary)
        if spoken and weight > best:
            best, chosen = weight, spoken
    return chosen


def _preferences(header: str) -> Iterable[tuple[str, float]]:
    for part in header.split(",")[:32]:
        tag, _, parameter = part.strip().partition(";")
        weight = 1.0
        if parameter.strip().startswith("q="):
            try:
                weight = min(1.0, float(parameter.strip()[2:]))
            except ValueError:
                continue
        if tag.strip():
            yield tag.strip(), weight


def unit(word: str, lang: str = DEFAULT) -> str:
    """A unit of a period (`日`, `工作日` …) in a reader's language."""
    return _word(word, "en" if language(lang) == EN else "zh")


REASON = "why: "
"""Codes of details. Lower floors say `why` in a word or a phrase of their own; the catalogue has it in both languages."""


def phrase(text: str) -> str | None:
    """The code (`why: …`) of the phrase that says a detail; None where the catalogue has none."""
    return next((code for pattern, _, code in _reasons() if pattern.fullmatch(text)), None)


@lru_cache(maxsize=1)
def _reasons() -> tuple[tuple[re.Pattern[str], Mapping[str, str], str], ...]:
    """Every phrase as a pattern, those that say most first."""
    made = []
    for code, entry in catalogue().items():
        if code.startswith(REASON):
            words = re.split(r"\{(\w+)\}", code[len(REASON) :])
            pattern = "".join(f"(?P<{w}>.*)" if n % 2 else re.escape(w) for n, w in enumerate(words))
            made.append((sum(map(len, words[::2])), re.compile(pattern, re.DOTALL), entry, code))
    return tuple((pattern, entry, code) for _, pattern, entry, code in sorted(made, key=lambda one: -one[0]))


def _fact(name: str, value: Any, key: str) -> str:
    if isinstance(value, str) and name == "why":
        return _reason(value, key)
    if name in NAMES and isinstance(value, str | list | tuple):
        codes = value.split(", ") if isinstance(value, str) else [str(one) for one in value]
        return ("、" if key == "zh" else ", ").join(_name(one, NAMES[name], key) for one in codes)
    return _word(value, key)


ACTS, STAGES = ("act: ", "page.act."), ("state: ", "page.state.", "page.stage.")
NAMES: Mapping[str, tuple[str, ...]] = {
    "act": ACTS, "allowed": ACTS, "stage": STAGES, "state": STAGES, "states": STAGES, "outcome": ("page.auction.phase.",),
}  # fmt: skip
"""Facts that are codes of acts and stages, and how an auction ended; and under which codes the catalogue has their names."""


def _name(code: str, prefixes: Iterable[str], key: str) -> str:
    """An act or a stage as people call it; a code of somebody's own (a stage of his bids) as it stands."""
    for prefix in prefixes:
        if entry := catalogue().get(prefix + code):
            return entry[key]
    return code


def _reason(text: str, key: str) -> str:
    """A detail in the reader's language; what nobody foresaw (an error of the system) as it came."""
    for pattern, entry, _ in _reasons():
        if found := pattern.fullmatch(text):
            inner = {name: _reason(part, key) if name == "why" else part for name, part in found.groupdict().items()}
            return entry[key].format_map(inner)
    return text


class _Facts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"


def _word(value: Any, key: str) -> str:
    """A fact as people read it: instants in the legal zone, days plainly, units in the language."""
    if isinstance(value, datetime):
        local = value.astimezone(LEGAL_ZONE) if value.tzinfo else value
        return f"{local:%Y-%m-%d %H:%M:%S}" + (" 北京时间" if key == "zh" else " Beijing time")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Article):
        return value.cite(key)
    if isinstance(value, str):
        return _UNITS.get(value, value) if key == "en" else value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} B"
    if isinstance(value, list | tuple | set | frozenset):
        return ("、" if key == "zh" else ", ").join(_word(one, key) for one in value)
    return str(value)
