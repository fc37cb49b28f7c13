"""What a seat signs, gives and is told: draw.md §2.6 as values and bytes. Pure; platform, tool and `verify` run the same.

    message = seat_bytes("scores-committed", tender, draw=…, seat=…, commit=…)   signed by the seat's key
    check_reasons(tender, 3, points, scales, read_reasons(data))                 every extreme mark says why
    found = statistics({1: points, 2: points, …}, scales)                        only when every seat has revealed

Points are decimals, on the scale of what is rated. Nothing here knows of prices, ranks or money.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from statistics import median
from typing import Any, Final

from audit import wire
from audit.canon import b64, canon, parse
from audit.refusal import Refused
from audit.trust import record_sig_bytes

Points = Mapping[str, Mapping[str, Decimal]]
"""{bid: {criterion: points}} of one seat."""

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters of a check-in code: none looks like another (no 0, 1, I, O)."""
CODE: Final = 8
"""Letters of a check-in code: 2^40 of them."""

_CHECK_IN: Final = b"trading/check-in/v1\n"
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)
_HUNDRED: Final = Decimal(100)


# ------------------------------------------------------------------------------------------------------ what is signed


def read_code(text: str) -> str:
    """A check-in code as it is hashed: capitals, without the blanks and hyphens that people put in."""
    return "".join(text.split()).replace("-", "").upper()


def check_in_bytes(code: str, key: bytes) -> bytes:
    """What the new key of a seat signs to prove that it is held by whoever holds the code."""
    return _CHECK_IN + canon({"code": read_code(code), "key": b64(key)})


def seat_bytes(what: str, tender: str, /, **fields: Any) -> bytes:
    """What a seat's key signs: the record `what` of a tender to come, with these fields (record-sig bytes, log.md §1)."""
    return record_sig_bytes({"type": f"trading.{what}/v1", "subject": tender, "tender": tender, **fields})


# ------------------------------------------------------------------------------------------------------------- labels


def labels(key: bytes, bids: Iterable[str], *, blind: bool) -> dict[str, str]:
    """{label: bid}: A, B … Z, AA …, in an order that only the holder of `key` (one per seat) knows, or by bid id.

    Blind, two seats do not name the same bid by the same letter, so nobody can say "mark B up" to another.
    """
    ordered = sorted(set(bids))
    if blind:
        ordered.sort(key=lambda bid: hmac.digest(key, bid.encode(), "sha256"))
    return {_letters(place): bid for place, bid in enumerate(ordered)}


def _letters(place: int) -> str:
    text = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        text = chr(65 + letter) + text
    return text


# ------------------------------------------------------------------------------------------------------------ reasons

REASONS: Final = "trading.score-reasons/v1"
LOWEST, HIGHEST = Decimal(60), Decimal(90)
"""Per cent of what may be given: below the pass mark, or above the middle, a mark says why. Our own rule, not the law's."""
LONGEST: Final = 1000
"""Characters of one reason."""


@dataclass(frozen=True)
class Scale:
    """How much may be given for something rated. `found`: units that were found (an adjustment), not points."""

    most: Decimal
    found: bool = False

    def extreme(self, points: Decimal) -> bool:
        """Whether a mark needs its reason: below 60 or above 90 per cent; of units found, any."""
        if self.found:
            return points > 0
        share = points * _HUNDRED / self.most
        return share < LOWEST or share > HIGHEST


Scales = Mapping[str, Scale]


def write_reasons(tender: str, seat: int, texts: Mapping[tuple[str, str], str]) -> bytes:
    """The paper of reasons of one seat, {(bid, criterion): text}: canonical bytes, by bid and criterion."""
    rows = [{"bid": bid, "criterion": name, "text": texts[bid, name]} for bid, name in sorted(texts)]
    return canon({"type": REASONS, "tender": tender, "seat": seat, "rows": rows}, nfc=True)


def read_reasons(data: bytes, tender: str, seat: int) -> dict[tuple[str, str], str]:
    """The same, read. Raises Refused E-REASONS for anything that is not the paper of this seat."""
    row = {"bid": wire.text, "criterion": wire.text, "text": _reason}
    fields = {"tender": wire.text, "seat": wire.integer(1), "rows": wire.listed(wire.nested(row))}
    try:
        found = wire.read(data, REASONS, fields, nfc=True)
    except wire.Malformed as why:
        raise Refused("E-REASONS", why=str(why)[:200]) from None
    texts = {(one["bid"], one["criterion"]): one["text"] for one in found["rows"]}
    if (found["tender"], found["seat"]) != (tender, seat):
        raise Refused("E-REASONS", why="it is another seat's")
    if list(texts) != sorted(texts) or len(texts) != len(found["rows"]):
        raise Refused("E-REASONS", why="rows stand by bid and criterion, each once")
    return texts


def _reason(value: Any) -> str:
    text = wire.text(value)
    if not text.strip() or len(text) > LONGEST or any(ord(letter) < 32 and letter != "\n" for letter in text):
        raise ValueError(f"a reason has 1 to {LONGEST} characters")
    return text


