"""What stands around every answer, whatever asked for it: headers, types, methods, caches, and what never stands in one.

Each promise is tried on one answer of every kind (`KINDS`), made once; the ids are those of OWASP ASVS 5.0.0.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.listening import listening
from tests.security.test_logs import Lines, lines
from tests.trading.town import Town, town
from trading import ledger
from trading.settings import Settings
from trading.web import bidder_pages, csp, csp_reports, verify_page
from trading.web.api import operations
from trading.web.app import create_app
from trading.web.doors import doors
from trading.web.models import RoleName
from trading.web.roles import Cell, matrix, open_routes

assert lines
SECURE = "https://trade.example"
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
KINDS: dict[str, tuple[str, str, int]] = {
    "a page": ("GET", "/", 200),
    "a door": ("GET", "/signin", 200),
    "a form's answer": ("POST", "/signin", 403),
    "a way elsewhere": ("GET", "/me", 303),
    "a style sheet": ("GET", "/static/site.css", 200),
    "a script": ("GET", "/modules/trading/web/static/verify.js", 200),
    "a file to save": ("GET", "/offline/sealing.html", 200),
    "JSON": ("GET", "/api/v1/whoami", 200),
    "a document": ("GET", "/openapi.json", 200),
    "lines": ("GET", "/ocds/releases.jsonl", 200),
    "events": ("GET", "/events", 200),
    "health": ("GET", "/healthz", 200),
    "a log's file": ("GET", "/log/policy.txt", 200),
    "nothing there": ("GET", "/no/such/page", 404),
    "nothing there, of the API": ("GET", "/api/v1/tenders/none@1", 404),
    "no such method": ("DELETE", "/ledger", 405),
    "not for you": ("GET", "/api/v1/people", 401),
    "a fault of ours": ("GET", "/api/v1/trades", 500),
    "a report": ("POST", csp.REPORTS, 204),
}


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(
        settings.model_copy(update={"public_url": SECURE, "origin": "trade.example/log"}), owner_dsn
    ) as made:
        yield made


async def _ask(place: Town, kind: str, **more: Any) -> httpx.Response:
    method, path, status = KINDS[kind]
    if kind == "a form's answer":
        more = {"data": {"login": "wang"}}
    if kind == "a report":
        more = {"content": b'{"csp-report": {}}', "headers": {"Content-Type": "application/csp-report"}}
    answer = await place.as_("public").request(method, path, **more)
    assert answer.status_code == status, (kind, answer.status_code, answer.text[:300])
    return answer


@pytest.fixture
async def kinds(place: Town, monkeypatch: pytest.MonkeyPatch) -> dict[str, httpx.Response]:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret of the house")

    await place.beat()
    monkeypatch.setattr(ledger, "trades", broken)
    return {kind: await _ask(place, kind) for kind in KINDS}


async def test_asvs_3_4_8_every_answer_has_its_headers(kinds: dict[str, httpx.Response]) -> None:
    for kind, answer in kinds.items():
        for name, value in EVERYWHERE.items():
            assert answer.headers.get_list(name) == [value], (kind, name)
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin"), kind
        assert "server" not in answer.headers and "x-powered-by" not in answer.headers, kind


async def test_asvs_3_4_1_every_answer_over_tls_says_so_for_a_year(
    kinds: dict[str, httpx.Response], settings: Settings
) -> None:
    for kind, answer in kinds.items():
        found = re.fullmatch(r"max-age=(\d+); includeSubDomains", answer.headers.get("strict-transport-security", ""))
        assert found and int(found[1]) >= 31_536_000, kind
    plain = create_app(settings, connected=True)  # the control: where there is no TLS it would lock people out
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=plain), base_url="http://centre") as client:
        assert "strict-transport-security" not in (await client.get("/healthz")).headers


async def test_asvs_3_4_3_every_answer_has_a_policy_that_runs_nothing_of_others(
    kinds: dict[str, httpx.Response],
) -> None:
    for kind, answer in kinds.items():
        (policy,) = answer.headers.get_list("content-security-policy")
        rules = dict(one.strip().partition(" ")[::2] for one in policy.split(";"))
        if kind == "a file to save":  # opened from a disk; here it may do nothing at all
            assert policy == "sandbox; default-src 'none'; frame-ancestors 'none'", policy
            continue
        assert rules["default-src"] == "'none'" and rules["base-uri"] == "'none'", kind
        assert rules["frame-ancestors"] == "'none'" and "form-action" in rules, kind
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy, kind
        assert rules.get("script-src", "'self'") == "'self'", kind


async def test_asvs_3_4_7_a_violation_is_reported_and_counts_nobody(
    place: Town, kinds: dict[str, httpx.Response], lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("a page", "a door", "JSON", "nothing there", "a fault of ours"):
        assert f"report-uri {csp.REPORTS}" in kinds[kind].headers["content-security-policy"], kind
    # where a document is dropped or sealed nothing goes out, and a report would be a way
    assert "report" not in verify_page.CSP + bidder_pages.CSP
    monkeypatch.setattr(csp_reports, "_told", {})
    browser = place.as_("public")
    headers = {"Content-Type": "application/csp-report"}
    said = {
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/?u=wang",
        "document-uri": "/t/x",
    }
    for _ in range(40):
        assert (await browser.post(csp.REPORTS, json={"csp-report": said}, headers=headers)).status_code == 204
    (line,) = [one for one in lines.written if "content security policy" in one]
    assert "script-src-elem" in line and "evil" not in line and "wang" not in line
    for content, status in (
        (b'{"csp-report": {"effective-directive": "\\nforged"}}', 204),
        (b'{"csp-report": [1]}', 204), (b"{}", 204), (b"[]", 422), (b"{" * 9000, 422), (b"x" * 40_000, 413),
    ):  # fmt: skip
        assert (await browser.post(csp.REPORTS, content=content, headers=headers)).status_code == status
    assert (await browser.post(csp.REPORTS, json={})).status_code == 415
    assert len([one for one in lines.written if "content security policy" in one]) == 1
    clock = [0.0]
    told: dict[str, float] = {}
    assert [csp_reports.news("img-src", told, lambda: clock[0]) for _ in range(3)] == [True, False, False]
    clock[0] = csp_reports.AGAIN
    assert csp_reports.news("img-src", told, lambda: clock[0]) and not csp_reports.news("img-src\r\nx", told)


async def test_asvs_4_1_1_a_type_with_its_charset(kinds: dict[str, httpx.Response]) -> None:
    for kind, answer in kinds.items():
        if not answer.content:
            continue
        (media,) = answer.headers.get_list("content-type")
        if media.startswith("text/") or "xml" in media or "javascript" in media:
            assert media.endswith("; charset=utf-8"), (kind, media)
        else:  # JSON has no other charset (RFC 8259 §11)
            assert re.fullmatch(r"application/[a-z.+-]+", media), (kind, media)
        answer.content.decode("utf-8")


async def test_asvs_4_1_4_a_method_nobody_needs_is_blocked(place: Town) -> None:
    """On every route of the application: those its description knows pass, and no others."""
    known: dict[str, set[str]] = {path: {"GET", "HEAD"} for path in open_routes()}
    for one in (*operations.values(), *doors.values()):
        if not getattr(one, "demo", False):
            known.setdefault(one.path, set()).update({one.method, *(("HEAD",) if one.method == "GET" else ())})
    for path in known:
        if path.startswith("/invited/"):  # to read, each of them is a code that is none
            known[path] |= {"GET", "HEAD"}
    client, asked = place.as_("sa"), 0
    for path, allowed in sorted(known.items()):
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"} - allowed:
            answer = await client.request(method, re.sub(r"\{\w+(:path)?\}", "0", path))
            assert answer.status_code == 405, (method, path, answer.status_code)
            assert "POST" not in answer.headers.get("allow", "") or "POST" in allowed, path
            asked += 1
    assert asked > 1200


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_asvs_4_1_4_no_header_makes_another_method_of_one(place: Town, header: str) -> None:
    answer = await place.as_("sa").post("/ledger", headers={header: "GET"})
    assert answer.status_code == 405
    answer = await place.as_("sa").get("/api/v1/people", headers={header: "DELETE"})
    assert answer.status_code == 200


async def test_asvs_16_5_1_nothing_of_the_house_stands_in_an_error(kinds: dict[str, httpx.Response]) -> None:
    for kind, answer in kinds.items():
        if answer.status_code < 400:
            continue
        for word in (
            "Traceback",
            "secret",
            "ZeroDivision",
            ".py",
            "asyncpg",
            "postgres",
            "starlette",
            "/work",
            "SELECT",
        ):
            assert word not in answer.text, (kind, word)


@pytest.mark.parametrize(
    "host", ["evil.example", "trade.example@evil.example", "trade.example:80,evil.example", 'x"><i>evil.example']
)
async def test_no_page_believes_the_host_header(place: Town, host: str) -> None:
    """Addresses are those of the settings: a poisoned cache or a letter leads nowhere else."""
    for path in ("/", "/signin", "/open-data", "/me", "/no", "/proof", "/why", "/openapi.json"):
        headers = {"Host": host, "X-Forwarded-Host": host, "Forwarded": f"host={host}"}
        answer = await place.as_("public").get(path, headers=headers)
        assert "evil" not in answer.text + str(answer.headers), path


# ------------------------------------------------------------------------------------------------------------- caches


async def test_asvs_14_3_2_what_is_somebodys_is_kept_by_no_cache(place: Town) -> None:
    """Every door and every operation that anybody but the public may call, with a session and with a token."""
    for role in ("bidder", "supervisor", "operator"):
        await place.enrol(role, role)
    for name, one in (*doors.items(), *operations.items()):
        everybodys = name in operations and RoleName.PUBLIC in matrix()[name].cells
        if one.method != "GET" or getattr(one, "demo", False) or everybodys:
            continue
        path = re.sub(r"\{(\w+)\}", "0", one.path)
        cells = {role for role, cell in matrix()[name].cells.items() if cell is not Cell.DENY}
        who = next((role for role in ("bidder", "supervisor", "operator") if RoleName(role) in cells), "sa")
        answer = await place.as_(who).get(path)
        assert answer.headers.get("cache-control") == "no-store", (name, answer.status_code, answer.headers)


async def test_asvs_14_2_1_nothing_secret_is_in_an_address(place: Town) -> None:
    """Forms that are sent in an address ask for nothing but what is searched for; no page leads to one with a secret."""

    class Gets(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.get, self.names, self.links = False, list[str](), list[str]()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "form":
                self.get = (given.get("method") or "get").lower() == "get"
            elif tag in ("input", "select") and self.get and given.get("name"):
                self.names.append(str(given["name"]))
            elif tag == "a":
                self.links.append(given.get("href") or "")

    for path in sorted(open_routes() | {one.path for one in doors.values() if one.method == "GET"}):
        if "{" in path or path == "/events":
            continue
        answer = await place.as_("public").get(path)
        found = Gets()
        found.feed(answer.text if "html" in answer.headers.get("content-type", "") else "")
        fields = set(found.names) - {"q", "lang", "from", "to", "by", "kind", "region", "regime", "start", "end", "of"}
        assert not [n for n in fields if re.search(r"pass|code|token|secret|login|key|mail", n)], (path, fields)
        assert not [link for link in found.links if re.search(r"[?&](token|session|code|password|form_token)=", link)]
    for token in ({"token": place.tokens["sa"]}, {"access_token": place.tokens["sa"]}):  # and one in an address is none
        assert (await place.as_("public").get("/api/v1/people", params=token)).status_code == 401


# ------------------------------------------------------------------------------------------------- on a real connection


@pytest.fixture
async def socket_(place: Town) -> AsyncIterator[tuple[str, int]]:
    """The application behind the server as `trading serve` runs it."""
    async with listening(place.app, server_header=False, proxy_headers=False) as address:
        yield "127.0.0.1", int(address.rpartition(":")[2])


async def _raw(address: tuple[str, int], data: bytes, wait: float = 2.0) -> bytes:
    """What comes back for these bytes, until the line is closed or nothing more comes."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    got = b""
    try:
        async with asyncio.timeout(wait):
            while piece := await reader.read(65536):
                got += piece
                if b"\r\n\r\n" in got and got.count(b"HTTP/1.1 ") >= 2:
                    break
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return got


