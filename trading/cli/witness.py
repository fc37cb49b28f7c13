"""`trading witness serve`: the supervisor's side, on its own machine, under its own key."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from trading.cli.app import group, screen, t
from trading.cli.keys import passphrase

witness = group("witness")


@witness.callback()
def _several() -> None:
    """Keeps `serve` a word of its own while it is the only command."""


@witness.command("serve", help=t("help.witness.serve"))
def serve(
    state: Annotated[Path, typer.Option(help=t("help.state"))],
    key: Annotated[Path, typer.Option(help=t("help.key"), exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option(help=t("help.witness.name"))],
    policy: Annotated[list[Path], typer.Option(help=t("help.policy"), exists=True, dir_okay=False)],
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8100,
    platform: Annotated[str, typer.Option(help=t("help.witness.platform"))] = "",
    clock: Annotated[str, typer.Option(help=t("help.witness.clock"))] = "",
) -> None:
    """Check that the log only grows, cosign, probe; until SIGTERM."""
    from audit.clock import DEMO
    from audit.trust import Ed25519Signer, Policy
    from audit.witness import WitnessSettings, read_clock, serve_witness
    from trading.keyfiles import read

    policies = tuple(Policy.parse(path.read_bytes()) for path in policy)
    opened = read(key, passphrase(), kind="identity", origin=policies[0].origin)
    told = json.loads(clock) if clock else None
    if told is None and platform and policies[0].origin.startswith(DEMO):
        told = asyncio.run(read_clock(platform))
    screen().say("witness.serving", name=name, url=f"http://{host}:{port}")
    signer = Ed25519Signer(opened.private)  # type: ignore[arg-type]
    settings = WitnessSettings(
        directory=state,
        name=name,
        signer=signer,
        policies=policies,
        host=host,
        port=port,
        platform=platform,
        clock=told,
    )
    asyncio.run(serve_witness(settings))
