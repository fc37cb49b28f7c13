"""Forms: from pages of ours alone, reading changes nothing, cookies as they must be, and nothing leads elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.act import pool
from tests.security.browsers import SITE, Browser, Clock, come_in
from tests.trading.town import ROLES, Town
from trading.settings import Settings
from trading.web import app as _app
from trading.web.api import operations
from trading.web.doors import doors
from trading.web.models import RoleName
from trading.web.roles import Verdict, matrix

assert _app.PAGES
FORGED: list[dict[str, str]] = [
    {},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": SITE, "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
]


async def test_asvs_3_5_1_a_form_is_taken_from_our_pages_alone(place: Town) -> None:
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    token = browser.token
    for headers in FORGED:
        answer = await browser.http.post("/signout", data={"form_token": token}, headers=headers)
        assert answer.status_code == 403, headers
    for wrong in ({"other": "x"}, {"form_token": ""}, {"form_token": "0" * 64}, {"form_token": "é"}):
        assert (await browser.post("/signout", wrong)).status_code == 403
    other, _ = await come_in(place, "li", "bidder", Clock(place), "203.0.113.9")
    assert (await browser.post("/signout", {"form_token": other.token})).status_code == 403  # of another session
    assert (await browser.post("/signout", {"form_token": token})).status_code == 200  # the control


async def test_asvs_3_5_1_the_api_takes_a_cookie_with_the_pages_token_alone(place: Town) -> None:
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    path, body = "/api/v1/proposals/0/withdrawal", {}
    for headers in (*FORGED, {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}):
        told = await browser.http.post(path, json=body, headers=headers)
        assert (told.status_code, told.json()["code"]) == (403, "W-FORGED"), headers
    assert (await browser.ask(path, browser.token, body)).status_code == 404  # the control: nothing to withdraw
    token = {"Authorization": f"Bearer {place.tokens['wang']}"}
    assert (await browser.http.post(path, json=body, headers=token)).status_code == 404  # nobody's page can send that


async def test_signing_in_is_not_forged_either(place: Town) -> None:
    """Else somebody is made to work in the attacker's account."""
    browser = Browser(place)
    for fields in ({"login": "x", "password": "y"}, {"login": "x", "password": "y", "form_token": "0" * 64}):
        assert (await browser.post("/signin", fields)).status_code == 403


async def test_asvs_3_5_3_reading_changes_nothing(place: Town) -> None:
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    before = await _rows()
    for opening in doors.values():
        if opening.method == "GET":
            await browser.http.get(opening.path.replace("{invitation}", "NONE"), follow_redirects=True)
        else:  # and what is a form is nothing to read
            got = (await browser.http.get(opening.path.replace("{", "").replace("}", ""))).status_code
            assert got in (200, 303, 404, 405), opening.name
    assert await _rows() == before


async def _rows() -> str:
    tables = ("account", "credential", "session", "device", "invitation", "proposal", "person", "challenge")
    found: dict[str, Any] = {}
    for table in tables:
        found[table] = [dict(row) for row in await pool().fetch(f"SELECT * FROM trading_{table} ORDER BY id")]
        for row in found[table]:
            row.pop("seen_at", None)
    found["records"] = await pool().fetchval("SELECT count(*) FROM log_record")
    return json.dumps(found, default=str)


async def test_asvs_3_3_cookies_over_tls_are_host_cookies(place: Town, settings: Settings) -> None:
    secure = settings.model_copy(update={"public_url": "https://trade.example", "origin": "trade.example/log"})
    from starlette.responses import Response

    from trading.web import cookies

    response = Response()
    cookies.give_session(secure, response, "secret")
    cookies.give_device(secure, response, "device")
    session, device = response.headers.getlist("set-cookie")
    assert session.startswith("__Host-session=secret;") and device.startswith("__Host-device=")
    for wanted in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert wanted in session, session
    assert "Domain" not in session and "Max-Age" not in session and "HttpOnly" in device and "Secure" in device
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    assert browser.session and "__Host-session" not in browser.http.cookies


