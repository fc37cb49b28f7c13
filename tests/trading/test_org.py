"""Wang's organisation as Wang sees it; Li is let in by Wang, and nobody comes in who should not."""

from __future__ import annotations

import html
import re

from audit.act import pool
from tests.security.browsers import PASSWORD, Browser, Clock, Generator, come_in
from tests.trading.town import Town
from trading import colleagues


async def step_in(place: Town, code: str, login: str, clock: Clock, address: str) -> Browser:
    """Somebody types a code and chooses how to sign in."""
    browser = Browser(place, address)
    await browser.get(f"/invited/{code}")
    typed = Generator(browser.page).code(clock())
    await browser.submit("/invited/password", login=login, password=PASSWORD, typed=typed)
    return browser


def code_on(page: str) -> str:
    found = re.search(r'<p class="gain mono" translate="no">([^<]+)</p>', page)
    assert found, "no code on the page"
    return found[1]


async def test_wang_lets_li_in_and_li_may_what_wang_may(place: Town) -> None:
    clock = Clock(place)
    wang, _ = await come_in(place, "wang", "bidder", clock)
    said = await wang.get("/b/org")
    assert place.codes["wang"] in said.text and "You are alone" in said.text and "may take part" in said.text
    await wang.submit("/b/org/people", 200, name="李 梅")
    code = code_on(wang.page)
    assert "Hand this code to 李 梅" in wang.page and wang.answer.headers["cache-control"] == "no-store"
    assert code not in (await wang.get("/b/org")).text  # it is shown once
    assert "invited, not in yet" in wang.page and "invited by wang" in html.unescape(wang.page)
    li = await step_in(place, code, "limei", clock, "198.51.100.8")
    assert "李 梅" in (await li.get("/b/org")).text and "signs in" in li.page
    row = await pool().fetchrow(
        """SELECT p.organisation_id, array(SELECT role FROM trading_membership WHERE person_id = p.id) AS roles
           FROM trading_person p WHERE name = '李 梅'"""
    )
    assert (row["organisation_id"], list(row["roles"])) == (place.codes["wang"], ["bidder"])
    kinds = (
        "SELECT type FROM log_record WHERE actor = $1 AND type IN ('person-enrolled', 'invitation-made') ORDER BY id"
    )
    made = [one["type"] for one in await pool().fetch(kinds, place.codes["wang"])]
    assert made == ["person-enrolled", "invitation-made"]  # who lets whom in can be asked afterwards
    records = await pool().fetch("SELECT record FROM log_record WHERE type IN ('person-enrolled', 'invitation-made')")
    assert not [one for one in records if "李" in bytes(one["record"]).decode()]  # and no name is in it for ever


async def test_whoever_reloads_or_asks_again_enrols_nobody_twice(place: Town) -> None:
    clock = Clock(place)
    wang, _ = await come_in(place, "wang", "bidder", clock)
    await wang.get("/b/org")
    await wang.submit("/b/org/people", 200, name="李梅")
    first = code_on(wang.page)
    await wang.submit("/b/org/people", 200, name="  李梅 ")
    second = code_on(wang.page)
    person = await pool().fetchval("SELECT id FROM trading_person WHERE name = '李梅'")
    await wang.submit(f"/b/org/people/{person}/code", 200)
    third = code_on(wang.page)
    assert len({first, second, third}) == 3
    assert await pool().fetchval("SELECT count(*) FROM trading_person WHERE name = '李梅'") == 1
    for code in (first, second):  # a later one ends those before it
        await Browser(place, "203.0.113.5").get(f"/invited/{code}", 404)
    await step_in(place, third, "limei", clock, "198.51.100.8")


