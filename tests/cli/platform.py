"""A platform that really runs, for tests that type commands: the demonstration's processes, a tender of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from trading.cli.screen import Screen
from trading.demo.market import Run
from trading.demo.story import Story
from trading.demo.tenders import SourceTender

PASSPHRASE = "correct horse"


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """Its one line of JSON."""
        return json.loads(self.out)


def trading(
    *command: str | Path,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    patience: float = 400,
    answers: str | None = None,
) -> Said:
    """Type a command, as JSON and in English, and wait for it; `answers`: what is typed when it asks."""
    typed = [sys.executable, "-m", "trading", "--json", "--lang", "en", *map(str, command)]
    environment = {**os.environ, "TRADING_PASSPHRASE": PASSPHRASE, **(env or {})}
    ran = subprocess.run(
        typed, capture_output=True, text=True, env=environment, cwd=cwd, timeout=patience, check=False, input=answers
    )
    return Said(ran.returncode, ran.stdout, ran.stderr)


class Platform:
    """The running platform, and what a bidder needs to know of it."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.url = story.url
        self.policy, self.parties = story.trust_files / "policy.txt", story.trust_files / "parties.txt"

    @property
    def trust(self) -> list[str | Path]:
        """The options that name the trust files."""
        return ["--policy", self.policy, "--parties", self.parties]

    def announce(self, seconds: float, unvouched: Sequence[str] = ()) -> str:
        """A tender under the source's law whose deadline is so many machine seconds away; its id."""
        market, one = self.story.market, self._run()
        market.register(one)
        self.story.until(lambda: market.name(one), "E-PENDING", "W-CHECKPOINT")
        one.deadline = self.story.clock.now() + timedelta(seconds=seconds * self.story.clock.factor)
        statements = self.story.prepare_custodians([one])
        market.make_boxes(one, statements)
        market.announce(one, unvouched=unvouched)
        time.sleep(1.5)
        return one.tender

    def bidder(self, name: str) -> tuple[str, str]:
        """A registered firm: its code and token."""
        return self.story.market.enrol(name, "bidder")

    def _run(self) -> Run:
        source = SourceTender("t-1", "试验项目", "", "某区", "CNY", 1_000_000, timedelta(days=1), (), "")
        one = Run(source, "source-law")
        one.source = source
        return one

    def archive(self, tender: str) -> None:
        """The operator archives now, without waiting for the window's end."""
        operator = self.story.market.as_("operator")
        self.story.until(lambda: operator.post(f"/tenders/{tender}/archive", key=secrets.token_hex(8)), "E-PENDING")

    def until(self, tender: str, *states: str, patience: float = 200) -> dict[str, Any]:
        """Wait for a tender to reach a state."""
        end = time.monotonic() + patience
        while True:
            found: dict[str, Any] = self.story.market.as_("operator").get(f"/tenders/{tender}")
            if found["state"] in states:
                return found
            assert time.monotonic() < end, found["state"]
            time.sleep(0.3)


@contextmanager
def platform(home: Path) -> Iterator[Platform]:
    """Start everything in `home` on a clock 600 times as fast; stop it afterwards."""
    from trading.demo.processes import free_port

    with ExitStack() as stack:
        story = Story(Screen("en", as_json=True), home, free_port(), [], factor=600)
        stack.callback(story.close)
        story.begin(stack)
        story.market.fill_desks()
        time.sleep(1.5)
        yield Platform(story)
