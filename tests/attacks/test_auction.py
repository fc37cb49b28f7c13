"""网上竞价: a bid dropped, taken after the hammer, under a moved clock, for a friend, or a hammer that did not wait.

Control: three firms bid under numbers, the hammer waits once, and the last one has it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from audit.canon import canon, parse
from tests.attacks.conftest import Stage
from tests.world_auction import Room
from tests.world_box import Bid
from tests.world_tender import Tender
from trading.law.bidding_rounds import Reserve

pytestmark = pytest.mark.slow

SALE: dict[str, Any] = {"direction": "sell", "min_bids": 1, "baseline": 50_000_000}


def sale(stage: Stage) -> tuple[Tender, list[Bid]]:
    """A sale that was opened: Fir 92, Oak 88, Ash 95 million."""
    tender = stage.bids(**SALE)
    tender.open()
    return tender, tender.bids


def last_minutes(room: Room, minutes: float) -> None:
    room.world.until(room.hammer - timedelta(minutes=minutes))


def test_an_honest_auction(stage: Stage) -> None:
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    room.cry(oak, 97_500_000)
    last_minutes(room, 2)
    receipt = stage.world.receipt(room.cry(fir, 99_000_000))
    room.close()
    tender.finish()
    assert tender.won == 99_000_000
    stage.honest(tender, receipts=[receipt])


def test_nobody_bids_and_the_sealed_prices_stand(stage: Stage) -> None:
    tender, _ = sale(stage)
    Room(tender).close()
    tender.finish()
    assert tender.won == 95_000_000
    stage.honest(tender)


def test_below_the_reserve_and_not_sold(stage: Stage) -> None:
    tender, (fir, *_) = sale(stage)
    room = Room(tender, reserve=Reserve(120_000_000, "5a" * 32))
    room.cry(fir, 96_000_000)
    room.close()
    tender.fail("no_candidate")
    tender.finish()
    stage.honest(tender)


def test_below_the_reserve_and_sold(stage: Stage) -> None:
    tender, (fir, *_) = sale(stage)
    room = Room(tender, reserve=Reserve(120_000_000, "5a" * 32))
    room.cry(fir, 96_000_000)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")


def test_another_reserve_than_the_one_that_was_committed_to(stage: Stage) -> None:
    tender, (fir, *_) = sale(stage)
    room = Room(tender, reserve=Reserve(120_000_000, "5a" * 32))
    room.cry(fir, 96_000_000)
    room.close(reserve={"price": 90_000_000, "salt": "5a" * 32}, outcome="sold")
    tender.finish()
    stage.caught(tender, "V15", "V-AUCTION")


def test_a_bid_that_was_acknowledged_and_dropped(stage: Stage) -> None:
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    room.tender.corrected.pop(oak.id, None)
    with stage.world.held_up():
        lost = room.cry(oak, 97_500_000)
    stage.world.waiting = [record for record in stage.world.waiting if record is not lost]
    stage.world.serials["serial", tender.id] -= 1
    receipt = stage.world.receipt(lost, proof=False)
    del tender.corrected[oak.id]
    room.standing, room.number = 96_000_000, room.bids.index(fir) + 1
    room.close()
    tender.finish()
    stage.honest(tender)  # nothing in the archive shows it; its bidder's receipt does
    stage.caught(tender, "V17", "V-DROPPED", receipts=[receipt])


def test_a_bid_after_the_hammer(stage: Stage) -> None:
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender, window=0)
    room.cry(fir, 96_000_000)
    stage.world.until(room.hammer + timedelta(seconds=20))
    room.cry(oak, 97_500_000)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-HAMMER")


def test_a_bid_after_the_hammer_under_a_moved_clock(stage: Stage) -> None:
    """Dated back into the auction by more than the log's own tolerance: the witnesses' clocks say otherwise."""
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender, window=0)
    room.cry(fir, 96_000_000)
    stage.world.until(room.hammer + timedelta(minutes=10))
    room.cry(oak, 97_500_000, at=room.hammer - timedelta(seconds=1))
    room.close()
    tender.finish()
    stage.caught(tender, "V6", "V-APART")


def test_a_bid_put_before_another_by_its_time(stage: Stage) -> None:
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender)
    stage.world.wait(60)
    room.cry(fir, 96_000_000, wait=False)
    room.cry(oak, 97_500_000, at=stage.world.now - timedelta(seconds=5))
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-HAMMER")


def test_a_hammer_that_did_not_wait(stage: Stage) -> None:
    tender, (fir, *_) = sale(stage)
    room = Room(tender)
    last_minutes(room, 2)
    room.cry(fir, 96_000_000, extend=False)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-EXTENDED")


def test_a_hammer_that_waited_for_a_friend(stage: Stage) -> None:
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender, extension=3600, window=0)
    room.cry(fir, 96_000_000)
    tender.log("auction-extended", {"kind": "auction", "id": "1"}, hammer="2026-03-05T00:00:00.000000Z")
    room.cry(oak, 97_500_000)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-EXTENDED")


def test_a_bid_that_nobody_made(stage: Stage) -> None:
    """The operator drives the price up, with a key of its own."""
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000, key=room._key(oak))
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-AUCTION-BID")


def test_less_than_the_increment(stage: Stage) -> None:
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    room.cry(oak, 96_999_999)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-AUCTION-BID")


def test_one_who_joined_was_not_let_in(stage: Stage) -> None:
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender, leave_out=oak)
    room.cry(fir, 96_000_000)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-AUCTION")


def test_the_numbers_are_exchanged_after_the_hammer(stage: Stage) -> None:
    tender, (fir, oak, _) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    names = [bid.id for bid in room.bids]
    a, b = names.index(fir.id), names.index(oak.id)
    names[a], names[b] = names[b], names[a]
    tender.corrected = {oak.id: 96_000_000}
    room.close(bids=names)
    tender.finish()
    stage.caught(tender, "V15", "V-AUCTION")


# ------------------------------------------------------------------------------------------------- noticed beforehand


def noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch, days: float) -> Tender:
    """A sale whose rulebook asks for seven days between notice and auction (AU-01), auctioned after so many."""
    honest = Tender._pin

    def pinned(tender: Tender, rules: Any) -> bytes:
        book = parse(honest(tender, rules))
        return canon({**book, "rules": [*book["rules"], {"id": "AU-01", "value": 7, "unit": "日"}]})

    monkeypatch.setattr(Tender, "_pin", pinned)
    tender, (fir, *_) = sale(stage)
    stage.world.sleep(days)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    room.close()
    tender.finish()
    return tender


def test_an_auction_that_was_noticed_in_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.honest(noticed(stage, monkeypatch, 7))


def test_an_auction_three_days_after_its_notice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.caught(noticed(stage, monkeypatch, 3), "V15", "V-AUCTION")


# ------------------------------------------------------------------------------------------------- suspended meanwhile


def stopped(stage: Stage) -> tuple[Tender, list[Bid], Room, str]:
    """A supervisor stops an auction thirty minutes before its hammer, with Fir standing at 96."""
    tender, bids = sale(stage)
    room = Room(tender)
    room.cry(bids[0], 96_000_000)
    last_minutes(room, 30)
    return tender, bids, room, room.stop()


def test_a_suspended_auction_rests_and_goes_on(stage: Stage) -> None:
    tender, (fir, oak, _), room, order = stopped(stage)
    stage.world.until(room.hammer + timedelta(hours=1))  # the first hammer passes and nothing falls
    tender.lift(order)
    room.resume()
    room.cry(oak, 97_500_000)
    last_minutes(room, 2)
    room.cry(fir, 99_000_000)
    room.close()
    tender.finish()
    assert tender.won == 99_000_000
    stage.honest(tender)


def test_an_order_after_the_hammer_stops_nothing(stage: Stage) -> None:
    tender, (fir, *_) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    stage.world.until(room.hammer + timedelta(minutes=1))
    order = room.stop()
    stage.world.wait(3600)
    tender.lift(order)
    room.close()
    tender.finish()
    stage.honest(tender)


def test_the_hammer_falls_while_the_tender_is_suspended(stage: Stage) -> None:
    tender, _, room, order = stopped(stage)
    room.close()
    tender.lift(order)
    tender.finish()
    stage.caught(tender, "V15", "V-HAMMER")


def test_closed_while_suspended_after_the_hammer(stage: Stage) -> None:
    tender, (fir, *_) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    stage.world.until(room.hammer + timedelta(minutes=1))
    order = room.stop()
    room.close()
    tender.lift(order)
    tender.finish()
    stage.caught(tender, "V15", "V-SUSPENDED")


def test_a_bid_while_the_tender_is_suspended(stage: Stage) -> None:
    tender, (_, oak, _), room, order = stopped(stage)
    room.cry(oak, 97_500_000)
    tender.lift(order)
    room.resume()
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-HAMMER")


def test_a_bid_after_the_suspension_before_the_rounds_are_resumed(stage: Stage) -> None:
    """Lifted: those who are told at once bid; the others do not know that it goes on."""
    tender, (_, oak, _), room, order = stopped(stage)
    tender.lift(order)
    room.cry(oak, 97_500_000)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-HAMMER")


def test_resumed_while_the_tender_is_suspended(stage: Stage) -> None:
    tender, (_, oak, _), room, order = stopped(stage)
    room.resume()
    room.cry(oak, 97_500_000)
    tender.lift(order)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-SUSPENDED")


def test_resumed_for_less_than_was_left(stage: Stage) -> None:
    tender, (_, oak, _), room, order = stopped(stage)
    tender.lift(order)
    room.resume(minutes=20)
    room.cry(oak, 97_500_000)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-AUCTION")


def test_resumed_though_nothing_had_stopped_it(stage: Stage) -> None:
    """The seller would like more time for a friend."""
    tender, (fir, *_) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    room.resume()
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-AUCTION")


def test_opened_while_the_tender_is_suspended(stage: Stage) -> None:
    tender, (fir, *_) = sale(stage)
    order = tender.suspend()
    room = Room(tender)
    tender.lift(order)
    room.cry(fir, 96_000_000)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-SUSPENDED")


def test_an_order_dated_after_the_hammer_so_that_it_stops_nothing(stage: Stage) -> None:
    """The checkpoint over it says when it was there."""
    tender, (fir, *_) = sale(stage)
    room = Room(tender)
    room.cry(fir, 96_000_000)
    last_minutes(room, 30)
    now, stage.world.now = stage.world.now, room.hammer + timedelta(seconds=1)
    with stage.world.held_up():
        order = tender.suspend()
        stage.world.now = now
    stage.world.wait()
    stage.world.until(room.hammer + timedelta(minutes=1))
    tender.lift(order)
    room.close()
    tender.finish()
    stage.caught(tender, "V15", "V-HAMMER")


def test_candidates_before_the_hammer(stage: Stage) -> None:
    tender, (fir, *_) = sale(stage)
    room = Room(tender)
    tender.corrected.clear()
    tender.rank()
    room.cry(fir, 96_000_000)
    room.close()
    tender.corrected.clear()
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")