INNER = b"GET /api/v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "two lengths": b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + INNER,
    "a length with a sign": b"Content-Length: +0\r\n\r\n" + INNER,
    "a length with a blank": b"Content-Length : 44\r\n\r\n" + INNER,
    "an encoding nobody knows": b"Transfer-Encoding: xchunked\r\n\r\n" + INNER,
    "chunks, then no chunks": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + INNER,
    "a folded header": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + INNER,
    "a chunk of a negative size": b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n" + INNER,
    "a null in a name": b"Transfer-Encoding\x00: chunked\r\n\r\n0\r\n\r\n" + INNER,
}


@pytest.mark.parametrize("how", SMUGGLED)
async def test_asvs_4_2_1_no_request_hides_in_another(socket_: tuple[str, int], how: str) -> None:
    """What a proxy could take for one request is not two to us: it is refused, and the line is closed."""
    got = await _raw(socket_, b"POST /signin HTTP/1.1\r\nHost: x\r\n" + SMUGGLED[how])
    assert b'"role"' not in got, (how, got)
    assert got.startswith(b"HTTP/1.1 4") and got.count(b"HTTP/1.1 ") == 1, (how, got)


async def test_asvs_4_2_1_the_control(socket_: tuple[str, int]) -> None:
    """Two honest requests on one line are two."""
    got = await _raw(socket_, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + INNER)
    assert got.count(b"HTTP/1.1 200") == 2 and b'"role"' in got


