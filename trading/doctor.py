"""`trading doctor`: what is well with an installation and what is not, and the proof after a restore.

Nothing here repairs anything: a doctor who operates unasked would hide the evidence.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pylopdf_fonts_zh_cn as fonts

from audit.logkey import LogKey
from audit.merkle import Frontier, leaf_hash
from audit.refusal import Broken, Refused
from audit.trust import Parties, Policy
from bidding.payload import measure
from bidding.store import Store
from trading import client_certificates
from trading.accounts import ADMINS
from trading.messages import say, tell
from trading.postgres import APP, dsn, known_steps, plan
from trading.settings import Settings

SKEW = 2.0
"""Seconds between application and database clock that are too many, log.md §5."""
SLOW = 0.25
"""Seconds for one fsync of 4 KiB beyond which a closing hour would be unpleasant."""
ROOM = 5 << 30
"""Bytes of free disk below which a warning is due: five large bids."""
GUARDED = ("log_record", "log_leaf", "log_checkpoint", "log_cosignature", "log_disclosure")


@dataclass(frozen=True)
class Finding:
    """One thing examined: a catalogue code without its `doctor.` prefix, whether it is well, and the figures."""

    what: str
    well: bool
    detail: str


@dataclass(frozen=True)
class Proof:
    """What `prove` found: the size of the log, the payloads read through, and what does not hold (empty: all does)."""

    size: int
    payloads: int
    faults: tuple[str, ...]


async def examine(settings: Settings, lang: str = "zh-CN") -> list[Finding]:
    """Look at everything once. Never raises for what it looks for: an error is a finding, told in this language."""

    async def attempt(what: str, look: Callable[[], Awaitable[tuple[bool, str]]]) -> Finding:
        try:
            return Finding(what, *await look())
        except (Refused, Broken) as error:
            return Finding(what, False, f"{error.code}  {tell(error, lang)}")
        except asyncpg.UndefinedTableError:
            return Finding(what, False, say("doctor.unmigrated", lang))
        except (OSError, asyncpg.PostgresError, httpx.HTTPError, ValueError) as error:
            return Finding(what, False, f"{type(error).__name__}: {error}")

    findings = [
        await attempt("fsync", lambda: _fsync(settings.data)),
        await attempt("room", lambda: _room(settings.data)),
        await attempt("keys", lambda: _keys(settings)),
        await attempt("signin", lambda: _signin(settings, lang)),
        await attempt("proxies", lambda: _proxies(settings, lang)),
        await attempt("fonts", _fonts),
        await attempt("metrics", lambda: _metrics(settings, lang)),
    ]
    try:
        connection = await asyncpg.connect(dsn(settings, APP), timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        return [*findings, Finding("database", False, f"{type(error).__name__}: {error}")]
    try:
        findings += [
            await attempt("database", lambda: _durable(connection)),
            await attempt("schema", lambda: _schema(settings, lang)),
            await attempt("clock", lambda: _clock(connection)),
            await attempt("grants", lambda: _grants(connection)),
            await attempt("people", lambda: _people(connection, lang)),
            await attempt("trust", lambda: _trust(settings, connection)),
            await attempt("beat", lambda: _beat(settings, connection)),
        ]
    finally:
        await connection.close()
    for name, url in settings.witness_urls:
        findings.append(await attempt("witness", lambda name=name, url=url: _witness(name, url)))  # type: ignore[misc]
    return findings


async def prove(settings: Settings, published: Path) -> Proof:
    """Replay the log from its rows and read every effective payload: does the database hold what was signed?

    `published` is a checkpoint that others have seen; a log that was never published has no such file.
    Streams; memory stays flat however long the log is.
    """
    faults: list[str] = []
    connection = await asyncpg.connect(dsn(settings, APP))
    try:
        frontier, payloads = Frontier(), 0
        policy = Policy.parse(settings.policy_path.read_bytes())
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            async for rows in _batches(connection, "SELECT index, entry, leaf_hash FROM log_leaf ORDER BY index"):
                hashes = [leaf_hash(row["entry"]) for row in rows]
                faults += [f"leaf {r['index']}" for r, h in zip(rows, hashes, strict=True) if h != r["leaf_hash"]]
                if rows[0]["index"] != frontier.size or rows[-1]["index"] != frontier.size + len(rows) - 1:
                    faults.append(f"leaves are missing after {frontier.size}")
                    break
                frontier.extend(hashes)
            last = await connection.fetchrow("SELECT size, root FROM log_checkpoint ORDER BY size DESC LIMIT 1")
            if last is None:
                faults.append("no checkpoint")
            elif (last["size"], bytes(last["root"])) != (frontier.size, frontier.root()):
                faults.append(f"the tree of {frontier.size} leaves is not that of checkpoint {last['size']}")
            faults += await _published(published, connection, policy)
            store = Store(settings.bids_dir)
            effective = "SELECT upload_id, root, hash FROM bidding_deposit WHERE ended_at IS NULL"
            async for rows in _batches(connection, effective):
                for row in rows:
                    payloads += 1
                    if not store.holds(row["upload_id"]) or measure(store.path(row["upload_id"]))[0] != row["root"]:
                        faults.append(f"payload of manifest {row['hash']}")
    finally:
        await connection.close()
    return Proof(frontier.size, payloads, tuple(faults))


async def _batches(connection: asyncpg.Connection, sql: str) -> AsyncIterator[list[asyncpg.Record]]:
    cursor = await connection.cursor(sql)
    while rows := await cursor.fetch(4096):
        yield rows


async def _published(path: Path, connection: asyncpg.Connection, policy: Policy) -> list[str]:
    """What was published, and witnesses have seen, must be one of the database's checkpoints."""
    from audit.checkpoint import verify_note

    if not path.exists():
        return []
    try:
        checkpoint = verify_note(path.read_bytes(), policy, quorum=False).checkpoint
    except Broken as error:
        return [f"the published checkpoint: {error}"]
    root = await connection.fetchval("SELECT root FROM log_checkpoint WHERE size = $1", checkpoint.size)
    if root is None or bytes(root) != checkpoint.root:
        return [f"the published checkpoint {checkpoint.size} is not in the database"]
    return []


