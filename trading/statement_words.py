"""A statement in words: the sentence a centre prints, the footnote it owes, and the cells of a table. Pure.

`--pdf` and pages render from here too, so that a paper never says another figure than the screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from trading import statement as s
from trading.messages import catalogue, say

_HUNDRED_PER_CENT = Decimal(1)
_STOPS = {"zh": ("。", "；", "，", "："), "en": (".", "; ", ", ", ": ")}


@dataclass(frozen=True)
class Table:
    """A table in one unit: codes of the heads, rows of cells (the total last), the ids behind the rows, footnotes."""

    unit: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: tuple[str, ...]
    notes: tuple[str, ...]


HEADS = (
    "statement.head.key", "statement.head.trades", "statement.head.failed", "statement.head.deal", "statement.head.saved",
    "statement.head.saved-rate", "statement.head.added", "statement.head.added-rate",
)  # fmt: skip


def name(statement: s.Statement, row: s.Row, lang: str) -> str:
    """A row's name as people say it."""
    if row.key == s.ALL:
        return say("statement.total", lang)
    if statement.query.by == s.KIND:
        return say(f"statement.kind.{row.key}", lang)
    return statement.name(row) or say("statement.nowhere", lang)


def table(statement: s.Statement, lang: str) -> Table:
    """Every row and the total, in the one unit that fits the total."""
    unit, word = s.unit_for(statement.total.deal, lang)
    rows = (*statement.rows, statement.total)
    shown = tuple((name(statement, row, lang), *cells(row, unit)) for row in rows)
    notes = tuple(owed(statement, lang, adds_up=s.printed_adds_up(statement, unit)))
    return Table(word, HEADS, shown, tuple(statement.figure(row) for row in rows), notes)


def cells(row: s.Row, unit: int) -> tuple[str, ...]:
    """What is printed of a row, after its name: in the order of `HEADS`."""
    return (
        str(row.trades), str(row.failed), _amount(None if row.unpriced else row.deal, unit), _amount(row.saved, unit),
        _rate(row.buy.rate), _amount(row.added, unit), _rate(row.sell.rate),
    )  # fmt: skip


def _amount(amount: int | None, unit: int) -> str:
    return "—" if amount is None else str(s.rounded(amount, unit))


def _rate(rate: Decimal | None) -> str:
    return "—" if rate is None else f"{s.percent(rate)}%"


def owed(statement: s.Statement, lang: str, *, adds_up: bool) -> Iterator[str]:
    """What a table of this statement owes its reader; `adds_up`: whether what is printed of it sums."""
    total = statement.total
    if not adds_up:
        yield say("statement.note.rounding", lang)
    if unpriced := total.buy.unpriced + total.sell.unpriced:
        yield say("statement.note.unpriced", lang, count=unpriced)
    if unmeasured := total.buy.unmeasured + total.sell.unmeasured:
        yield say("statement.note.unmeasured", lang, count=unmeasured)
    if statement.corrections:
        yield say("statement.note.corrections", lang, count=statement.corrections)
        yield from (_restated(one, lang) for one in statement.restated)
        if statement.corrections > len(statement.restated):
            yield say("statement.note.restated.more", lang, count=statement.corrections - len(statement.restated))
    if statement.unlogged:
        yield say("statement.note.unlogged", lang, count=statement.unlogged)
    if statement.elsewhere:
        yield say("statement.note.elsewhere", lang, count=statement.elsewhere, currency=statement.query.currency)


def _restated(one: s.Restated, lang: str) -> str:
    """What stood before, and what stands now, to the fen; as a status where it is no money."""
    changes = [
        say(f"statement.restated.{name}", lang, before=exact(before, lang), after=exact(after, lang))
        for name, (before, after) in one.figures.items()
        if before != after
    ]
    if one.was != one.status:
        was, now = (say(f"statement.status.{status}", lang) for status in (one.was, one.status))
        changes.insert(0, say("statement.restated.status", lang, before=was, after=now))
    way = "zh" if lang.startswith("zh") else "en"
    what = _STOPS[way][2].join(changes)
    code = f"statement.reason.{one.reason}"
    why = say(code, lang) if code in catalogue() else one.reason  # a file's own words
    return say(
        "statement.note.restated",
        lang,
        trade=one.trade,
        changes=what,
        why=_STOPS[way][3].join(filter(None, (why, one.words))),
    )


def exact(fen: int | None, lang: str) -> str:
    """An amount in yuan, to the fen."""
    if fen is None:
        return "—"
    return f"{Decimal(fen) / 100:,.2f}{'元' if lang.startswith('zh') else ' yuan'}"


def sentence(statement: s.Statement, lang: str) -> str:
    """The sentence of the whole period: the total, then each kind that had a trade, each amount in the unit it fits."""
    return "".join(text for text, _ in clauses(statement, lang))


def clauses(statement: s.Statement, lang: str) -> tuple[tuple[str, str], ...]:
    """The sentence in parts, each with the id of the figures in it, which leads to their trades; "" for bare words."""
    total = statement.total
    head = say("statement.said.total", lang, trades=total.trades, deal=amount(total.deal, lang))
    for what in ("saved", "added"):
        gained = getattr(total, what)
        if gained is not None:
            head += say(f"statement.said.{what}", lang, gain=amount(gained, lang))
    query = statement.query
    told = [(_clause(row, lang), query.figure(s.KIND, row.key)) for row in statement.kinds if row.trades]
    stop, between, *_ = _STOPS["zh" if lang.startswith("zh") else "en"]
    parts = [(head, query.figure(s.KIND, s.ALL)), (stop, "")]
    if told:
        parts.append((say("statement.said.among", lang), ""))
        for place, clause in enumerate(told):
            parts += [(between, "")] if place else []
            parts.append(clause)
        parts.append((stop, ""))
    return tuple(parts)


def _clause(row: s.Row, lang: str) -> str:
    if row.unpriced:
        kind = say(f"statement.kind.{row.key}", lang)
        return say("statement.said.unpriced", lang, kind=kind, trades=row.trades)
    said = say(f"statement.said.{row.key}", lang, trades=row.trades, deal=amount(row.deal, lang))
    if row.saved is not None:
        return said + say(f"statement.said.{row.key}.saved", lang, gain=amount(row.saved, lang))
    if row.added is not None and row.sell.rate is not None:
        how = "high" if row.sell.rate >= _HUNDRED_PER_CENT else "rate"
        return said + say(f"statement.said.{how}", lang, rate=s.percent(row.sell.rate))
    return said


def amount(fen: int, lang: str) -> str:
    """An amount in the unit it fits: 0.88亿元, 907.44万元, 8,580.07 million yuan."""
    unit, word = s.unit_for(fen, lang)
    return f"{s.rounded(fen, unit)}{word}" if lang.startswith("zh") else f"{s.rounded(fen, unit):,} {word}"


def footnotes(statement: s.Statement, lang: str) -> tuple[str, ...]:
    """What the sentence owes its reader: above all that its rounded parts do not sum to its rounded total."""
    return tuple(owed(statement, lang, adds_up=_sentence_adds_up(statement, lang)))


def _sentence_adds_up(statement: s.Statement, lang: str) -> bool:
    for what in ("deal", "saved"):
        whole = getattr(statement.total, what) or 0
        unit, _ = s.unit_for(whole, lang)
        parts = []
        for row in statement.kinds:
            part = getattr(row, what) or 0
            own, _ = s.unit_for(part, lang)
            parts.append(s.rounded(part, own) * own / unit)
        if not s.adds_up(parts, s.rounded(whole, unit)):
            return False
    return True
