"""A log with its witnesses, as small as it can be: real rows, real signatures, real HTTP applications.

`check_log` is run after every step: whatever happened, the log that anybody could fetch holds together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from audit.act import Actor, acting
from audit.checkpoint import Checkpoint, checkpoint_of, verify_note, vkey_of
from audit.clock import LogClock
from audit.genesis import open_log
from audit.logkey import LogKey
from audit.merkle import Frontier, entries_path, leaf_hash, tile_path, unpack_entries, verify_consistency
from audit.record import Kind, Rule, declare, entry_of, parse_entry
from audit.sequencer import Sequencer
from audit.signature import Ed25519Signer
from audit.tiles import consistency, note
from audit.trust import WITNESS, Parties, Policy
from audit.witness import Memory, Witness, witness_app

SEALED = declare("test-sealed", Rule.PARTY, Rule.CLOSING, fields=("tender",))
OPENLY = declare("test-public", Rule.PUBLIC, fields=("tender",))
CLERK = Actor("clerk", "wang")


class Switchboard(httpx.AsyncBaseTransport):
    """One transport for many hosts; a host in `down` does not answer."""

    def __init__(self, apps: dict[str, Any]) -> None:
        self.apps = {host: httpx.ASGITransport(app=app) for host, app in apps.items()}
        self.down: set[str] = set()
        self.calls: list[tuple[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self.calls.append((host, request.url.path))
        if host in self.down or host not in self.apps:
            raise httpx.ConnectError("nobody there", request=request)
        return await self.apps[host].handle_async_request(request)


class LogWorld:
    """The cast: a key, three witnesses (two make a quorum), a database."""

    def __init__(self, dsn: str, directory: Path, origin: str, width: int, witnesses: int) -> None:
        self.dsn, self.directory, self.origin, self.width = dsn, directory, origin, width
        self.key = LogKey.generate(directory / "keys" / "log.pem", origin)
        self.signers = {f"w{n}": Ed25519Signer.generate() for n in range(1, witnesses + 1)}
        lines = [f"log {self.key.vkey}"]
        for name, signer in self.signers.items():
            lines.append(f"witness {name} {vkey_of(signer, f'{name}.example', WITNESS)}")
        if witnesses:
            lines += [f"group q {min(2, witnesses)} {' '.join(self.signers)}", "quorum q"]
        else:
            lines += ["quorum none"]
        self.policy = Policy.parse(("\n".join(lines) + "\n").encode())
        self.parties = Parties(())
        self.witnesses: dict[str, Witness] = {}
        for name, signer in self.signers.items():
            memory = Memory(directory / "witness" / name)
            self.witnesses[name] = Witness(memory, signer, f"{name}.example", [self.policy])
        self.wires = Switchboard({name: witness_app(witness) for name, witness in self.witnesses.items()})
        self.sequencers: list[Sequencer] = []
        self.roots: dict[int, bytes] = {}  # what was seen signed, for ever

    def sequencer(self, point: Callable[[str], None] = lambda _: None, **more: Any) -> Sequencer:
        """Another process that would beat."""
        made = Sequencer(
            self.dsn,
            more.pop("key", self.key),
            self.directory / "log",
            more.pop("policy", self.policy),
            [(name, f"http://{name}") for name in self.witnesses],
            transport=self.wires,
            point=point,
            patience=more.pop("patience", 2.0),
        )
        self.sequencers.append(made)
        return made

    async def sealed(self, count: int = 1, tender: str = "T@1") -> None:
        """Acts that each leave one sealed record."""
        for _ in range(count):
            async with acting(CLERK) as act:
                act.record("test-sealed", subject=tender, tender=tender)

    async def openly(self, count: int = 1, tender: str = "T@1") -> None:
        """Acts that each leave one public record."""
        for _ in range(count):
            async with acting(CLERK) as act:
                act.record("test-public", subject=tender, tender=tender)

    def published(self) -> Checkpoint:
        """The checkpoint that anybody can fetch, verified under the policy."""
        return verify_note((self.directory / "log" / "checkpoint").read_bytes(), self.policy).checkpoint

    async def check(self) -> int:
        """CheckLog: every invariant of log.md §2–§4, from the rows and from the published files; the size."""
        db = await asyncpg.connect(self.dsn)
        try:
            leaves = await db.fetch("SELECT * FROM log_leaf ORDER BY index")
            checkpoints = await db.fetch("SELECT * FROM log_checkpoint ORDER BY size")
            records = {row["id"]: row for row in await db.fetch("SELECT * FROM log_record")}
            assert [row["index"] for row in leaves] == list(range(len(leaves)))
            assert len(leaves) == (checkpoints[-1]["size"] if checkpoints else 0)
            frontier, previous, ids = Frontier(), 0, []
            for beat, row in enumerate(checkpoints):
                added = leaves[previous : row["size"]]
                assert (row["previous"], row["beat"], row["width"]) == (previous, beat, len(added))
                first = parse_entry(added[0]["entry"])
                assert first.beat == beat if beat else first.kind is Kind.CLEAR
                assert all(parse_entry(leaf["entry"]).kind is not Kind.MARKER for leaf in added[1:])
                assert all(leaf["beat"] == beat and leaf_hash(leaf["entry"]) == leaf["leaf_hash"] for leaf in added)
                here = [leaf["record"] for leaf in added if leaf["record"] is not None]
                assert here == sorted(here)
                ids += here
                for number in here:
                    made = records[number]
                    leaf = next(leaf for leaf in added if leaf["record"] == number)
                    assert leaf["entry"] == made["entry"] == entry_of(made["record"], made["nonce"])
                frontier.extend(leaf["leaf_hash"] for leaf in added)
                assert (frontier.root(), b"".join(frontier.hashes)) == (row["root"], row["frontier"])
                previous = row["size"]
            assert len(ids) == len(set(ids))
            for row in await db.fetch("SELECT * FROM log_node"):
                span = 256 ** row["level"]
                part = Frontier()
                part.extend(leaf["leaf_hash"] for leaf in leaves[row["index"] * span : (row["index"] + 1) * span])
                assert part.root() == row["hash"]
            roots = {row["size"]: row["root"] for row in checkpoints}
            for row in await db.fetch("SELECT DISTINCT size FROM log_cosignature ORDER BY size"):
                signed = verify_note(await note(db, self.origin, row["size"]), self.policy, quorum=False).checkpoint
                assert signed.root == roots[signed.size] == self.roots.setdefault(signed.size, signed.root)
            for witness in self.witnesses.values():
                last, _ = witness.memory.last(self.origin)
                assert last.size == 0 or last.root == roots[last.size]
            await self._check_files(db, leaves, roots)
            return previous
        finally:
            await db.close()

    async def _check_files(self, db: Any, leaves: list[Any], roots: dict[int, bytes]) -> None:
        path = self.directory / "log" / "checkpoint"
        if not path.exists():
            return
        signed = checkpoint_of(path.read_bytes())
        if self.policy.quorum != "none":
            verify_note(path.read_bytes(), self.policy, strict=True)
        assert signed.root == roots[signed.size]
        found: list[bytes] = []
        for number in range(-(-signed.size // 256)):
            width = min(256, signed.size - number * 256)
            found += unpack_entries((self.directory / "log" / entries_path(number, width)).read_bytes())
            hashes = (self.directory / "log" / tile_path(0, number, width)).read_bytes()
            assert hashes == b"".join(leaf["leaf_hash"] for leaf in leaves[number * 256 : number * 256 + width])
        assert found == [leaf["entry"] for leaf in leaves[: signed.size]]
        for old in list(roots)[-3:]:
            if old <= signed.size:
                proof = await consistency(db, old, signed.size)
                verify_consistency(old, signed.size, roots[old], signed.root, proof)

    async def close(self) -> None:
        """Everybody goes home."""
        for sequencer in self.sequencers:
            await sequencer.close()
        for witness in self.witnesses.values():
            witness.memory.close()


@asynccontextmanager
async def log_world(
    dsn: str,
    directory: Path,
    *,
    origin: str = "log.example/main",
    width: int = 8,
    witnesses: int = 3,
    clock: LogClock | None = None,
) -> AsyncIterator[LogWorld]:
    """A log that has been opened; Tortoise must be connected."""
    world = LogWorld(dsn, directory, origin, width, witnesses)
    try:
        await open_log(origin, beat=1, width=width, policy=world.policy, parties=world.parties, clock=clock)
        yield world
    finally:
        await world.close()
