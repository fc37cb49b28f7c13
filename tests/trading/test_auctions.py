"""网上竞价: Wang, Zhao and Li bid under numbers; the hammer waits, falls, and nothing comes after it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from audit.act import pool
from audit.canon import b64, canon, stamp, unb64
from audit.signature import Ed25519Signer
from tests import reader
from tests.browser.judge import verify
from tests.listening import listening
from tests.trading.desk import Bidder, Desk
from tests.trading.town import Town
from trading import saleroom
from trading.cries import crying, joining
from trading.keyfiles import KeyFile, write
from trading.law.bidding_rounds import Reserve

SALE = {"regime": "property", "direction": "sell", "baseline": 9_000_000}
PRICES = {"wang": 9_100_000, "zhao": 9_300_000, "li": 9_200_000}
STEP = 50_000


@dataclass
class Crier:
    """Somebody in the room: a number, and the key that speaks for it."""

    one: Bidder
    key: Ed25519Signer
    number: int = 0

    async def join(self, desk: Desk, expect: int = 201, signer: Ed25519Signer | None = None) -> Any:
        key = b64(self.key.key)
        sig = [(signer or self.one.signer).sign(joining(desk.tender, self.one.bid, key))]
        return await desk.post(self.one.name, "auction/bidders", expect, {"bid": self.one.bid, "key": key, "sig": sig})

    async def cry(self, desk: Desk, price: int, expect: int = 201, number: int | None = None) -> Any:
        sig = [self.key.sign(crying(desk.tender, number or self.number, price))]
        return await desk.post(self.one.name, "auction/bids", expect, {"price": price, "sig": sig})


async def _room(place: Town, tmp: Path) -> tuple[Desk, dict[str, Crier]]:
    """A sale that was opened, and its three bidders, who have joined."""
    desk = Desk(place, tmp)
    await desk.open(**SALE)
    room = {}
    for name, price in PRICES.items():
        one = await desk.bidder(name)
        room[name] = Crier(one, Ed25519Signer.generate())
        await place.beat()
        await desk.hand_in(one, price)
    await desk.wait()
    assert (await desk.open_boxes())["state"] == "opened"
    return desk, room


async def _begin(desk: Desk, minutes: float = 60, expect: int = 201, **more: Any) -> Any:
    now = await desk.now()
    body = {
        "increment": STEP, "opens": stamp(now + timedelta(minutes=1)), "hammer": stamp(now + timedelta(minutes=minutes)),
        "window": 300, "extension": 300, **more,
    }  # fmt: skip
    return await desk.post("tenderee", "auction", expect, body)


async def _pass(desk: Desk, span: timedelta) -> None:
    """Time passes, after the log has everything that happened until now."""
    await desk.covered()
    await desk.town.push(span)


async def _numbers(desk: Desk, room: dict[str, Crier]) -> None:
    for crier in room.values():
        crier.number = (await _read(desk, crier.one.name))["own"]
    await _pass(desk, timedelta(minutes=1.5))


async def _read(desk: Desk, who: str = "public") -> Any:
    return await desk.town.call(who, "GET", f"/tenders/{desk.tender}/auction", 200)


async def test_three_bid_under_numbers_and_the_highest_has_it(place: Town, tmp_path: Path) -> None:
    desk, room = await _room(place, tmp_path)
    wang, zhao, li = room.values()
    for crier in room.values():
        receipt = (await crier.join(desk))["receipt"]
        assert receipt["nonce"]  # sealed: who takes part stays with those who do
    assert (await wang.join(desk, 409))["code"] == "E-AUCTION-TWICE"
    assert (await wang.join(desk, 409, signer=zhao.one.signer))["code"] == "E-SIGNER"
    assert (await place.call("public", "GET", f"/tenders/{desk.tender}/auction", 409))["code"] == "E-AUCTION-NONE"
    await _begin(desk)
    assert (await _begin(desk, expect=409))["code"] == "E-AUCTION-BEGUN"
    shown = await _read(desk)
    assert (shown["phase"], shown["start"], shown["least"], shown["own"]) == ("waiting", 9_300_000, 9_350_000, None)
    for crier in room.values():
        crier.number = (await _read(desk, crier.one.name))["own"]
    assert {crier.number for crier in room.values()} == {1, 2, 3}
    assert (await wang.cry(desk, 9_400_000, 409))["code"] == "E-AUCTION-WAITING"
    await _pass(desk, timedelta(minutes=2))
    assert (await wang.cry(desk, 9_349_999, 409))["code"] == "E-AUCTION-LOW"
    heard = await wang.cry(desk, 9_400_000)
    first = heard["receipt"]
    assert heard["standing"] == 9_400_000 and heard["receipt"]["nonce"] is None
    record = json.loads(unb64(heard["receipt"]["record"]))
    assert record["actor"] == {"kind": "auction", "id": str(wang.number)} and wang.one.code not in json.dumps(record)
    assert (await zhao.cry(desk, 9_500_000, 409, number=wang.number))["code"] == "E-SIG"  # nobody speaks for another
    await li.cry(desk, 9_450_000)
    assert (await place.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 409))["code"] == "E-AUCTION-RUNS"

    card = _room_of(await _page(desk))  # numbers, and nobody's name
    assert "竞价中" in card and "94,500.00 元" in card and "密封" not in card
    assert not any(f"{name}公司" in card or crier.one.code in card for name, crier in room.items())
    shown = await _read(desk, "li")
    assert (shown["own_price"], shown["result"], shown["numbers"]) == (9_450_000, None, [])

    # two minutes before the hammer Zhao makes it wait
    hammer = datetime.fromisoformat((await _read(desk))["hammer"])
    await _pass(desk, hammer - await desk.now() - timedelta(minutes=2))
    await place.timers.run_due()
    heard = await zhao.cry(desk, 9_600_000)
    assert datetime.fromisoformat(heard["hammer"]) > hammer + timedelta(minutes=2)
    await _pass(desk, timedelta(minutes=3))  # the first hammer has passed: nothing happens
    await place.timers.run_due()
    assert (await _read(desk))["phase"] == "open"
    live = [json.loads(one["data"]) async for one in _take(saleroom.watch(desk.tender), 1)]
    assert live[0]["standing"] == 9_600_000 and "wang" not in json.dumps(live)
    await _pass(desk, timedelta(minutes=6))
    late = await wang.cry(desk, 9_900_000, 409)
    assert late["code"] == "E-HAMMER"
    await place.timers.run_due()
    shown = await _read(desk)
    assert (shown["phase"], shown["outcome"], shown["number"]) == ("closed", "sold", zhao.number)
    assert shown["confirmation"]["bidder"] == zhao.one.code and shown["confirmation"]["price"] == 9_600_000
    assert [one["price"] for one in shown["bids"]] == [9_400_000, 9_450_000, 9_600_000]

    # everybody learns who was who; each bidder, what came of its own bids
    assert [one["number"] for one in shown["numbers"]] == [1, 2, 3] and shown["own"] is shown["result"] is None
    assert {one["bidder"]: one["price"] for one in shown["numbers"]} == {
        wang.one.code: 9_400_000, li.one.code: 9_450_000, zhao.one.code: 9_600_000,
    }  # fmt: skip
    for crier, price, result in ((zhao, 9_600_000, "highest"), (wang, 9_400_000, "outbid"), (li, 9_450_000, "outbid")):
        own = await _read(desk, crier.one.name)
        assert (own["own"], own["own_price"], own["result"]) == (crier.number, price, result)
    assert f"竞买号 {zhao.number}（zhao公司）以最高应价 96,000.00 元 竞得" in _room_of(await _page(desk))
    assert f"Number {zhao.number}, zhao公司, has it for 96,000.00" in await _page(desk, "en")

    told = await place.as_("public").get(f"/api/v1/tenders/{desk.tender}/auction/live")
    assert told.headers["content-type"].startswith("text/event-stream") and '"outcome":"sold"' in told.text
    ranked = await desk.post("tenderee", "candidates")
    assert ranked["ranking"] == [zhao.one.bid, li.one.bid, wang.one.bid]
    award = await desk.post("tenderee", "award", 201, {})
    assert (award["bid"], award["price"], award["gain"]) == (zhao.one.bid, 9_600_000, 600_000)
    await desk.days(1)
    await _verified(desk, place, tmp_path, [first, heard["receipt"]])


async def _verified(desk: Desk, place: Town, tmp: Path, receipts: list[Any]) -> None:
    """Both verifiers hear the auction again, from the archive and the receipts alone."""
    held = []
    for n, one in enumerate(receipts):
        held.append(tmp / f"{n}.receipt.json")
        held[-1].write_bytes(canon(one))
    trust = place.settings.policy_path, place.settings.parties_path
    for edition, path in (await desk.archive()).items():
        report = verify([path], *trust, None, held).reports[0]
        assert report.exit == 0, (edition, report.failed)
        assert reader.read([path], *trust, None, held)[:2] == (0, None), edition


async def _page(desk: Desk, lang: str = "zh") -> str:
    """The tender's public page."""
    told = await desk.town.as_("public").get(f"/t/{desk.tender}?lang={lang}")
    assert told.status_code == 200, told.text
    return str(told.text)


