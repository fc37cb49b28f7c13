"""The online auction 网上竞价: open rounds after the sealed prices of property rights, land and minerals (log.md §8).

    join (the qualified, each with a key made for this) → open (the tenderee) → bid, bid, bid … → close (the hammer)

Who is who stays sealed until the hammer: everybody bids under a number, by a key that only this auction knows. A bid is
decided in one transaction under the lock of the auction's row, at the time read there, by `law.bidding_rounds.judge`;
the order of the log is the order of the locks. The database refuses the same by itself (migrations/0009).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from audit.act import Act, Actor, acting, pool
from audit.canon import NotCanonical, sha256_hex, stamp, unb64
from audit.refusal import Refused
from audit.signature import BadSignature, check_key, verify_by, verify_signatures
from bidding import signers
from bidding.registrations import acting_key
from trading import evaluation, lives, logbook
from trading.accounts import Caller
from trading.cries import crying, joining
from trading.installation import Installation
from trading.law import auctions as law
from trading.law import regimes
from trading.law.bidding_rounds import Bid, Reserve, State, Terms, check_terms, close, judge
from trading.rooms import Rooms
from trading.score_sheets import may_win
from trading.tenders import arm, loaded, locked

Sig = Sequence[Mapping[str, Any]]
METHOD = regimes.HIGHEST
TIMER = "hammer"
LOOK = 0.25  # machine seconds between two looks of the live feed
REFUSING = {
    "trading_auction_bid_in_time": "E-HAMMER",
    "trading_auction_bid_rises": "E-AUCTION-LOW",
    "trading_auction_bid_order": "E-AUCTION-CLOCK",
    "trading_auction_bid_tender_id_price_key": "E-AUCTION-LOW",
}
"""Which refusal a constraint stands for, should anything race past the checks before it."""


# ---------------------------------------------------------------------------------------------------------------- joining


async def join(platform: Installation, caller: Caller, tender: str, *, bid: str, key: str, sig: Sig) -> dict[str, Any]:
    """Take part, with a key made for this auction; the answer is the receipt. Nobody else learns of it.

    Refused: E-AUCTION-NONE (not sold so), T-BID (not the caller's, or it may not win), E-SIGNER, E-SIG, E-AUCTION-KEY,
    E-AUCTION-TWICE, E-AUCTION-BEGUN, E-STAGE.
    """
    opened = await evaluation.read_out(tender)
    own = {one["bid"]: one for one in opened.bids if one["bidder"] == caller.organisation}
    async with acting(caller.actor) as act:
        row = await _sold_so(act, tender)
        stages_ = list(loaded(row["keysets"]))
        if bid not in own or own[bid]["rejected"] or not may_win(own[bid], stages_):
            raise Refused("T-BID", bid=bid)
        try:
            check_key("EdDSA", unb64(key, 32))
        except (BadSignature, NotCanonical):
            raise Refused("E-AUCTION-KEY") from None
        if acting_key(sig) != await signers.signed_with(act.query, tender, bid):
            raise Refused("E-SIGNER", bidder=caller.organisation or "", why="key_of_the_bid")
        try:
            verify_signatures([dict(one) for one in sig], joining(tender, bid, key))
        except BadSignature as why:
            raise Refused("E-SIG", who=caller.organisation or "", why=why.facts["why"]) from None
        if await act.query("SELECT 1 FROM trading_auction WHERE tender_id = $1", tender):
            raise Refused("E-AUCTION-BEGUN")
        try:
            await act.query(
                """INSERT INTO trading_auction_joiner (tender_id, bid, bidder_id, key, joined_at)
                   VALUES ($1, $2, $3, $4, $5)""",
                tender, bid, caller.organisation, key, act.now,
            )  # fmt: skip
        except asyncpg.UniqueViolationError:
            raise Refused("E-AUCTION-TWICE", bid=bid) from None
        ref = act.record("auction-joined", subject=tender, tender=tender, bid=bid, key=key, sig=[dict(s) for s in sig])
    return {"receipt": platform.key.receipt(ref).plain()}


async def _sold_so(act: Act, tender: str) -> Any:
    """The locked row of an opened tender that goes to the highest price. Refused: E-AUCTION-NONE, E-STAGE."""
    row = await locked(act, tender)
    if row["state"] != "opened":
        raise Refused("E-STAGE", stage=row["state"], act="auction", allowed="")
    terms = loaded(row["terms"])
    if terms["direction"] != regimes.SELL or terms["method"] != METHOD:
        raise Refused("E-AUCTION-NONE")
    return row


# ---------------------------------------------------------------------------------------------------------------- opening


async def begin(
    caller: Caller,
    tender: str,
    *,
    increment: int,
    opens: datetime,
    hammer: datetime,
    window: int,
    extension: int,
    reserve: str | None = None,
    reveal: int = 0,
) -> dict[str, Any]:
    """Open the rounds: numbers are drawn, the start is the highest sealed price. Spans are seconds of log time.

    Refused: E-AUCTION-NONE, E-AUCTION-BEGUN, E-AUCTION-TERMS, E-PERIOD (AU-01), E-SUSPENDED, E-UNOPENED, E-STAGE.
    """
    while True:
        opened = await evaluation.read_out(tender)
        try:
            async with acting(caller.actor) as act:
                row = await _sold_so(act, tender)
                life = await lives.load(act.query, row, act.now)
                stopped = life.suspension(act.now, "publish-candidates")
                if stopped is not None:
                    raise Refused(
                        "E-SUSPENDED", stopped.article, act="open-auction", why=stopped.why, since=stopped.since
                    )
                if await act.query("SELECT 1 FROM trading_auction WHERE tender_id = $1", tender):
                    raise Refused("E-AUCTION-BEGUN")
                law.keep_auction_notice(lives.book_of(row, act.now), row["announced_at"], opens)
                standing = [
                    one for one in await evaluation.offers(act.query, row, await opened.still(act)) if one.stands
                ]
                able = {one.bid for one in standing}
                joined = await act.query(
                    "SELECT id, bid, key FROM trading_auction_joiner WHERE tender_id = $1 ORDER BY id", tender
                )
                taking = [one for one in joined if one["bid"] in able]
                secrets.SystemRandom().shuffle(taking)
                start = max((one.price for one in standing), default=0)
                terms = Terms(
                    len(taking), start, increment, opens, hammer, timedelta(seconds=window),
                    timedelta(seconds=extension), reserve, timedelta(seconds=reveal),
                )  # fmt: skip
                check_terms(terms, act.now)
                await act.query(
                    """UPDATE trading_auction_joiner j SET number = u.n
                       FROM unnest($1::bigint[]) WITH ORDINALITY AS u(id, n) WHERE j.id = u.id""",
                    [one["id"] for one in taking],
                )
                await act.query(
                    """INSERT INTO trading_auction (tender_id, bidders, start, increment, opens, first_hammer, "window",
                           extension, reserve, reveal, opened_at, standing, hammer)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $3, $6)""",
                    tender, len(taking), start, increment, opens, hammer, window, extension, reserve, reveal, act.now,
                )  # fmt: skip
                await arm(act, TIMER, tender, hammer)
                ref = act.record(
                    "auction-opened", subject=tender, tender=tender, bidders=[one["key"] for one in taking],
                    start=start, increment=increment, opens=stamp(opens), hammer=stamp(hammer), window=window,
                    extension=extension, reserve=reserve, reveal=reveal,
                )  # fmt: skip
                await lives.told(act, tender)
            return logbook.shown(ref)
        except evaluation.Stale:
            continue


# ---------------------------------------------------------------------------------------------------------------- bidding


async def bid(platform: Installation, caller: Caller, tender: str, *, price: int, sig: Sig) -> dict[str, Any]:
    """Bid a price in fen, signed by the caller's number; the answer is the receipt, and where the auction stands now.

    Refused: E-AUCTION-NUMBER (the caller takes no part), E-SIG, E-AUCTION-WAITING, E-HAMMER, E-AUCTION-LOW, E-STAGE.
    """
    own = await pool().fetchrow(
        """SELECT number, key FROM trading_auction_joiner
           WHERE tender_id = $1 AND bidder_id = $2 AND number IS NOT NULL""",
        tender, caller.organisation,
    )  # fmt: skip
    if own is None:
        raise Refused("E-AUCTION-NUMBER", number="")
    number, signed = own["number"], [dict(one) for one in sig]
    try:
        if len(signed) != 1:
            raise BadSignature("array")
        verify_by(signed, crying(tender, number, price), unb64(own["key"]))
    except BadSignature as why:
        raise Refused("E-SIG", who=str(number), why=why.facts["why"]) from None
    rooms = platform.rooms
    rooms.too_little(tender, price)
    async with rooms.turn(tender):
        rooms.too_little(tender, price)
        ref, state = await _cry(rooms, tender, Bid(number, price), signed)
    return {
        "receipt": platform.key.receipt(ref).plain(),
        "number": number,
        "standing": state.standing,
        "least": state.least,
        "hammer": state.hammer,
    }


async def _cry(rooms: Rooms, tender: str, made: Bid, sig: list[dict[str, Any]]) -> tuple[Any, State]:
    """One bid under the auction's lock. Its actor is the number: the record is public."""
    async with acting(Actor("auction", str(made.number)), clock=False) as act:
        row, state = await _enter(act, tender)
        if row["closed_at"] is not None:
            raise Refused("E-HAMMER", now=act.now, hammer=state.hammer, price=state.standing)
        rooms.know(tender, state)
        heard = judge(made, state, act.now)
        ref = act.record(
            "auction-bid", subject=tender, tender=tender, number=made.number, price=made.price, sig=sig
        )  # fmt: skip
        data = await act.settle(ref)
        try:
            await act.query(
                """INSERT INTO trading_auction_bid (tender_id, number, price, hammer, made_at, record)
                   VALUES ($1, $2, $3, $4, $5, $6)""",
                tender, made.number, made.price, state.hammer, act.now, sha256_hex(data),
            )  # fmt: skip
        except asyncpg.IntegrityConstraintViolationError as error:
            code = REFUSING.get(str(getattr(error, "constraint_name", "")))
            if code is None:
                raise
            raise Refused(
                code, now=act.now, hammer=state.hammer, price=made.price, standing=state.standing, least=state.least,
                last=state.last,
            ) from None  # fmt: skip
        if heard.extended is not None:
            act.record("auction-extended", subject=tender, tender=tender, hammer=stamp(heard.extended))
    rooms.know(tender, heard.state)
    return ref, heard.state


