"""Sessions: made anew, ended for good, asked again before what matters. The numbers are those of OWASP ASVS 5.0.0."""

from __future__ import annotations

import asyncpg

from audit.act import pool
from tests.security.browsers import PASSWORD, Browser, Clock, come_in, sign_in
from tests.trading.town import Town
from trading import retention


async def whoami(browser: Browser) -> tuple[str, int]:
    answer = await browser.http.get("/api/v1/whoami")
    return answer.json()["role"], (await browser.http.get("/api/v1/session")).status_code


async def test_asvs_6_3_3_a_password_alone_opens_nothing(place: Town) -> None:
    clock = Clock(place)
    browser, generator = await come_in(place, "wang", "bidder", clock)
    await browser.submit("/signout", status=200)
    await browser.get("/signin")
    await browser.submit("/signin", login="wang@example.cn", password=PASSWORD)
    assert browser.session and await whoami(browser) == ("public", 401)
    await browser.get("/me")
    assert browser.answer.url.path == "/signin"
    await browser.get("/signin/second")
    await browser.submit("/signin/second", code=generator.code(clock()))
    assert await whoami(browser) == ("bidder", 200)


async def test_asvs_6_5_1_a_code_is_good_once(place: Town) -> None:
    clock = Clock(place)
    browser, generator = await come_in(place, "wang", "bidder", clock)
    code = generator.code(clock())
    await browser.get("/signin/again")
    await browser.submit("/signin/again", code=code)
    for stale in (code, generator.code(clock.now - 60), "000000", "", "１２３"):
        await browser.get("/signin/again")
        await browser.submit("/signin/again", status=401, code=stale)
    await browser.submit("/signin/again", code=generator.code(clock()))


async def test_asvs_7_2_4_every_proof_makes_a_new_session_and_ends_the_old(place: Town) -> None:
    clock = Clock(place)
    browser, generator = await come_in(place, "wang", "bidder", clock)
    seen = [browser.session]
    await browser.submit("/signout", status=200)
    await browser.get("/signin")
    browser.http.cookies.set("session", "trc_planted-by-somebody-else", domain="127.0.0.1")
    await browser.submit("/signin", login="wang@example.cn", password=PASSWORD)
    seen.append(browser.session)
    await browser.submit("/signin/second", code=generator.code(clock()))
    seen.append(browser.session)
    await browser.get("/signin/again")
    await browser.submit("/signin/again", code=generator.code(clock()))
    seen.append(browser.session)
    assert len(set(seen)) == 4 and "trc_planted-by-somebody-else" not in seen
    for old in seen[:-1]:
        thief = Browser(place, "203.0.113.9")
        thief.http.cookies.set("session", old, domain="127.0.0.1")
        assert await whoami(thief) == ("public", 401)
    assert await whoami(browser) == ("bidder", 200)


async def test_asvs_7_3_sessions_end_when_idle_and_in_any_case(place: Town) -> None:
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    older = "UPDATE trading_session SET seen_at = seen_at - make_interval(secs => $1) WHERE ended_at IS NULL"
    await pool().execute(older, place.settings.session_idle - 5)
    assert await whoami(browser) == ("bidder", 200)  # and it was seen now
    await pool().execute(older, place.settings.session_idle + 5)
    assert await whoami(browser) == ("public", 401)
    clock = Clock(place)
    clock.now += 3600
    other, _ = await come_in(place, "li", "bidder", clock)
    await pool().execute("UPDATE trading_session SET ends_at = clock_timestamp() WHERE ended_at IS NULL")
    assert await whoami(other) == ("public", 401)


async def test_a_demonstrations_fast_clock_ends_no_session(place: Town) -> None:
    """Spans of sessions are the machine's: 129,600 times faster, a session would last a tenth of a second."""
    from datetime import timedelta

    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    await place.push(timedelta(days=400))
    assert await whoami(browser) == ("bidder", 200)


async def test_asvs_7_4_1_signed_out_is_out_whoever_kept_the_cookie(place: Town) -> None:
    browser, _ = await come_in(place, "wang", "bidder", Clock(place))
    kept = browser.session
    assert "cache" in (await browser.submit("/signout", status=200)).headers["clear-site-data"]
    thief = Browser(place)
    thief.http.cookies.set("session", kept, domain="127.0.0.1")
    assert await whoami(thief) == ("public", 401)
    try:
        await pool().execute("UPDATE trading_session SET ended_at = NULL, ended = NULL")
    except asyncpg.CheckViolationError:
        pass
    else:
        raise AssertionError("a session came back")


