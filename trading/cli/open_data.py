"""`trading import-ocds FILE…`: trades that others published, into a table of their own."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading.cli.app import app, screen, t
from trading.cli.experts import run
from trading.cli.service import Data, settings
from trading.trade_file import cell

if TYPE_CHECKING:
    from trading.ocds_reading import Remark

SHOWN = 50
"""Remarks on a screen; all of them go into `--report` and into JSON."""


@app.command("import-ocds", help=t("help.import-ocds"))
def import_ocds(
    files: Annotated[list[Path], typer.Argument(help=t("help.import-ocds.files"), exists=True, dir_okay=False)],
    data: Data = None,
    dry: Annotated[bool, typer.Option("--dry-run", help=t("help.import-ocds.dry"))] = False,
    report: Annotated[Path | None, typer.Option(help=t("help.import-ocds.report"))] = None,
) -> None:
    """Take trades of elsewhere in, and report by line what was left out and why."""
    from trading import imports

    done = run(settings(data), lambda: imports.take(files, dry=dry))
    _report(done.remarks, report)
    left = sum(not one.taken for one in done.remarks)
    screen().say("ocds.would" if dry else "ocds.imported", taken=done.taken, known=done.known, left=left)
    told = [
        {"file": one.file, "where": one.where, "why": one.why, "id": one.id, "taken": one.taken, "message": _why(one)}
        for one in done.remarks
    ]
    screen().result({"taken": done.taken, "known": done.known, "dry_run": dry, "remarks": told})


def _why(one: Remark) -> str:
    return screen().text(f"why: ocds {one.why}")


def _report(remarks: Sequence[Remark], to: Path | None) -> None:
    out = screen()
    heads = ("ocds.head.file", "ocds.head.where", "ocds.head.id", "ocds.head.done", "ocds.head.why")
    rows = [
        [one.file, one.where, one.id, out.text("ocds.taken" if one.taken else "ocds.left"), _why(one)]
        for one in remarks
    ]
    if rows:
        out.table(heads, rows[:SHOWN])
    if len(rows) > SHOWN:
        out.say("ocds.more", count=len(rows) - SHOWN)
    if to is not None:
        with to.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([[out.text(head) for head in heads], *([cell(c) for c in row] for row in rows)])
