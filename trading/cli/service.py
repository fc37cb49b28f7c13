"""`trading serve | jobs | migrate | doctor | backup | restore | token`: the people who run a centre."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.refusal import Broken
from trading.cli.app import app, screen, t

Data = Annotated[Path | None, typer.Option("--data", envvar="TRADING_DATA", help=t("help.data"))]


def settings(data: Path | None, **more: Any) -> Any:
    """This installation's settings, with what the command line says instead; what makes no sense is a usage error."""
    from pydantic import ValidationError

    from trading.settings import Settings

    given = {name: value for name, value in {"data": data, **more}.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = ", ".join(f"TRADING_{'_'.join(map(str, one['loc']))}".upper() for one in error.errors())
        raise typer.BadParameter(wrong) from None


@app.command(help=t("help.serve"))
def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option()] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
) -> None:
    """Pages and API, until SIGTERM."""
    import uvicorn

    from trading.installation import open_
    from trading.logs import speak
    from trading.metrics import take
    from trading.postgres import running
    from trading.web.app import create_app

    chosen = settings(data, host=host, port=port)
    speak(chosen)
    open_(chosen)  # what is missing is said here, as a sentence, not from within the server's start
    if chosen.metrics_port:
        take(chosen.metrics_port).close()
    with running(chosen):
        uvicorn.run(
            create_app(chosen),
            host=chosen.host,
            port=chosen.port,
            log_config=None,  # our own: one object a line (logs.py)
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whose headers are believed is a setting of ours: trusted_proxies
            timeout_graceful_shutdown=2,
        )


@app.command(help=t("help.jobs"))
def jobs(data: Data = None) -> None:
    """The sequencer's beats and the timers, until SIGTERM."""
    from trading.jobs import run
    from trading.postgres import running

    chosen = settings(data)
    with running(chosen):
        asyncio.run(run(chosen))


@app.command(help=t("help.migrate"))
def migrate(
    data: Data = None,
    plan: Annotated[bool, typer.Option("--plan", help=t("help.migrate.plan"))] = False,
) -> None:
    """Create or upgrade the schema; a second run at the same time waits for the first."""
    from trading.postgres import migrate as run
    from trading.postgres import running

    chosen = settings(data)
    with running(chosen):
        if plan:
            _show_plan(chosen)
            return
        asyncio.run(run(chosen))
    screen().say("service.migrated")
    screen().result({"migrated": True})


def _show_plan(chosen: Any) -> None:
    """What `migrate` would do, and nothing done; exit 1 where the database is ahead of this version."""
    from trading.postgres import plan

    found = asyncio.run(plan(chosen))
    for step in found.pending:
        screen().line(f"+ {step}")
    for step in found.unknown:
        screen().line(f"? {step}")
    screen().say("service.plan", pending=len(found.pending), unknown=len(found.unknown))
    if found.deadline is not None:
        screen().say("service.plan.deadline", deadline=found.deadline)
    deadline = found.deadline.isoformat() if found.deadline else None
    screen().result({"pending": list(found.pending), "unknown": list(found.unknown), "deadline": deadline})
    if found.unknown:
        raise typer.Exit(1)


@app.command(help=t("help.doctor"))
def doctor(data: Data = None) -> None:
    """Say what is well and what is not; exit 1 if something is not."""
    from trading.cli.reference import misspelt
    from trading.doctor import Finding, examine
    from trading.postgres import running

    chosen = settings(data)
    strange = misspelt(os.environ)
    findings = [Finding("settings", not strange, ", ".join(strange) or screen().text("doctor.settings.known"))]
    with running(chosen):
        findings += asyncio.run(examine(chosen, screen().lang))
    for finding in findings:
        mark = "✓" if finding.well else "✗"
        screen().line(f"{mark} {screen().text('doctor.' + finding.what)}  {finding.detail}")
    screen().result({"findings": [vars(finding) for finding in findings]})
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


@app.command(help=t("help.backup"))
def backup(
    to: Annotated[Path, typer.Argument(help=t("help.backup.to"))],
    data: Data = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help=t("help.backup.keys"))] = False,
) -> None:
    """Write a backup and read it through once."""
    from trading.backup import backup as write
    from trading.backup import check
    from trading.postgres import running

    chosen = settings(data)
    with running(chosen), screen().progress("backup.running", 0) as done:
        write(chosen, to, with_keys=with_keys, progress=done)
    count = check(to)
    screen().say("backup.written", path=str(to), count=count)
    screen().result({"path": str(to), "files": count})


@app.command(help=t("help.restore"))
def restore(source: Annotated[Path, typer.Argument(help=t("help.restore.from"))], data: Data = None) -> None:
    """Restore into an empty installation, then prove the log from its rows and every payload from its root."""
    from trading.backup import CHECKPOINT
    from trading.backup import restore as put
    from trading.doctor import prove
    from trading.postgres import running

    chosen = settings(data)
    with running(chosen):
        count = put(chosen, source)
        proof = asyncio.run(prove(chosen, source / CHECKPOINT))
    if proof.faults:
        raise Broken("B-FOREIGN", what="; ".join(proof.faults[:3]))
    screen().say("restore.done", count=count, size=proof.size, payloads=proof.payloads)
    screen().result({"files": count, "size": proof.size, "payloads": proof.payloads})


@app.command(help=t("help.token.issue"))
def token(
    organisation: Annotated[str, typer.Option(help=t("help.token.organisation"))],
    name: Annotated[str, typer.Option(help=t("help.token.name"))],
    person: Annotated[str, typer.Option(help=t("help.token.person"))],
    data: Data = None,
) -> None:
    """The first token of a new installation; later ones come from the security administrator."""
    from trading.accounts import found, pepper_of, use_pepper
    from trading.postgres import connected, running

    chosen = settings(data)

    async def issue() -> dict[str, Any]:
        async with connected(chosen):
            use_pepper(pepper_of(chosen))
            return await found(person, organisation, name)

    with running(chosen):
        issued = asyncio.run(issue())
    screen().line(str(issued["token"]))
    screen().result({"token": issued["token"], "person": issued["person"]})
