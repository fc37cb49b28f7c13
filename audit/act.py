"""`acting()`: one transaction and its records. No act, no effect (log.md, first paragraph).

Use cases open the act; a lower function that changes anything takes `act` as its first argument and
records what it did. At exit the records get their serial numbers under a row lock and are inserted
in the same transaction as the change itself, in one statement. Acts do not wait for the log: the
sequencer (sequencer.py) gives committed records their leaf at the next beat.

    async with acting(Actor("bidder", "91310000…")) as act:
        rows = await act.query("UPDATE … RETURNING log_now()", …)
        ref = act.record("deposited", subject=tender, tender=tender, …)
    promise = log_key.promise(ref.entry)

Rules of the act
- It records at least one fact, else it raises and rolls back.
- Acts do not nest, and nothing is spawned, sent or signed inside one.
- `Refused` and every other exception roll everything back.
- The time of a record is the database's log_now(), read under the lock that decides.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from audit.record import NONCE, RecordType, Rule, encode, entry_of, make, types


@dataclass(frozen=True)
class Actor:
    """Who acts: a kind ("bidder", "operator", "timer", "custodian" …) and an opaque id."""

    kind: str
    id: str


@dataclass
class RecordRef:
    """A record of an act. Sealed records know their bytes at once; `serial` ones, and every `id`, when it ends."""

    kind: RecordType
    subject: str
    body: dict[str, Any]
    record: bytes = b""  # canonical bytes
    nonce: bytes | None = None  # 32 bytes for a blinded entry, None for a clear one
    entry: bytes = b""  # log.md §2; what the promise is signed over
    id: int = 0  # its row
    committed: bool = False  # durable: a promise may be given

    def _settle(self) -> None:
        self.record = encode(self.body)
        if not self.kind.public:
            self.nonce = secrets.token_bytes(NONCE)
        self.entry = entry_of(self.record, self.nonce)


@dataclass(frozen=True)
class _Disclosing:
    cause: RecordRef
    tender: str | None
    rule: Rule
    records: tuple[int, ...]
    public: bool


class Act:
    """One open transaction; made by `acting` only."""

    def __init__(self, actor: Actor, raw: Any, connection: BaseDBAsyncClient) -> None:
        self.actor = actor
        self.connection = connection  # for ORM calls: `.using_db(act.connection)`
        self.entries: list[RecordRef] = []  # complete after the act has ended
        self._raw = raw  # asyncpg's own connection, inside this transaction
        self._now: datetime | None = None
        self._disclosing: list[_Disclosing] = []

    @property
    def now(self) -> datetime:
        """Log time as last read from the database in this act: at entry, by `clock()`, or handed to `at()`."""
        if self._now is None:
            raise RuntimeError("this act was opened without a clock: await act.clock() or call act.at(…) first")
        return self._now

    async def clock(self) -> datetime:
        """Read log_now() again, after a lock was taken; `now` and later records use it."""
        self._now = await self._raw.fetchval("SELECT log_now()")
        return self.now

    def at(self, now: datetime) -> None:
        """Take a log_now() which another statement of this act has returned; saves a round trip."""
        self._now = now

    async def query(self, sql: str, *args: Any) -> list[Any]:
        """Run one statement with `$1` parameters; rows answer to `row["column"]`.

        Errors are asyncpg's own (`asyncpg.UniqueViolationError` with `.constraint_name`, …).
        """
        rows: list[Any] = await self._raw.fetch(sql, *args)
        return rows

    def record(self, type: str, /, *, subject: str, time: datetime | None = None, **body: Any) -> RecordRef:
        """State a fact of a declared type; it is inserted, with its serial number, when the act ends.

        `time` defaults to `now`. Fields are checked against the type's declaration (audit/record.py).
        """
        actor = {"kind": self.actor.kind, "id": self.actor.id}
        value = make(type, subject=subject, actor=actor, time=time or self.now, **body)
        ref = RecordRef(types[type], subject, value)
        if not ref.kind.counter:
            ref._settle()
        self.entries.append(ref)
        return ref

    async def settle(self, ref: RecordRef) -> bytes:
        """The bytes of a record before the act ends, for a row that keeps them: its serial number is taken now."""
        if not ref.record:
            await self._number([ref])
        return ref.record

    def disclose(
        self,
        cause: RecordRef,
        *,
        tender: str | None = None,
        rule: Rule = Rule.CLOSING,
        records: Sequence[int] = (),
        public: bool,
    ) -> None:
        """When the act ends, disclose all records of `tender` under `rule`, and those with the given row ids.

        `cause` is the public record of this act that ends their secrecy (`closed`, `evaluation-closed`);
        `public=False` shows them to the supervision edition alone (a box that stays shut). log.md §1.
        """
        self._disclosing.append(_Disclosing(cause, tender, rule, tuple(records), public))

    async def insert(self) -> None:
        """Serial numbers, then all records in one statement, then disclosures. Called once, by who opened the act."""
        if not self.entries:
            raise RuntimeError("an act without a record")
        await self._number([ref for ref in self.entries if not ref.record])
        rows = [
            (
                ref.kind.name,
                " ".join(sorted(ref.kind.rules)),
                ref.subject,
                ref.body.get("tender"),
                self.actor.kind,
                self.actor.id,
                ref.body.get("serial"),
                ref.body.get("sserial"),
                ref.record,
                ref.nonce,
                ref.entry,
                ref.body["time"],
            )
            for ref in self.entries
        ]
        if len(rows) <= FEW:
            ids = await self._raw.fetch(_INSERT_FEW[len(rows)], *chain.from_iterable(rows))
        else:
            ids = await self._raw.fetch(_INSERT_MANY, *(list(column) for column in zip(*rows, strict=True)))
        for ref, row in zip(self.entries, ids, strict=True):
            ref.id = row["id"]
        for what in self._disclosing:
            await self._raw.execute(
                _DISCLOSE, what.cause.id, what.public, what.tender, what.rule.value, list(what.records)
            )

    async def _number(self, refs: list[RecordRef]) -> None:
        """Give `serial` and `sserial`, per subject in the order recorded; the row lock lasts until the commit."""
        if not refs:
            return
        wanted: dict[str, list[int]] = {}
        for ref in refs:
            wanted.setdefault(ref.subject, [0, 0])[ref.kind.counter == "sserial"] += 1
        subjects = sorted(wanted)  # one order for everybody: no deadlock between acts
        rows = await self._raw.fetch(
            _NUMBER, subjects, [wanted[s][0] for s in subjects], [wanted[s][1] for s in subjects]
        )
        last = {
            row["subject"]: {
                "serial": row["serial"] - wanted[row["subject"]][0],
                "sserial": row["sserial"] - wanted[row["subject"]][1],
            }
            for row in rows
        }
        for ref in refs:
            counter = ref.kind.counter
            last[ref.subject][counter] += 1
            ref.body[counter] = last[ref.subject][counter]
            ref._settle()


_acting: ContextVar[bool] = ContextVar("acting", default=False)


@asynccontextmanager
async def acting(actor: Actor, *, clock: bool = True) -> AsyncIterator[Act]:
    """Open an act. `clock=False` saves reading log_now() at entry: then call `act.clock()` or `act.at(…)`."""
    if _acting.get():
        raise RuntimeError("acts do not nest")
    token = _acting.set(True)
    try:
        async with in_transaction() as connection:
            act = Act(actor, connection._connection, connection)
            if clock:
                await act.clock()
            yield act
            await act.insert()
        for ref in act.entries:
            ref.committed = True
    finally:
        _acting.reset(token)


class Pool:
    """The raw asyncpg pool behind the ORM's connection, opened when first used: for the log, feeds and exports.

    `await pool().fetch(…)`, or `db = await pool()` for asyncpg's own pool.
    """

    def __await__(self) -> Generator[Any, None, Any]:
        return self._opened().__await__()

    async def _opened(self) -> Any:
        client: Any = get_connection("default")
        # Inside an act the ORM's connection is the transaction; the pool hangs on its parent.
        while hasattr(client, "_parent"):
            client = client._parent
        if client._pool is None:
            async with client._pool_init_lock:
                if client._pool is None:
                    await client.create_connection(with_db=True)
        return client._pool

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """All rows."""
        rows: list[Any] = await (await self).fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        """The first row, or None."""
        return await (await self).fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await (await self).fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """The statement's tag ("INSERT 0 1")."""
        return str(await (await self).execute(sql, *args))