async def test_asvs_5_2_1_slow_short_and_long_bodies_harm_nobody(place: Town, socket_: tuple[str, int]) -> None:
    """Forty lines that send a byte and wait: others are served meanwhile; what is longer than said is cut there."""
    await place.enrol("wang", "bidder")
    head = (
        b"POST /api/v1/papers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + place.tokens["wang"].encode() + b"\r\n"
    )
    slow = [await asyncio.open_connection(*socket_) for _ in range(40)]
    for _, writer in slow:
        writer.write(head + b"Content-Length: 1000\r\n\r\nx")
        await writer.drain()
    got = await _raw(socket_, INNER, 1.0)
    assert got.startswith(b"HTTP/1.1 200")
    for _, writer in slow:
        writer.close()  # shorter than said: nothing was kept
    await asyncio.sleep(0.3)
    store = place.settings.papers_dir
    assert not [path for path in store.rglob("*") if path.is_file()]
    got = await _raw(socket_, head + b"Content-Length: 999999999999\r\n\r\nx", 1.0)
    assert got.startswith(b"HTTP/1.1 413")
    got = await _raw(socket_, head + b"Content-Length: 3\r\n\r\nabcdef", 1.0)
    assert got.startswith(b"HTTP/1.1 201") and b'"size":3' in got
    assert len([path for path in Path(store).rglob("*") if path.is_file()]) == 1


