"""From the opening to the contract and the archive, each regime with its own clocks; every archive verifies."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit import alerts
from audit.act import pool
from audit.canon import stamp
from tests.trading.desk import Desk
from tests.trading.test_journey import check
from tests.trading.town import Town

PRICES = {"安和": 9_200_000, "赣江": 8_800_000, "博远": 9_900_000}


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def opened(desk: Desk, regime: str, **more: object) -> dict[str, str]:
    """Three bids, opened; bid by firm."""
    await desk.open(regime=regime, **more)  # type: ignore[arg-type]
    bids = {}
    for name, price in PRICES.items():
        firm = await desk.bidder(name)
        await desk.hand_in(firm, price)
        bids[name] = firm.bid
    assert await desk.wait() == "closed"
    assert (await desk.open_boxes())["state"] == "opened"
    return bids


async def test_works_from_the_notice_to_the_contract(desk: Desk) -> None:
    bids = await opened(desk, "works", state_funded=True)
    told = await desk.post("tenderee", "candidates", 409)
    assert told["code"] == "E-NO-REPORT" and told["article"].endswith("art. 54")
    ranked = await desk.candidates()
    assert ranked["ranking"] == [bids["赣江"], bids["安和"], bids["博远"]]
    early = await desk.post("tenderee", "award", 409, {})
    assert early["code"] == "E-PERIOD" and early["facts"]["rule"] == "WK-38" and early["facts"]["earliest"]
    await desk.days(6)  # three days, and whatever weekend or holiday they end on
    other = await desk.post("tenderee", "award", 409, {"bid": bids["安和"]})
    assert other["code"] == "E-NOT-FIRST" and other["article"].endswith("art. 55")
    won = await desk.award()
    assert (won["bid"], won["price"]) == (bids["赣江"], 8_800_000)

    assert (await desk.sign(8_800_000, 409))["code"] == "E-NO-LETTER"
    await desk.notify()
    assert (await desk.sign(8_800_001, 409))["code"] == "E-CONTRACT-PRICE"
    over = await desk.sign(8_800_000, 409, performance=880_001)
    assert over["code"] == "E-PERFORMANCE-OVER" and over["article"].endswith("art. 58")
    await desk.sign(8_800_000, performance=880_000)
    assert await desk.state() == "contracted"
    unfinished = await desk.post("operator", "archive", 409)
    assert (unfinished["code"], unfinished["facts"]["why"]) == ("E-UNFINISHED", "file-report")
    await desk.post("tenderee", "report/filing", 201, {"report": await desk.paper("tenderee", "书面报告")})
    check(desk, await desk.archive())
    assert await alerts.standing(desk.tender) == []


async def test_government_procurement_publishes_and_files_its_contract(desk: Desk) -> None:
    await opened(desk, "gov")
    await desk.candidates()
    won = await desk.award()
    await desk.notify()
    await desk.sign(won["price"])
    assert (await desk.post("operator", "archive", 409))["facts"]["why"] == "publish-contract"
    contract = await desk.paper("tenderee", "合同")
    assert (await desk.town.as_("public").get(f"/api/v1/papers/{contract}")).status_code == 404
    await desk.post("tenderee", "contract/publication")
    assert (await desk.town.as_("public").get(f"/api/v1/papers/{contract}")).content == "合同".encode()
    assert (await desk.post("tenderee", "contract/publication", 409))["code"] == "E-DONE"
    assert (await desk.post("operator", "archive", 409))["facts"]["why"] == "file-contract"
    await desk.post("tenderee", "contract/filing")
    check(desk, await desk.archive())


async def test_a_late_contract_is_signed_and_an_alert_says_so(desk: Desk) -> None:
    await opened(desk, "works")
    await desk.candidates()
    won = await desk.award(after=6)
    await desk.notify()
    await desk.days(45)
    await desk.sign(won["price"])
    raised = {one.rule for one in await alerts.standing(desk.tender)}
    assert "WK-46" in raised
    await desk.post("tenderee", "report/filing", 201, {"report": await desk.paper("tenderee", "书面报告")})
    assert "WK-47" in {one.rule for one in await alerts.standing(desk.tender)}
    check(desk, await desk.archive())  # told in the supervision edition, printed in the public one


async def test_a_contract_is_not_signed_before_its_letter_nor_tomorrow(desk: Desk) -> None:
    await opened(desk, "gov")
    await desk.candidates()
    won = await desk.award()
    await desk.notify()
    now = await desk.now()
    for when in (now + timedelta(days=1), now - timedelta(days=2)):
        assert (await desk.sign(won["price"], 409, signed=stamp(when)))["code"] == "E-SIGNED"
    await desk.sign(won["price"], signed=stamp(datetime.fromisoformat(stamp(await desk.now()))))


async def test_a_stranger_signs_nothing_and_a_paper_is_kept_first(desk: Desk) -> None:
    await opened(desk, "gov")
    await desk.candidates()
    await desk.award()
    await desk.town.enrol("stranger", "tenderee")
    letter = {"letter": await desk.paper("stranger", "别人的信")}
    await desk.post("stranger", "notification", 404, letter)
    assert (await desk.post("tenderee", "notification", 422, letter))["code"] == "T-PAPER"
    await desk.post("operator", "notification", 403, letter)


async def test_without_state_money_the_tenderee_chooses_among_the_candidates(desk: Desk) -> None:
    bids = await opened(desk, "works", state_funded=False)
    await desk.candidates()
    await desk.days(6)
    other = await desk.post("tenderee", "award", 409, {"bid": "0" * 32})
    assert other["code"] == "E-NOT-FIRST"
    won = await desk.post("tenderee", "award", 201, {"bid": bids["安和"]})
    assert (won["bid"], won["price"]) == (bids["安和"], 9_200_000)
    await desk.conclude(9_200_000, "works")
    check(desk, await desk.archive())


async def test_bid_security_goes_back_to_everybody_before_the_archive(desk: Desk) -> None:
    terms = {"security": {"amount": 100_000, "valid_days": 90}, "bid_validity_days": 90}
    await desk.open(regime="works", terms=terms)
    firms = [await desk.bidder(name) for name in PRICES]
    for firm in firms:
        await desk.hand_in(firm, PRICES[firm.name])
        paid = {"amount": 100_000, "form": "transfer", "account": "62220000000000001", "basic": True}
        body = {**paid, "received": stamp(await desk.now())}
        await desk.town.call(firm.name, "POST", f"/tenders/{desk.tender}/securities", 201, body)
    await desk.wait()
    await desk.open_boxes()
    await desk.candidates()
    won = await desk.award(after=6)
    await desk.conclude(won["price"], "works")
    told = await desk.post("operator", "archive", 409)
    assert (told["code"], told["facts"]["why"]) == ("E-UNFINISHED", "settle-securities")
    await desk.refund(firms, 100_000, won["bidder"])
    paths = await desk.archive()
    check(desk, paths)
    # The evaluation's end told who had paid; what went back to whom is told to nobody but them.
    [closed] = await pool().fetch("SELECT record FROM log_record WHERE type = 'evaluation-closed'")
    assert json.loads(closed["record"])["events"] == 3
    for row in await pool().fetch("SELECT r.record, l.index FROM log_record r JOIN log_leaf l ON l.record = r.id "
                                  "WHERE r.type = 'security-returned'"):  # fmt: skip
        with zipfile.ZipFile(paths["supervision"]) as made:
            assert f"records/{row['index']}.json" not in made.namelist()
