"""Who is admitted to the roster of experts: a paper of ids that an authority signs on its own machine (draw.md §1).

    paper = draft(ids)           any number of ids; each thousand is a record of its own
    paper = sign(paper, by, signer)
    send(platform, paper)        one `expert-admitted` after the other

An id says nothing of whose it is, and so does the paper. Whoever signs vouches for the centre's own procedure of selection,
and for the number: nobody is drawn whom no authority admitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from audit import wire
from audit.canon import NotCanonical, canon, parse_object
from audit.refusal import Refused
from audit.trust import BadSignature, Signer, record_sig_bytes, verify_signatures
from experts.draw import is_expert_id
from experts.records import EXPERT_ADMITTED, ROSTER
from trading.client import Platform

TYPE: Final = "trading.admissions/v1"
MOST: Final = 1000
"""Ids in one record (draw.md §1)."""
Paper = Mapping[str, Any]


def draft(ids: Iterable[str]) -> dict[str, Any]:
    """The unsigned paper. Refused("T-ADMISSION") for nobody, or an id that is none."""
    experts = sorted(set(ids), key=str.encode)
    if not experts or not all(is_expert_id(one) for one in experts):
        raise Refused("T-ADMISSION", why="no expert in it" if not experts else "an id that is none")
    parts = [experts[at : at + MOST] for at in range(0, len(experts), MOST)]
    return {"type": TYPE, "admissions": [{"experts": part, "by": "", "sig": []} for part in parts]}


def read(data: bytes) -> dict[str, Any]:
    """A paper as it came from somebody else, with every signature on it checked. Raises Refused("T-ADMISSION")."""
    try:
        paper = parse_object(data, ("type", "admissions"))
        if paper["type"] != TYPE or not isinstance(paper["admissions"], list) or not paper["admissions"]:
            raise ValueError("another kind of paper")
        parts = [wire.members(one, _FIELDS) for one in paper["admissions"]]
        parts = [{"experts": list(one["experts"]), "by": one["by"], "sig": list(one["sig"])} for one in parts]
        seen = [id for one in parts for id in one["experts"]]
        if any(not 1 <= len(one["experts"]) <= MOST for one in parts) or not all(is_expert_id(id) for id in seen):
            raise ValueError("an id that is none")
        if any(one.encode() >= other.encode() for one, other in pairwise(seen)):
            raise ValueError("not ascending")
        for one in parts:
            if one["sig"]:
                verify_signatures(one["sig"], record_sig_bytes(_value(one)))
    except (NotCanonical, ValueError, KeyError, BadSignature) as error:
        raise Refused("T-ADMISSION", why=str(error)) from error
    return {"type": TYPE, "admissions": parts}


def count(paper: Paper) -> int:
    """How many experts it admits."""
    return sum(len(one["experts"]) for one in paper["admissions"])


def sign(paper: Paper, by: str, signer: Signer) -> dict[str, Any]:
    """The same paper signed by this authority. Raises Refused("T-ADMISSION") for one that is signed already."""
    if any(one["sig"] for one in paper["admissions"]):
        raise Refused("T-ADMISSION", why="it has this signature")
    parts = [{**one, "by": by} for one in paper["admissions"]]
    return {"type": TYPE, "admissions": [{**one, "sig": [signer.sign(record_sig_bytes(_value(one)))]} for one in parts]}


def write(paper: Paper) -> bytes:
    """The bytes of a paper, for its file."""
    return canon(dict(paper))


def send(platform: Platform, paper: Paper) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Hand it in, record after record: (how many experts, the record it became). What was sent before is answered as then.

    Raises Refused("T-ADMISSION") while the signature is missing, else the platform's.
    """
    if not all(one["sig"] for one in paper["admissions"]):
        raise Refused("T-ADMISSION", why="it needs an authority's signature")
    for one in paper["admissions"]:
        yield len(one["experts"]), platform.post("/roster/admissions", one)


def _value(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": EXPERT_ADMITTED.type, "subject": ROSTER, "experts": one["experts"], "by": one["by"]}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


_FIELDS: dict[str, wire.Reader] = {
    "experts": wire.listed(wire.text),
    "by": _text,
    "sig": wire.listed(wire.anything),
}