async def _fsync(data: Path) -> tuple[bool, str]:
    data.mkdir(parents=True, exist_ok=True)
    probe, times = data / ".doctor", []
    with probe.open("wb") as handle:
        for _ in range(5):
            handle.write(b"\0" * 4096)
            handle.flush()
            begin = time.perf_counter()
            os.fsync(handle.fileno())
            times.append(time.perf_counter() - begin)
    probe.unlink()
    median = sorted(times)[2]
    return median < SLOW, f"{median * 1000:.1f} ms"


async def _room(data: Path) -> tuple[bool, str]:
    free = shutil.disk_usage(data if data.exists() else data.parent).free
    return free > ROOM, f"{free / 2**30:.1f} GiB"


async def _keys(settings: Settings) -> tuple[bool, str]:
    key = LogKey.load(settings.log_key_path, settings.origin)
    policy = Policy.parse(settings.policy_path.read_bytes())
    Parties.parse(settings.parties_path.read_bytes())
    return key.vkey.public == policy.log.public and policy.origin == settings.origin, str(key.vkey)


async def _signin(settings: Settings, lang: str) -> tuple[bool, str]:
    """Whether people can sign in, over a line nobody else reads, and whose word on certificates is believed."""
    if not settings.https and not settings.local:
        return False, say("doctor.signin.http", lang)
    shown = [settings.base_url, settings.passkey_rp]
    if settings.client_cert_header:
        if not settings.trusted_proxies:
            return False, say("doctor.signin.proxy", lang)
        if settings.client_ca is None:
            return False, say("doctor.signin.ca", lang)
        cas = client_certificates.read_cas(settings.client_ca)
        shown.append(f"{len(cas)} CA · {min(ca.not_valid_after_utc for ca in cas):%Y-%m-%d}")
    return True, " · ".join(shown)


async def _proxies(settings: Settings, lang: str) -> tuple[bool, str]:
    """Each is one address as connections show it: a network or a name would match nobody, and say nothing of it."""
    wrong = [one for one in settings.trusted_proxies if not _is_address(one)]
    if wrong:
        return False, say("doctor.proxies.wrong", lang, wrong=wrong)
    if settings.https and not settings.local and not settings.trusted_proxies:
        return False, say("doctor.proxies.none", lang)
    return True, ", ".join(settings.trusted_proxies) or say("doctor.none", lang)


def _is_address(text: str) -> bool:
    try:
        return str(ipaddress.ip_address(text)) == text
    except ValueError:
        return False


async def _fonts() -> tuple[bool, str]:
    """The fonts papers are set with are installed."""
    paths = (fonts.serif_path(), fonts.sans_path())
    lost = [path.name for path in paths if not path.is_file()]
    return not lost, ", ".join(lost or [path.name for path in paths])


