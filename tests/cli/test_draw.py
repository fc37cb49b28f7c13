"""A party's tool in a draw: an honest platform gets a nonce and its reveal, a lying one gets nothing.

Party 2 is C-TEN, a custodian with a key in parties.txt; A-SUP and P-TEN are the other two.
"""

from __future__ import annotations

import secrets
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.canon import stamp, unb64
from audit.refusal import Broken, Refused
from experts import draw as d
from tests.cli.parties import DRAW, TENDER, DrawnWorld, objects, party
from trading.tools.party import COMMITTED, REVEALED, WAITING


@pytest.fixture
def world(tmp_path: Path) -> DrawnWorld:
    made = DrawnWorld(tmp_path / "world")
    made.wait()
    return made


def nonces() -> dict[int, bytes]:
    return {i: secrets.token_bytes(32) for i in (1, 2, 3)}


def refused(tool: Any, code: str, **more: Any) -> Refused:
    with pytest.raises(Refused) as no:
        tool.step(TENDER, **more)
    assert no.value.code == code, no.value
    return no.value


# ------------------------------------------------------------------------------------------------------ an honest platform


def test_a_party_commits_waits_for_all_and_reveals(world: DrawnWorld, tmp_path: Path) -> None:
    tool, others = party(world, tmp_path), nonces()
    assert tool.step(TENDER).state == WAITING  # nothing was asked for yet
    record = world.committed()
    assert tool.step(TENDER).state == WAITING and not world.posted  # it waits for its checkpoint
    world.wait()
    assert tool.step(TENDER).state == COMMITTED
    (sent,) = objects(world, "/commitments")
    assert sent["draw_record"] == record.hash and sent["i"] == 2 and "nonce" not in sent
    world.wait()
    world.say(1, record, others[1])
    world.wait()
    assert tool.step(TENDER).committed == 2 and not objects(world, "/reveals")
    last = world.say(3, record, others[3])
    assert tool.step(TENDER).state == COMMITTED and not objects(
        world, "/reveals"
    )  # committed, and under no checkpoint yet
    world.wait()
    assert last.index >= 0 and tool.step(TENDER).state == REVEALED
    (shown,) = objects(world, "/reveals")
    assert d.nonce_commit(d.draw_ctx(DRAW, TENDER), 2, bytes.fromhex(shown["nonce"])).hex() == sent["commit"]
    world.wait()
    assert tool.step(TENDER).state == REVEALED and len(objects(world, "/reveals")) == 1


def test_the_nonce_is_on_the_disk_before_it_is_sent_and_stays_the_same(world: DrawnWorld, tmp_path: Path) -> None:
    tool = party(world, tmp_path)
    world.committed()
    world.wait()
    world.takes = False
    assert tool.step(TENDER).state == WAITING
    (file,) = (path for path in (tmp_path / "C-TEN" / "draws").rglob("*") if path.is_file())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = bytes(file.read_bytes())
    again = party(world, tmp_path)  # the machine was switched off meanwhile
    again.step(TENDER)
    assert file.read_bytes() == kept
    first, second = objects(world, "/commitments")
    assert first == second


def test_whoever_does_not_agree_makes_no_nonce(world: DrawnWorld, tmp_path: Path) -> None:
    world.committed()
    world.wait()
    tool = party(world, tmp_path)
    refused(tool, "T-STOPPED", agree=lambda joined: False)
    assert not world.posted and not tool.kept(TENDER)


def test_a_second_attempt_is_joined_after_a_logged_void(world: DrawnWorld, tmp_path: Path) -> None:
    tool, others = party(world, tmp_path), nonces()
    record = world.committed(within=300)
    world.wait()
    tool.step(TENDER)
    world.say(1, record, others[1])
    world.wait(330)
    world.void(culprit=3)
    world.wait()
    assert tool.step(TENDER).state == WAITING
    world.committed(2)
    world.wait()
    assert tool.step(TENDER).attempt == 2
    first, second = objects(world, "/commitments")
    assert (first["attempt"], second["attempt"]) == (1, 2) and first["commit"] != second["commit"]


# -------------------------------------------------------------------------------------------------------- a lying platform


