"""Verification of an archive, V15: the online auction 网上竞价, heard again from its records (log.md §8).

Every bid is judged by the very function that took it (``trading.law.bidding_rounds``): above the one before it, between
opening and hammer, signed by its number's key; every extension is recomputed, and nothing comes after the hammer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from audit import wire
from audit.refusal import Broken, Refused
from audit.report import Found
from audit.signature import BadSignature, verify_by, verify_signatures
from audit.trust import record_sig_bytes
from bidding.case import Case, Fact, Readers
from bidding.manifest import FORM
from bidding.registrations import acting_key
from bidding.verify_bids import Bids
from trading.law.auctions import keep_auction_notice
from trading.law.bidding_rounds import BELOW, SOLD, Bid, Reserve, State, Terms, check_terms, close, judge, resume, stop
from trading.law.bounds import Lenient
from trading.law.rulebook import Rulebook

OPENED, BID, EXTENDED, RESUMED, CLOSED, JOINED = (
    "auction-opened", "auction-bid", "auction-extended", "auction-resumed", "auction-closed", "auction-joined",
)  # fmt: skip
ROUNDS = (OPENED, BID, EXTENDED, RESUMED, CLOSED)
ORDERED = "suspension-ordered"
"""What stops the rounds; that none is opened, resumed or closed meanwhile is asked with every other step."""
NEAR = frozenset((*ROUNDS, JOINED))
"""Types whose time must fit the first checkpoint over them (V6)."""
OUT_OF_TIME = frozenset({"E-HAMMER", "E-AUCTION-WAITING", "E-AUCTION-CLOCK", "E-AUCTION-STOPPED"})
LONGEST = 10**9
"""No span of an auction is longer, in seconds: more could not be added to a time."""


def _seconds(value: Any) -> int:
    found: int = wire.integer(0)(value)
    if found > LONGEST:
        raise ValueError("too long")
    return found


_RESERVE = wire.nested({"price": wire.integer(0), "salt": wire.HASH})
READERS: Readers = {
    JOINED: (15, {"tender": wire.text, "bid": wire.BID, "key": wire.base64(32), "sig": wire.listed(wire.anything)}),
    OPENED: (
        15,
        {
            "tender": wire.text,
            "bidders": wire.listed(wire.base64(32)),
            "start": wire.integer(1),
            "increment": wire.integer(1),
            "opens": wire.time,
            "hammer": wire.time,
            "window": _seconds,
            "extension": _seconds,
            "reserve": wire.maybe(wire.HASH),
            "reveal": _seconds,
        },
    ),
    BID: (
        15,
        {
            "tender": wire.text,
            "number": wire.integer(1),
            "price": wire.integer(1),
            "sig": wire.listed(wire.anything),
        },
    ),
    EXTENDED: (15, {"tender": wire.text, "hammer": wire.time}),
    RESUMED: (15, {"tender": wire.text, "opens": wire.time, "hammer": wire.time}),
    CLOSED: (
        15,
        {
            "tender": wire.text,
            "hammer": wire.time,
            "bids": wire.listed(wire.BID),
            "number": wire.maybe(wire.integer(1)),
            "price": wire.integer(1),
            "reserve": wire.maybe(_RESERVE),
            "outcome": wire.one_of(SOLD, BELOW),
        },
    ),
}


def cried(case: Case, before: int) -> dict[str, int]:
    """The last price of each bid that bid in the rounds, below an index; none where the auction was not closed."""
    ended = [fact for fact in case.facts(CLOSED) if fact.index < before]
    if not ended:
        return {}
    names = ended[0]["bids"]
    return {
        names[fact["number"] - 1]: fact["price"]
        for fact in case.facts(BID)
        if fact.index < ended[0].index and fact["number"] <= len(names)
    }


def auctioned(case: Case, before: int) -> str | None:
    """How the auction stood at an index: `open`, `sold`, `below_reserve`; None: there was none."""
    if not any(fact.index < before for fact in case.facts(OPENED)):
        return None
    ended = [fact for fact in case.facts(CLOSED) if fact.index < before]
    return str(ended[0]["outcome"]) if ended else "open"


def check_auction(
    case: Case,
    bids: Bids,
    rulebook: Rulebook | None,
    prices: Callable[[int], Mapping[str, int]],
    span: timedelta,
    found: Found,
) -> None:
    """V15, the part of the auction. `prices`: the bids that may win below an index, with their sealed prices; `span`: by how
    much a record's time may lie before its checkpoint."""
    said = sorted((fact for name in ROUNDS for fact in case.facts(name)), key=lambda fact: fact.index)
    if not said:
        return
    opened = said[0]
    with found.at(opened.at):
        if opened.held.name != OPENED:
            raise Broken("V-AUCTION", why="not_opened")
        state = _begin(case, opened, rulebook, prices, span)
        stops = [fact for fact in case.facts(ORDERED) if fact.index > opened.index]
        _hear(state, case, sorted([*said[1:], *stops], key=lambda fact: fact.index), span, found)
        _check_who(case, bids, opened, found)
    if not any(fault.at in {opened.at, *(fact.at for fact in said)} for fault in found.faults):
        count = Counter(fact.held.name for fact in said)
        found.note(
            opened.at, "V-HEARD", bids=count[BID], extensions=count[EXTENDED], bidders=len(opened["bidders"]),
            outcome=auctioned(case, said[-1].index + 1),
        )  # fmt: skip


