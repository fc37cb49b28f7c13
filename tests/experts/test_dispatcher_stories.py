"""What may happen between "all have revealed" and "all are called", and that it leaves the rows and records it must."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from audit.act import pool
from tests.experts.hall import Exchange, Hall, check_calls, verified


@pytest.fixture
async def hall(db: Any, owner_dsn: str) -> Hall:
    return await Hall().found(owner_dsn, "a08", "b01")


async def lawful(hall: Hall, draw: str) -> None:
    """Every record of the draw stands where draw.md lets it, and no key was dialled twice."""
    found = hall.dispatcher.desk.opened[draw]
    queues = {name: [leaf.hex() for leaf in queue] for name, queue in found.queues.items()}
    calls = await hall.records("draw-called", draw)
    check_calls(calls, queues, dict(found.asked.count))
    verified((await hall.records("draw-committed", draw))[-1], calls, found)
    assert set(hall.exchange.rung.values()) <= {1}


async def test_everybody_accepts(hall: Hall) -> None:
    await hall.roster(40)
    draw = await hall.ask()
    await hall.drawn(draw)
    await hall.look(2)
    assert await hall.states(draw) == Counter(accepted=5)
    calls = await hall.records("draw-called", draw)
    assert [(one["try"], one["outcome"], one["channel"]) for one in calls] == [(1, "accepted", "sip")] * 5
    rows = await pool().fetch("SELECT seat, code FROM experts_summons WHERE panel_id = $1 ORDER BY seat", draw)
    assert [row["seat"] for row in rows] == [1, 2, 3, 4, 5] and len({row["code"] for row in rows}) == 5
    # each has the code in a message, once, and nobody else has anything
    written = hall.post.of("confirmed")
    assert len(written) == 5 and len({fields["code"] for _, _, fields in written}) == 5
    digests = {hall.dispatcher.desk.digest(fields["code"]) for _, _, fields in written}
    assert digests == {row["code"] for row in rows}
    # no name is in a record
    text = str(await hall.records("draw-called", draw)) + str(await hall.records("draw-committed", draw))
    assert not any(person.name in text or person.phone[3:] in text for person in hall.people.values())
    await lawful(hall, draw)


async def test_a_restart_sends_no_second_code_and_the_same_one(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)
    await hall.look(2)
    before = list(hall.post.sent)
    hall.restart()
    await hall.look(2)
    assert hall.post.sent == before


async def test_declines_conflicts_and_wrong_keys_go_down_the_queue(hall: Hall) -> None:
    await hall.roster(40)
    draw = await hall.ask()
    await hall.drawn(draw)
    first, second, third, *_ = await hall.order(draw)
    hall.exchange.plan = {first: ["decline"], second: ["conflict"], third: ["wrong", "accept"]}
    await hall.look(2)
    assert await hall.states(draw) == Counter(accepted=6 - 2, declined=1, conflict=1, calling=1)
    await hall.push(timedelta(seconds=61))
    await hall.look(2)
    assert await hall.states(draw) == Counter(accepted=5, declined=1, conflict=1)
    tries = [one["outcome"] for one in await hall.records("draw-called", draw)]
    assert Counter(tries) == Counter(accepted=5, declined=1, conflict=1, no_answer=1)
    await lawful(hall, draw)


async def test_who_never_answers_is_unreachable_after_three_calls_and_a_message_and_ten_minutes(hall: Hall) -> None:
    await hall.roster(40)
    draw = await hall.ask()
    await hall.drawn(draw)
    silent = (await hall.order(draw))[0]
    hall.exchange.plan = {silent: ["silent"]}
    await hall.look()
    for wait in (61, 121, 121):
        await hall.push(timedelta(seconds=wait))
        await hall.dispatcher.run_once()  # no `settle`: the message waits for its reply in log time
        await asyncio.sleep(0.1)
    assert len([one for one in hall.exchange.calls if one.number == silent]) == 3
    await _until_written(hall)
    assert hall.post.of("invited")[0][1] == silent
    assert (await hall.states(draw))["unreachable"] == 0
    await hall.push(timedelta(minutes=9))
    await hall.dispatcher.run_once()
    assert (await hall.states(draw))["unreachable"] == 0
    await hall.push(timedelta(minutes=2))
    await hall.look(3)
    assert await hall.states(draw) == Counter(accepted=5, unreachable=1)
    last = [one for one in await hall.records("draw-called", draw) if one["outcome"] == "unreachable"]
    assert [(one["try"], one["channel"]) for one in last] == [(4, "sms-text")] and last[0]["answer"]
    await lawful(hall, draw)


async def _until_written(hall: Hall) -> None:
    for _ in range(200):
        if hall.post.of("invited"):
            return
        await asyncio.sleep(0.01)
        await hall.dispatcher.run_once()


async def test_a_second_voice_rings_ten_minutes_later(db: Any, owner_dsn: str) -> None:
    hall = await Hall(second=Exchange("aliyun_voice", "silent")).found(owner_dsn)
    hall.exchange.default = "silent"
    await hall.roster(3)
    draw = await hall.ask(need={"a08": 1})
    await hall.drawn(draw)
    await hall.look()
    for wait in (61, 121, 121):
        await hall.push(timedelta(seconds=wait))
        await hall.look()
    assert hall.second is not None and not hall.second.calls
    await hall.push(timedelta(minutes=10))
    await hall.look()
    assert len(hall.second.calls) == 1
    assert (await hall.states(draw))["unreachable"] == 1
    await lawful(hall, draw)


async def test_a_reply_to_the_invitation_is_an_answer(hall: Hall) -> None:
    hall.exchange.default = "silent"
    await hall.roster(4)
    draw = await hall.ask(need={"a08": 1})
    await hall.drawn(draw)
    await hall.look()
    for wait in (61, 121):
        await hall.push(timedelta(seconds=wait))
        await hall.look()
    await hall.push(timedelta(seconds=121))
    await hall.dispatcher.run_once()
    await _until_written(hall)
    key, number, _ = hall.post.of("invited")[0]
    # with a code to be asked, a written 1 only means: ring me now
    hall.exchange.plan[number] = ["accept"]
    hall.post.reply(key, "accepted")
    await hall.look(3)
    assert await hall.states(draw) == Counter(accepted=1)
    outcomes = [(one["try"], one["outcome"]) for one in await hall.records("draw-called", draw)]
    assert outcomes == [(1, "no_answer"), (2, "no_answer"), (3, "no_answer"), (4, "no_answer"), (5, "accepted")]
    await lawful(hall, draw)


async def test_a_late_decline_is_replaced_with_one_call(hall: Hall) -> None:
    await hall.roster(40)
    draw = await hall.ask()
    await hall.drawn(draw)
    await hall.look(2)
    queue = hall.queue(draw)
    key, _, _ = hall.post.of("confirmed")[0]
    hall.exchange.plan[queue[5]] = ["silent"]
    hall.post.reply(key, "declined")
    await hall.dispatcher.run_once()
    await hall.dispatcher.run_once()
    await _until_called(hall, queue[5])
    assert [one["try"] for one in await hall.records("draw-called", draw) if one["outcome"] == "declined"] == [0]
    await hall.push(timedelta(seconds=61))
    await hall.dispatcher.run_once()
    await _until_written(hall)
    assert len([one for one in hall.exchange.calls if one.number == queue[5]]) == 1  # a shortened retry
    await hall.push(timedelta(minutes=11))
    await hall.look(3)
    assert await hall.states(draw) == Counter(accepted=5, declined=1, unreachable=1)
    rows = await pool().fetch(
        "SELECT seat FROM experts_summons WHERE panel_id = $1 AND seat IS NOT NULL ORDER BY seat", draw
    )
    assert [row["seat"] for row in rows] == [1, 2, 3, 4, 5]
    # the reply again, or one that says nothing, changes nothing
    hall.post.reply(key, "declined")
    hall.post.reply("0" * 40, "declined")
    await hall.look(2)
    assert await hall.states(draw) == Counter(accepted=5, declined=1, unreachable=1)
    await lawful(hall, draw)


async def _until_called(hall: Hall, number: str) -> None:
    for _ in range(200):
        if any(one.number == number for one in hall.exchange.calls):
            await asyncio.sleep(0.05)
            return
        await asyncio.sleep(0.01)
        await hall.dispatcher.run_once()


async def test_who_does_not_come_is_replaced_and_who_sits_is_not(hall: Hall) -> None:
    await hall.roster(40)
    draw = await hall.ask()
    await hall.drawn(draw)
    await hall.look(2)
    rows = await pool().fetch("SELECT leaf, seat FROM experts_summons WHERE panel_id = $1 ORDER BY seat", draw)
    for row in rows[1:]:
        await hall.sit(draw, row["leaf"], row["seat"])
    await hall.push_to(hall.meets - timedelta(minutes=16))
    await hall.look(2)
    assert (await hall.states(draw))["no_show"] == 0
    await hall.push_to(hall.meets - timedelta(minutes=15))
    await hall.look(3)
    assert await hall.states(draw) == Counter(accepted=5, no_show=1)
    # whoever accepted so late has time to travel
    await hall.push(timedelta(hours=1))
    await hall.look(2)
    assert (await hall.states(draw))["no_show"] == 1
    await hall.push(timedelta(hours=1, minutes=1))
    await hall.look(3)
    assert (await hall.states(draw))["no_show"] == 2
    await lawful(hall, draw)


async def test_an_exhausted_pool_ends_the_draw_and_its_people_are_released(hall: Hall) -> None:
    await hall.roster(6)
    draw = await hall.ask()
    await hall.drawn(draw)
    for number in (await hall.order(draw))[:2]:
        hall.exchange.plan[number] = ["decline"]
    await hall.look(4)
    assert (await hall.panel(draw))["state"] == "exhausted"
    assert [one["specialty"] for one in await hall.records("panel-exhausted", draw)] == ["a08"]
    assert len(hall.post.of("released")) == 4
    assert {"P-EXHAUSTED", "P-POOL-SMALL"} <= set(await hall.alerts())
    # a new draw says which one it replaces
    await hall.roster(10)
    again = await hall.ask()
    await hall.drawn(again)
    await hall.look(2)
    assert [one.get("replaces") for one in await hall.records("draw-committed", again)] == [draw]
    assert await hall.states(again) == Counter(accepted=5)
    await lawful(hall, again)


async def test_two_specialties_have_blocks_of_seats(hall: Hall) -> None:
    await hall.roster(12, ("a08",))
    await hall.roster(6, ("a08", "b01"))
    draw = await hall.ask(need={"a08": 3, "b01": 2}, representatives=2)
    await hall.drawn(draw)
    await hall.look(2)
    rows = await pool().fetch("SELECT specialty, seat FROM experts_summons WHERE panel_id = $1 ORDER BY seat", draw)
    assert [(row["specialty"], row["seat"]) for row in rows] == [
        ("a08", 1), ("a08", 2), ("a08", 3), ("b01", 4), ("b01", 5),
    ]  # fmt: skip
    await lawful(hall, draw)


async def test_more_than_three_in_ten_unreachable_is_told(db: Any, owner_dsn: str) -> None:
    hall = await Hall(second=Exchange("aliyun_voice", "silent")).found(owner_dsn)
    await hall.roster(20)
    draw = await hall.ask()
    await hall.drawn(draw)
    for number in (await hall.order(draw))[:4]:
        hall.exchange.plan[number] = ["silent"]
    await hall.look()
    for _ in range(4):
        await hall.push(timedelta(minutes=11))
        await hall.look()
    await hall.look(2)
    assert (await hall.states(draw))["unreachable"] == 4
    assert (await hall.alerts()).count("P-UNREACHABLE") == 1
    await lawful(hall, draw)


async def test_after_the_opening_whoever_works_for_a_bidder_is_proposed_and_stays_until_a_signature(hall: Hall) -> None:
    firm = "91110000600037341L"
    await hall.roster(20, employer=firm)
    draw = await hall.ask(need={"a08": 1})
    await hall.drawn(draw)
    await hall.look(2)
    assert "P-RECUSAL" not in await hall.alerts()
    hall.market.known = ["91310000000000001X", firm]
    await hall.look(2)
    raised = [one for one in await hall.records("alert-raised") if one["rule"] == "P-RECUSAL"]
    assert len(raised) == 1 and set(raised[0]["facts"]) == {"draw", "leaf"}
    assert await hall.states(draw) == Counter(accepted=1)
    hall.restart()
    await hall.look(2)
    assert (await hall.alerts()).count("P-RECUSAL") == 1


async def test_a_removal_while_it_rings_leaves_no_record_behind_the_loss(hall: Hall) -> None:
    await hall.roster(20)
    draw = await hall.ask(need={"a08": 1})
    await hall.drawn(draw)
    first = (await hall.order(draw))[0]

    async def removed(number: str) -> None:
        if number == first:  # the authority's act, as far as rows go
            await pool().execute("UPDATE experts_summons SET state = 'removed' WHERE panel_id = $1", draw)

    hall.exchange.before = removed
    await hall.look(3)
    assert await hall.states(draw) == Counter(removed=1, accepted=1)
    assert [one["outcome"] for one in await hall.records("draw-called", draw)] == ["accepted"]
    assert await pool().fetchval("SELECT count(*) FROM experts_try WHERE ended_at IS NULL") == 0
