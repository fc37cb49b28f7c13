"""Who guesses waits; the owner does not. Ten thousand guesses from elsewhere, and the owner signs in in the last hour."""

from __future__ import annotations

import statistics
import time

import pytest

from audit.refusal import Refused
from tests.security.browsers import PASSWORD, Browser, Clock, Passkey, come_in, sign_in
from tests.trading.town import Town
from trading import lockout, passwords, signin
from trading.lockout import MOST, SECONDS_MOST, Lockout
from trading.lockout import place as place_of
from trading.signin import Visitor

GUESSES = 10_000


@pytest.mark.slow
async def test_ten_thousand_guesses_from_elsewhere_keep_nobody_out(place: Town) -> None:
    clock, door = Clock(place), place.app.state.door
    owner, generator = await come_in(place, "wang", "bidder", clock)
    await owner.submit("/signout", status=200)
    told: dict[str, int] = {}
    hashed = 0
    verify = door.lanes.verify

    async def counted(*a: object, **k: object) -> bool:
        nonlocal hashed
        hashed += 1
        return bool(await verify(*a, **k))

    door.lanes.verify = counted
    for n in range(GUESSES):
        guesser = Visitor(f"203.0.113.{n % 5}", device=f"a device nobody knows {n}")
        try:
            await signin.first(door, "wang@example.cn", f"guess {n} of many", guesser)
        except Refused as no:
            told[no.code] = told.get(no.code, 0) + 1
    assert told == {"T-SIGNIN": 5 * MOST, "W-LOCKED": GUESSES - 5 * MOST}
    assert hashed == 5 * MOST  # whoever waits costs us nothing
    await sign_in(owner, "wang", generator, clock)
    # On a new device behind the guessers' own address the password waits with them; a passkey never does.
    await owner.get("/me")
    key = Passkey()
    await owner.passkey(key, "/me/passkeys/options", "/me/passkeys", 201)
    beside = Browser(place, "203.0.113.0")
    await beside.get("/signin")
    await beside.submit("/signin", status=429, login="wang@example.cn", password=PASSWORD)
    await beside.passkey(key, "/signin/passkey/options", "/signin/passkey", 200)


async def test_asvs_6_3_1_a_known_device_that_guesses_waits_alone(place: Town) -> None:
    clock = Clock(place)
    browser, generator = await come_in(place, "wang", "bidder", clock)
    elsewhere = Browser(place, "198.51.100.7")  # the same address: another device
    await sign_in(elsewhere, "wang", generator, clock)
    await browser.submit("/signout", status=200)
    await browser.get("/signin")
    for _ in range(MOST):
        await browser.submit("/signin", status=401, login="wang@example.cn", password="falsch falsch falsch")
    await browser.submit("/signin", status=429, login="wang@example.cn", password=PASSWORD)
    assert "Other devices" in browser.page
    await elsewhere.submit("/signout", status=200)
    await sign_in(elsewhere, "wang", generator, clock)


async def test_asvs_6_3_8_nobody_learns_whether_there_is_such_an_account(place: Town) -> None:
    """The same words in the same time, with the same work done."""
    clock, door = Clock(place), place.app.state.door
    await come_in(place, "wang", "bidder", clock)
    texts, times = set(), {"wang@example.cn": [], "nobody@example.cn": [], "x": []}
    await door.lanes.verify(None, "warm")
    for n in range(7):
        for who, taken in times.items():
            door.lockout = Lockout()
            guesser = Browser(place, f"203.0.113.{n}")
            await guesser.get("/signin")
            begun = time.perf_counter()
            await guesser.submit("/signin", status=401, login=who, password="guess guess guess")
            taken.append(time.perf_counter() - begun)
            text = guesser.page.replace(who, "WHO").replace(guesser.token, "TOKEN")
            texts.add(text.replace('value="WHO"', "").replace('value="x"', "").partition("Beijing")[0][:200])
            assert "The name or the password is not right." in guesser.page
    assert len(texts) == 1
    known, unknown, short = (statistics.median(taken) for taken in times.values())
    assert 0.4 < known / unknown < 2.5 and 0.4 < known / short < 2.5, (known, unknown, short)


