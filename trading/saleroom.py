"""What everybody may see of an online auction 网上竞价: where it stands, under numbers; after the hammer who they were.

Nothing is decided here. Who is behind a number is told when the auction is closed, and not before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from audit.act import pool
from audit.canon import parse, stamp
from audit.refusal import Refused
from trading.accounts import Caller
from trading.auctions import state_of
from trading.law.bidding_rounds import SOLD

LOOK = 0.25  # machine seconds between two looks of the live feed


async def read(tender: str, caller: Caller | None = None) -> dict[str, Any]:
    """Where an auction stands; to a bidder also its own number, its last price, and after the hammer what came of it.

    Closed: whose number was whose, the reserve that was revealed, and what a 成交确认书 says of it. Refused: E-AUCTION-NONE.
    """
    found = await found_of(tender)
    if found is None:
        raise Refused("E-AUCTION-NONE")
    if caller is not None and caller.role == "bidder":
        found |= await _own(found, caller)
    return found


async def found_of(tender: str) -> dict[str, Any] | None:
    """`read` for everybody; None where there is no auction."""
    row = await pool().fetchrow("SELECT a.*, log_now() AS now FROM trading_auction a WHERE tender_id = $1", tender)
    if row is None:
        return None
    bids = [dict(one) for one in await pool().fetch(_BIDS, tender)]
    closed, state = row["closed_at"] is not None, state_of(row)
    keys = (
        "bidders", "start", "increment", "window", "extension", "reserve", "reveal", "standing", "number", "hammer",
        "stopped_at", "outcome", "now",
    )  # fmt: skip
    shown: dict[str, Any] = {key: row[key] for key in keys} | {
        "tender": tender,
        "phase": "closed" if closed else state.phase(row["now"]),
        "opens": state.terms.opens,
        "least": state.least,
        "bids": bids,
        "extensions": await pool().fetchval(_COUNT, tender, "auction-extended"),
        "revealed": None,
        "numbers": [],
        "own": None,
        "own_price": None,
        "result": None,
        "confirmation": None,
    }
    if closed:
        ended = parse(await pool().fetchval(_RECORD, tender, "auction-closed"))
        shown["revealed"] = None if ended["reserve"] is None else ended["reserve"]["price"]
        last = {one["number"]: one["price"] for one in bids}
        shown["numbers"] = [
            dict(one) | {"price": last.get(one["number"])} for one in await pool().fetch(_WHO, tender)
        ]  # fmt: skip
        if row["outcome"] == SOLD and row["number"] is not None:
            shown["confirmation"] = await _confirmation(row, bids)
    return shown


_BIDS = "SELECT number, price, made_at AS at, record FROM trading_auction_bid WHERE tender_id = $1 ORDER BY id"
_COUNT = "SELECT count(*) FROM log_record WHERE tender = $1 AND type = $2"
_RECORD = "SELECT record FROM log_record WHERE tender = $1 AND type = $2"
_WHO = """SELECT j.number, j.bid, j.bidder_id AS bidder, o.name AS bidder_name
    FROM trading_auction_joiner j JOIN trading_organisation o ON o.code = j.bidder_id
    WHERE j.tender_id = $1 AND j.number IS NOT NULL ORDER BY j.number"""


async def _own(found: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """What a bidder sees of its own part. `result`: `highest`, `outbid`, or `no_effect` (below the reserve, 拍卖法 50);
    None before the end, for who takes no part, and where nobody bid: then the sealed prices decide."""
    number = await pool().fetchval(
        "SELECT number FROM trading_auction_joiner WHERE tender_id = $1 AND bidder_id = $2",
        found["tender"], caller.organisation,
    )  # fmt: skip
    prices = [one["price"] for one in found["bids"] if one["number"] == number]
    result = None
    if found["phase"] == "closed" and number is not None and found["number"] is not None:
        highest = "highest" if number == found["number"] else "outbid"
        result = highest if found["outcome"] == SOLD else "no_effect"
    return {"own": number, "own_price": prices[-1] if prices else None, "result": result}


async def _confirmation(row: Any, bids: Sequence[Any]) -> dict[str, Any]:
    """成交确认书: what was sold, to whom, at what price, and by which records."""
    winner = await pool().fetchrow(
        """SELECT j.bid, j.bidder_id AS bidder, o.name AS bidder_name, l.title, p.organisation_id AS seller
           FROM trading_auction_joiner j JOIN trading_organisation o ON o.code = j.bidder_id
           JOIN trading_tender t ON t.id = j.tender_id JOIN trading_lot l ON l.id = t.lot_id
           JOIN trading_project p ON p.id = l.project_id WHERE j.tender_id = $1 AND j.number = $2""",
        row["tender_id"], row["number"],
    )  # fmt: skip
    return {
        **dict(winner),
        "number": row["number"],
        "price": row["standing"],
        "hammer": row["hammer"],
        "record": bids[-1]["record"],
    }


async def watch(tender: str) -> AsyncIterator[dict[str, str]]:
    """Server-sent events: where the auction stands, whenever that changes, until it is closed. Public facts alone.

    A snapshot each, its id the number of bids: who comes back misses nothing.
    """
    before = ""
    while True:
        now = await _seen(tender)
        if now["told"] != before:
            before = now["told"]
            yield {"id": str(now["count"]), "event": "auction", "data": now["told"]}
            if now["closed"]:
                return
        await asyncio.sleep(LOOK)


_seen_at: dict[tuple[int, str], tuple[float, dict[str, Any]]] = {}


async def _seen(tender: str) -> dict[str, Any]:
    """One look for all listeners of this process."""
    loop = asyncio.get_running_loop()
    place = (id(loop), tender)
    found = _seen_at.get(place)
    if found is not None and loop.time() - found[0] < LOOK / 2:
        return found[1]
    row = await pool().fetchrow(
        """SELECT standing, standing + increment AS least, number, hammer, coalesce(resumes, opens) AS opens, stopped_at,
               outcome, closed_at IS NOT NULL AS closed,
               (SELECT count(*) FROM trading_auction_bid b WHERE b.tender_id = a.tender_id) AS count
           FROM trading_auction a WHERE tender_id = $1""",
        tender,
    )
    if row is None:
        raise Refused("E-AUCTION-NONE")
    plain = {key: stamp(value) if isinstance(value, datetime) else value for key, value in dict(row).items()}
    seen = {"told": json.dumps(plain, separators=(",", ":")), "count": row["count"], "closed": row["closed"]}
    if len(_seen_at) > 1000:
        _seen_at.clear()
    _seen_at[place] = (loop.time(), seen)
    return seen
