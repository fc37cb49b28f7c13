"""Any lines at all, grouped in any way: the rows sum to the total, a footnote stands exactly where printed rows do not, and
whoever changes one figure of one row prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Refused
from trading import statement_words, trade_file
from trading.statement import (
    ANNULLED,
    BY,
    CONCLUDED,
    FAILED,
    KINDS,
    NO_BASELINE,
    RATE,
    UNIT_PRICE,
    Query,
    Row,
    Side,
    Statement,
    build,
)
from trading.trade_file import Line

FEN = st.one_of(st.integers(0, 3_000), st.integers(0, 10**13))


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    """Trades of a few houses in a few months, shared ones too, of every status."""
    made = []
    for number in range(draw(st.integers(0, 12))):
        one = Line(
            f"T{number}", draw(st.sampled_from(list(KINDS))), date(2026, draw(st.integers(1, 4)), 1),
            draw(st.sampled_from(("", "宁波", "濮阳"))), draw(st.sampled_from(("甲方", "乙方"))), CONCLUDED, 0, 0,
        )  # fmt: skip
        for part in range(1, draw(st.integers(1, 3)) + 1):
            status = draw(st.sampled_from((CONCLUDED, CONCLUDED, NO_BASELINE, UNIT_PRICE, RATE, FAILED, ANNULLED)))
            priced, measured = status in (CONCLUDED, NO_BASELINE), status == CONCLUDED
            made.append(
                replace(
                    one,
                    part=part,
                    status=status,
                    deal=draw(FEN) if priced else None,
                    baseline=draw(FEN) if measured else None,
                )
            )
    return made


def _half_up(fen: int, unit: int) -> int:
    """Hundredths of a unit, in whole numbers: not the way the house rounds."""
    sign = -1 if fen < 0 else 1
    return sign * ((abs(fen) * 200 + unit) // (2 * unit))


def _printed_sums(made: Statement) -> bool:
    unit, _ = statement_words.s.unit_for(made.total.deal, "zh-CN")
    columns = [
        [getattr(row, name) or 0 for row in (*made.rows, made.total)] for name in ("deal", "saved", "added")
    ]  # fmt: skip
    return all(sum(_half_up(one, unit) for one in rows) == _half_up(total, unit) for *rows, total in columns)


@given(lines())
def test_every_grouping_sums_to_one_total(found: list[Line]) -> None:
    totals = []
    for by in BY:
        made = trade_file.state(Query(by=by), "t", found)
        summed = sum(made.rows, Row("all"))
        assert (summed.buy, summed.sell) == (made.total.buy, made.total.sell)
        assert sum(made.kinds, Row("all")) == summed
        totals.append(made.total)
        note = statement_words.say("statement.note.rounding", "zh-CN")
        assert (note in statement_words.table(made, "zh-CN").notes) == (not _printed_sums(made))
    assert all(one == totals[0] for one in totals)
    first = [one for one in found if one.part == 1]
    came_to_nothing = [one for one in first if one.status in (FAILED, ANNULLED)]
    assert (totals[0].trades, totals[0].failed) == (len(first) - len(came_to_nothing), len(came_to_nothing))
    assert totals[0].deal == sum(one.deal or 0 for one in found)


@given(lines())
def test_a_file_of_them_says_the_same(found: list[Line]) -> None:
    if not found:
        return
    again = list(trade_file.lines(trade_file.write(found).encode(), "t.csv"))
    assert trade_file.state(Query(), "t", again) == trade_file.state(Query(), "t", found)


def _mutated(rows: Sequence[Row], place: int, way: str, name: str, by: int) -> list[Row]:
    row = rows[place]
    side = getattr(row, way)
    changed = replace(row, **{way: replace(side, **{name: getattr(side, name) + by})})
    return [*rows[:place], changed, *rows[place + 1 :]]


@given(
    found=lines(),
    by=st.sampled_from(BY),
    way=st.sampled_from(("buy", "sell")),
    name=st.sampled_from([one.name for one in fields(Side)]),
    change=st.sampled_from((-1, 1, 1_000_000)),
    of_kinds=st.booleans(),
    data=st.data(),
)
def test_one_figure_of_one_row_changed_prints_nothing(
    found: list[Line], by: str, way: str, name: str, change: int, of_kinds: bool, data: st.DataObject
) -> None:
    made = trade_file.state(Query(by=by), "t", found)
    groups = [list(made.rows), list(made.kinds)]
    which = groups[of_kinds]
    read = made.total.trades + made.total.failed
    build(made.query, "t", *groups, made.total, read=read)  # the control
    if not which:
        return
    groups[of_kinds] = _mutated(which, data.draw(st.integers(0, len(which) - 1)), way, name, change)
    with pytest.raises(Refused, match="E-STATEMENT"):
        build(made.query, "t", *groups, made.total, read=read)
    dropped = [one for one in which if one.trades or one.failed][1:]
    if len(dropped) < len(which):
        groups[of_kinds] = dropped
        with pytest.raises(Refused, match="E-STATEMENT"):
            build(made.query, "t", *groups, made.total, read=read)


@given(lines(), st.sampled_from(("buy", "sell")), st.sampled_from([one.name for one in fields(Side)]))
def test_a_total_that_is_dressed_up_prints_nothing(found: list[Line], way: str, name: str) -> None:
    made = trade_file.state(Query(), "t", found)
    [total] = _mutated([made.total], 0, way, name, 1)
    with pytest.raises(Refused, match="E-STATEMENT"):
        build(made.query, "t", made.rows, made.kinds, total, read=made.total.trades + made.total.failed)


def test_the_two_ways_of_rounding_agree() -> None:
    """The control of the oracle: half a cent goes away from zero."""
    assert [_half_up(fen, 1_000_000) for fen in (5_000, 4_999, -5_000, -4_999)] == [1, 0, -1, 0]
    assert statement_words.s.rounded(5_000, 1_000_000) == Decimal("0.01")
