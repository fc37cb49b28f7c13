"""The opened bids as a seat sees them: under labels, with what was read out and the documents that were opened.

Where the notice says `blind` no name, code or file name is shown, each seat has an order of its own, and what was read out
(the price among it) comes when the seat has fixed its scores: the technical part first. The opening itself is public, so
this hides nothing from whoever looks elsewhere; it keeps names away from who does the rating.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from audit.act import pool
from audit.refusal import Refused
from bidding import unsealing
from bidding.unsealing import Unsealed
from experts import scoring, sheets
from experts.seats import Held
from trading import score_sheets, tenders
from trading.accounts import Caller, digest
from trading.installation import Installation
from trading.score_sheets import held, may_win
from trading.tenders import LOCKED, loaded


@dataclass(frozen=True)
class _Table:
    """What lies before one seat."""

    mine: Held
    blind: bool
    opened: dict[str, dict[str, Any]]
    envelopes: Sequence[Unsealed]
    labels: dict[str, str]
    fixed: bool
    """The seat has committed to its scores, or there is nothing to rate."""

    def files(self, bid: str) -> list[tuple[str, dict[str, Any]]]:
        """(stage, file) of every opened document of a bid, always in the same order."""
        return [
            (one.stage, dict(file))
            for one in sorted(self.envelopes, key=lambda one: one.stage)
            if one.bid == bid and one.verdict == "OK"
            for file in sorted(one.files, key=lambda file: str(file["name"]))
        ]

    def shown(self, label: str, number: int, file: dict[str, Any]) -> dict[str, Any]:
        """A document as the seat sees it."""
        suffix = PurePosixPath(str(file["name"])).suffix[:10] if file["name"] else ""
        name = f"{label}-{number}{suffix}" if self.blind else file["name"]
        sha256 = None if self.blind else file["sha256"]
        return {"n": number, "name": name, "size": file["size"], "media": file["media"], "sha256": sha256}


async def _table(caller: Caller) -> _Table:
    """Refused: E-UNDECLARED, E-SEAT-ENDED, E-UNOPENED-BIDS."""
    mine = held(caller)
    told = await pool().fetchrow("SELECT declared_at, ended_at FROM experts_seat WHERE id = $1", mine.id)
    if told["ended_at"] is not None:
        raise Refused("E-SEAT-ENDED", seat=mine.seat)
    if told["declared_at"] is None:
        raise Refused("E-UNDECLARED", seat=mine.seat)
    row = await pool().fetchrow(LOCKED, mine.tender)
    if row is None or row["state"] in ("announced", "closed") or not row["opens"]:
        raise Refused("E-DECLARE-EARLY")
    terms = loaded(row["terms"])
    blind = bool(terms.get("blind"))
    opened = {bid["bid"]: bid for bid in await tenders.opened_bids(mine.tender)}
    key = digest(f"labels {mine.draw} {mine.seat}")
    fixed = not score_sheets.scales(terms) or mine.seat in await sheets.scored(pool().fetch, mine.draw)
    names = scoring.labels(key, opened, blind=blind)
    return _Table(mine, blind, opened, await unsealing.unsealed(mine.tender), names, fixed)


async def listed(caller: Caller) -> dict[str, Any]:
    """The opened bids. Refused: E-UNDECLARED, E-SEAT-ENDED, E-DECLARE-EARLY."""
    table = await _table(caller)
    items = []
    for label, bid in table.labels.items():
        one, names = table.opened[bid], not table.blind
        files = [table.shown(label, n, file) for n, (_, file) in enumerate(table.files(bid), 1)]
        items.append(
            {
                "label": label,
                "bid": bid if names else None,
                "bidder": one["bidder"] if names else None,
                "bidder_name": one["bidder_name"] if names else None,
                "opening": one["opening"] if names or table.fixed else None,
                "standing": one["rejected"] is None and may_win(one, list(one["verdicts"]), priced=False),
                "documents": files,
            }
        )
    return {"blind": table.blind, "items": items}


async def labels(caller: Caller) -> dict[str, Any]:
    """Which bid a label stands for: the tool needs it to write the sheet, and shows it to nobody. Refused: as `listed`."""
    table = await _table(caller)
    return {"items": [{"label": label, "bid": bid} for label, bid in table.labels.items()]}


@dataclass(frozen=True)
class Found:
    """A document to be handed out."""

    path: Path
    media: str
    name: str


async def document(platform: Installation, caller: Caller, label: str, number: int) -> Found:
    """One opened document. Refused: W-UNKNOWN, E-FILE, and as `listed`."""
    table = await _table(caller)
    files = table.files(table.labels[label]) if label in table.labels else []
    if not 1 <= number <= len(files):
        raise Refused("W-UNKNOWN")
    stage, file = files[number - 1]
    path = await unsealing.document(
        platform.store, tender=table.mine.tender, stage=stage, bid=table.labels[label], sha256=file["sha256"]
    )
    shown = table.shown(label, number, file)
    return Found(path, str(shown["media"]), str(shown["name"]))
