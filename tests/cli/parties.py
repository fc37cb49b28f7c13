"""A log in memory that holds a draw, and a platform in front of it that serves it, honestly or not."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit.canon import b64, parse_object, stamp, unb64
from audit.merkle import TILE, leaf_hash
from audit.signature import Ed25519Signer, sig_hash
from audit.trust import Parties, Policy
from experts import draw as d
from experts.approvals import unapproved
from tests.world import Logged, World
from trading.client import Answered
from trading.tools.memory import Memory
from trading.tools.party import Party
from trading.tools.trust import Trust

TENDER = "2026-000001-01@8"
MEMBERS = ("A-SUP", "C-TEN", "P-TEN")
DRAW = "ab" * 16


class DrawnWorld(World):
    """A world with a tender's draw in it, and a platform that answers from it. `lies` change what it answers."""

    def __init__(
        self, folder: Path, origin: str = "log.trading.example/2026", clock: dict[str, Any] | None = None
    ) -> None:
        super().__init__(folder, origin, clock)
        self.lies: dict[str, Any] = {}
        self.posted: list[tuple[str, Mapping[str, Any]]] = []
        self.takes = True

    @property
    def keys(self) -> dict[str, Ed25519Signer]:
        return {**self.people, **self.authorities}

    def committed(self, attempt: int = 1, draw: str = DRAW, within: int = 3600, **changes: Any) -> Logged:
        """The dispatcher's commitment; it waits for its beat."""
        fields: dict[str, Any] = {
            "tender": TENDER, "draw": draw, "attempt": attempt, "need": [{"specialty": "a08", "count": 5}],
            "representatives": 0, "meets": stamp(self.now + timedelta(days=1)), "pool_root": "11" * 32, "pool_size": 40,
            "leaves": "22" * 32, "roster_root": "33" * 32, "roster_size": 50, "excluded": {},
            "secret_commit": secrets.token_hex(32), "parties": [{"i": i, "id": id} for i, id in enumerate(MEMBERS, 1)],
            "reveal_by": stamp(self.now + timedelta(seconds=within)), "approved": [],
        }  # fmt: skip
        if attempt > 1:
            earlier = next(one for one in self.logged if one.name == "draw-committed")
            fields["meets"] = earlier.body["meets"]
        return self.log("draw-committed", TENDER, **(fields | changes))

    def approve(self, fields: Mapping[str, Any], by: str = "A-SUP") -> list[dict[str, Any]]:
        value = {"type": "trading.draw-committed/v1", "subject": TENDER, **fields}
        return [self.keys[by].sign(unapproved(value))]

    def void(self, culprit: int = 2, attempt: int = 1, draw: str = DRAW) -> Logged:
        return self.log("draw-voided", TENDER, tender=TENDER, draw=draw, attempt=attempt, culprit=culprit)

    def say(self, i: int, record: Logged, nonce: bytes, *, reveals: bool = False, **changes: Any) -> Logged:
        """What party i said, as the platform records it."""
        ctx, body = d.draw_ctx(record.body["draw"], TENDER), record.body
        value = nonce if reveals else d.nonce_commit(ctx, i, nonce)
        known = {
            "draw": body["draw"], "tender": TENDER, "attempt": body["attempt"], "i": i, "draw_record": record.hash,
            "value": value, "reveals": reveals,
        }  # fmt: skip
        said = d.Said(**{**known, **changes})
        sig = [self.keys[MEMBERS[i - 1]].sign(said.signed)]
        return self._recorded(said, sig, reveals)

    def _recorded(self, said: d.Said, sig: Sequence[Mapping[str, Any]], reveals: bool) -> Logged:
        return self.log(
            "draw-nonce-revealed" if reveals else "draw-nonce-committed", TENDER, tender=TENDER, draw=said.draw,
            attempt=said.attempt, i=said.i, object=b64(said.data), sig_hash=sig_hash(list(sig)),
        )  # fmt: skip

    # -- the platform ---------------------------------------------------------------------------------------------------

    def timeline(self) -> dict[str, Any]:
        items = []
        for one in self.logged:
            if one.nonce is None and one.body.get("tender") == TENDER:
                index = one.index if one.index >= 0 else None
                items.append(
                    {"index": index, "type": one.body["type"], "time": one.body["time"], "record": b64(one.data)}
                )
        return {"items": self.lies["timeline"](items) if "timeline" in self.lies else items}

    def get(self, path: str, **_: Any) -> Any:
        if path == "/draws":
            found = {"tender": TENDER, "draw": DRAW, "attempt": 1, "parties": list(MEMBERS)}
            return {"items": [{**found, "reveal_by": stamp(self.now)}]}
        assert path == f"/tenders/{TENDER}/timeline"
        return self.timeline()

    def post(self, path: str, body: Any = None, **_: Any) -> Any:
        self.posted.append((path, body))
        if not self.takes:
            raise Answered(409, {"code": "E-PENDING"})
        data = unb64(body["object"])
        reveals = path.endswith("/reveals")
        said = d.read_said(data, reveals=reveals)
        made = self._recorded(said, body["sig"], reveals)
        return {"record": made.hash, "type": made.body["type"]}

    def fetch(self, path: str, to: Path | None = None) -> bytes:
        if path in self.lies:
            return bytes(self.lies[path])
        size = max(self.notes)
        if path == "/log/checkpoint":
            return self.notes[size]
        if path == "/log/genesis":
            return self.logged[0].data
        level, _, rest = path.removeprefix("/log/tile/").partition("/")
        number = int(rest.partition(".p/")[0].replace("x", "").replace("/", ""))
        width = int(rest.partition(".p/")[2] or TILE)
        if level == "0":
            return b"".join(leaf_hash(entry) for entry in self.entries[number * TILE : number * TILE + width])
        return b"".join(self.node(8 * int(level), number * TILE + n) for n in range(width))


def party(world: DrawnWorld, folder: Path, id: str = "C-TEN", clock: Any = None) -> Party:
    """Party 2, with a memory of its own."""
    trust = Trust(Policy.parse(world.policy), Parties.parse(world.parties))
    platform: Any = world
    return Party(id, world.keys[id], trust, Memory(folder / id), platform, clock or (lambda: world.now))


def objects(world: DrawnWorld, path: str) -> list[dict[str, Any]]:
    """What the tool has sent there."""
    return [parse_object(unb64(body["object"])) for where, body in world.posted if where.endswith(path)]


__all__ = ["DRAW", "MEMBERS", "TENDER", "DrawnWorld", "objects", "party"]
