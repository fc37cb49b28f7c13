"""`python -m tests.bench [NAME…] [--json]`: every benchmark, or those named, each beside its limit."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import Result

NAMES = (
    "seal", "browser", "upload", "finalise", "log", "opening", "verify", "verify_log", "draw", "statement", "search",
    "auction", "pages", "booking",
)  # fmt: skip


def run(names: list[str], *, tiny: bool = False) -> Iterator[Result]:
    """The results, as they come."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            yield from importlib.import_module(f"tests.bench.{name}").run(Path(folder), tiny)


def main(typed: list[str] | None = None) -> int:
    """Print a table, or JSON; what is printed beside it goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*NAMES, []], help=", ".join(NAMES))
    parser.add_argument("--json", action="store_true", help="a list of {name, value, unit, limit, ratio}")
    parser.add_argument("--tiny", action="store_true", help="seconds instead of minutes: only to see whether it runs")
    given = parser.parse_args(typed)
    begun, found = time.monotonic(), []
    if not given.json:
        print(f"{'name':14}{'value':>12} {'unit':7}{'limit':>12}{'ratio':>8}{'low':>7}{'high':>7}{'goal':>7}")
    for result in run(given.names or list(NAMES), tiny=given.tiny):
        found.append(result)
        if not given.json:
            print(
                f"{result.name:14}{result.value:12,.1f} {result.unit:7}{result.limit:12,.1f}{result.ratio:8.2f}"
                f"{result.low:7.2f}{result.high:7.2f}{result.goal:7.2f}  {result.note}",
                flush=True,
            )
    if given.json:
        print(json.dumps([result.json() for result in found]))
    print(f"{time.monotonic() - begun:.0f} s in all", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
