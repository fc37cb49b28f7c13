"""Kits as the platform packs them, out of the world of `tests/world.py`: what both tools are fed, and what a test bends."""

from __future__ import annotations

from audit.canon import b64, canon
from audit.checkpoint import Checkpoint, TlogProof, checkpoint_of
from audit.merkle import Frontier, bundles, entries_path, inclusion_proof, leaf_hash, pack_entries
from audit.trust import Parties, Policy
from bidding.view import Folder, View, look
from tests.world import Logged, World
from tests.world_tender import Tender

OLDER = {"log-opened", "identity-vouched", "custodian-key-registered", "rehearsed", "bidder-key-registered"}
NOTICED = {"keyset-made", "project-announced", "deadline-moved"}
SEALED = {"deposited", "withdrawn", "refused", "bidder-key-registered"}


def proved(world: World, records: list[Logged]) -> dict[str, bytes]:
    """Each record with its inclusion in the last checkpoint."""
    size = max(world.notes)
    hashes = [leaf_hash(entry) for entry in world.entries[:size]]
    files = {"checkpoint": world.notes[size]}
    for one in records:
        nonce = None if one.nonce is None else b64(one.nonce)
        files[f"records/{one.index}.json"] = canon({"index": one.index, "nonce": nonce, "record": b64(one.data)})
        proof = TlogProof(one.index, tuple(inclusion_proof(hashes, one.index)), world.notes[size])
        files[f"proofs/{one.index}.tlog-proof"] = proof.format()
    return files


def sealing_kit(world: World, tender: Tender) -> dict[str, bytes]:
    """What §2a asks for."""
    world.wait()
    mine = [
        one
        for one in world.logged
        if one.index >= 0
        and ((one.name in OLDER and one.nonce is None) or (one.name in NOTICED and one.body.get("tender") == tender.id))
    ]
    files = {name: data for name, data in {**world.files, **tender.files}.items() if name.startswith(("k", "s"))}
    return files | proved(world, mine)


def custodian_kit(world: World, tender: Tender) -> dict[str, bytes]:
    """What §6.2 asks for: the log from the tender's first bundle on, the events, and everything handed in."""
    world.wait()
    size = max(world.notes)
    first = int(tender.id.rpartition("@")[2]) // 256 * 256
    frontier = Frontier()
    frontier.extend([leaf_hash(entry) for entry in world.entries[:first]])
    files = {**world.files, **tender.files}
    files["frontier.json"] = canon({"size": first, "hashes": [value.hex() for value in frontier.hashes]})
    for number, width in bundles(first // 256, size):
        at = number * 256
        files[entries_path(number, width)] = pack_entries(world.entries[at : at + width])
    older = [one for one in world.logged if 0 <= one.index < first and one.name in OLDER]
    events = [one for one in world.logged if one.index >= first and one.name in SEALED]
    zero = [one for one in world.logged if one.index == 0]
    return files | proved(world, [*zero, *older, *events])


def seen(world: World, kit: dict[str, bytes], kept: Checkpoint | None = None) -> View:
    """The kit looked at, now, with the world's trust files."""
    return look(Folder(kit), Policy.parse(world.policy), Parties.parse(world.parties), now=world.now, kept=kept)


def checkpoint_at(world: World, size: int) -> Checkpoint:
    """A checkpoint that a tool may have kept."""
    return checkpoint_of(world.notes[size])
