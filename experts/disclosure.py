"""What a panel gives to the archive of its tender: `draw/<draw>/<attempt>/…` (draw.md §4).

The dispatcher writes everything that was secret when evaluation has closed (experts_file). What was public all along,
the commitment and the nonces, follows from rows that anybody here may read, for a tender that never came so far.
"""

from __future__ import annotations

from typing import Any

from audit.act import Act
from audit.canon import b64, canon
from audit.refusal import Refused
from experts.disclosed import OWED, Told, read
from experts.panels import loaded

COMMIT, NONCES = "commit.json", "nonces.json"


async def archive_files(query: Any, tender: str) -> dict[str, bytes]:
    """Every file of a tender's draws under its name in the archive."""
    attempts = await query(
        """SELECT p.draw, a.attempt, a.record FROM experts_attempt a JOIN experts_panel p ON p.draw = a.panel_id
           WHERE p.tender = $1 AND a.record IS NOT NULL ORDER BY p.asked_at, a.attempt""",
        tender,
    )
    nonces: dict[tuple[str, int], list[Any]] = {}
    for row in await query(
        """SELECT n.* FROM experts_nonce n JOIN experts_panel p ON p.draw = n.panel_id WHERE p.tender = $1
           ORDER BY n.attempt, n.i""",
        tender,
    ):
        nonces.setdefault((row["panel_id"], row["attempt"]), []).append(row)
    files: dict[str, bytes] = {}
    for row in attempts:
        folder = f"draw/{row['draw']}/{row['attempt']}"
        files[f"{folder}/{COMMIT}"] = bytes(row["record"])
        files[f"{folder}/{NONCES}"] = nonces_file(nonces.get((row["draw"], row["attempt"]), []))
    for row in await query(
        """SELECT f.panel_id, f.attempt, f.name, f.data FROM experts_file f JOIN experts_panel p ON p.draw = f.panel_id
           WHERE p.tender = $1""",
        tender,
    ):
        files[f"draw/{row['panel_id']}/{row['attempt']}/{row['name']}"] = bytes(row["data"])
    return files


async def draws(query: Any) -> list[Told]:
    """Every draw whose files have been disclosed, oldest first."""
    rows = await query(
        """SELECT p.tender, p.draw, f.attempt, f.name, f.data FROM experts_file f
           JOIN experts_panel p ON p.draw = f.panel_id WHERE p.disclosed_at IS NOT NULL ORDER BY p.asked_at, p.draw"""
    )
    found: dict[tuple[str, str, int], dict[str, bytes]] = {}
    for row in rows:
        found.setdefault((row["tender"], row["draw"], row["attempt"]), {})[row["name"]] = bytes(row["data"])
    return [read(key[0], files) for key, files in found.items() if files.keys() >= OWED]


def nonces_file(rows: Any) -> bytes:
    """`nonces.json` of an attempt: what was committed, and what was revealed of it."""
    items = []
    for row in rows:
        one = {"i": row["i"], "commit": b64(bytes(row["commit"])), "commit_sig": loaded(row["commit_sig"])}
        if row["reveal"] is not None:
            one |= {"reveal": b64(bytes(row["reveal"])), "sig": loaded(row["reveal_sig"])}
        items.append(one)
    return canon({"nonces": items})


async def settle(act: Act, tender: str, *, named: bool) -> None:
    """Before a tender is archived its panels come to rest: nothing of a draw follows `archived`.

    `named`: the law has the members' names published by now. Refused: E-PENDING while the dispatcher owes files of an
    evaluation that has closed, or those names.
    """
    panels = await act.query(
        """SELECT draw, attempt, disclosed_at, seated_at IS NOT NULL AND state <> 'exhausted' AS sat,
                  EXISTS (SELECT 1 FROM experts_name n WHERE n.panel_id = p.draw) AS named
           FROM experts_panel p WHERE tender = $1 ORDER BY draw FOR UPDATE""",
        tender,
    )
    if not panels:
        return
    closed = await act.query(
        "SELECT 1 FROM log_record WHERE tender = $1 AND type = 'evaluation-closed' LIMIT 1", tender
    )
    if closed and any(panel["attempt"] and panel["disclosed_at"] is None for panel in panels):
        raise Refused("E-PENDING", record="draw")
    if named and any(panel["sat"] and not panel["named"] for panel in panels):
        raise Refused("E-PENDING", record="panel-named")
    await act.query(
        "UPDATE experts_panel SET state = 'over' WHERE tender = $1 AND state NOT IN ('exhausted', 'over')", tender
    )
