"""Verification of an archive, the sealed bids' part: V7–V12 and the list part of V17 (log.md §8).

The steps themselves: ``verify_custody`` (V7, V10), ``verify_bids`` (V8), ``verify_lists`` (V9), ``verify_openings``
(V11, V12), ``verify_receipts`` (V17). Here is what the log's own steps need to know of bids: which files there may be,
which records are sealed, and which times are bounded by what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from audit.verify import Row, row
from audit.verify_times import Bound, Pace
from bidding import records as records  # declares the types that V4 knows to be sealed or public
from bidding.case import CLOSING, Case
from bidding.keys import Keyset
from bidding.verify_custody import hour_of, owed_statements

ROWS: tuple[Row, ...] = (
    row("keysets/<hash>.json"),
    row("statements/<hash>.json", "statement", "sig"),
    row("registrations/<hash>.json", "registration", "sig"),
    row("bids/<bid>/<name>/<n>/manifest.json"),
    row("bids/<bid>/<name>/<n>/sig.json"),
    row("bids/<bid>/<name>/<n>/payload"),
    row(
        "bids/<bid>/<name>/<n>/opened.json",
        *("verdict", "at", "opening", "files", "findings", "unvouched"),
        optional=("ck",),
    ),
    row("bids/<bid>/withdrawal.json", "withdrawal", "sig"),
    row("releases/<name>/<n>.json", "release", "sig"),
)
SEALED = CLOSING | {"bidder-key-registered"}
"""Types that a closing discloses; the public edition of a tender that stays shut has none of them."""
NEAR = frozenset({"deposited", "withdrawn", "closed", "released"})
"""Types whose time must fit the first checkpoint over them."""


def closings_say(tender: str, clear: Iterable[Mapping[str, object]]) -> list[object]:
    """What the closings of a tender among these records of the log say of ``opens``."""
    return [
        record.get("opens")
        for record in clear
        if record.get("type") == "trading.closed/v1" and record.get("tender") == tender
    ]


def is_shut(tender: str, clear: Iterable[Mapping[str, object]]) -> bool:
    """Whether a closing says that the tender stays shut."""
    return any(said is False for said in closings_say(tender, clear))


def has_opened(tender: str, clear: Iterable[Mapping[str, object]]) -> bool:
    """Whether there is a closing and all say that the tender opens: only then is what was sealed disclosed to all."""
    said = closings_say(tender, clear)
    return bool(said) and all(one is True for one in said)


def shown_indexes(case: Case, keysets: Mapping[str, Keyset]) -> set[int]:
    """The records whose first checkpoint an archive owes (log.md §7)."""
    indexes = {held.index for held in case.mine}
    indexes |= {held.index for held in case.log.held.values() if held.file}
    statements = owed_statements(case, keysets)
    for name in ("custodian-key-registered", "rehearsed"):
        seen: set[str] = set()
        for fact in case.facts(name):
            if fact["statement"] in statements and fact["statement"] not in seen:
                seen.add(fact["statement"])
                indexes.add(fact.index)
    return indexes


def bounds(case: Case, keysets: Mapping[str, Keyset], pace: Pace) -> list[Bound]:
    """What V6 asks of deposits, withdrawals, closings and releases."""
    found: list[Bound] = []
    deadline = max((closing["deadline"] for closing in case.closings.values()), default=None)
    if deadline is not None:
        for fact in case.facts("deposited"):
            found.append(Bound(fact.index, "V-LATE", time_to=deadline, over_to=deadline + pace.beats))
        for fact in case.facts("withdrawn"):
            found.append(Bound(fact.index, "V-LATE", time_to=deadline))
    for fact in case.facts("closed"):
        given_up = any(one.index < fact.index for one in case.facts("abandoned"))
        due = None if given_up else fact["deadline"]
        found.append(Bound(fact.index, "V-CLOSED-WHEN", time_from=due, over_to=fact.time + pace.beats))
    for fact in case.facts("released"):
        hour = hour_of(case, keysets, fact["stage"])
        if hour is not None:
            found.append(Bound(fact.index, "V-EARLY", time_from=hour, over_from=hour))
    return found