def _room_of(page: str) -> str:
    """What stands on it of the auction: its card, and no other."""
    return page.split("<h2>网上竞价", 1)[1].split("</section>", 1)[0]


async def _take(source: Any, count: int) -> Any:
    async for one in source:
        yield one
        count -= 1
        if not count:
            return


async def test_below_the_reserve_nothing_is_sold(place: Town, tmp_path: Path) -> None:
    desk, room = await _room(place, tmp_path)
    for crier in room.values():
        await crier.join(desk)
    reserve = Reserve(10_000_000, "5a" * 32)
    await _begin(desk, reserve=reserve.commitment, reveal=600)
    await _numbers(desk, room)
    await room["wang"].cry(desk, 9_500_000)
    told = {"reserve": {"price": reserve.price, "salt": reserve.salt}}
    assert (await desk.post("tenderee", "auction/closing", 409, told))["code"] == "E-AUCTION-OPEN"
    await _pass(desk, timedelta(minutes=61))
    await place.timers.run_due()  # the timer waits for the tenderee
    assert (await desk.post("operator", "auction/closing", 409, {}))["code"] == "E-AUCTION-REVEAL"
    other = {"reserve": {"price": 1, "salt": reserve.salt}}
    assert (await desk.post("tenderee", "auction/closing", 409, other))["code"] == "E-AUCTION-RESERVE"
    await desk.post("tenderee", "auction/closing", 201, told)
    shown = await _read(desk, "wang")
    assert (shown["outcome"], shown["revealed"], shown["result"]) == ("below_reserve", 10_000_000, "no_effect")
    assert shown["confirmation"] is None and "不发生效力" in _room_of(await _page(desk))
    assert (await desk.post("tenderee", "candidates", 409))["code"] == "E-AUCTION-BELOW"
    await desk.post("tenderee", "failure", 201, {"reason": "no_candidate"})


