"""`trading offline-pages | kit`: what goes to a machine without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading.cli.app import app, screen, t
from trading.cli.bidder import TokenOption
from trading.cli.log import HERE, Url


@app.command("offline-pages", help=t("help.offline"))
def pages(
    out: Annotated[Path, typer.Option(help=t("help.offline.out"), file_okay=False)] = Path(),
) -> None:
    """Make sealing.html and custodian.html from the sources at hand and print their SHA-256."""
    from trading import offline

    out.mkdir(parents=True, exist_ok=True)
    for name in offline.PAGES:
        (out / f"{name}.html").write_bytes(offline.built(name))
        screen().line(f"{offline.digest(name)}  {out / f'{name}.html'}")
    screen().result({name: offline.digest(name) for name in offline.PAGES})


@app.command("kit", help=t("help.kit"))
def kit(
    tender: Annotated[str, typer.Argument(help=t("help.tender"))],
    stage: Annotated[str, typer.Option(help=t("help.kit.stage"))] = "",
    seen: Annotated[int, typer.Option(help=t("help.kit.seen"), min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help=t("help.archive.out"))] = None,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Fetch the sealing kit of a tender, or (with a stage, for a custodian) the kit of its closing."""
    from trading.client import PREFIX, Platform

    to = out or Path(f"{stage}-kit.zip" if stage else "sealing-kit.zip")
    what = f"kits/{stage}" if stage else "sealing-kit"
    with Platform(url, token=token, lang=screen().lang, timeout=300) as platform:
        size = len(platform.fetch(f"{PREFIX}/tenders/{tender}/{what}?seen={seen}", to))
    screen().say("archive.fetched", path=str(to), size=size)
    screen().result({"path": str(to), "size": size})
