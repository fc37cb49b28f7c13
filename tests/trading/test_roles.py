"""The role matrix, cell by cell, against the real application: generated from `roles.toml`, nothing written twice."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.responses import Response
from starlette.routing import Route

from audit.act import pool
from tests.trading.town import ROLES, Town
from trading.law.regimes import WORKS
from trading.law.rulebook import pin
from trading.settings import Settings
from trading.web import pages
from trading.web.api import operations
from trading.web.app import create_app  # importing it declares the operations
from trading.web.doors import doors
from trading.web.models import RoleName
from trading.web.roles import STATES, Cell, Verdict, matrix, open_routes

PROJECT, TENDER = "2026-000001", "2026-000001-01@16"
TERMS = {
    "regime": "works", "method": "lowest-price/v1", "window": 1800, "baseline": 1, "direction": "buy", "currency": "CNY",
}  # fmt: skip
RULES = pin(WORKS, datetime.now(UTC)).data
BODIES: dict[str, Any] = {
    "change_project": {"title": "新名"},
    "add_lot": {"title": "标段", "baseline": 1},
}


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert operations.keys() | doors.keys() == matrix().keys()


async def test_what_is_no_operation_is_open_to_read_and_takes_nothing(place: Town) -> None:
    for path in sorted(open_routes()):
        path = re.sub(r"\{\w+(:path)?\}", "none", path)
        for who in ("public", "sa"):
            answer = await place.as_(who).get(path)
            assert answer.status_code < 500 and answer.status_code not in DENIED, (path, answer.status_code)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert (await place.as_("sa").request(method, path)).status_code == 405, (method, path)


def test_a_route_without_a_row_does_not_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pages.routes
    for extra in (Route("/secret", lambda _: Response()), Route("/secret", lambda _: Response(), methods=["POST"])):
        monkeypatch.setattr(pages, "routes", lambda configured, extra=extra: [*made(configured), extra])
        with pytest.raises(RuntimeError, match="secret"):
            create_app(settings, connected=True)


def test_a_door_or_an_operation_without_a_row_does_not_start_either(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the matrix does not name no test of it would ask for: so it is never served."""
    stray: tuple[tuple[Any, Any], ...] = ((doors, doors["me"]), (operations, operations["whoami"]))
    for known, one in stray:
        with monkeypatch.context() as patched:
            patched.setitem(known, "left_out", one)
            with pytest.raises(RuntimeError, match="left_out"):
                create_app(settings, connected=True)
            patched.delitem(known, "left_out")
            patched.delitem(known, one.name)
            with pytest.raises(RuntimeError, match=one.name):
                create_app(settings, connected=True)


def test_nobody_may_do_everything() -> None:
    for role in RoleName:
        denied = [name for name, row in matrix().items() if row.cells.get(role, Cell.DENY) is Cell.DENY]
        assert denied, role


def test_no_office_reads_a_bid_before_the_list_is_fixed() -> None:
    for name in ("list_own_deposits", "get_receipt", "get_upload", "list_registrations"):
        allowed = {role for role, cell in matrix()[name].cells.items() if cell is not Cell.DENY}
        assert allowed == {RoleName.BIDDER}
    for name in ("get_kit", "get_payload", "bring_payload"):
        assert not matrix()[name].states & {"named", "keyed", "announced", "shut"}


def test_custodians_keys_are_touched_by_custodians_only() -> None:
    for name in ("enrol_statement", "challenge_statement", "rehearse_statement", "list_custody"):
        assert set(matrix()[name].cells) == {RoleName.CUSTODIAN}


async def _set_the_stage(place: Town) -> None:
    """Everybody has a token, a stranger tenderee and agency too; one project with a tender of each state's name."""
    await place.everybody(TENDER)
    await place.enrol("tenderee2", "tenderee")
    await place.enrol("agency2", "agency")
    await place.take_seat("expert2", "2026-000002-01@16")
    await pool().execute(
        """INSERT INTO trading_project (id, number, organisation_id, agency_id, title, description, source, regime,
           direction, currency, created_at) VALUES ($1, 1, $2, $3, 't', '', '', 'works', 'buy', 'CNY', now())""",
        PROJECT, place.codes["tenderee"], place.codes["agency"],
    )  # fmt: skip
    await pool().execute(
        "INSERT INTO trading_lot (id, project_id, title, baseline) VALUES ($1, $2, 't', 1)", f"{PROJECT}-01", PROJECT
    )


async def _put_in_state(state: str) -> None:
    await pool().execute("DELETE FROM trading_tender")
    if state == "draft":
        return
    announced = state not in ("named", "keyed")
    await pool().execute(
        """INSERT INTO trading_tender (id, number, lot_id, state, named_at, keysets, announced_at, opens, terms, rulebook,
                                       ranking)
           VALUES ($1, 1, $2, $3::text, now(), '{}', CASE WHEN $4 THEN now() END,
                   CASE WHEN $4 THEN $3::text <> 'shut' END, $5::text::jsonb, $6, '[]')""",
        TENDER, f"{PROJECT}-01", state, announced, json.dumps(TERMS), RULES,
    )  # fmt: skip


