"""The bidder's tool: check whose keys will open the bid, seal it, hand it in, keep the receipts, withdraw it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.canon import b64, canon, sha256_hex, unhex
from audit.receipt import Findings, Receipt, check_receipt
from audit.refusal import Refused
from audit.trust import Policy, Signer, sig_hash
from bidding.envelope import Previous, SealedFile, Source, seal_bid
from bidding.manifest import FORM
from bidding.registrations import WITHDRAWAL, write_withdrawal
from bidding.sealing import Sealable, check_before_sealing
from bidding.view import Unproven
from trading.client import Answered, Platform
from trading.document_sets import FIELD
from trading.law.money import fen
from trading.tools.closings import closing_of
from trading.tools.document_set import DocumentSet, sets_of
from trading.tools.kit import Kit, see
from trading.tools.memory import Memory
from trading.tools.trust import Trust

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Examined:
    """What a bidder's tool knows before it seals: custodians and hour, the log's time, and the documents to answer."""

    found: Sealable
    now: datetime
    documents: tuple[DocumentSet, ...]


def look_at(
    kit: Kit,
    tender: str,
    trust: Trust,
    memory: Memory,
    *,
    platform: Platform | None = None,
    accept: Collection[str] = (),
) -> Examined:
    """All of envelope.md §2a, and every document set. Raises Refused("E-KEYSET", why=…): nothing is sealed."""
    try:
        view = see(kit, trust, memory, platform)
        found = check_before_sealing(view, kit, tender=tender, accept=accept)
        return Examined(found, view.now, sets_of(view, tender))
    except Unproven as why:
        raise Refused("E-KEYSET", why=str(why)) from why


def read_form(
    schema: Mapping[str, Mapping[str, Any]], given: Mapping[str, str], currency: str = "CNY"
) -> dict[str, Any]:
    """What a person types for the fields read out: amounts in the currency's unit become fen, numbers integers.

    Raises Refused("T-FORM") for a field that the notice does not have, lacks, or that is no such value.
    """
    if surplus := sorted(set(given) - set(schema)):
        raise Refused("T-FORM", field=surplus[0], why="unknown")
    values: dict[str, Any] = {}
    for name, rule in schema.items():
        if name == FIELD and name not in given:
            continue  # the tool's own answer, see document_set.py
        if name not in given:
            if not rule.get("optional"):
                raise Refused("T-FORM", field=name, why="missing")
            continue
        text = given[name].strip()
        try:
            if rule["kind"] == "fen":
                values[name] = fen(text, currency)
            elif rule["kind"] == "int":
                values[name] = int(text)
            else:
                values[name] = text
        except (ValueError, Refused):
            raise Refused("T-FORM", field=name, why=f"not a value of kind {rule['kind']}: {text[:40]}") from None
    return values


def seal(
    sealable: Sealable,
    out: Path,
    *,
    bidder: str,
    signer: Signer,
    files: Sequence[Source],
    opening: Mapping[str, Any],
    now: datetime,
    replaces: SealedFile | None = None,
    progress: Progress | None = None,
) -> SealedFile:
    """Seal every stage into one `.sealed` file. `replaces`: the bid's last `.sealed` file, whose chain goes on."""
    previous = None
    if replaces is not None:
        previous = {name: Previous(one.manifest.seq, one.manifest.hash) for name, one in replaces.stages.items()}
    return seal_bid(
        sealable.keysets,
        out,
        bidder=bidder,
        signer=signer,
        folders={stage: files for stage in sealable.guards if stage != FORM},
        opening=opening,
        schema=sealable.schema,
        created=now,
        bid=replaces.bid if replaces else None,
        previous=previous,
        progress=progress,
    )


# ------------------------------------------------------------------------------------------------------ handing in


@dataclass(frozen=True)
class Slice:
    """A payload where it lies in its `.sealed` file: stored, not compressed, so any segment can be read directly."""

    path: Path
    offset: int
    size: int

    def read(self, at: int, length: int) -> bytes:
        """`length` bytes from position `at` of the payload (fewer at its end)."""
        with self.path.open("rb") as handle:
            handle.seek(self.offset + at)
            return handle.read(max(0, min(length, self.size - at)))


def payload_of(sealed: SealedFile, stage: str) -> Slice:
    """Where the payload of a stage begins: after its own local header, which the zip directory does not describe."""
    import zipfile

    with zipfile.ZipFile(sealed.path) as archive:
        info = archive.getinfo(f"stages/{stage}/payload")
    with sealed.path.open("rb") as handle:
        handle.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", handle.read(4))
    return Slice(sealed.path, info.header_offset + 30 + name + extra, info.file_size)


