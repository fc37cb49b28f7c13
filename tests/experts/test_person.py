"""Values of a person have one form, and a person shows none of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from audit.refusal import Broken
from experts.person import (
    Employment,
    NewExpert,
    Person,
    Unfit,
    credit_code,
    identity_number,
    mail,
    name_of,
    salutation_for,
    salutation_of,
    telephone,
)
from experts.vault import Vault, new_key
from tests.experts.people import firm, identity, person


@pytest.mark.parametrize(
    "text",
    [
        "13912345678",
        "+86 139 1234 5678",
        "139-1234-5678",
        "１３９１２３４５６７８",
        "0086 13912345678",
        " 13912345678\u3000",
    ],
)
def test_one_telephone_has_one_form(text: str) -> None:
    assert telephone(text) == "+8613912345678"


@pytest.mark.parametrize(
    "text", ["", "1391234567", "139123456789", "abc", "13912345678 ext 5", "110", "+1", "1" * 5000]
)
def test_what_is_no_telephone(text: str) -> None:
    with pytest.raises(Unfit) as no:
        telephone(text)
    assert no.value.why == "phone" and (not text or text not in str(no.value))


def test_other_countries_and_landlines_are_telephones_too() -> None:
    assert telephone("0574-87654321") == "+8657487654321"
    assert telephone("+852 9123 4567") == "+85291234567"


def test_an_identity_number_has_its_check_character_and_a_day_that_exists() -> None:
    assert identity_number("11010519491231002X") == "11010519491231002X"
    assert identity_number("１１０１０５１９４９１２３１００２x") == "11010519491231002X"
    assert identity_number("810000199408230021") == "810000199408230021"  # a permit for residents from Hong Kong


def test_any_digit_of_an_identity_number_changed_is_noticed() -> None:
    number = "11010519491231002X"
    for place in range(17):
        for digit in "0123456789":
            if digit != number[place]:
                with pytest.raises(Unfit, match="identity"):
                    identity_number(number[:place] + digit + number[place + 1 :])
    for place in range(16):  # and any two neighbours exchanged
        if number[place] != number[place + 1]:
            with pytest.raises(Unfit):
                identity_number(number[:place] + number[place + 1] + number[place] + number[place + 2 :])


@pytest.mark.parametrize(
    "text", ["", "110105491231002", "11010519490231002X", "110105194912310021", "1101051949123100XX", "x" * 18]
)
def test_what_is_no_identity_number(text: str) -> None:
    with pytest.raises(Unfit, match="identity"):
        identity_number(text)


def test_an_identity_number_of_a_day_that_does_not_exist() -> None:
    from stdnum.cn import ric

    body = "11010519490231002"
    with pytest.raises(Unfit, match="identity"):
        identity_number(body + ric.calc_check_digit(body + "0"))


def test_names_and_how_a_voice_says_them() -> None:
    assert name_of(" 王  小明 ") == "王 小明" and salutation_of("王小明") == "王专家"
    assert salutation_of("欧阳修") == "欧阳专家" and salutation_of("Ada Lovelace") == ""
    assert salutation_for("Ada Lovelace", "Dr Ada") == "Dr Ada"
    with pytest.raises(Unfit, match="salutation"):
        salutation_for("王小明", "王小明老师")  # whoever carries the call would know whom it rings
    for text in ("", "=cmd()", "@x", "+x", "-x", "a\x00b", "x" * 101):
        with pytest.raises(Unfit, match="name"):
            name_of(text)


def test_addresses_and_organisations() -> None:
    assert mail("wang@example.com") == "wang@example.com" and credit_code(firm(7).lower()) == firm(7)
    for text in ("wang", "a@b", "a b@c.de", "a@b..c", "x" * 300 + "@example.com"):
        with pytest.raises(Unfit, match="email"):
            mail(text)
    with pytest.raises(Unfit, match="organisation"):
        credit_code(firm(7)[:-1] + ("0" if firm(7)[-1] != "0" else "1"))


def test_a_person_travels_through_the_vault_whole() -> None:
    vault = Vault([new_key()])
    wang = person(
        7, second_phone="057487654321", email="wang@example.com", kin=(firm(3), firm(2), firm(3)), interests=(firm(4),),
        employers=(Employment(firm(1), date(2010, 1, 1), date(2015, 12, 31)), Employment(firm(2), date(2016, 1, 1))),
    ).checked()  # fmt: skip
    assert wang.second_phone == "+8657487654321" and wang.kin == (firm(2), firm(3))
    assert Person.open(vault, "id7", wang.seal(vault, "id7")) == wang
    with pytest.raises(Broken):
        Person.open(vault, "id8", wang.seal(vault, "id7"))
    with pytest.raises(Broken, match="E-VAULT"):
        Person.parse(b'{"name":"x"}')


def test_personal_codes_are_four_digits_drawn_for_each() -> None:
    drawn = {person(number).code for number in range(300)}
    assert all(len(code) == 4 and code.isdigit() for code in drawn) and len(drawn) > 200


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": ""}, "name"), ({"phone": "1"}, "phone"), ({"identity": identity(1)[:-1] + "?"}, "identity"),
        ({"second_phone": "1"}, "phone"), ({"email": "x"}, "email"), ({"kin": ("x",)}, "organisation"),
        ({"employers": (Employment("x", date(2020, 1, 1)),)}, "organisation"), ({"code": "12345"}, "code"),
        ({"employers": (Employment(firm(1), date(2020, 1, 2), date(2020, 1, 1)),)}, "date"), ({"code": "١٢٣٤"}, "code"),
    ],
)  # fmt: skip
def test_no_person_has_a_value_that_is_none(change: dict[str, object], why: str) -> None:
    with pytest.raises(Unfit) as no:
        replace(person(1), **change).checked()  # type: ignore[arg-type]
    assert no.value.why == why


def test_nobody_shows_themselves() -> None:
    wang = person(7)
    for shown in (wang, NewExpert(wang, ("a",)), wang.employers[0]):
        for text in (repr(shown), str(shown), f"{[shown]}"):
            assert wang.name not in text and wang.phone not in text and firm(1007) not in text
