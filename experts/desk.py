"""The dispatcher's desk: what it was handed, and what it has opened. The only place where a draw lies in clear.

A draw is computed from rows whenever it is needed again: nothing here has to survive the process.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from audit.act import Act, Actor, pool
from audit.canon import parse
from audit.clock import Clock
from audit.refusal import Refused
from experts import draw as law
from experts.handed import PURPOSE, Asked, Delays, Digest, Lines, Market, read_panel
from experts.person import Person
from experts.roster import person_of, rows_of
from experts.summons import Policy
from experts.vault import Vault

ACTOR = Actor("system", "dispatcher")


@dataclass(frozen=True, repr=False)
class Sealed:
    """What one attempt keeps under the vault: its secret; the first also the salts' key and who was on the roster.

    `people`: (expert, needed specialties served, reason why not), by id: frozen, because need, salts, pool and roster stay
    whatever attempt follows (draw.md §2.2).
    """

    secret: bytes
    salts: bytes = b""
    people: tuple[tuple[str, tuple[str, ...], str], ...] = ()

    def packed(self) -> bytes:
        """As it is sealed: small, for a million experts too."""
        told = {"secret": self.secret.hex(), "salts": self.salts.hex(), "people": self.people}
        return zlib.compress(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), 1)

    @classmethod
    def parse(cls, data: bytes) -> Sealed:
        """Read back."""
        told = json.loads(zlib.decompress(data))
        people = tuple((id, tuple(served), reason) for id, served, reason in told["people"])
        return cls(bytes.fromhex(told["secret"]), bytes.fromhex(told["salts"]), people)

    def pool(self) -> dict[bytes, tuple[str, ...]]:
        """{leaf: specialties} of those who may be drawn."""
        return {self.leaf(id): served for id, served, reason in self.people if not reason}

    def leaf(self, expert: str) -> bytes:
        """The leaf of an expert in this draw."""
        return law.leaf_of(law.salt_of(self.salts, expert), expert)


@dataclass(frozen=True, repr=False)
class Drawn:
    """An attempt all of whose nonces are revealed: who is called in which order."""

    asked: Asked
    attempt: int
    queues: Mapping[str, Sequence[bytes]]
    experts: Mapping[bytes, str]
    salts: bytes

    def expert(self, leaf: str) -> str:
        """Whose leaf it is."""
        return self.experts[bytes.fromhex(leaf)]

    def code(self, leaf: str) -> str:
        """The one-time code of whoever accepted: a function of the draw, so that it is sent again after a crash."""
        return one_time_code(self.salts, f"{self.asked.draw}/{leaf}")


LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32, without those that look alike: 0 and O, 1 and I."""
CODE_LENGTH = 8


def one_time_code(key: bytes, name: str) -> str:
    """Eight of 32 letters: 40 bits of HMAC-SHA256(key, "code\\0" || name)."""
    number = int.from_bytes(hmac.digest(key, b"code\0" + name.encode(), "sha256")[:5], "big")
    return "".join(LETTERS[number >> 5 * place & 31] for place in range(CODE_LENGTH))


def try_key(draw: str, leaf: str, number: int) -> str:
    """What no channel dials twice: 40 hex of a hash of draw, leaf and try."""
    return sha256(f"trading/try/v1\0{draw}\0{leaf}\0{number}".encode()).hexdigest()[:40]


def text_key(draw: str, leaf: str, template: str) -> str:
    """The same of a message beside the tries: the confirmation, the release."""
    return sha256(f"trading/text/v1\0{draw}\0{leaf}\0{template}".encode()).hexdigest()[:40]


def secret_id(draw: str, attempt: int) -> str:
    """The row's id in the vault's binding."""
    return f"{draw}/{attempt}"


class Gone(Exception):
    """Another step was faster, or the row is not as it was read: look again."""