async def test_asvs_2_1_3_every_limit_stands_in_the_description(place: Town) -> None:
    described = {
        one["operationId"]: one for path in place.app.state.openapi["paths"].values() for one in path.values()
        if isinstance(one, dict) and "operationId" in one
    }  # fmt: skip
    for name, one in operations.items():
        if one.body is not None or one.raw:
            assert described[name]["x-max-body-bytes"] == one.limit, name


async def test_asvs_5_2_1_one_byte_more_than_documented_is_too_large(place: Town) -> None:
    """Said in its length or unsaid, and before anybody reads it."""
    await place.everybody()

    async def endless(size: int) -> AsyncIterator[bytes]:
        for _ in range(0, size, 65536):
            yield b" " * 65536

    for name, one in operations.items():
        row = matrix()[name]
        who = next(role.value for role, cell in row.cells.items() if cell is not Cell.DENY)
        if one.body is None or row.object:
            continue
        path = one.path
        for part, value in (("statement", "0" * 64), ("ban", "0" * 32), ("bid", "0" * 32), ("sha256", "0" * 64),
                            ("manifest", "0" * 64), ("tender", "2026-000001-01@16"), ("label", "A")):  # fmt: skip
            path = path.replace("{" + part + "}", value)
        path = re.sub(r"\{\w+\}", "0", path)
        headers = {"Content-Type": "application/json"}
        answer = await place.as_(who).request(one.method, path, content=b" " * (one.limit + 1), headers=headers)
        assert answer.status_code == 413 and answer.json()["facts"]["limit"] == one.limit, (name, answer.text)
        answer = await place.as_(who).request(one.method, path, content=endless(one.limit + 1), headers=headers)
        assert answer.status_code == 413, (name, answer.text)


async def test_asvs_1_5_3_a_name_that_stands_twice_is_refused(place: Town) -> None:
    """Else a proxy that looks at one of them lets the other pass."""
    headers = {"Content-Type": "application/json"}
    code = json.dumps(place.codes["sa"])
    for content in (
        b'{"name": "x", "name": "y", "organisation": %s, "roles": []}' % code.encode(),
        b'{"name": "x", "n\\u0061me": "y", "organisation": %s, "roles": []}' % code.encode(),
        b'{"name": "x", "organisation": %s, "roles": [], "extra": {"a": 1, "a": 2}}' % code.encode(),
    ):
        answer = await place.as_("sa").post("/api/v1/people", content=content, headers=headers)
        assert answer.status_code == 422 and answer.json()["code"] == "W-BODY", content
    one = b'{"name": "x", "organisation": %s, "roles": ["bidder"]}' % code.encode()
    assert (
        await place.as_("sa").post("/api/v1/people", content=one, headers=headers)
    ).status_code == 201  # the control
    for query in ("limit=1&limit=2", "limit=1&%6Cimit=1"):
        answer = await place.as_("sa").get(f"/api/v1/people?{query}")
        assert answer.status_code == 422 and answer.json()["facts"]["why"] == "twice", query
    assert (await place.as_("sa").get("/api/v1/people?limit=1")).status_code == 200