async def _metrics(settings: Settings, lang: str) -> tuple[bool, str]:
    """Where the settings name a port, the process answers there."""
    told = []
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        for name, port in (("serve", settings.metrics_port), ("jobs", settings.jobs_metrics_port)):
            if port:
                answer = await client.get(f"http://127.0.0.1:{port}/metrics")
                told.append(f"{name} {port}: {answer.status_code}")
                if answer.status_code != 200:
                    return False, told[-1]
    return True, " · ".join(told) or say("doctor.metrics.off", lang)


async def _people(connection: asyncpg.Connection, lang: str) -> tuple[bool, str]:
    """All three administrators are there; of each how many, and how many people sign in."""
    rows = await connection.fetch(
        "SELECT role, count(*) FROM trading_membership WHERE role LIKE '%admin' GROUP BY role"
    )
    held = {row["role"]: row["count"] for row in rows}
    if missing := sorted(ADMINS - held.keys()):
        return False, say("doctor.people.missing", lang, roles=[say(f"page.role.{role}", lang) for role in missing])
    accounts = await connection.fetchval("SELECT count(*) FROM trading_account")
    return True, " · ".join(
        f"{say(f'page.role.{role}', lang)} {held[role]}" for role in sorted(held)
    ) + f" · {accounts}"


async def _durable(connection: asyncpg.Connection) -> tuple[bool, str]:
    names = ("synchronous_commit", "fsync", "full_page_writes")
    values = {name: await connection.fetchval("SELECT current_setting($1)", name) for name in names}
    version = await connection.fetchval("SELECT current_setting('server_version')")
    shown = " ".join(f"{name}={value}" for name, value in values.items())
    return all(
        value in ("on", "remote_apply", "remote_write", "local") for value in values.values()
    ), f"{version} {shown}"


async def _schema(settings: Settings, lang: str) -> tuple[bool, str]:
    """The database has taken exactly the steps that this version knows."""
    found = await plan(settings, APP)
    if found.unknown:
        return False, say("doctor.schema.newer", lang, steps=list(found.unknown))
    if found.pending:
        return False, say("doctor.schema.older", lang, steps=list(found.pending))
    return True, str(len(known_steps()))


async def _clock(connection: asyncpg.Connection) -> tuple[bool, str]:
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    skew = abs((datetime.now(UTC) - theirs).total_seconds())
    return skew < SKEW, f"{skew:.3f} s"


async def _grants(connection: asyncpg.Connection) -> tuple[bool, str]:
    may = [
        f"{privilege} {table}"
        for table in GUARDED
        for privilege in ("UPDATE", "DELETE", "TRUNCATE")
        if await connection.fetchval("SELECT has_table_privilege(current_user, $1, $2)", table, privilege)
    ]
    return not may, ", ".join(may) or "INSERT, SELECT"


async def _trust(settings: Settings, connection: asyncpg.Connection) -> tuple[bool, str]:
    """The trust files on disk are those the log published last."""
    import json

    row = await connection.fetchval(
        "SELECT record FROM log_record WHERE type = 'trust-published' ORDER BY id DESC LIMIT 1"
    )
    if row is None:
        row = await connection.fetchval("SELECT record FROM log_record WHERE type = 'log-opened' ORDER BY id LIMIT 1")
    if row is None:
        return False, "the log is not open"
    said = json.loads(bytes(row))
    for name, path in (("policy", settings.policy_path), ("parties", settings.parties_path)):
        if hashlib.sha256(path.read_bytes()).hexdigest() != said[name]:
            return False, f"{path.name} is not the published one"
    return True, "policy.txt, parties.txt"


async def _beat(settings: Settings, connection: asyncpg.Connection) -> tuple[bool, str]:
    row = await connection.fetchrow(
        "SELECT size, extract(epoch FROM log_now() - made_at) AS age FROM log_checkpoint ORDER BY size DESC LIMIT 1"
    )
    if row is None:
        return False, "no checkpoint"
    factor = await connection.fetchval("SELECT coalesce((SELECT factor FROM log_clock), 1)")
    beats = float(row["age"]) / factor / settings.beat
    return beats < 4, f"{row['size']} · {beats:.1f} beats"


async def _witness(name: str, url: str) -> tuple[bool, str]:
    async with httpx.AsyncClient(timeout=5) as client:
        response = await client.post(url.rstrip("/") + "/add-checkpoint", content=b"")
    return response.status_code == 400, f"{name} {response.status_code}"
