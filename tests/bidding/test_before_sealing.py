"""Nothing is sealed for keys, an hour or a log that the bidder's own tool cannot prove (envelope.md §2a)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64, canon, parse, stamp
from audit.checkpoint import Checkpoint, vkey_of
from audit.merkle import Leaves, consistency_proof, leaf_hash
from audit.record import types
from audit.refusal import Refused
from audit.trust import Parties, Policy, record_sig_bytes
from bidding.sealing import Sealable, check_before_sealing
from bidding.view import Folder, Unproven, look
from tests.bidding.kits import checkpoint_at, sealing_kit, seen
from tests.world import World, seeded
from tests.world_tender import Tender


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


Forge = Callable[[dict[str, Any]], dict[str, Any]]


def check(world: World, tender: Tender, kit: dict[str, bytes], tender_id: str = "", **how: Any) -> Sealable:
    return check_before_sealing(seen(world, kit), Folder(kit), tender=tender_id or tender.id, **how)


def refused(world: World, tender: Tender, kit: dict[str, bytes], why: str, **how: Any) -> None:
    with pytest.raises(Refused) as no:
        check(world, tender, kit, **how)
    assert no.value.code == "E-KEYSET"
    assert why in no.value.facts["why"]


def test_an_honest_kit_names_custodians_and_hour(world: World) -> None:
    tender = world.tender("T1")
    found = check(world, tender, sealing_kit(world, tender))
    assert set(found.keysets) == {"form", "documents"}
    assert [statement.custodian for statement in found.guards["form"].custodians] == ["C-SUP", "C-TEN", "C-NOT"]
    assert found.deadline == tender.deadline == found.guards["form"].hour
    tender.move(20)
    assert check(world, tender, sealing_kit(world, tender)).guards["form"].hour == tender.deadline


def test_a_key_set_that_is_not_the_announced_one(world: World) -> None:
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    path = f"keysets/{tender.keysets['form'].id}.json"
    refused(world, tender, kit | {path: kit[path].replace(b'"k":2', b'"k":3')}, "not the one announced")
    refused(world, tender, {name: data for name, data in kit.items() if name != path}, path)


def test_three_of_three_must_be_named(world: World) -> None:
    tender = world.tender("T1", k=3)
    kit = sealing_kit(world, tender)
    refused(world, tender, kit, "3 of 3")
    assert check(world, tender, kit, accept={keyset.id for keyset in tender.keysets.values()}).tender == tender.id


def test_the_platform_as_custodian_needs_three(world: World) -> None:
    tender = world.tender("T1")
    refused(world, tender, sealing_kit(world, tender), "whoever runs the platform", operators={"C-NOT"})


def test_keys_that_open_before_the_deadline(world: World) -> None:
    world.forge["project-announced"] = lambda record: {**record, "deadline": "2099-01-01T00:00:00.000000Z"}
    tender = world.tender("T1")
    refused(world, tender, sealing_kit(world, tender), "before the deadline")


def test_a_second_announcement(world: World) -> None:
    tender = world.tender("T1")
    tender.log("project-announced", {"kind": "tenderee", "id": "P-TEN"}, **tender.notice())
    refused(world, tender, sealing_kit(world, tender), "2 records")


def test_a_key_set_made_after_the_announcement(world: World) -> None:
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    made = next(one for one in world.logged if one.name == "keyset-made")
    refused(world, tender, {n: d for n, d in kit.items() if n != f"records/{made.index}.json"}, "0 records")
    # made once more, and only this is shown: the announcement would name keys that did not exist yet
    again = {name: made.body[name] for name in ("stage", "keyset")}
    tender.log("keyset-made", **again)
    kit = sealing_kit(world, tender)
    refused(world, tender, {n: d for n, d in kit.items() if n != f"records/{made.index}.json"}, "was not made before")


def test_a_statement_under_a_forged_identity(world: World) -> None:
    """The operator writes a statement in a custodian's name, under a key of its own."""
    world.people["C-SUP"] = world.witnesses["w1.example"]
    tender = world.tender("T1")
    refused(world, tender, sealing_kit(world, tender), "E-IDENTITY")


def test_an_identity_nobody_vouched_for(world: World) -> None:
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    vouched = next(one for one in world.logged if one.name == "identity-vouched" and one.body["id"] == "C-NOT")
    refused(world, tender, {n: d for n, d in kit.items() if n != f"records/{vouched.index}.json"}, "E-IDENTITY")


def test_a_key_that_was_never_rehearsed(world: World) -> None:
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    trial = next(one for one in world.logged if one.name == "rehearsed")
    refused(world, tender, {n: d for n, d in kit.items() if n != f"records/{trial.index}.json"}, "has not rehearsed")
    world.forge["rehearsed"] = lambda record: {**record, "r": "00" * 32}
    other = World(world.folder / "other")
    other.forge = world.forge
    forged = other.tender("T1")
    refused(other, forged, sealing_kit(other, forged), "E-REHEARSAL")


def test_a_key_made_for_another_log(world: World) -> None:
    world.files.clear()
    original = world.statement

    def foreign(name: str, tender: str | None = None, origin: str | None = None) -> Any:
        return original(name, tender, "demo.elsewhere")

    world.statement = foreign  # type: ignore[method-assign]
    tender = world.tender("T1")
    refused(world, tender, sealing_kit(world, tender), "elsewhere")


