"""A correction of the ledger: one paper that the tenderee and an authority sign, each on its own machine (log.md §1).

paper = draft(lines, tender, "amount", "…", price=…, baseline=…)    the figures that follow, nothing signed
paper = sign(paper, signer)                                         twice: the tenderee's key, an authority's
send(platform, paper)                                               `line-corrected`, and a line in the other's place
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit import wire
from audit.refusal import Refused
from trading import booked
from trading.booked import Booked
from trading.client import Platform
from trading.records import LINE_CORRECTED
from trading.tools.two_signed import SIGNED, Kind, Paper, write

__all__ = ["SIGNED", "draft", "read", "send", "sign", "write"]

KIND = Kind(
    LINE_CORRECTED.type,
    {
        "subject": wire.text,
        "tender": wire.text,
        "correction": wire.integer(1),
        "status": wire.text,
        "reason": wire.text,
        "words": wire.text,
        "price": wire.maybe(wire.integer(0)),
        "baseline": wire.maybe(wire.integer(0)),
        "gain": wire.maybe(wire.whole),
        "formula": wire.maybe(wire.text),
        "sig": wire.listed(wire.anything),
    },
    "T-CORRECTION-PAPER",
)
read, sign = KIND.read, KIND.sign


def draft(
    records: Sequence[Mapping[str, Any]],
    tender: str,
    reason: str,
    words: str,
    *,
    status: str = "",
    price: int | None = None,
    baseline: int | None = None,
) -> dict[str, Any]:
    """The unsigned paper, from the tender's own public records: what stands, and what shall stand in its place.

    `status` "": the first that the reason leads to. Refused: E-LEDGER-NONE, E-LEDGER-REASON, E-LEDGER-STATUS,
    E-LEDGER-SAME.
    """
    told = {name: [one for one in records if one["type"] == f"trading.{name}/v1"] for name in
            ("project-announced", "awarded", "line-corrected")}  # fmt: skip
    if not told["project-announced"] or not told["awarded"]:
        raise Refused("E-LEDGER-NONE", tender=tender)
    notice, made = told["project-announced"][0], told["line-corrected"]
    before = booked.awarded(notice, told["awarded"][0]["price"])
    for one in made:
        before = Booked(*(one[name] for name in ("status", "price", "baseline", "gain", "formula")))
    status = status or booked.REASONS.get(reason, ("",))[0]
    said = {"reason": reason, "words": words, "status": status, "price": price, "baseline": baseline}
    after = booked.restated(notice["direction"], before, said)
    return {
        "type": KIND.type,
        "subject": tender,
        "tender": tender,
        "correction": len(made) + 1,
        "reason": reason,
        "words": words,
        **after.told,
        "sig": [],
    }


def send(platform: Platform, paper: Paper) -> Mapping[str, Any]:
    """Hand it in; the record it became. Raises Refused T-CORRECTION-PAPER while a signature is missing, else the
    platform's."""
    KIND.complete(paper)
    body = {name: paper[name] for name in ("correction", "status", "reason", "words", "price", "baseline", "sig")}
    answer: Mapping[str, Any] = platform.post(f"/tenders/{paper['tender']}/ledger-corrections", body)
    return answer
