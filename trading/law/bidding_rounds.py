"""Open ascending rounds 网上竞价: what a bid must be, how long the hammer waits, what the outcome is (log.md §8, V15).

    state = State.begin(terms)
    heard = judge(Bid(number=3, price=1_050_000), state, now)     # Refused, or the state after it
    ending = close(heard.state, now, revealed)

One function for the server, the verifier and the tests. Money is in fen, times are aware, numbers are 竞买号 from 1. What
is signed, and by whom, is asked elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from audit.canon import canon, sha256_hex
from audit.refusal import Refused
from trading.law.article import Article

AUCTION = "拍卖法"
BINDING, HIGHEST, SECRET = Article(AUCTION, 36), Article(AUCTION, 50), Article(AUCTION, 28)
SOLD, BELOW = "sold", "below_reserve"


@dataclass(frozen=True)
class Terms:
    """How an auction goes, fixed when it is opened."""

    bidders: int
    """How many take part: their numbers are 1 … bidders."""
    start: int
    increment: int
    opens: datetime
    hammer: datetime
    window: timedelta
    """A bid so shortly before the hammer makes it wait."""
    extension: timedelta
    """Until so long after that bid."""
    reserve: str | None = None
    """SHA-256 of `commitment`; None: there is no reserve."""
    reveal: timedelta = timedelta(0)
    """How long after the hammer the reserve may still be revealed."""


@dataclass(frozen=True)
class Bid:
    """A number's cry, in fen."""

    number: int
    price: int


@dataclass(frozen=True)
class State:
    """An auction on its way: who stands, at what price, until when, and when last something was said."""

    terms: Terms
    standing: int
    number: int | None
    hammer: datetime
    last: datetime | None = None
    best: tuple[tuple[int, int], ...] = ()
    """The last price of each number that bid."""
    stopped: datetime | None = None
    """Since when the rounds rest, because the tender was suspended; None: they do not."""

    @classmethod
    def begin(cls, terms: Terms) -> State:
        """The state before the first bid."""
        return cls(terms, terms.start, None, terms.hammer)

    @property
    def least(self) -> int:
        """What the next bid must be at least."""
        return self.standing + self.terms.increment

    def phase(self, now: datetime) -> str:
        """`stopped`, `waiting`, `open`, or `hammered` (nothing more is taken)."""
        if self.stopped is not None:
            return "stopped"
        if now < self.terms.opens:
            return "waiting"
        return "open" if now <= self.hammer else "hammered"

    @property
    def left(self) -> timedelta:
        """How long the rounds would still have gone on when they were stopped."""
        since = self.terms.opens if self.stopped is None else max(self.terms.opens, self.stopped)
        return self.hammer - since


@dataclass(frozen=True)
class Heard:
    """A bid that was taken: the state after it, and the new hammer where it made it wait."""

    state: State
    extended: datetime | None