def check_reasons(points: Points, scales: Scales, reasons: Collection[tuple[str, str]]) -> None:
    """That every extreme mark says why, and nothing is reasoned that was not rated. Raises Refused E-SCORE-REASON."""
    for bid, given in sorted(points.items()):
        for name, mark in sorted(given.items()):
            if scales[name].extreme(mark) and (bid, name) not in reasons:
                raise Refused("E-SCORE-REASON", bid=bid, criterion=name, points=f"{mark:f}")
    for bid, name in sorted(reasons):
        if name not in points.get(bid, {}):
            raise Refused("E-REASONS", why=f"{bid} {name} is not rated")


# --------------------------------------------------------------------------------------------------------- statistics

SPREAD: Final = Decimal("2.5")
"""Median absolute deviations."""
SLACK, FAR = Decimal(5), Decimal(30)
"""Per cent of what may be given: nobody stands out by less than the one, everybody by more than the other."""


@dataclass(frozen=True)
class Outlier:
    """A mark that stands out, and the median it stands out from."""

    seat: int
    bid: str
    criterion: str
    points: Decimal
    median: Decimal


@dataclass(frozen=True)
class Lean:
    """How a seat stands to the panel's means, in per cent of what may be given: `lean` signed, `spread` without sign."""

    seat: int
    lean: Decimal
    spread: Decimal


@dataclass(frozen=True)
class Statistics:
    """Told to all seats after the reveal, and in the report. Findings, not verdicts: they change no mark."""

    leans: tuple[Lean, ...] = ()
    outliers: tuple[Outlier, ...] = field(default=())

    def plain(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {
            "deviations": [
                {"seat": one.seat, "lean": f"{one.lean:f}", "spread": f"{one.spread:f}"} for one in self.leans
            ],
            "outliers": [
                {
                    "seat": one.seat,
                    "bid": one.bid,
                    "criterion": one.criterion,
                    "points": f"{one.points:f}",
                    "median": f"{one.median:f}",
                }
                for one in self.outliers
            ],
        }


def statistics(sheets: Mapping[int, Points], scales: Scales) -> Statistics:
    """Deviations and outliers of the seats, over what all of them rated.

    A mark stands out if it lies further from the median of the seats than 30 % of what may be given, or further than
    2.5 median absolute deviations and 5 %.
    """
    if not sheets:
        return Statistics()
    seats = sorted(sheets)
    cells = sorted(
        (bid, name)
        for bid, given in sheets[seats[0]].items()
        for name in given
        if all(name in sheets[seat].get(bid, {}) for seat in seats)
    )
    offs: dict[int, list[Decimal]] = {seat: [] for seat in seats}
    outliers = []
    for bid, name in cells:
        given = {seat: sheets[seat][bid][name] for seat in seats}
        most = scales[name].most
        mean = _EXACT.divide(sum(given.values(), Decimal(0)), Decimal(len(seats)))
        middle = median(given.values())
        mad = median(abs(mark - middle) for mark in given.values())
        bound = min(FAR * most / _HUNDRED, max(SPREAD * mad, SLACK * most / _HUNDRED))
        for seat, mark in given.items():
            offs[seat].append(_EXACT.divide((mark - mean) * _HUNDRED, most))
            if abs(mark - middle) > bound:
                outliers.append(Outlier(seat, bid, name, mark, middle))
    leans = [Lean(seat, _mean(offs[seat]), _mean([abs(off) for off in offs[seat]])) for seat in seats]
    return Statistics(tuple(leans), tuple(sorted(outliers, key=lambda one: (one.seat, one.bid, one.criterion))))


def _mean(values: Sequence[Decimal]) -> Decimal:
    whole = _EXACT.divide(sum(values, Decimal(0)), Decimal(len(values) or 1))
    return whole.quantize(Decimal("0.01"), ROUND_HALF_UP, _EXACT) + 0  # no negative zero


# ------------------------------------------------------------------------------------------------------------- report

REPORT: Final = "trading.evaluation-report/v1"


def report(
    tender: str,
    draw: str,
    method: str,
    *,
    totals: Mapping[str, Any] | None,
    rejected: Iterable[Mapping[str, str]],
    found: Statistics,
    seats: Iterable[Mapping[str, Any]],
) -> bytes:
    """The evaluation report as canonical bytes: what every seat signs or dissents from.

    `totals`: as `evaluation/totals.json` will be; null where no bid is left to rank. `seats`: {"seat", "side", "sheet",
    "reasons"}, the last two null where nothing is rated. The same facts give the same bytes, whenever they are asked for.
    """
    return canon(
        {
            "type": REPORT,
            "tender": tender,
            "draw": draw,
            "method": method,
            "totals": None if totals is None else dict(totals),
            "rejected": sorted((dict(one) for one in rejected), key=lambda one: one["bid"]),
            **found.plain(),
            "seats": sorted((dict(one) for one in seats), key=lambda one: one["seat"]),
        }
    )


def read_report(data: bytes) -> dict[str, Any]:
    """A report's value. Raises Refused E-REPORT-PAPER."""
    try:
        value = parse(data)
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("type") != REPORT:
        raise Refused("E-REPORT-PAPER")
    return value
