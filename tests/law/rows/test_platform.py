"""OP: what a trading platform owes (电子招标投标办法, 电子签名法), each row at its bound.

Most of it the floor below decides without knowing any law; there the row drives that floor's own function, and looks
for the article that the edge cites with its refusal.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.canon import stamp
from audit.merkle import consistency_proof, leaf_hash, root, verify_consistency
from audit.receipt import check_receipt
from audit.record import make, types
from audit.refusal import Broken, Refused
from audit.trust import Policy
from bidding import arrival
from bidding.custody import check_kit
from bidding.unseal import Verdict, unseal
from bidding.view import Folder
from tests.bidding.envelopes import SCHEMA, Envelope, envelope, keyset
from tests.bidding.kits import custodian_kit, seen
from tests.law.rows.books import GOV, MOMENT, WORKS, beijing, cites, refused
from tests.world import World
from trading import records as _records
from trading.law import admission, remedies, retention, secrecy
from trading.law.history import Happened
from trading.law.life import ask, live
from trading.law.remedies import OBJECTION, RESULT
from trading.messages import article_of

DEADLINE = beijing(2026, 3, 31, 10)
MANIFEST = envelope(keyset()).manifest

assert _records.PROJECT_ANNOUNCED.public  # their types are declared


def test_op_08() -> None:
    """Who and how many: nobody knows before the opening, not the tenderee, not the operator, not a supervisor."""
    for role in ("public", "tenderee", "agency", "operator", "supervisor", "bidder"):
        for stage in ("announced", "closed", "shut"):
            refused("OP-08", "E-SECRET", secrecy.keep, WORKS, secrecy.BIDDERS, role, stage)
        secrecy.keep(WORKS, secrecy.BIDDERS, role, "opened")
    secrecy.keep(WORKS, secrecy.BIDDERS, secrecy.SELF, "announced")
    for state in ("failed", "terminated", "archived", "opened"):  # whatever ended it, only what was opened is open
        assert secrecy.is_open(state, True)
        assert not secrecy.is_open(state, False) and not secrecy.is_open(state, None)
    assert not secrecy.is_open("closed", True)


def test_op_11() -> None:
    """A bid that is not sealed as prescribed is refused, with what is wrong with it."""
    arrival.check_boxes(MANIFEST, 3)
    arrival.check_payload(MANIFEST, head=MANIFEST.head, size=MANIFEST.size, root=MANIFEST.root)
    in_clear = replace(MANIFEST, boxes=(b"price: 90000000".ljust(113, b" "),) * 3)
    with pytest.raises(Refused) as no:
        arrival.check_boxes(in_clear, 3)
    assert no.value.code == "E-BOXES" and cites("OP-11", article_of(no.value))
    assert no.value.facts["why"] == "box 1 begins with no point"


def test_op_12() -> None:
    """A bid that is one byte short at the deadline is no bid: it is never finalised, so it is on no list."""
    arrival.check_payload(MANIFEST, head=MANIFEST.head, size=MANIFEST.size, root=MANIFEST.root)
    with pytest.raises(Refused) as no:
        arrival.check_payload(MANIFEST, head=MANIFEST.head, size=MANIFEST.size - 1, root=MANIFEST.root)
    assert no.value.code == "E-PAYLOAD" and article_of(no.value) is not None
    with pytest.raises(Refused, match="E-LATE"):  # and the rest of it comes after the deadline
        arrival.check_time(DEADLINE + MOMENT, DEADLINE)


def test_op_12_what_was_not_finished_counts_as_withdrawn(tmp_path: Path) -> None:
    """Three finish, one only uploads: the list has three, and the fourth is free to have its security back."""
    world = World(tmp_path)
    tender = world.tender("T1")
    for name in ("fir", "oak", "elm"):
        tender.deposit(world.bidder(name))
    world.bidder("ash")  # registered its key, and never finished
    tender.close()
    kit = custodian_kit(world, tender)
    checked = check_kit(seen(world, kit), Folder(kit), tender=tender.id, stage="form", own=[world.statement("C-TEN")])
    assert len(checked.listed) == 3


def test_op_13(tmp_path: Path) -> None:
    """The receipt is signed the moment the deposit is durable, and holds without the platform; another's does not."""
    world = World(tmp_path)
    tender = world.tender("T1")
    fir = tender.deposit(world.bidder("fir"))
    handed = fir.last("form")
    policy = Policy.parse(world.policy)
    receipt = world.receipt(handed.record, handed.manifest.hash)
    assert check_receipt(receipt, policy).record["manifest"] == handed.manifest.hash
    with pytest.raises(Broken, match="R-PROMISE"):
        check_receipt(replace(receipt, promise=bytes(64)), policy)


