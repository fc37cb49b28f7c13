"""A draw's beginning and its end: pool and secret are committed to before anybody reveals, nothing is given out early."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.act import Actor, acting, pool
from audit.canon import canon, parse, sha256_hex
from audit.refusal import Refused
from audit.trust import record_sig_bytes
from experts import draw as law
from experts import panels
from experts.commits import commit
from experts.desk import Gone, one_time_code
from experts.disclosing import SUITE, reading_info
from experts.handed import CLOSED, GIVEN_UP, Lines
from experts.vault import Vault, new_key
from tests.experts.hall import Down, Exchange, Hall, Unfit
from trading.records import EVALUATION_CLOSED


@pytest.fixture
async def hall(db: Any, owner_dsn: str) -> Hall:
    return await Hall().found(owner_dsn, "a08", "b01")


async def test_the_record_binds_pool_roster_secret_and_says_no_more(hall: Hall) -> None:
    await hall.roster(30)
    await hall.roster(3, ("b01",))
    employer = "91110000600037341L"
    await hall.roster(2, employer=employer)
    fresh = await hall.roster(4, old=False)  # admitted a moment ago: not on the roster yet
    draw = await hall.ask(recuse=(employer,))
    await hall.look()
    (record,) = await hall.records("draw-committed", draw)
    assert (record["pool_size"], record["roster_size"]) == (30, 35)
    assert record["excluded"] == {"employer": 2, "specialty": 3} and record["approved"] == []
    row = await pool().fetchrow("SELECT * FROM experts_attempt WHERE panel_id = $1", draw)
    assert parse(bytes(row["record"])) == record  # the very bytes of the log
    assert await pool().fetchval("SELECT record FROM log_record WHERE type = 'draw-committed'") == row["record"]
    sealed = await hall.dispatcher.desk.first(draw)
    assert not set(fresh) & {id for id, _, _ in sealed.people}
    assert law.root_of(sealed.pool()).hex() == record["pool_root"]
    assert law.secret_commit(law.draw_ctx(draw, "L-1@1"), sealed.secret).hex() == record["secret_commit"]
    assert sealed.secret not in bytes(row["sealed"]) and b"people" not in bytes(row["sealed"])
    with pytest.raises(Refused, match="E-VAULT-KEY"):
        Vault([new_key()]).open("draw", f"{draw}/1", bytes(row["sealed"]))


async def test_nothing_is_drawn_before_its_hour_nor_before_the_bids_are_listed(hall: Hall) -> None:
    await hall.roster(20)
    hall.market.earliest = await pool().fetchval("SELECT log_now() + interval '1 hour'")
    early, blind = await hall.ask(), await hall.ask("L-2@1", after_opening=True)
    await hall.look(2)
    assert {(await hall.panel(draw))["state"] for draw in (early, blind)} == {"requested"}
    await hall.push(timedelta(hours=1))
    await hall.look()
    assert [(await hall.panel(draw))["state"] for draw in (early, blind)] == ["committed", "requested"]
    hall.market.known = []
    await hall.look()
    assert (await hall.panel(blind))["state"] == "committed"


async def test_the_bidders_are_no_part_of_a_pool_drawn_after_the_opening(hall: Hall) -> None:
    firm = "91110000600037341L"
    await hall.roster(20)
    await hall.roster(3, employer=firm)
    hall.market.known = [firm]
    draw = await hall.ask(after_opening=True)
    await hall.look()
    (record,) = await hall.records("draw-committed", draw)
    assert (record["pool_size"], record["excluded"]) == (20, {"employer": 3})


async def test_who_is_admitted_between_reading_and_recording_is_not_left_out(hall: Hall) -> None:
    await hall.roster(20)
    await hall.roster(1, old=False)
    draw = await hall.ask()
    asked = await hall.dispatcher.desk.panel(draw)
    gather = hall.market.terms

    async def slow(*args: Any) -> Any:  # seven days pass between the reading of the clock and the record
        terms = await gather(*args)
        await hall.push(timedelta(days=7, seconds=1))
        return terms

    hall.market.terms = slow  # type: ignore[method-assign]
    with pytest.raises(Gone, match="roster"):
        await commit(hall.dispatcher.desk, asked)
    hall.market.terms = gather  # type: ignore[method-assign]
    await hall.look()
    (record,) = await hall.records("draw-committed", draw)
    assert record["roster_size"] == 21


async def test_a_party_that_does_not_reveal_voids_the_attempt_and_the_pool_stays(hall: Hall) -> None:
    ids = await hall.roster(20)
    draw = await hall.ask()
    await hall.look()
    await hall.say(draw)
    await hall.say(draw, 1, reveals=True)
    await hall.look()
    assert (await hall.panel(draw))["state"] == "committed"
    # who leaves meanwhile stays in the pool of the draw, who is new does not come in
    await pool().execute(
        "INSERT INTO experts_absence (expert_id, kind, since, made_at) VALUES ($1, 'leave', log_now(), log_now())",
        ids[0],
    )
    await hall.roster(5)
    await hall.push(timedelta(hours=1))
    await hall.look(2)
    (void,) = await hall.records("draw-voided", draw)
    assert (void["attempt"], void["culprit"]) == (1, 2)
    raised = [one for one in await hall.records("alert-raised") if one["rule"] == "P-DRAW-VOID"]
    assert raised[0]["facts"]["party"] == "C-NOT" and raised[0]["facts"]["level"] == "red"
    first, second = await hall.records("draw-committed", draw)
    same = (
        "need",
        "representatives",
        "meets",
        "pool_root",
        "pool_size",
        "leaves",
        "roster_root",
        "roster_size",
        "excluded",
    )
    assert all(first[name] == second[name] for name in same)
    assert (second["attempt"], second["approved"]) == (2, [])
    assert first["secret_commit"] != second["secret_commit"]
    await hall.say(draw)
    await hall.say(draw, reveals=True)
    await hall.look(2)
    assert await hall.states(draw) == Counter(accepted=5)
    assert {one["attempt"] for one in await hall.records("draw-called", draw)} == {2}


async def test_who_does_not_even_commit_is_the_culprit_and_not_who_waits_for_them(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    await hall.look()
    await hall.say(draw, 1)
    await hall.push(timedelta(hours=1, seconds=1))
    await hall.look()
    assert [one["culprit"] for one in await hall.records("draw-voided", draw)] == [2]


async def test_a_third_attempt_waits_for_an_authority(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    for _ in range(2):
        await hall.look(2)
        await hall.push(timedelta(hours=1, seconds=1))
    await hall.look(3)
    assert len(await hall.records("draw-committed", draw)) == 2
    draft = await pool().fetchval("SELECT draft FROM experts_attempt WHERE panel_id = $1 AND attempt = 3", draw)
    await hall.look(2)
    assert (await hall.panel(draw))["state"] == "requested"
    # a draft that grew too old for its parties is made anew, and an old approval with it
    await hall.push(timedelta(hours=4))
    await hall.look()
    newer = await pool().fetchval("SELECT draft FROM experts_attempt WHERE panel_id = $1 AND attempt = 3", draw)
    assert newer != draft
    now = await pool().fetchval("SELECT log_now()")
    sig = [hall.authority.sign(record_sig_bytes(parse(bytes(newer))))]
    with pytest.raises(Refused, match="E-DRAW-APPROVAL"):
        await panels.approve(
            pool().fetch, hall.identities, "L-1@1", [hall.authority.sign(record_sig_bytes(parse(bytes(draft))))], now
        )
    await panels.approve(pool().fetch, hall.identities, "L-1@1", sig, now)
    await hall.look()
    third = (await hall.records("draw-committed", draw))[-1]
    assert (third["attempt"], third["approved"]) == (3, sig)
    assert record_sig_bytes({k: v for k, v in third.items() if k != "approved"}) == record_sig_bytes(
        parse(bytes(newer))
    )
    await hall.say(draw)
    await hall.say(draw, reveals=True)
    await hall.look(2)
    assert await hall.states(draw) == Counter(accepted=5)


async def test_a_death_between_a_try_and_its_record_rings_nobody_twice(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)
    hall.exchange.before = lambda number: asyncio.sleep(3600)  # all five ring, and nobody has answered
    await hall.dispatcher.run_once()
    await hall.ringing(5)
    assert len(hall.exchange.calls) == 5
    for task in list(hall.dispatcher._tasks.values()):
        task.cancel()  # the process dies
    assert await hall.records("draw-called", draw) == []
    hall.exchange.before = lambda number: None
    known = dict(hall.exchange.rung)

    class Remembering(Exchange):
        """The driver's own notes: these keys were begun."""

        async def call(self, *, key: str, **more: Any) -> Any:
            if key in known:
                from experts.conversation import unanswered

                return unanswered("failed", self.name, b"who knows")
            return await super().call(key=key, **more)

    hall.exchange = Remembering()
    hall.exchange.codes = {person.phone: person.code for person in hall.people.values()}
    hall.restart()
    await hall.look(2)
    assert not hall.exchange.calls  # nobody is rung again under the same try
    assert [one["outcome"] for one in await hall.records("draw-called", draw)] == ["no_answer"] * 5
    await hall.push(timedelta(seconds=61))
    await hall.look(2)
    assert await hall.states(draw) == Counter(accepted=5)
    assert not set(hall.exchange.rung) & set(known)