async def test_nobody_signs_in_over_a_line_that_others_read(settings: Settings) -> None:
    from audit.refusal import Refused
    from trading.web import cookies

    for url, origin, fine in (
        ("http://trade.example", "trade.example/log", False),
        ("https://trade.example", "trade.example/log", True),
        ("http://192.0.2.1:8000", "demo.example/log", True),
        ("http://localhost:8000", "trade.example/log", True),
        ("http://localhost.evil.example", "trade.example/log", False),
    ):
        chosen = settings.model_copy(update={"public_url": url, "origin": origin})
        if fine:
            cookies.check_transport(chosen)
        else:
            with pytest.raises(Refused, match="T-SIGNIN-HTTP"):
                cookies.check_transport(chosen)


async def test_asvs_3_4_3_pages_of_the_door_run_no_script_but_ours_and_are_never_kept(place: Town) -> None:
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    for path in ("/me", "/me/password", "/me/generator", "/signout", "/invited", "/signin/again"):
        await browser.get(path)
        csp = browser.answer.headers["content-security-policy"]
        assert "default-src 'none'" in csp and "script-src 'self'" in csp and "unsafe" not in csp
        assert "require-trusted-types-for 'script'" in csp and "frame-ancestors 'none'" in csp
        assert browser.answer.headers["cache-control"] == "no-store", path


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\n/evil.example", ""],
)
async def test_signing_in_leads_nowhere_else(place: Town, elsewhere: str) -> None:
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    answer = await browser.http.get("/signin", params={"next": elsewhere})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")


async def test_asvs_8_2_1_every_door_is_what_the_matrix_says(place: Town) -> None:
    """As the public, and with each role's token: a token has no page of its own, and no role another's."""
    await place.everybody()
    for name, opening in doors.items():
        assert name not in operations
        row = matrix()[name]
        path = "/".join("NONE" if part.startswith("{") else part for part in opening.path.split("/"))
        for who in ("public", *ROLES):
            client = place.as_(who)
            send = {"json": {}} if opening.machine else {"data": {"other": "x"}}
            answer = await client.request(opening.method, path, **({} if opening.method == "GET" else send))
            told = f"{name} as {who}: {answer.status_code} {answer.text[-300:]}"
            assert answer.status_code < 500 or answer.status_code == 503, told
            if row.judge(RoleName(who)) is Verdict.DENY:
                assert answer.status_code in (303, 401, 403), told
                assert answer.status_code != 303 or answer.headers["location"].startswith("/signin"), told
            elif who != "public" and set(row.cells) != set(RoleName):
                away = answer.status_code == 303 and answer.headers["location"].startswith("/signin")
                assert away or (answer.status_code == 401 and "W-SESSION" in answer.text), told


async def test_a_form_that_is_none_is_a_sentence(place: Town) -> None:
    browser = Browser(place)
    await browser.get("/signin")
    headers = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
    for content, media, status in (
        (b"x" * 40_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 422),
        (b"a=1&a=2", "application/x-www-form-urlencoded", 422),
        (b"login=a%00b&password=x", "application/x-www-form-urlencoded", 422),
    ):
        answer = await browser.http.post("/signin", content=content, headers={**headers, "Content-Type": media})
        assert answer.status_code == status and "<h1>" in answer.text, answer.status_code
    for body in (
        b"[]",
        b"{" * 5000,
        b"nonsense",
        b'{"rawId": 7}',
        b'{"response": {"clientDataJSON": "e30"}, "rawId": "AA"}',
    ):
        answer = await browser.http.post(
            "/signin/passkey", content=body,
            headers={**headers, "Content-Type": "application/json", "X-Form-Token": browser.token},
        )  # fmt: skip
        assert answer.status_code in (401, 422), (body[:40], answer.status_code)


def test_of_a_browser_no_more_is_kept_than_its_owner_recognises() -> None:
    from trading.web.doors import browser_of

    edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Edg/156.0"
    assert browser_of(edge) == "Edge · Windows"
    assert (
        browser_of("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1")
        == "Safari · iPhone"
    )
    assert browser_of("\r\nGET / HTTP/1.1<script>") == browser_of("") == ""
