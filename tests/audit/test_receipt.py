"""What a bidder's receipt proves when the server is gone. log.md §6."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audit.canon import NotCanonical, b64, canon, parse, sha256
from audit.checkpoint import Checkpoint, TlogProof, add_lines, cosign, sign_checkpoint, vkey_of
from audit.clock import LogClock, MachineClock
from audit.merkle import inclusion_proof, leaf_hash, root
from audit.receipt import Receipt, check_receipt, demand_proof, promise, promise_message
from audit.record import encode, entry_cover, entry_of
from audit.refusal import Broken, Refused
from audit.trust import WITNESS, Ed25519Signer, Policy

ORIGIN = "log.example/2026"
LOG, CITY, STRANGER = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in (1, 2, 3))
POLICY = Policy.parse(f"log {vkey_of(LOG, ORIGIN)}\nwitness w {vkey_of(CITY, 'w', WITNESS)}\nquorum w\n".encode())
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
MANIFESTS = sorted(sha256(b"%d" % n) for n in range(5))
NONCE = bytes(range(32))


def record(manifest, what="deposited"):
    body = {
        "type": f"trading.{what}/v1",
        "subject": "T@8",
        "actor": {"kind": "bidder", "id": "B"},
        "time": "2026-11-20T01:00:00.000000Z",
    }
    return encode(body if manifest is None else {**body, "manifest": manifest})


def receipt(manifest=MANIFESTS[2].hex(), signer=LOG, nonce=NONCE, about=...):
    data = record(manifest if about is ... else about)
    return Receipt(data, promise(signer, entry_of(data, nonce)), manifest, nonce)


def proved(one, cosigner=CITY):
    leaves = [leaf_hash(entry_cover()) for _ in range(4)] + [leaf_hash(one.entry)]
    head = Checkpoint(ORIGIN, 5, root(leaves))
    note = add_lines(sign_checkpoint(LOG, head), [cosign(cosigner, "w", head.body(), 1_795_000_000)])
    return one.with_proof(TlogProof(4, tuple(inclusion_proof(leaves, 4)), note))


def listed(one, index=2):
    return one.with_listed(index, tuple(inclusion_proof(MANIFESTS, index)))


LIST = {"list_root": root(MANIFESTS), "count": 5}


def test_a_receipt_grows_from_promise_to_proof_to_place():
    first = receipt()
    found = check_receipt(first, POLICY, **LIST)
    assert found.logged is None and not found.listed and found.what == "trading.deposited/v1"
    then = proved(first)
    assert check_receipt(then, POLICY).index == 4
    last = listed(then)
    found = check_receipt(last, POLICY, **LIST)
    assert found.listed and found.logged is not None and found.logged.checkpoint.size == 5
    assert not check_receipt(last, POLICY).listed
    for one in (first, then, last):
        assert Receipt.parse(one.format()) == one


def test_receipts_of_registrations_and_clear_records():
    for nonce in (NONCE, None):
        one = proved(receipt(manifest=None, nonce=nonce))
        assert Receipt.parse(one.format()) == one
        assert check_receipt(one, POLICY).logged is not None
        with pytest.raises(Broken, match="R-LISTED"):
            check_receipt(listed(one), POLICY, **LIST)


def test_a_promise_is_the_log_keys():
    assert promise_message(b"\1x") == b"trading/promise/v1\n\1x"
    for wrong in (
        receipt(signer=STRANGER),
        replace(receipt(), nonce=bytes(32)),
        replace(receipt(), record=record(MANIFESTS[2].hex(), "withdrawn")),
    ):
        with pytest.raises(Broken, match="R-PROMISE"):
            check_receipt(wrong, POLICY)


def test_a_receipt_is_about_its_manifest():
    for one in (receipt(about=MANIFESTS[1].hex()), receipt(about=None), receipt(None, about=MANIFESTS[1].hex())):
        with pytest.raises(Broken, match="R-RECORD"):
            check_receipt(one, POLICY)
    with pytest.raises(Broken, match="R-RECORD"):
        check_receipt(Receipt(b"{}", bytes(64)), POLICY)


def test_a_proof_must_hold():
    one = proved(receipt())
    for proof in ("", "x", proved(receipt(MANIFESTS[3].hex())).proof, proved(receipt(), STRANGER).proof):
        with pytest.raises(Broken, match="R-PROOF"):
            check_receipt(replace(one, proof=proof), POLICY)


def test_the_first_place_and_the_longest_path():
    first = listed(receipt(MANIFESTS[0].hex()), 0)
    assert check_receipt(Receipt.parse(first.format()), POLICY, **LIST).listed
    longest = receipt().with_listed(0, (bytes(32),) * 63)
    assert Receipt.parse(longest.format()) == longest


def test_a_place_on_the_list_must_hold():
    one = receipt()
    for wrong in (listed(one, 1), one.with_listed(2, ()), one.with_listed(7, tuple(inclusion_proof(MANIFESTS, 2)))):
        with pytest.raises(Broken, match="R-LISTED"):
            check_receipt(wrong, POLICY, **LIST)
    with pytest.raises(Broken, match="R-LISTED"):
        check_receipt(listed(one), POLICY, list_root=root(MANIFESTS[:4]), count=4)


def test_what_is_no_receipt():
    good = parse(listed(proved(receipt())).format())
    for change in (
        {"type": "trading.receipt/v2"},
        {"manifest": "x"},
        {"manifest": 7},
        {"nonce": b64(b"short")},
        {"record": "?"},
        {"promise": b64(b"short")},
        {"proof": None},
        {"listed": None},
        {"listed": {"index": 1}},
        {"listed": {"index": -1, "path": []}},
        {"listed": {"index": True, "path": []}},
        {"listed": {"index": 1, "path": ["xx"]}},
        {"listed": {"index": 1, "path": ["00" * 32] * 64}},
        {"more": 1},
    ):
        with pytest.raises(NotCanonical):
            Receipt.parse(canon({**good, **change}))
    for key in ("type", "manifest", "nonce", "record", "promise"):
        with pytest.raises(NotCanonical):
            Receipt.parse(canon({name: value for name, value in good.items() if name != key}))
    for data in (b"", b"[]", b"{}"):
        with pytest.raises(NotCanonical):
            Receipt.parse(data)


def test_a_proof_that_does_not_come_is_complained_about():
    one, clock = receipt(), MachineClock()
    demand_proof(one, clock, 30, NOW + timedelta(seconds=120))
    with pytest.raises(Refused, match="E-PROOF-OVERDUE"):
        demand_proof(one, clock, 30, NOW + timedelta(seconds=121))
    demand_proof(proved(one), clock, 30, NOW + timedelta(days=1))
    fast = LogClock(NOW, 60, NOW)
    demand_proof(one, fast, 1, NOW + timedelta(seconds=240))
    with pytest.raises(Refused):
        demand_proof(one, fast, 1, NOW + timedelta(seconds=241))
