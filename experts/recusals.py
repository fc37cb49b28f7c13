"""Recusal where the draw came before the opening: who of those who accepted works for a bidder (draw.md §1).

The dispatcher alone can see it, and it does not decide: it tells the supervisors the leaf and nothing of whose it is. An
authority's signature then makes it a loss (panels.py), and the next in order is called.
"""

from __future__ import annotations

from audit.act import pool
from audit.alerts import Alert, raise_alerts
from experts.desk import Desk
from experts.eligibility import recused
from experts.handed import Asked


async def propose(desk: Desk, asked: Asked) -> int:
    """Compare those who accepted or sit with the bidders, once these are known; how many are proposed to be recused.

    The proposal is the alert P-RECUSAL {draw, leaf}: raised once, answered by whoever supervises.
    """
    if asked.after_opening:
        return 0
    rows = await pool().fetch(
        "SELECT leaf FROM experts_summons WHERE panel_id = $1 AND state IN ('accepted', 'seated')", asked.draw
    )
    new = [row["leaf"] for row in rows if (asked.draw, row["leaf"]) not in desk.looked]
    if not new or (bidders := await desk.market.bidders(asked.tender)) is None:
        return 0
    found = []
    for leaf in new:
        person = await desk.person(asked, leaf)
        if recused(person, asked.meets, bidders.codes, years=bidders.employer_years):
            found.append(Alert("P-RECUSAL", asked.tender, {"draw": asked.draw, "leaf": leaf}, asked.tender))
    await raise_alerts(desk.actor, found)
    desk.looked |= {(asked.draw, leaf) for leaf in new}
    return len(found)
