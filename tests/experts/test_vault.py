"""A row opens in its own place, under its own key, whole; and nothing shows what it holds."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Broken, Refused
from experts.vault import KEY, Vault, fingerprint, key_of, new_key

SECRET = "王小明 13912345678".encode()
KEYS = [bytes([n]) * KEY for n in (1, 2, 3)]
ROW, OTHER = "experts_expert.sealed", "experts_attempt.sealed"


@given(st.binary(max_size=2000), st.text(max_size=60), st.text(max_size=60))
def test_what_was_sealed_opens_in_its_place(data: bytes, purpose: str, id: str) -> None:
    vault = Vault(KEYS[:1])
    sealed = vault.seal(purpose, id, data)
    assert Vault(KEYS[:1]).open(purpose, id, sealed) == data
    assert vault.seal(purpose, id, data) != sealed


def test_swapped_rows_do_not_open() -> None:
    vault = Vault(KEYS[:1])
    wang, li = vault.seal(ROW, "wang", SECRET), vault.seal(ROW, "li", b"li")
    for id, sealed in (("li", wang), ("wang", li)):
        with pytest.raises(Broken, match="E-VAULT"):
            vault.open(ROW, id, sealed)
    assert vault.open(ROW, "wang", wang) == SECRET  # the control


def test_a_purpose_is_not_mistaken_for_another_nor_for_the_id() -> None:
    vault = Vault(KEYS[:1])
    sealed = vault.seal(ROW, "wang", SECRET)
    for purpose, id in ((OTHER, "wang"), (ROW + "wang", ""), ("", ROW + "wang"), (ROW + "w", "ang"), ("wang", ROW)):
        with pytest.raises(Broken, match="E-VAULT"):
            vault.open(purpose, id, sealed)


def test_a_wrong_key_is_told_by_its_fingerprint_before_anything_is_tried() -> None:
    sealed = Vault(KEYS[:1]).seal(ROW, "wang", SECRET)
    with pytest.raises(Refused) as no:
        Vault(KEYS[1:]).open(ROW, "wang", sealed)
    assert no.value.code == "E-VAULT-KEY" and no.value.facts["key"] == fingerprint(KEYS[0]) == key_of(sealed)
    forged = sealed[:1] + bytes.fromhex(fingerprint(KEYS[1])) + sealed[9:]  # relabelled
    with pytest.raises(Broken, match="E-VAULT"):
        Vault(KEYS[1:]).open(ROW, "wang", forged)


def test_every_flipped_bit_and_every_missing_byte_is_noticed() -> None:
    vault = Vault(KEYS[:1])
    sealed = vault.seal(ROW, "wang", SECRET)
    for place in range(len(sealed)):
        for bit in (0x01, 0x80):
            changed = bytearray(sealed)
            changed[place] ^= bit
            with pytest.raises((Broken, Refused)):
                vault.open(ROW, "wang", bytes(changed))
    for size in range(len(sealed)):
        with pytest.raises((Broken, Refused)):
            vault.open(ROW, "wang", sealed[:size])
    with pytest.raises(Broken):
        vault.open(ROW, "wang", sealed + b"\0")


def test_the_halves_of_two_seals_do_not_fit() -> None:
    vault = Vault(KEYS[:1])
    one, other = vault.seal(ROW, "wang", SECRET), vault.seal(ROW, "wang", SECRET)
    with pytest.raises(Broken):
        vault.open(ROW, "wang", one[:69] + other[69:])


def test_old_and_new_key_at_once() -> None:
    old, both = Vault(KEYS[:1]), Vault([KEYS[1], KEYS[0]])
    sealed = old.seal(ROW, "wang", SECRET)
    assert both.open(ROW, "wang", sealed) == SECRET
    again = both.seal(ROW, "wang", SECRET)
    assert key_of(again) == both.fingerprint == fingerprint(KEYS[1]) and both.fingerprints[1] == old.fingerprint
    with pytest.raises(Refused, match="E-VAULT-KEY"):
        old.open(ROW, "wang", again)
    assert both.mark("phone", "1") != old.mark("phone", "1")
    assert both.marks("phone", "1") == [both.mark("phone", "1"), old.mark("phone", "1")]


def test_marks_say_the_same_of_the_same_and_nothing_across_kinds() -> None:
    vault = Vault(KEYS[:1])
    assert vault.mark("phone", "+8613912345678") == Vault(KEYS[:1]).mark("phone", "+8613912345678")
    marks = [
        vault.mark(*pair)
        for pair in (("phone", "1"), ("identity", "1"), ("phone1", ""), ("", "phone1"), ("phone", "2"))
    ]
    assert len(set(marks)) == 5 and all(len(mark) == 64 for mark in marks)


def test_fingerprints_are_sixteen_hex_and_tell_keys_apart() -> None:
    prints = {fingerprint(key) for key in [*KEYS, new_key()]}
    assert len(prints) == 4 and all(len(one) == 16 and int(one, 16) >= 0 for one in prints)
    assert not any(one in key.hex() for one in prints for key in KEYS)


@pytest.mark.parametrize("keys", [[], [b"short"], [bytes(KEY), bytes(KEY + 1)]])
def test_a_vault_has_keys_of_one_size(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(keys)


def test_a_vault_shows_nothing_and_stays_where_it_is() -> None:
    vault = Vault(KEYS[:1])
    for text in (repr(vault), str(vault), f"{vault!a}"):
        assert text == f"<Vault {vault.fingerprint}>"
    with pytest.raises(TypeError):
        pickle.dumps(vault)
    with pytest.raises(TypeError):
        copy.copy(vault)
    assert not hasattr(vault, "__dict__")


def test_no_traceback_has_what_was_sealed() -> None:
    vault = Vault(KEYS[:1])
    sealed = vault.seal(ROW, "wang", SECRET)
    for id, data in (("li", sealed), ("wang", sealed[:-1])):
        try:
            vault.open(ROW, id, data)
        except Broken as error:
            told = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
            assert "王小明" not in told and SECRET.hex() not in told and KEYS[0].hex() not in told
            assert error.__suppress_context__