async def test_the_control_without_the_same_work_the_time_tells(place: Town) -> None:
    """The test above has teeth: an account that is looked up and not hashed answers in a fraction of the time."""
    lanes = passwords.Lanes()
    kept = await lanes.hash(PASSWORD)
    begun = time.perf_counter()
    assert not await lanes.verify(kept, "guess guess guess")
    hashed = time.perf_counter() - begun
    begun = time.perf_counter()
    assert not await lanes.verify(None, "guess guess guess")
    nobodys = time.perf_counter() - begun
    assert nobodys > hashed / 4
    assert hashed > 0.01


def test_a_stolen_password_does_not_buy_endless_codes() -> None:
    now = 0.0
    counts = Lockout(lambda: now)
    for n in range(SECONDS_MOST):
        counts.check(f"2001:db8:{n:x}::1", "wang", "", second=True)
        counts.wrong(f"2001:db8:{n:x}::1", "wang", "", second=True)
    with pytest.raises(Refused, match="W-LOCKED"):
        counts.check("2001:db8:ffff::1", "wang", "", second=True)
    counts.check("2001:db8:ffff::1", "wang", "the owner's", second=True)  # the owner's device is not touched
    counts.check("2001:db8:ffff::1", "li", "", second=True)
    now = lockout.SECONDS_WITHIN + 1
    counts.check("2001:db8:ffff::1", "wang", "", second=True)


def test_an_address_is_what_one_subscriber_holds() -> None:
    assert place_of("2001:db8:1:2:3::4") == place_of("2001:db8:1:2:ffff::9") != place_of("2001:db8:1:3::4")
    assert place_of("::ffff:203.0.113.9") == place_of("203.0.113.9") != place_of("203.0.113.8")
    assert place_of("") == place_of("testclient") == "?"


def test_challenges_are_not_made_without_end() -> None:
    counts = Lockout(lambda: 0.0)
    for _ in range(lockout.ASKS):
        counts.ask("203.0.113.9")
    with pytest.raises(Refused, match="W-LOCKED"):
        counts.ask("203.0.113.9")
    counts.ask("203.0.113.8")
    counts.check("203.0.113.9", "", "")  # and who asked too often may still type a password


def test_memory_does_not_grow_with_the_guessers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "REMEMBERED", 100)
    counts = Lockout(lambda: 0.0)
    for n in range(1000):
        counts.wrong(f"203.0.{n // 250}.{n % 250}", "", "")
    assert len(counts._wrong) == 100


async def test_a_crowd_of_strangers_waits_and_who_is_known_does_not() -> None:
    import asyncio

    lanes = passwords.Lanes()
    kept = await lanes.hash(PASSWORD)
    crowd = [asyncio.create_task(lanes.verify(None, f"guess {n}")) for n in range(passwords.WAITING + 10)]
    await asyncio.sleep(0.05)
    begun = time.perf_counter()
    assert await lanes.verify(kept, PASSWORD, known=True)
    mine = time.perf_counter() - begun
    told = await asyncio.gather(*crowd, return_exceptions=True)
    everybodys = time.perf_counter() - begun
    assert sum(isinstance(one, Refused) for one in told) >= 9 and mine < everybodys / 3


@pytest.mark.parametrize(
    "password",
    ["short", "passwordpassword", "123456789012", "1234567890123456", "aaaaaaaaaaaa", "abcabcabcabc", "Password2026!!!",
     "abcdefghijklm", "wang@example.cn1", "x" * 257],
)  # fmt: skip
def test_asvs_6_2_what_is_no_password(password: str) -> None:
    with pytest.raises(Refused, match="T-PASSWORD"):
        passwords.check(password, "wang@example.cn")


@pytest.mark.parametrize(
    "password", [PASSWORD, "correct horse battery", "没有大小写也没有数字只是一句话", " leading and trailing "]
)
def test_asvs_6_2_a_sentence_is_one(password: str) -> None:
    assert passwords.check(password, "wang@example.cn") == passwords.plain(password)
