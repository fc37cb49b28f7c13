"""Where every journey ends: both editions and everybody's receipts before `verify` and before the independent reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from audit.act import pool
from audit.archive import Archive
from audit.canon import canon
from tests import reader
from tests.browser.judge import verify
from tests.trading.desk import Bidder, Desk


async def judge(desk: Desk, *firms: Bidder) -> dict[str, Path]:
    """Archive, and have both readers accept it against trust files from outside, with the receipts of these firms."""
    paths = await desk.archive()
    settings = desk.town.settings
    trust = (settings.policy_path, settings.parties_path)
    held = []
    for firm in firms:
        for stage, receipt in firm.receipts.items():
            grown = await desk.town.call(firm.name, "GET", f"/receipts/{receipt['manifest']}", 200)
            assert grown["proof"]
            held.append(desk.tmp / f"{firm.name}.{stage}.receipt.json")
            held[-1].write_bytes(canon(grown))
    for edition, path in paths.items():
        found = verify([path], *trust, receipts=held)
        assert found.exit == 0, (edition, found.reports[0].failed)
        exit, step, why = reader.read([path], *trust, receipts=held)
        assert exit == 0, (edition, step, why)
    return paths


def verdicts(opened: Any, firms: dict[str, Bidder], stage: str = "form") -> dict[str, str]:
    """{name: verdict} of an opened tender."""
    names = {firm.bid: name for name, firm in firms.items()}
    return {names[bid["bid"]]: bid["verdicts"][stage] for bid in opened["bids"]}


async def records(name: str) -> list[dict[str, Any]]:
    """The records of a type, in the order they were made."""
    rows = await pool().fetch("SELECT record FROM log_record WHERE type = $1 ORDER BY id", name)
    return [json.loads(row["record"]) for row in rows]


def member(path: Path, name: str) -> Any:
    """A JSON file of an archive."""
    return json.loads(Archive.open(path).read(name))
