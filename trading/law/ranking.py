"""From a ranking to candidates, and from candidates to the one who wins."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from audit.refusal import Refused
from trading.law.article import article
from trading.law.bounds import Book, asked
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


def first_must_win(book: Book, *, state_funded: bool) -> bool:
    """Whether nobody but the first candidate may win: state-funded works (WK-40), gov in ranked order (GP-11), sales.

    Only in works without state money may the tenderee choose among the candidates (招标投标法 40).
    """
    return state_funded or asked(book, "WK-40") is None


def choose(book: Book, ranking: Sequence[str], bid: str, *, state_funded: bool, gone: Collection[str] = ()) -> str:
    """The candidate that wins; `gone`: candidates rejected or withdrawn since, whose place the next one takes (条例 55).

    Raises Refused E-NO-CANDIDATE, E-NOT-CANDIDATE, E-NOT-FIRST.
    """
    standing = [one for one in ranking if one not in gone]
    if first_must_win(book, state_funded=state_funded):
        winner(standing, bid)
    elif not standing:
        raise Refused("E-NO-CANDIDATE")
    elif bid not in standing:
        rule = asked(book, "WK-35")
        raise Refused("E-NOT-CANDIDATE", rule.article if rule else None, bid=bid)
    return bid


FALLING = ("gave_up", "force_majeure", "no_performance_security", "unlawful_act")
"""放弃中标、不可抗力、不按要求提交履约保证金、查实的违法行为: the codes under which a published candidate falls away."""


@article("招标投标法实施条例", 55)
def falls_away(reason: str) -> None:
    """Once candidates are published one falls away only for a reason of the article (E-FALLS-AWAY)."""
    if reason not in FALLING:
        raise Refused("E-FALLS-AWAY", reason=reason, known=", ".join(FALLING))
