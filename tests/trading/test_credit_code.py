"""The unified social credit code, taken apart, against the library that checks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from trading import credit_code
from trading.accounts import demo_code

BODY = st.text(alphabet=credit_code.ALPHABET, min_size=17, max_size=17)


@given(BODY)
def test_the_check_character_is_the_one_of_the_standard(body: str) -> None:
    counted = credit_code.count(body + "?")
    assert counted.character == uscc.calc_check_digit(body) and (counted.total + counted.value) % 31 == 0
    assert counted.rest == counted.total % 31


@given(BODY, st.integers(0, 16), st.sampled_from(credit_code.ALPHABET))
def test_a_wrong_character_and_two_neighbours_exchanged_are_found(body: str, at: int, other: str) -> None:
    code = body + credit_code.count(body + "?").character
    wrong = code[:at] + other + code[at + 1 :]
    exchanged = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    for changed in (wrong, exchanged):
        assert (credit_code.count(changed).character == changed[17]) == (changed == code)


def test_its_parts_are_all_of_it_and_no_letter_is_foreign() -> None:
    code = demo_code(7)
    assert "".join(said for _, said in credit_code.parts(code)) == code
    with pytest.raises(ValueError):
        credit_code.count("9" * 16 + "O" + "1")  # a letter, not a zero
