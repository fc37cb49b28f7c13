"""A reserve price (标底, 底价) in an envelope of its own, opened with the bids: a second box of the same lot.

    name → (key set as for any tender: stage `form`, the custodians of its tender) → announced with its tender
    → sealed and handed in by the tenderee, like a bid → closes with its tender, or is given up with it → read

The box has its own id, its own key set and closing, and opens at the hour at which the prices do: so nobody knows the
reserve before, the tenderee cannot change it once the list of bids is fixed, nor keep it back when it has seen them. Its
key is vouched for like a bidder's, or the envelope does not count. (A hash in the notice would be simpler, and would leave
the tenderee that choice.) Only the tenderee deposits in it.

Where none was handed in, or its envelope is void, the tender goes on without: whether there is a base price is the
tenderee's to decide (招标投标法实施条例 27), and the announced lowest price of a sale binds in any case (企业国有资产法 55).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from audit import tiles
from audit.act import Act, acting, pool
from audit.canon import stamp
from audit.refusal import Refused
from bidding import boxes, closing, releases, unsealing
from trading import lives
from trading.accounts import Caller
from trading.installation import Installation
from trading.law import regimes, rulebook, stages
from trading.law.article import Article
from trading.tenders import finish, loaded, locked

KIND = "reserve"
STAGE = "form"
SCHEMA: Mapping[str, Any] = {"price": {"kind": "fen", "min": 1}}
SHUT = "shut"
"""Why a reserve box is given up although nobody ended the tender: too few bids came, and it stays as secret as they do."""
SECRET = Article("招标投标法实施条例", 27)

Query = Callable[..., Awaitable[list[Any]]]


async def name(platform: Installation, caller: Caller, lot: str) -> str:
    """Name the reserve box of a lot whose tender is not announced yet, after the newest cosigned checkpoint.

    Refused: W-UNKNOWN, T-RESERVE (no tender that waits for its announcement), W-CHECKPOINT (an id that is taken: ask again
    after the next beat), E-PENDING.
    """
    size = await tiles.quorate(pool(), platform.policy)
    async with acting(caller.actor) as act:
        rows = await act.query(
            """SELECT p.organisation_id, p.agency_id FROM trading_lot l JOIN trading_project p ON p.id = l.project_id
               WHERE l.id = $1 FOR UPDATE""",
            lot,
        )
        if not rows or caller.organisation not in (rows[0]["organisation_id"], rows[0]["agency_id"]):
            raise Refused("W-UNKNOWN")
        waiting = "SELECT 1 FROM trading_tender WHERE lot_id = $1 AND kind = 'bids' AND state IN ('named', 'keyed')"
        tender = f"{lot}@{size}"
        if not await act.query(waiting, lot):
            raise Refused("T-RESERVE", reserve=tender)
        if await act.query("SELECT 1 FROM trading_tender WHERE id = $1", tender):
            raise Refused("W-CHECKPOINT")
        await act.query(
            """INSERT INTO trading_tender (id, number, lot_id, kind, state, named_at)
               VALUES ($1, nextval('trading_tender_number'), $2, $3, 'named', $4)""",
            tender, lot, KIND, act.now,
        )  # fmt: skip
        act.record("lot-tendered", subject=lot, lot=lot, size=size)
    return tender


async def announce(act: Act, main: Any, reserve: str, *, deadline: datetime, window: int) -> None:
    """Announce a reserve box in the act of its tender's announcement, under the same custodians and for the same hour.

    Under the rules of no regime but the plain ones (`source-law`): it is no tender, and one envelope is all it waits for.
    Refused: T-RESERVE.
    """
    row = await locked(act, reserve)
    mine: dict[str, str] = loaded(row["keysets"]) or {}
    if row["kind"] != KIND or row["lot_id"] != main["lot_id"] or row["state"] != "keyed" or set(mine) != {STAGE}:
        raise Refused("T-RESERVE", SECRET, reserve=reserve)
    own, bids = await releases.keyset(reserve, STAGE), await releases.keyset(main["id"], STAGE)
    if (own.k, own.opens_at) != (bids.k, bids.opens_at) or {(c.custodian, c.pub) for c in own.custodians} != {
        (c.custodian, c.pub) for c in bids.custodians
    }:
        raise Refused("T-RESERVE", SECRET, reserve=reserve)
    pinned = rulebook.pin(regimes.SOURCE_LAW, act.now)
    terms = {
        "regime": regimes.SOURCE_LAW.id,
        "rulebook": pinned.digest,
        "keysets": mine,
        "deadline": stamp(deadline),
        "min_bids": 1,
        "direction": main["direction"],
        "baseline": main["baseline"],
        "currency": main["currency"],
        "method": regimes.LOWEST if main["direction"] == regimes.BUY else regimes.HIGHEST,
        "opening_schema": dict(SCHEMA),
        "public_stages": [STAGE],
        "unvouched": [],
        "window": window,
        "reserve_of": main["id"],
        "owner": main["organisation_id"],
    }
    await boxes.make(
        act, tender=reserve, keysets=mine, deadline=deadline, min_bids=1, opening_schema=SCHEMA, public_stages=[STAGE]
    )
    await act.query(
        """UPDATE trading_tender SET state = $5, announced_at = $2, deadline = $3, hour = greatest(hour, $3),
           terms = $4::text::jsonb, rulebook = $6, version = version + 1 WHERE id = $1""",
        reserve, act.now, deadline, json.dumps(terms, ensure_ascii=False),
        stages.step(row["state"], "announce"), pinned.data,
    )  # fmt: skip
    act.record("project-announced", subject=reserve, tender=reserve, **terms)


async def move(act: Act, main: Any, deadline: datetime, reason: str, outage: Mapping[str, Any] | None = None) -> None:
    """Move the reserve's deadline with its tender's. An outage that only signatures confirm moves the tender alone: they
    sign for that record, and the reserve closes with its tender whatever its own deadline."""
    if main["reserve"] is None or (outage is not None and not outage["probes"]):
        return
    row = await locked(act, main["reserve"])
    if row["state"] != "announced" or deadline <= row["deadline"]:
        return
    await boxes.move_deadline(act, tender=row["id"], deadline=deadline, reason=reason, outage=outage)
    await act.query(
        "UPDATE trading_tender SET deadline = $2, hour = greatest(hour, $2), version = version + 1 WHERE id = $1",
        row["id"], deadline,
    )  # fmt: skip


async def waiting(act: Act, main: Any) -> Any | None:
    """The locked row of the reserve box that closes with this tender; None: it has none, or it is closed."""
    if main["reserve"] is None:
        return None
    row = await locked(act, main["reserve"])
    return row if row["state"] == "announced" else None


async def give_up(act: Act, main: Any, reason: str, article: str = "", warned: str | None = None) -> None:
    """End the reserve box with its tender, for the same reason: it closes unopened, or is closed and stays so, and is
    secret for the next time (条例 27). What has been read out already has been read out."""
    row = None if main["reserve"] is None else await locked(act, main["reserve"])
    if row is None or row["state"] not in ("announced", "closed") or await act.query(_READ, row["id"]):
        return
    reserve = row["id"]
    facts: dict[str, Any] = {"reason": reason, "article": article or str(SECRET), "warned": warned}
    await lives.expect(act, reserve, "terminate", facts, row=row)
    act.record("tender-terminated", subject=reserve, tender=reserve, **facts)
    abandoned = act.now if row["state"] == "announced" else None
    if abandoned is not None:
        await closing.abandon(act, tender=reserve, reason=reason)
    await act.query(
        "UPDATE trading_tender SET ended = $2, opens = false, abandoned_at = $3, version = version + 1 WHERE id = $1",
        reserve, reason, abandoned,
    )  # fmt: skip
    await finish(act, reserve)


_READ = "SELECT 1 FROM log_record WHERE tender = $1 AND type = 'unsealed' LIMIT 1"


async def read(query: Query, main: Any) -> int | None:
    """The reserve price as it was read out, in fen; None: there is none (not asked for, not handed in, or void).

    It is read before anybody is ranked. Refused: E-UNOPENED.
    """
    reserve = main["reserve"]
    if reserve is None:
        return None
    rows = await query("SELECT opens FROM trading_tender WHERE id = $1", reserve)
    if rows[0]["opens"] is None:
        raise Refused("E-UNOPENED", stage=f"{reserve} {STAGE}")
    if not rows[0]["opens"]:
        return None
    await releases.check_opened(query, reserve)
    for one in await unsealing.unsealed(reserve, STAGE):
        if one.verdict == "OK" and one.opening:
            return int(one.opening["price"])
    return None
