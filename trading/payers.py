"""Who paid bid security, and what went back: the ledger's lines, for whoever may read them.

Nothing here asks whether the hour has come: `securities.py` does for the ledger, `tenders.py` for the opening record. Fen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.act import pool

NONE = "none"
"""The finding of a bid whose bidder paid nothing."""


async def lines(
    tender: str, asked: Mapping[str, Any] | None, deadline: datetime, bidder: str | None
) -> list[dict[str, Any]]:
    """Every payer's line, or one bidder's. `asked`: the security the notice asked for; `finding`: received, less or late."""
    payments = await pool().fetch(
        """SELECT bidder_id AS bidder, amount, form, account, proof, received_at AS received FROM trading_security
           WHERE tender_id = $1 AND ($2::text IS NULL OR bidder_id = $2) ORDER BY bidder_id, id""",
        tender, bidder,
    )  # fmt: skip
    returns = await pool().fetch(
        """SELECT bidder_id AS bidder, amount, interest, reason, returned_at AS returned FROM trading_security_return
           WHERE tender_id = $1 AND ($2::text IS NULL OR bidder_id = $2) ORDER BY bidder_id, id""",
        tender, bidder,
    )  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    for p in payments:
        line = found.setdefault(p["bidder"], {"bidder": p["bidder"], "payments": [], "returns": []})
        line["payments"].append({k: v for k, v in dict(p).items() if k != "bidder"})
    for r in returns:
        found[r["bidder"]]["returns"].append({k: v for k, v in dict(r).items() if k != "bidder"})
    for line in found.values():
        paid = sum(p["amount"] for p in line["payments"])
        in_time = sum(p["amount"] for p in line["payments"] if p["received"] <= deadline)
        wanted = asked["amount"] if asked else 0
        line["paid"] = paid
        line["left"] = paid - sum(r["amount"] for r in line["returns"])
        line["finding"] = "received" if in_time >= wanted else "late" if paid >= wanted else "less"
    return list(found.values())
