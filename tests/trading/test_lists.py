"""The list of projects a page at a time, and the sums above it: nothing is lost between two pages, nothing is stale."""

from __future__ import annotations

import asyncpg

from tests.bench.pages import BOOKED
from tests.bench.search import FILL
from tests.trading.town import Town
from trading import ledger, tenders


async def test_every_lot_is_on_one_page_and_the_sums_follow_the_ledger(place: Town, owner_dsn: str) -> None:
    owner = await asyncpg.connect(owner_dsn)
    await owner.execute(FILL.format(count=7))
    await owner.execute("UPDATE trading_lot SET title = '<b>&\"标段' WHERE id = '2026-000007-01'")
    # The lot of one project is tendered again, and the new tender has not been announced: it stands on no page.
    await owner.execute(
        """INSERT INTO trading_tender (id, number, lot_id, state, kind, named_at, version)
           SELECT '2026-000004-01@9', 90, '2026-000004-01', 'named', 'bids', now(), 1"""
    )
    met, cursor, pages = [], None, 0
    while True:
        listed = await tenders.list_lots(cursor, 2)
        met += [row["project"] for row in listed.rows]
        cursor, pages = listed.following, pages + 1
        if cursor is None:
            break
    assert met == [f"2026-{n:06d}" for n in (7, 6, 5, 3, 2, 1)] and pages == 4
    sums = ledger.Sums()
    assert await sums.of(listed.newest) == []
    await owner.execute(BOOKED)  # every second tender
    newest = (await tenders.list_lots(None, 2)).newest
    assert newest != listed.newest
    assert await sums.of(newest) == await ledger.sums() and (await ledger.sums())[0]["trades"] == 4  # 2, 4, 6 and 90
    await owner.close()
    shown = (await place.as_("public").get("/")).text  # once, not twice
    assert "&lt;b&gt;&amp;&#34;标段" in shown and "<b>&" not in shown and "&amp;lt;" not in shown
