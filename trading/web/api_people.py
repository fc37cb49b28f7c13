"""People and what they may: invitations, recoveries, roles; and acts that take two people, over the API as on a page."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from audit.refusal import Refused
from trading import accounts, approvals, invitations
from trading.web import guard
from trading.web import models as m
from trading.web import models_people as p
from trading.web.api import Answer, Call, operation, operations
from trading.web.models import RoleName
from trading.web.roles import Verdict, matrix


@operation("POST", "/people/{person}/invitation", answer=p.Code, status=201, keyed=False)
async def invite_person(call: Call) -> p.Code:
    """Invite a person to choose how to sign in; the code is shown in this answer only, and ends the one before it."""
    settings, caller = call.platform.settings, call.caller
    return p.Code(**await invitations.invite(settings, caller.actor, caller.person or "", call.path["person"]))


@operation("PUT", "/people/{person}/roles", body=p.NewRoles, answer=m.Person)
async def change_roles(call: Call) -> m.Person:
    """Give a person these roles and no others; its sessions and tokens of a role that is taken away end."""
    roles = [r.value for r in call.taken(p.NewRoles).roles]
    return m.Person(**await accounts.change_roles(call.caller.actor, call.path["person"], roles))


@operation("POST", "/people/{person}/sessions/end", status=204, keyed=False)
async def end_sessions(call: Call) -> Answer:
    """End every session of a person's account. How many there were is not said: it would tell who is at work."""
    await invitations.end_sessions(call.caller, call.path["person"])
    return Answer()


@operation("POST", "/people/{person}/recovery", answer=p.Code, status=201, keyed=False)
async def propose_recovery(call: Call) -> p.Code:
    """Begin to give somebody an account back, as a colleague or an administrator: one half of the code."""
    return p.Code(**await invitations.propose_recovery(call.platform.settings, call.caller, call.path["person"]))


@operation("GET", "/recoveries", answer=p.Recoveries)
async def list_recoveries(call: Call) -> p.Recoveries:
    """Recoveries that wait for their second half."""
    return p.Recoveries(items=[p.Recovery(**one) for one in await invitations.recoveries()])


@operation("POST", "/recoveries/{recovery}/approval", answer=p.Code, status=201, keyed=False)
async def approve_recovery(call: Call) -> p.Code:
    """Approve a recovery somebody else proposed: the other half of the code."""
    return p.Code(**await invitations.approve_recovery(call.caller, call.path["recovery"]))


@operation("GET", "/session", answer=m.Whoami)
async def get_session(call: Call) -> m.Whoami:
    """Who is signed in, as what; the page's scripts look here whether it still lasts. Refused: W-SESSION."""
    c = call.caller
    if c.session is None:
        raise Refused("W-SESSION")
    return m.Whoami(role=RoleName(c.role), organisation=c.organisation, identity=c.identity, person=c.person)


# --------------------------------------------------------------------------------------------- acts that take two people


def shown(one: approvals.Proposal) -> p.Proposal:
    """A proposal as the API gives it."""
    fields: dict[str, Any] = {key: value for key, value in vars(one).items() if key != "path"}
    return p.Proposal(**{**fields, "body": json.loads(one.body or "null")})


async def place_of(call: Call, one: approvals.Proposal) -> guard.Ground | None:
    """What a proposal is about, if the caller could ask for the same; None: it could not."""
    row = matrix()[one.operation]
    try:
        place = await guard.ground_at(row, one.path)
    except Refused:
        return None
    assert place is not None
    verdict = row.judge(RoleName(call.caller.role), own=place.owned_by(call.caller), state=place.state)
    return place if verdict in (Verdict.ALLOW, Verdict.STATE) else None


@operation("GET", "/proposals", answer=p.Proposals)
async def list_proposals(call: Call) -> p.Proposals:
    """What waits for a second person: one's own, and what one could approve."""
    found = [one for one in await approvals.waiting() if await place_of(call, one) is not None]
    return p.Proposals(items=[shown(one) for one in found])


@operation("POST", "/proposals/{proposal}/approval", answer=p.Approved, status=201)
async def approve_proposal(call: Call) -> Answer:
    """Approve what another person proposed; it runs at once, as that one asked for it."""
    return Answer(await approve(call, call.path["proposal"]))


async def approve(call: Call, proposal: str) -> p.Approved:
    """Approve and carry out. Refused: W-UNKNOWN (also: could not ask for the same), W-STATE, T-TWO, and whatever the act
    refuses."""
    waiting = await approvals.get(proposal)
    place = await place_of(call, waiting)
    if place is None:
        raise Refused("W-UNKNOWN")
    operation, row = operations[waiting.operation], matrix()[waiting.operation]
    guard.stands(row, call.caller, place)
    found, proposer = await approvals.approve(call.caller, proposal)
    inner = Call(call.request, call.platform, proposer, place, found.path, lang=call.lang)
    if operation.body is not None:
        inner.body = operation.body.model_validate_json(found.body)
    given = await operation.handler(inner)
    value = given.value if isinstance(given, Answer) else given
    assert value is None or isinstance(value, BaseModel)
    plain = None if value is None else value.model_dump(mode="json", by_alias=True)
    return p.Approved(proposal=shown(found), answer=plain)


@operation("POST", "/proposals/{proposal}/withdrawal", answer=p.Proposal, status=201)
async def withdraw_proposal(call: Call) -> p.Proposal:
    """Take back what one proposed oneself."""
    return shown(await approvals.withdraw(call.caller, call.path["proposal"]))


async def proposed(call: Call, name: str, raw: bytes) -> Response:
    """Keep a request of an operation that takes two people: 202, and the proposal."""
    made = await approvals.propose(
        call.platform.settings, call.caller, name, call.path["tender"], dict(call.path), raw.decode()
    )
    data = shown(made).model_dump_json().encode()
    headers = {"Cache-Control": "no-store", "Location": f"/api/v1/proposals/{made.id}/approval"}
    return Response(data, 202, headers, "application/json")
