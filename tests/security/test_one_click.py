"""The demonstration's one click: a session without any secret, so nowhere but under a `demo.` log at a `demo.` address."""

from __future__ import annotations

import io
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.act import pool
from audit.archive import Archive, write_archive
from audit.refusal import Refused
from tests.security.browsers import Forms
from tests.trading.desk import Desk
from tests.trading.town import Town, town
from trading import playbill
from trading.installation import check_demo, open_
from trading.settings import Settings
from trading.web.app import create_app
from trading.web.demo_pages import STAGES, spoil, stage
from trading.web.doors import doors

URL = "http://demo.localhost:8000"
PATHS = [
    (one.method, one.path.replace("{who}", "anhe").replace("{tender}", "none")) for one in doors.values() if one.demo
]


def demo(settings: Settings, **more: Any) -> Settings:
    return settings.model_copy(update={"demo": True, "public_url": URL, "origin": "demo.test/log", **more})


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(demo(settings), owner_dsn) as made:
        yield made


def visitor(place: Town, url: str = URL) -> httpx.AsyncClient:
    """A stranger's browser at this address."""
    headers = {"Accept-Language": "en", "Origin": url, "Sec-Fetch-Site": "same-origin"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=place.app), base_url=url, headers=headers)


async def bill(place: Town, *names: str) -> None:
    """Put up a playbill with these bidders, each with a file that stands for a key."""
    parts = []
    for name in names:
        await place.enrol(name, "bidder")
        person = await pool().fetchval(
            "SELECT id FROM trading_person WHERE organisation_id = $1 LIMIT 1", place.codes[name]
        )
        parts.append(
            playbill.Part(
                who=name, role="bidder", person=person, organisation=place.codes[name], name=name, key=f"{name}.key"
            )
        )
    playbill.write(place.settings.data, playbill.Playbill(parts=tuple(parts), every=150))
    for name in names:
        (place.settings.data / playbill.FOLDER / f"{name}.key").write_text("{}")


async def click(browser: httpx.AsyncClient, who: str, **more: str) -> httpx.Response:
    """What the button does: the form as it stands on the page."""
    page = await browser.get("/demo")
    fields = {**Forms(page.text).of("/demo/as"), "who": who, **more}
    return await browser.post("/demo/as", data=fields)


async def test_one_click_and_a_visitor_sits_at_a_bidder_s_desk(place: Town) -> None:
    await bill(place, "anhe", "hengxin")
    async with visitor(place) as browser:
        assert (await browser.get("/b")).status_code == 303  # the control: a stranger has no desk
        answer = await click(browser, "anhe")
        assert (answer.status_code, answer.headers["location"]) == (303, "/b")
        desk = await browser.get("/b")
        assert desk.status_code == 200 and "Nobody but you sees this" in desk.text
        first = browser.cookies["session"]
        assert "signed in as" in (await browser.get("/demo")).text
        await click(browser, "hengxin")  # another one: the first session ends
        assert browser.cookies["session"] != first
        browser.cookies.set("session", first, domain="demo.localhost")
        old = httpx.AsyncClient(transport=httpx.ASGITransport(app=place.app), base_url=URL, cookies={"session": first})
        assert (await old.get("/b")).status_code == 303
        assert (await browser.get("/demo/key/anhe")).content == b"{}"


async def test_nobody_but_who_is_on_the_playbill(place: Town) -> None:
    await bill(place, "anhe")
    async with visitor(place) as browser:
        for who in ("", "sa", place.codes["sa"], "../anhe", "nobody"):
            assert (await click(browser, who)).status_code == 404, who
            assert (await browser.get(f"/demo/key/{who or 'x'}")).status_code == 404
        admin = await pool().fetchval("SELECT person_id FROM trading_membership WHERE role = 'security_admin' LIMIT 1")
        sa = playbill.Part(who="sa", role="security_admin", person=admin, organisation=place.codes["sa"], name="x")
        playbill.write(place.settings.data, playbill.Playbill(parts=(sa,)))  # a spoilt playbill opens no other desk
        await browser.get("/demo")
        page = Forms((await browser.get("/signin")).text)
        fields = {"form_token": page.of("/signin")["form_token"], "who": "sa"}
        assert (await browser.post("/demo/as", data=fields)).status_code == 404
        assert "session" not in browser.cookies