async def test_a_driver_that_forgets_would_ring_twice_and_be_seen(hall: Hall) -> None:
    """The control of the test above: the same death, and a driver that keeps no notes."""
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)
    hall.exchange.before = lambda number: asyncio.sleep(3600)
    await hall.dispatcher.run_once()
    await hall.ringing(5)
    for task in list(hall.dispatcher._tasks.values()):
        task.cancel()
    hall.exchange.before = lambda number: None
    hall.restart()
    await hall.look(2)
    assert set(hall.exchange.rung.values()) == {2}


async def test_a_line_that_is_down_is_waited_for_under_the_same_key(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask(need={"a08": 1})
    await hall.drawn(draw)
    first = (await hall.order(draw))[0]
    hall.exchange.plan = {first: ["down", "down", "accept"]}
    await hall.look(2)
    assert await hall.states(draw) == Counter(accepted=1)
    assert [one["try"] for one in await hall.records("draw-called", draw)] == [1]


async def test_two_voices_take_a_try_over_from_one_another(db: Any, owner_dsn: str) -> None:
    hall = await Hall(second=Exchange("aliyun_voice")).found(owner_dsn)
    hall.exchange.default = "unfit"
    await hall.roster(20)
    draw = await hall.ask(need={"a08": 1})
    await hall.drawn(draw)
    await hall.look(2)
    assert [(one["try"], one["channel"]) for one in await hall.records("draw-called", draw)] == [(1, "aliyun_voice")]


def test_with_one_channel_nobody_could_be_proved_unreachable() -> None:
    from experts.dispatcher import Dispatcher

    hall = Hall()
    desk = hall.restart().desk
    desk.lines = Lines([hall.exchange], (), (), Down, Unfit)
    with pytest.raises(Refused, match="P-CHANNELS"):
        Dispatcher(desk)


async def test_one_panel_that_fails_stops_no_other_and_is_told(hall: Hall, caplog: Any) -> None:
    await hall.roster(20)
    bad, good = await hall.ask("L-1@1", {"b01": 1}), await hall.ask("L-2@1")

    async def terms(asked: Any, now: datetime) -> Any:
        if asked.draw == bad:
            raise Refused("E-DRAW-EARLY", earliest=now, end=now)
        return await type(hall.market).terms(hall.market, asked, now)

    hall.market.terms = terms  # type: ignore[method-assign]
    await hall.look(2)
    assert [(await hall.panel(draw))["state"] for draw in (bad, good)] == ["requested", "committed"]
    assert await hall.alerts() == ["P-STUCK"]


async def test_two_dispatchers_one_rings(hall: Hall, settings: Any) -> None:
    import asyncpg

    await hall.roster(40)
    draw = await hall.ask()
    await hall.drawn(draw)
    stop = asyncio.Event()

    async def guard() -> Any:
        return await asyncpg.connect(settings.database_url)

    first, second = hall.restart(), hall.restart()
    running = [asyncio.create_task(one.run(stop, guard)) for one in (first, second)]
    for _ in range(300):
        await asyncio.sleep(0.02)
        if (await hall.states(draw))["accepted"] == 5:
            break
    holders = await pool().fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    assert holders == 1
    # the one that holds the lock loses its connection: the other one, or itself, goes on
    await pool().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    )
    again = await hall.ask("L-2@1")
    for _ in range(300):
        await asyncio.sleep(0.02)
        if (await hall.panel(again))["state"] == "committed":
            break
    assert (await hall.panel(again))["state"] == "committed"
    stop.set()
    await asyncio.wait_for(asyncio.gather(*running), 10)
    assert set(hall.exchange.rung.values()) == {1} and len(hall.exchange.calls) == 5