async def _enter(act: Act, tender: str) -> tuple[Any, State]:
    """Hold the tender where it is, lock its auction, read the clock under both. Refused: E-AUCTION-NONE, E-STAGE."""
    [held] = await act.query(
        "SELECT e.state AS stage, e.now AS now, (e.a).* FROM trading_auction_enter($1) AS e", tender
    )
    if held["tender_id"] is None:
        raise Refused("E-AUCTION-NONE")
    if held["stage"] != "opened":
        raise Refused("E-STAGE", stage=held["stage"], act="auction-bid", allowed="")
    act.at(held["now"])
    return held, _state(held)


def _state(row: Any) -> State:
    terms = Terms(
        row["bidders"], row["start"], row["increment"], row["opens"], row["first_hammer"],
        timedelta(seconds=row["window"]), timedelta(seconds=row["extension"]), row["reserve"],
        timedelta(seconds=row["reveal"]),
    )  # fmt: skip
    return State(terms, row["standing"], row["number"], row["hammer"], row["last_at"])


# ---------------------------------------------------------------------------------------------------------------- the end


async def end(platform: Installation, caller: Caller, tender: str, revealed: Reserve | None = None) -> dict[str, Any]:
    """Close after the hammer; the tenderee reveals its reserve with it. Whoever comes first: the timer, or a person.

    Refused: E-AUCTION-OPEN, E-AUCTION-REVEAL, E-AUCTION-RESERVE, E-AUCTION-CLOSED, E-AUCTION-NONE, E-STAGE.
    """
    return await end_as(platform, caller.actor, tender, revealed)