async def test_asvs_7_4_2_who_loses_the_role_or_is_restricted_is_out_at_once(place: Town) -> None:
    clock = Clock(place)
    wang, _ = await come_in(place, "wang", "bidder", clock)
    li, generator = await come_in(place, "li", "tenderee", clock, "203.0.113.9")
    ids = {who: (await b.http.get("/api/v1/session")).json()["person"] for who, b in (("wang", wang), ("li", li))}
    await place.call("sa", "PUT", f"/people/{ids['wang']}/roles", 200, {"roles": ["custodian"]})
    assert await whoami(wang) == ("public", 401)
    assert (await place.as_("wang").get("/api/v1/whoami")).status_code == 401  # its token of that role too
    await retention.restrict(ids["li"])
    assert await whoami(li) == ("public", 401)
    await li.get("/signin")
    await li.submit("/signin", login="li@example.cn", password=PASSWORD)
    await li.submit("/signin/second", status=403, code=generator.code(clock()))
    assert "no role" in li.page


async def test_asvs_7_4_3_a_new_password_ends_every_other_session(place: Town) -> None:
    clock = Clock(place)
    browser, generator = await come_in(place, "wang", "bidder", clock)
    elsewhere = Browser(place, "203.0.113.9")
    await sign_in(elsewhere, "wang", generator, clock)
    await browser.get("/me/password")
    await browser.submit(
        "/me/password", status=422, old="不是这一句，不是这一句", password="另一句足够长的新密码可以吗"
    )
    await browser.submit("/me/password", old=PASSWORD, password="另一句足够长的新密码可以吗")
    assert await whoami(browser) == ("bidder", 200) and await whoami(elsewhere) == ("public", 401)


async def test_asvs_7_5_2_one_sees_and_ends_ones_own_sessions_and_nobody_elses(place: Town) -> None:
    clock = Clock(place)
    wang, generator = await come_in(place, "wang", "bidder", clock)
    elsewhere = Browser(place, "203.0.113.9")
    await sign_in(elsewhere, "wang", generator, clock)
    li, _ = await come_in(place, "li", "bidder", clock)
    hers = await pool().fetchval(
        "SELECT s.id FROM trading_session s JOIN trading_person p ON p.id = s.person_id WHERE p.name = 'li'"
    )
    page = await wang.get("/me")
    ends = [
        str(a["action"])
        for a, _ in page.forms
        if "/me/sessions/" in str(a["action"]) and a["action"] != "/me/sessions/end"
    ]
    assert len(ends) == 1 and hers not in wang.page
    assert (await wang.post(f"/me/sessions/{hers}/end", {"form_token": wang.token})).status_code == 404
    await wang.submit(ends[0])
    assert await whoami(elsewhere) == ("public", 401) and await whoami(li) == ("bidder", 200)


async def test_asvs_7_5_3_what_matters_asks_again_and_a_machine_is_not_asked(place: Town) -> None:
    clock = Clock(place)
    browser, generator = await come_in(place, "zhao", "security_admin", clock)
    body = {"name": "钱", "organisation": place.codes["zhao"], "roles": ["security_admin"]}
    assert (await browser.ask("/api/v1/people", browser.token, body)).status_code == 201
    await pool().execute("UPDATE trading_session SET fresh_at = fresh_at - make_interval(secs => $1)",
                         place.settings.fresh_for + 1)  # fmt: skip
    told = await browser.ask("/api/v1/people", browser.token, body)
    assert (told.status_code, told.json()["code"]) == (403, "W-FRESH")
    await browser.get("/me/password")
    assert browser.answer.url.path == "/signin/again" and browser.answer.url.params["next"] == "/me/password"
    await browser.submit("/signin/again", code=generator.code(clock()))
    assert browser.answer.url.path == "/me/password"
    assert (await browser.ask("/api/v1/people", browser.token, body)).status_code == 201
    await place.call("zhao", "POST", "/people", 201, body)
