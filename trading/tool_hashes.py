"""The SHA-256 of each offline page, in the log (log.md §1, `tool-published`): what a person compares a saved copy with."""

from __future__ import annotations

from typing import Any

from audit.act import acting, pool
from audit.record import TOOL_PUBLISHED
from trading import logbook, offline
from trading.installation import Installation


async def publish(platform: Installation) -> int:
    """Record the pages of this version that no record names yet; how many that were. Done again it changes nothing,
    so versions that run side by side do not answer one another."""
    if await pool().fetchval("SELECT id FROM log_record LIMIT 1") is None:
        return 0  # the log's own first record comes first
    known = {(one["tool"], one["sha256"]) for one in await published()}
    missing = [name for name in offline.PAGES if (f"{name}.html", offline.digest(name)) not in known]
    if missing:
        async with acting(platform.centre) as act:
            for name in missing:
                sha256 = offline.digest(name)
                act.record(TOOL_PUBLISHED.name, subject=platform.origin, tool=f"{name}.html", sha256=sha256)
    return len(missing)


async def published() -> list[dict[str, Any]]:
    """{tool, sha256, time, index} of every such record, the last one first; `index` None until its beat."""
    found = await logbook.of_type(TOOL_PUBLISHED.name)
    return [
        {name: one.value[name] for name in ("tool", "sha256", "time")} | {"index": one.index} for one in reversed(found)
    ]