async def end_as(platform: Installation, actor: Actor, tender: str, revealed: Reserve | None = None) -> dict[str, Any]:
    """`end` for whoever has no token: the timer."""
    async with platform.rooms.turn(tender), acting(actor) as act:
        await locked(act, tender)
        row, state = await _enter(act, tender)
        if row["closed_at"] is not None:
            raise Refused("E-AUCTION-CLOSED", outcome=row["outcome"])
        ending = close(state, act.now, revealed)
        bids = await act.query(
            "SELECT bid FROM trading_auction_joiner WHERE tender_id = $1 AND number IS NOT NULL ORDER BY number", tender
        )
        await act.query(
            "UPDATE trading_auction SET closed_at = $2, outcome = $3 WHERE tender_id = $1",
            tender, act.now, ending.outcome,
        )  # fmt: skip
        told = None if revealed is None else {"price": revealed.price, "salt": revealed.salt}
        ref = act.record(
            "auction-closed", subject=tender, tender=tender, hammer=stamp(state.hammer),
            bids=[one["bid"] for one in bids], number=ending.number, price=ending.price, reserve=told,
            outcome=ending.outcome,
        )  # fmt: skip
        await lives.told(act, tender)
    return logbook.shown(ref)


async def hammer(platform: Installation, tender: str) -> datetime | None:
    """The timer's part: close if it is time. When to look again; None: it is over."""
    try:
        await end_as(platform, platform.centre, tender)
    except Refused as no:
        if no.code == "E-AUCTION-OPEN":
            return no.facts["hammer"] + timedelta(milliseconds=1)  # type: ignore[no-any-return]
        if no.code == "E-AUCTION-REVEAL":
            return no.facts["until"] + timedelta(milliseconds=1)  # type: ignore[no-any-return]
        if no.code not in ("E-AUCTION-CLOSED", "E-AUCTION-NONE", "E-STAGE"):
            raise
    return None