async def test_a_suspended_auction_rests_until_the_seller_resumes_it(place: Town, tmp_path: Path) -> None:
    desk, room = await _room(place, tmp_path)
    for crier in room.values():
        await crier.join(desk)
    await _begin(desk)
    await _numbers(desk, room)
    wang, zhao, _ = room.values()
    await wang.cry(desk, 9_400_000)
    hammer = datetime.fromisoformat((await _read(desk))["hammer"])
    times = {"opens": stamp(hammer + timedelta(hours=3)), "hammer": stamp(hammer + timedelta(hours=4))}
    assert (await desk.post("tenderee", "auction/resumption", 409, times))["code"] == "E-AUCTION-GOES-ON"
    await desk.post("supervisor", "suspensions", 201, {"order": "监督〔2026〕9号", "ground": "supervision"})
    no = await zhao.cry(desk, 9_500_000, 409)
    assert (no["code"], no["article"]) == ("E-SUSPENDED", "招标投标法实施条例 62") or no["code"] == "E-SUSPENDED", no
    assert (await _read(desk))["phase"] == "stopped" and "中止" in _room_of(await _page(desk))
    await _pass(desk, timedelta(minutes=61))
    await place.timers.run_due()  # the hammer's hour passes, and nothing falls
    for who, path, body in (
        ("operator", "auction/closing", {}),
        ("tenderee", "auction/resumption", times),
        ("tenderee", "candidates", None),
    ):
        no = await desk.post(who, path, 409, body)
        assert no["code"] == "E-SUSPENDED", (path, no)
    await desk.post("supervisor", "suspensions/lift", 201, {"order": "监督〔2026〕9号"})
    await place.timers.run_due()
    assert (await zhao.cry(desk, 9_500_000, 409))["code"] == "E-AUCTION-STOPPED"
    now = await desk.now()
    short = {"opens": stamp(now + timedelta(minutes=1)), "hammer": stamp(now + timedelta(minutes=30))}
    assert (await desk.post("tenderee", "auction/resumption", 409, short))["code"] == "E-AUCTION-TERMS"
    again = {"opens": stamp(now + timedelta(minutes=1)), "hammer": stamp(now + timedelta(minutes=61))}
    await desk.post("tenderee", "auction/resumption", 201, again)
    assert (await zhao.cry(desk, 9_500_000, 409))["code"] == "E-AUCTION-WAITING"
    await _pass(desk, timedelta(minutes=2))
    heard = await zhao.cry(desk, 9_500_000)
    await _pass(desk, timedelta(minutes=61))

    # and once more, when the hammer has fallen and nothing is closed: nothing to resume, the closing alone waits
    await desk.post("supervisor", "suspensions", 201, {"order": "监督〔2026〕10号", "ground": "supervision"})
    await place.timers.run_due()
    assert (await _read(desk))["phase"] == "hammered"
    await desk.post("supervisor", "suspensions/lift", 201, {"order": "监督〔2026〕10号"})
    await place.timers.run_due()
    shown = await _read(desk)
    assert (shown["phase"], shown["outcome"], shown["confirmation"]["price"]) == ("closed", "sold", 9_500_000)
    await desk.post("tenderee", "candidates")
    await desk.post("tenderee", "award", 201, {})
    await desk.days(1)
    await _verified(desk, place, tmp_path, [heard["receipt"]])


