"""`trading post`: the process that writes to bidders' people, by mail and short message."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from trading.cli.app import app, t
from trading.cli.service import Data, settings


@app.command(help=t("help.post"))
def post(data: Data = None, once: Annotated[bool, typer.Option("--once", help=t("help.post.once"))] = False) -> None:
    """Write what is due, until SIGTERM."""
    from trading.channels.settings import ChannelSettings
    from trading.postgres import running
    from trading.posting import run

    chosen = settings(data)
    drivers = ChannelSettings(data=chosen.data)
    with running(chosen):
        asyncio.run(run(chosen, drivers, once=once))
