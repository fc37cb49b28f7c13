"""`/b/org`: what the platform knows of a bidder's organisation, who acts for it, how a colleague is let in. No script."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.responses import Response

from audit.act import pool
from audit.refusal import Refused
from trading import bans, colleagues, credit_code, own_bids
from trading.accounts import Caller
from trading.messages import say
from trading.web.doors import Visit, door

PAGE = "/b/org"


def _caller(visit: Visit) -> Caller:
    """Whose desk this is. Refused: W-SESSION: a machine's token has none, and lets nobody in."""
    assert visit.session.role == "bidder"
    return visit.caller


async def _company(visit: Visit) -> dict[str, Any]:
    """Name, code and standing."""
    code = _caller(visit).organisation or ""
    row = await pool().fetchrow("SELECT code, name, identity, added_at FROM trading_organisation WHERE code = $1", code)
    assert row is not None
    banned = ""
    try:
        await bans.admit(code)
    except Refused as no:
        banned = say(no.code, visit.screen.lang, **no.facts)
    return {**dict(row), "banned": banned, "parts": credit_code.parts(code), "counted": credit_code.count(code)}


async def _show(visit: Visit, error: Refused | None = None, made: dict[str, Any] | None = None) -> Response:
    company, people = await _company(visit), await colleagues.of(_caller(visit))
    return visit.page(
        "bidder/org.html", error=error, company=company, people=people, keys=await own_bids.keys(visit.caller),
        here=visit.session.person, made=made, fresh=visit.caller.fresh, longest=colleagues.LONGEST,
    )  # fmt: skip


async def _answered(visit: Visit, kind: str, act: Awaitable[dict[str, Any]]) -> Response:
    """The page with the code that an act made, which stands in this answer and nowhere else; or with why there is none."""
    try:
        made = await act
    except Refused as no:
        return await _show(visit, no)
    return await _show(visit, made={**made, "kind": kind})


@door("GET", PAGE)
async def b_org(visit: Visit) -> Response:
    """The organisation: its name and code, its people, its keys and their certificates."""
    return await _show(visit)


@door("POST", f"{PAGE}/people")
async def b_org_add(visit: Visit) -> Response:
    """Let a colleague in."""
    name = visit.form.get("name", "")
    return await _answered(visit, "invitation", colleagues.invite(visit.platform, _caller(visit), name))


@door("POST", PAGE + "/people/{person}/code")
async def b_org_again(visit: Visit) -> Response:
    """A new code for a colleague who never came in."""
    person = visit.request.path_params["person"]
    return await _answered(visit, "invitation", colleagues.again(visit.platform, _caller(visit), person))


@door("POST", PAGE + "/people/{person}/recovery")
async def b_org_recover(visit: Visit) -> Response:
    """Propose that a colleague gets in again: half of a code."""
    person = visit.request.path_params["person"]
    return await _answered(visit, "recovery", colleagues.recover(visit.platform, _caller(visit), person))
