"""Verification of an archive, V13: what law and notice ask of the panel, handed to `experts.verify`.

And V14's part of it: that the sheets that count were signed by those who sat there (log.md §8).
"""

from __future__ import annotations

from typing import Final

from audit.refusal import Broken
from audit.report import Found, Status
from audit.trust import Identities, record_sig_bytes
from bidding.case import Case, Fact
from experts.told import PanelLaw, Told, check_one
from experts.verify import check_draws
from trading.law import committee
from trading.law.regimes import ADMITTED_DAYS
from trading.law.rulebook import Rulebook

DRAW: Final = 13


def panel_law(case: Case, rulebook: Rulebook | None) -> PanelLaw:
    """What the rulebook and the notice of a tender ask of its panel."""
    notice = {} if case.announcement is None else case.announcement.held.body
    parameters = notice.get("parameters")
    seats = _whole(parameters.get("seats")) if isinstance(parameters, dict) else None
    if rulebook is None:
        return PanelLaw(seats=seats or 0, admitted_days=ADMITTED_DAYS)
    estimate, baseline = _whole(notice.get("estimate")), _whole(notice.get("baseline"))
    budget = baseline if estimate is None else estimate

    def check_members(experts: int, representatives: int) -> None:
        drawn = [committee.Member(seat) for seat in range(1, experts + 1)]
        sent = [committee.Member(experts + n, committee.TENDEREE, drawn=False) for n in range(1, representatives + 1)]
        committee.check_members(rulebook, [*drawn, *sent], budget)

    days = _whole(rulebook.panel.get("admitted_days"))
    return PanelLaw(
        check_members=check_members,
        check_time=lambda drawn, meets: committee.check_draw_time(rulebook, drawn, meets),
        seats=seats or 0,
        admitted_days=ADMITTED_DAYS if days is None else days,
        random=next((id for id in ("WK-29", "GP-39") if rulebook.has(id)), ""),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def check_panel(
    case: Case, identities: Identities, rulebook: Rulebook | None, found: Found, *, current: bool = True
) -> None:
    """V13. `current`: the rulebook has rules; a draw of an archive older than that is passed over."""
    if current:
        check_draws(Told(case.facts, case.log, case.tender, identities, panel_law(case, rulebook)), found)
        return
    drawn = {
        f"draw/{held.body.get('draw')}/{held.body.get('attempt')}/"
        for held in case.mine
        if held.name == "draw-committed"
    }
    for path in case.log.files.under("draw/"):
        if path.rpartition("/")[0] + "/" not in drawn:
            found.fault(path, "V-STRAY")
    found.status = Status.UNCHECKED if drawn else Status.ABSENT


def check_signed(case: Case, counting: set[str], found: Found) -> None:
    """V14: where a panel sits, each sheet is signed by its seat's key, and `counting` ones by its last key of all."""
    seated = [fact.index for fact in case.facts("panel-seated")]
    for fact in case.facts("scores-entered"):
        if not any(index < fact.index for index in seated):
            continue
        with found.at(fact.at):
            key = _key(case, fact["seat"], fact.index)
            if key is None:
                raise Broken("D-UNKEYED", seat=fact["seat"])
            check_one(fact.held.body.get("sig"), record_sig_bytes(fact.held.body), [key["key"]])
            if fact["sheet"] in counting and key is not _key(case, fact["seat"], case.log.about.size):
                raise Broken("D-REPLACED", seat=fact["seat"])


def _key(case: Case, seat: int, before: int) -> Fact | None:
    keyed = [fact for fact in case.facts("seat-keyed") if fact["seat"] == seat and fact.index < before]
    return keyed[-1] if keyed else None
