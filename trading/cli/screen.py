"""What the command line prints: sentences from the one catalogue, tables, progress, or one JSON object."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from audit.refusal import Broken, Refused
from trading.messages import say, tell

OK, REFUSED, USAGE, PROOF_FAILED = 0, 1, 2, 3
WIDE = 160
"""Columns where nobody looks at a terminal: a pipe should not fold tables."""


def language(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> str:
    """`--lang`, else TRADING_LANG, else the terminal's own English, else Chinese."""
    arguments = sys.argv[1:] if arguments is None else arguments
    environment = os.environ if environment is None else environment
    wanted = environment.get("TRADING_LANG", "")
    for place, argument in enumerate(arguments):
        if argument == "--lang" and place + 1 < len(arguments):
            wanted = arguments[place + 1]
        elif argument.startswith("--lang="):
            wanted = argument.removeprefix("--lang=")
    if not wanted:
        locale = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
        wanted = "en" if locale.lower().startswith("en") else "zh"
    return "en" if wanted.lower().startswith("en") else "zh"


class Screen:
    """One run's output: in `json` mode only `result` and `fail` print, each one line of JSON on stdout or stderr."""

    def __init__(self, lang: str, *, as_json: bool = False) -> None:
        self.lang = lang
        self.as_json = as_json
        width = None if sys.stdout.isatty() else WIDE
        self.out = Console(highlight=False, soft_wrap=True, width=width)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    def text(self, code: str, /, **facts: Any) -> str:
        """The catalogue's sentence in this run's language."""
        return say(code, self.lang, **facts)

    def say(self, code: str, /, **facts: Any) -> None:
        """Print a sentence of the catalogue (nothing in JSON mode)."""
        if not self.as_json:
            self.out.print(self.text(code, **facts), markup=False)

    def line(self, text: str = "") -> None:
        """Print text as it stands (nothing in JSON mode)."""
        if not self.as_json:
            self.out.print(text, markup=False)

    def result(self, value: Mapping[str, Any]) -> None:
        """The outcome for machines: printed in JSON mode only."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> None:
        """A table whose heads are catalogue codes; columns in `right` hold numbers."""
        if self.as_json:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for place, code in enumerate(head):
            if place in right:
                table.add_column(self.text(code), justify="right", no_wrap=True)
            else:
                table.add_column(self.text(code), overflow="ellipsis", no_wrap=place == 0)
        for row in rows:
            table.add_row(*row)
        self.out.print(table, markup=False)

    @contextmanager
    def progress(self, code: str, total: int, **facts: Any) -> Iterator[Callable[[int], None]]:
        """A bar over `total` bytes; the value handed out takes the number of bytes done so far."""
        if self.as_json or not self.err.is_terminal:
            yield lambda done: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.err, transient=True) as bars:
            task = bars.add_task(self.text(code, **facts), total=total or None)
            yield lambda done: bars.update(task, completed=done)

    @contextmanager
    def counting(self, code: str, total: int, **facts: Any) -> Iterator[Callable[[int], None]]:
        """The same over things that are counted; `total` 0: nobody knows how many."""
        if self.as_json or not self.err.is_terminal:
            yield lambda done: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True) as bars:
            task = bars.add_task(self.text(code, **facts), total=total or None)
            yield lambda done: bars.update(task, completed=done)

    def fail(self, error: Exception) -> int:
        """Print why it did not work, and return the exit code that says so."""
        if not isinstance(error, Refused | Broken):
            raise error
        facts = dict(error.facts)
        sentence = str(facts.pop("sentence", "")) or tell(error, self.lang)  # the platform's own sentence, if it was it
        if self.as_json:
            body = {"code": error.code, "message": sentence, "facts": facts}
            sys.stderr.write(json.dumps(body, ensure_ascii=False, sort_keys=True, default=str) + "\n")
        else:
            self.err.print(f"{error.code}  {sentence}", markup=False, style="red")
        return REFUSED if isinstance(error, Refused) else PROOF_FAILED
