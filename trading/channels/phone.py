"""`trading phone`: the experts' telephones of a `file` channel, in a terminal.

A call that rings there shows its number; `p` picks up, keys are keys (`1`, `7301`, `*`), `h` hangs up, `b` is busy,
`r 2` replies to the last short message, `q` leaves. A line goes to the call that is shown last; `2:1` to call number 2.
"""

from __future__ import annotations

import json
import re
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

POLL = 0.05


class Phone:
    """What rings in a directory (for one number, or for all), and what is done about it."""

    def __init__(self, directory: Path, number: str = "") -> None:
        self._directory, self._number = directory, number
        self._calls: dict[str, int] = {}
        self._shown: dict[str, tuple[str, str]] = {}
        self._latest = ""

    def look(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is new since the last look: (what, facts), what of `ringing`, `said`, `ended`."""
        here: dict[str, dict[str, Any]] = {}
        for path in sorted((self._directory / "ringing").glob("*.json")):
            try:
                call = json.loads(path.read_text(encoding="utf-8"))
            except (ValueError, FileNotFoundError):
                continue  # it ended while we looked
            if self._number in ("", call["number"]):
                here[path.stem] = call
        for key, call in here.items():
            place = self._calls.setdefault(key, len(self._calls) + 1)
            seen = (call["state"], call["say"])
            if self._shown.get(key) != seen:
                self._shown[key] = seen
                self._latest = key
                what = "ringing" if call["state"] == "ringing" else "said"
                yield what, {"place": place, "number": call["number"], "words": call["say"]}
        for key in [key for key in self._shown if key not in here]:
            del self._shown[key]
            if self._latest == key:
                self._latest = next(reversed(self._shown), "")
            yield "ended", {"place": self._calls[key]}

    def do(self, line: str) -> str:
        """Does what a line says; `ok`, `nobody` (nothing rings there), `unknown`, or `quit`."""
        word = line.strip()
        if word in ("q", "quit"):
            return "quit"
        if found := re.fullmatch(r"r\s+(\S{1,20})", word):
            return self._reply(found[1])
        found = re.fullmatch(r"(?:(\d+):)?\s*([pbh]|[0-9*#]{1,8})", word)
        if not found:
            return "unknown"
        key = self._latest if found[1] is None else next((k for k, n in self._calls.items() if str(n) == found[1]), "")
        if key not in self._shown:
            return "nobody"
        pressed = self._directory / "pressed" / f"{key}.txt"
        pressed.parent.mkdir(exist_ok=True)
        with pressed.open("a", encoding="utf-8") as out:
            out.write({"p": "pick", "b": "busy", "h": "hang"}.get(found[2], found[2]) + "\n")
        return "ok"

    def _reply(self, text: str) -> str:
        if not self._number:
            return "unknown"
        with (self._directory / "replies.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps({"number": self._number, "text": text}) + "\n")
        return "ok"


def sit(phone: Phone, tell: Callable[..., None], lines: TextIO = sys.stdin, seconds: float | None = None) -> None:
    """Shows and obeys until `q`, the end of the input, or so many machine seconds."""
    end = None if seconds is None else time.monotonic() + seconds
    while end is None or time.monotonic() < end:
        for what, facts in phone.look():
            tell(f"phone.{what}", **facts)
        if not select.select([lines], [], [], POLL)[0]:
            continue
        line = lines.readline()
        if not line:
            return
        done = phone.do(line)
        if done == "quit":
            return
        if done != "ok":
            tell(f"phone.{done}")