def test_op_14() -> None:
    """Before its hour nobody is given a share; the refusal cites the article."""
    assert cites("OP-14", admission.GROUNDS["E-HOUR"])
    for role in ("operator", "supervisor", "tenderee", secrecy.SELF):
        assert not secrecy.may_see(WORKS, secrecy.BIDS, role, "announced")
        assert not secrecy.may_see(WORKS, secrecy.BIDS, role, "closed")
        assert secrecy.may_see(WORKS, secrecy.BIDS, role, "opened")


def test_op_14_fewer_than_k_shares_open_nothing() -> None:
    made: Envelope = envelope()
    assert unseal(made.manifest, made.payload, made.released(1, 2), made.guard, schema=SCHEMA).verdict is Verdict.OK
    found = unseal(made.manifest, made.payload, made.released(1), made.guard, schema=SCHEMA)
    assert (found.verdict, found.ck, found.opening) == (Verdict.PENDING, None, None)


def test_op_16() -> None:
    """What the bidder spoilt counts as revoked: its security may be kept."""
    for verdict in (Verdict.X_PAYLOAD, Verdict.X_COMMIT, Verdict.X_BOX, Verdict.X_CONTAINER):
        counts_as, article = admission.deemed(WORKS, bidders_fault=verdict.bidders_fault)
        assert counts_as == admission.REVOKED and cites("OP-16", article)
    assert not Verdict.OK.bidders_fault


def test_op_17() -> None:
    """What the store lost or custodians withheld counts as withdrawn: the security goes back."""
    for verdict in (Verdict.X_STORE, Verdict.X_QUORUM):
        counts_as, article = admission.deemed(WORKS, bidders_fault=verdict.bidders_fault)
        assert counts_as == admission.WITHDRAWN and cites("OP-17", article)


def test_op_19() -> None:
    """What was read out of each envelope is a public record, with its verdict; what arrived before is none."""
    assert types["unsealed"].public and {"bid", "opening", "verdict"} <= types["unsealed"].fields
    assert types["closed"].public
    assert not types["deposited"].public
    read_out: dict[str, Any] = {
        "subject": "T1@8", "actor": {"kind": "system", "id": "centre"}, "time": DEADLINE, "tender": "T1@8",
        "stage": "form", "bid": "a" * 32, "seq": 1, "at": [], "verdict": "OK", "opening": {"price": 1}, "findings": [],
        "unvouched": False,
    }  # fmt: skip
    assert make("unsealed", **read_out)["opening"] == {"price": 1}
    with pytest.raises(ValueError, match="opening"):
        make("unsealed", **{name: value for name, value in read_out.items() if name != "opening"})