async def test_nobody_opens_an_auction_while_the_tender_is_suspended(place: Town, tmp_path: Path) -> None:
    desk, room = await _room(place, tmp_path)
    await room["wang"].join(desk)
    await desk.post("supervisor", "suspensions", 201, {"order": "监督〔2026〕9号", "ground": "supervision"})
    assert (await _begin(desk, expect=409))["code"] == "E-SUSPENDED"
    await desk.post("supervisor", "suspensions/lift", 201, {"order": "监督〔2026〕9号"})
    await _begin(desk)


async def test_a_reserve_that_nobody_reveals_is_none(place: Town, tmp_path: Path) -> None:
    desk, room = await _room(place, tmp_path)
    await room["wang"].join(desk)
    await _begin(desk, reserve=Reserve(99_000_000, "5a" * 32).commitment, reveal=600)
    await _numbers(desk, {"wang": room["wang"]})
    assert (await _read(desk, "zhao"))["own"] is None  # who did not join takes no part; the sealed price still stands
    assert (await room["zhao"].cry(desk, 9_500_000, 409))["code"] == "E-AUCTION-NUMBER"
    await _pass(desk, timedelta(minutes=61))
    await place.timers.run_due()
    await _pass(desk, timedelta(minutes=10))
    await place.timers.run_due()
    shown = await _read(desk)
    assert (shown["outcome"], shown["number"], shown["confirmation"]) == ("sold", None, None)
    assert (await desk.post("tenderee", "candidates"))["ranking"][0] == room["zhao"].one.bid


INSERT = """INSERT INTO trading_auction_bid (tender_id, number, price, hammer, made_at, record)
    VALUES ($1, $2, $3, $4, $5, repeat('0', 64))"""


