"""Organisations, people, tokens: the security administrator's desk, and everybody's own."""

from __future__ import annotations

from audit.canon import stamp
from trading import accounts
from trading.web import models as m
from trading.web.api import Answer, Call, operation


@operation("GET", "/whoami", answer=m.Whoami)
async def whoami(call: Call) -> m.Whoami:
    """Who this token speaks for."""
    c = call.caller
    return m.Whoami(role=m.RoleName(c.role), organisation=c.organisation, identity=c.identity, person=c.person)


@operation("GET", "/time", answer=m.Time)
async def get_time(call: Call) -> Answer:
    """What time it is in the log: a page counts down to a deadline by it, whatever its reader's own clock says."""
    clock = await call.platform.clock()
    return Answer(m.Time(time=stamp(clock.now()), factor=clock.factor), headers={"Cache-Control": "no-store"})


@operation("POST", "/organisations", body=m.NewOrganisation, answer=m.Organisation, status=201)
async def add_organisation(call: Call) -> m.Organisation:
    """Register an organisation by its unified social credit code."""
    new = call.taken(m.NewOrganisation)
    return m.Organisation(**await accounts.add_organisation(call.caller.actor, new.code, new.name, new.identity))


@operation("GET", "/organisations", query=m.Page, answer=m.Organisations)
async def list_organisations(call: Call) -> m.Organisations:
    """List organisations, by code."""
    items, following = await accounts.organisations(call.page.cursor, call.page.limit)
    return m.Organisations(items=[m.Organisation(**o) for o in items], next=following)


@operation("POST", "/people", body=m.NewPerson, answer=m.Person, status=201)
async def enrol_person(call: Call) -> m.Person:
    """Enrol a person with roles in one organisation."""
    new = call.taken(m.NewPerson)
    roles = [r.value for r in new.roles]
    return m.Person(**await accounts.enrol(call.caller.actor, new.name, new.organisation, roles))


@operation("GET", "/people", query=m.Page, answer=m.People)
async def list_people(call: Call) -> m.People:
    """List people and their roles."""
    items, following = await accounts.people(call.page.cursor, call.page.limit)
    return m.People(items=[m.Person(**p) for p in items], next=following)


@operation("POST", "/tokens", body=m.NewToken, answer=m.Token, status=201, keyed=False)
async def issue_token(call: Call) -> m.Token:
    """Issue a token for one role of a person; it is shown in this answer only."""
    new = call.taken(m.NewToken)
    return m.Token(**await accounts.issue_token(call.caller.actor, new.person, new.role.value, new.expires))


@operation("GET", "/tokens", query=m.Page, answer=m.Tokens)
async def list_tokens(call: Call) -> m.Tokens:
    """List tokens, without the tokens themselves."""
    items, following = await accounts.tokens(call.page.cursor, call.page.limit)
    return m.Tokens(items=[m.Token(**t) for t in items], next=following)


@operation("POST", "/tokens/{token}/revocation", answer=m.Token)
async def revoke_token(call: Call) -> Answer:
    """Revoke a token; it stops working within two seconds everywhere."""
    return Answer(m.Token(**await accounts.revoke_token(call.caller.actor, call.path["token"])))
