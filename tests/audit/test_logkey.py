"""The log key: made once, signs no two roots of one size, can be replaced (log.md §3, audit/logkey.py)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint, verify_note, vkey_of
from audit.logkey import LogKey
from audit.refusal import Broken, Refused
from audit.trust import WITNESS, Policy
from tests.audit.logworld import LogWorld, log_world

ORIGIN = "log.example/main"


def policy_of(*keys: LogKey) -> Policy:
    return Policy.parse(("".join(f"log {key.vkey}\n" for key in keys) + "quorum none\n").encode())


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    key = LogKey.generate(tmp_path / "keys" / "log.pem", ORIGIN)
    assert os.stat(key.path).st_mode & 0o777 == 0o600
    assert LogKey.load(key.path, ORIGIN).vkey == key.vkey
    with pytest.raises(Refused, match="E-LOGKEY-EXISTS"):
        LogKey.generate(key.path, ORIGIN)
    os.chmod(key.path, 0o640)
    with pytest.raises(Refused, match="E-LOGKEY-MODE"):
        LogKey.load(key.path, ORIGIN)
    with pytest.raises(Refused, match="E-LOGKEY-MISSING"):
        LogKey.load(tmp_path / "nowhere.pem", ORIGIN)
    (tmp_path / "odd.pem").write_bytes(b"not a key")
    os.chmod(tmp_path / "odd.pem", 0o600)
    with pytest.raises(Refused, match="E-LOGKEY"):
        LogKey.load(tmp_path / "odd.pem", ORIGIN)


def test_never_two_roots_of_one_size_not_even_after_a_restart(tmp_path: Path) -> None:
    key = LogKey.generate(tmp_path / "log.pem", ORIGIN)
    signed = key.sign(Checkpoint(ORIGIN, 8, bytes(32)))
    assert verify_note(signed, policy_of(key)).checkpoint.size == 8
    assert key.sign(Checkpoint(ORIGIN, 8, bytes(32))) == signed, "the same root may be signed again"
    again = LogKey.load(key.path, ORIGIN)
    with pytest.raises(Broken, match="L-TWO-ROOTS"):
        again.sign(Checkpoint(ORIGIN, 8, b"\x01" * 32))
    again.sign(Checkpoint(ORIGIN, 16, b"\x02" * 32))
    with pytest.raises(Broken, match="L-BEHIND"):
        again.sign(Checkpoint(ORIGIN, 8, bytes(32)))


@pytest.fixture
async def world(db: object, database: str, tmp_path: Path) -> AsyncIterator[LogWorld]:
    async with log_world(database, tmp_path, origin=ORIGIN) as made:
        yield made


@pytest.mark.parametrize("lost", [False, True])
async def test_a_new_key_goes_on_with_the_same_log(world: LogWorld, lost: bool) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    await sequencer.close()
    old = world.key
    if lost:
        old.path.unlink()
        old.path.with_name("log.pem.signed").unlink()
    new = LogKey.rotate(old.path, ORIGIN)
    assert new.vkey != old.vkey
    if not lost:
        aside = old.path.with_name(f"log.pem.{old.vkey.keyid.hex()}")
        assert LogKey.load(aside, ORIGIN).last_signed() is not None
    with pytest.raises(Broken, match="L-KEY"):
        world.sequencer(key=new)
    # The supervising authority publishes the policy in which the new line stands below the old one.
    text = world.policy.data.decode().replace(f"log {old.vkey}\n", f"log {old.vkey}\nlog {new.vkey}\n")
    world.policy = Policy.parse(text.encode())
    assert world.policy.log == new.vkey
    for witness in world.witnesses.values():
        witness.policies[ORIGIN] = world.policy
    world.key = new
    successor = world.sequencer()
    await successor.lead()
    await world.openly(1)
    await successor.beat()
    assert await world.check() == world.published().size == 16


def test_witness_keys_are_of_another_kind(tmp_path: Path) -> None:
    key = LogKey.generate(tmp_path / "log.pem", ORIGIN)
    assert key.vkey.kind != WITNESS and vkey_of(key._signer, ORIGIN, WITNESS).keyid != key.vkey.keyid
