"""Everything lost, and given back by two others; invited once; one human being in two organisations; nobody's default."""

from __future__ import annotations

import json

import asyncpg
import pytest

from audit.act import pool
from tests.security.browsers import PASSWORD, Browser, Clock, Generator, Passkey, code_of, come_in, invite
from tests.trading.town import Town
from trading import accounts


async def _person(place: Town, name: str) -> str:
    return str((await place.call(name, "GET", "/whoami", 200))["person"])


async def test_wang_lost_everything_and_two_others_give_it_back(place: Town) -> None:
    clock = Clock(place)
    lost, _ = await come_in(place, "wang", "bidder", clock)
    wang = await _person(place, "wang")
    await place.enrol("colleague", "bidder", code=place.codes["wang"])
    one = await place.call("colleague", "POST", f"/people/{wang}/recovery", 201)
    [waiting] = (await place.call("sa", "GET", "/recoveries", 200))["items"]
    assert waiting["id"] == one["id"] and "code" not in waiting
    other = await place.call("sa", "POST", f"/recoveries/{one['id']}/approval", 201)
    thief = Browser(place, "203.0.113.9")
    await thief.get("/invited")
    for half in (one["code"], other["code"], one["code"] * 2, other["code"] * 2):
        await thief.submit("/invited", status=404, code=half)
    again, key = Browser(place, "203.0.113.10"), Passkey()
    await again.get("/invited")
    await again.submit("/invited", status=200, code=other["code"].lower(), other="-".join(one["code"]))
    assert "given back" in again.page and "every earlier password" in again.page
    whole = one["code"] + other["code"]
    await again.passkey(
        key, "/invited/passkey/options", "/invited/passkey", 201, code=other["code"] + "-".join(one["code"])
    )
    assert (await again.http.get("/api/v1/session")).json()["person"] == wang
    assert (await lost.http.get("/api/v1/session")).status_code == 401  # what came in before is out
    await lost.get("/signin")
    await lost.submit("/signin", status=401, login="wang@example.cn", password=PASSWORD)
    await thief.get("/invited")
    await thief.submit("/invited", status=404, code=whole)  # once
    kinds = await pool().fetch("SELECT record FROM log_record WHERE type LIKE 'recovery-%' ORDER BY id")
    told = [json.loads(bytes(row["record"])) for row in kinds]
    sa = await _person(place, "sa")
    assert told[1]["by"] == sa and told[1]["proposed_by"] == await _person(place, "colleague")


async def test_nobody_gives_an_account_back_alone(place: Town) -> None:
    clock = Clock(place)
    await come_in(place, "wang", "bidder", clock)
    wang = await _person(place, "wang")
    await place.enrol("stranger", "bidder")
    await place.enrol("auditor", "audit_admin", code=place.codes["sa"])
    await place.enrol("system", "system_admin", code=place.codes["sa"])
    await place.call("stranger", "POST", f"/people/{wang}/recovery", 403)  # of another organisation
    assert (await place.call("wang", "POST", f"/people/{wang}/recovery", 403))["code"] == "T-SELF"
    await place.call("stranger", "POST", "/recoveries/0/approval", 403)
    one = await place.call("sa", "POST", f"/people/{wang}/recovery", 201)
    assert (await place.call("sa", "POST", f"/recoveries/{one['id']}/approval", 403))["code"] == "T-SELF"
    await place.call("auditor", "POST", f"/recoveries/{one['id']}/approval", 201)
    two = await place.call("system", "POST", f"/people/{wang}/recovery", 201)
    await place.call(
        "auditor", "POST", f"/recoveries/{two['id']}/approval", 403
    )  # no security administrator among them
    with pytest.raises(asyncpg.CheckViolationError):  # and the database says so, whoever writes
        await pool().execute(
            "UPDATE trading_invitation SET other_half = half, approved_by = made_by WHERE id = $1", two["id"]
        )
    with pytest.raises(asyncpg.CheckViolationError):
        await pool().execute("UPDATE trading_invitation SET used_at = now() WHERE id = $1", two["id"])


async def test_asvs_6_4_1_an_invitation_is_good_once_and_for_a_while(place: Town) -> None:
    clock = Clock(place)
    person, first = await invite(place, "wang", "bidder")
    _, code = await code_of(place, "wang")
    browser = Browser(place)
    await browser.get(f"/invited/{first}", 404)  # a later one ends it
    await browser.get(f"/invited/{code}")
    generator = Generator(browser.page)
    for typed, status, wrong in (("000000", 401, "T-SECOND"), (generator.code(clock()), 422, "T-PASSWORD")):
        password = "short" if status == 422 else PASSWORD
        await browser.submit("/invited/password", status=status, login="wang", password=password, typed=typed)
        assert wrong in browser.page and Generator(browser.page).secret == generator.secret
    await browser.submit("/invited/password", login="Wang", password=PASSWORD, typed=generator.code(clock()))
    await Browser(place).get(f"/invited/{code}", 404)
    assert (await place.call("sa", "POST", f"/people/{person}/invitation", 409))["code"] == "T-INVITED"
    _, late = await invite(place, "li", "bidder")
    await pool().execute("UPDATE trading_invitation SET ends_at = clock_timestamp() WHERE used_at IS NULL")
    await Browser(place).get(f"/invited/{late}", 404)