def _begin(
    case: Case, opened: Fact, rulebook: Rulebook | None, prices: Callable[[int], Mapping[str, int]], span: timedelta
) -> State:
    """The terms, and what an opening needs before it."""
    notice = case.announcement
    if notice is None or (notice["direction"], notice["method"]) != ("sell", "highest-price/v1"):
        raise Broken("V-AUCTION", why="not_sold_so")
    unsealed = [fact.index for fact in case.facts("unsealed")]
    if not unsealed or max(unsealed) > opened.index:
        raise Broken("V-ORDER", first="unsealed", then=OPENED)
    able = prices(opened.index)
    terms = Terms(
        len(opened["bidders"]), opened["start"], opened["increment"], opened["opens"], opened["hammer"],
        timedelta(seconds=opened["window"]), timedelta(seconds=opened["extension"]), opened["reserve"],
        timedelta(seconds=opened["reveal"]),
    )  # fmt: skip
    try:
        check_terms(terms, opened.time)
        if rulebook is not None:
            over = case.log.time_over(notice.index)
            begun = notice.time if over is None else max(notice.time, over - span)
            keep_auction_notice(Lenient(rulebook.values), begun, terms.opens)
    except Refused as no:
        raise Broken("V-AUCTION", why=no.code) from None
    if terms.start != max(able.values(), default=0):
        raise Broken("V-AUCTION", why="start")
    if len(set(opened["bidders"])) != terms.bidders:
        raise Broken("V-AUCTION", why="numbers")
    return State.begin(terms)


def _hear(state: State, case: Case, said: Iterable[Fact], span: timedelta, found: Found) -> None:
    """Bid by bid, in the order of the log. The first that does not hold is named; nothing after it can be judged."""
    keys = case.facts(OPENED)[0]["bidders"]
    ends = ("candidates-published", "tender-failed", "tender-terminated")
    end = min((fact.index for name in ends for fact in case.facts(name)), default=None)
    owed: datetime | None = None
    """The hammer that the next record must set."""
    last, heard_at, ended = state.terms.opens, "", False
    for fact in said:
        with found.at(fact.at):
            name = fact.held.name
            if name == ORDERED:
                over = case.log.time_over(fact.index)
                state = state if ended else stop(state, fact.time if over is None else min(fact.time, over + span))
                continue
            if ended:
                raise Broken("V-HAMMER", why="closed")
            if end is not None and fact.index > end:
                raise Broken("V-ORDER", first=name, then="candidates-published")
            if name == OPENED:
                raise Broken("V-SECOND", what=OPENED, stage="")
            if name == EXTENDED:
                if owed is None or fact["hammer"] != owed or fact.time != last:
                    raise Broken("V-EXTENDED", expected=owed or "", hammer=fact["hammer"])
                owed = None
                continue
            if owed is not None:
                raise Broken("V-EXTENDED", expected=owed, hammer="")
            if name == RESUMED:
                state = _resumed(state, fact)
                last = fact.time
                continue
            if name == BID:
                state, owed = _take(state, fact, keys)
                last, heard_at = fact.time, fact.at
                continue
            _check_closed(state, fact)
            ended = True
            continue
        return
    if owed is not None:
        found.fault(heard_at, "V-EXTENDED", expected=owed, hammer="")
    elif not ended and case.facts("candidates-published"):
        found.fault(case.facts("candidates-published")[0].at, "V-ORDER", first=CLOSED, then="candidates-published")


