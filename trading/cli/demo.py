"""`trading demo`: one command, and a newcomer sees the whole path."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading.cli.app import app, screen, t


@app.command(help=t("help.demo"))
def demo(
    quick: Annotated[bool, typer.Option("--quick", help=t("help.demo.quick"))] = False,
    all: Annotated[bool, typer.Option("--all", help=t("help.demo.all"))] = False,
    input: Annotated[Path | None, typer.Option(help=t("help.demo.input"))] = None,
    out: Annotated[Path | None, typer.Option(help=t("help.demo.out"))] = None,
    port: Annotated[int, typer.Option(help=t("help.demo.port"), min=1, max=65535)] = 8000,
    data: Annotated[Path | None, typer.Option(help=t("help.data"))] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help=t("help.demo.no-browser"))] = False,
) -> None:
    """A guided tour until Ctrl-C; or the story on real tenders: exit 0 only if every archive verifies."""
    from trading.demo.story import run

    code = run(
        screen(), quick=quick, everything=all, source=input, out=out, port=port, data=data, browser=not no_browser
    )
    raise typer.Exit(code)
