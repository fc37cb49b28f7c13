"""Panels: asking for one, the parties' nonces, counts of one size, the door list, removals, names once they are public."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel
from starlette.responses import Response

from audit.canon import b64, unb64
from audit.refusal import Refused
from experts.draw import read_need
from trading import convening
from trading.web import models as m
from trading.web import models_panels as p
from trading.web.api import Answer, Call, operation

BLOCK = 4096
"""Bytes of every answer about a panel that runs: nobody learns from its length how far it is."""
SEALED_BLOCK = 32768
"""Bytes of every answer about a reading, whether it has been answered or not."""


def one_size(value: BaseModel, block: int = BLOCK, status: int = 200) -> Answer:
    """The answer as JSON, filled with spaces to a block; a loud mistake of ours if it does not fit."""
    data = value.model_dump_json(by_alias=True).encode()
    if len(data) > block:
        raise RuntimeError(f"{type(value).__name__} of {len(data)} bytes in a block of {block}")
    return Answer(response=Response(data.ljust(block), status, {"Cache-Control": "no-store"}, "application/json"))


@operation("POST", "/tenders/{tender}/panel", body=p.NewPanel, answer=p.Convened, status=201)
async def convene_panel(call: Call) -> p.Convened:
    """Ask for a panel that is drawn by lot; from now on its seats alone enter score sheets."""
    new = call.taken(p.NewPanel)
    try:
        need = read_need([one.model_dump() for one in new.need])
    except ValueError:
        raise Refused("E-DRAW-NEED") from None
    wanted = convening.Wanted(
        need, new.representatives, new.meets, tuple(new.parties), new.wording.model_dump(), new.region, new.special,
        None if new.reveal_within is None else timedelta(seconds=new.reveal_within),
    )  # fmt: skip
    return p.Convened(**await convening.convene(call.platform, call.caller, call.path["tender"], wanted))


@operation("GET", "/tenders/{tender}/panel", answer=p.Panel)
async def get_panel(call: Call) -> Answer:
    """How far the panel is, in counts: the same keys and the same size whatever has happened."""
    return one_size(p.Panel(**await convening.shown(call.path["tender"])))


# ------------------------------------------------------------------------------------------------- the parties' nonces


@operation("GET", "/draws", answer=p.Draws)
async def list_draws(call: Call) -> p.Draws:
    """Draws that wait for a party's nonce, from public records."""
    return p.Draws(items=[p.Draw(**one) for one in await convening.draws()])


@operation("POST", "/tenders/{tender}/panel/commitments", body=p.SignedObject, answer=m.Recorded, status=201)
async def commit_nonce(call: Call) -> m.Recorded:
    """A party's commitment to its nonce: its signature decides, not who brings it."""
    new = call.taken(p.SignedObject)
    sig = [one.plain() for one in new.sig]
    return m.Recorded(**await convening.commit(call.platform, call.caller, call.path["tender"], unb64(new.object), sig))


@operation("POST", "/tenders/{tender}/panel/reveals", body=p.SignedObject, answer=m.Recorded, status=201)
async def reveal_nonce(call: Call) -> m.Recorded:
    """A party's nonce, once all have committed: its signature decides, not who brings it."""
    new = call.taken(p.SignedObject)
    sig = [one.plain() for one in new.sig]
    return m.Recorded(**await convening.reveal(call.platform, call.caller, call.path["tender"], unb64(new.object), sig))


@operation("GET", "/tenders/{tender}/panel/draft", answer=p.PanelDraft)
async def get_panel_draft(call: Call) -> p.PanelDraft:
    """What an authority is asked to approve: from the third attempt of a draw on."""
    found = await convening.draft(call.path["tender"])
    return p.PanelDraft(attempt=found["attempt"], draft=b64(found["draft"]))


@operation("POST", "/tenders/{tender}/panel/approvals", body=p.Approval, answer=p.PanelApproved, status=201)
async def approve_attempt(call: Call) -> p.PanelApproved:
    """An authority's approval of a further attempt: its signature decides, not who brings it."""
    sig = [one.plain() for one in call.taken(p.Approval).sig]
    return p.PanelApproved(attempt=await convening.approve(call.platform, call.path["tender"], sig))


# ------------------------------------------------------------------------------------------------------------ the door


@operation("POST", "/tenders/{tender}/panel/readings", body=p.NewReading, answer=p.Reading, status=201)
async def read_panel(call: Call) -> Answer:
    """Ask for the names: the reading is recorded before it is answered, and answered to this key alone."""
    new, tender = call.taken(p.NewReading), call.path["tender"]
    approvals = [one.plain() for one in new.approvals]
    made = await convening.read_names(call.platform, call.caller, tender, unb64(new.key), approvals)
    return one_size(await _reading(call, made), SEALED_BLOCK, 201)


@operation("GET", "/tenders/{tender}/panel/readings/{reading}", answer=p.Reading)
async def get_reading(call: Call) -> Answer:
    """One's own reading: the sealed list, once the dispatcher has answered."""
    return one_size(await _reading(call, call.path["reading"]), SEALED_BLOCK)


async def _reading(call: Call, id: str) -> p.Reading:
    found = await convening.reading(call.caller, call.path["tender"], id)
    sealed = found.pop("sealed")
    return p.Reading(**found, sealed=None if sealed is None else b64(bytes(sealed)))


@operation("GET", "/tenders/{tender}/panel/seats/{seat}", answer=p.PanelSeat)
async def get_panel_seat(call: Call) -> Answer:
    """Under which leaf a seat is held: what an authority signs to take its member away."""
    return one_size(p.PanelSeat(**await convening.seat(call.path["tender"], int(call.path["seat"]))))


@operation("POST", "/tenders/{tender}/panel/removals", body=p.NewRemoval, answer=m.Recorded, status=201)
async def remove_member(call: Call) -> m.Recorded:
    """An authority takes a member away; the next in order is called."""
    new = call.taken(p.NewRemoval)
    sig = [one.plain() for one in new.sig]
    return m.Recorded(
        **await convening.remove(call.platform, call.caller, call.path["tender"], new.leaf, new.outcome, new.by, sig)
    )


@operation("GET", "/tenders/{tender}/panel/members", answer=p.PanelMembers)
async def list_members(call: Call) -> p.PanelMembers:
    """The members' names, once the law ends their secrecy, where the regime publishes them."""
    found = await convening.members(call.caller, call.path["tender"])
    return p.PanelMembers(items=[p.PanelMember(**one) for one in found])


@operation("GET", "/roster/fairness", answer=p.Fairness)
async def get_fairness(call: Call) -> p.Fairness:
    """Whether disclosed draws fell as chance would have it: every expert beside expectation, and what stands out."""
    return p.Fairness(**await convening.fairness())
