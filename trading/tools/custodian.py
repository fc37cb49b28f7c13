"""The custodian's tool: state a key, rehearse it, release at the hour. Runs on the custodian's own machine.

The platform hands over kits and is believed nothing: which envelopes are listed, whether they open, and when, the tool
computes itself (envelope.md §6). What it signs it keeps first and signs once: a repetition is the same bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from audit.canon import b64, canon, instant, parse, sha256_hex, stamp, unb64, unhex
from audit.refusal import Refused
from audit.trust import Signer
from bidding import hpke
from bidding.custody import CheckedClosing, check_kit, check_once, make_release
from bidding.keys import STATEMENT, Statement, answer, write_statement
from bidding.records import CLOSED
from bidding.view import Unproven, View
from trading.client import PREFIX, Platform
from trading.tools.kit import Kit, see
from trading.tools.memory import Memory
from trading.tools.trust import Trust

NOT_YET = frozenset({"C-WAIT", "C-TIME", "C-STORED", "C-SETTLED", "E-PENDING", "W-STATE", "N-UNREACHABLE"})
"""Refusals that only say: come back later. Everything else is told to a person."""


@dataclass(frozen=True)
class Duty:
    """One box this custodian guards. `state`: waiting, due, released or shut."""

    tender: str
    stage: str
    keyset: str
    state: str


class Custodian:
    """One custodian: an identity key, box keys, the tool's own memory and trust files."""

    def __init__(
        self,
        id: str,
        identity: Signer,
        boxes: Sequence[ec.EllipticCurvePrivateKey],
        trust: Trust,
        memory: Memory,
        platform: Platform,
    ) -> None:
        self.id, self.identity, self.trust, self.memory, self.platform = id, identity, trust, memory, platform
        self._boxes = {hpke.public_bytes(box): box for box in boxes}

    @property
    def boxes(self) -> list[ec.EllipticCurvePrivateKey]:
        """The box keys at hand."""
        return list(self._boxes.values())

    def holds(self, statement: Statement) -> bool:
        """Whether the private key of a statement is at hand."""
        return statement.pub in self._boxes

    # -- keys ----------------------------------------------------------------------------------------------------------

    def state_key(
        self,
        box: ec.EllipticCurvePrivateKey,
        *,
        name: str,
        valid_from: datetime,
        valid_to: datetime,
        tender: str | None = None,
    ) -> Statement:
        """Sign the statement of a box key, keep it, and have it registered. A repetition changes nothing."""
        data = write_statement(
            origin=self.trust.policy.origin,
            custodian=self.id,
            name=name,
            pub=hpke.public_bytes(box),
            valid_from=valid_from,
            valid_to=valid_to,
            tender=tender,
        )
        made = Statement.parse(data)
        body = {"statement": b64(data), "sig": [self.identity.sign(STATEMENT + data)]}
        self.memory.put(f"statements/{made.hash}.json", canon(body))
        self.platform.post("/statements", body)
        return made

    def statements(self) -> list[Statement]:
        """The statements this tool has signed."""
        found = []
        for name in self.memory.names("statements"):
            data = self.memory.get(name)
            if data is not None:
                found.append(Statement.parse(unb64(parse(data)["statement"])))
        return found

    def rehearse(self, statement: Statement) -> None:
        """Prove that the private key opens: answer one challenge of the platform (envelope.md §2)."""
        private = self._boxes.get(statement.pub)
        if private is None:
            raise Refused("C-KEYSET", why="no private key of this statement here")
        asked = self.platform.post(f"/statements/{statement.hash}/challenge", key=secrets.token_hex(16))
        proof, sig = answer(statement, private, self.identity, unhex(asked["challenge"], 32), unb64(asked["sealed"]))
        body = {"challenge": asked["challenge"], "proof": proof.hex(), "sig": sig}
        self.platform.post(f"/statements/{statement.hash}/rehearsal", body)

    # -- releases ------------------------------------------------------------------------------------------------------

    def duties(self) -> list[Duty]:
        """What the platform says this custodian guards; a hint where to look, nothing more."""
        items: list[Mapping[str, Any]] = self.platform.get("/custody")["items"]
        return [Duty(item["tender"], item["stage"], item["keyset"], item["state"]) for item in items]

    def check(
        self, tender: str, stage: str, *, unattended: bool = False, without: Collection[str] = ()
    ) -> tuple[CheckedClosing, bytes]:
        """Compute the closing from the kit, and return it with the kit. Raises Refused with a C- code."""
        data = self.platform.fetch(f"{PREFIX}/tenders/{tender}/kits/{stage}")
        kit = Kit(data)
        try:
            view = see(kit, self.trust, self.memory, self.platform)
        except Unproven as why:
            raise Refused("C-LOG", why=str(why)) from why
        checked = check_kit(
            view,
            kit,
            tender=tender,
            stage=stage,
            own=self.statements(),
            receipts=self.receipts(),
            unattended=unattended,
            since=self._since(view, tender, stage) if unattended else None,
            without=without,
        )
        return checked, data

    def release(
        self,
        tender: str,
        stage: str,
        *,
        unattended: bool = False,
        without: Collection[str] = (),
        agree: Callable[[CheckedClosing], bool] = lambda checked: True,
    ) -> CheckedClosing:
        """Check, sign once for ever, keep, send. `agree` is asked before anything is signed.

        Raises Refused: the C- codes of `bidding.custody`, C-ONCE, T-STOPPED when the person does not agree.
        """
        checked, kit = self.check(tender, stage, unattended=unattended, without=without)
        name = f"releases/{checked.keyset.id}.json"
        kept = self.memory.get(name)
        before = parse(kept) if kept is not None else None
        check_once({checked.keyset.id: before["closed"]} if before else {}, checked)
        if before is None:
            if not agree(checked):
                raise Refused("T-STOPPED")
            release, sig = make_release(checked, self._boxes[checked.keyset.seat(checked.i).pub], self.identity)
            before = {"closed": checked.closed, "release": b64(release), "sig": sig}
            self.memory.put(f"kits/{checked.keyset.id}.zip", kit)  # the payloads of `form` with it, until the opening
            self.memory.put(name, canon(before))
        body = {"stage": stage, "release": before["release"], "sig": before["sig"]}
        self.platform.post(f"/tenders/{tender}/releases", body)
        return checked

    def _since(self, view: View, tender: str, stage: str) -> datetime | None:
        """When this tool first saw the closing, in the log's time by its own clock; None while there is none."""
        try:
            closed = view.of(CLOSED.type, tender=tender, stage=stage)
        except Unproven as why:
            raise Refused("C-LOG", why=str(why)) from why
        if not closed:
            return None
        name = f"seen/{sha256_hex(closed[0].data)}"
        kept = self.memory.get(name)
        if kept is None:
            kept = stamp(view.now).encode()
            self.memory.put(name, kept)
        return instant(kept.decode())

    def receipts(self) -> list[bytes]:
        """Receipts that anybody has shown this custodian: files in `receipts/` of its memory."""
        found = (self.memory.get(name) for name in self.memory.names("receipts"))
        return [data for data in found if data is not None]
