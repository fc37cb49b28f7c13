"""A statement: how many trades, for how much, saved and added. Pure values, reconciled before anybody may print them.

Whole fen inside, rounded half-up only where printed. 节约资金 S = Σ baseline − Σ deal over purchases, 增值 V = Σ deal −
Σ baseline over sales; a rate is Σ gain ÷ Σ baseline, never a mean of rates. Failed trades are counted apart; unit prices and
rates count as trades and not as money. Counts that do not sum refuse to print; printed amounts that do not sum say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from audit.refusal import Refused
from trading.law.gains import BASELINE, formula, rate
from trading.law.regimes import BUY, SELL

KINDS: Mapping[str, str] = {"works": BUY, "property": SELL, "procurement": BUY, "land": SELL, "minerals": SELL}
"""What is traded, and which way: the order in which statements tell of them."""
KIND, REGION, ORGANISATION, MONTH = "kind", "region", "organisation", "month"
BY = (KIND, REGION, ORGANISATION, MONTH)
CONCLUDED, NO_BASELINE, UNIT_PRICE, RATE, FAILED, ANNULLED = (
    "concluded", "no-baseline", "unit-price", "rate", "failed", "annulled",
)  # fmt: skip
STATUSES = (CONCLUDED, NO_BASELINE, UNIT_PRICE, RATE, FAILED, ANNULLED)
"""Whether a trade is in the figures: all of it; its price but no gain; as a trade but not as money (two); apart (two)."""
_REGIMES = {"works": "works", "gov": "procurement", "property": "property", "land": "land", "minerals": "minerals"}


def kind_of(regime: str, direction: str) -> str:
    """What is traded under a regime; under a source's own law purchases are procurement and sales are of property."""
    return _REGIMES.get(regime, "procurement" if direction == BUY else "property")


ALL = "all"
"""The key of the total."""


@dataclass(frozen=True)
class Side:
    """What was bought, or what was sold: counts and fen. `measured` is the price of those trades that have a baseline."""

    trades: int = 0
    deal: int = 0
    baseline: int = 0
    measured: int = 0
    gain: int = 0
    unmeasured: int = 0
    unpriced: int = 0
    failed: int = 0

    def __add__(self, other: Side) -> Side:
        return Side(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Side)))

    @property
    def rate(self) -> Decimal | None:
        """Σ gain ÷ Σ baseline; None where there is nothing to divide by."""
        return rate([(self.gain, self.baseline)]) if self.baseline > 0 else None

    @property
    def told(self) -> bool:
        """Whether a gain can be told of: at least one trade had a baseline."""
        return self.trades > self.unmeasured + self.unpriced


@dataclass(frozen=True)
class Row:
    """One line of a statement: purchases and sales of one kind, region, organisation or month."""

    key: str
    buy: Side = Side()
    sell: Side = Side()

    @property
    def trades(self) -> int:
        """How many trades were concluded."""
        return self.buy.trades + self.sell.trades

    @property
    def failed(self) -> int:
        """How many came to nothing; never among `trades`."""
        return self.buy.failed + self.sell.failed

    @property
    def deal(self) -> int:
        """交易总额 in fen."""
        return self.buy.deal + self.sell.deal

    @property
    def unpriced(self) -> bool:
        """Whether there were trades and not one of them had a price in money."""
        return 0 < self.trades == self.buy.unpriced + self.sell.unpriced

    @property
    def saved(self) -> int | None:
        """节约资金 in fen; None where nothing was bought that had a baseline."""
        return self.buy.gain if self.buy.told else None

    @property
    def added(self) -> int | None:
        """增值 in fen; None where nothing was sold that had a baseline."""
        return self.sell.gain if self.sell.told else None

    def __add__(self, other: Row) -> Row:
        return Row(self.key, self.buy + other.buy, self.sell + other.sell)


RESTATED = 20
"""How many corrections a statement tells one by one."""


@dataclass(frozen=True)
class Restated:
    """更正: a line that stands in another's place. `figures`: (before, after) in fen, None where there is none."""

    trade: str
    reason: str
    words: str
    was: str
    status: str
    figures: Mapping[str, tuple[int | None, int | None]]


