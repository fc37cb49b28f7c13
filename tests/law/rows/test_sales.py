"""AU, PR, LD, MN: what the state sells, each row at its bound."""

from __future__ import annotations

from tests.law.rows.books import (
    ANNOUNCED,
    AUCTION,
    DEADLINE,
    LAND,
    MINERALS,
    MOMENT,
    PROPERTY,
    WORKS,
    beijing,
    keyed,
    refused,
)
from trading.law import admission, auctions, publication, regimes, retention
from trading.law.auctions import Offer
from trading.law.life import ask
from trading.law.regimes import SELL


def test_au_01() -> None:
    """Seven days before the auction: noticed on Monday the 2nd, held on Monday the 9th at the earliest."""
    auctions.keep_auction_notice(AUCTION, ANNOUNCED, beijing(2026, 3, 9))
    no = refused("AU-01", "E-PERIOD", auctions.keep_auction_notice, AUCTION, ANNOUNCED, beijing(2026, 3, 9) - MOMENT)
    assert (no.facts["earliest"], no.facts["derivation"]) == (beijing(2026, 3, 9), "2026-03-02 +7日 = 2026-03-09")


def test_au_02() -> None:
    """Two whole days on show."""
    shown = beijing(2026, 3, 2, 9)
    auctions.keep_display(AUCTION, shown, beijing(2026, 3, 5))
    refused("AU-02", "E-PERIOD", auctions.keep_display, AUCTION, shown, beijing(2026, 3, 5) - MOMENT)


def test_au_03() -> None:
    """At the reserve the hammer falls; one fen below it nothing has happened."""
    offers = [Offer("fir", 99_999), Offer("oak", 100_000)]
    assert auctions.hammer(AUCTION, offers, 100_000).bidder == "oak"
    assert auctions.hammer(AUCTION, offers, None).bidder == "oak"
    refused("AU-03", "E-BELOW-RESERVE", auctions.hammer, AUCTION, offers, 100_001)


def test_au_04() -> None:
    """An offer binds until a higher one is made: an equal one does not release it."""
    mine = Offer("fir", 100)
    auctions.withdraw(AUCTION, [mine, Offer("oak", 101)], mine)
    refused("AU-04", "E-NO-WITHDRAWAL", auctions.withdraw, AUCTION, [mine, Offer("oak", 100)], mine)


def test_au_07() -> None:
    """Five years: to the end of the corresponding day."""
    ended = beijing(2020, 3, 2, 12)
    retention.check_destroy(AUCTION, ended, beijing(2025, 3, 4))  # the 2nd is a Sunday, so the 3rd counts too
    refused("AU-07", "E-RETENTION", retention.check_destroy, AUCTION, ended, beijing(2025, 3, 4) - MOMENT)


def test_pr_02() -> None:
    """One who wants it may have it by agreement; two bid for it in the open."""
    admission.check_way(PROPERTY, "agreement", buyers=1)
    admission.check_way(PROPERTY, "tender", buyers=2)
    for buyers in (2, None):
        refused("PR-02", "E-NOT-COMPETITIVE", admission.check_way, PROPERTY, "agreement", buyers=buyers)


def test_pr_03() -> None:
    """No sale below the lowest price, and no lowest price out of thin air."""
    admission.check_price(regimes.PROPERTY, SELL, 100_000, 100_000)
    refused("PR-03", "E-UNDER-FLOOR", admission.check_price, regimes.PROPERTY, SELL, 99_999, 100_000)
    admission.check_appraisal(PROPERTY, 100_000, 100_000)
    for floor, appraisal in ((100_000, None), (None, 100_000), (100_000, 0)):
        refused("PR-03", "E-NO-APPRAISAL", admission.check_appraisal, PROPERTY, floor, appraisal)
    admission.check_appraisal(WORKS, None, None)


def test_ld_02() -> None:
    """Land goes by tender, auction or listing; by agreement only where a law lets it."""
    for way in ("tender", "auction", "listing"):
        admission.check_way(LAND, way)
    admission.check_way(LAND, "agreement", exempt=True)
    refused("LD-02", "E-NOT-COMPETITIVE", admission.check_way, LAND, "agreement")
    ask(keyed(LAND), "announce", ANNOUNCED, {"procedure": "open"})
    refused("LD-02", "E-NOT-COMPETITIVE", ask, keyed(LAND), "announce", ANNOUNCED, {"procedure": "agreement"})


def test_mn_01() -> None:
    """So do mineral rights."""
    for way in ("tender", "auction", "listing"):
        admission.check_way(MINERALS, way)
    admission.check_way(MINERALS, "agreement", exempt=True)
    refused("MN-01", "E-NOT-COMPETITIVE", admission.check_way, MINERALS, "agreement")


def test_mn_03() -> None:
    """Announced beforehand, with all four parts; documents say them, a bare notice does not."""
    said = set(publication.ADVANCE)
    publication.check_advance_notice(MINERALS, ANNOUNCED, ANNOUNCED + MOMENT, said)
    no = refused(
        "MN-03", "E-NOTICE-LACKS", publication.check_advance_notice, MINERALS, ANNOUNCED, ANNOUNCED + MOMENT,
        said - {"conditions"},
    )  # fmt: skip
    assert no.facts["missing"] == ["conditions"]
    refused("MN-03", "E-PERIOD-ORDER", publication.check_advance_notice, MINERALS, ANNOUNCED, ANNOUNCED, said)
    notice = {"deadline": DEADLINE, "direction": "sell", "baseline": 1, "documents": "d" * 64}
    ask(keyed(MINERALS), "announce", ANNOUNCED, notice)
    refused("MN-03", "E-NOTICE-LACKS", ask, keyed(MINERALS), "announce", ANNOUNCED, {**notice, "documents": None})
    ask(keyed(LAND), "announce", ANNOUNCED, {**notice, "documents": None})