def submit(
    platform: Platform,
    sealed: SealedFile,
    trust: Trust,
    receipts: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Receipt]:
    """Upload what the platform lacks, hand the bid in, check the promises and keep the receipts in `receipts`.

    `resume` continues the uploads noted in `<receipts>/uploads.json`. Uploading is not submitting: nothing counts
    before the last request is answered with receipts. A signed refusal is kept too, and raised.
    """
    receipts.mkdir(parents=True, exist_ok=True, mode=0o700)
    notebook = receipts / "uploads.json"
    begun: dict[str, str] = json.loads(notebook.read_text()) if resume and notebook.exists() else {}
    total = sum(one.size for one in sealed.stages.values())
    before, stages = 0, {}
    for name, one in sealed.stages.items():

        def note(upload: str, stage: str = name) -> None:
            begun[stage] = upload
            notebook.write_text(json.dumps(begun))

        def told(done: int, base: int = before) -> None:
            if progress:
                progress(base + done, total)

        upload = platform.upload(
            sealed.tender, payload_of(sealed, name), resume=begun.get(name, ""), progress=told, begun=note
        )
        before += one.size
        stages[name] = {"manifest": b64(one.manifest.data), "sig": one.sig, "upload": upload}
    try:
        answer = platform.post(f"/tenders/{sealed.tender}/bids/{sealed.bid}", {"stages": stages})
    except Answered as no:
        if no.receipt:
            (receipts / "refused.json").write_bytes(canon(dict(no.receipt)))
        if no.slip:
            (receipts / "slip.json").write_bytes(canon(dict(no.slip)))
        raise
    kept = {}
    for name, value in answer["receipts"].items():
        receipt = plain_receipt(value)
        one = sealed.stages[name]
        demand(
            receipt, trust.policy, "deposited", name, tender=sealed.tender, stage=name, bid=sealed.bid,
            seq=one.manifest.seq, manifest=one.manifest.hash, sig_hash=sig_hash(one.sig),
        )  # fmt: skip
        (receipts / f"{name}.json").write_bytes(receipt.format())
        kept[name] = receipt
    if set(kept) != set(sealed.stages):
        raise Refused("T-RECEIPT", stage=", ".join(sorted(set(sealed.stages) - set(kept))))
    notebook.unlink(missing_ok=True)
    return kept


def demand(receipt: Receipt, policy: Policy, what: str, where: str, /, **fields: Any) -> None:
    """That a receipt promises just this fact, sealed: a promise of another one, of a refusal say, proves nothing.

    Raises Refused("T-RECEIPT"), Broken as `check_receipt`.
    """
    record = check_receipt(receipt, policy).record
    told = {name: record.get(name) for name in fields}
    if record["type"] != f"trading.{what}/v1" or told != fields or receipt.nonce is None:
        raise Refused("T-RECEIPT", stage=where)


def plain_receipt(value: Mapping[str, Any]) -> Receipt:
    """A receipt from a JSON answer, where absent members may stand as null."""
    return Receipt.parse(canon({k: v for k, v in value.items() if v is not None or k in ("manifest", "nonce")}))


def complete(platform: Platform, receipt: Receipt, trust: Trust) -> tuple[Receipt, Findings]:
    """The same receipt with whatever proof and listing exist by now, checked under the tool's own policy; the listing
    against the closing that the log holds: a path to a list of nobody's proves nothing.

    Raises Refused("T-RECEIPT") if the platform answers with another record than the one it promised.
    """
    if receipt.manifest is None:
        return receipt, check_receipt(receipt, trust.policy)
    grown = plain_receipt(platform.get(f"/receipts/{receipt.manifest}"))
    if (grown.record, grown.nonce, grown.promise) != (receipt.record, receipt.nonce, receipt.promise):
        raise Refused("T-RECEIPT", stage=receipt.manifest)
    found = check_receipt(grown, trust.policy)
    if grown.listed is None:
        return grown, found
    closing = closing_of(platform, trust.policy, str(found.record.get("tender")), str(found.record.get("stage")))
    if closing is None:
        return grown, found
    root, count = unhex(closing["list_root"], 32), int(closing["count"])
    return grown, check_receipt(grown, trust.policy, list_root=root, count=count)


def withdraw(platform: Platform, sealed: SealedFile, signer: Signer, trust: Trust, receipts: Path) -> Receipt:
    """Withdraw the whole bid (envelope.md §5) and keep the receipt as `withdrawn.json`."""
    withdrawal = write_withdrawal(
        tender=sealed.tender,
        bidder=sealed.bidder,
        bid=sealed.bid,
        lasts={stage: (one.manifest.seq, one.manifest.hash) for stage, one in sealed.stages.items()},
    )
    body = {"withdrawal": b64(withdrawal), "sig": [signer.sign(WITHDRAWAL + withdrawal)]}
    receipt = plain_receipt(platform.post(f"/tenders/{sealed.tender}/bids/{sealed.bid}/withdrawal", body))
    demand(
        receipt, trust.policy, "withdrawn", "withdrawal", tender=sealed.tender, bid=sealed.bid,
        withdrawal=sha256_hex(withdrawal), sig_hash=sig_hash(body["sig"]),
    )  # fmt: skip
    receipts.mkdir(parents=True, exist_ok=True, mode=0o700)
    (receipts / "withdrawn.json").write_bytes(receipt.format())
    return receipt
