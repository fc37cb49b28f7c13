"""The part of the commands in which a paper of two is signed: shown, asked for, signed, written back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading.cli.app import agree, screen, t
from trading.cli.bidder import signer_of

if TYPE_CHECKING:
    from trading.tools.two_signed import Kind

IdentityOption = Annotated[Path, typer.Option("--key", help=t("help.settle.key"))]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))]


def countersign(paper: Path, kind: Kind, key: Path, yes: bool, show: Callable[[Mapping[str, Any]], None]) -> None:
    """First one of the two, then the other, each on its own machine, after reading what it is.

    Raises Refused: what the paper's kind says of a broken one, T-STOPPED, and those of `signer_of`.
    """
    from trading.keyfiles import peek
    from trading.tools.two_signed import SIGNED, write

    found = kind.read(paper.read_bytes())
    show(found)
    agree("settle.confirm", yes)
    who, signer = signer_of(key, str(peek(key)["origin"]), kind="identity")
    signed = kind.sign(found, signer)
    paper.write_bytes(write(signed))
    screen().say("settle.signed", who=who, count=len(signed["sig"]), needed=SIGNED)
    screen().result({"file": str(paper), "by": who, "signatures": len(signed["sig"])})