@dataclass
class Desk:
    """Handed to every step of the dispatcher."""

    vault: Vault
    lines: Lines
    market: Market
    digest: Digest
    clock: Clock
    policy: Policy = field(default_factory=Policy)
    delays: Delays = field(default_factory=Delays)
    actor: Actor = ACTOR
    opened: dict[str, Drawn] = field(default_factory=dict, repr=False)
    told: set[str] = field(default_factory=set, repr=False)
    """Keys of messages that were handed over in the life of this process."""
    looked: set[tuple[str, str]] = field(default_factory=set, repr=False)
    """(draw, leaf) of those whose employers were compared with the bidders."""

    async def drawn(self, asked: Asked) -> Drawn:
        """The order of a draw whose nonces are all revealed; computed once in the life of this process."""
        found = self.opened.get(asked.draw)
        if found is None or found.attempt != asked.attempt:
            found = self.opened[asked.draw] = await self._draw(asked)
        return found

    async def panel(self, draw: str) -> Asked:
        """A panel as its row is now."""
        return read_panel(await pool().fetchrow("SELECT * FROM experts_panel WHERE draw = $1", draw))

    async def first(self, draw: str) -> Sealed:
        """What the first attempt sealed: salts and pool of every later one."""
        return await self.sealed(draw, 1)

    async def sealed(self, draw: str, attempt: int) -> Sealed:
        """What an attempt sealed. Raises as Vault.open."""
        data = await pool().fetchval(
            "SELECT sealed FROM experts_attempt WHERE panel_id = $1 AND attempt = $2", draw, attempt
        )
        return await asyncio.to_thread(
            lambda: Sealed.parse(self.vault.open(PURPOSE, secret_id(draw, attempt), bytes(data)))
        )

    async def _draw(self, asked: Asked) -> Drawn:
        first = await self.first(asked.draw)
        secret = (await self.sealed(asked.draw, asked.attempt)).secret
        rows = await pool().fetch(
            "SELECT i, reveal FROM experts_nonce WHERE panel_id = $1 AND attempt = $2 ORDER BY i",
            asked.draw, asked.attempt,
        )  # fmt: skip
        nonces = [law.read_said(bytes(row["reveal"]), reveals=True).value for row in rows]
        if len(nonces) != len(asked.parties):
            raise Gone("nonces")
        return await asyncio.to_thread(_compute, asked, first, secret, nonces)

    async def person(self, asked: Asked, leaf: str) -> Person:
        """Who somebody called is. Refused("E-VAULT-KEY"), or E-EXPERT-GONE for a row that is not there."""
        expert = (await self.drawn(asked)).expert(leaf)
        rows = await rows_of(pool().fetch, [expert])
        if expert not in rows:
            raise Refused("E-EXPERT-GONE")
        return person_of(self.vault, rows[expert])

    def forget(self, draw: str) -> None:
        """A draw that is over lies in clear no longer."""
        self.opened.pop(draw, None)


def _compute(asked: Asked, first: Sealed, secret: bytes, nonces: list[bytes]) -> Drawn:
    experts = {first.leaf(id): id for id, _, reason in first.people if not reason}
    leaves = first.pool()
    seed = law.seed_of(law.draw_ctx(asked.draw, asked.tender), secret, nonces, law.root_of(leaves))
    queues = law.queues_of(law.order(seed, leaves), law.parts_of(leaves, asked.need))
    return Drawn(asked, asked.attempt, queues, experts, first.salts)


# ------------------------------------------------------------------------------------------------------- rows under a lock


async def locked(act: Act, draw: str, *states: str) -> Asked:
    """Lock a panel's row for an act and read the clock. Raises Gone where it is in another state."""
    rows = await act.query("SELECT * FROM experts_panel WHERE draw = $1 FOR UPDATE", draw)
    asked = read_panel(rows[0])
    if asked.state not in states:
        raise Gone(asked.state)
    await act.clock()
    return asked


@asynccontextmanager
async def rows_locked(draw: str, *states: str) -> AsyncIterator[tuple[Any, Asked, datetime]]:
    """The same for rows that are no facts yet (a try before it is made): asyncpg's connection, the panel, log time."""
    async with (await pool()).acquire() as connection, connection.transaction():
        row = await connection.fetchrow("SELECT * FROM experts_panel WHERE draw = $1 FOR UPDATE", draw)
        asked = read_panel(row)
        if asked.state not in states:
            raise Gone(asked.state)
        yield connection, asked, await connection.fetchval("SELECT log_now()")


async def records_of(draw: str, tender: str, *types: str) -> list[tuple[int | None, dict[str, Any]]]:
    """(leaf's index or None, record) of a draw's records of these types, in order."""
    rows = await pool().fetch(
        """SELECT l.index, r.record FROM log_record r LEFT JOIN log_leaf l ON l.record = r.id
           WHERE r.tender = $1 AND r.type = ANY ($2) ORDER BY r.id""",
        tender, list(types),
    )  # fmt: skip
    read = [(row["index"], parse(bytes(row["record"]))) for row in rows]
    return [(index, record) for index, record in read if record["draw"] == draw]
