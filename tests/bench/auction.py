"""`auction`: bids of an auction taken per second, one after the other as its lock takes them, each with its receipt.

`trading serve` on a durable server over one connection, prices that rise, signatures right. Limit: a bare Starlette
application behind the same uvicorn, two asyncpg inserts of the same bytes in a durable transaction.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from audit.act import pool
from audit.canon import b64
from audit.signature import Ed25519Signer
from tests.bench.centre import Firm, ask_all, bare, centre, gather, house, platform, request
from tests.bench.measure import Result
from tests.trading.desk import Desk
from trading.cries import crying

SALE = {"regime": "property", "direction": "sell", "baseline": 9_000_000}
STEP, START = 10, 9_100_000


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """So many firms bid against one another, in so many turns."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    firms_, count, turns, warm = (2, 4, 2, 1) if tiny else (20, 200, 11, 3)
    async with house(folder) as settings, centre(settings) as place:
        firms = await place.firms(firms_)
        desk = Desk(place, folder)
        await desk.open(**SALE)
        one = await desk.bidder("wang")
        await place.beat()
        await desk.hand_in(one, START)
        await desk.wait()
        await desk.open_boxes()
        keys = [Ed25519Signer.generate() for _ in firms]
        await _begin(desk.tender, firms, keys)
        rates, price = [], START
        with platform(place.settings) as ours, bare(place.settings) as theirs:
            for turn in range(turns):
                requests, limits = _cries(desk.tender, firms, keys, price, count)
                price += STEP * count
                told = {}
                for port in (ours, theirs) if turn % 2 else (theirs, ours):
                    told[port], _ = await ask_all(port, requests if port == ours else limits, 1)
                if turn >= warm:
                    rates.append((told[ours], told[theirs]))
    yield Result.of("auction", "1/s", rates, note="one auction, one connection")


async def _begin(tender: str, firms: list[Firm], keys: list[Ed25519Signer]) -> None:
    """The room, put there by SQL: everybody has a number, and the hammer is far away."""
    await pool().execute(
        """INSERT INTO trading_auction_joiner (tender_id, bid, bidder_id, key, joined_at, number)
           SELECT $1, u.bid, u.code, u.key, log_now(), u.n
           FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS u(bid, code, key, n)""",
        tender, [firm.bid for firm in firms], [firm.code for firm in firms], [b64(key.key) for key in keys],
    )  # fmt: skip
    await pool().execute(
        """INSERT INTO trading_auction (tender_id, bidders, start, increment, opens, first_hammer, "window", extension,
               reveal, opened_at, standing, hammer)
           SELECT $1, $2, $3, $4, n.t, n.t + interval '5 hours', 0, 0, 0, n.t, $3, n.t + interval '5 hours'
           FROM (SELECT log_now() AS t) n""",
        tender, len(firms), START, STEP,
    )  # fmt: skip


def _cries(
    tender: str, firms: list[Firm], keys: list[Ed25519Signer], price: int, count: int
) -> tuple[list[bytes], list[bytes]]:
    """Requests whose prices rise as they are sent: the client takes the last one first."""
    requests, limits = [], []
    for n in range(count):
        number, price = n % len(firms), price + STEP
        body = json.dumps({"price": price, "sig": [keys[number].sign(crying(tender, number + 1, price))]}).encode()
        headers = {"Authorization": f"Bearer {firms[number].token}", "Content_Type": "application/json"}
        requests.append(request("POST", f"/api/v1/tenders/{tender}/auction/bids", body, **headers))
        limits.append(request("POST", f"/bids/{firms[number].bid}", body, **headers))
    return requests[::-1], limits[::-1]
