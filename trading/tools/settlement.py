"""Whom a later stage admits: one paper that the tenderee and an authority sign, each on its own machine (envelope.md §6).

    paper = draft(tender, "form", admitted, sheets)      what will be recorded, nothing signed
    paper = sign(paper, signer)                          twice: the tenderee's key, an authority's
    send(platform, paper)                                `stage-settled`

The paper is the record itself without who, when and serial number; whoever signs reads it before. Bids nobody admits stay
shut for ever: custodians release for those on this paper only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit import wire
from bidding.records import STAGE_SETTLED
from trading.client import Platform
from trading.tools.two_signed import SIGNED, Kind, Paper, write

__all__ = ["SIGNED", "draft", "read", "send", "sign", "write"]

KIND = Kind(
    STAGE_SETTLED.type,
    {
        "subject": wire.text,
        "tender": wire.text,
        "stage": wire.name,
        "admitted": wire.listed(wire.BID),
        "sheets": wire.listed(wire.HASH),
        "sig": wire.listed(wire.anything),
    },
    "T-SETTLEMENT",
)
read, sign = KIND.read, KIND.sign


def draft(tender: str, stage: str, admitted: Iterable[str], sheets: Iterable[str] = ()) -> dict[str, Any]:
    """The unsigned paper. `sheets`: SHA-256 of the committee's papers that the admission rests on."""
    return {
        "type": STAGE_SETTLED.type,
        "subject": tender,
        "tender": tender,
        "stage": stage,
        "admitted": sorted(set(admitted)),
        "sheets": sorted(set(sheets)),
        "sig": [],
    }


def send(platform: Platform, paper: Paper) -> Mapping[str, Any]:
    """Hand it in; the record it became. Raises Refused("T-SETTLEMENT") while a signature is missing, else the platform's."""
    KIND.complete(paper)
    body = {name: paper[name] for name in ("stage", "admitted", "sheets", "sig")}
    answer: Mapping[str, Any] = platform.post(f"/tenders/{paper['tender']}/settlements", body)
    return answer
