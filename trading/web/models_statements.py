"""What the API asks and gives of statements: fen, rates in per cent, and for every row the way to its trades."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from trading.web.models import Model

By = Literal["kind", "region", "organisation", "month"]
Of = Literal["all", "trades", "failed", "deal", "saved", "added"]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Period(Model):
    """Both days are in it; without them all that was ever traded."""

    from_: Annotated[date | None, Field(alias="from")] = None
    to: date | None = None
    by: By = "kind"
    currency: Currency = "CNY"


class Figure(Period):
    """A row's `figure`, as the statement gave it: which trades are asked for; `of`: those behind one number of the row."""

    key: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = "all"
    of: Of = "all"
    cursor: Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9_-]*$")] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class StatementRow(Model):
    """`saved` of purchases and `added` of sales, null where none had a baseline; a rate is gain over `…_baseline`.

    `without_price`: trades at unit prices or rates, in `trades` and in no sum; `figure`: the query of `/trade-lines`.
    """

    key: str
    name: str
    trades: int
    failed: int
    deal: int
    saved: int | None
    saved_baseline: int
    saved_rate: str | None
    added: int | None
    added_baseline: int
    added_rate: str | None
    without_price: int
    without_baseline: int
    figure: str


class SaidFigure(Model):
    """A clause of the sentence, and the `figure` behind the numbers in it; "" where there is none."""

    text: str
    figure: str


class Change(Model):
    """Fen, before and after; null where there is none."""

    before: int | None
    after: int | None


class RestatedLine(Model):
    """更正: what stood, and what stands now, with its reason and the words to it. `was` and `status` are statuses."""

    id: str
    reason: str
    words: str
    was: str
    status: str
    deal: Change
    baseline: Change
    gain: Change


class TradeStatement(Model):
    """`corrections`: lines that stand in the place of others, the first of them in `restated`; `other_currencies`: trades
    that are not in here; `unlogged`: trades that are, and of which the log knows nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: Annotated[date | None, Field(alias="from")]
    to: date | None
    by: By
    currency: str
    source: str
    formulas: dict[str, str]
    rows: list[StatementRow]
    total: StatementRow
    corrections: int
    restated: list[RestatedLine]
    unlogged: int
    other_currencies: int
    sentence: str
    sentence_figures: list[SaidFigure]
    notes: list[str]


class TradeLine(Model):
    """One trade behind a figure. `baseline` and `deal` are null where its status has none."""

    id: str
    kind: str
    date: date
    region: str
    organisation: str
    direction: str
    baseline: int | None
    deal: int | None
    status: str
    reason: str
    part: int  # which of several winners; the trade counts by its part 1


class TradeLines(Model):
    items: list[TradeLine]
    next: str | None