# ------------------------------------------------------------------------------------------------------------- giving out


async def test_names_are_sealed_to_their_reader_and_as_long_whoever_sits(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask(need={"a08": 1})
    await hall.drawn(draw)
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    async def read(id: str) -> bytes:
        await pool().execute(
            """INSERT INTO experts_reading (id, panel_id, reader, ground, reader_key, asked_at)
               VALUES ($1, $2, 'A-SUP', 'two_keys', $3, log_now())""",
            id, draw, public,
        )  # fmt: skip
        await hall.look(2)
        return bytes(await pool().fetchval("SELECT sealed FROM experts_reading WHERE id = $1", id))

    hall.exchange.default = "silent"
    nobody = await read("11" * 16)
    hall.exchange.default = "accept"
    await hall.push(timedelta(seconds=61))
    await hall.look()
    somebody = await read("22" * 16)
    assert len(nobody) == len(somebody)
    told = json.loads(SUITE.decrypt(somebody, private, reading_info(draw, "22" * 16)))
    (row,) = await pool().fetch("SELECT leaf FROM experts_summons WHERE panel_id = $1", draw)
    name = hall.people[hall.dispatcher.desk.opened[draw].expert(row["leaf"])].name
    assert told == {"names": [{"seat": 1, "name": name}]}
    with pytest.raises(Exception):
        SUITE.decrypt(somebody, private, reading_info(draw, "11" * 16))


async def _leaves() -> None:
    """The sequencer's work: every record has its leaf."""
    await pool().execute(
        """INSERT INTO log_leaf (index, beat, record, entry, leaf_hash)
           SELECT coalesce((SELECT max(index) + 1 FROM log_leaf), 0) + row_number() OVER (ORDER BY id) - 1, 0, id, entry,
               sha256('\\x00'::bytea || entry)
           FROM log_record WHERE id NOT IN (SELECT record FROM log_leaf WHERE record IS NOT NULL)"""
    )


async def test_the_files_come_when_the_evaluation_has_closed_and_let_everybody_recompute_the_draw(
    hall: Hall, owner_dsn: str
) -> None:
    await hall.roster(20)
    await hall.roster(2, ("b01",))
    draw = await hall.ask()
    await hall.look()
    await hall.push(timedelta(hours=1, seconds=1))
    await hall.look(2)  # the first attempt is void
    await hall.say(draw)
    await hall.say(draw, reveals=True)
    await hall.look(2)
    assert await pool().fetchval("SELECT count(*) FROM experts_file") == 0
    hall.market.stages["L-1@1"] = CLOSED
    await hall.look()
    assert await pool().fetchval("SELECT count(*) FROM experts_file") == 0  # its records have no place in the log yet
    await _leaves()
    await hall.look()
    rows = await pool().fetch("SELECT attempt, name, data FROM experts_file WHERE panel_id = $1", draw)
    files = {(row["attempt"], row["name"]): json.loads(row["data"]) for row in rows}
    assert sorted(files) == [
        (1, "commit.json"), (1, "nonces.json"), (2, "calls.json"), (2, "commit.json"), (2, "leaves.json"),
        (2, "names.json"), (2, "nonces.json"), (2, "secret.json"),
    ]  # fmt: skip
    # what a stranger does with them
    record = files[2, "commit.json"]
    ctx, secret = law.draw_ctx(draw, "L-1@1"), bytes.fromhex(files[2, "secret.json"]["secret"])
    assert law.secret_commit(ctx, secret).hex() == record["secret_commit"]
    import base64

    nonces = [
        bytes.fromhex(json.loads(base64.b64decode(one["reveal"]))["nonce"]) for one in files[2, "nonces.json"]["nonces"]
    ]
    leaves = {bytes.fromhex(one["leaf"]): tuple(one["specialties"]) for one in files[2, "leaves.json"]["leaves"]}
    assert sha256(law.leaves_file(leaves)).hexdigest() == record["leaves"]
    ranked = law.order(law.seed_of(ctx, secret, nonces, bytes.fromhex(record["pool_root"])), leaves)
    assert {one["leaf"] for one in files[2, "calls.json"]["calls"]} == {leaf.hex() for leaf in ranked[:5]}
    for one in files[2, "names.json"]["roster"]:
        assert law.leaf_of(bytes.fromhex(one["salt"]), one["expert"]).hex() == one["leaf"]
    assert Counter(one["excluded"] for one in files[2, "names.json"]["roster"]) == Counter({None: 20, "specialty": 2})
    panel = await hall.panel(draw)
    assert panel["state"] == "over" and panel["disclosed_at"] and draw not in hall.dispatcher.desk.opened


async def test_a_tender_that_was_given_up_shows_commitments_alone(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)
    await hall.look(2)
    hall.market.stages["L-1@1"] = GIVEN_UP
    await _leaves()
    await hall.look(2)
    rows = await pool().fetch("SELECT name FROM experts_file WHERE panel_id = $1 ORDER BY name", draw)
    assert [row["name"] for row in rows] == ["commit.json", "nonces.json"]
    assert len(hall.post.of("released")) == 5


async def test_nothing_is_recorded_above_the_end_of_the_evaluation(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)

    async def closing(number: str) -> None:
        if not await hall.records("evaluation-closed"):
            async with acting(Actor("operator", "centre")) as act:
                act.record(EVALUATION_CLOSED.name, subject="L-1@1", tender="L-1@1", events=0, events_root="")

    hall.exchange.before = closing
    await hall.look()
    assert await hall.records("draw-called", draw) == []
    assert await pool().fetchval("SELECT count(*) FROM experts_try WHERE ended_at IS NULL") == 0


async def test_an_answer_that_comes_while_the_evaluation_is_being_closed_waits_and_is_no_fact(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask(need={"a08": 1})
    await hall.drawn(draw)
    held, closed = asyncio.Event(), asyncio.Event()

    async def close() -> None:
        async with acting(Actor("operator", "centre")) as act:
            await panels.hold(act, "L-1@1")
            held.set()
            await closed.wait()
            act.record(EVALUATION_CLOSED.name, subject="L-1@1", tender="L-1@1", events=0, events_root="")

    async def answered(number: str) -> None:
        hall.closing = asyncio.create_task(close())  # type: ignore[attr-defined]
        await held.wait()

    hall.exchange.before = answered
    await hall.dispatcher.run_once()
    await asyncio.wait_for(held.wait(), 5)
    await asyncio.sleep(0.2)
    assert (
        await pool().fetchval("SELECT count(*) FROM experts_try WHERE ended_at IS NULL") == 1
    )  # it waits for the lock
    closed.set()
    await asyncio.wait_for(hall.dispatcher.settle(), 5)
    assert await hall.records("draw-called", draw) == []
    assert await pool().fetchval("SELECT count(*) FROM experts_try WHERE ended_at IS NULL") == 0


async def test_a_big_pool_holds_up_nobody_elses_calls(hall: Hall) -> None:
    await hall.roster(20)
    first = await hall.ask()
    await hall.drawn(first)
    slow = await hall.ask("L-2@1")
    terms, going = hall.market.terms, asyncio.Event()

    async def long(asked: Any, now: datetime) -> Any:
        await going.wait()
        return await terms(asked, now)

    hall.market.terms = long  # type: ignore[method-assign]
    for _ in range(3):
        await hall.dispatcher._round(0.05)
        await hall.dispatcher.settle()
    assert await hall.states(first) == Counter(accepted=5)
    assert (await hall.panel(slow))["state"] == "requested"
    going.set()
    await hall.look()
    assert (await hall.panel(slow))["state"] == "committed"


async def test_a_provider_that_hangs_with_its_replies_holds_up_no_call(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)
    answers = hall.post.answers
    hall.post.answers = lambda: asyncio.sleep(3600)  # type: ignore[method-assign,assignment]
    for _ in range(2):
        await hall.dispatcher._round(0.05)
        await hall.dispatcher.settle()
    assert await hall.states(draw) == Counter(accepted=5)
    hall.post.answers = answers  # type: ignore[method-assign]
    await hall.dispatcher.leave()


async def test_names_are_published_where_the_regime_does_and_their_hash_is_in_the_log(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)
    await hall.look(2)
    await pool().execute("UPDATE experts_panel SET seated_at = log_now() WHERE draw = $1", draw)
    hall.market.stages["L-1@1"] = CLOSED
    await _leaves()
    await hall.look()
    hall.dispatcher._named = 0.0
    await hall.look()
    assert await pool().fetchval("SELECT count(*) FROM experts_name") == 0
    hall.market.due = {"L-1@1"}
    for _ in range(2):
        hall.dispatcher._named = 0.0
        await hall.look()
    rows = await pool().fetch("SELECT seat, name FROM experts_name ORDER BY seat")
    assert [row["seat"] for row in rows] == [1, 2, 3, 4, 5]
    names = canon({"names": [{"seat": row["seat"], "name": row["name"]} for row in rows]}, nfc=True)
    assert [one["names"] for one in await hall.records("panel-named", draw)] == [sha256_hex(names)]


async def test_no_name_and_no_number_gets_into_a_log_line(hall: Hall, caplog: Any) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)

    def leak(number: str) -> None:
        raise RuntimeError(f"cannot ring {number}")

    hall.exchange.before = leak
    with caplog.at_level("DEBUG"):
        await hall.look(2)
    assert "RuntimeError" in caplog.text and "hall.py" in caplog.text
    assert not any(one.phone in caplog.text or one.name in caplog.text for one in hall.people.values())


def test_a_code_has_no_letters_that_look_alike() -> None:
    codes = {one_time_code(bytes(32), f"{n}") for n in range(500)}
    assert len(codes) == 500 and not set("".join(codes)) & set("01IO") and {len(one) for one in codes} == {8}
