"""A platform that answers yes and promises something else: the bidder's own tool says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64, parse
from audit.merkle import Leaves, Tiles, inclusion_proof, leaf_hash
from audit.receipt import Receipt
from audit.refusal import Broken, Refused
from audit.trust import Parties, Policy
from bidding.envelope import SealedFile, seal_bid
from tests.world import World
from tests.world_tender import SCHEMA, Tender
from trading.cli.custodian import receipt as custodian_receipt
from trading.tools import bidder as tool
from trading.tools.memory import Memory
from trading.tools.trust import Trust

OPENING = {"price": 90_000_000, "days": 90}


class Liar:
    """Takes everything, and answers what it was told to; the log's files are the world's."""

    def __init__(self, world: World, answers: Mapping[str, Any]) -> None:
        self.world, self.answers = world, answers

    def upload(self, tender: str, payload: Any, **_: Any) -> str:
        return "0" * 32

    def post(self, path: str, body: Any = None, **_: Any) -> Any:
        return self.answers["post"]

    def get(self, path: str, **_: Any) -> Any:
        return next(value for name, value in self.answers.items() if name in path)

    def fetch(self, path: str, to: Path | None = None) -> bytes:
        size = max(self.world.notes)
        if path == "/log/checkpoint":
            return self.world.notes[size]
        number = int(path.rpartition("/tile/0/")[2].partition(".p/")[0].replace("x", "").replace("/", ""))
        return b"".join(leaf_hash(entry) for entry in self.world.entries[number * 256 : min(size, number * 256 + 256)])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def trust(world: World) -> Trust:
    return Trust(Policy.parse(world.policy), Parties.parse(world.parties))


def sealed(world: World, tender: Tender) -> SealedFile:
    fir = world.bidder("fir")
    folders: dict[str, Any] = {"documents": []}
    return seal_bid(
        tender.keysets, world.folder / "fir.sealed", bidder=fir.id, signer=fir.signer, folders=folders,
        opening=OPENING, schema=SCHEMA, created=world.now,
    )  # fmt: skip


def promised(world: World, tender: Tender, file: SealedFile, name: str = "deposited", **changes: Any) -> dict[str, Any]:
    """A receipt for each stage, truly promised, of what the platform chose to record."""
    found = {}
    for stage, one in file.stages.items():
        body: dict[str, Any] = {
            "stage": stage, "bid": file.bid, "seq": 1, "manifest": one.manifest.hash,
            "sig_hash": tool.sig_hash(one.sig), "bidder": file.bidder, "code": "E-LATE",
        }  # fmt: skip
        record = tender.log(name, **(body | changes))
        found[stage] = parse(world.receipt(record, one.manifest.hash).format())
    return {"receipts": found}


def submit(world: World, file: SealedFile, answer: Any) -> dict[str, Receipt]:
    return tool.submit(Liar(world, {"post": answer}), file, trust(world), world.folder / "receipts")  # type: ignore[arg-type]


def test_a_promise_of_a_refusal_is_no_receipt(world: World) -> None:
    tender = world.tender("T1")
    file = sealed(world, tender)
    assert set(submit(world, file, promised(world, tender, file))) == {"form", "documents"}
    lies: list[dict[str, Any]] = [
        {"name": "refused"}, {"name": "erased", "root": ""}, {"stage": "other"}, {"bid": "0" * 32}, {"seq": 2},
        {"sig_hash": "0" * 64}, {"tender": "T9@8"},
    ]  # fmt: skip
    for lie in lies:
        if "tender" in lie:
            world.forge["deposited"] = lambda record: {**record, "tender": "T9@8"}
        with pytest.raises(Refused, match="T-RECEIPT"):
            submit(world, file, promised(world, tender, file, **{k: v for k, v in lie.items() if k != "tender"}))


def test_a_deposit_in_clear_is_no_receipt(world: World) -> None:
    """As an `02` entry it would be void, and everybody would have seen who bids."""
    tender = world.tender("T1")
    file = sealed(world, tender)
    answer = promised(world, tender, file)
    for value in answer["receipts"].values():
        record = Receipt.parse(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).record
        value |= {"nonce": None, "promise": b64(world.key.raw(b"trading/promise/v1\n\x02" + record))}
    with pytest.raises(Refused, match="T-RECEIPT"):
        submit(world, file, answer)


def test_a_place_on_a_list_is_checked_against_the_closing_in_the_log(world: World) -> None:
    tender = world.tender("T1")
    for number in range(3):
        tender.deposit(world.bidder(f"firm {number}"), 90_000_000 + number)
    tender.close()
    world.wait()
    bid = tender.bids[0]
    deposit = bid.last("form")
    held = world.receipt(deposit.record, deposit.manifest.hash)
    closed = tender.closed["form"]
    timeline = {"items": [{"record": b64(closed.data), "index": closed.index}]}
    hashes = sorted(bytes.fromhex(one.last("form").manifest.hash) for one in tender.bids)
    place = hashes.index(bytes.fromhex(deposit.manifest.hash))
    listed = held.with_listed(place, tuple(inclusion_proof(hashes, place, len(hashes))))

    def complete(grown: Receipt, timeline: Any = timeline) -> Any:
        platform: Any = Liar(world, {"/receipts/": parse(grown.format()), "/timeline": timeline})
        return tool.complete(platform, held, trust(world))[1]

    assert complete(listed).listed
    assert not complete(held).listed
    assert not complete(listed, {"items": []}).listed  # a path to a list that nobody shows
    with pytest.raises(Broken, match="R-LISTED"):
        complete(held.with_listed(place, (bytes(32),) * len(listed.listed.path)))  # type: ignore[union-attr]
    forged = closed.data.replace(b'"count":3', b'"count":4')
    with pytest.raises(Broken, match="M-INCLUSION"):
        complete(listed, {"items": [{"record": b64(forged), "index": closed.index}]})


def test_a_receipt_shown_to_a_custodian_is_not_replaced(world: World, tmp_path: Path) -> None:
    """Not by one of the same manifest that proves nothing, whoever shows it."""
    tender = world.tender("T1")
    bid = tender.deposit(world.bidder("fir"))
    deposit = bid.last("form")
    true = world.receipt(deposit.record, deposit.manifest.hash)
    state = tmp_path / "state"
    for number, shown in enumerate((true, replace(true, promise=bytes(64)))):
        file = tmp_path / f"{number}.json"
        file.write_bytes(shown.format())
        custodian_receipt(file, state)
    kept = Memory(state)
    assert true.format() in [kept.get(name) for name in kept.names("receipts")]


def test_the_fetched_tiles_are_the_world_s(world: World) -> None:
    """The control of the fake: its tiles give the checkpoint's root."""
    world.wait(600)
    size = max(world.notes)
    liar = Liar(world, {})
    tiles = Tiles(size, lambda level, number, width: liar.fetch(f"/log/tile/{level}/{number:03d}.p/{width}"))
    leaves = Leaves([leaf_hash(entry) for entry in world.entries[:size]])
    assert inclusion_proof(tiles, 9, size) == inclusion_proof(leaves, 9, size)
