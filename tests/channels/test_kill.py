"""A driver that is killed again and again at any moment: no key rings twice, and none is lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
KEYS = 30
PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.channels.calls import SCRIPT
from trading.channels import ChannelError
from trading.channels.file import File
from trading.channels.notes import Notes

folder, notes = Path(sys.argv[1]), Path(sys.argv[2])
line = File(folder, Notes(notes / "calls", bytes(32)), Notes(notes / "texts", bytes(32)), "slow")

async def seat(number):
    while True:
        try:
            answer = await line.call(key=f"k{number}", number=f"138{number}", script=SCRIPT, check=None, ring=1)
        except ChannelError:
            continue
        print(number, answer.state, answer.outcome, flush=True)
        return

async def main():
    print("up", flush=True)
    for number in range(int(sys.argv[3])):
        await asyncio.gather(seat(number), asyncio.sleep(0.01))

asyncio.run(main())
"""


def run(folder: Path, notes: Path, seconds: float | None) -> list[str]:
    """Starts the driver and kills it after so many seconds; what it said."""
    command = [sys.executable, "-c", PROGRAM, str(folder), str(notes), str(KEYS)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "up\n"
    if seconds is not None:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    out = process.stdout.read()  # not communicate(): it would pass over what readline() has in its buffer already
    process.wait()
    return out.splitlines()


def rung(folder: Path) -> Counter[str]:
    path = folder / "calls.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(json.loads(line)["key"] for line in lines if line.endswith("}"))


@pytest.mark.slow
def test_twelve_kills_ring_nobody_twice(tmp_path: Path) -> None:
    chance = random.Random(4)
    folder, notes = tmp_path / "calls", tmp_path / "notes"
    for _ in range(12):
        run(folder, notes, chance.uniform(0.02, 0.9))
    said = run(folder, notes, None)
    assert [line.split()[0] for line in said] == [str(number) for number in range(KEYS)], "no seat is lost"
    assert set(rung(folder).values()) == {1}
    ends = Counter(" ".join(line.split()[1:]) for line in said)
    assert set(ends) <= {"answered accepted", "failed no_answer"} and ends["answered accepted"] >= KEYS - 13

    # the control: without its notes the same driver rings again
    folder = tmp_path / "forgetful"
    for kill in range(3):
        run(folder, tmp_path / f"notes{kill}", 0.7)
    assert max(rung(folder).values()) > 1
