"""Each check of an arriving bid, alone (envelope.md §5)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canon import b64, canon
from audit.refusal import Refused
from audit.trust import Ed25519Signer, ES256Signer
from bidding import arrival
from bidding.arrival import Last
from bidding.manifest import Manifest, sign_manifest
from bidding.registrations import Keyring, Registration, acting_key, write_registration
from tests.bidding.envelopes import BID, BIDDER, FIRM, NOON, ORIGIN, TENDER, context, envelope, keyset

GUARD = keyset()
MANIFEST = envelope(GUARD).manifest


def registration(signer: Any, **by: Any) -> Registration:
    data = write_registration(origin=ORIGIN, bidder=BIDDER, alg=signer.alg, key=signer.key, **by)
    return Registration.parse(data)


def refused(code: str, check: Any, *arguments: Any, **named: Any) -> Refused:
    with pytest.raises(Refused) as no:
        check(*arguments, **named)
    assert no.value.code == code
    return no.value


def test_late_is_after_the_deadline_and_not_at_it() -> None:
    arrival.check_time(NOON, NOON)
    refused("E-LATE", arrival.check_time, NOON + timedelta(microseconds=1), NOON)


def changed(**fields: Any) -> bytes:
    return canon({**json.loads(MANIFEST.data), **fields})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        MANIFEST.data + b"\n",
        MANIFEST.data.replace(b'"seq":1', b'"seq":1.0'),
        MANIFEST.data.replace(b'"seq":1', b'"seq":1,"seq":1'),
        MANIFEST.data.replace(b'"seq":1', b'"seq": 1'),
        changed(more=1),
        canon({k: v for k, v in json.loads(MANIFEST.data).items() if k != "prev"}),
        changed(type="trading.bid/v2"),
        changed(seq=0),
        changed(seq=True),
        changed(bid=BID.upper()),
        changed(bid="11"),
        changed(head=b64(bytes(55))),
        changed(head="AB=="),
        changed(root="AB" * 32),
        changed(size=0),
        changed(size="65672"),
        changed(prev="x"),
        changed(created="2026-03-02T04:00:00Z"),
        changed(created="2026-02-30T04:00:00.000000Z"),
        changed(client={"name": "x"}),
        changed(boxes="x"),
        changed(boxes=["="]),
        changed(stage="Form"),
        changed(tender=""),
        changed(client={"name": "e\u0301", "version": "1"}).replace("é".encode(), "e\u0301".encode()),
    ],
)
def test_canon(data: bytes) -> None:
    refused("E-CANON", arrival.check_canon, data)


def test_canon_passes_what_we_write() -> None:
    assert arrival.check_canon(MANIFEST.data) == MANIFEST


@given(st.binary(max_size=200))
def test_canon_says_nothing_else_whatever_arrives(data: bytes) -> None:
    refused("E-CANON", arrival.check_canon, data)


def test_context() -> None:
    right = {"tender": TENDER, "bid": BID, "keysets": {"form": GUARD.id}}
    arrival.check_context(MANIFEST, **right)
    for wrong in ({"tender": "T@1"}, {"bid": "0" * 32}, {"keysets": {"form": "0" * 64}}, {"keysets": {}}):
        refused("E-CONTEXT", arrival.check_context, MANIFEST, **right | wrong)


def test_boxes() -> None:
    arrival.check_boxes(MANIFEST, 3)
    refused("E-BOXES", arrival.check_boxes, MANIFEST, 4)
    good = list(MANIFEST.boxes)
    for box in (good[0][:-1], good[0] + b"x", b"\x04" + bytes(112), bytes(113), b""):
        refused("E-BOXES", arrival.check_boxes, envelope(GUARD).but(boxes=(box, *good[1:])).manifest, 3)


@pytest.mark.parametrize("signer", [FIRM, ES256Signer.generate()])
def test_asvs_4_1_5_signature(signer: Any) -> None:
    sigs = sign_manifest(MANIFEST.data, signer)
    arrival.check_signature(MANIFEST, sigs)
    other = envelope(GUARD, where=context(GUARD, seq=2)).manifest
    refused("E-SIG", arrival.check_signature, other, sigs)
    for wrong in ([], [{**sigs[0], "alg": "SM2-SM3"}], [{**sigs[0], "more": 1}], [sigs[0], {}], "no"):
        refused("E-SIG", arrival.check_signature, MANIFEST, wrong)


def test_signer() -> None:
    stranger, second, third = (Ed25519Signer.from_seed(bytes([i]) * 32) for i in (1, 2, 3))
    ring = Keyring([registration(FIRM), registration(second, by_key=FIRM.key), registration(third)])
    last = Last(1, MANIFEST.hash, FIRM.key, BIDDER)
    for signer in (FIRM, second, third):
        assert arrival.check_signer(BIDDER, sign_manifest(b"", signer), ring) == signer.key
    refused("E-SIGNER", arrival.check_signer, BIDDER, sign_manifest(b"", stranger), ring)
    refused("E-SIGNER", arrival.check_signer, "another firm", sign_manifest(b"", FIRM), ring)
    for signer in (FIRM, second):
        arrival.check_signer(BIDDER, sign_manifest(b"", signer), ring, [last])
    # a key the operator registered out of nothing replaces nothing
    refused("E-SIGNER", arrival.check_signer, BIDDER, sign_manifest(b"", third), ring, [last])
    refused("E-SIGNER", arrival.check_signer, BIDDER, sign_manifest(b"", FIRM), ring, [Last(1, "", FIRM.key, "other")])


def test_nobody_appends_a_second_signature() -> None:
    both = sign_manifest(MANIFEST.data, FIRM) + sign_manifest(MANIFEST.data, Ed25519Signer.generate())
    refused("E-SIGNER", acting_key, both)
    for wrong in ([], ["x"], [{}], [{"key": "?"}], [{"x5c": []}], [{"x5c": ["AAAA"]}]):
        refused("E-SIGNER", acting_key, wrong)


def test_sequence() -> None:
    last = Last(3, "a" * 64, b"", BIDDER)
    arrival.check_sequence(1, None, None)
    arrival.check_sequence(4, "a" * 64, last)
    for seq, prev, before in ((2, None, None), (1, "a" * 64, None), (3, "a" * 64, last), (5, "a" * 64, last)):
        refused("E-SEQ", arrival.check_sequence, seq, prev, before)
    refused("E-SEQ", arrival.check_sequence, 4, "b" * 64, last)
    refused("E-SEQ", arrival.check_sequence, 4, "a" * 64, Last(3, "a" * 64, b"", BIDDER, withdrawn=True))


def test_twice() -> None:
    arrival.check_once(MANIFEST, None)
    arrival.check_once(MANIFEST, BID)
    refused("E-TWICE", arrival.check_once, MANIFEST, "f" * 32)


def test_duplicate_heads_and_boxes() -> None:
    arrival.check_unseen(MANIFEST, {b"other"})
    refused("E-DUPHEAD", arrival.check_unseen, MANIFEST, {MANIFEST.head})
    refused("E-DUPHEAD", arrival.check_unseen, MANIFEST, {MANIFEST.boxes[2]})
    box = MANIFEST.boxes[0]
    refused("E-DUPHEAD", arrival.check_unseen, envelope(GUARD).but(boxes=(box, box, box)).manifest, set())


def test_payload() -> None:
    right = {"head": MANIFEST.head, "size": MANIFEST.size, "root": MANIFEST.root}
    arrival.check_payload(MANIFEST, **right)
    for wrong in ({"head": bytes(56)}, {"size": 5}, {"root": "0" * 64}):
        refused("E-PAYLOAD", arrival.check_payload, MANIFEST, **right | wrong)
    odd = envelope(GUARD).but(size=MANIFEST.size - 1).manifest
    refused("E-PAYLOAD", arrival.check_payload, odd, **right | {"size": odd.size})


def test_stages() -> None:
    announced = ["form", "documents"]
    arrival.check_stages(["documents", "form"], announced, first=True)
    arrival.check_stages(["form"], announced, first=False)
    for given_, first in ((["form"], True), ([], False), (["form", "documents", "x"], True), (["x"], False)):
        refused("E-STAGES", arrival.check_stages, given_, announced, first=first)


def test_a_manifest_reads_back() -> None:
    assert Manifest.parse(MANIFEST.data).data == MANIFEST.data
    assert MANIFEST.context.ctx == context(GUARD).ctx