def test_statements_whose_signature_came_later(world: World) -> None:
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    name = next(name for name in kit if name.startswith("statements/"))
    value = parse(kit[name])
    value["sig"] = [value["sig"][0], value["sig"][0]]
    refused(world, tender, kit | {name: canon(value)}, "not the one registered")


# --- the log behind it -------------------------------------------------------------------------------------------------


def unproven(world: World, kit: dict[str, bytes], why: str, **how: Any) -> None:
    with pytest.raises(Unproven, match=why):
        seen(world, kit, **how)


def test_a_stale_checkpoint(world: World) -> None:
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    world.now += timedelta(minutes=11)
    unproven(world, kit, "the checkpoint is of")
    world.now -= timedelta(minutes=20)
    unproven(world, kit, "the checkpoint is of")


def test_a_checkpoint_without_quorum(world: World) -> None:
    tender = world.tender("T1")
    world.cosigning = {"w1.example"}
    unproven(world, sealing_kit(world, tender), "N-QUORUM")


def test_a_policy_without_witnesses_is_refused(world: World) -> None:
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    loose = Policy.parse(world.policy.replace(b"quorum q", b"quorum none"))
    with pytest.raises(Refused, match="E-QUORUM-NONE"):
        look(Folder(kit), loose, Parties.parse(world.parties), now=world.now)


def test_a_record_that_the_log_does_not_hold(world: World) -> None:
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    announced = tender.announced
    name = f"records/{announced.index}.json"
    value = parse(kit[name])

    forged = announced.data.replace(b'"min_bids":3', b'"min_bids":1')
    unproven(world, kit | {name: canon({**value, "record": b64(forged)})}, "M-INCLUSION")
    unproven(world, {n: d for n, d in kit.items() if n != f"proofs/{announced.index}.tlog-proof"}, "proofs/")
    unproven(world, kit | {name: canon({**value, "index": 1})}, "another record")
    unproven(world, {n: d for n, d in kit.items() if n != "records/0.json"}, "records/0.json")


def test_two_histories(world: World) -> None:
    tender = world.tender("T1")
    early = checkpoint_at(world, sorted(world.notes)[2])
    kit = sealing_kit(world, tender)
    unproven(world, kit, "no proof that the log continues", kept=early)
    size = max(world.notes)
    leaves = Leaves([leaf_hash(entry) for entry in world.entries[:size]])
    proof = consistency_proof(leaves, early.size, size)
    with_proof = kit | {f"consistency/{early.size}": "".join(b64(one) + "\n" for one in proof).encode()}
    assert seen(world, with_proof, kept=early).checkpoint.size == size
    other = Checkpoint(early.origin, early.size, bytes(32))
    unproven(world, with_proof, "M-CONSISTENCY", kept=other)
    unproven(world, kit, "another than", kept=Checkpoint(early.origin, size, bytes(32)))
    unproven(world, kit, "later checkpoint", kept=Checkpoint(early.origin, size + 1, bytes(32)))


def test_an_announcement_that_one_bidder_alone_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blinded, it is void; that the tool's own process does not know the market's types makes it no less so."""
    world.blinded = lambda made: made.name == "project-announced"
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    name = f"records/{tender.announced.index}.json"
    assert tender.announced.nonce is not None
    kit[name] = canon({**parse(kit[name]), "nonce": b64(tender.announced.nonce)})
    monkeypatch.delitem(types, "project-announced")
    unproven(world, kit, "project-announced/v1, is blinded")


def test_an_announcement_from_before_its_tender(world: World) -> None:
    """The size a log will have can be foreseen: announced once below it and once above, it would be two tenders in one."""

    class Foreseen(Tender):
        @property
        def id(self) -> str:
            return self._id

        @id.setter
        def id(self, given: str) -> None:
            self._id = f"T1@{int(given.rpartition('@')[2]) + 400}"

    tender = Foreseen(world, "T1")
    while len(world.entries) < 600:
        world.beat()
    refused(world, tender, sealing_kit(world, tender), "0 records")
    assert tender.id == "T1@424"
    refused(world, tender, sealing_kit(world, tender), "when it was made", tender_id="T1")


def test_a_replaced_key_signs_nothing_by_a_record_dated_back(world: World) -> None:
    """A notary's key is stolen and replaced; the operator writes an old date under what the thief signs."""
    stolen, before = world.people["C-NOT"], world.now
    world.wait(3600)
    body = {
        "id": "C-NOT", "role": "custodian", "vkey": str(vkey_of(seeded("new"), "C-NOT")),
        "from": stamp(world.now), "until": None, "by": ["A-SUP", "A-FIN"],
    }  # fmt: skip
    message = record_sig_bytes({"type": "trading.identity-vouched/v1", "subject": "C-NOT", **body})
    sig = [world.authorities[one].sign(message) for one in ("A-SUP", "A-FIN")]
    world.log("identity-vouched", "C-NOT", {"kind": "authority", "id": "A-SUP"}, sig=sig, **body)
    world.wait()
    dated_back: Forge = lambda record: {**record, "time": stamp(before)}  # noqa: E731
    world.forge |= {"custodian-key-registered": dated_back, "rehearsed": dated_back}
    assert world.people["C-NOT"] is stolen
    tender = world.tender("T1")
    refused(world, tender, sealing_kit(world, tender), "E-IDENTITY")
