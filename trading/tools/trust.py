"""The trust files a tool holds, from outside the platform (envelope.md §2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audit.canon import NotCanonical
from audit.refusal import Broken, Refused
from audit.trust import BadSignature, Parties, Policy


@dataclass(frozen=True)
class Trust:
    """`policy.txt` and `parties.txt` as this tool's owner keeps them."""

    policy: Policy
    parties: Parties

    @classmethod
    def read(cls, policy: Path, parties: Path) -> Trust:
        """Raises Refused("T-TRUST") for a file that is missing or unreadable, Refused("E-QUORUM-NONE") for `quorum none`."""
        try:
            trust = cls(Policy.parse(policy.read_bytes()), Parties.parse(parties.read_bytes()))
        except (OSError, NotCanonical, BadSignature, Broken) as error:
            raise Refused("T-TRUST", path=f"{policy}, {parties}", why=str(error)) from error
        trust.policy.demand_quorum()
        return trust
