"""The online auction 网上竞价: open rounds after the sealed prices of property rights, land and minerals (log.md §8).

    join (the qualified, each with a key made for this) → open (the tenderee) → bid, bid, bid … → close (the hammer)

Who is who stays sealed until the hammer: everybody bids under a number, by a key that only this auction knows. A bid is
decided in one transaction under the lock of the auction's row, at the time read there, by `law.bidding_rounds.judge`;
the order of the log is the order of the locks. The database refuses the same by itself (migrations/0009).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
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
from trading.law.bidding_rounds import resume as law_resume
from trading.rooms import Rooms
from trading.score_sheets import may_win
from trading.tenders import LOCKED, arm, loaded, locked

Sig = Sequence[Mapping[str, Any]]
METHOD = regimes.HIGHEST
TIMER = "hammer"
REFUSING = {
    "trading_auction_bid_in_time": "E-HAMMER",
    "trading_auction_bid_stopped": "E-AUCTION-STOPPED",
    "trading_auction_bid_rises": "E-AUCTION-LOW",
    "trading_auction_bid_order": "E-AUCTION-CLOCK",
    "trading_auction_bid_tender_id_price_key": "E-AUCTION-LOW",
}
"""Which refusal a constraint stands for, should anything race past the checks before it."""


def may_follow(terms: Mapping[str, Any]) -> bool:
    """Whether, by the terms of its announcement, open rounds may follow the sealed prices (log.md §8, V15). That they will
    no notice can say: the seller decides once the prices are read."""
    return bool(terms["direction"] == regimes.SELL and terms["method"] == METHOD)


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
    if not may_follow(terms):
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
                await lives.expect(act, tender, "open-auction", row=row)
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

    Refused: E-AUCTION-NUMBER (the caller takes no part), E-SIG, E-SUSPENDED and E-AUCTION-STOPPED (the tender is, or was,
    suspended), E-AUCTION-WAITING, E-HAMMER, E-AUCTION-LOW, E-STAGE.
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
        if state.stopped is not None:
            await _still_suspended(act, tender)
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
                last=state.last, since=state.stopped,
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
    return held, state_of(held)


async def _before_its_end(act: Act, tender: str, step: str) -> State:
    """Hold a tender and its auction for what comes after the rounds. Refused: E-AUCTION-CLOSED, and as `_enter`."""
    held = await locked(act, tender)
    row, state = await _enter(act, tender)
    if row["closed_at"] is not None:
        raise Refused("E-AUCTION-CLOSED", outcome=row["outcome"])
    await lives.expect(act, tender, step, row=held)
    return state


async def _still_suspended(act: Act, tender: str) -> None:
    """Who bids while the tender is suspended is told why, and by which article. Refused: E-SUSPENDED."""
    [row] = await act.query(LOCKED, tender)
    stopped = (await lives.load(act.query, row, act.now)).suspension(act.now, "close-auction")
    if stopped is not None:
        raise Refused("E-SUSPENDED", stopped.article, act="auction-bid", why=stopped.why, since=stopped.since)


def state_of(row: Any) -> State:
    """An auction's row as the rules read it."""
    terms = Terms(
        row["bidders"], row["start"], row["increment"], row["resumes"] or row["opens"], row["first_hammer"],
        timedelta(seconds=row["window"]), timedelta(seconds=row["extension"]), row["reserve"],
        timedelta(seconds=row["reveal"]),
    )  # fmt: skip
    return State(terms, row["standing"], row["number"], row["hammer"], row["last_at"], stopped=row["stopped_at"])


# ----------------------------------------------------------------------------------------------------------- suspended


async def stop(act: Act, tender: str) -> None:
    """An order suspends the tender, in the same act: its rounds rest, if the hammer has not fallen."""
    await act.query(
        """UPDATE trading_auction SET stopped_at = $2
           WHERE tender_id = $1 AND closed_at IS NULL AND stopped_at IS NULL AND hammer >= $2""",
        tender, act.now,
    )  # fmt: skip


async def look_again(act: Act, tender: str) -> None:
    """A suspension is over: a closing that waited for it is looked at. Rounds that were stopped rest until `resume`."""
    for row in await act.query(
        "SELECT hammer FROM trading_auction WHERE tender_id = $1 AND closed_at IS NULL AND stopped_at IS NULL", tender
    ):
        await arm(act, TIMER, tender, max(row["hammer"], act.now))


async def resume(
    platform: Installation, caller: Caller, tender: str, opens: datetime, hammer: datetime
) -> dict[str, Any]:
    """Rounds that a suspension stopped go on, at an hour that everybody can read before.

    Refused: E-SUSPENDED (it goes on), E-AUCTION-GOES-ON, E-AUCTION-TERMS, E-AUCTION-CLOSED, E-AUCTION-NONE, E-STAGE.
    """
    async with platform.rooms.turn(tender), acting(caller.actor) as act:
        state = await _before_its_end(act, tender, "resume-auction")
        law_resume(state, opens, hammer, act.now)
        await act.query(
            """UPDATE trading_auction SET stopped_at = NULL, resumes = $2, hammer = $3, last_at = $4
               WHERE tender_id = $1""",
            tender, opens, hammer, act.now,
        )  # fmt: skip
        await arm(act, TIMER, tender, hammer)
        ref = act.record(
            "auction-resumed", subject=tender, tender=tender, opens=stamp(opens), hammer=stamp(hammer)
        )  # fmt: skip
        await lives.told(act, tender)
    return logbook.shown(ref)


# ---------------------------------------------------------------------------------------------------------------- the end


async def end(platform: Installation, caller: Caller, tender: str, revealed: Reserve | None = None) -> dict[str, Any]:
    """Close after the hammer; the tenderee reveals its reserve with it. Whoever comes first: the timer, or a person.

    Refused: E-AUCTION-STOPPED, E-SUSPENDED, E-AUCTION-OPEN, E-AUCTION-REVEAL, E-AUCTION-RESERVE, E-AUCTION-CLOSED,
    E-AUCTION-NONE, E-STAGE.
    """
    return await end_as(platform, caller.actor, tender, revealed)


async def end_as(platform: Installation, actor: Actor, tender: str, revealed: Reserve | None = None) -> dict[str, Any]:
    """`end` for whoever has no token: the timer."""
    async with platform.rooms.turn(tender), acting(actor) as act:
        state = await _before_its_end(act, tender, "close-auction")
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
    """The timer's part: close if it is time. When to look again; None: it is over, or waits for the end of a suspension,
    which arms the timer again."""
    try:
        await end_as(platform, platform.centre, tender)
    except Refused as no:
        if no.code == "E-AUCTION-OPEN":
            return no.facts["hammer"] + timedelta(milliseconds=1)  # type: ignore[no-any-return]
        if no.code == "E-AUCTION-REVEAL":
            return no.facts["until"] + timedelta(milliseconds=1)  # type: ignore[no-any-return]
        if no.code not in ("E-AUCTION-CLOSED", "E-AUCTION-NONE", "E-AUCTION-STOPPED", "E-SUSPENDED", "E-STAGE"):
            raise
    return None
