"""`trading dispatch`: the process that draws experts and calls them; `trading dispatch status`: how it fares."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from trading.cli.app import app, screen, t
from trading.cli.service import Data, settings

dispatch = typer.Typer(help=t("help.dispatch"), invoke_without_command=True, add_completion=False)
app.add_typer(dispatch, name="dispatch")


@dispatch.callback()
def run(
    context: typer.Context,
    data: Data = None,
    once: Annotated[bool, typer.Option("--once", help=t("help.dispatch.once"))] = False,
) -> None:
    """Draw and call, until SIGTERM."""
    if context.invoked_subcommand is not None:
        return
    from trading.channels.settings import ChannelSettings
    from trading.cli.experts import open_vault
    from trading.dispatching import DispatchSettings
    from trading.dispatching import run as dispatching
    from trading.postgres import running

    chosen = settings(data)
    vault = open_vault(chosen)
    drivers = ChannelSettings(data=chosen.data)
    with running(chosen):
        asyncio.run(dispatching(chosen, vault, DispatchSettings(), drivers, once=once))


@dispatch.command(help=t("help.dispatch.status"))
def status(data: Data = None) -> None:
    """Counts of panels, calls and channels; nobody's name."""
    from trading.dispatching import status as counts
    from trading.postgres import connected, running

    chosen = settings(data)

    async def look() -> dict[str, Any]:
        async with connected(chosen):
            return await counts(chosen.data)

    with running(chosen):
        found = asyncio.run(look())
    for what in ("panels", "summonses"):
        for state, count in found[what].items():
            screen().line(f"{screen().text(f'dispatch.{what}')}  {state}  {count}")
    for channel, count in found["channels"].items():
        screen().line(screen().text("dispatch.channel", channel=channel, **count))
    for one in found["health"]:
        screen().line(screen().text("dispatch.health", **one))
    screen().result(found)
