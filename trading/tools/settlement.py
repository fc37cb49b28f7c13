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
from audit.canon import NotCanonical, canon, parse_object
from audit.refusal import Refused
from audit.trust import BadSignature, Signer, record_sig_bytes, verify_signatures
from bidding.records import STAGE_SETTLED
from trading.client import Platform

SIGNED = 2
"""The tenderee's signature and one authority's."""
_FIELDS: dict[str, wire.Reader] = {
    "subject": wire.text,
    "tender": wire.text,
    "stage": wire.name,
    "admitted": wire.listed(wire.BID),
    "sheets": wire.listed(wire.HASH),
    "sig": wire.listed(wire.anything),
}

Paper = Mapping[str, Any]


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


def read(data: bytes) -> dict[str, Any]:
    """A paper as it came from somebody else, with every signature on it checked. Raises Refused("T-SETTLEMENT")."""
    try:
        paper = parse_object(data)
        fields = {name: value for name, value in paper.items() if name != "type"}
        found = {"type": paper["type"], **wire.members(fields, _FIELDS)}
        found = {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
        if found["type"] != STAGE_SETTLED.type or found["subject"] != found["tender"]:
            raise ValueError("another kind of paper")
        if found["sig"]:
            verify_signatures(found["sig"], record_sig_bytes(found))
    except (NotCanonical, ValueError, KeyError, BadSignature) as error:
        raise Refused("T-SETTLEMENT", why=str(error)) from error
    return found


def sign(paper: Paper, signer: Signer) -> dict[str, Any]:
    """The same paper with one more signature. Raises Refused("T-SETTLEMENT") for one that has both, or this one already."""
    if len(paper["sig"]) >= SIGNED:
        raise Refused("T-SETTLEMENT", why="it has both signatures")
    signed = signer.sign(record_sig_bytes(paper))
    if signed.get("key") in [one.get("key") for one in paper["sig"]]:
        raise Refused("T-SETTLEMENT", why="it has this signature")
    return {**paper, "sig": [*paper["sig"], signed]}


def write(paper: Paper) -> bytes:
    """The bytes of a paper, for its file."""
    return canon(dict(paper))


def send(platform: Platform, paper: Paper) -> Mapping[str, Any]:
    """Hand it in; the record it became. Raises Refused("T-SETTLEMENT") while a signature is missing, else the platform's."""
    if len(paper["sig"]) < SIGNED:
        raise Refused("T-SETTLEMENT", why="it needs the tenderee's signature and an authority's")
    body = {name: paper[name] for name in ("stage", "admitted", "sheets", "sig")}
    answer: Mapping[str, Any] = platform.post(f"/tenders/{paper['tender']}/settlements", body)
    return answer
