"""The commands, one file a room. `--lang` and `--json` may stand anywhere on the line."""

from __future__ import annotations

import functools
import importlib
import sys
from datetime import datetime
from typing import Any

import typer

from audit.refusal import Refused
from trading.cli.screen import Screen, language

LANG = language()


def _flags(arguments: list[str]) -> tuple[list[str], bool]:
    """Take the two flags that every command has out of the line; what follows `--` is left alone."""
    kept: list[str] = []
    as_json = False
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*kept, argument, *rest], as_json
        if argument == "--json":
            as_json = True
        elif argument == "--lang":
            next(rest, None)
        elif not argument.startswith("--lang="):
            kept.append(argument)
    return kept, as_json


ARGUMENTS, _AS_JSON = _flags(sys.argv[1:])


@functools.lru_cache(maxsize=1)
def screen() -> Screen:
    """This run's screen."""
    return Screen(LANG, as_json=_AS_JSON)


def agree(question: str, yes: bool, **facts: Any) -> None:
    """Ask for a yes, unless it was given on the line or a program reads the answers. Raises Refused("T-STOPPED")."""
    if not yes and not screen().as_json and not typer.confirm(screen().text(question, **facts), err=True):
        raise Refused("T-STOPPED")


def moment(text: str) -> datetime:
    """A time of the command line (ISO 8601), in the legal zone unless it names another. Raises typer.BadParameter."""
    from trading.law.calendar import LEGAL_ZONE

    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(text) from None
    return made if made.tzinfo else made.replace(tzinfo=LEGAL_ZONE)


def t(code: str) -> str:
    """A help text in this run's language."""
    return screen().text(code)


app = typer.Typer(
    help=t("help.trading"),
    epilog=t("help.epilog"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def group(name: str) -> typer.Typer:
    """A command of several words: `trading <name> …`."""
    made = typer.Typer(help=t(f"help.{name}"), no_args_is_help=True, add_completion=False)
    app.add_typer(made, name=name)
    return made


def _rooms() -> None:
    """Import every room: each registers its commands on `app`."""
    for room in (
        "demo",
        "verify",
        "bidder",
        "vouch",
        "auction",
        "custodian",
        "custodian_offline",
        "settle",
        "experts",
        "seat",
        "witness",
        "keys",
        "offline",
        "log",
        "archives",
        "paper",
        "people",
        "report",
        "ledger",
        "retention",
        "law",
        "draw",
        "panel",
        "phone",
        "dispatch",
        "post",
        "service",
        "reference",
        "open_data",
    ):
        importlib.import_module(f"trading.cli.{room}")


_rooms()