async def reach(*arguments: Any, **more: Any) -> Any:
    """`connect=` of every pool: no socket, or nobody behind it, is a database that is away (ConnectionError), to be told
    apart from a disk of ours that does not write."""
    try:
        return await asyncpg.connect(*arguments, **more)
    except OSError as gone:
        raise ConnectionError(str(gone)) from gone


def pool() -> Pool:
    """Raw access to the database outside acts: reading, and rows that are no facts (idempotency keys, uploads)."""
    return Pool()


_COLUMNS = "id, type, rules, subject, tender, actor_kind, actor, serial, sserial, record, nonce, entry, made_at"
FEW = 8
"""Records that go into a statement of their own: no arrays to take apart, neither here nor there."""


def _values(count: int) -> str:
    """One row after the other: the ids ascend as the records were stated."""
    rows = (", ".join(f"${first + n}" for n in range(11)) for first in range(1, 12 * count, 12))
    return ", ".join(f"(log_next_record(), {row}, ${12 * n}::text::timestamptz)" for n, row in enumerate(rows, 1))


_INSERT_FEW = {n: f"INSERT INTO log_record ({_COLUMNS}) VALUES {_values(n)} RETURNING id" for n in range(1, FEW + 1)}
_INSERT_MANY = f"""
INSERT INTO log_record ({_COLUMNS})
SELECT log_next_record(), r.* FROM (SELECT a, b, c, d, e, f, g, h, i, j, k, l::timestamptz FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
    $9::bytea[], $10::bytea[], $11::bytea[], $12::text[]) WITH ORDINALITY
    AS u(a, b, c, d, e, f, g, h, i, j, k, l, n) ORDER BY n) r RETURNING id"""
_NUMBER = """
INSERT INTO log_serial AS s (subject, serial, sserial)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS u(a, b, c) ORDER BY a
ON CONFLICT (subject) DO UPDATE SET serial = s.serial + excluded.serial, sserial = s.sserial + excluded.sserial
RETURNING subject, serial, sserial"""
_DISCLOSE = """
INSERT INTO log_disclosure (record, cause, public, at)
SELECT id, $1, $2, log_now() FROM log_record
WHERE id <> $1 AND nonce IS NOT NULL AND (
    tender = $3 AND $4 = ANY (string_to_array(rules, ' ')) OR id = ANY ($5::bigint[]))
ON CONFLICT (record, cause) DO NOTHING"""
