"""The visitor's pages: what they say of the log is what the log publishes, and every operation has its page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.act import pool
from audit.canon import b64
from audit.checkpoint import checkpoint_of, vkey_of
from audit.signature import Ed25519Signer
from audit.tiles import Published
from audit.trust import WITNESS, Policy
from tests.trading.desk import Desk
from tests.trading.test_pages import Checked
from tests.trading.town import Town
from trading import standing
from trading.standing import Break, Standing
from trading.web.api import operations
from trading.web.sums import scaled

PAGES = ("/why", "/log", "/status", "/open-data", "/open-data/api", "/help", "/accessibility")


async def _read(place: Town, path: str, lang: str = "en", status: int = 200) -> str:
    answer = await place.as_("public").get(path, headers={"Accept-Language": lang})
    assert answer.status_code == status, answer.text
    csp = answer.headers["content-security-policy"]
    assert "default-src 'none'" in csp and "script" not in csp
    Checked(answer.text)
    assert f'lang="{lang}"' in answer.text and not re.search(r"\bpage\.\w", answer.text), path  # no sentence is missing
    return answer.text


async def test_every_page_in_both_languages_before_anything_has_happened_and_after(place: Town) -> None:
    for beats in (0, 2):
        for _ in range(beats):
            await place.beat()
        for lang in ("zh-CN", "en"):
            for path in PAGES:
                await _read(place, path, lang)
    text = await _read(place, "/log")
    fetched = (await place.as_("public").get("/log/checkpoint")).content
    assert b64(checkpoint_of(fetched).root) in text and f'mono">{checkpoint_of(fetched).size}<' in text


async def test_whoever_lands_anywhere_finds_help_and_the_way_to_check(place: Town) -> None:
    """WCAG 3.2.6: at the same place of every page."""
    order = ["/help", "/why", "/log", "/status", "/open-data", "/offline", "/accessibility"]
    for path in ("/", "/ledger", "/proof", "/verify", "/signin", "/no/such"):
        answer = await place.as_("public").get(path)
        if "text/html" in answer.headers["content-type"]:
            nav = answer.text.partition("<footer>")[2].partition("</nav>")[0]
            assert re.findall(r'href="([^"?]+)', nav) == order, path


async def test_every_operation_has_a_page_of_its_own(place: Town) -> None:
    listed = await _read(place, "/open-data/api")
    document = (await place.as_("public").get("/openapi.json")).json()
    names = {one["operationId"] for methods in document["paths"].values() for one in methods.values()}
    assert names > operations.keys()
    for name in sorted(names):
        assert f'/open-data/api/{name}"' in listed
        text = await _read(place, f"/open-data/api/{name}")
        for model in set(re.findall(r'href="#(\w+)"', text)) - {"main"}:
            assert f'id="{model}"' in text, (name, model)
    await _read(place, "/open-data/api/none", status=404)
    text = await _read(place, "/open-data/api/move_deadline")
    assert "It takes two people" in text and "operator" in text


async def test_a_witness_that_stays_away_is_seen_to(place: Town) -> None:
    other = vkey_of(Ed25519Signer.generate(), "v.example", WITNESS)
    lines = place.policy.data.decode().replace("quorum w", f"witness v {other}\ngroup q 1 w v\nquorum q")
    place.app.state.platform = replace(place.platform, policy=Policy.parse(lines.encode()))
    sizes = []
    for _ in range(3):
        await place.beat()
        sizes.append(await pool().fetchval("SELECT max(size) FROM log_checkpoint"))
    text = await _read(place, "/status")
    assert "up to date" in text and "none of the last 3 checkpoints" in text
    signed = "INSERT INTO log_cosignature (size, name, timestamp, line, made_at) VALUES ($1, 'v', 1, '', log_now())"
    await pool().execute(signed, sizes[1])
    assert "by 1 of the checkpoints" in await _read(place, "/log")


async def test_a_log_that_stands_still_says_so(place: Town) -> None:
    await place.beat()
    assert "moves on" in await _read(place, "/status")
    await place.push(timedelta(hours=3))
    still = await _read(place, "/status")
    assert "stands still" in still and "No new witnessed checkpoint since" in still
    await place.beat()
    again = await _read(place, "/status")
    assert "moves on" in again and "No witnessed checkpoint from" in again
    assert "No deadline was ever moved by an outage" in again


async def test_it_reads_the_log_again_when_it_has_moved_and_not_before(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.beat()
    standings, asked, read = standing.Standings(Published(place.settings.log_dir)), [], standing.read

    async def counted(*args: object) -> Standing:
        asked.append(args)
        return await read(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(standing, "read", counted)
    first = await standings.now(place.platform)
    assert await standings.now(place.platform) is first and len(asked) == 1
    await place.beat()
    assert (await standings.now(place.platform)).published > first.published and len(asked) == 2


async def test_who_would_try_it_is_given_an_archive_and_a_sealed_tender(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path / "desk")
    await desk.open()
    before = await _read(place, "/why")
    assert f"/t/{desk.tender}" in before and f"/t/{desk.tender}/archive" not in before
    for name, price in (("安和建设", 9_000_000), ("赣江工程", 8_000_000)):
        await desk.hand_in(await desk.bidder(name), price)
    assert await _read(place, "/why") and "安和" not in await _read(place, "/why")
    await desk.settle()
    assert f"/t/{desk.tender}/archive" in await _read(place, "/why")
    shown = await _read(place, f"/t/{desk.tender}", "zh-CN")
    for part in ("record", "result", "timeline", "terms", "proof"):
        assert f'href="#{part}"' in shown and f'id="{part}"' in shown, part
    assert "人民币捌万元整" in shown and "人民币捌万元整" not in await _read(place, f"/t/{desk.tender}")
    assert "确切数值 20,000.00 元" in await _read(place, "/", "zh-CN")


def test_a_gap_is_what_is_longer_than_four_beats() -> None:
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    told = Standing("", b"", 8, 8, at, at, timedelta(seconds=30), (), None, None)
    assert told.moves(at + timedelta(seconds=120)) and told.broken(at + timedelta(seconds=120)) is None
    assert told.broken(at + timedelta(seconds=121)) == Break(at, None)


@pytest.mark.parametrize(
    ("fen", "zh", "en"),
    [
        (999_999, ("", ""), ("10", "middle")),
        (1_000_000, ("1", "middle"), ("10", "middle")),
        (8_000_000, ("8", "middle"), ("80", "middle")),
        (104_123_456_700, ("10.41", "big"), ("1,041.23", "big")),
        (-104_100_000_000, ("−10.41", "big"), ("−1,041", "big")),
        (99_999, ("", ""), ("", "")),
    ],
)
def test_a_headline_is_short_and_says_in_what(fen: int, zh: tuple[str, str], en: tuple[str, str]) -> None:
    assert (scaled(fen, "zh-CN"), scaled(fen, "en")) == (zh, en)


async def test_a_mistyped_address_is_a_page_to_a_person_and_a_problem_to_a_program(place: Town) -> None:
    client = place.as_("public")
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "zh-CN"}
    for path in ("/projcts", "/t", "/b/none/nothing", "/log/nothing", "/statements.exe"):
        page = await client.get(path, headers=browser)
        assert page.status_code == 404 and page.headers["content-type"].startswith("text/html"), path
        Checked(page.text)
        assert 'href="/"' in page.text and "W-UNKNOWN" in page.text and 'lang="zh' in page.text
        told = await client.get(path, headers={"Accept": "application/json"})
        assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")
    wrong = await client.post("/ledger", headers=browser)
    assert wrong.status_code == 405 and "<h1>" in wrong.text
    assert {one.strip() for one in wrong.headers["allow"].split(",")} == {"GET", "HEAD"}