# ---------------------------------------------------------------------------------------------------------------- reading


async def read(tender: str, caller: Caller | None = None) -> dict[str, Any]:
    """What everybody may see of an auction: where it stands, under numbers; to a bidder also its own number.

    After the hammer: whose number was whose, and the data of the confirmation 成交确认书. Refused: E-AUCTION-NONE.
    """
    row = await pool().fetchrow("SELECT a.*, log_now() AS now FROM trading_auction a WHERE tender_id = $1", tender)
    if row is None:
        raise Refused("E-AUCTION-NONE")
    bids = await pool().fetch(
        "SELECT number, price, made_at AS at, record FROM trading_auction_bid WHERE tender_id = $1 ORDER BY id", tender
    )
    state = _state(row)
    keys = (
        "bidders", "start", "increment", "opens", "window", "extension", "reserve", "reveal", "standing", "number",
        "hammer", "outcome", "now",
    )  # fmt: skip
    shown: dict[str, Any] = {key: row[key] for key in keys}
    shown |= {
        "tender": tender,
        "phase": "closed" if row["closed_at"] else state.phase(row["now"]),
        "least": state.least,
        "bids": [dict(one) for one in bids],
        "own": None,
        "confirmation": None,
    }
    if caller is not None and caller.role == "bidder":
        shown["own"] = await pool().fetchval(
            "SELECT number FROM trading_auction_joiner WHERE tender_id = $1 AND bidder_id = $2",
            tender,
            caller.organisation,
        )
    if row["outcome"] == "sold" and row["number"] is not None:
        shown["confirmation"] = await _confirmation(row, bids)
    return shown


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
        """SELECT standing, standing + increment AS least, number, hammer, opens, outcome, closed_at IS NOT NULL AS closed,
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
