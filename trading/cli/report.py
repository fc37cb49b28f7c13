"""`trading report`: what was traded, saved and added in a period, from the ledger or from a file of trades."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from audit.refusal import Refused
from trading.cli.app import app, screen, t
from trading.cli.service import Data, settings

if TYPE_CHECKING:
    from trading.statement import Query, Statement
    from trading.trade_file import Line


@app.command(help=t("help.report"))
def report(
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help=t("help.report.from"))] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help=t("help.report.to"))] = None,
    by: Annotated[str, typer.Option(help=t("help.report.by"))] = "kind",
    trades: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help=t("help.report.trades"))] = None,
    currency: Annotated[str, typer.Option(help=t("help.report.currency"))] = "CNY",
    sentence: Annotated[bool, typer.Option("--sentence", help=t("help.report.sentence"))] = False,
    to_csv: Annotated[Path | None, typer.Option("--csv", help=t("help.report.csv"))] = None,
    to_xlsx: Annotated[Path | None, typer.Option("--xlsx", help=t("help.report.xlsx"))] = None,
    to_pdf: Annotated[Path | None, typer.Option("--pdf", help=t("help.report.pdf"))] = None,
    to_svg: Annotated[Path | None, typer.Option("--svg", help=t("help.report.svg"))] = None,
    to_png: Annotated[Path | None, typer.Option("--png", help=t("help.report.png"))] = None,
    figure: Annotated[str, typer.Option(help=t("help.report.figure"))] = "",
    data: Data = None,
) -> None:
    """Print a statement; with --figure the trades behind one of its rows, as a file of trades."""
    from trading import statement as s
    from trading import statement_files, statement_words

    query = s.Query(start and start.date(), end and end.date(), by, currency)
    made, found = _made(query, trades, figure or None, data)
    if figure:
        _behind(found, figure)
        return
    lang = screen().lang
    writers = {
        to_csv: lambda: statement_files.write_csv(made, lang),
        to_xlsx: lambda: statement_files.write_xlsx(made, lang),
        to_pdf: lambda: _pdf(made),
        to_svg: lambda: _picture(made, "svg"),
        to_png: lambda: _picture(made, "png"),
    }
    written = [path for path in writers if path is not None]
    for path in written:
        path.write_bytes(writers[path]())
        screen().say("statement.written", path=str(path))
    notes = statement_words.footnotes(made, lang)
    said = statement_words.sentence(made, lang)
    if sentence:
        for line in (said, *notes):
            screen().line(line)
        keys = "|".join(row.key for row in (made.total, *made.kinds) if row.trades)
        if not screen().as_json:
            screen().err.print(screen().text("statement.keys.said", keys=keys), markup=False, soft_wrap=True)
    elif not written:
        _show(made)
    figures = [{"text": text, "figure": to} for text, to in statement_words.clauses(made, lang)]
    screen().result({**s.plain(made), "sentence": said, "sentence_figures": figures, "notes": list(notes)})


def _pdf(made: Statement) -> bytes:
    from trading.statement_paper import write_pdf

    return write_pdf(made)


def _picture(made: Statement, form: Literal["svg", "png"]) -> bytes:
    from trading.statement_chart import write_picture

    return write_picture(made, screen().lang, form)


def _made(query: Query, trades: Path | None, figure: str | None, data: Path | None) -> tuple[Statement, list[Line]]:
    """The statement, and the lines behind one of its rows if that was asked for."""
    from trading import trade_file

    if trades is not None:
        source, lines = trade_file.read(trades)
        made = trade_file.state(query, source, lines)
        return made, [] if figure is None else trade_file.behind(query, figure, lines)

    from trading import accounting
    from trading.postgres import connected, running

    chosen = settings(data)

    async def ask() -> tuple[Statement, list[Line]]:
        async with connected(chosen):
            return await accounting.state(query), [] if figure is None else await accounting.behind(query, figure)

    with running(chosen):
        return asyncio.run(ask())


def _show(made: Statement) -> None:
    from trading import statement_words

    shown = statement_words.table(made, screen().lang)
    screen().say("statement.title", start=made.start, end=made.end, unit=shown.unit)
    heads = (*shown.heads, "statement.head.figure")
    keys = [row.key for row in (*made.rows, made.total)]
    rows = [(*cells, key) for cells, key in zip(shown.rows, keys, strict=True)]
    screen().table(heads, rows, right=frozenset(range(1, len(shown.heads))))
    for note in shown.notes:
        screen().line(note)
    screen().say("statement.source", source=made.source)


def _behind(found: list[Line], figure: str) -> None:
    from trading.trade_file import write

    if not found:
        raise Refused("E-STATEMENT-FIGURE", figure=figure)
    if screen().as_json:
        screen().result({"figure": figure, "trades": [one.id for one in found]})
    else:
        sys.stdout.write(write(found))


@app.command("sample", help=t("help.sample"))
def sample(name: Annotated[str, typer.Argument(help=t("help.sample.name"))]) -> None:
    """Print a sample as a file of trades; that it is constructed is said beside it."""
    from trading import samples
    from trading.trade_file import write

    found = samples.sample(name)
    text = write(found)
    if screen().as_json:
        screen().result({"sample": name, "constructed": True, "csv": text})
    else:
        sys.stdout.write(text)
        screen().err.print(screen().text("statement.constructed", name=name, count=len(found)), markup=False)
