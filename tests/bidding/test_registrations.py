"""Whose keys count, and who may act after whom (envelope.md §5)."""

from pathlib import Path
from typing import Any

import pytest

from audit.canon import canon, parse
from audit.refusal import Refused
from audit.trust import Ed25519Signer, ES256Signer, Parties
from bidding.registrations import (
    REGISTRATION,
    Keyring,
    Registration,
    Withdrawal,
    acting_key,
    check_registration,
    write_registration,
    write_withdrawal,
)
from tests.bidding.envelopes import BID, BIDDER, TENDER
from tests.world import World

ONE, TWO, THREE = (Ed25519Signer.from_seed(bytes([i]) * 32) for i in (1, 2, 3))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


def check(world: World, key: Any, *signers: Any, **by: Any) -> Registration:
    data = write_registration(origin=world.origin, bidder=BIDDER, alg=key.alg, key=key.key, **by)
    sigs = [signer.sign(REGISTRATION + data) for signer in signers]
    parties = Parties.parse(world.parties)
    return check_registration(data, sigs, origin=world.origin, parties=parties, at=world.now, nfc=True)


def refused(code: str, call: Any, *arguments: Any, **named: Any) -> None:
    with pytest.raises(Refused) as no:
        call(*arguments, **named)
    assert no.value.code == code, str(no.value)


def test_by_nobody_by_a_key_by_an_authority_by_a_certificate(world: World) -> None:
    authority, card = world.authorities["A-SUP"], world.ca.certify(BIDDER)
    assert not check(world, ONE, ONE).rooted
    assert check(world, TWO, TWO, ONE, by_key=ONE.key).by_key == ONE.key
    assert check(world, ONE, ONE, authority, by_authority="A-SUP").rooted
    assert check(world, ONE, ONE, card, by_x5c=card.x5c).rooted
    assert check(world, key := ES256Signer.generate(), key).alg == "ES256"


def test_registrations_that_nobody_stands_behind(world: World) -> None:
    authority, card = world.authorities["A-SUP"], world.ca.certify(BIDDER)
    refused("E-REGISTRATION", check, world, ONE, TWO)
    refused("E-SIG", check, world, ONE)
    refused("E-REGISTRATION", check, world, TWO, TWO, by_key=ONE.key)
    refused("E-REGISTRATION", check, world, ONE, ONE, by_authority="A-SUP")
    refused("E-IDENTITY", check, world, ONE, ONE, authority, by_authority="A-NOBODY")
    refused("E-REGISTRATION", check, world, ONE, ONE, by_x5c=card.x5c)
    refused("E-REGISTRATION", check, world, ONE, ONE, authority, by_x5c=card.x5c)
    other = world.ca.certify("91440000MA0000000X")
    refused("E-REGISTRATION", check, world, ONE, ONE, other, by_x5c=other.x5c)
    refused("E-REGISTRATION", check, world, ONE, ONE, card, by_x5c=card.x5c[:1])
    elsewhere = World(world.folder / "elsewhere")
    elsewhere.parties = b"".join(line for line in world.parties.splitlines(True) if not line.startswith(b"ca "))
    refused("E-CA", check, elsewhere, ONE, ONE, card, by_x5c=card.x5c)


@pytest.mark.parametrize(
    "changes",
    [
        {"by": {}},
        {"by": {"key": "AA==", "authority": "A"}},
        {"by": {"who": 1}},
        {"by": {"x5c": []}},
        {"alg": "SM2-SM3"},
        {"key": "A" * 43 + "="},
        {"bidder": ""},
        {"more": 1},
    ],
)
def test_malformed_registrations(changes: dict[str, Any]) -> None:
    value = parse(write_registration(origin="o", bidder=BIDDER, alg="EdDSA", key=ONE.key))
    refused("E-REGISTRATION", Registration.parse, canon({**value, **changes}))


def ring(*links: tuple[Ed25519Signer, dict[str, Any]]) -> Keyring:
    made = [write_registration(origin="o", bidder=BIDDER, alg="EdDSA", key=key.key, **by) for key, by in links]
    return Keyring(Registration.parse(data) for data in made)


def test_vouched_is_what_stands_at_the_root() -> None:
    chain = ring((ONE, {"by_authority": "A"}), (TWO, {"by_key": ONE.key}), (THREE, {"by_key": TWO.key}))
    assert all(chain.vouched(BIDDER, one.key) for one in (ONE, TWO, THREE))
    assert [link.key for link in chain.chain(BIDDER, THREE.key)] == [THREE.key, TWO.key, ONE.key]
    assert not chain.vouched("another", ONE.key)
    bare = ring((ONE, {}), (TWO, {"by_key": ONE.key}))
    assert not bare.vouched(BIDDER, TWO.key)
    hanging = ring((TWO, {"by_key": ONE.key}))
    assert not hanging.vouched(BIDDER, TWO.key)


def test_keys_that_vouch_for_each_other_vouch_for_nothing() -> None:
    circle = ring((ONE, {"by_key": TWO.key}), (TWO, {"by_key": ONE.key}))
    assert not circle.vouched(BIDDER, ONE.key)
    assert len(circle.chain(BIDDER, ONE.key)) == 2


def test_only_the_first_registration_of_a_key_counts() -> None:
    twice = ring((ONE, {}), (ONE, {"by_authority": "A"}))
    assert not twice.vouched(BIDDER, ONE.key)


def test_who_may_follow() -> None:
    known = ring((ONE, {}), (TWO, {"by_key": ONE.key}), (THREE, {"by_authority": "A"}))
    assert known.may_follow(BIDDER, ONE.key, ONE.key)
    assert known.may_follow(BIDDER, ONE.key, TWO.key)
    assert known.may_follow(BIDDER, ONE.key, THREE.key)
    assert not known.may_follow(BIDDER, TWO.key, ONE.key)
    assert not known.may_follow(BIDDER, THREE.key, ONE.key)


def test_a_certificate_is_read_for_its_key(world: World) -> None:
    card = world.ca.certify(BIDDER)
    assert acting_key([card.sign(b"x")]) == card.key


def test_withdrawals() -> None:
    data = write_withdrawal(
        tender=TENDER, bidder=BIDDER, bid=BID, lasts={"form": (2, "a" * 64), "documents": (1, "b" * 64)}
    )
    made = Withdrawal.parse(data, nfc=True)
    assert made.stages == {"form": (3, "a" * 64), "documents": (2, "b" * 64)}
    for changes in ({"stages": {}}, {"stages": {"form": {"seq": 1, "prev": "a" * 64}}}, {"bid": "x"}, {"more": 1}):
        refused("E-CANON", Withdrawal.parse, canon({**parse(data), **changes}))
