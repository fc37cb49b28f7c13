"""Arithmetic corrections in the order of 财政部令87号 59, and amounts in words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Refused
from trading.law.corrections import (
    DECIMAL_POINT,
    OPENING_LIST,
    RULES,
    SUM,
    WORDS,
    Item,
    Quoted,
    check_rule,
    confirmed,
    correct,
    fen_in_words,
    misplaced,
)

GRAVEL = Item(Decimal(1250), Decimal(40), "gravel")  # 12.50 yuan, 40 t: 50,000 fen
SAND = Item(Decimal(800), Decimal(25), "sand")  # 20,000 fen


def steps(quoted: Quoted) -> list[tuple[str, int, int]]:
    return [(step.rule, step.before, step.after) for step in correct(quoted).steps]


def test_a_bid_that_does_not_contradict_itself_is_left_alone() -> None:
    clean = correct(Quoted(70000, "柒佰元整", 70000, (GRAVEL, SAND)))
    assert clean.steps == () and clean.price == 70000 and not clean.needs_confirmation
    assert confirmed(clean, False) == 70000


def test_first_the_opening_list_stands_over_the_rest_of_the_bid() -> None:
    assert steps(Quoted(70000, inside=75000)) == [(OPENING_LIST, 70000, 70000)]


def test_second_words_stand_over_figures() -> None:
    assert steps(Quoted(70000, "柒佰伍拾元整")) == [(WORDS, 70000, 75000)]


def test_third_a_misplaced_decimal_point_leaves_the_total() -> None:
    slipped = Item(Decimal(125), Decimal(40), "gravel")
    assert steps(Quoted(70000, items=(slipped, SAND))) == [(DECIMAL_POINT, 70000, 70000)]
    assert misplaced((slipped, SAND), 70000) == 0
    assert misplaced((GRAVEL, SAND), 71234) is None


def test_fourth_what_the_unit_prices_give_stands_over_the_total() -> None:
    assert steps(Quoted(71234, items=(GRAVEL, SAND))) == [(SUM, 71234, 70000)]


def test_two_lines_that_could_both_have_slipped_are_no_obvious_mistake() -> None:
    alike = (Item(Decimal(100), Decimal(1)), Item(Decimal(100), Decimal(1)))
    assert misplaced(alike, 1100) is None
    assert steps(Quoted(1100, items=alike)) == [(SUM, 1100, 200)]


def test_several_contradictions_are_put_right_in_the_order_of_the_article() -> None:
    tangled = Quoted(70000, "柒佰伍拾元整", 80000, (GRAVEL, SAND))
    assert steps(tangled) == [(OPENING_LIST, 70000, 70000), (WORDS, 70000, 75000), (SUM, 75000, 70000)]


def test_half_a_fen_of_the_sum_goes_up() -> None:
    assert correct(Quoted(1, items=(Item(Decimal("0.5"), Decimal(5)),))).price == 3


def test_who_does_not_confirm_is_out() -> None:
    corrected = correct(Quoted(70000, "柒佰伍拾元整"))
    assert confirmed(corrected, True) == 75000
    with pytest.raises(Refused, match="E-UNCONFIRMED") as caught:
        confirmed(corrected, False)
    assert str(caught.value.article) == "《财政部令87号》第五十九条"


def test_corrections_of_one_bid_keep_the_order() -> None:
    for number, rule in enumerate(RULES):
        check_rule(rule, RULES[:number])
        for later in RULES[number:]:
            with pytest.raises(Refused, match="E-CORRECTION"):
                check_rule(rule, [later])
    with pytest.raises(Refused, match="E-CORRECTION"):
        check_rule("generosity")


# ---- amounts in words


@pytest.mark.parametrize(
    ("words", "fen"),
    [
        ("人民币壹佰贰拾叁万肆仟伍佰元陆角柒分", 123450067), ("壹元整", 100), ("壹圆正", 100), ("伍角", None),
        ("零元伍角整", 50), ("拾万元整", 10000000), ("壹拾万零伍佰元整", 10050000), ("贰亿零叁万元零捌分", 20003000008),
        ("玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分", 9999999999), ("壹万亿元整", 10**14), ("柒佰", None), ("", None),
        ("一百元", None), ("壹贰元", None), ("佰元", None), ("壹佰仟元", None), ("壹元整整", None), ("壹元柒分陆角", None),
    ],
)  # fmt: skip
def test_amounts_in_words(words: str, fen: int | None) -> None:
    if fen is None:
        with pytest.raises(Refused, match="E-WORDS"):
            fen_in_words(words)
    else:
        assert fen_in_words(words) == fen


def in_words(fen: int) -> str:
    """The way a bank writes it, section by section."""
    yuan, cents = divmod(fen, 100)
    told, gap = "", False
    for power in range(11, -1, -1):
        digit = yuan // 10**power % 10
        if digit:
            told += ("零" if gap and told else "") + "零壹贰叁肆伍陆柒捌玖"[digit] + ("", "拾", "佰", "仟")[power % 4]
        gap = not digit
        if power in (4, 8) and yuan // 10**power % 10**4:
            told += {4: "万", 8: "亿"}[power]
    told = (told or "零") + "元"
    tens, ones = divmod(cents, 10)
    told += f"{'零壹贰叁肆伍陆柒捌玖'[tens]}角" if tens else "零" if ones else ""
    return told + (f"{'零壹贰叁肆伍陆柒捌玖'[ones]}分" if ones else "整")


@given(st.one_of(st.integers(0, 10**6), st.integers(0, 10**14 - 1)))
def test_whatever_a_bank_writes_is_read(fen: int) -> None:
    assert fen_in_words(in_words(fen)) == fen


@given(st.text("零壹贰玖拾佰仟万亿元角分整", max_size=12))
def test_no_words_crash_it(words: str) -> None:
    try:
        assert fen_in_words(words) >= 0
    except Refused as refused:
        assert refused.code == "E-WORDS"
