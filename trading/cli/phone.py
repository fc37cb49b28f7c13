"""`trading phone`: pick up, press keys, hang up for the experts of a `file` channel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading.cli.app import app, screen, t


@app.command("phone", help=t("help.phone"))
def phone(
    directory: Annotated[Path, typer.Option("--directory", help=t("help.phone.directory"))] = Path("data/calls"),
    number: Annotated[str, typer.Option("--number", help=t("help.phone.number"))] = "",
    seconds: Annotated[float | None, typer.Option("--for", help=t("help.phone.for"))] = None,
) -> None:
    """Show the calls that ring in the directory and do what is typed, until `q`."""
    from trading.channels.phone import Phone, sit

    screen().say("phone.keys")
    sit(Phone(directory, number), screen().say, seconds=seconds)
