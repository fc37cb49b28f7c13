"""What the guided demonstration tells its page (`/demo`): who a visitor can be, how fast time runs, what comes next.

One small JSON file under `<data>/demo`, written by the demonstration alone and read at each request; a platform without
one simply has nobody to be.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

FOLDER, FILE = "demo", "playbill.json"


class Part(BaseModel):
    """Somebody a visitor can be. `key`: the file of its signing key, which its `passphrase` opens; "" without one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    who: str
    role: str
    person: str
    organisation: str
    name: str
    key: str = ""
    passphrase: str = ""


class Playbill(BaseModel):
    """All of it. `over`: the calendar has come to the last year whose holidays are known, and nothing new is announced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: tuple[Part, ...] = ()
    every: float = 0.0
    """Machine seconds from one deadline to the next."""
    over: bool = False

    def part(self, who: str) -> Part | None:
        """The part of that name; None: there is none."""
        return next((one for one in self.parts if one.who == who), None)


def read(data: Path) -> Playbill:
    """The playbill of a data directory; an empty one where there is none, or none that can be read."""
    try:
        return Playbill.model_validate_json((data / FOLDER / FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return Playbill()


def write(data: Path, bill: Playbill) -> None:
    """Put it up: a reader sees the one before or this one."""
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f"{FILE}.new"
    draft.write_text(bill.model_dump_json(), "utf-8")
    os.replace(draft, folder / FILE)
