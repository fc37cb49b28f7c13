"""A panel in the town: who asks, who takes part, and a dispatcher that only does what its records say.

The dispatcher is a border here: it writes what the real one writes into the rows it owns, with leaves that are nobody's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from audit.act import Actor, acting, pool
from audit.canon import b64, sha256_hex, stamp
from audit.signature import Ed25519Signer
from experts import draw as d
from experts.panels import draft_of, loaded
from tests.trading.desk import Desk
from tests.trading.town import Town

DISPATCHER = Actor("dispatcher", "experts")
NEED = [{"specialty": "a08", "count": 3}, {"specialty": "b01", "count": 1}]
WORDING = {"duration": "三小时", "city": "新余市", "centre": "新余市公共资源交易中心", "contact": "0790-0000000"}
PARTIES = ("A-SUP", "C-TEN", "C-NOT")


async def grow_tree(*codes: str) -> None:
    """Specialties without a tree, as far as a need names them."""
    for code in codes:
        await pool().execute("INSERT INTO experts_specialty (code, zh) VALUES ($1, $1) ON CONFLICT DO NOTHING", code)


@dataclass
class Drawing:
    """One tender's panel, and every party's nonce."""

    desk: Desk
    parties: tuple[str, ...] = PARTIES
    nonces: dict[tuple[int, int], bytes] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    record: bytes = b""
    attempt: int = 0
    reveal_by: datetime | None = None

    @property
    def town(self) -> Town:
        return self.desk.town

    @property
    def path(self) -> str:
        return f"/tenders/{self.desk.tender}/panel"

    def body(self, **changes: Any) -> dict[str, Any]:
        return {
            "need": NEED, "representatives": 1, "meets": stamp(self.desk.deadline + timedelta(hours=2)),
            "parties": list(self.parties), "wording": WORDING, "reveal_within": 600, **changes,
        }  # fmt: skip

    async def convene(self, who: str = "tenderee", expect: int = 201, **changes: Any) -> Any:
        await grow_tree("a08", "b01", "c02")
        told = await self.town.call(who, "POST", self.path, expect, self.body(**changes))
        if expect == 201:
            self.told = told
        return told

    @property
    def draw(self) -> str:
        return str(self.told["draw"])

    @property
    def ctx(self) -> bytes:
        return d.draw_ctx(self.draw, self.desk.tender)

    def signer(self, id: str) -> Ed25519Signer:
        return {**dict(self.town._authorities()), **self.town.custodians}[id]

    # -- what the dispatcher does ---------------------------------------------------------------------------------------

    def committed(self, panel: Any, attempt: int, reveal_by: datetime, **changes: Any) -> dict[str, Any]:
        """The fields of a draw-committed."""
        return {
            "tender": self.desk.tender, "draw": self.draw, "attempt": attempt, "need": loaded(panel["need"]),
            "representatives": panel["representatives"], "meets": stamp(panel["meets"]), "pool_root": "11" * 32,
            "pool_size": 40, "leaves": "22" * 32, "roster_root": "33" * 32, "roster_size": 50, "excluded": {"region": 10},
            "secret_commit": secrets.token_hex(32), "parties": loaded(panel["parties"]), "reveal_by": stamp(reveal_by),
            "approved": [], **changes,
        }  # fmt: skip

    async def commit(
        self, attempt: int = 1, *, within: int = 600, covered: bool = True, **changes: Any
    ) -> dict[str, Any]:
        """The dispatcher commits to pool and secret; its record."""
        async with acting(DISPATCHER) as act:
            (panel,) = await act.query("SELECT * FROM experts_panel WHERE draw = $1 FOR UPDATE", self.draw)
            now = await act.clock()
            self.reveal_by = now + timedelta(seconds=within)
            fields = self.committed(panel, attempt, self.reveal_by, **changes)
            ref = act.record("draw-committed", subject=self.desk.tender, **fields)
            await act.query("DELETE FROM experts_attempt WHERE false")
        self.record, self.attempt = ref.record, attempt
        await pool().execute(
            """INSERT INTO experts_attempt (panel_id, attempt, sealed, record, reveal_by, committed_at)
               VALUES ($1, $2, ''::bytea, $3, $4, $5)""",
            self.draw, attempt, ref.record, self.reveal_by, now,
        )  # fmt: skip
        await self.set(state="committed", attempt=attempt)
        if covered:
            await self.desk.covered()
        return fields

    async def void(self, culprit: int) -> None:
        """The time is over, and somebody has not revealed."""
        assert self.reveal_by is not None
        await self.town.push(self.reveal_by - await self.desk.now() + timedelta(seconds=1))
        async with acting(DISPATCHER) as act:
            await act.query("SELECT 1 FROM experts_panel WHERE draw = $1 FOR UPDATE", self.draw)
            now = await act.clock()
            await act.query(
                "UPDATE experts_attempt SET voided_at = $3, culprit = $4 WHERE panel_id = $1 AND attempt = $2",
                self.draw, self.attempt, now, culprit,
            )  # fmt: skip
            act.record(
                "draw-voided", subject=self.desk.tender, tender=self.desk.tender, draw=self.draw, attempt=self.attempt,
                culprit=culprit,
            )  # fmt: skip
        await self.desk.covered()

    async def set(self, **columns: Any) -> None:
        """What somebody else's act leaves in the panel's row."""
        for name, value in columns.items():
            await pool().execute(f"UPDATE experts_panel SET {name} = $2 WHERE draw = $1", self.draw, value)

    async def call(self, leaf: str, state: str = "calling", place: int = 0, specialty: str = "a08") -> None:
        await pool().execute(
            """INSERT INTO experts_summons (panel_id, attempt, leaf, specialty, place, state, first_at)
               VALUES ($1, $2, $3, $4, $5, $6, log_now())""",
            self.draw, self.attempt or 1, leaf, specialty, place, state,
        )  # fmt: skip

    async def seat(self, number: int, leaf: str | None) -> None:
        await pool().execute(
            "INSERT INTO experts_seat (panel_id, seat, leaf, key, keyed_at) VALUES ($1, $2, $3, $4, log_now())",
            self.draw, number, leaf, bytes(32),
        )  # fmt: skip

    async def draft(self, attempt: int) -> dict[str, Any]:
        """A third attempt waits for its approval; the record-to-be."""
        panel = await pool().fetchrow("SELECT * FROM experts_panel WHERE draw = $1", self.draw)
        fields = self.committed(panel, attempt, await self.desk.now() + timedelta(hours=1))
        value = {"type": "trading.draw-committed/v1", "subject": self.desk.tender, **fields}
        await pool().execute(
            "INSERT INTO experts_attempt (panel_id, attempt, sealed, draft) VALUES ($1, $2, ''::bytea, $3)",
            self.draw, attempt, draft_of(value),
        )  # fmt: skip
        return value

    # -- what the parties do ----------------------------------------------------------------------------------------------

    def said(self, i: int, *, reveals: bool, **changes: Any) -> d.Said:
        nonce = self.nonces.setdefault((self.attempt, i), secrets.token_bytes(32))
        value = nonce if reveals else d.nonce_commit(self.ctx, i, nonce)
        known = {
            "draw": self.draw, "tender": self.desk.tender, "attempt": self.attempt, "i": i,
            "draw_record": sha256_hex(self.record), "value": value, "reveals": reveals,
        }  # fmt: skip
        return d.Said(**{**known, **changes})

    async def say(
        self, i: int, *, reveals: bool = False, by: str = "", expect: int = 201, who: str = "operator", **changes: Any
    ) -> Any:
        """Party i commits or reveals; what the platform answers."""
        said = self.said(i, reveals=reveals, **changes)
        sig = [self.signer(by or self.parties[min(i, len(self.parties)) - 1]).sign(said.signed)]
        body = {"object": b64(said.data), "sig": sig}
        return await self.town.call(who, "POST", f"{self.path}/{'reveals' if reveals else 'commitments'}", expect, body)

    async def all_say(self, *, reveals: bool = False) -> None:
        for i in range(1, len(self.parties) + 1):
            await self.say(i, reveals=reveals)


async def panel_of(town: Town, tmp: Path, *, regime: str = "works", **more: Any) -> Drawing:
    """A tender that is announced, and a panel that was asked for."""
    desk = Desk(town, tmp)
    await desk.open(regime=regime, **more)
    return Drawing(desk)


async def records_of(tender: str, type: str) -> list[dict[str, Any]]:
    rows = await pool().fetch("SELECT record FROM log_record WHERE tender = $1 AND type = $2 ORDER BY id", tender, type)
    return [json.loads(row["record"]) for row in rows]