def _take(state: State, fact: Fact, keys: tuple[bytes, ...]) -> tuple[State, datetime | None]:
    """One bid: lawful, and its number's."""
    try:
        heard = judge(Bid(fact["number"], fact["price"]), state, fact.time)
    except Refused as no:
        code = "V-HAMMER" if no.code in OUT_OF_TIME else "V-AUCTION-BID"
        raise Broken(code, why=no.code) from None
    try:
        if len(fact["sig"]) != 1:
            raise BadSignature("array")
        verify_by(fact.held.body["sig"], record_sig_bytes(fact.held.body), keys[fact["number"] - 1])
    except BadSignature:
        raise Broken("V-AUCTION-BID", why="signature") from None
    return heard.state, heard.extended


def _resumed(state: State, fact: Fact) -> State:
    """After a stop, for as long as was left of the rounds."""
    try:
        return resume(state, fact["opens"], fact["hammer"], fact.time)
    except Refused as no:
        raise Broken("V-HAMMER" if no.code == "E-AUCTION-CLOCK" else "V-AUCTION", why=no.code) from None


def _check_closed(state: State, fact: Fact) -> None:
    """After the hammer, with what the last bid and the reserve say."""
    told = None if fact["reserve"] is None else Reserve(fact["reserve"]["price"], fact["reserve"]["salt"])
    try:
        ending = close(state, fact.time, told)
    except Refused as no:
        raise Broken(
            "V-HAMMER" if no.code in ("E-AUCTION-OPEN", "E-AUCTION-STOPPED") else "V-AUCTION", why=no.code
        ) from None
    if fact["hammer"] != state.hammer:
        raise Broken("V-EXTENDED", expected=state.hammer, hammer=fact["hammer"])
    if (fact["number"], fact["price"], fact["outcome"]) != (ending.number, ending.price, ending.outcome):
        raise Broken("V-AUCTION", why="outcome")
    if len(fact["bids"]) != state.terms.bidders or len(set(fact["bids"])) != state.terms.bidders:
        raise Broken("V-AUCTION", why="numbers")


def _check_who(case: Case, bids: Bids, opened: Fact, found: Found) -> None:
    """Who joined is who was let in, under the key it joined with; and each number is the bid's that the closing names."""
    ended, closed = case.facts("evaluation-closed"), case.facts(CLOSED)
    effective = bids.effective(FORM)
    joined: dict[bytes, str] = {}
    for fact in case.facts(JOINED):
        with found.at(fact.at):
            bid = fact["bid"]
            if fact.index > opened.index or bid in joined.values() or fact["key"] in joined:
                raise Broken("V-AUCTION", why="numbers")
            if bid not in effective or not _signed(fact, effective[bid].key):
                raise Broken("V-AUCTION-BID", why="signature")
            joined[fact["key"]] = bid
    if not ended:
        return
    gone = {fact["bid"] for fact in case.facts("bid-rejected") if fact.index < opened.index}
    able = {key: bid for key, bid in joined.items() if bid not in gone}
    if set(able) != set(opened["bidders"]):
        found.fault(opened.at, "V-AUCTION", why="numbers")
    elif closed and tuple(able[key] for key in opened["bidders"]) != closed[0]["bids"]:
        found.fault(closed[0].at, "V-AUCTION", why="numbers")


def _signed(fact: Fact, key: bytes) -> bool:
    """Whether exactly this key signed that it joins."""
    sig = fact.held.body["sig"]
    try:
        if acting_key(sig) != key:
            return False
        verify_signatures(sig, record_sig_bytes(fact.held.body))
    except (BadSignature, Refused):
        return False
    return True
