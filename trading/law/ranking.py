"""From a ranking to candidates, and from candidates to the one who wins."""

from __future__ import annotations

from collections.abc import Sequence

from audit.refusal import Refused
from trading.law.article import article
from trading.law.methods import Ranked
from trading.law.regimes import Regime


@article("招标投标法实施条例", 53)
def candidates(ranked: Sequence[Ranked], at_most: int) -> tuple[str, ...]:
    """The bids that are published as candidates, best first: at most three where the rulebook says so; 0 = all of them.

    Raises Refused E-NO-CANDIDATE when nobody may win.
    """
    if not ranked:
        raise Refused("E-NO-CANDIDATE")
    ordered = sorted(ranked, key=lambda r: r.rank)
    return tuple(r.bid for r in (ordered[:at_most] if at_most else ordered))


@article("财政部令87号", 44)
def enough_qualified(count: int, regime: Regime) -> None:
    """With fewer qualified bids than the regime asks for there is no evaluation (E-TOO-FEW-QUALIFIED)."""
    if count < regime.min_qualified:
        raise Refused("E-TOO-FEW-QUALIFIED", count=count, needed=regime.min_qualified)


@article("招标投标法实施条例", 55)
def winner(ranking: Sequence[str], bid: str) -> None:
    """Only the candidate ranked first wins (E-NOT-FIRST); whoever was rejected is no candidate."""
    if not ranking:
        raise Refused("E-NO-CANDIDATE")
    if ranking[0] != bid:
        raise Refused("E-NOT-FIRST", bid=bid, first=ranking[0])


FALLING = ("gave_up", "force_majeure", "no_performance_security", "unlawful_act")
"""放弃中标、不可抗力、不按要求提交履约保证金、查实的违法行为: the codes under which a published candidate falls away."""


@article("招标投标法实施条例", 55)
def falls_away(reason: str) -> None:
    """Once candidates are published one falls away only for a reason of the article (E-FALLS-AWAY)."""
    if reason not in FALLING:
        raise Refused("E-FALLS-AWAY", reason=reason, known=", ".join(FALLING))
