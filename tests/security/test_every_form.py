"""What each door promises by itself, made from the doors: forged for none, asked again where it matters, one's own alone.

The ids are those of OWASP ASVS 5.0.0. A door that is added is tried here without anybody's thinking of it.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from pydantic import BaseModel

from audit.act import pool
from tests.security.browsers import SITE, Browser, Clock, come_in
from tests.security.test_forms import FORGED
from tests.trading.town import Town
from trading.web import app as _app
from trading.web.api import operations
from trading.web.doors import doors
from trading.web.models import RoleName
from trading.web.origin import TOKEN
from trading.web.roles import Cell, Verdict, matrix

assert _app.PAGES
FORMS = {name: one for name, one in doors.items() if one.method != "GET" and not one.demo and not one.report}
NEEDLESS = {"csp_report"}
"""Doors that no session speaks for and that change nothing: a browser's own reports."""


def test_every_door_that_changes_something_is_among_those_tried() -> None:
    posts = {name for name, one in doors.items() if one.method != "GET" and not one.demo}
    assert posts - NEEDLESS == FORMS.keys() and len(FORMS) > 25


async def _post(browser: Browser, name: str, token: str, headers: dict[str, str]) -> Any:
    one = FORMS[name]
    path = re.sub(r"\{\w+\}", "0" * 20, one.path)
    if one.machine:
        given = {TOKEN: token} if token else {}
        return await browser.http.post(path, json={}, headers={**headers, **given})
    return await browser.http.post(path, data={"form_token": token} if token else {"x": "y"}, headers=headers)


async def test_asvs_3_5_1_no_form_of_ours_is_filled_in_by_another_site(place: Town) -> None:
    """Each form as a bidder signed in: from elsewhere, from nowhere, without its token, with another's; and, as the control,
    from our page."""
    clock = Clock(place)
    browser, _ = await come_in(place, "wang", "bidder", clock)
    other, _ = await come_in(place, "li", "bidder", clock, "203.0.113.9")
    cookies = dict(browser.http.cookies)
    before = await pool().fetchval("SELECT count(*) FROM log_record")
    ours = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
    tried = 0
    for name in FORMS:
        row = matrix()[name]
        if row.judge(RoleName.BIDDER) is Verdict.DENY:
            continue
        for headers, token in (
            *((headers, browser.token) for headers in FORGED), (ours, ""), (ours, "0" * 64), (ours, other.token),
        ):  # fmt: skip
            answer = await _post(browser, name, token, headers)
            assert answer.status_code == 403, (name, headers, token, answer.status_code)
            assert answer.headers["content-type"].startswith(
                "application/problem" if FORMS[name].machine else "text/html"
            )
            tried += 1
    assert tried > 200 and await pool().fetchval("SELECT count(*) FROM log_record") == before
    assert dict(browser.http.cookies) == cookies
    await browser.get("/me")
    passed = 0
    for name in sorted(FORMS, key=lambda one: (one == "signout", one)):
        if matrix()[name].judge(RoleName.BIDDER) is Verdict.DENY or name == "me_act_as":
            continue
        answer = await _post(browser, name, browser.token, ours)
        assert "did not come from a page" not in answer.text, name
        passed += 1
    assert passed > 25


def test_asvs_3_5_1_one_click_of_a_demonstration_is_not_forged_either() -> None:
    """Tried in tests/security/test_one_click.py, where such doors exist; there is no other one here."""
    assert {name for name, one in doors.items() if one.demo and one.method != "GET"} == {"demo_as"}


async def test_asvs_7_5_1_ways_to_sign_in_change_after_a_new_proof_alone(place: Town) -> None:
    """A thief with an open session, an hour later, changes no password, adds no passkey, ends none, approves nothing."""
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    token = browser.token
    await pool().execute("UPDATE trading_session SET fresh_at = clock_timestamp() - interval '1 hour'")
    ours = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
    before = await pool().fetch("SELECT * FROM trading_credential ORDER BY id")
    stale = {name for name, row in matrix().items() if row.fresh and name in doors}
    credentials = {name for name in doors if re.match(r"me_(password|generator|ask_passkey|add_|end_credential)", name)}
    assert credentials <= stale and {"me_approve", "invited_join"} <= stale
    for name in sorted(stale):
        one = doors[name]
        if one.method == "GET":
            answer = await browser.http.get(one.path)
            assert answer.status_code == 303 and answer.headers["location"].startswith("/signin/again"), name
            continue
        answer = await _post(browser, name, token, ours)
        asked = answer.headers.get("location", "").startswith("/signin/again") or "W-FRESH" in answer.text
        assert asked, (name, answer.status_code)
    assert await pool().fetch("SELECT * FROM trading_credential ORDER BY id") == before
    await pool().execute("UPDATE trading_session SET fresh_at = clock_timestamp()")  # the control
    assert (await browser.http.get("/me/password")).status_code == 200


# -------------------------------------------------------------------------------------------------- bodies of the API


def _strict(model: type[BaseModel], seen: set[type[BaseModel]]) -> list[type[BaseModel]]:
    """A model and every model within its fields."""
    if model in seen:
        return []
    seen.add(model)
    found = [model]
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            found += _strict(inner, seen)
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in getattr(annotation, "__args__", ()) for one in _models(part)]


