"""Acts that take two people (ASVS 2.3.5): proposed by one, approved by another, recorded with both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.act import pool
from tests.security.browsers import Clock
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading import approvals
from trading.web.roles import matrix


@pytest.fixture
async def desk(place: Town, tmp_path: Path) -> Desk:
    made = Desk(place, tmp_path / "desk")
    await made.open()
    return made


def test_which_acts_take_two() -> None:
    assert {name for name, row in matrix().items() if row.two} == {"move_deadline", "terminate_tender"}


async def test_asvs_2_3_5_a_tender_is_given_up_by_two_and_by_none_alone(desk: Desk) -> None:
    town, path = desk.town, f"/tenders/{desk.tender}/termination"
    made = await town.call("tenderee", "POST", path, 202, {"reason": "tenderee"})
    assert (await town.call("public", "GET", f"/tenders/{desk.tender}", 200))["state"] == "announced"
    approval = f"/proposals/{made['id']}/approval"
    assert (await town.call("tenderee", "POST", approval, 403))["code"] == "T-TWO"
    await town.call("public", "POST", approval, 401)
    await desk.bidder("博远")
    await town.call("博远", "POST", approval, 404)  # a bidder could not ask for it: to it there is no such proposal
    for role in ("tenderee", "custodian", "audit_admin"):
        await town.enrol(f"foreign {role}", role)
        await town.call(f"foreign {role}", "POST", approval, 404)
        assert (await town.call(f"foreign {role}", "GET", "/proposals", 200))["items"] == []
    deputy = await town.deputy("tenderee")
    [waiting] = (await town.call(deputy, "GET", "/proposals", 200))["items"]
    assert (waiting["operation"], waiting["body"]) == ("terminate_tender", {"reason": "tenderee"})
    done = await town.call(deputy, "POST", approval, 201)
    assert done["answer"]["record"] and done["proposal"]["outcome"] == "approved"
    assert (await town.call("public", "GET", f"/tenders/{desk.tender}", 200))["state"] == "terminated"
    row = await pool().fetchrow("SELECT record, nonce FROM log_record WHERE type = 'act-approved'")
    told = json.loads(bytes(row["record"]))
    people = {(await town.call(who, "GET", "/whoami", 200))["person"] for who in ("tenderee", deputy)}
    assert {told["by"], told["proposed_by"]} == people and row["nonce"]
    assert (await town.call(deputy, "POST", approval, 409))["code"] in ("T-PROPOSAL", "W-STATE")


async def test_what_is_approved_is_what_was_proposed_and_the_law_is_asked_then(desk: Desk) -> None:
    town, path = desk.town, f"/tenders/{desk.tender}/deadline"
    await town.call("tenderee", "POST", path, 422, {"deadline": "tomorrow"})  # nonsense is not even proposed
    earlier = {"deadline": "2020-01-01T00:00:00Z", "reason": "more_time"}
    made = await town.call("tenderee", "POST", path, 202, earlier)
    told = await town.call(await town.deputy("tenderee"), "POST", f"/proposals/{made['id']}/approval", 409)
    assert told["code"] in ("E-EARLIER", "E-LATE", "E-DEADLINE-NEAR"), told
    again = await town.call(await town.deputy("tenderee"), "POST", f"/proposals/{made['id']}/approval", 409)
    assert again["code"] == "T-PROPOSAL"


async def test_a_proposal_is_taken_back_by_its_own_and_ends_by_itself(desk: Desk) -> None:
    town, path, body = desk.town, f"/tenders/{desk.tender}/termination", {"reason": "tenderee"}
    one, two = [await town.call("tenderee", "POST", path, 202, body) for _ in range(2)]
    deputy = await town.deputy("tenderee")
    await town.call(deputy, "POST", f"/proposals/{one['id']}/withdrawal", 404)
    await town.call("tenderee", "POST", f"/proposals/{one['id']}/withdrawal", 201)
    assert (await town.call(deputy, "POST", f"/proposals/{one['id']}/approval", 409))["code"] == "T-PROPOSAL"
    short = town.settings.model_copy(update={"proposal_life": 0.0})
    from trading.accounts import Caller

    person = (await town.call("tenderee", "GET", "/whoami", 200))["person"]
    over = await approvals.propose(
        short, Caller("tenderee", "t", person, town.codes["tenderee"]), "terminate_tender", desk.tender,
        {"tender": desk.tender}, json.dumps(body),
    )  # fmt: skip
    assert (await town.call(deputy, "POST", f"/proposals/{over.id}/approval", 409))["code"] == "T-PROPOSAL"
    # And whose role was taken away meanwhile proposes nothing any more.
    await town.call("sa", "PUT", f"/people/{person}/roles", 200, {"roles": ["custodian"]})
    assert (await town.call(deputy, "POST", f"/proposals/{two['id']}/approval", 422))["code"] == "T-ROLE"


async def test_one_human_being_in_two_rows_is_one(desk: Desk) -> None:
    """Whoever is tenderee and agency of one tender does not approve his own proposal under the other name."""
    town, clock = desk.town, Clock(desk.town)
    code = town.codes["tenderee"]
    first, _ = await come_in_at(town, "first", clock, code)
    await town.enrol("second", "tenderee", code=code)
    people = [(await town.call(who, "GET", "/whoami", 200))["person"] for who in ("first", "second")]
    await pool().execute(
        "UPDATE trading_person SET account_id = (SELECT account_id FROM trading_person WHERE id = $1) WHERE id = $2",
        *people,
    )
    made = await town.call("first", "POST", f"/tenders/{desk.tender}/termination", 202, {"reason": "tenderee"})
    assert (await town.call("second", "POST", f"/proposals/{made['id']}/approval", 403))["code"] == "T-TWO"
    page = await first.get("/me")
    assert "Give the tender up" in page.text and "Take my proposal back" in page.text and "Approve" not in page.text


async def come_in_at(town: Town, name: str, clock: Clock, code: str):  # type: ignore[no-untyped-def]
    from tests.security.browsers import PASSWORD as password
    from tests.security.browsers import Browser, Generator, code_of

    await town.enrol(name, "tenderee", code=code)
    _, invitation = await code_of(town, name)
    browser = Browser(town)
    await browser.get(f"/invited/{invitation}")
    generator = Generator(browser.page)
    await browser.submit("/invited/password", login=name, password=password, typed=generator.code(clock()))
    return browser, generator


async def test_the_second_person_approves_on_her_own_page(desk: Desk) -> None:
    town, clock = desk.town, Clock(desk.town)
    browser, _ = await come_in_at(town, "deputy", clock, town.codes["tenderee"])
    made = await town.call("tenderee", "POST", f"/tenders/{desk.tender}/termination", 202, {"reason": "tenderee"})
    page = await browser.get("/me")
    assert "Give the tender up" in page.text
    await browser.submit(f"/me/proposals/{made['id']}/approval")
    assert (await town.call("public", "GET", f"/tenders/{desk.tender}", 200))["state"] == "terminated"


async def test_a_house_that_says_one_is_enough(desk: Desk) -> None:
    settings = desk.town.settings.model_copy(update={"two_people": False})
    object.__setattr__(desk.town.app.state.platform, "settings", settings)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/termination", 201, {"reason": "tenderee"})
    assert await pool().fetchval("SELECT count(*) FROM trading_proposal") == 0