def check_terms(terms: Terms, now: datetime) -> None:
    """Whether an auction may be opened so. Raises Refused E-AUCTION-TERMS, which names what is wrong."""
    zero = timedelta(0)
    wrong = {
        "bidders": terms.bidders < 1,
        "start": terms.start < 1,
        "increment": terms.increment < 1,
        "opens": terms.opens < now,
        "hammer": terms.hammer <= terms.opens,
        "window": terms.window < zero,
        "extension": terms.extension < zero,
        "reveal": terms.reveal < zero,
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise Refused("E-AUCTION-TERMS", field=field)


def judge(bid: Bid, state: State, now: datetime) -> Heard:
    """An offer is higher than the one before it by the increment at least, and lies between opening and hammer.

    Raises Refused: E-AUCTION-CLOCK (before what was heard last), E-AUCTION-STOPPED, E-AUCTION-WAITING, E-HAMMER,
    E-AUCTION-NUMBER, E-AUCTION-LOW (with what is lawful).
    """
    if state.last is not None and now < state.last:
        raise Refused("E-AUCTION-CLOCK", now=now, last=state.last)
    phase = state.phase(now)
    if phase == "stopped":
        raise Refused("E-AUCTION-STOPPED", since=state.stopped)
    if phase == "waiting":
        raise Refused("E-AUCTION-WAITING", now=now, opens=state.terms.opens)
    if phase == "hammered":
        raise Refused("E-HAMMER", now=now, hammer=state.hammer, price=state.standing)
    if not 1 <= bid.number <= state.terms.bidders:
        raise Refused("E-AUCTION-NUMBER", number=bid.number)
    if bid.price < state.least:
        raise Refused("E-AUCTION-LOW", BINDING, price=bid.price, standing=state.standing, least=state.least)
    extended = extension(state, now)
    best = {**dict(state.best), bid.number: bid.price}
    after = replace(
        state, standing=bid.price, number=bid.number, last=now, hammer=extended or state.hammer,
        best=tuple(sorted(best.items())),
    )  # fmt: skip
    return Heard(after, extended)


def extension(state: State, now: datetime) -> datetime | None:
    """The hammer that a bid taken now would set; None: it stays."""
    longer = now + state.terms.extension
    return longer if state.hammer - now <= state.terms.window and longer > state.hammer else None


def stop(state: State, at: datetime) -> State:
    """The tender is suspended: no bid and no hammer until the seller resumes the rounds. After the hammer there is nothing
    left to stop: then the closing alone waits."""
    return state if state.stopped is not None or at > state.hammer else replace(state, stopped=at)


def resume(state: State, opens: datetime, hammer: datetime, now: datetime) -> State:
    """The rounds go on, at an hour that is told before, for as long as was left at least. Who stands, stands.

    Raises Refused: E-AUCTION-CLOCK, E-AUCTION-GOES-ON (nothing stopped them), E-AUCTION-TERMS (`opens`, `hammer`).
    """
    if state.last is not None and now < state.last:
        raise Refused("E-AUCTION-CLOCK", now=now, last=state.last)
    if state.stopped is None:
        raise Refused("E-AUCTION-GOES-ON")
    if opens < now:
        raise Refused("E-AUCTION-TERMS", field="opens")
    if hammer <= opens or hammer - opens < state.left:
        raise Refused("E-AUCTION-TERMS", field="hammer")
    return replace(state, terms=replace(state.terms, opens=opens), hammer=hammer, stopped=None, last=now)


@dataclass(frozen=True)
class Reserve:
    """A reserve price 保留价 as its owner keeps it: fen, and 32 random bytes as hex."""

    price: int
    salt: str

    @property
    def commitment(self) -> str:
        """What the opening says of it."""
        return sha256_hex(canon({"price": self.price, "salt": self.salt}))


@dataclass(frozen=True)
class Ending:
    """How an auction ended. `number` is None where nobody bid: the sealed prices decide."""

    number: int | None
    price: int
    outcome: str


def close(state: State, now: datetime, revealed: Reserve | None = None) -> Ending:
    """The hammer: the highest offer has no effect if it is below the reserve (AU-03, 拍卖法 50).

    Raises Refused: E-AUCTION-STOPPED, E-AUCTION-OPEN (it is not over), E-AUCTION-REVEAL (the reserve is still to be
    revealed), E-AUCTION-RESERVE (not the one that was committed to, or none was).
    """
    if state.stopped is not None:
        raise Refused("E-AUCTION-STOPPED", since=state.stopped)
    if now <= state.hammer or (state.last is not None and now < state.last):
        raise Refused("E-AUCTION-OPEN", now=now, hammer=state.hammer)
    terms = state.terms
    if revealed is not None and revealed.commitment != terms.reserve:
        raise Refused("E-AUCTION-RESERVE", SECRET)
    until = state.hammer + terms.reveal
    if terms.reserve is not None and revealed is None and now <= until:
        raise Refused("E-AUCTION-REVEAL", SECRET, until=until)
    below = revealed is not None and state.standing < revealed.price
    return Ending(state.number, state.standing, BELOW if below else SOLD)
