"""What a bidder holds: the receipt of a deposit, or the slip of a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.canon import instant
from audit.receipt import Findings, Receipt
from audit.record import check_record
from trading.paper.figures import moment, same
from trading.paper.press import Mark, press
from trading.paper.tenders import named


def receipt(held: Receipt, mark: Mark, origin: str, findings: Findings | None = None) -> bytes:
    """A receipt. `findings`: what `check_receipt` found under trust files from outside; None: nobody checked it.

    Refused: PAPER-GLYPH. NotCanonical for a record that is none.
    """
    record = check_record(held.record)
    at = instant(record["time"])
    what = str(record["type"]).removeprefix("trading.").removesuffix("/v1")
    stage = record.get("stage")
    value = {
        "issuer": origin,
        "what": named("paper.record.", what),
        "tender": str(record.get("tender") or "—"),
        "stage": None if stage is None else named("page.stage.", str(stage)),
        "bidder": str(record["actor"]["id"]),
        "bid": str(record.get("bid") or ""),
        "seq": str(record.get("seq") or ""),
        "why": None if record.get("code") is None else named("", str(record["code"])),
        "at": moment(at),
        "manifest": held.manifest or "",
        "checked": findings is not None,
        "logged": "" if findings is None or findings.logged is None else str(findings.index),
        "logged_size": "" if findings is None or findings.logged is None else str(findings.logged.checkpoint.size),
        "proof": held.proof is not None,
        "listed": "" if held.listed is None else str(held.listed.index),
    }
    return press("receipt", value, mark, at)


def refusal(slip: Mapping[str, Any], mark: Mark, sentence: Mapping[str, str], *, checked: bool) -> bytes:
    """The slip of a refusal. `sentence`: why, in both languages; `checked`: the log's signature was verified.

    Refused: PAPER-GLYPH.
    """
    at = slip["time"] if not isinstance(slip["time"], str) else instant(slip["time"])
    value = {
        "issuer": str(slip["origin"]),
        "tender": str(slip["tender"]),
        "stage": named("page.stage.", str(slip["stage"])),
        "bidder": str(slip["bidder"]),
        "code": str(slip["code"]),
        "sentence": dict(sentence) or same(str(slip["code"])),
        "at": moment(at),
        "manifest": str(slip["manifest"]),
        "checked": checked,
    }
    return press("refusal", value, mark, at)