async def test_nobody_is_let_in_from_outside_nor_into_another_office(place: Town) -> None:
    """Attacks: another organisation's people; a colleague with an office; whom the centre invited; another role's session;
    a form of another site; a name that is none."""
    clock = Clock(place)
    wang, _ = await come_in(place, "wang", "bidder", clock)
    zhao, _ = await come_in(place, "zhao", "bidder", clock, "203.0.113.9")
    await wang.get("/b/org")
    await wang.submit("/b/org/people", 200, name="李梅")
    person = await pool().fetchval("SELECT id FROM trading_person WHERE name = '李梅'")
    await zhao.get("/b/org")
    assert "李梅" not in zhao.page

    async def attack(browser: Browser, path: str, status: int, code: str = "", **fields: str) -> None:
        answer = await browser.post(path, {"form_token": browser.token, **fields})
        assert answer.status_code == status, (path, answer.status_code)
        assert code in answer.text and "gain mono" not in answer.text

    await attack(zhao, f"/b/org/people/{person}/code", 422, "T-COLLEAGUE")
    await attack(zhao, f"/b/org/people/{person}/recovery", 422, "T-PERSON")
    same = {"organisation": place.codes["wang"]}
    for name, roles in (("经办", ["tenderee"]), ("老板", ["bidder", "tenderee"]), ("新人", ["bidder"])):
        made = await place.call("sa", "POST", "/people", 201, {"name": name, "roles": roles, **same})
        await attack(wang, f"/b/org/people/{made['id']}/code", 422, "T-COLLEAGUE")  # the centre enrolled them
        await attack(wang, f"/b/org/people/{made['id']}/recovery", 409, "T-NEVER-IN")
        await place.call("sa", "POST", f"/people/{made['id']}/invitation", 201)
        await attack(wang, f"/b/org/people/{made['id']}/code", 422, "T-COLLEAGUE")
    await place.call("sa", "PUT", f"/people/{person}/roles", 200, {"roles": ["bidder", "tenderee"]})
    await attack(wang, f"/b/org/people/{person}/code", 422, "T-COLLEAGUE")  # who has come to an office since
    for name in ("", " ", "李" * (colleagues.LONGEST + 1), "李\u202e梅", "a\x07b"):
        await attack(wang, "/b/org/people", 422, "T-COLLEAGUE-NAME", name=name)
    tenderee, _ = await come_in(place, "sun", "tenderee", clock, "203.0.113.10")
    assert (await tenderee.http.get("/b/org")).status_code == 403
    assert (
        await wang.http.post("/b/org/people", data={"name": "李"}, headers={"Origin": "https://evil"})
    ).status_code == 403
    machine = place.as_("wang")  # a machine's token has no desk, and lets nobody in
    assert (await machine.get("/b/org")).headers["location"].startswith("/signin")
    assert (await machine.post("/b/org/people", data={"name": "李"})).status_code == 401
    assert (
        await pool().fetchval("SELECT count(*) FROM trading_person WHERE organisation_id = $1", place.codes["wang"])
        == 5
    )


async def test_a_session_that_lies_about_lets_nobody_in(place: Town) -> None:
    """Whoever sits down at an open browser: it is asked to prove again who it is, on the page and behind it."""
    wang, _ = await come_in(place, "wang", "bidder", Clock(place))
    await wang.get("/b/org")
    token = wang.token
    await pool().execute("UPDATE trading_session SET fresh_at = fresh_at - interval '1 hour'")
    await wang.get("/b/org")
    assert 'action="/b/org/people"' not in wang.page and "/signin/again?next=/b/org" in wang.page
    answer = await wang.post("/b/org/people", {"form_token": token, "name": "李梅"})
    assert answer.status_code == 303 and "/signin/again" in answer.headers["location"]
    assert await pool().fetchval("SELECT count(*) FROM trading_person WHERE name = '李梅'") == 0


async def test_the_log_is_not_flooded_with_colleagues(place: Town) -> None:
    wang, _ = await come_in(place, "wang", "bidder", Clock(place))
    await wang.get("/b/org")
    for n in range(20):
        await wang.submit("/b/org/people", 200, name=f"同事{n}")
    await wang.submit("/b/org/people", 429, name="又一位")


async def test_a_colleague_helps_wang_back_in_with_half_a_code(place: Town) -> None:
    clock = Clock(place)
    wang, _ = await come_in(place, "wang", "bidder", clock)
    await wang.get("/b/org")
    await wang.submit("/b/org/people", 200, name="李梅")
    li = await step_in(place, code_on(wang.page), "limei", clock, "198.51.100.8")
    await li.get("/b/org")
    person = (await place.call("wang", "GET", "/whoami", 200))["person"]
    await li.submit(f"/b/org/people/{person}/recovery", 200)
    half = code_on(li.page)
    assert "Hand this half" in li.page
    await Browser(place, "203.0.113.5").get(f"/invited/{half}", 404)  # half is none
    own = await pool().fetchval("SELECT id FROM trading_person WHERE name = '李梅'")
    answer = await li.post(f"/b/org/people/{own}/recovery", {"form_token": li.token})
    assert answer.status_code == 403 and "T-SELF" in answer.text
    await place.call("sa", "POST", f"/recoveries/{(await _waiting(place))}/approval", 201)


async def _waiting(place: Town) -> str:
    return str((await place.call("sa", "GET", "/recoveries", 200))["items"][0]["id"])


async def test_one_that_is_banned_reads_why(place: Town) -> None:
    wang, _ = await come_in(place, "wang", "bidder", Clock(place))
    zhao, _ = await come_in(place, "zhao", "bidder", Clock(place), "203.0.113.9")
    await place.enrol("supervisor", "supervisor")
    ban = {
        "organisation": place.codes["wang"], "decision": "赣建罚〔2026〕7号", "body": "省住建厅", "grounds": "串通投标",
        "appeal": "六十日内申请复议", "from": "2026-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    await place.call("supervisor", "POST", "/bans", 201, ban)
    assert "赣建罚〔2026〕7号" in (await wang.get("/b/org")).text and "may not take part" in wang.page
    assert "赣建罚〔2026〕7号" not in (await zhao.get("/b/org")).text and "may not take part" not in zhao.page
