"""What the committee did is sealed until its end, and stays sealed: left out of the count, added after it, never ended."""

from __future__ import annotations

from typing import Any

from audit.canon import b64, canon
from tests.attacks.conftest import Stage
from tests.verify.lives import RATED, all_rejected, given_up_opened, opened, prices, ranked, scored_again, technical
from tests.world import Logged
from tests.world_tender import Tender

SECURITY: dict[str, Any] = {"security": {"amount": 1_000_000, "valid_days": 90, "accounts": "basic"}}


def scored(stage: Stage) -> Tender:
    tender = opened(stage, "works", method="comprehensive/v1", parameters=RATED)
    for seat in range(1, 6):
        tender.score(seat)
    stage.world.wait()
    return tender


def never_ends(tender: Tender) -> None:
    tender.done.add("close evaluation")


def test_the_control(stage: Stage) -> None:
    stage.honest(scored_again(stage))


def test_a_sheet_left_out_of_the_archive(stage: Stage) -> None:
    tender = scored(stage)
    tender.score(3, lambda seat, bid, criterion: "99" if bid is tender.bids[0] else "10")
    tender.finish()
    stage.world.hidden = lambda record: record.name == "scores-entered" and record.body["replaces"] is not None
    stage.caught(tender, "V9", "V-CLOSING")


def test_a_sheet_added_after_the_end(stage: Stage) -> None:
    """Disclosed with the others, as if it had been there."""
    tender = scored(stage)
    tender.evaluate()
    stage.world.sleep(8)
    tender.award()
    late = tender.score(3, lambda seat, bid, criterion: "99")
    stage.world.wait()
    tender.finish()
    record = next(one for one in stage.world.logged if one.body.get("replaces") and one.body["seat"] == late.seat)

    def disclose(files: dict[str, bytes]) -> dict[str, bytes]:
        assert record.nonce is not None
        told = {"index": record.index, "nonce": b64(record.nonce), "record": b64(record.data)}
        files[f"records/{record.index}.json"] = canon(told)
        over = min(size for size in stage.world.notes if size > record.index)
        files[f"checkpoints/{over}"] = stage.world.notes[over]
        return files

    stage.caught(tender, "V9", "V-STRAY", change=disclose)


def test_an_evaluation_that_never_ends(stage: Stage) -> None:
    tender = ranked(stage)
    never_ends(tender)
    tender.finish()
    stage.caught(tender, "V15", "V-ORDER")


def test_a_failure_that_never_ends(stage: Stage) -> None:
    stage.honest(all_rejected(stage))
    tender = stage.world.tender("T2", regime="works", days=23)
    for firm in stage.firms:
        tender.deposit(firm)
    tender.open()
    for bid in tender.bids:
        tender.reject(bid)
    never_ends(tender)
    tender.fail()
    tender.finish()
    stage.caught(tender, "V15", "V-ORDER")


def test_given_up_when_everything_was_read(stage: Stage) -> None:
    stage.honest(given_up_opened(stage))


def test_scored_when_the_report_is_there(stage: Stage) -> None:
    """The committee has signed; somebody adds what it forgot."""
    tender = scored(stage)
    tender.report()
    tender.score(3, lambda seat, bid, criterion: "99" if bid is tender.bids[0] else "10")
    tender.finish()
    stage.caught(tender, "V15", "V-ORDER")


def test_corrected_when_the_report_is_there(stage: Stage) -> None:
    tender = opened(stage, "gov")
    tender.report()
    tender.correct(tender.bids[1], 93_000_000)
    tender.finish()
    stage.caught(tender, "V15", "V-ORDER")


def test_scored_when_the_prices_are_read(stage: Stage) -> None:
    """Two envelopes: the technical points are given when it is known who must be helped, and by how much."""
    tender = technical(stage, method="comprehensive/v1", parameters=RATED)
    prices(stage, tender)
    tender.finish()
    stage.caught(tender, "V15", "V-ORDER")


def test_opened_looked_at_and_put_away(stage: Stage) -> None:
    """A sale that nobody wins and nobody ends."""
    tender = opened(stage, "property")
    tender.done |= {"rank", "award", "sign", "publish contract"}
    tender.ranked = ()
    tender.finish()
    stage.caught(tender, "V15", "V-STEP")


def secured(stage: Stage, **terms: Any) -> Tender:
    tender = stage.tender(regime="works", days=23, **terms)
    for firm in stage.firms:
        tender.secure(firm)
        tender.deposit(firm, 90_000_000 + len(tender.bids))
    return tender


def test_a_security_that_nobody_asked_for(stage: Stage) -> None:
    """Not in the notice, and paid all the same, by those who were told to."""
    tender = secured(stage)
    tender.finish()
    stage.caught(tender, "V15", "V-UNASKED")


def test_a_security_that_was_kept(stage: Stage) -> None:
    tender = secured(stage, **SECURITY)
    settle = tender.settle_securities
    tender.settle_securities = lambda: settle(count=2, amount=2_000_000)  # type: ignore[method-assign]
    tender.finish()
    stage.caught(tender, "V15", "V-SECURITY")


def test_a_payer_who_is_left_out(stage: Stage) -> None:
    """The third payer's record is not disclosed: the end of the evaluation counted it."""
    tender = secured(stage, **SECURITY)
    tender.finish()

    def third(record: Logged) -> bool:
        return record.name == "security-received" and record.body["bidder"] == stage.ash.id

    stage.world.hidden = third
    stage.caught(tender, "V9", "V-CLOSING")
