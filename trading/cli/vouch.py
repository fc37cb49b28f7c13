"""`trading vouch`: an authority countersigns the request that a bidder's page saved (envelope.md §5)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading.cli.app import agree, app, screen, t
from trading.cli.bidder import PolicyOption, signer_of


@app.command(help=t("help.vouch"))
def vouch(
    request: Annotated[Path, typer.Argument(help=t("help.vouch.request"), exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option("--key", help=t("help.vouch.key"))],
    policy: PolicyOption,
    out: Annotated[Path | None, typer.Option(help=t("help.vouch.out"))] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
) -> None:
    """Show whose key it is, ask, countersign."""
    from audit.trust import Policy
    from trading.tools import registration

    origin = Policy.parse(policy.read_bytes()).origin
    made, sig = registration.request_of(request.read_bytes(), origin)
    screen().say("vouch.about", bidder=made.bidder, key=made.key.hex(), authority=made.by_authority or "—")
    agree("vouch.confirm", yes)
    who, signer = signer_of(key, origin, kind="identity")
    path = out or request.with_suffix(".signed.json")
    path.write_bytes(registration.countersign(made, sig, who, signer))
    screen().say("vouch.done", path=str(path))
    screen().result({"file": str(path), "bidder": made.bidder, "by": who})
