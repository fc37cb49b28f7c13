"""`trading seat …`: a member works from the command line, from the code to the signature."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.listening import listening
from tests.trading.desk import Desk
from tests.trading.members import Members
from tests.trading.test_evaluation import rated
from tests.trading.test_seats import PRICES, no_conflict, scored
from tests.trading.town import Town
from trading.tools.seat import Seat, read_marks, write_marks


async def trading(url: str, state: Path, *arguments: str, expect: int = 0) -> Any:
    """One command; what it printed as JSON."""
    env = {**os.environ, "TRADING_SEAT": str(state), "PYTHONWARNINGS": "ignore"}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trading", "--json", "seat", *arguments, "--url", url, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await child.communicate()
    assert child.returncode == expect, (out, err)
    return json.loads(out or err)


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def test_a_member_at_the_command_line(desk: Desk, tmp_path: Path) -> None:
    bids = await rated(desk, PRICES)
    members = Members(desk, tmp_path)
    await members.convene()
    await members.check_in(1, 2, 3, 4)
    state = tmp_path / "state"
    async with listening(desk.town.app) as url:
        no = await trading(url, state, "check-in", "WRONG234", expect=1)
        assert no["code"] == "E-CHECK-IN"
        told = await trading(url, state, "check-in", members.codes[5])
        assert told["seat"] == 5 and "token" not in told
        assert (await trading(url, state, "bids", expect=1))["code"] == "E-UNDECLARED"
        assert (await trading(url, state, "declare"))["conflict"] is False
        await members.all(no_conflict)
        shown = await trading(url, state, "bids", "--into", str(tmp_path / "files"))
        assert len(shown["items"]) == 3 and len([p for p in (tmp_path / "files").rglob("*") if p.is_file()]) == 3
        file = tmp_path / "scores.csv"
        await trading(url, state, "score", "--template", str(file))
        empty = read_marks(file)
        assert len(empty) == 6 and {one.points for one in empty} == {""}
        assert (await trading(url, state, "score", str(file), expect=1))["code"] == "E-SHEET-POINTS"
        write_marks(file, [type(one)(one.label, one.criterion, "75") for one in empty])
        assert (await trading(url, state, "score", str(file)))["bids"] == 3
        await trading(url, state, "commit")
        assert (await trading(url, state, "reveal", expect=1))["code"] == "E-UNCOMMITTED"
        await scored(members, bids)
        await trading(url, state, "reveal")
        await members.all(Seat.reveal)
        report = await trading(url, state, "report", "--out", str(tmp_path / "report.json"))
        assert json.loads((tmp_path / "report.json").read_text()) == report["value"]
        await trading(url, state, "sign", "--dissent", "不同意否决意见")
        status = await trading(url, state, "status")
        assert (status["committed"], status["revealed"], status["declared"]) == (5, 5, True)
    for path in state.iterdir():
        assert path.stat().st_mode & 0o077 == 0
