"""Arithmetic corrections of a price, in the order of 财政部令87号 59. Money is whole fen.

Where a bid contradicts itself, and the documents say nothing else, it is corrected thus: (1) the opening list (开标一览表)
stands over the rest of the bid; (2) the amount in words stands over the one in figures; (3) where the decimal point of
a unit price, or a percentage, is obviously misplaced, the total of the opening list stands and the unit price is
changed; (4) where the total is not the sum of unit prices times quantities, what the unit prices give stands. Where
several apply they apply in this order. The corrected price binds once the bidder has confirmed it (51); the bid of one
who does not is invalid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from audit.refusal import Refused
from trading.law.article import article

OPENING_LIST, WORDS, DECIMAL_POINT, SUM = "opening-list", "words", "decimal-point", "sum"
RULES = (OPENING_LIST, WORDS, DECIMAL_POINT, SUM)
"""The four corrections in their order: the `rule` of a `price-corrected` record (log.md §8)."""

MISPLACED = tuple(Decimal(10) ** n for n in (-4, -3, -2, -1, 1, 2, 3, 4))
"""By how much a misplaced decimal point is off."""

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Item:
    """A line of the bill: `unit_price` in fen (fractions of a fen allowed), how many, in words what."""

    unit_price: Decimal
    quantity: Decimal
    what: str = ""

    @property
    def amount(self) -> Decimal:
        """Unit price × quantity."""
        return _EXACT.multiply(self.unit_price, self.quantity)


@dataclass(frozen=True)
class Quoted:
    """What a bid says of its price. `listed`, `listed_words`: the opening list, in figures (what was read out) and in

    words; `inside`: the total inside the bid, if it states one; `items`: its bill, if it has one.
    """

    listed: int
    listed_words: str = ""
    inside: int | None = None
    items: Sequence[Item] = ()


@dataclass(frozen=True)
class Step:
    """One correction: by which rule, and what it made of what. `before` = `after` where only something inside changes."""

    rule: str
    before: int
    after: int
    said: str = ""


@dataclass(frozen=True)
class Corrected:
    """A price after its corrections. `steps` that change it become `price-corrected` records once confirmed."""

    read: int
    price: int
    steps: tuple[Step, ...]

    @property
    def needs_confirmation(self) -> bool:
        """Whether the bidder must confirm, and is rejected if he does not."""
        return bool(self.steps)


@article("财政部令87号", 59)
def correct(quoted: Quoted) -> Corrected:
    """All corrections of a bid, in order. Raises Refused E-WORDS for an amount in words that is none."""
    price, steps = quoted.listed, []
    if quoted.inside is not None and quoted.inside != quoted.listed:
        steps.append(
            Step(OPENING_LIST, price, price, said=str(quoted.inside))
        )  # the list stands; the inside is put right
    if quoted.listed_words and (told := fen_in_words(quoted.listed_words)) != price:
        steps.append(Step(WORDS, price, told, said=quoted.listed_words))
        price = told
    if quoted.items and (total := _sum(quoted.items)) != price:
        if (wrong := misplaced(quoted.items, price)) is not None:
            steps.append(Step(DECIMAL_POINT, price, price, said=quoted.items[wrong].what))
        else:
            steps.append(Step(SUM, price, total))
            price = total
    return Corrected(quoted.listed, price, tuple(steps))


@article("财政部令87号", 59)
def confirmed(corrected: Corrected, yes: bool) -> int:
    """The price that binds. Raises Refused E-UNCONFIRMED where the bidder does not confirm: the bid is invalid."""
    if corrected.needs_confirmation and not yes:
        raise Refused("E-UNCONFIRMED", read=corrected.read, price=corrected.price)
    return corrected.price


@article("财政部令87号", 59)
def check_rule(rule: str, before: Sequence[str] = ()) -> None:
    """Refuse a correction by no rule of the article, or after one that comes later in it (E-CORRECTION)."""
    if rule not in RULES or any(RULES.index(one) >= RULES.index(rule) for one in before if one in RULES):
        raise Refused("E-CORRECTION", rule=rule, rules=RULES)


def misplaced(items: Sequence[Item], total: int) -> int | None:
    """Which line's decimal point is obviously misplaced: put right by a power of ten, the bill gives the total.

    None where no line, or more than one, would explain the total: that is no obvious mistake.
    """
    found = []
    for number, item in enumerate(items):
        others = [one for place, one in enumerate(items) if place != number]
        for power in MISPLACED:
            if _sum([*others, Item(_EXACT.multiply(item.unit_price, power), item.quantity)]) == total:
                found.append(number)
    return found[0] if len(found) == 1 else None


def _sum(items: Sequence[Item]) -> int:
    """What the unit prices give, to whole fen, half up, once."""
    whole = Decimal(0)
    for item in items:
        whole = _EXACT.add(whole, item.amount)
    return int(whole.quantize(Decimal(1), ROUND_HALF_UP, _EXACT))


# ---- amounts in words (大写)

_DIGITS = {c: n for n, c in enumerate("零壹贰叁肆伍陆柒捌玖")} | {"〇": 0, "壱": 1, "弍": 2, "两": 2}
_UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def fen_in_words(words: str) -> int:
    """A 大写 amount in fen: 人民币壹佰贰拾叁万肆仟伍佰元陆角柒分 → 123450067. Raises Refused E-WORDS."""
    text = words.replace("人民币", "").replace("圆", "元").replace("正", "整").replace(" ", "").strip("：:")
    yuan, mark, rest = text.partition("元")
    cents = 0
    rest = rest.removesuffix("整").lstrip("零")
    for sign, worth in (("角", 10), ("分", 1)):
        if len(rest) >= 2 and rest[0] in _DIGITS and rest[1] == sign:
            cents += _DIGITS[rest[0]] * worth
            rest = rest[2:].lstrip("零")
    whole = _whole(yuan)
    if not mark or rest or whole is None:
        raise Refused("E-WORDS", words=words[:60])
    return whole * 100 + cents


def _whole(words: str) -> int | None:
    """壹佰贰拾叁万肆仟伍佰 → 1234500; None for what is no number."""
    if "亿" in words:
        high, _, low = words.rpartition("亿")
        parts = _whole(high), _whole(low) if low else 0
        return None if None in parts else (parts[0] or 0) * 100_000_000 + (parts[1] or 0)
    if "万" in words:
        high, _, low = words.partition("万")
        parts = _section(high), _section(low) if low else 0
        return None if None in parts else (parts[0] or 0) * 10_000 + (parts[1] or 0)
    return _section(words)


def _section(words: str) -> int | None:
    """Up to four digits: 肆仟零伍."""
    total, digit, above = 0, None, 10_000
    if not words:
        return None
    for sign in words:
        if sign in _DIGITS and (digit is None or digit == 0):
            digit = _DIGITS[sign]
        elif sign in _UNITS and _UNITS[sign] < above and (digit or (digit is None and sign == "拾" and not total)):
            above = _UNITS[sign]
            total, digit = total + (digit or 1) * above, None
        else:
            return None
    return total + (digit or 0)
