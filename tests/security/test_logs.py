"""What the lines of a running platform say, and what they never do (ASVS 5.0.0, V16; trading/logs.py)."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.act import pool
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading import logs
from trading.settings import Settings

ROOT = Path(__file__).parent.parent.parent
CODE = "91330200MA2AB3CD4E"
"""A unified social credit code, as it stands in every act of an organisation."""
PLANTED = {
    "postgresql://trading_app:hunter2hunter@db.example/trading refused": ("hunter2", "db.example"),
    "GET /signin/second?code=493021&next=/me": ("493021", "/signin/second?***"),
    "Authorization: Bearer trp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789": ("AbCdEf", "***"),
    "cookie '__Host-session=trc_AbCdEfGhIjKlMnOpQrStUvWxYz012345678'": ("AbCdEf", "***"),
    'body {"password": "correct horse battery"}': ("horse", "***"),
    "TRADING_TOKEN_PEPPER=0a1b2c3d": ("0a1b2c3d", "PEPPER=***"),
    f"deposit of {CODE} refused": (CODE, "(organisation)"),
    "calling +8613912345678 now": ("139123", "(number)"),
    "expert 330204198001011234 admitted": ("3302041980", "(person)"),
    "mail to wang.wu@bidder.example.cn bounced": ("wang", "(mail)"),
}


class Lines(logging.Handler):
    """Every line this process writes meanwhile, as it is written."""

    def __init__(self, *hidden: str) -> None:
        super().__init__()
        self.setFormatter(logs.formatter(hidden))
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(self.format(record))

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written]

    @property
    def ours(self) -> list[dict[str, Any]]:
        return [one for one in self.told if one["logger"].startswith(("trading", "audit", "bidding", "experts"))]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines("pepper-of-this-installation")
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # servers that other tests of this worker started have configured these; the platform's own does not (log_config=None)
    theirs = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error")]
    before = [(one, one.level, one.propagate) for one in theirs]
    for one in theirs:
        one.setLevel(logging.NOTSET)
        one.propagate = True
    yield handler
    for one, level_then, propagated in before:
        one.setLevel(level_then)
        one.propagate = propagated
    root.removeHandler(handler)
    root.setLevel(level)


# ---- 16.4.1: log injection


@pytest.mark.parametrize(
    "evil",
    [
        'x\n{"event": "refused", "level": "info"}',
        "x\r\nJan 1 00:00:00 root: all is well",
        'x", "level": "info", "z": "',
        "x\x1b[2K\x1b[1Aall is well",
        "x\u2028y\u2029z\x85w\x0b\x0c\x00",
        "x\u202egnp.exe\u2066\u200b",
        "x\ud800",
        "x" * 100_000,
        "%s %d %(name)s",
        "a-" * 50_000 + "password",
    ],
    ids=[
        "a record",
        "a line",
        "a field",
        "a terminal",
        "separators",
        "a direction",
        "a surrogate",
        "long",
        "a format",
        "hyphens",
    ],
)
def test_asvs_16_4_1_nothing_that_came_from_outside_makes_a_line_or_hides_one(
    request: pytest.FixtureRequest, lines: Lines, evil: str
) -> None:
    logger = logging.getLogger("trading.web")
    logger.warning("asked for %s", evil)
    logger.warning(evil)
    try:
        raise ValueError(evil)
    except ValueError:
        logger.exception("unforeseen")
    assert len(lines.written) == 3
    for line in lines.written:
        assert line.encode("utf-8").decode("utf-8").isprintable() and len(line) < 3 * logs.LONGEST
        assert len(line.splitlines()) == 1
        assert {"event", "level", "logger", "timestamp"} <= json.loads(line).keys() <= {
            "event", "level", "logger", "timestamp", "error", "request",
        }  # fmt: skip
    assert [one["level"] for one in lines.told] == ["warning", "warning", "error"]
    # a surrogate is no text that one worker of the tests could tell another
    request.config.pluginmanager.get_plugin("logging-plugin").report_handler.reset()


async def test_asvs_16_4_1_over_http(place: Town, lines: Lines) -> None:
    """In a path, a query, a header, a cookie, a form."""
    evil = "%0a%7b%22event%22:%22all is well%22%7d"
    client = place.as_("public")
    for path in (f"/t/{evil}", f"/search?q={evil}&cursor={evil}", f"/signin?next={evil}", f"/api/v1/tenders/{evil}"):
        sent = [(b"accept-language", "en\u2028".encode()), (b"cookie", b"session=\x1b[2K"), (b"x-request-id", b"evil")]
        await client.get(path, headers=sent)
    await client.post("/signin", data={"login": "a\nb", "password": "x\ny"})
    assert not any("well" in line or "evil" in line or "\x1b" in line for line in map(str, lines.ours))


# ---- 16.2.5: what is logged goes by what it is


def test_asvs_16_2_5_secrets_and_people_are_taken_out(lines: Lines) -> None:
    logger = logging.getLogger("audit.sequencer")
    for text, (secret, left) in PLANTED.items():
        logger.warning("%s", text)
        assert secret not in lines.written[-1] and left in lines.told[-1]["event"], lines.written[-1]
    logger.warning("hash of pepper-of-this-installation")
    assert lines.told[-1]["event"] == "hash of ***"
    plain = "closed P-2026-0012-1-1: opens at 2026-11-30T01:42:55.000000Z, size 18446, witness w.example: 409"
    logger.warning(plain)
    assert lines.told[-1]["event"] == plain, "the control: what is nobody's stays as it is"


def test_every_secret_of_the_settings_is_known_to_the_lines() -> None:
    configured = Settings(database_url="postgresql://a:p%40ssword@h/d", token_pepper="pepper-one")
    assert set(logs.secrets_of(configured)) == {"postgresql://a:p%40ssword@h/d", "p%40ssword", "p@ssword", "pepper-one"}


async def test_asvs_16_2_5_an_error_is_told_without_its_words(db: object, lines: Lines) -> None:
    """PostgreSQL quotes the row that broke a rule; the row says who bids."""
    row = ("INSERT INTO trading_organisation (code, name) VALUES ($1, '安和建筑公司')", CODE)
    with pytest.raises(asyncpg.PostgresError) as quoted:
        for _ in range(2):
            await pool().execute(*row)
    logging.getLogger("trading.web").error("unforeseen", exc_info=quoted.value)
    assert CODE in str(quoted.value) + repr(getattr(quoted.value, "detail", "")), "the control: its own words do tell"
    (told,) = lines.told
    assert CODE not in lines.written[0] and "安和" not in lines.written[0]
    assert told["error"]["kind"].startswith("asyncpg") and told["error"]["code"]
    assert any("test_logs.py" in frame for frame in told["error"]["where"])


def test_asvs_16_2_5_a_text_that_a_library_made_of_an_error_is_none_either(lines: Lines) -> None:
    """Starlette hands uvicorn the whole traceback as a message where an application does not start."""
    try:
        asyncio.run(_starting(CODE))
    except RuntimeError as error:
        text = "".join(traceback.format_exception(error))
    assert CODE in text and "安和" in text, "the control"
    logging.getLogger("uvicorn.error").error(text)
    (told,) = lines.told
    assert told["error"]["kind"] == "RuntimeError" and told["error"]["where"][-1].endswith(" _starting")
    assert CODE not in lines.written[0] and "安和" not in lines.written[0]


async def _starting(code: str) -> None:
    raise RuntimeError(f"the row of 安和建筑公司 ({code})\nDETAIL: Key (code)=({code}) is there")


# ---- 16.3.2: who wanted what his role may not


async def test_asvs_16_3_2_a_refused_attempt_leaves_a_line_without_a_name(place: Town, lines: Lines) -> None:
    await place.enrol("wang", "bidder")
    begin = len(lines.written)
    assert (await place.as_("wang").get("/api/v1/tokens")).status_code == 403
    (told,) = [one for one in map(json.loads, lines.written[begin:]) if one["logger"].startswith("trading")]
    assert told["event"] == "refused: W-DENIED list_tokens bidder" and told["logger"] == "trading.security"
    assert len(told["request"]) == 16
    assert place.codes["wang"] not in lines.written[-1] and place.tokens["wang"] not in lines.written[-1]


async def test_asvs_16_3_1_a_failed_sign_in_leaves_a_line(place: Town, lines: Lines) -> None:
    page = await place.as_("public").get("/signin")
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    form = {"login": "wang.secret", "password": "correct horse battery", "form_token": token, "next": ""}
    answer = await place.as_("public").post("/signin", data=form, headers={"Origin": "http://centre"})
    assert answer.status_code in (401, 403)
    assert [one["event"].split()[0] for one in lines.ours] == ["refused:"]
    assert "wang.secret" not in lines.written[-1] and "horse" not in lines.written[-1]


# ---- what goes well leaves no line: bids could be counted by them


async def test_handing_in_leaves_no_line(place: Town, tmp_path: Path, lines: Lines) -> None:
    desk = Desk(place, tmp_path / "desk")
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "博远")]
    lines.written.clear()
    for n, firm in enumerate(firms):
        await desk.hand_in(firm, 9_000_000 + n)
    path = f"/api/v1/tenders/{desk.tender}/bids/{firms[0].bid}"
    assert lines.ours == []
    assert (await place.as_("public").post(path, json={"stages": {}})).status_code == 401
    assert [one["event"] for one in lines.ours] == ["refused: W-TOKEN"], "not what was asked for: bidders may"
    await place.as_("public").get("/api/v1/tokens")
    assert lines.ours[-1]["event"] == "refused: W-TOKEN list_tokens public", "the control"


# ---- 16.5.1, 16.5.4: generic answers, and a last resort


async def boom(request: Request) -> Response:
    raise RuntimeError(f"row of {CODE}")


async def test_asvs_16_5_1_a_fault_is_answered_by_where_to_look_for_it(place: Town, lines: Lines) -> None:
    place.app.router.routes.insert(0, Route("/boom", boom))
    answer = await place.as_("public").get("/boom", headers={"X-Request-Id": "mine"})
    assert answer.status_code == 500 and answer.json()["code"] == "W-FAULT"
    assert answer.headers["x-content-type-options"] == "nosniff" and "content-security-policy" in answer.headers
    assert CODE not in answer.text and "RuntimeError" not in answer.text
    told = lines.ours[-1]
    assert told["request"] == answer.json()["facts"]["trace"] and told["event"].endswith(told["request"])
    assert told["error"]["kind"] == "builtins.RuntimeError" and CODE not in lines.written[-1]
    assert told["error"]["where"][-1].endswith(" boom")
    again = await place.as_("public").get("/boom")
    assert again.json()["facts"]["trace"] != answer.json()["facts"]["trace"]


def test_asvs_16_5_4_what_nobody_caught_ends_as_a_line() -> None:
    program = (
        "import logging, os, warnings; from trading import logs; from trading.settings import Settings\n"
        "logs.speak(Settings(token_pepper='a-long-pepper'))\n"
        "warnings.warn('with a-long-pepper')\n"
        "logging.getLogger('uvicorn.error').warning('of a library %s', 'a-long-pepper')\n"
        "logging.getLogger('trading').warning('%d', 'no number a-long-pepper')\n"
        "raise SystemError('a-long-pepper')"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    told = [json.loads(line) for line in ran.stderr.splitlines()]
    assert ran.returncode == 1 and "a-long-pepper" not in ran.stderr
    assert [one["level"] for one in told] == ["warning", "warning", "error", "critical"]
    assert told[2]["event"] == "a line was lost"
    assert told[3]["error"]["kind"] == "builtins.SystemError" and told[3]["event"].startswith("unforeseen")
