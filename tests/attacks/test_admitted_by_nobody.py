"""The second envelope of a two-envelope procedure: whom nobody admitted stays shut, and whoever cheats there is named.

Control: the technical bids first, then the prices of those admitted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from audit.canon import b64
from tests.attacks.conftest import Stage
from tests.world_tender import Tender

LATER = timedelta(minutes=30)


def opened(stage: Stage) -> Tender:
    """The technical bids of three firms are open, and the hour of the prices has come."""
    tender = stage.bids(stages=("technical", "form"), later={"form": LATER})
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN"):
        tender.release(custodian, ("technical",))
    tender.unseal(stages=["technical"])
    stage.world.until(tender.opens_at + LATER)
    return tender


def open_prices(tender: Tender) -> None:
    for custodian in ("C-SUP", "C-TEN"):
        tender.release(custodian, ("form",))
    tender.unseal(stages=["form"])


def test_an_honest_second_envelope(stage: Stage) -> None:
    tender = opened(stage)
    tender.settle("form", [bid for bid in tender.bids if bid.bidder is not stage.oak])
    open_prices(tender)
    tender.finish()
    assert tender.ranked[0].bid == next(bid.id for bid in tender.bids if bid.bidder is stage.fir)
    stage.honest(tender)


def test_admitted_before_the_technical_bids_were_read(stage: Stage) -> None:
    tender = stage.bids(stages=("technical", "form"), later={"form": LATER})
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN"):
        tender.release(custodian, ("technical",))
    tender.settle("form", [tender.bids[0]])
    tender.unseal(stages=["technical"])
    stage.world.until(tender.opens_at + LATER)
    open_prices(tender)
    tender.finish()
    stage.caught(tender, "V10", "V-ORDER")


def test_somebody_is_admitted_whose_technical_bid_is_void(stage: Stage) -> None:
    tender = stage.tender(stages=("technical", "form"), later={"form": LATER})
    for firm in stage.firms:
        tender.deposit(firm, 90_000_000, tamper=_void if firm is stage.ash else None)
    tender.close()
    tender.store()
    for custodian in ("C-SUP", "C-TEN", "C-NOT"):
        tender.release(custodian, ("technical",))
    tender.unseal(stages=["technical"])
    stage.world.until(tender.opens_at + LATER)
    tender.settle("form", tender.bids)
    open_prices(tender)
    tender.finish()
    stage.caught(tender, "V10", "V-ADMITTED", editions=("supervision",))


def test_a_price_is_opened_that_nobody_admitted(stage: Stage) -> None:
    tender = opened(stage)
    tender.settle("form", tender.bids[:2])
    admitted = list(tender.admitted["form"])
    tender.admitted["form"] = sorted(bid.id for bid in tender.bids)
    open_prices(tender)
    tender.admitted["form"] = admitted
    tender.finish()
    stage.caught(tender, "V10", "E-RELEASE")


def _void(manifest: dict[str, Any]) -> dict[str, Any]:
    """A head that is not the payload's: X-PAYLOAD, its bidder's fault."""
    return {**manifest, "head": b64(bytes(56))} if manifest["stage"] == "technical" else manifest
