"""What has happened to a tender, as values: its acts in order, its remedies, what suspends it. Nothing here judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any

from audit.canon import instant
from trading.law import remedies
from trading.law.article import Article
from trading.law.bounds import Book, Lenient, asked, shortest
from trading.law.rulebook import Rulebook
from trading.law.stages import FIRST, GOALS, TABLE, act_of

Facts = Mapping[str, Any]
NOTHING: Facts = MappingProxyType({})

CONTRACT_RULES = ("WK-46", "GP-15", "LD-03", "MN-04")
"""A regime with one of these goes on to a contract; one without is archived when it has awarded."""

CLOSINGS = frozenset({"close", "leave-shut"})
MOVING = frozenset(
    {
        "unseal", "settle-stage", "open-auction", "resume-auction", "close-auction", "publish-candidates", "award",
        "notify-award", "sign-contract", "fail",
    }
    | CLOSINGS
)  # fmt: skip
"""What moves a tender on, and therefore waits while it is suspended. (Bids of an auction wait too: an order stops its
rounds, see `bidding_rounds.stop`.) Questions, amendments, later deadlines, bids before
the deadline, remedies and giving it up do not."""

_TIMES = frozenset({"deadline", "until", "known", "signed", "supply_until", "received", "warned", "due", "from", "to"})


def read_facts(body: Facts) -> dict[str, Any]:
    """The fields of a record as facts: times as `datetime`. Raises ValueError for a time that is none."""
    return {name: _read(name, value) for name, value in body.items()}


def _read(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return read_facts(value)
    return instant(value) if name in _TIMES and isinstance(value, str) else value


@dataclass(frozen=True)
class Happened:
    """An act that was done. `begun` and `done` are set by a verifier, who believes a record's time only within bounds:
    it did not begin to count before `begun`, and nobody acted after `done`."""

    what: str
    at: datetime
    facts: Facts = field(default_factory=dict)
    begun: datetime | None = None
    done: datetime | None = None

    @classmethod
    def told(cls, type: str, at: datetime, body: Facts) -> Happened:
        """What a record of the log tells (its type without `trading.` and version); `what` is "" where it moves nothing."""
        return cls(act_of(type, body), at, read_facts(body))

    @property
    def earliest(self) -> datetime:
        """Not before this: where a shortest period starts, and where a longest one ends."""
        return self.begun or self.at

    @property
    def latest(self) -> datetime:
        """Not after this: where a shortest period ends, and where a longest one starts."""
        return self.done or self.at


@dataclass(frozen=True)
class Remedy:
    """An objection, inquiry, challenge or complaint, and what became of it."""

    id: str
    kind: str
    about: str
    filed: Happened
    accepted: Happened | None = None
    refused: Happened | None = None
    answered: Happened | None = None

    @property
    def open(self) -> bool:
        """Whether it still waits for somebody."""
        return self.answered is None and self.refused is None


@dataclass(frozen=True)
class Suspension:
    """What makes a tender wait. `why`: objection, inquiry, challenge or order. `scope`: "all" or "contract"."""

    why: str
    id: str
    scope: str
    since: datetime
    until: datetime | None
    """When it ends by itself; None: only by an answer or by being lifted."""
    ended: datetime | None
    rule: str
    article: Article | str | None

    def holds(self, at: datetime) -> bool:
        """Whether it goes on."""
        return self.ended is None and (self.until is None or at < self.until)

    def blocks(self, act: str) -> bool:
        """Whether an act waits for its end."""
        return act == "sign-contract" if self.scope == remedies.CONTRACT else act in MOVING

    @property
    def over(self) -> datetime | None:
        """When it ended; None: it goes on."""
        ends = [one for one in (self.until, self.ended) if one is not None]
        return min(ends) if ends else None


@dataclass(frozen=True)
class Life:
    """A tender's life so far. A value: `after` gives another one. Whatever happened is taken as it is; `ask` judges."""

    rulebook: Rulebook
    history: tuple[Happened, ...] = ()
    stage: str = FIRST
    _by: Mapping[str, tuple[Happened, ...]] = field(default_factory=dict, repr=False, compare=False)

    def after(self, happened: Happened) -> Life:
        """The life after an act, lawful or not: a verifier carries on behind an illegal step, and names the next one."""
        act = happened.what
        stage = TABLE.get((self.stage, act)) or GOALS.get(act, self.stage)
        by = {**self._by, act: (*self._by.get(act, ()), happened)}
        return Life(self.rulebook, (*self.history, happened), stage, by)

    # ---- looking back

    def all(self, act: str) -> tuple[Happened, ...]:
        """Every time an act was done, in order."""
        return self._by.get(act, ())

    def first(self, act: str) -> Happened | None:
        """The first time; None: never."""
        return next(iter(self.all(act)), None)

    def last(self, act: str) -> Happened | None:
        """The last time; None: never."""
        found = self.all(act)
        return found[-1] if found else None

    def has(self, act: str) -> bool:
        """Whether it was done at all."""
        return act in self._by

    # ---- what follows from it

    @cached_property
    def book(self) -> Book:
        """The pinned rules."""
        return self.rulebook

    @cached_property
    def lenient_book(self) -> Book:
        """The pinned rules as a verifier counts them."""
        return Lenient(self.rulebook.values)

    @cached_property
    def announcement(self) -> Facts:
        """The facts of the announcement; empty before it."""
        announced = self.first("announce")
        return announced.facts if announced else NOTHING

    @cached_property
    def deadline(self) -> datetime | None:
        """The deadline as it stands: the announced one, or the latest of those it was moved to."""
        told = [one.facts.get("deadline") for one in (*self.all("announce"), *self.all("move-deadline"))]
        return max((one for one in told if one is not None), default=None)

    @cached_property
    def contract_follows(self) -> bool:
        """Whether the award is followed by a contract in this regime."""
        return asked(self.rulebook, *CONTRACT_RULES) is not None

    @cached_property
    def secured(self) -> bool:
        """Whether a bid security was asked for."""
        return bool(self.announcement.get("security"))

    @cached_property
    def rejected(self) -> frozenset[str]:
        """Bids that were rejected."""
        return frozenset(one.facts.get("bid", "") for one in self.all("reject"))

    @cached_property
    def candidates(self) -> tuple[str, ...]:
        """The published candidates that still stand, in their order."""
        published = self.last("publish-candidates")
        ranking = published.facts.get("ranking", ()) if published else ()
        return tuple(bid for bid in ranking if bid not in self.rejected)

    @cached_property
    def signed(self) -> datetime | None:
        """When the contract was signed, as its record says; None: there is none."""
        contract = self.last("sign-contract")
        return None if contract is None else contract.facts.get("signed") or contract.at

    @cached_property
    def remedies(self) -> Mapping[str, Remedy]:
        """Every remedy by its id."""
        told = {
            act: {one.facts.get("remedy"): one for one in self.all(act)}
            for act in ("accept-remedy", "refuse-remedy", "answer-remedy")
        }
        found = {}
        for filed in self.all("file-remedy"):
            id = filed.facts.get("remedy", "")
            found[id] = Remedy(
                id,
                filed.facts.get("kind", ""),
                filed.facts.get("about", ""),
                filed,
                *(told[act].get(id) for act in ("accept-remedy", "refuse-remedy", "answer-remedy")),
            )
        return found

    # ---- suspension

    def suspensions(self, *, lenient: bool = False) -> tuple[Suspension, ...]:
        """Everything that suspends or suspended this tender, in the order in which it began."""
        return self._lenient_suspensions if lenient else self._strict_suspensions

    def suspension(self, now: datetime, act: str = "", *, lenient: bool = False) -> Suspension | None:
        """What suspends the tender at `now`: for one act, or for any. None: nothing."""
        for one in self.suspensions(lenient=lenient):
            if one.holds(now) and (not act or one.blocks(act)):
                return one
        return None

    @cached_property
    def _strict_suspensions(self) -> tuple[Suspension, ...]:
        return self._suspensions(self.book)

    @cached_property
    def _lenient_suspensions(self) -> tuple[Suspension, ...]:
        return self._suspensions(self.lenient_book)

    def _suspensions(self, book: Book) -> tuple[Suspension, ...]:
        if not (self.has("file-remedy") or self.has("order-suspension")):
            return ()
        found = []
        for remedy in self.remedies.values():
            waits = remedies.waits(book, remedy.kind, remedy.about)
            if waits.scope:
                over = remedy.answered or remedy.refused
                since, end = remedy.filed.earliest, over.latest if over else None
                found.append(
                    Suspension(remedy.kind, remedy.id, waits.scope, since, None, end, waits.rule, waits.article)
                )
        lifted = {one.facts.get("order"): one.latest for one in self.all("lift-suspension")}
        for order in self.all("order-suspension"):
            id, ground = order.facts.get("order", ""), order.facts.get("ground", "")
            until, rule = order.facts.get("until"), remedies.rests_on(book, ground)
            longest = asked(book, "GP-24") if ground == remedies.COMPLAINT_GROUND else None
            if until is None and longest is not None:
                until = shortest(book, self.ordered_first(order).earliest, longest.count, longest.unit).over
            article = order.facts.get("article") or (rule.article if rule else None)
            found.append(
                Suspension(
                    "order", id, remedies.ALL, order.earliest, until, lifted.get(id), rule.id if rule else "", article
                )
            )
        return tuple(sorted(found, key=lambda one: one.since))

    def ordered_first(self, order: Happened) -> Happened:
        """The first order on the same complaint: thirty days are thirty days, however many orders they are cut into."""
        complaint = order.facts.get("remedy")
        if complaint is None:
            return order
        return next(one for one in self.all("order-suspension") if one.facts.get("remedy") == complaint)

    def waited(self, act: str, start: datetime, end: datetime, *, lenient: bool = False) -> timedelta:
        """For how long between two instants the act had to wait: a longest period does not run meanwhile."""
        whole, reached = timedelta(0), start
        for one in self.suspensions(lenient=lenient):
            if one.blocks(act):
                begins, ends = max(one.since, reached), min(one.over or end, end)
                if begins < ends:
                    whole += ends - begins
                    reached = ends
        return whole


def live(rulebook: Rulebook, history: Iterable[Happened] = ()) -> Life:
    """The life that a history makes. What moves nothing (`what` is "") is passed over; so is every closing but the first:
    a closing is one act, whose records are as many as there are stages."""
    life = Life(rulebook)
    for one in history:
        if one.what and not (one.what in CLOSINGS and any(life.has(act) for act in CLOSINGS)):
            life = life.after(one)
    return life
