"""Every form, page and script's request behind a door, with a session of each role: whatever is sent, no answer is a 5xx.

What is sent is thought up once (hypothesis, one seed) and is the same for all roles; fields are those that the pages' own
code asks for. `tests/trading/test_fuzz.py` does the same to the API.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypotheses
from hypothesis import strategies as st

from audit.act import pool
from tests.security.browsers import SITE, Browser, Clock, come_in
from tests.trading.town import ROLES, Town
from trading.web import app
from trading.web.doors import Opening, doors
from trading.web.origin import TOKEN
from trading.web.roles import open_routes

EXAMPLES = 5
"""Of each door with each role."""
FIELDS = sorted(
    {
        name
        for page in app.PAGES
        for name in re.findall(r"(?:form|json)\.(?:get|pop)\(\"(\w+)\"", inspect.getsource(page))
    }
    | {"next", "mail.receipt", "sms.deadline-24h"}
)
NASTY = (
    "", "0", "-1", "1" * 400, "９９", "１２３４５６", "null", "\ud7ff", "\ufffe", "a\tb", "\r\nX: y", "' OR 1=1 --",
    "{{7*7}}", "../../etc/passwd", "%00", "\u202ewang", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "wang@example.cn", "+8613912345678", "mail", "sms", "yes", "2026-000001-01@1",
    "2026-000001-01@" + "9" * 40, "A" * 9000, "0" * 32, "0" * 64, "/\\evil.example", "\U0001f600",
)  # fmt: skip
PATHS = (*NASTY[2:], "\x00", "\udcff", "a/b")
SAFE_LAST = ("signout", "me_end_session", "me_end_others", "me_end_credential", "me_act_as")


def _texts() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(NASTY), st.text(max_size=40))


Asked = list[tuple[str, Any]]
"""What is asked of a door: (path with its query, body)."""


def _thought_up(opening: Opening) -> Asked:
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _texts())
    anything = st.recursive(leaves, lambda one: st.lists(one, max_size=3) | st.dictionaries(_texts(), one, max_size=3))
    known = ["id", "rawId", "response", "type", "clientDataJSON", "authenticatorData", "signature", "attestationObject"]
    bodies = st.dictionaries(st.sampled_from([*FIELDS, *known]), anything, max_size=6)
    forms = st.dictionaries(st.sampled_from(FIELDS), _texts(), max_size=8)
    values = st.one_of(st.sampled_from(PATHS), st.text(max_size=20))
    parts = dict.fromkeys(re.findall(r"\{(\w+)\}", opening.path), values)
    queries = st.dictionaries(st.sampled_from(["next", "lang", "cursor", "x"]), _texts(), max_size=2)
    made: Asked = []

    @seed(20261130)
    @hypotheses(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(path=st.fixed_dictionaries(parts), body=bodies if opening.machine else forms, query=queries)
    def keep(path: dict[str, str], body: Any, query: dict[str, str]) -> None:
        where = opening.path
        for part, value in path.items():
            where = where.replace("{" + part + "}", quote(value, safe="", errors="surrogatepass"))
        asked = "&".join(f"{key}={quote(value, errors='replace')}" for key, value in query.items())
        made.append((f"{where}?{asked}" if asked else where, body))

    keep()
    # what a person could take for nothing, in each part of the path by itself
    for nasty in PATHS if parts else ():
        filled = re.sub(r"\{\w+\}", lambda _, nasty=nasty: quote(nasty, safe="", errors="surrogatepass"), opening.path)  # type: ignore[misc]
        made.append((filled, {}))
    return made


@pytest.fixture(scope="module")
def thought_up() -> dict[str, Asked]:
    assert len(FIELDS) > 15, FIELDS
    return {name: _thought_up(one) for name, one in doors.items() if not one.demo}


async def _send(browser: Browser, opening: Opening, token: str, path: str, body: Any) -> Any:
    headers = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
    if opening.method == "GET":
        return await browser.http.get(path)
    if opening.report:
        return await browser.http.post(path, content=_json(body), headers={"Content-Type": "application/csp-report"})
    if opening.machine:
        headers |= {TOKEN: token, "Content-Type": "application/json"}
        return await browser.http.post(path, content=_json(body), headers=headers)
    form = {key: value.encode("utf-8", "replace") for key, value in body.items()} | {"form_token": token}
    return await browser.http.post(path, data=form, headers=headers)


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=True).encode()


@pytest.mark.slow
async def test_no_form_of_any_role_is_answered_by_a_5xx(
    place: Town, thought_up: dict[str, Asked], caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(place)
    inside: set[str] = set()
    order = sorted(thought_up, key=lambda name: (SAFE_LAST.index(name) if name in SAFE_LAST else -1, name))
    for number, role in enumerate(["nobody", *ROLES]):
        address = f"198.51.100.{number + 1}"
        if role == "nobody":
            browser = Browser(place, address)
            await browser.get("/signin")
        else:
            browser, _ = await come_in(place, f"{role}.form", role, clock, address)
            await browser.get("/signout")
        token, cookies = browser.token, dict(browser.http.cookies)
        for name in order:
            for path, body in thought_up[name]:
                place.app.state.door.lockout = type(place.app.state.door.lockout)()
                browser.http.cookies.clear()
                browser.http.cookies.update(cookies)
                answer = await _send(browser, doors[name], token, path, body)
                told = f"{doors[name].method} {path!r} {body!r} as {role}: {answer.status_code} {answer.text[-600:]}"
                assert answer.status_code < 500 or answer.status_code == 503, f"{told}\n{caplog.text[-3000:]}"
                assert name in SAFE_LAST or "did not come from a page" not in answer.text, told
                if role != "nobody" and name == "me" and answer.status_code == 200:
                    inside.add(role)
    assert inside == set(ROLES), "each was really inside"
    assert await pool().fetchval("SELECT count(*) FROM trading_session WHERE ended_at IS NOT NULL") > 0


QUERIES = ("q", "cursor", "after", "limit", "lang", "by", "from", "to", "of", "kind", "regime", "region", "start", "end",
           "key", "source", "form", "manifest", "seen", "x")  # fmt: skip


@pytest.mark.slow
async def test_no_open_page_is_answered_by_a_5xx(place: Town, caplog: pytest.LogCaptureFixture) -> None:
    """The same words in every part of the path and every question that a page of ours could be asked."""
    client, asked = place.as_("public"), 0
    for path in sorted(open_routes()):
        whole = [re.sub(r"\{\w+(:path)?\}", "none", path)]
        if "{" in path:
            whole = [
                re.sub(r"\{\w+(:path)?\}", lambda _, one=one: quote(one, safe="", errors="surrogatepass"), path)  # type: ignore[misc]
                for one in PATHS
            ]
        else:
            whole += [f"{path}?{name}={quote(one, errors='replace')}" for name in QUERIES for one in NASTY[1::3]]
            whole += [f"{path}?{'&'.join(f'{name}=1' for name in QUERIES)}", f"{path}?%00=%ff&=&&a", f"{path}?q=%00"]
        for one in whole:
            answer = await client.get(one)
            told = f"{one!r}: {answer.status_code} {answer.text[-300:]}\n{caplog.text[-3000:]}"
            assert answer.status_code < 500 or (answer.status_code == 503 and path in NOT_YET), told
            asked += 1
    assert asked > 3000


NOT_YET = frozenset({"/log/checkpoint", "/readyz", "/events", "/disclosures"})
"""Before the first beat there is nothing to give."""
