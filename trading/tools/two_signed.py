"""A paper that two sign, each on its own machine: the record itself without who, when and serial number.

Whoever signs reads it before. What is wrong with a paper is refused under the code of its kind (`T-SETTLEMENT` …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit import wire
from audit.canon import NotCanonical, canon, parse_object
from audit.refusal import Refused
from audit.trust import BadSignature, Signer, record_sig_bytes, verify_signatures

SIGNED = 2
"""The tenderee's signature and one authority's."""

Paper = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of paper: the record type it becomes, the readers of its fields, the code of its refusals."""

    type: str
    fields: Mapping[str, wire.Reader]
    code: str

    def read(self, data: bytes) -> dict[str, Any]:
        """A paper as it came from somebody else, with every signature on it checked. Raises Refused."""
        try:
            paper = parse_object(data)
            told = {name: value for name, value in paper.items() if name != "type"}
            found = {"type": paper["type"], **wire.members(told, self.fields)}
            found = {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
            if found["type"] != self.type or found["subject"] != found["tender"]:
                raise ValueError("another kind of paper")
            if found["sig"]:
                verify_signatures(found["sig"], record_sig_bytes(found))
        except (NotCanonical, ValueError, KeyError, BadSignature) as error:
            raise Refused(self.code, why=str(error)) from error
        return found

    def sign(self, paper: Paper, signer: Signer) -> dict[str, Any]:
        """The same paper with one more signature. Raises Refused for one that has both, or this one already."""
        if len(paper["sig"]) >= SIGNED:
            raise Refused(self.code, why="it has both signatures")
        signed = signer.sign(record_sig_bytes(paper))
        if signed.get("key") in [one.get("key") for one in paper["sig"]]:
            raise Refused(self.code, why="it has this signature")
        return {**paper, "sig": [*paper["sig"], signed]}

    def complete(self, paper: Paper) -> None:
        """Refuse a paper that lacks a signature."""
        if len(paper["sig"]) < SIGNED:
            raise Refused(self.code, why="it needs the tenderee's signature and an authority's")


def write(paper: Paper) -> bytes:
    """The bytes of a paper, for its file."""
    return canon(dict(paper))
