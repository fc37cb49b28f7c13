"""Verification of an archive, V17: what bidders hold against the operator (log.md §6, §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.canon import NotCanonical
from audit.receipt import Findings, Receipt, check_receipt
from audit.record import check_record
from audit.refusal import Broken
from audit.report import Found
from audit.trust import Policy
from bidding.case import Case, Fact
from bidding.verify_bids import Bids

DROPPED = "V-DROPPED"


def about(receipt: Receipt) -> str | None:
    """The tender a receipt is about; None for a registration, which is of no tender."""
    try:
        tender = check_record(receipt.record).get("tender")
    except NotCanonical:
        return None
    return tender if isinstance(tender, str) else None


def check_receipts(case: Case, bids: Bids, receipts: Sequence[tuple[str, Receipt]], found: Found) -> None:
    """V17: each promise was kept. ``receipts`` are those about this tender or about none, by the name of their file."""
    kept: dict[tuple[str, str], int] = {}
    open_ends: list[tuple[str, Mapping[str, Any]]] = []
    for name, receipt in receipts:
        with found.at(name):
            record = _check_one(case, receipt)
            key, seq = _place(record)
            if key is None:
                continue
            if _is_listed(case, bids, receipt, record):
                kept[key] = max(seq, kept.get(key, 0))
            else:
                open_ends.append((name, record))
    for name, record in open_ends:
        key, seq = _place(record)
        if key is None or kept.get(key, 0) <= seq:
            found.fault(name, DROPPED)


def _place(record: Mapping[str, Any]) -> tuple[tuple[str, str] | None, int]:
    """((bid, stage), seq) of a deposit."""
    if record["type"] != "trading.deposited/v1":
        return None, 0
    bid, stage, seq = record.get("bid"), record.get("stage"), record.get("seq")
    if not isinstance(bid, str) or not isinstance(stage, str) or not isinstance(seq, int):
        raise Broken("R-RECORD", why="deposit")
    return (bid, stage), seq


def _check_one(case: Case, receipt: Receipt) -> Mapping[str, Any]:
    """Promise and proof, and that the entry is in this very tree."""
    checked = _check_promises(case, receipt, case.log.trust.policy)
    tree = case.log.tree
    entry = receipt.entry
    if receipt.proof is not None and tree.first <= checked.index < tree.size:
        if tree.entry(checked.index) != entry:
            raise Broken("V-FORKED", size=checked.index)
    elif receipt.proof is None and not _is_in_tree(case, receipt):
        raise Broken(DROPPED)
    elif receipt.proof is not None and checked.logged is not None:
        root = tree.roots.get(checked.logged.checkpoint.size)
        if root is not None and root != checked.logged.checkpoint.root:
            raise Broken("V-FORKED", size=checked.logged.checkpoint.size)
    # a registration is disclosed if its key acted: V8 asks for it
    if checked.record.get("tender") == case.tender and case.shown:
        _check_disclosed(case, receipt)
    return checked.record


def _is_in_tree(case: Case, receipt: Receipt) -> bool:
    """Whether the entry lies in the bundles, or is one of the older records that the archive proves."""
    tree, entry = case.log.tree, receipt.entry
    if any(entry == tree.entry(index) for index in range(tree.first, tree.size)):
        return True
    return any(held.data == receipt.record for held in case.log.held.values())


def _check_promises(case: Case, receipt: Receipt, policy: Policy) -> Findings:
    """What the receipt proves by itself, with its place on the list of its stage's closing."""
    stage = check_record(receipt.record).get("stage")
    closing: Fact | None = case.closings.get(stage) if isinstance(stage, str) else None
    if closing is None:
        return check_receipt(receipt, policy)
    return check_receipt(receipt, policy, list_root=bytes.fromhex(closing["list_root"]), count=closing["count"])


def _check_disclosed(case: Case, receipt: Receipt) -> None:
    """Where the edition holds sealed records, what was promised is among them."""
    if receipt.record not in {held.data for held in case.mine}:
        raise Broken(DROPPED)


def _is_listed(case: Case, bids: Bids, receipt: Receipt, record: Mapping[str, Any]) -> bool:
    """On the list by its path, or by the archive's own manifests; or superseded by a later act of its bidder."""
    if receipt.listed is not None and record["stage"] in case.closings:
        return True  # the path was checked above
    chain = bids.envelopes.get((record["bid"], record["stage"]), [])
    return any(one.manifest.hash == receipt.manifest for one in chain)
