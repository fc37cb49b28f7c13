"""Identities, and the custodian's desk: statements, rehearsals, what is due, kits, releases."""

from __future__ import annotations

from starlette.responses import Response

from audit.canon import unb64
from trading import identities, kits, opening
from trading.web import models as m
from trading.web import models_custody as c
from trading.web.api import LARGE, Answer, Call, operation


@operation("POST", "/identities", body=m.NewIdentity, answer=m.Recorded, status=201)
async def vouch_identity(call: Call) -> m.Recorded:
    """Publish an authority's vouching for an identity key (envelope.md §2)."""
    new = call.taken(m.NewIdentity)
    fields = new.model_dump(by_alias=True, exclude={"sig"})
    sig = [s.plain() for s in new.sig]
    return m.Recorded(**await identities.vouch(call.platform, call.caller, fields, sig))


@operation("POST", "/statements", body=c.NewStatement, answer=c.Statement, status=201)
async def enrol_statement(call: Call) -> c.Statement:
    """Register a custodian's encryption key by its signed statement."""
    new = call.taken(c.NewStatement)
    sig = [s.plain() for s in new.sig]
    return c.Statement(**await identities.enrol_statement(call.platform, call.caller, unb64(new.statement), sig))


@operation("GET", "/statements/{statement}", answer=c.Statement)
async def get_statement(call: Call) -> c.Statement:
    """Whether a statement is registered and rehearsed."""
    return c.Statement(**await identities.read_statement(call.path["statement"]))


@operation("POST", "/statements/{statement}/challenge", answer=c.Challenge, status=201, keyed=False)
async def challenge_statement(call: Call) -> c.Challenge:
    """Seal 32 random bytes to the statement's key, for a rehearsal."""
    return c.Challenge(**await identities.challenge(call.caller, call.path["statement"]))


@operation("POST", "/statements/{statement}/rehearsal", body=c.NewRehearsal, answer=m.Recorded, status=201)
async def rehearse_statement(call: Call) -> m.Recorded:
    """Answer the challenge: proof that the key opens, recorded with r."""
    new = call.taken(c.NewRehearsal)
    sig = [s.plain() for s in new.sig]
    who, statement = call.caller, call.path["statement"]
    return m.Recorded(**await identities.rehearse(call.platform, who, statement, new.challenge, new.proof, sig))


@operation("GET", "/custody", answer=c.Custody)
async def list_custody(call: Call) -> c.Custody:
    """The boxes this custodian guards, and what is due."""
    return c.Custody(items=[c.CustodyItem(**one) for one in await opening.custody(call.caller)])


@operation("GET", "/tenders/{tender}/kits/{stage}", query=m.Seen, media="application/zip")
async def get_kit(call: Call) -> Answer:
    """What a custodian's tool computes the list from (envelope.md §6), as a zip in the archive layout."""
    assert isinstance(call.query, m.Seen)
    data = await kits.custodian_kit(call.platform, call.path["tender"], call.path["stage"], call.query.seen)
    return Answer(response=Response(data, media_type="application/zip"))


@operation("GET", "/tenders/{tender}/payloads/{manifest}", media="application/octet-stream")
async def get_payload(call: Call) -> Answer:
    """A listed payload after the closing: custodians keep stage `form`, the supervisor's store the larger stages."""
    response = await kits.payload(call.platform, call.path["tender"], call.path["manifest"])
    return Answer(response=response)


@operation("POST", "/tenders/{tender}/releases", body=c.NewRelease, answer=m.Recorded, status=201, limit=LARGE)
async def release(call: Call) -> m.Recorded:
    """Hand in a custodian's release; whoever brings it, its signature decides."""
    new = call.taken(c.NewRelease)
    sig = [s.plain() for s in new.sig]
    who, tender = call.caller, call.path["tender"]
    return m.Recorded(**await opening.release(call.platform, who, tender, new.stage, unb64(new.release), sig))
