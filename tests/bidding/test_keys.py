"""Statements, rehearsals and key sets (envelope.md §2)."""

from datetime import timedelta
from typing import Any

import pytest

from audit.canon import canon, parse, stamp
from audit.checkpoint import vkey_of
from audit.refusal import Refused
from audit.trust import Ed25519Signer, Identities, Parties
from bidding import keys
from bidding.keys import Keyset, Statement, check_keyset, check_rehearsal, check_statement, make_keyset
from tests.bidding.envelopes import IDENTITIES, NOON, ORIGIN, PRIVATE, TENDER, keyset, statement

SINCE = stamp(NOON - timedelta(days=2))
PARTIES = Parties.parse(
    "".join(f"custodian C-{i} {vkey_of(IDENTITIES[i - 1], f'C-{i}')} {SINCE} -\n" for i in (1, 2, 3)).encode()
)
KNOWN = Identities(PARTIES)


def sign(made: Statement, signer: Ed25519Signer = IDENTITIES[0]) -> list[dict[str, Any]]:
    return [signer.sign(keys.STATEMENT + made.data)]


def refused(code: str, call: Any, *arguments: Any, **named: Any) -> Refused:
    with pytest.raises(Refused) as no:
        call(*arguments, **named)
    assert no.value.code == code, str(no.value)
    return no.value


def test_a_statement_of_this_log_under_the_custodians_key() -> None:
    made = statement(1)
    found = check_statement(made.data, sign(made), KNOWN, origin=ORIGIN, at=NOON)
    assert (found, found.scope, found.name) == (made, TENDER, "保管人1")
    refused("E-STATEMENT", check_statement, made.data, sign(made), KNOWN, origin="log.real", at=NOON)
    refused("E-IDENTITY", check_statement, made.data, sign(made, IDENTITIES[1]), KNOWN, origin=ORIGIN, at=NOON)
    refused("E-IDENTITY", check_statement, made.data, sign(made), KNOWN, origin=ORIGIN, at=NOON - timedelta(days=3))
    refused("E-SIG", check_statement, made.data, [{**sign(made)[0], "sig": "AA=="}], KNOWN, origin=ORIGIN, at=NOON)


def test_a_period_key_guards_a_month_at_most() -> None:
    month = {"tender": None, "valid_from": NOON, "valid_to": NOON + timedelta(days=31)}
    made = statement(1, **month)
    assert check_statement(made.data, sign(made), KNOWN, origin=ORIGIN, at=NOON).scope is None
    longer = statement(1, **month | {"valid_to": NOON + timedelta(days=32)})
    refused("E-STATEMENT", check_statement, longer.data, sign(longer), KNOWN, origin=ORIGIN, at=NOON)


@pytest.mark.parametrize(
    "changes",
    [
        {"pub": "A" * 86 + "=="},
        {"suite": "SM2"},
        {"scope": {}},
        {"scope": {"period": 1}},
        {"scope": {"period": True, "tender": "T"}},
        {"scope": {"tender": ""}},
        {"valid_to": SINCE},
        {"more": 1},
        {"custodian": ""},
    ],
)
def test_malformed_statements(changes: dict[str, Any]) -> None:
    refused("E-STATEMENT", Statement.parse, canon({**parse(statement(1).data), **changes}))


def test_a_rehearsal_and_every_way_it_fails() -> None:
    made = statement(1)
    asked = keys.challenge(made)
    proof, sig = keys.answer(made, PRIVATE[0], IDENTITIES[0], asked.challenge, asked.sealed)
    right: dict[str, Any] = {
        "challenge": asked.challenge, "r": asked.r, "proof": proof, "sig": sig, "identities": KNOWN, "at": NOON
    }  # fmt: skip
    check_rehearsal(made, **right)
    for wrong in ({"r": bytes(32)}, {"challenge": bytes(32)}, {"proof": bytes(32)}, {"r": asked.r + b"x"}):
        refused("E-REHEARSAL", check_rehearsal, made, **right | wrong)
    refused("E-SIG", check_rehearsal, statement(1, name="another"), **right)
    answer = (IDENTITIES[0], asked.challenge)
    refused("E-REHEARSAL", keys.answer, made, PRIVATE[1], *answer, asked.sealed)
    refused("E-REHEARSAL", keys.answer, made, PRIVATE[0], *answer, asked.sealed[:-1])
    refused("E-REHEARSAL", keys.answer, made, PRIVATE[0], IDENTITIES[0], b"short", asked.sealed)


def test_a_rehearsal_never_opens_a_box() -> None:
    """A server that sends a bidder's box as a challenge learns nothing: the info is the tool's own."""
    from bidding.unseal import open_box
    from tests.bidding.envelopes import envelope

    made, bid = statement(1), envelope()
    assert open_box(PRIVATE[0], bid.manifest, 1) is not None
    refused("E-REHEARSAL", keys.answer, made, PRIVATE[0], IDENTITIES[0], bytes(32), bid.boxes[0])


@pytest.mark.parametrize(("k", "n"), [(1, 3), (4, 3), (2, 1)])
def test_k_and_n_stay_within_two_and_nine(k: int, n: int) -> None:
    refused("E-KEYSET", keyset, k, n)


def test_ten_custodians_are_too_many() -> None:
    many = [statement(i) for i in range(1, 10)] + [statement(1, custodian="C-10")]
    refused("E-KEYSET", make, many, k=2)


def make(statements: list[Statement], k: int = 2, **how: Any) -> Keyset:
    right: dict[str, Any] = {"origin": ORIGIN, "tender": TENDER, "stage": "form", "opens_at": NOON}
    return make_keyset(statements, k=k, **right | how)


def test_seats_are_distinct_and_what_their_statements_say() -> None:
    three = [statement(i) for i in (1, 2, 3)]
    made = make(three)
    check_keyset(made, {one.hash: one for one in three})
    refused("E-KEYSET", check_keyset, made, {one.hash: one for one in three[:2]})
    refused("E-KEYSET", make, [three[0], three[0], three[2]])
    refused("E-KEYSET", make, [three[0], statement(1, custodian="C-2"), three[2]])
    refused("E-KEYSET", make, [three[0], statement(2, custodian="C-1"), three[2]])
    refused("E-KEYSET", make, [*three[:2], statement(3, origin="demo.elsewhere")])
    refused("E-KEYSET", make, [*three[:2], statement(3, tender="T2026-010@600")])
    refused("E-KEYSET", make, three, opens_at=NOON + timedelta(days=21))
    refused("E-KEYSET", make, three, opens_at=NOON - timedelta(days=2))
    swapped = {**{one.hash: one for one in three}, three[0].hash: three[1]}
    refused("E-KEYSET", check_keyset, made, swapped)


@pytest.mark.parametrize("order", [[1, 3, 2], [1, 1, 2], [0, 1, 2], [2, 3, 4]])
def test_indexes_count_from_one_without_gaps(order: list[int]) -> None:
    value = parse(keyset().data)
    value["custodians"] = [{**seat, "i": i} for seat, i in zip(value["custodians"], order, strict=True)]
    refused("E-KEYSET", Keyset.parse, canon(value))
