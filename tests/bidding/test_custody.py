"""A custodian's tool computes the closing itself, and every lie of the platform has its code (envelope.md §6.2)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64, canon, instant, parse, sha256_hex, stamp, unb64
from audit.merkle import Frontier, leaf_hash
from audit.refusal import Refused
from audit.trust import Ed25519Signer, record_sig_bytes
from bidding.custody import CheckedClosing, Release, check_kit, check_once, check_release, make_release, released_shares
from bidding.unseal import Verdict, unseal
from bidding.view import Folder
from tests.bidding.kits import custodian_kit, proved, seen
from tests.world import Logged, World
from tests.world_tender import SCHEMA, Tender


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def filled(world: World, bidders: int = 3, **terms: Any) -> Tender:
    tender = world.tender("T1", **terms)
    for number in range(bidders):
        tender.deposit(world.bidder(f"firm {number}"), 90_000_000 + number)
    return tender


def check(world: World, tender: Tender, kit: dict[str, bytes] | None = None, **how: Any) -> CheckedClosing:
    kit = custodian_kit(world, tender) if kit is None else kit
    own = [world.statement("C-TEN")]
    arguments: dict[str, Any] = {"tender": tender.id, "stage": "form", "own": own} | how
    return check_kit(seen(world, kit), Folder(kit), **arguments)


def refused(code: str, world: World, tender: Tender, kit: dict[str, bytes] | None = None, **how: Any) -> Refused:
    with pytest.raises(Refused) as no:
        check(world, tender, kit, **how)
    assert no.value.code == code, str(no.value)
    return no.value


def test_an_honest_closing_is_released_and_opens(world: World) -> None:
    tender = filled(world)
    gone = tender.deposit(world.bidder("gone"))
    tender.withdraw(gone)
    tender.deposit(tender.bids[0].bidder, 80_000_000, bid=tender.bids[0], stages=["form"])
    tender.refuse(tender.bids[1].bidder)
    tender.close()
    checked = check(world, tender)
    assert (checked.i, checked.findings) == (2, ())
    assert [manifest.bid for manifest in checked.listed] == sorted(bid.id for bid in tender.bids if bid is not gone)
    data, sig = make_release(checked, world.boxes["C-TEN"], world.people["C-TEN"])
    assert make_release(checked, world.boxes["C-TEN"], world.people["C-TEN"]) == (data, sig)

    listed = {manifest.bid: manifest.seq for manifest in checked.listed}
    view = seen(world, custodian_kit(world, tender))
    how: dict[str, Any] = {
        "keyset": tender.keysets["form"], "closed": tender.closed["form"].hash, "identities": view.identities,
        "at": world.now,
    }  # fmt: skip
    mine = check_release(data, sig, listed=listed, **how)
    for wrong in (
        {"listed": {}},
        {"closed": "0" * 64},
        {"keyset": tender.keysets["documents"]},
    ):
        with pytest.raises(Refused, match="E-RELEASE"):
            check_release(data, sig, **{"listed": listed, **how, **wrong})
    with pytest.raises(Refused, match=r"E-IDENTITY|E-SIG"):
        check_release(data, [world.people["C-SUP"].sign(b"trading/release/v1\n" + data)], listed=listed, **how)

    tender.release("C-SUP", ["form"])
    other = Release.parse(unb64(parse(tender.files["releases/form/1.json"])["release"]))
    first = tender.bids[0].last("form")
    shares = released_shares([mine, other], tender.bids[0].id, 2)
    found = unseal(first.manifest, first.payload, shares, tender.keysets["form"], schema=SCHEMA)
    assert (found.verdict, found.opening["price"]) == (Verdict.OK, 80_000_000)  # type: ignore[index]


def test_one_closing_per_key_set_ever(world: World) -> None:
    tender = filled(world)
    tender.close()
    checked = check(world, tender)
    check_once({}, checked)
    check_once({checked.keyset.id: checked.closed}, checked)
    with pytest.raises(Refused, match="C-ONCE"):
        check_once({checked.keyset.id: "0" * 64}, checked)


def test_a_box_that_does_not_open_is_released_as_null(world: World) -> None:
    tender = filled(world)

    def break_box(manifest: dict[str, Any]) -> dict[str, Any]:
        boxes = manifest["boxes"]
        return {**manifest, "boxes": [boxes[0], boxes[0][:80] + "AAAA" + boxes[0][84:], boxes[2]]}

    bad = tender.deposit(world.bidder("bad"), tamper=break_box)
    tender.close()
    checked = check(world, tender)
    release = Release.parse(make_release(checked, world.boxes["C-TEN"], world.people["C-TEN"])[0])
    assert release.shares[bad.id] == (1, None)
    assert all(y is not None for bid, (_, y) in release.shares.items() if bid != bad.id)


def test_too_few_bids_stay_shut(world: World) -> None:
    tender = filled(world, 2)
    tender.close()
    refused("C-SHUT", world, tender)


def test_ghost_bidders_do_not_count(world: World) -> None:
    """The operator bids as firms that never came: their keys hang on nothing."""
    tender = filled(world, 2)
    tender.deposit(world.bidder("ghost", by=None))
    tender.close()
    refused("C-SHUT", world, tender)
    named = World(world.folder / "named")
    ghost = named.bidder("ghost", by=None)
    other = named.tender("T1", unvouched=[ghost.id])
    for number in range(2):
        other.deposit(named.bidder(f"firm {number}"))
    other.deposit(ghost)
    other.close()
    assert len(check(named, other).listed) == 3


def test_opened_below_the_minimum(world: World) -> None:
    world.forge["closed"] = lambda record: {**record, "opens": True, "reason": ""}
    tender = filled(world, 2)
    tender.close()
    refused("C-OPENS", world, tender)


def test_a_manifest_with_a_false_signature_is_a_finding_and_does_not_count(world: World) -> None:
    """Naming a vouched key is not enough: it must have signed."""

    class Pretender:
        def __init__(self, key: bytes) -> None:
            self.alg, self.key = "EdDSA", key

        def sign(self, message: bytes) -> dict[str, Any]:
            made = Ed25519Signer.from_seed(b"?" * 32).sign(message)
            return {**made, "key": b64(self.key)}

    tender = filled(world, 2)
    third = world.bidder("third")
    tender.deposit(third, signer=Pretender(third.signer.key))
    tender.close()
    refused("C-OPENS", world, tender)


def test_a_dropped_bid(world: World) -> None:
    tender = filled(world, 4)
    dropped = tender.bids.pop()
    tender.close()
    refused("C-EVENTS", world, tender)  # its record was disclosed
    kit = custodian_kit(world, tender)
    for stage in tender.stages:
        del kit[f"records/{dropped.last(stage).record.index}.json"]
    del kit[f"records/{dropped.bidder.registered[0].index}.json"]
    receipt = world.receipt(dropped.last("form").record, dropped.last("form").manifest.hash).format()
    check(world, tender, kit)  # nobody can see what nobody shows…
    no = refused("C-RECEIPT", world, tender, kit, receipts=[receipt])  # …until its bidder shows the receipt
    assert no.facts["manifest"] == dropped.last("form").manifest.hash


def test_receipts_of_superseded_and_withdrawn_bids_stop_nothing(world: World) -> None:
    tender = filled(world, 4)
    first = tender.bids[0]
    receipts = [world.receipt(first.last("form").record, first.last("form").manifest.hash).format()]
    tender.deposit(first.bidder, bid=first)
    last = tender.bids[3]
    receipts.append(world.receipt(last.last("form").record, last.last("form").manifest.hash).format())
    tender.withdraw(last)
    tender.close()
    assert check(world, tender, receipts=receipts).findings == ()
    stranger = world.receipt(first.last("form").record, first.last("form").manifest.hash)
    forged = canon({**parse(stranger.format()), "promise": "A" * 86 + "=="})
    assert len(check(world, tender, receipts=[forged, b"nonsense"]).findings) == 2


def test_a_replacement_under_a_key_the_operator_registered(world: World) -> None:
    """It takes the bidder's envelope off the list; the bidder's receipt stops the opening."""
    tender = filled(world, 3)
    victim = tender.bids[0]
    receipt = world.receipt(victim.last("form").record, victim.last("form").manifest.hash).format()
    operators = Ed25519Signer.from_seed(b"o" * 32)
    world.register(victim.bidder, operators, by=None)
    tender.deposit(victim.bidder, 99_000_000, bid=victim, signer=operators)
    tender.min_bids = 2
    world.forge["closed"] = lambda record: {**record, "opens": False, "reason": "too_few_bidders"}
    tender.close()
    refused("C-RECEIPT", world, tender, receipts=[receipt])


def forged_closing(world: World, **changes: Any) -> Tender:
    world.forge["closed"] = lambda record: {**record, **(changes if record["stage"] == "form" else {})}
    tender = filled(world)
    tender.close()
    return tender


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"count": 2}, "C-LIST"),
        ({"list_root": "0" * 64}, "C-LIST"),
        ({"events": 5}, "C-EVENTS"),
        ({"events_root": "0" * 64}, "C-EVENTS"),
        ({"opens": False}, "C-OPENS"),
        ({"keyset": "0" * 64}, "C-KEYSET"),
        ({"deadline": "2026-01-01T00:00:00.000000Z"}, "C-TIME"),
        ({"time": "2026-01-01T00:00:00.000000Z"}, "C-TIME"),
    ],
)
def test_a_closing_that_lies(world: World, changes: dict[str, Any], code: str) -> None:
    refused(code, world, forged_closing(world, **changes))


def test_a_second_closing_key_set_or_announcement(world: World) -> None:
    tender = filled(world)
    tender.close()
    kit = custodian_kit(world, tender)
    tender.log("closed", **{k: v for k, v in tender.closed["form"].body.items() if k not in _FIXED})
    refused("C-SECOND", world, tender)
    check(world, tender, kit)  # a kit that ends before it; the next one is refused by the checkpoint that was kept
    for name, body in (
        ("keyset-made", {"stage": "form", "keyset": "0" * 64}),
        ("project-announced", tender.notice()),
    ):
        other = World(world.folder / name)
        again = filled(other)
        again.close()
        again.log(name, **body)
        refused("C-SECOND", other, again)


_FIXED = {"type", "subject", "actor", "time", "serial", "tender"}


def test_before_the_hour(world: World) -> None:
    """A closing that comes too early: the machine's clock and the witnesses' are before the hour."""
    tender = filled(world)
    deadline = tender.deadline
    tender.deadline = world.now
    world.forge["closed"] = lambda record: {
        **record, "deadline": stamp(deadline), "time": stamp(deadline + timedelta(seconds=1)),
    }  # fmt: skip
    tender.close()
    refused("C-TIME", world, tender)


def test_a_moved_deadline_moves_the_hour(world: World) -> None:
    tender = filled(world)
    before = tender.deadline
    tender.move(20)
    tender.close()
    assert check(world, tender).hour == before + timedelta(minutes=20)
    world.forge["closed"] = lambda record: {**record, "deadline": stamp(before)}
    other = World(world.folder / "other")
    other.forge = world.forge
    pulled = filled(other)
    pulled.move(20)
    pulled.close()
    refused("C-TIME", other, pulled)


def test_an_unattended_tool_waits_for_receipts(world: World) -> None:
    tender = filled(world)
    tender.close()
    until = instant(tender.closed["form"].body["time"]) + timedelta(seconds=120)
    assert refused("C-WAIT", world, tender, unattended=True).facts["until"] == until
    world.until(until + timedelta(seconds=1))
    check(world, tender, unattended=True)
    # A closing that was kept back: the four beats run from when the tool first saw it.
    seen_at = until - timedelta(seconds=30)
    assert refused("C-WAIT", world, tender, unattended=True, since=seen_at).facts["until"] == until + timedelta(
        seconds=90
    )
    world.until(until + timedelta(seconds=91))
    check(world, tender, unattended=True, since=seen_at)


def test_a_lost_payload_is_known_before_anything_opens(world: World) -> None:
    tender = filled(world)
    tender.close()
    kit = custodian_kit(world, tender)
    bid = tender.bids[1]
    path = f"bids/{bid.id}/form/1/payload"
    for gone in (
        {n: d for n, d in kit.items() if n != path},
        kit | {path: kit[path][:-1] + bytes([kit[path][-1] ^ 1])},
        kit | {path: kit[path] + b"\0"},
    ):
        no = refused("C-PAYLOAD", world, tender, gone)
        check(world, tender, gone, without={no.facts["manifest"]})


def test_documents_are_stored_first(world: World) -> None:
    tender = filled(world)
    tender.close()
    refused("C-STORED", world, tender, stage="documents")
    tender.store()
    assert check(world, tender, stage="documents").keyset.stage == "documents"


def test_a_kit_with_other_manifests(world: World) -> None:
    tender = filled(world)
    tender.close()
    kit = custodian_kit(world, tender)
    bid = tender.bids[0]
    path = f"bids/{bid.id}/form/1/manifest.json"
    refused("C-EVENTS", world, tender, kit | {path: kit[path] + b" "})
    refused("C-EVENTS", world, tender, {n: d for n, d in kit.items() if n != path})
    refused("C-EVENTS", world, tender, kit | {f"bids/{bid.id}/form/1/sig.json": b"[]"})


def test_a_manifest_of_another_tender_refuses_the_whole_list(world: World) -> None:
    tender = filled(world, 3)
    tender.deposit(world.bidder("odd"), tamper=lambda manifest: {**manifest, "keyset": "0" * 64})
    tender.close()
    refused("C-MANIFEST", world, tender)


def test_somebody_elses_key_set(world: World) -> None:
    tender = filled(world)
    tender.close()
    refused("C-KEYSET", world, tender, own=[])
    refused("C-KEYSET", world, tender, own=[world.statement("P-NOT", tender.id)])
    checked = check(world, tender)
    with pytest.raises(Refused, match="C-KEYSET"):
        make_release(checked, world.boxes["C-SUP"], world.people["C-TEN"])


def test_a_log_not_followed_from_the_key_set_on(world: World) -> None:
    tender = filled(world)
    while len(world.entries) < 600:
        world.wait()
    tender.deadline = world.now + timedelta(minutes=1)
    world.forge["closed"] = lambda record: {**record, "deadline": stamp(tender.opens_at)}
    tender.close()
    kit = custodian_kit(world, tender)
    late = kit | _shortened(world, kit)
    refused("C-LOG", world, tender, late)


def _shortened(world: World, kit: dict[str, bytes]) -> dict[str, bytes]:
    """The same kit from a later bundle on, with proofs for what lies before."""
    first = len(world.entries) // 256 * 256
    frontier = Frontier()
    frontier.extend([leaf_hash(entry) for entry in world.entries[:first]])
    before = [one for one in world.logged if 0 <= one.index < first]
    return {
        "frontier.json": canon({"size": first, "hashes": [value.hex() for value in frontier.hashes]}),
        **proved(world, before),
    }


def settled(tender: Tender, signers: list[Ed25519Signer], admitted: list[str]) -> Logged:
    body = {"stage": "form", "admitted": admitted, "sheets": sha256_hex(b"sheets")}
    record = {"type": "trading.stage-settled/v1", "subject": tender.id, "tender": tender.id, **body}
    sig = [signer.sign(record_sig_bytes(record)) for signer in signers]
    return tender.log("stage-settled", {"kind": "tenderee", "id": "P-TEN"}, sig=sig, **body)


def later_form(world: World) -> Tender:
    """A two-envelope procedure: the form opens an hour after the technical part."""
    original = Tender.keyset

    def keyset(self: Tender, stage: str, statements: Any) -> Any:
        self.opens_at = self.deadline + timedelta(hours=1 if stage == "form" else 0)
        return original(self, stage, statements)

    Tender.keyset = keyset  # type: ignore[method-assign]
    try:
        tender = filled(world, stages=("technical", "form"))
    finally:
        Tender.keyset = original  # type: ignore[method-assign]
    tender.close()
    return tender


def test_a_later_stage_is_released_for_those_admitted(world: World) -> None:
    tender = later_form(world)
    refused("C-TIME", world, tender)
    world.until(tender.deadline + timedelta(hours=1, minutes=1))
    refused("C-SETTLED", world, tender)
    admitted = sorted(bid.id for bid in tender.bids)[:2]
    settled(tender, [world.people["P-TEN"], world.authorities["A-SUP"]], admitted)
    assert [manifest.bid for manifest in check(world, tender).listed] == admitted


def test_a_stage_settled_by_the_tenderee_alone(world: World) -> None:
    tender = later_form(world)
    world.until(tender.deadline + timedelta(hours=1, minutes=1))
    settled(tender, [world.people["P-TEN"]], [])
    refused("C-SETTLED", world, tender)