@dataclass(frozen=True)
class Query:
    """What is asked: the days of a period, both of them in it (None: open), the grouping, the currency."""

    start: date | None = None
    end: date | None = None
    by: str = KIND
    currency: str = "CNY"

    def __post_init__(self) -> None:
        """Refused: E-STATEMENT-PERIOD (the end before the start), E-STATEMENT-BY (no such grouping)."""
        if self.start and self.end and self.end < self.start:
            raise Refused("E-STATEMENT-PERIOD", start=self.start, end=self.end)
        if self.by not in BY:
            raise Refused("E-STATEMENT-BY", by=self.by, known=", ".join(BY))

    def figure(self, by: str, key: str) -> str:
        """The id of a row's figures: it leads to the trades behind them (`--figure`, `GET /trade-lines`)."""
        return f"{self.asked(by)}&{urlencode({'key': key})}"

    def asked(self, by: str = "") -> str:
        """The same question as the query of an address."""
        asked = {"from": self.start, "to": self.end, "currency": self.currency, "by": by or self.by}
        return urlencode({name: value for name, value in asked.items() if value is not None})


@dataclass(frozen=True)
class Statement:
    """What is printed, wherever: a table, a sentence, JSON, CSV, XLSX, a paper. Made by `build` alone.

    `kinds` are always there, for the sentence; `rows` are those of `query.by`. `read`: all lines that were looked at in
    the period and currency; `corrections`: how many of them stand in another's place, the first of them in `restated`;
    `elsewhere`: trades told in other currencies and not here; `unlogged`: trades that the log knows nothing of. `first` and
    `last`: the days of the earliest and the latest trade.
    """

    query: Query
    source: str
    rows: tuple[Row, ...]
    kinds: tuple[Row, ...]
    total: Row
    corrections: int = 0
    elsewhere: int = 0
    first: date | None = None
    last: date | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    restated: tuple[Restated, ...] = ()
    unlogged: int = 0

    @property
    def start(self) -> date | None:
        """The first day of the period: as asked, else of the first trade."""
        return self.query.start or self.first

    @property
    def end(self) -> date | None:
        """The last day of the period."""
        return self.query.end or self.last

    def figure(self, row: Row) -> str:
        """The id of a row of `rows` or of the total."""
        return self.query.figure(self.query.by, row.key)

    def name(self, row: Row) -> str:
        """An organisation by its name, where the ledger knows it; any other key as it is."""
        return self.names.get(row.key, row.key)


def build(
    query: Query,
    source: str,
    rows: Iterable[Row],
    kinds: Iterable[Row],
    total: Row,
    *,
    read: int,
    corrections: int = 0,
    elsewhere: int = 0,
    first: date | None = None,
    last: date | None = None,
    names: Mapping[str, str] | None = None,
    restated: Iterable[Restated] = (),
    unlogged: int = 0,
) -> Statement:
    """A statement out of sums that were made apart from one another; nothing is made of sums that do not agree.

    Refused: E-STATEMENT-COUNTS (rows against total, or trades and failures against lines read), E-STATEMENT-SUMS (fen),
    E-STATEMENT-GAIN (a gain that is not what its baselines and prices give).
    """
    listed, by_kind = tuple(_ordered(query.by, rows)), tuple(_ordered(KIND, kinds))
    for group in (listed, by_kind):
        _agree(group, total)
    if total.trades + total.failed != read:
        raise Refused("E-STATEMENT-COUNTS", rows=total.trades + total.failed, total=read)
    for row in (*listed, *by_kind, total):
        if (
            row.buy.gain != row.buy.baseline - row.buy.measured
            or row.sell.gain != row.sell.measured - row.sell.baseline
        ):
            raise Refused("E-STATEMENT-GAIN", key=row.key)
    return Statement(
        query, source, listed, by_kind, total, corrections, elsewhere, first, last, dict(names or {}), tuple(restated),
        unlogged,
    )  # fmt: skip


def _ordered(by: str, rows: Iterable[Row]) -> Sequence[Row]:
    order = list(KINDS)
    return sorted(rows, key=lambda row: (order.index(row.key) if by == KIND and row.key in KINDS else 99, row.key))