def test_asvs_15_3_3_no_model_takes_a_field_that_was_not_asked_for() -> None:
    """Every model of every body and query, with the models within."""
    found: list[type[BaseModel]] = []
    seen: set[type[BaseModel]] = set()
    for one in operations.values():
        for model in (one.body, one.query):
            if model is not None:
                found += _strict(model, seen)
    loose = [model.__name__ for model in found if model.model_config.get("extra") != "forbid"]
    assert len(found) > 60 and loose == []

    class Careless(BaseModel):
        name: str

    assert [one for one in _strict(Careless, set()) if one.model_config.get("extra") != "forbid"]  # the control


async def test_asvs_15_3_3_nobody_makes_himself_more_than_he_is(place: Town) -> None:
    """Fields that exist in the tables and in no form: an owner, a state, a role, an id, a hash of a password."""
    await place.enrol("wang", "tenderee")
    body = {"title": "新建大道", "regime": "source-law", "direction": "buy"}
    for extra in ("id", "organisation", "organisation_id", "state", "created_at", "number", "version", "announced_at"):
        answer = await place.as_("wang").post("/api/v1/projects", json=body | {extra: "x"})
        assert answer.status_code == 422 and answer.json()["facts"]["at"] == extra, extra
    person = {"name": "x", "organisation": place.codes["wang"], "roles": ["bidder"]}
    for extra in ("account", "account_id", "password", "is_admin", "id", "restricted"):
        assert (await place.as_("sa").post("/api/v1/people", json=person | {extra: True})).status_code == 422
    assert (await place.as_("wang").post("/api/v1/projects", json=body)).status_code == 201  # the control


async def test_asvs_2_2_2_the_server_validates_whatever_a_page_would(place: Town) -> None:
    """Each operation with a body, as a role that may call it: what no page of ours would send is refused with its place."""
    await place.everybody()
    tried = 0
    for name, one in operations.items():
        row = matrix()[name]
        if one.body is None or row.object or all(not field.is_required() for field in one.body.model_fields.values()):
            continue
        who = next(role.value for role, cell in row.cells.items() if cell is not Cell.DENY)
        path = re.sub(r"\{(\w+)\}", lambda part: {"tender": "x@1", "label": "A", "seat": "1", "n": "1"}.get(
            part[1], "0" * (64 if part[1] in ("statement", "manifest", "sha256") else 32)), one.path)  # fmt: skip
        for wrong in (
            [],
            "text",
            None,
            {},
            {field: {"x": []} for field in one.body.model_fields},
            {"x": 1e400},
        ):
            headers = {"If-Match": '"1"'} if one.method == "PATCH" else {}
            content = secrets.token_bytes(8) if wrong is None else json.dumps(wrong).encode()
            headers["Content-Type"] = "application/json"
            answer = await place.as_(who).request(one.method, path, content=content, headers=headers)
            assert answer.status_code in (404, 422), (name, wrong, answer.status_code, answer.text[:300])
            if answer.status_code == 422:
                assert answer.json()["code"] == "W-BODY", name
            tried += 1
    assert tried > 100


# ---------------------------------------------------------------------------------------------- whose things they are


async def test_asvs_8_2_2_nobody_reads_or_changes_what_is_anothers(place: Town) -> None:
    """Wang's paper, upload, session, project and recovery, asked for by Li of the same role under their right names."""
    clock = Clock(place)
    wang, _ = await come_in(place, "wang", "bidder", clock)
    li, _ = await come_in(place, "li", "bidder", clock, "203.0.113.9")
    for name in ("zhang", "zhao"):
        await place.enrol(name, "tenderee")
    paper = await place.as_("wang").post(
        "/api/v1/papers", content=b"%PDF-", headers={"Content-Type": "application/pdf"}
    )
    sha = paper.json()["sha256"]
    project = await place.call(
        "zhang", "POST", "/projects", 201, {"title": "草稿", "regime": "source-law", "direction": "buy"}
    )
    session = await pool().fetchval(
        """SELECT s.id FROM trading_session s JOIN trading_person p ON p.id = s.person_id
           WHERE p.name = 'wang' AND s.ended_at IS NULL""",
    )
    token = (await place.call("wang", "GET", "/whoami", 200))["person"]
    attacks: list[tuple[str, str, str, Any]] = [
        ("li", "GET", f"/api/v1/papers/{sha}", None),
        ("zhao", "GET", f"/api/v1/projects/{project['id']}", None),
        ("zhao", "PATCH", f"/api/v1/projects/{project['id']}", {"title": "mine"}),
        ("zhao", "POST", f"/api/v1/projects/{project['id']}/lots", {"title": "mine", "baseline": 1}),
        ("public", "GET", f"/api/v1/projects/{project['id']}", None),
    ]
    for who, method, path, body in attacks:
        answer = await place.as_(who).request(method, path, json=body, headers={"If-Match": '"1"'})
        assert answer.status_code == 404, (who, method, path, answer.status_code, answer.text)
    answer = await li.post(f"/me/sessions/{session}/end", {"form_token": li.token})
    assert answer.status_code == 404
    assert (await wang.http.get("/me")).status_code == 200  # it goes on
    assert (await place.as_("li").post(f"/api/v1/people/{token}/invitation")).status_code == 403
    assert (await place.as_("wang").get(f"/api/v1/papers/{sha}")).status_code == 200  # the controls
    assert (await place.as_("zhang").get(f"/api/v1/projects/{project['id']}")).status_code == 200
    assert (await wang.post(f"/me/sessions/{session}/end", {"form_token": wang.token})).status_code == 303
