"""What the demonstration runs: the published tenders twice, one project of every kind, and every way that goes ways."""

from __future__ import annotations

from collections.abc import Sequence

from trading.demo import otherwise as ways
from trading.demo import rounds, wares
from trading.demo.market import Run
from trading.demo.tenders import SourceTender

FEWEST = 3
"""Bidders that government procurement asks for: a published tender with fewer would only stay shut."""


def plan(tenders: Sequence[SourceTender], *, kinds: bool = False, otherwise: bool = False) -> list[Run]:
    """Every published tender under its source's law and under ours for works; with `kinds` one of each other kind; with
    `otherwise` every way in which a procedure can leave its ordinary course."""
    runs = [Run(tender, regime) for tender in tenders for regime in ("source-law", "works")]
    if kinds:
        runs += [Run(tender, "gov") for tender in tenders if len(tender.bids) >= FEWEST][-1:]
        runs += [
            Run(wares.PROPERTY, "property", rounds.Auctioned()),
            Run(wares.LAND, "land"),
            Run(wares.MINERALS, "minerals"),
        ]
    return runs + (_otherwise() if otherwise else [])


def _otherwise() -> list[Run]:
    rejected = Run(wares.TOO_DEAR, "works", ways.AllRejected())
    first = Run(wares.LOT_ONE, "works")
    return [
        rejected,
        Run(wares.AGAIN, "works", ways.Again(), after=rejected),
        Run(wares.GIVEN_UP, "works", ways.GivenUp()),
        Run(wares.IDLE, "works", ways.Idle()),
        Run(wares.OBJECTED, "works", ways.Objected()),
        Run(wares.COMPLAINED, "works", ways.Complained()),
        Run(wares.FAILED_SYSTEM, "works", ways.SystemFailed()),
        Run(wares.AMENDED, "works", ways.Amended()),
        Run(wares.SECURED, "works", ways.Secured()),
        Run(wares.GONE, "works", ways.CandidateGone()),
        Run(wares.SCORED, "gov", ways.Scored()),
        Run(wares.DECLINED, "works", ways.Declined()),
        Run(wares.CONFLICTED, "works", ways.Conflicted()),
        Run(wares.ABSENT, "works", ways.NoShow()),
        Run(wares.VOIDED, "works", ways.Voided()),
        Run(wares.EXHAUSTED, "works", ways.Exhausted()),
        Run(wares.TWO_ENVELOPES, "works", ways.TwoEnvelopes()),
        Run(wares.SEALED_RESERVE, "property", ways.SealedReserve()),
        Run(wares.BELOW_RESERVE, "land", rounds.BelowReserve()),
        Run(wares.STOPPED, "minerals", rounds.Stopped()),
        first,
        Run(wares.LOT_TWO, "works", beside=first),
    ]