def test_a_record_that_is_not_in_the_log_gets_no_nonce(world: DrawnWorld, tmp_path: Path) -> None:
    record = world.committed()
    world.wait()

    def forged(items: list[Any]) -> list[Any]:
        from audit.canon import b64

        changed = unb64(items[0]["record"]).replace(b"1" * 64, b"9" * 64)
        assert changed != record.data
        return [{**items[0], "record": b64(changed)}]

    world.lies["timeline"] = forged
    with pytest.raises(Broken, match="M-INCLUSION"):
        party(world, tmp_path).step(TENDER)
    assert not world.posted


def test_a_checkpoint_without_quorum_or_an_old_one_gets_no_nonce(world: DrawnWorld, tmp_path: Path) -> None:
    tool = party(world, tmp_path)
    world.cosigning = {"w1.example"}
    world.committed()
    world.wait()
    with pytest.raises(Broken, match="N-QUORUM"):
        tool.step(TENDER)
    world.cosigning = set(world.witnesses)
    world.wait()
    late = party(world, tmp_path, clock=lambda: world.now + timedelta(minutes=11))
    refused(late, "P-LOG")
    assert not world.posted
    tool.step(TENDER)
    assert world.posted  # the control


def test_a_log_that_goes_back_or_is_another_gets_no_nonce(world: DrawnWorld, tmp_path: Path) -> None:
    tool = party(world, tmp_path)
    early = world.fetch("/log/checkpoint")
    world.committed()
    world.wait()
    tool.look(TENDER)
    world.lies["/log/checkpoint"] = early
    refused(tool, "P-LOG")
    other = DrawnWorld(tmp_path / "other")
    other.beat()
    other.committed(pool_root="99" * 32)
    other.wait(600)
    stranger = party(other, tmp_path)  # the same memory
    with pytest.raises(Broken):
        stranger.step(TENDER)
    assert not world.posted and not other.posted


def test_a_second_draw_of_a_tender_is_refused(world: DrawnWorld, tmp_path: Path) -> None:
    tool = party(world, tmp_path)
    world.committed()
    world.wait()
    tool.step(TENDER)
    world.committed(draw="cd" * 16)
    world.wait()
    refused(tool, "P-SECOND")
    refused(tool, "P-SECOND", replaced=DRAW)  # the record does not say what it replaces
    # neither when the platform hides the first: the tool has kept it
    world.lies["timeline"] = lambda items: items[-1:]
    refused(tool, "P-SECOND")
    assert len(objects(world, "/commitments")) == 1


def test_a_draw_that_replaces_an_exhausted_one_is_joined_when_the_owner_says_so(
    world: DrawnWorld, tmp_path: Path
) -> None:
    tool = party(world, tmp_path)
    world.committed()
    world.wait()
    tool.step(TENDER)
    world.committed(draw="cd" * 16, replaces=DRAW)
    world.wait()
    refused(tool, "P-SECOND")
    assert tool.step(TENDER, replaced=DRAW).draw == "cd" * 16
    refused(tool, "P-SECOND")  # it is asked for each time: nobody agrees for ever
    world.committed(draw="ef" * 16, replaces="cd" * 16)
    world.wait()
    refused(tool, "P-SECOND", replaced=DRAW)
    assert tool.step(TENDER, replaced="cd" * 16).draw == "ef" * 16


def test_two_records_of_one_attempt_are_refused(world: DrawnWorld, tmp_path: Path) -> None:
    """Another pool for the same attempt, after the nonces are known."""
    tool = party(world, tmp_path)
    world.committed()
    world.wait()
    tool.step(TENDER)
    world.committed(pool_root="99" * 32)
    world.wait()
    refused(tool, "P-OTHER")
    world.lies["timeline"] = lambda items: items[-1:]
    refused(tool, "P-OTHER")
    assert len(objects(world, "/commitments")) == 1