def _request(name: str) -> tuple[str, str, dict[str, Any]]:
    o = operations[name]
    path = o.path
    for key, value in {
        "project": PROJECT, "tender": TENDER, "bid": "0" * 32, "manifest": "0" * 64, "statement": "0" * 64,
        "stage": "form", "upload": "0" * 32, "n": "0", "token": "none", "sha256": "0" * 64, "question": "0" * 32,
        "ban": "0" * 32, "remedy": "0" * 32, "label": "A", "reading": "0" * 32, "seat": "1",
        "person": "0" * 16, "recovery": "0" * 16, "proposal": "0" * 32,
    }.items():  # fmt: skip
        path = path.replace("{" + key + "}", value)
    more: dict[str, Any] = {}
    if o.body is not None:
        more["content"] = json.dumps(BODIES.get(name, {}))
        more["headers"] = {"Content-Type": "application/json"}
    if o.method == "PATCH":
        more.setdefault("headers", {})["If-Match"] = '"1"'
    return o.method, path, more


# What a cell says is decided before the body is read, but for the state, which is judged after it: operations whose
# body these tests do not know end at 422 where the matrix lets them pass.
HIDDEN = {404}
DENIED = {401, 403}


@pytest.mark.parametrize("object_", ["", "project", "tender"])
async def test_asvs_8_3_1_every_cell_is_what_the_guard_does(place: Town, object_: str) -> None:
    await _set_the_stage(place)
    names = [name for name, row in matrix().items() if row.object == object_ and name in operations]
    for state in STATES.get(object_, ("",)):
        if object_:
            await _put_in_state(state)
        for name in names:
            row = matrix()[name]
            method, path, more = _request(name)
            for who, role, own in _callers(object_):
                expected = row.judge(role, own=own, state=state)
                answer = await place.as_(who).request(method, path, **more)
                got, told = answer.status_code, f"{name} as {who} in {state or '-'}: {answer.text[:200]}"
                assert got < 500, told
                if expected is Verdict.DENY:
                    assert got == (401 if who == "public" else 403), told
                elif expected is Verdict.HIDE:
                    assert got == 404 and answer.json()["code"] == "W-UNKNOWN", told
                else:
                    assert got not in DENIED or answer.json()["code"] != "W-DENIED", told
                    if expected is Verdict.STATE and got != 422:
                        assert answer.json()["code"] == "W-STATE", told
                    if expected is Verdict.ALLOW and got >= 400 and got != 404:
                        assert answer.json()["code"] != "W-STATE", told
                    if object_ and method != "GET":
                        await _put_in_state(state)  # it may have had an effect


def _callers(object_: str) -> list[tuple[str, RoleName, bool]]:
    """(whose token, role, is the object its own)."""
    office = {"operator", "supervisor", "tenderee", "agency"}
    some = [("public", RoleName.PUBLIC, False)]
    some += [(role, RoleName(role), role in office) for role in ROLES]
    some += [("expert", RoleName.EXPERT, object_ == "tender")]
    if object_:
        some += [("expert2", RoleName.EXPERT, False)]
        some += [("tenderee2", RoleName.TENDEREE, False), ("agency2", RoleName.AGENCY, False)]
    return some


async def test_a_refused_look_at_the_deposits_is_a_record(place: Town) -> None:
    for role in ("operator", "supervisor"):
        await place.enrol(role, role)
        await place.call(role, "GET", f"/tenders/{TENDER}/bids", 403)
    noted = await pool().fetch("SELECT record, nonce FROM log_record WHERE type = 'reading-refused' ORDER BY id")
    assert [json.loads(row["record"])["role"] for row in noted] == ["operator", "supervisor"]
    assert all(row["nonce"] for row in noted)  # sealed: it is not told that anybody looked


def test_an_experts_token_opens_the_panels_doors_and_nothing_else() -> None:
    """Scores, bids and drafts are a seat's alone, whatever office somebody holds; and no seat acts for anybody else."""
    desk = {name for name, o in operations.items() if o.path.startswith("/api/v1/panel") and name != "check_in"}
    assert len(desk) == 13
    for name in desk:
        assert set(matrix()[name].cells) == {RoleName.EXPERT}
    for name, row in matrix().items():
        cell = row.cells.get(RoleName.EXPERT, Cell.DENY)
        if name not in desk and name in operations and cell is not Cell.DENY:
            assert operations[name].method == "GET", name
        if row.object == "tender":
            assert cell in (Cell.DENY, Cell.OWN), name