async def test_asvs_6_3_2_nobody_has_a_password_nobody_chose(place: Town) -> None:
    await place.enrol("wang", "bidder")
    assert await pool().fetchval("SELECT count(*) FROM trading_credential") == 0
    browser = Browser(place)
    await browser.get("/signin")
    for login in ("admin", "wang", "root", ""):
        assert (
            await browser.post("/signin", {"login": login, "password": "", "form_token": browser.token})
        ).status_code == 401


async def test_one_human_being_works_for_two_organisations_and_switches(place: Town) -> None:
    clock = Clock(place)
    browser, _ = await come_in(place, "agent", "agency", clock)
    _, code = await invite(place, "second", "tenderee")
    await browser.get(f"/invited/{code}")
    await browser.submit("/invited/join")
    assert (await browser.http.get("/api/v1/whoami")).json()["role"] == "tenderee"
    before = browser.session
    await browser.submit("/me/role", post=f"{await _person(place, 'agent')}:agency")
    assert (await browser.http.get("/api/v1/whoami")).json()["role"] == "agency" and browser.session != before
    await browser.submit("/me/role", status=422, post=f"{await _person(place, 'agent')}:operator")  # not its role
    await browser.submit("/me/role", status=422, post=f"{await _person(place, 'sa')}:security_admin")  # nor itself


async def test_one_human_being_is_not_two_administrators_nor_operator_and_bidder(place: Town) -> None:
    clock = Clock(place)
    for first, second, wanted in (
        ("audit_admin", "security_admin", "T-ADMINS"), ("operator", "bidder", "E-OPERATOR-BIDS"),
    ):  # fmt: skip
        browser, _ = await come_in(place, f"a {first}".replace(" ", "-"), first, clock)
        _, code = await invite(place, f"b {second}", second)
        await browser.get(f"/invited/{code}")
        await browser.submit("/invited/join", status=409)
        assert wanted in browser.page
    # Nor later, by a role more.
    browser, _ = await come_in(place, "c", "audit_admin", clock)
    _, code = await invite(place, "d", "custodian")
    await browser.get(f"/invited/{code}")
    await browser.submit("/invited/join")
    told = await place.call(
        "sa", "PUT", f"/people/{await _person(place, 'd')}/roles", 409, {"roles": ["custodian", "system_admin"]}
    )
    assert told["code"] == "T-ADMINS"


async def test_the_last_way_in_is_not_ended(place: Town) -> None:
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    page = await browser.get("/me")
    ends = [str(a["action"]) for a, _ in page.forms if "/me/credentials/" in str(a.get("action"))]
    assert len(ends) == 2
    for one in ends:
        await browser.submit(one, status=409)
    await browser.passkey(Passkey(), "/me/passkeys/options", "/me/passkeys", 201)
    for one in ends:
        await browser.get("/me")
        await browser.submit(one)
    assert await pool().fetchval("SELECT count(*) FROM trading_credential WHERE ended_at IS NULL") == 1


async def test_the_log_holds_what_happened_and_no_names(place: Town) -> None:
    clock = Clock(place)
    browser, _ = await come_in(place, "王小明", "bidder", clock)
    await browser.submit("/signout", status=200)
    rows = await pool().fetch("SELECT type, record, nonce FROM log_record ORDER BY id")
    types = [row["type"] for row in rows]
    assert {"invitation-made", "account-joined", "credential-added"} <= set(types)
    assert not [t for t in types if "sign" in t or "session" in t]  # who signs in when would tell who works on a bid
    for row in rows:
        if row["type"] in ("invitation-made", "account-joined", "credential-added"):
            assert row["nonce"] and "王小明" not in bytes(row["record"]).decode()
            assert place.codes["王小明"] not in bytes(row["record"]).decode() or row["type"] == "person-enrolled"


async def test_a_stolen_database_opens_no_door(place: Town) -> None:
    """What lies in the rows is not what is typed or sent."""
    _, code = await invite(place, "li", "bidder")
    browser, generator = await come_in(place, "wang", "bidder", Clock(place))
    stolen = ""
    for table in ("account", "credential", "session", "device", "invitation", "challenge"):
        for row in await pool().fetch(f"SELECT * FROM trading_{table}"):
            stolen += "".join(v.hex() + repr(v) if isinstance(v, bytes) else str(v) for v in row.values())
    device = browser.http.cookies["device"]
    for secret in (code, PASSWORD, generator.secret, browser.session, device, browser.token):
        assert secret not in stolen and secret.encode().hex() not in stolen
    assert "wang@example.cn" in stolen  # the control: it was looked for where it would be
    assert accounts.digest(browser.session).hex() in stolen
