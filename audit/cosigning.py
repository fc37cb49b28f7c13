"""The log's side of its witnesses: every checkpoint is offered, in order, until it has its quorum (log.md §3, §4).

Each witness is asked on its own and at its own speed; a slow or absent one holds nobody up. What a witness has gone
past it can no longer sign, so the oldest checkpoint comes first; one that signed just before we crashed is asked again
and answers again. A witness that says it knows a larger log than our database, or another root, may lie; when so many
say so that the others are no quorum, our database is not the log that the world has seen: Broken.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from audit import tiles
from audit.canon import b64
from audit.checkpoint import Note, add_lines, verify_note
from audit.refusal import Broken
from audit.trust import Policy

BATCH = 512  # checkpoints offered in one beat, after an outage
GRACE = 0.2  # seconds for the other witnesses, once the quorum is there

log = logging.getLogger("audit.cosigning")


@dataclass
class Witness:
    """A witness as the sequencer knows it: its name in the policy, its address, the size it last told."""

    name: str
    url: str
    size: int = 0
    work: asyncio.Task[None] | None = None
    fault: str = ""  # why the last offer failed, for the status page


class Cosigning:
    """`begin(pool)`, then `gather` at every beat, `close()` at the end."""

    def __init__(
        self,
        policy: Policy,
        witnesses: Sequence[tuple[str, str]],
        *,
        patience: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        for name, _ in witnesses:
            if name not in policy.witnesses:
                raise Broken("L-WITNESS", name=name)
        self.policy, self.patience = policy, patience
        self.witnesses = [Witness(name, url.rstrip("/")) for name, url in witnesses]
        self.settled: int | None = None  # all checkpoints up to this size have their quorum
        self.pending = 0  # how many above it have not
        self.faults: dict[str, str] = {}  # witness → what failed
        self._contradicting: set[str] = set()
        self._transport = transport
        self._http: httpx.AsyncClient | None = None
        self._pool: Any = None

    def begin(self, pool: Any) -> None:
        """Work on this database, from wherever it stands."""
        self._pool, self.settled = pool, None
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=self.patience, transport=self._transport)

    async def close(self) -> None:
        """Leave unfinished offers."""
        work = [witness.work for witness in self.witnesses if witness.work is not None]
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for witness in self.witnesses:
            witness.work = None
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def gather(self, published: int) -> None:
        """Offer what is pending; until the quorum is there (and a moment later, for the others), or out of patience."""
        if self.settled is None:
            self.settled = await self._find_settled(published)
        for witness in self.witnesses:
            if witness.work is not None and witness.work.done():
                witness.work.result()  # Broken: a witness knows more than our database
            if witness.work is None or witness.work.done():
                witness.work = asyncio.create_task(self._offer(witness))
        work = {witness.work for witness in self.witnesses if witness.work is not None}
        end = asyncio.get_running_loop().time() + self.patience
        pending, done = work, set[Any]()
        while pending and (left := end - asyncio.get_running_loop().time()) > 0:
            done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if pending and not await self._advance():
                end = min(end, asyncio.get_running_loop().time() + GRACE)
        await self._advance()

    async def _advance(self) -> int:
        """Move `settled` over every checkpoint that has its quorum; how many have not."""
        rows = await self._pool.fetch(_PENDING, self.settled, BATCH)
        for at, row in enumerate(rows):
            if not self._met(row["names"]):
                self.pending = len(rows) - at
                return len(rows) - at
            self.settled = row["size"]
        self.pending = 0
        return 0

    def _met(self, names: list[str]) -> bool:
        return self.policy.origin in names and self.policy.met([n for n in names if n in self.policy.witnesses])

    async def _find_settled(self, published: int) -> int:
        """Where publication stands: by the file if the database agrees, else by looking through the whole log."""
        names = await self._pool.fetch("SELECT name FROM log_cosignature WHERE size = $1", published)
        if published and self._met([row["name"] for row in names]):
            return published
        self.settled = 0
        before = -1
        while before != self.settled:
            before = self.settled
            await self._advance()
        return self.settled

    async def _offer(self, witness: Witness) -> None:
        """Give a witness every checkpoint it can still sign and that lacks its line, oldest first."""
        rows = await self._pool.fetch(_PENDING, self.settled, BATCH)
        newest = rows[-1]["size"] if rows else 0
        for row in rows:
            if witness.name in row["names"]:
                witness.size = max(witness.size, row["size"])
            elif row["size"] >= witness.size and not await self._ask(witness, row["size"], newest):
                return

    async def _ask(self, witness: Witness, size: int, newest: int) -> bool:
        """POST /add-checkpoint; False when this witness cannot be had now. Broken: see `_contradict`."""
        origin, http = self.policy.origin, self._http
        if http is None:
            return False
        note = await tiles.note(self._pool, origin, size)
        for _ in range(3):
            proof = await tiles.consistency(self._pool, witness.size, size) if witness.size else []
            body = f"old {witness.size}\n" + "".join(f"{b64(value)}\n" for value in proof) + "\n"
            try:
                answer = await http.post(f"{witness.url}/add-checkpoint", content=body.encode() + note)
            except httpx.HTTPError as error:
                return self._fault(witness, type(error).__name__)
            if answer.status_code == 409 and answer.text.strip().isdecimal():
                told = int(answer.text)
                if told > newest:
                    committed = await self._pool.fetchval("SELECT max(size) FROM log_checkpoint")
                    if told > committed:
                        return self._contradict(witness, Broken("L-STATE", known=told, size=committed))
                if told == size == witness.size:  # it has signed another root of this size
                    return self._contradict(witness, Broken("L-FORK", size=size, witness=witness.name))
                witness.size = told
                if told > size:
                    return True  # it has gone past this one; the next may still get its line
                continue
            if answer.status_code != 200:
                return self._fault(witness, str(answer.status_code))
            return await self._keep(witness, size, note, answer.content)
        return self._fault(witness, "409")

    async def _keep(self, witness: Witness, size: int, note: bytes, lines: bytes) -> bool:
        """Store a cosignature that verifies under the policy; anything else is a fault of the witness."""
        try:
            whole = add_lines(note, [line + b"\n" for line in lines.split(b"\n") if line])
            verified = verify_note(whole, self.policy, quorum=False)
        except Broken as broken:
            return self._fault(witness, broken.code)
        moment = verified.cosigned.get(witness.name)
        key = self.policy.witnesses[witness.name]
        line = [s for s in Note.parse(whole).signatures if (s.name, s.keyid) == (key.name, key.keyid)]
        if moment is None or not line:
            return self._fault(witness, "unknown key")
        await self._pool.execute(KEEP_LINE, size, witness.name, int(moment.timestamp()), line[0].line().decode())
        witness.size, witness.fault = size, ""
        self.faults.pop(witness.name, None)
        self._contradicting.discard(witness.name)
        return True

    def _contradict(self, witness: Witness, broken: Broken) -> bool:
        """One witness may lie; raise when those who do not contradict us are no quorum."""
        self._contradicting.add(witness.name)
        if not self.policy.met(self.policy.witnesses.keys() - self._contradicting):
            raise broken
        return self._fault(witness, broken.code)

    def _fault(self, witness: Witness, what: str) -> bool:
        if witness.fault != what:
            log.warning("witness %s: %s", witness.name, what)
        witness.fault = self.faults[witness.name] = what
        return False


KEEP_LINE = """
INSERT INTO log_cosignature (size, name, timestamp, line, made_at) VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT (size, name) DO NOTHING"""
_PENDING = """
SELECT c.size, ARRAY(SELECT s.name::text FROM log_cosignature s WHERE s.size = c.size) AS names
FROM log_checkpoint c WHERE c.size > $1 ORDER BY c.size LIMIT $2"""