@pytest.mark.parametrize(
    ("void", "code"),
    [
        (None, "P-VOID"),
        ({"culprit": 9}, "P-VOID"),
        ({"culprit": 1}, "P-VOID"),  # who has revealed in time voids nothing
        ({"early": True}, "P-VOID"),
        ({"culprit": 3}, ""),
    ],
)
def test_an_attempt_too_many_is_refused(
    world: DrawnWorld, tmp_path: Path, void: dict[str, Any] | None, code: str
) -> None:
    """Best of two, without a party that failed."""
    tool, others = party(world, tmp_path), nonces()
    record = world.committed(within=300)
    world.wait()
    for i in (1, 2, 3):
        world.say(i, record, others[i])
    world.wait()
    world.say(1, record, others[1], reveals=True)
    world.wait(30 if void and void.pop("early", None) else 330)
    if void is not None:
        world.void(**({"culprit": 3} | void))
    world.wait()
    world.committed(2)
    world.wait()
    if code:
        refused(tool, code)
        assert not world.posted
    else:
        assert tool.step(TENDER).attempt == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"pool_root": "99" * 32}, {"roster_root": "99" * 32}, {"leaves": "99" * 32}, {"pool_size": 39},
        {"need": [{"specialty": "b01", "count": 5}]}, {"representatives": 1}, {"excluded": {"kin": 1}},
        {"meets": "2026-03-04T00:00:00.000000Z"}, {"parties": [{"i": 1, "id": "A-SUP"}, {"i": 2, "id": "C-TEN"}]},
        "secret",
    ],
)  # fmt: skip
def test_another_pool_in_a_later_attempt_is_refused(world: DrawnWorld, tmp_path: Path, changes: Any) -> None:
    tool = party(world, tmp_path)
    record = world.committed(within=300)
    world.wait(330)
    world.void(culprit=2)
    world.wait()
    world.committed(2, **({"secret_commit": record.body["secret_commit"]} if changes == "secret" else changes))
    world.wait()
    refused(tool, "P-CHANGED")
    assert not world.posted


def test_a_third_attempt_needs_an_authority(world: DrawnWorld, tmp_path: Path) -> None:
    tool = party(world, tmp_path)
    for attempt in (1, 2):
        world.committed(attempt, within=300)
        world.wait(330)
        world.void(culprit=2, attempt=attempt)
        world.wait()
    unsigned = world.committed(3)
    world.wait()
    refused(tool, "P-UNAPPROVED")
    outside = ("type", "subject", "actor", "time", "serial", "approved")
    fields = {name: value for name, value in unsigned.body.items() if name not in outside}
    for by, approved in (("C-TEN", False), ("A-SUP", True)):
        fresh = DrawnWorld(tmp_path / by)
        fresh.wait()
        for attempt in (1, 2):
            fresh.committed(attempt, within=300)
            fresh.wait(330)
            fresh.void(culprit=2, attempt=attempt)
            fresh.wait()
        fields["reveal_by"] = stamp(fresh.now + timedelta(hours=1))
        fresh.committed(**{**fields, "approved": fresh.approve(fields, by)})
        fresh.wait()
        other = party(fresh, tmp_path / f"memory {by}")
        if approved:
            assert other.step(TENDER).attempt == 3
        else:
            refused(other, "P-UNAPPROVED")


def test_somebody_who_commits_in_the_party_s_name_is_noticed(world: DrawnWorld, tmp_path: Path) -> None:
    """The operator writes the parties' nonces itself: the one whose name it uses sees it, and says nothing more."""
    tool = party(world, tmp_path)
    record = world.committed()
    world.wait()
    world.say(2, record, secrets.token_bytes(32))
    world.wait()
    refused(tool, "P-FORGED")
    assert not world.posted


def test_a_commitment_for_another_record_reveals_nothing(world: DrawnWorld, tmp_path: Path) -> None:
    tool, others = party(world, tmp_path), nonces()
    record = world.committed()
    world.wait()
    tool.step(TENDER)
    world.say(1, record, others[1])
    world.say(3, record, others[3], draw_record="0" * 64)
    world.wait()
    refused(tool, "P-OTHER")
    assert not objects(world, "/reveals")


def test_who_is_no_party_and_who_is_late_says_nothing(world: DrawnWorld, tmp_path: Path) -> None:
    world.committed(within=300)
    world.wait()
    refused(party(world, tmp_path, "C-NOT"), "P-PARTY")
    world.wait(330)
    refused(party(world, tmp_path), "P-LATE")
    assert not world.posted