async def test_the_database_refuses_what_the_rules_refuse(place: Town, tmp_path: Path) -> None:
    desk, room = await _room(place, tmp_path)
    for crier in room.values():
        await crier.join(desk)
    await _begin(desk)
    await _numbers(desk, room)
    heard = await room["wang"].cry(desk, 9_400_000)
    hammer, now = datetime.fromisoformat(heard["hammer"]), await desk.now()
    second = timedelta(seconds=1)
    for number, price, until, at, constraint in (
        (1, 9_449_999, hammer, now, "rises"),
        (1, 9_500_000, hammer, hammer + second, "in_time"),  # after the hammer
        (1, 9_500_000, hammer + 9 * second, hammer + second, "in_time"),  # and under a hammer of one's own
        (1, 9_500_000, hammer, now - timedelta(hours=2), "in_time"),  # before the opening
        (1, 9_500_000, hammer, now - timedelta(seconds=20), "order"),  # a clock that was moved
        (4, 9_500_000, hammer, now, "order"),
    ):
        with pytest.raises(asyncpg.CheckViolationError) as no:
            await pool().execute(INSERT, desk.tender, number, price, until, at)
        assert no.value.constraint_name == f"trading_auction_bid_{constraint}", (price, at)
    await pool().execute("UPDATE trading_auction SET stopped_at = log_now()")
    with pytest.raises(asyncpg.CheckViolationError) as no:  # the rounds rest
        await pool().execute(INSERT, desk.tender, 1, 9_500_000, hammer, await desk.now())
    assert no.value.constraint_name == "trading_auction_bid_stopped"
    for statement in (
        "UPDATE trading_auction SET stopped_at = NULL",
        "UPDATE trading_auction SET stopped_at = NULL, resumes = log_now(), last_at = log_now(), hammer = hammer",
        "UPDATE trading_auction SET closed_at = hammer + interval '1 second', outcome = 'sold'",
        "UPDATE trading_auction_bid SET price = price + 1",
        "DELETE FROM trading_auction_bid",
        "UPDATE trading_auction SET hammer = hammer - interval '1 minute'",
        "UPDATE trading_auction SET increment = 1",
        "UPDATE trading_auction_joiner SET number = 4 - number",
    ):
        with pytest.raises(asyncpg.PostgresError):
            await pool().execute(statement)


# ------------------------------------------------------------------------------------------------- the last ten seconds

CROWD = 200


async def _crowd(desk: Desk) -> list[Crier]:
    """Two hundred firms with tokens; their numbers are put there by SQL: what is asked here is what happens when all bid."""
    room = []
    for n in range(1, CROWD + 1):
        name = f"firm{n}"
        code = await desk.town.enrol(name, "bidder")
        room.append(Crier(Bidder(name, code, Ed25519Signer.generate()), Ed25519Signer.generate(), n))
    await pool().execute(
        """INSERT INTO trading_auction_joiner (tender_id, bid, bidder_id, key, joined_at, number)
           SELECT $1, u.bid, u.code, u.key, log_now(), u.n
           FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS u(bid, code, key, n)""",
        desk.tender, [c.one.bid for c in room], [c.one.code for c in room], [b64(c.key.key) for c in room],
    )  # fmt: skip
    return room


