"""A party's tool in a draw: commits to a nonce, and reveals it, on its own machine (draw.md §2.2).

The platform is believed nothing. The nonce is made only once the draw's own commitment lies under a checkpoint with the
quorum of the tool's trust files, it is on the disk (mode 0600) before anything is sent, and it is revealed only when every
party's commitment lies under such a checkpoint too. A repetition sends the same bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from audit.canon import b64, canon, parse, sha256_hex, unb64, unhex
from audit.refusal import Refused
from audit.trust import Signer
from bidding.view import Unproven
from experts.draw import SECRET
from experts.joining import TYPES, Joined, Kept, Told, judge
from trading.client import Answered, Platform
from trading.tools.memory import Memory
from trading.tools.sight import Sight
from trading.tools.trust import Trust

NOT_YET: Final = frozenset(
    {"E-PENDING", "E-NONCE-EARLY", "E-NONCE-TWICE", "W-STATE", "N-UNREACHABLE", "W-UNREADY", "W-BUSY"}
)
"""Refusals that only say: look again later. Everything else is told to a person."""
WAITING, COMMITTED, REVEALED = "waiting", "committed", "revealed"


@dataclass(frozen=True)
class Standing:
    """How far this party is. `state`: waiting (no draw, or its record waits for a checkpoint), committed, revealed."""

    tender: str
    state: str
    draw: str = ""
    attempt: int = 0
    committed: int = 0
    parties: int = 0


class Party:
    """One party: an identity key, the tool's own memory and trust files."""

    def __init__(
        self,
        id: str,
        identity: Signer,
        trust: Trust,
        memory: Memory,
        platform: Platform,
        clock: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        """`clock`: the log's time; by default the machine's clock tells it, through the clock of record 0."""
        self.id, self.identity, self.trust, self.memory, self.platform = id, identity, trust, memory, platform
        self.clock = clock

    def duties(self) -> list[str]:
        """Tenders whose draw waits for this party, as the platform says; a hint where to look, nothing more."""
        return [str(one["tender"]) for one in self.platform.get("/draws")["items"] if self.id in one["parties"]]

    def look(self, tender: str, *, replaced: str = "") -> Joined | None:
        """Prove what the log holds of the tender's draw, and judge it. Refused with a P- code; None: nothing yet."""
        try:
            sight = Sight(self.trust, self.memory, self.platform, self.clock())
            found = [Told(one.index, one.data, one.record) for one in sight.records(tender)]
        except Unproven as why:
            raise Refused("P-LOG", why=str(why)) from why
        told = [one for one in found if one.record["type"] in TYPES]
        return judge(
            told, self.id, tender=tender, now=sight.now, parties=self.trust.parties, kept=self.kept(tender),
            replaced=replaced,
        )  # fmt: skip

    def step(
        self, tender: str, *, replaced: str = "", agree: Callable[[Joined], bool] = lambda joined: True
    ) -> Standing:
        """Look, and do what is due: commit, or reveal. `agree` is asked before a nonce is made.

        Raises Refused with a P- code, T-STOPPED when the person does not agree, or what the platform refuses.
        """
        joined = self.look(tender, replaced=replaced)
        if joined is None:
            return Standing(tender, WAITING)
        state = WAITING
        if joined.done:
            state = REVEALED
        elif joined.commits or joined.reveals:
            taken = self._send(joined, self._nonce(joined, agree), reveals=joined.reveals)
            state = (REVEALED if taken else COMMITTED) if joined.reveals else (COMMITTED if taken else WAITING)
        else:
            state = COMMITTED
        return Standing(tender, state, joined.draw, joined.attempt, len(joined.committed), joined.parties)

    # -- the nonce -----------------------------------------------------------------------------------------------------

    def kept(self, tender: str) -> list[Kept]:
        """Every attempt of this tender that this tool has joined."""
        found = []
        for name in self.memory.names(_folder(tender)):
            data = self.memory.get(name)
            if data is not None:
                one: Mapping[str, Any] = parse(data)
                found.append(Kept(one["draw"], one["attempt"], unb64(one["record"]), unhex(one["nonce"], SECRET)))
        return found

    def _nonce(self, joined: Joined, agree: Callable[[Joined], bool]) -> bytes:
        name = f"{_folder(joined.tender)}/{joined.draw}.{joined.attempt}.json"
        data = self.memory.get(name)
        if data is None:
            if not agree(joined):
                raise Refused("T-STOPPED")
            nonce = secrets.token_bytes(SECRET)
            kept = {
                "tender": joined.tender, "draw": joined.draw, "attempt": joined.attempt, "record": b64(joined.record),
                "nonce": nonce.hex(),
            }  # fmt: skip
            self.memory.put(name, canon(kept))
            return nonce
        return unhex(parse(data)["nonce"], SECRET)

    def _send(self, joined: Joined, nonce: bytes, *, reveals: bool) -> bool:
        """Whether the platform has it; else it is sent again at the next look."""
        said = joined.said(nonce, reveals=reveals)
        body = {"object": b64(said.data), "sig": [self.identity.sign(said.signed)]}
        where = "reveals" if reveals else "commitments"
        try:
            self.platform.post(f"/tenders/{joined.tender}/panel/{where}", body)
        except Answered as no:
            if no.code not in NOT_YET:
                raise
            return no.code == "E-NONCE-TWICE"
        return True


def _folder(tender: str) -> str:
    return f"draws/{sha256_hex(tender.encode())[:32]}"