async def test_no_other_page_clicks_for_one_and_no_other_address_answers(place: Town) -> None:
    await bill(place, "anhe")
    async with visitor(place) as browser:
        assert (await browser.post("/demo/as", data={"who": "anhe"})).status_code == 403  # without this browser's token
        token = Forms((await browser.get("/demo")).text).of("/demo/as")
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert (await browser.post("/demo/as", data=token, headers=headers)).status_code == 403, headers
        assert "session" not in browser.cookies
    async with visitor(place, "http://127.0.0.1:8000") as other:
        answer = await other.get("/demo")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{URL}/demo")
        fields = {"form_token": Forms((await other.get("/signin")).text).of("/signin")["form_token"], "who": "anhe"}
        assert (await other.post("/demo/as", data=fields)).status_code == 404


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("trade.example/log", "https://trade.example"), ("demo.test/log", "https://trade.example"),
        ("trade.example/log", "http://demo.localhost:8000"), ("demo.test/log", ""),
        ("demo.test/log", "http://demo@trade.example"), ("demo.test/log", "https://trade.example/demo.localhost"),
        ("demolition.example/log", "http://demo.localhost:8000"), ("demo.test/log", "http://demonstration.example"),
    ],
)  # fmt: skip
def test_anywhere_else_it_does_not_start(origin: str, url: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    chosen = demo(settings, origin=origin, public_url=url)
    for start in (check_demo, open_, create_app):
        with pytest.raises(Refused, match="T-DEMO"):
            start(chosen)
    check_demo(chosen.model_copy(update={"demo": False}))  # the control: it is this setting that is refused
    check_demo(demo(settings))


async def test_without_the_setting_there_is_no_such_path(db: object, settings: Settings, owner_dsn: str) -> None:
    """A demonstration's log at a demonstration's address, with a playbill lying there: still nothing to click."""
    assert {path for _, path in PATHS} >= {"/demo", "/demo/as", "/demo/key/anhe"}
    async with town(demo(settings, demo=False), owner_dsn) as made:
        await bill(made, "anhe")
        async with visitor(made) as browser:
            for method, path in PATHS:
                for how in (method, "GET", "POST"):
                    assert (await browser.request(how, path)).status_code == 404, (how, path)


async def test_the_page_lists_a_project_of_each_stage_in_both_languages(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    async with visitor(place) as browser:
        empty = (await browser.get("/demo")).text
        assert "nobody to be right now" in empty  # before anything is ready it says so
        await bill(place, "anhe")
        for state in ("announced", "closed", "opened", "ranked", "awarded", "contracted", "archived"):
            await pool().execute("UPDATE trading_tender SET state = $1 WHERE id = $2", state, desk.tender)
            for lang in ("zh-CN", "en"):
                answer = await browser.get("/demo", headers={"Accept-Language": lang})
                assert answer.status_code == 200 and "page.g." not in answer.text
                at = stage({"state": state, "hammer": None, "filed": False})
                head = answer.text.partition(f'id="at-{at}"')[2].partition("</tbody>")[0]
                assert f"/t/{desk.tender}" in head, (state, lang)
                for other in set(STAGES) - {at}:
                    assert (
                        f"/t/{desk.tender}" not in answer.text.partition(f'id="at-{other}"')[2].partition("</tbody>")[0]
                    )
        assert stage({"state": "archived", "hammer": None, "filed": True}) == "archived"
        assert stage({"state": "opened", "hammer": place.clock.now(), "filed": False}) == "auction"
        for path in ("/", "/ledger", "/signin", "/b", "/no-such"):
            page = await browser.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
            if "text/html" in page.headers["content-type"]:
                assert f'href="{URL}/demo"' in page.text, path  # the banner leads back from every page


def test_a_spoilt_copy_differs_by_one_bit_and_agrees_with_itself(tmp_path: Path) -> None:
    files = {"bids/b/documents/1/payload": secrets.token_bytes(500), "log/entries": secrets.token_bytes(900)}
    write_archive(tmp_path / "a.zip", list(files.items()))
    (tmp_path / "b.zip").write_bytes(spoil(tmp_path / "a.zip"))
    with Archive.open(tmp_path / "b.zip") as archive:
        told = {name: archive.read(name) for name in files}
    assert told["log/entries"] == files["log/entries"]
    bits = "".join(
        f"{a ^ b:b}" for a, b in zip(*(one["bids/b/documents/1/payload"] for one in (files, told)), strict=True)
    )
    assert bits.count("1") == 1
    assert io.BytesIO(spoil(tmp_path / "a.zip")).read(4) == b"PK\x03\x04"