@pytest.mark.slow
async def test_two_hundred_bid_in_the_last_ten_seconds(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(**SALE)
    one = await desk.bidder("wang")
    await place.beat()
    await desk.hand_in(one, 9_100_000)
    await desk.wait()
    await desk.open_boxes()
    room = await _crowd(desk)
    opened = await desk.now()
    await pool().execute(
        """INSERT INTO trading_auction (tender_id, bidders, start, increment, opens, first_hammer, "window", extension,
               reveal, opened_at, standing, hammer) VALUES ($1, $2, 1000, 10, $3, $4, 0, 0, 0, $3, 1000, $4)""",
        desk.tender, CROWD, opened, opened + timedelta(hours=1),
    )  # fmt: skip
    hammer = opened + timedelta(hours=1)
    await _pass(desk, hammer - await desk.now() - timedelta(seconds=10))
    answers: list[tuple[int, Any]] = []

    async def firm(crier: Crier) -> None:
        """Bids round after round, a step above the firm before it, until the hammer has fallen."""
        price = 1000 + 10 * crier.number
        while True:
            sig = [crier.key.sign(crying(desk.tender, crier.number, price))]
            answer = await place.as_(crier.one.name).post(
                f"/api/v1/tenders/{desk.tender}/auction/bids", json={"price": price, "sig": sig}
            )
            told = answer.json()
            answers.append((answer.status_code, told))
            if answer.status_code != 201 and told["code"] != "E-AUCTION-LOW":
                assert told["code"] == "E-HAMMER", told
                return
            price += 10 * CROWD

    await asyncio.gather(*(firm(crier) for crier in room))
    taken = [json.loads(unb64(told["receipt"]["record"])) for status, told in answers if status == 201]
    rows = await pool().fetch(
        "SELECT number, price, made_at FROM trading_auction_bid WHERE tender_id = $1 ORDER BY id", desk.tender
    )
    records = [
        json.loads(row["record"])
        for row in await pool().fetch(
            "SELECT record FROM log_record WHERE tender = $1 AND type = 'auction-bid' ORDER BY id", desk.tender
        )
    ]
    print(f"{len(answers)} requests, {len(records)} bids taken in the last ten seconds")
    assert len(answers) >= CROWD and len(records) > CROWD // 10, "the control: there was a crowd"
    # not one lost: who was told yes is in the log, and nobody else
    assert sorted(one["price"] for one in taken) == [one["price"] for one in records]
    # not one reordered: rows, records, serials, prices and times tell the same story
    assert [(r["number"], r["price"]) for r in rows] == [(one["number"], one["price"]) for one in records]
    for field in ("serial", "price", "time"):
        values = [one[field] for one in records]
        assert values == sorted(values)
    assert all(later["price"] - sooner["price"] >= 10 for sooner, later in pairwise(records))
    assert max(row["made_at"] for row in rows) <= hammer
    await desk.covered()
    leaves = await pool().fetch(
        """SELECT r.id FROM log_record r JOIN log_leaf l ON l.record = r.id
           WHERE r.tender = $1 AND r.type = 'auction-bid' ORDER BY l.index""",
        desk.tender,
    )
    assert [row["id"] for row in leaves] == sorted(row["id"] for row in leaves) and len(leaves) == len(records)


async def _tool(url: str, crier: Crier, desk: Desk, state: Path, *arguments: str, expect: int = 0) -> Any:
    """One command of a bidder's tool; what it printed as JSON."""
    env = {
        **os.environ, "TRADING_PASSPHRASE": "pass", "TRADING_TOKEN": desk.town.tokens[crier.one.name],
        "TRADING_STATE": str(state), "TRADING_TRUST_POLICY": str(desk.town.settings.policy_path),
        "TRADING_URL": url, "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    if arguments[0] == "watch":
        env.pop("TRADING_STATE")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trading", "--json", "auction", *arguments, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await child.communicate()
    assert child.returncode == expect, (out, err)
    return json.loads(out or err)


async def test_wang_bids_at_the_command_line(place: Town, tmp_path: Path) -> None:
    desk, room = await _room(place, tmp_path / "desk")
    wang, state = room["wang"], tmp_path / "state"
    key = tmp_path / "wang.key"
    write(
        key, KeyFile("bidder", wang.one.code, place.settings.origin, wang.one.signer.private), "pass", iterations=1000
    )
    async with listening(place.app) as url:
        no = await _tool(url, wang, desk, state, "bid", desk.tender, "9400000", expect=1)
        assert no["code"] == "T-AUCTION-KEY"
        await _tool(url, wang, desk, state, "join", desk.tender, wang.one.bid, "--key", str(key))
        await _begin(desk)
        await _pass(desk, timedelta(minutes=2))
        assert (await _tool(url, wang, desk, state, "bid", desk.tender, "9300000", expect=1))["code"] == "E-AUCTION-LOW"
        told = await _tool(url, wang, desk, state, "bid", desk.tender, "9400000")
        assert (told["number"], told["standing"], told["least"]) == (1, 9_400_000, 9_450_000)
        assert (await _tool(url, wang, desk, state, "watch", desk.tender, "--once"))["standing"] == 9_400_000
    kept = sorted(path.name for path in (state / "auctions").iterdir())
    assert len([name for name in kept if name.endswith(".receipt.json")]) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in (state / "auctions").iterdir())