def _agree(rows: Sequence[Row], total: Row) -> None:
    summed = sum(rows, Row(total.key))
    counts = ("trades", "failed", "unpriced", "unmeasured")
    for name in (one.name for one in fields(Side)):
        for mine, whole in ((summed.buy, total.buy), (summed.sell, total.sell)):
            got, expected = getattr(mine, name), getattr(whole, name)
            if got != expected:
                raise Refused("E-STATEMENT-COUNTS" if name in counts else "E-STATEMENT-SUMS", rows=got, total=expected)


# ------------------------------------------------------------------------------------------------- what is printed

UNITS: Mapping[str, Sequence[tuple[int, str]]] = {
    "zh": ((10_000_000_000, "亿元"), (1_000_000, "万元"), (100, "元")),
    "en": ((100_000_000, "million yuan"), (100, "yuan")),
}
"""Fen in a unit, widest first. One that would leave less than a tenth of itself gives way to the next."""
CENT = Decimal("0.01")


def unit_for(amount: int, lang: str) -> tuple[int, str]:
    """The unit an amount is told in: 907.44万元, but 0.88亿元."""
    units = UNITS["zh" if lang.startswith("zh") else "en"]
    return next((one for one in units if abs(amount) * 10 >= one[0]), units[-1])


def rounded(amount: int, unit: int) -> Decimal:
    """Fen in a unit, half-up to two places: what a reader sees."""
    return (Decimal(amount) / unit).quantize(CENT, ROUND_HALF_UP)


def percent(value: Decimal) -> str:
    """A rate in per cent, half-up to two places."""
    return str((value * 100).quantize(CENT, ROUND_HALF_UP))


def adds_up(parts: Iterable[Decimal], total: Decimal) -> bool:
    """Whether what is printed sums, in the places of the total, to what is printed; if not, a footnote says why."""
    return sum(parts, Decimal(0)).quantize(total, ROUND_HALF_UP) == total


def printed_adds_up(statement: Statement, unit: int) -> bool:
    """The same over every column of money of a table in one unit."""
    return all(
        adds_up([rounded(getattr(row, name) or 0, unit) for row in statement.rows], rounded(whole or 0, unit))
        for name in ("deal", "saved", "added")
        for whole in [getattr(statement.total, name)]
    )


def plain(statement: Statement) -> dict[str, Any]:
    """The statement for programs: fen, rates in per cent, and for every row the id that leads to its trades."""
    return {
        "from": str(statement.start) if statement.start else None,
        "to": str(statement.end) if statement.end else None,
        "by": statement.query.by,
        "currency": statement.query.currency,
        "source": statement.source,
        "formulas": {"saved": formula(BUY), "added": formula(SELL), "denominator": BASELINE},
        "rows": [_plain(statement, row) for row in statement.rows],
        "total": _plain(statement, statement.total),
        "corrections": statement.corrections,
        "restated": [_restated(one) for one in statement.restated],
        "unlogged": statement.unlogged,
        "other_currencies": statement.elsewhere,
    }


def _restated(one: Restated) -> dict[str, Any]:
    told = {name: {"before": before, "after": after} for name, (before, after) in one.figures.items()}
    return {"id": one.trade, "reason": one.reason, "words": one.words, "was": one.was, "status": one.status, **told}


def _plain(statement: Statement, row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": statement.name(row),
        "trades": row.trades,
        "failed": row.failed,
        "deal": row.deal,
        "saved": row.saved,
        "saved_baseline": row.buy.baseline,
        "saved_rate": None if row.buy.rate is None else percent(row.buy.rate),
        "added": row.added,
        "added_baseline": row.sell.baseline,
        "added_rate": None if row.sell.rate is None else percent(row.sell.rate),
        "without_price": row.buy.unpriced + row.sell.unpriced,
        "without_baseline": row.buy.unmeasured + row.sell.unmeasured,
        "figure": statement.figure(row),
    }


def published(counts: Iterable[int], total: int, amounts: Iterable[Decimal], whole: Decimal) -> bool:
    """Whether a table somebody printed adds up; False: its amounts do not, and it owes a footnote on rounding.

    Refused: E-STATEMENT-COUNTS where its counts do not sum, which no rounding explains.
    """
    if (summed := sum(counts)) != total:
        raise Refused("E-STATEMENT-COUNTS", rows=summed, total=total)
    return adds_up(amounts, whole)
