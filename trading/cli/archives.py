"""`trading archive`: fetch an edition of a tender's archive, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading.cli.app import app, screen, t
from trading.cli.log import HERE, Url


@app.command(help=t("help.archive"))
def archive(
    tender: Annotated[str, typer.Argument(help=t("help.tender"))],
    edition: Annotated[str, typer.Option(help=t("help.archive.edition"))] = "public",
    out: Annotated[Path | None, typer.Option(help=t("help.archive.out"))] = None,
    url: Url = HERE,
    token: Annotated[str, typer.Option(envvar="TRADING_TOKEN", help=t("help.token"))] = "",
) -> None:
    """Download one edition; the supervision edition needs a token that may read it."""
    from trading.client import PREFIX, Platform

    if edition not in ("public", "supervision"):
        raise typer.BadParameter(edition)
    to = out or Path(f"{tender}.{edition}.zip")
    with Platform(url, token=token, lang=screen().lang, timeout=300) as platform:
        size = len(platform.fetch(f"{PREFIX}/tenders/{tender}/archive/{edition}", to))
    screen().say("archive.fetched", path=str(to), size=size)
    screen().result({"path": str(to), "size": size})