def test_op_21() -> None:
    """Only what was filed here is answered here: a remedy that no record tells of has no answer either."""
    told = [
        Happened("make-keyset", beijing(2026, 3, 1, 9)),
        Happened("announce", beijing(2026, 3, 2, 9, 30), {"deadline": DEADLINE}),
        Happened("close", DEADLINE),
        Happened("unseal", DEADLINE),
        Happened("receive-report", beijing(2026, 4, 1, 9)),
        Happened("publish-candidates", beijing(2026, 4, 1, 10), {"ranking": ("a", "b")}),
    ]
    life, now = live(WORKS, told), beijing(2026, 4, 2, 9)
    filed = {"remedy": "f" * 32, "kind": OBJECTION, "about": RESULT}
    ask(life, "file-remedy", now, filed)
    life = life.after(Happened("file-remedy", now, filed))
    ask(life, "answer-remedy", now, {"remedy": "f" * 32})
    with pytest.raises(Refused) as no:
        ask(life, "answer-remedy", now, {"remedy": "0" * 32})
    assert (no.value.code, no.value.facts["why"]) == ("E-REMEDY", "no such remedy")
    assert cites("OP-21", no.value.article)
    assert remedies.KINDS == ("objection", "inquiry", "challenge", "complaint")


def test_op_22() -> None:
    """Seven classes of documents, each bound by records under the log's signature; an archive that lacks one is refused."""
    assert len(retention.CLASSES) == 7
    for names in retention.CLASSES.values():
        assert all(name in types for name in names)
    told = {"project-announced", "deposited", "candidates-published", "awarded", "contract-signed"}
    retention.check_archive(WORKS, told, contracted=True)
    retention.check_archive(WORKS, told - {"contract-signed"}, contracted=False)
    no = refused(
        "OP-22", "E-ARCHIVE-LACKS", retention.check_archive, WORKS, told - {"contract-signed"}, contracted=True
    )
    assert no.facts["missing"] == ("contract",)
    refused("OP-22", "E-ARCHIVE-LACKS", retention.check_archive, WORKS, told - {"deposited"}, contracted=True)


def test_op_24() -> None:
    """Time, network address and who: a trace that lacks one is no trace. Records themselves always have time and actor."""
    whole = {"time": stamp(DEADLINE), "address": "192.0.2.7", "staff": "p-1"}
    retention.check_trace(WORKS, whole)
    for name in whole:
        no = refused("OP-24", "E-TRACE", retention.check_trace, WORKS, {**whole, name: ""})
        assert no.facts["missing"] == [name]
    record = make("lot-tendered", subject="L", actor={"kind": "tenderee", "id": "p-1"}, time=DEADLINE, lot="L", size=8)
    assert (record["time"], record["actor"]) == (stamp(DEADLINE), {"kind": "tenderee", "id": "p-1"})
    with pytest.raises((TypeError, ValueError)):
        make("lot-tendered", subject="L", lot="L", size=8)  # type: ignore[call-arg]


def test_op_25() -> None:
    """Nothing is destroyed: a longer log begins with the shorter one, and one leaf changed or dropped is found."""
    leaves = [leaf_hash(b"entry %d" % n) for n in range(11)]
    proof = consistency_proof(leaves, 7)
    verify_consistency(7, 11, root(leaves[:7]), root(leaves), proof)
    for cheat in ([*leaves[:3], leaf_hash(b"altered"), *leaves[4:]], [*leaves[:3], *leaves[4:], leaf_hash(b"more")]):
        with pytest.raises(Broken) as no:
            verify_consistency(7, 11, root(leaves[:7]), root(cheat), consistency_proof(cheat, 7))
        assert cites("OP-25", article_of(no.value))


def test_op_28() -> None:
    """Received is when it has entered the system: sent in time and in at the deadline is in time, a moment later is late."""
    sent = DEADLINE - 60 * 10**6 * MOMENT
    for entered in (sent, DEADLINE):
        arrival.check_time(entered, DEADLINE)
    with pytest.raises(Refused) as no:
        arrival.check_time(DEADLINE + MOMENT, DEADLINE)
    assert no.value.facts["now"] == DEADLINE + MOMENT, "it is the time of entry that counts"
    assert "OP-28" in WORKS.values and "OP-28" in GOV.values
