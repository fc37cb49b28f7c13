"""The calls of a draw: a try is a row before anybody is rung, its answer a record, and a lost seat goes to the next.

    open_more -> next_tries -> ring | write -> ended        late declines, no-shows and an exhausted pool beside it

Everything is decided under the panel's lock, so the order of the log is the draw's (draw.md §2.4). What died between a try's
row and its record is asked of the driver again, under the same key, which never rings twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from audit.act import Act, acting, pool
from audit.alerts import Alert, raise_in
from audit.canon import sha256_hex
from experts import summons as plan
from experts.conversation import Answer, unanswered
from experts.desk import Desk, Gone, locked, rows_locked, try_key
from experts.handed import Asked
from experts.panels import is_closed
from experts.person import Person
from experts.records import DRAW_CALLED, PANEL_EXHAUSTED
from experts.summons import ACCEPTED, CALLING, LOST, NO_ANSWER, UNREACHABLE, Ring, Tried, Wait
from experts.wording import SALUTATION, WORDINGS

logger = logging.getLogger("experts.calls")

LIVE: Final = ("calling", "seated")
"""States of a panel whose people are looked after."""


@dataclass(frozen=True)
class Open:
    """A try that has begun and has not ended: its row."""

    key: str
    draw: str
    leaf: str
    number: int
    channel: str
    started: datetime


# ------------------------------------------------------------------------------------------------------ who is called next


async def open_more(desk: Desk, asked: Asked) -> int:
    """Call as many more of each specialty's queue as there are seats free; how many that were.

    A specialty whose queue has ended opens no more of any other: it is exhausted when those being called have answered.
    """
    drawn = await desk.drawn(asked)
    count = 0
    async with rows_locked(asked.draw, CALLING) as (rows, held, now):
        by_place = await _states(rows.fetch, asked.draw)
        if any(_exhausted(held, drawn.queues, by_place)):
            return 0
        for one in held.need:
            queue, states = drawn.queues.get(one.specialty, ()), by_place.get(one.specialty, [])
            for place in range(len(states), len(states) + plan.opened(states, one.count, len(queue))):
                await _summon(rows, desk, held, queue[place].hex(), one.specialty, place, now)
                count += 1
    return count


async def _summon(rows: Any, desk: Desk, asked: Asked, leaf: str, specialty: str, place: int, now: datetime) -> None:
    """One more leaf, with its first try in the same transaction: nobody is summoned and then forgotten."""
    id = await rows.fetchval(
        """INSERT INTO experts_summons (panel_id, attempt, leaf, specialty, place, state, tries, first_at, next_at)
           VALUES ($1, $2, $3, $4, $5, 'calling', 1, $6, NULL) RETURNING id""",
        asked.draw, asked.attempt, leaf, specialty, place, now,
    )  # fmt: skip
    await _begin(rows, id, asked.draw, leaf, 1, desk.lines.rung[0], now)


async def _begin(rows: Any, id: int, draw: str, leaf: str, number: int, channel: str, now: datetime) -> None:
    await rows.execute(
        "INSERT INTO experts_try (key, summons_id, number, channel, started_at) VALUES ($1, $2, $3, $4, $5)",
        try_key(draw, leaf, number), id, number, channel, now,
    )  # fmt: skip


async def _states(fetch: Any, draw: str) -> dict[str, list[str]]:
    """{specialty: state of each leaf called, by place}."""
    found: dict[str, list[str]] = {}
    for row in await fetch("SELECT specialty, state FROM experts_summons WHERE panel_id = $1 ORDER BY place", draw):
        found.setdefault(row["specialty"], []).append(row["state"])
    return found


def _exhausted(asked: Asked, queues: Mapping[str, Sequence[bytes]], states: Mapping[str, list[str]]) -> list[str]:
    return [
        one.specialty
        for one in asked.need
        if plan.is_exhausted(states.get(one.specialty, []), one.count, len(queues.get(one.specialty, ())))
    ]


async def exhaust(desk: Desk, asked: Asked) -> bool:
    """Say that the pool has no further leaf, once nobody is being called any more; whether it was said (draw.md §2.5)."""
    queues = (await desk.drawn(asked)).queues
    states = await _states(pool().fetch, asked.draw)
    if not _exhausted(asked, queues, states) or any(CALLING in one for one in states.values()):
        return False
    async with acting(desk.actor, clock=False) as act:
        held = await locked(act, asked.draw, CALLING)
        states = await _states(act.query, asked.draw)
        short = _exhausted(held, queues, states)
        if not short or any(CALLING in one for one in states.values()) or await is_closed(act, held.tender):
            raise Gone("exhausted")
        act.record(
            PANEL_EXHAUSTED.name,
            subject=held.tender,
            tender=held.tender,
            draw=held.draw,
            attempt=held.attempt,
            specialty=short[0],
        )
        await act.query("UPDATE experts_panel SET state = 'exhausted' WHERE draw = $1", held.draw)
        facts = {"level": "red", "draw": held.draw, "specialty": short[0]}
        await raise_in(act, held.tender, [Alert("P-EXHAUSTED", held.tender, facts, held.tender)])
    return True


# ---------------------------------------------------------------------------------------------------------------- the tries


async def next_tries(desk: Desk, asked: Asked) -> tuple[list[Open], datetime | None]:
    """Begin the tries that are due; all that are open, and the log time at which the next one is."""
    async with rows_locked(asked.draw, *LIVE) as (rows, held, now):
        waiting, soonest = [], None
        called = await rows.fetch("SELECT * FROM experts_summons WHERE panel_id = $1 AND state = 'calling'", asked.draw)
        late = await _late(rows.fetch, asked.draw) if called else frozenset()
        for one in called:
            tries = await _tries(rows.fetch, one["id"])
            step = _following(desk, held, one, [tried for _, tried in tries], late)
            if isinstance(step, Ring) and step.at <= now:
                await _begin(rows, one["id"], asked.draw, one["leaf"], step.number, step.channel, now)
                await rows.execute(
                    "UPDATE experts_summons SET tries = $2, next_at = NULL WHERE id = $1", one["id"], step.number
                )
                key = try_key(asked.draw, one["leaf"], step.number)
                waiting.append(Open(key, asked.draw, one["leaf"], step.number, step.channel, now))
            elif isinstance(step, Ring):
                soonest = min(soonest or step.at, step.at)
                if one["next_at"] != step.at:
                    await rows.execute("UPDATE experts_summons SET next_at = $2 WHERE id = $1", one["id"], step.at)
            elif isinstance(step, Wait):
                key, last = tries[-1]
                waiting.append(Open(key, asked.draw, one["leaf"], step.number, last.channel, last.started))
    return waiting, soonest


def _following(desk: Desk, asked: Asked, row: Any, tries: Sequence[Tried], late: frozenset[str]) -> plan.Step:
    channels = desk.lines.channels
    return plan.following(tries, row["first_at"], channels, desk.policy, late=row["specialty"] in late)


async def _late(fetch: Any, draw: str) -> frozenset[str]:
    """The specialties in which somebody who had accepted is lost."""
    rows = await fetch(
        """SELECT DISTINCT specialty FROM experts_summons s WHERE panel_id = $1 AND state = ANY ($2)
           AND EXISTS (SELECT 1 FROM experts_try t WHERE t.summons_id = s.id AND t.outcome = 'accepted')""",
        draw, list(LOST),
    )  # fmt: skip
    return frozenset(row["specialty"] for row in rows)


async def _tries(fetch: Any, summons: int) -> list[tuple[str, Tried]]:
    rows = await fetch("SELECT * FROM experts_try WHERE summons_id = $1 ORDER BY number", summons)
    return [
        (
            row["key"],
            Tried(row["channel"], row["started_at"], row["ended_at"], row["outcome"], row["answer"] is not None),
        )
        for row in rows
    ]


# ----------------------------------------------------------------------------------------------------------------- the line


async def attempt(desk: Desk, asked: Asked, one: Open) -> None:
    """Make a try, or ask what came of it, and record its answer: that of a message when its reply or its time has come."""
    person = await desk.person(asked, one.leaf)
    if plan.is_written(one.channel):
        await _write(desk, asked, one, person)
        return
    await ended(desk, one, await _ring(desk, asked, one, person))


def _lang(asked: Asked) -> str:
    return str(asked.wording.get("lang", "zh-CN"))


def greeted(asked: Asked, person: Person) -> str:
    """How somebody is addressed: by surname or as the centre wrote it, else as an expert like any other."""
    return person.salutation or SALUTATION[_lang(asked)]


async def _ring(desk: Desk, asked: Asked, one: Open, person: Person) -> Answer:
    """One call. A line that is down is waited for, or another voice takes the try over: nobody has been rung."""
    values = {**asked.wording, "salutation": greeted(asked, person)}
    script = WORDINGS[_lang(asked)].script(values)
    check = (lambda keys: keys == person.code) if desk.lines.ask_code else None
    channel, pause = one.channel, desk.delays.retry
    while True:
        voice = desk.lines.voice(channel)
        if voice is None:  # its driver is not here any more: nobody can say what came of it
            return unanswered("failed", channel)
        try:
            return await voice.call(key=one.key, number=person.phone, script=script, check=check, ring=desk.policy.ring)
        except desk.lines.down as down:
            useless = isinstance(down, desk.lines.unfit)
            following = _other(desk, channel)
            if useless and following is None:
                return unanswered("failed", channel)
            if following is not None:
                await _move(one.key, following)
                channel = following
            if following is None or following == desk.lines.rung[0]:  # all have been asked
                wait = max(pause, float(getattr(down, "retry_after", 0.0) or 0.0))
                pause = min(pause * 2, desk.delays.longest_retry)
                await asyncio.sleep(min(wait, desk.delays.longest_retry))


def _other(desk: Desk, channel: str) -> str | None:
    """The voice after this one, round and round; None where there is no other."""
    rung = desk.lines.rung
    place = rung.index(channel) + 1
    return rung[place % len(rung)] if len(rung) > 1 else None


async def _move(key: str, channel: str) -> None:
    """Another voice makes a try that reached nobody: said in its row before that one rings."""
    await pool().execute("UPDATE experts_try SET channel = $2 WHERE key = $1 AND ended_at IS NULL", key, channel)


async def _write(desk: Desk, asked: Asked, one: Open, person: Person) -> None:
    text = desk.lines.text(one.channel)
    number = person.email if one.channel.endswith("-mail") else person.phone
    if text is None or not number:
        await ended(desk, one, unanswered("failed", one.channel))
        return
    pause = desk.delays.retry
    while True:
        try:
            fields = {**asked.wording, "salutation": greeted(asked, person)}
            answer = await text.write(key=one.key, number=number, template="invited", fields=fields)
            break
        except desk.lines.unfit:
            answer = unanswered("failed", one.channel)
            break
        except desk.lines.down as down:
            wait = max(pause, float(getattr(down, "retry_after", 0.0) or 0.0))
            pause = min(pause * 2, desk.delays.longest_retry)
            await asyncio.sleep(min(wait, desk.delays.longest_retry))
    until = one.started + desk.policy.apart
    while (left := (until - await pool().fetchval("SELECT log_now()")).total_seconds()) > 0:
        await asyncio.sleep(min(left / desk.clock.factor, desk.delays.look) + 0.001)
        if await pool().fetchval("SELECT ended_at FROM experts_try WHERE key = $1", one.key) is not None:
            return  # a reply came
    await ended(desk, one, answer)


async def ended(desk: Desk, one: Open, answer: Answer) -> None:
    """Record what came of a try, in one act with what it changes. Nothing happens where it has ended already.

    Whoever was lost meanwhile (removed while it rang), or whose tender's evaluation is over, gets no record.
    """
    said = answer.outcome if answer.outcome in plan.SAID else NO_ANSWER
    proof = sha256_hex(answer.provider) if answer.provider else None
    drawn = await desk.drawn(await desk.panel(one.draw))
    try:
        async with acting(desk.actor, clock=False) as act:
            held = await locked(act, one.draw, *LIVE)
            row = (await act.query(
                "SELECT * FROM experts_summons WHERE panel_id = $1 AND leaf = $2", one.draw, one.leaf
            ))[0]  # fmt: skip
            tries = await _tries(act.query, row["id"])
            if (
                tries[one.number - 1][1].ended is not None
                or row["state"] != CALLING
                or await is_closed(act, held.tender)
            ):
                raise Gone("ended")
            before = [tried for _, tried in tries[: one.number - 1]]
            this = Tried(tries[one.number - 1][1].channel, one.started, act.now, said, proof is not None)
            outcome = said
            if said == NO_ANSWER and plan.proved([*before, this], desk.policy.apart):
                outcome = UNREACHABLE
            _say(act, held, row, outcome, number=one.number, channel=this.channel, answer=proof)
            await act.query(
                "UPDATE experts_try SET ended_at = $2, outcome = $3, answer = $4 WHERE key = $1",
                one.key, act.now, outcome, proof,
            )  # fmt: skip
            if outcome == ACCEPTED:
                await _accept(act, held, row, desk.digest(drawn.code(one.leaf)))
            elif outcome in LOST:
                await _lose(act, held, row, outcome)
            elif len(tries) == desk.policy.many:
                facts = {"draw": held.draw, "leaf": one.leaf}
                await raise_in(act, held.tender, [Alert("P-UNCALLABLE", held.tender, facts, held.tender)])
    except Gone:
        await pool().execute(
            "UPDATE experts_try SET ended_at = log_now(), outcome = $2, answer = $3 WHERE key = $1 AND ended_at IS NULL",
            one.key, said, proof,
        )  # fmt: skip


def _say(
    act: Act, asked: Asked, row: Any, outcome: str, *, number: int = 0, channel: str = "", answer: str | None = None
) -> None:
    body: dict[str, Any] = {
        "tender": asked.tender, "draw": asked.draw, "attempt": asked.attempt, "leaf": row["leaf"],
        "specialty": row["specialty"], "try": number, "channel": channel, "answer": answer, "outcome": outcome,
    }  # fmt: skip
    act.record(DRAW_CALLED.name, subject=asked.tender, **body)


async def _accept(act: Act, asked: Asked, row: Any, code: str) -> None:
    """A seat of the specialty's block, and the keyed hash of a one-time code, which goes out when this act is durable."""
    rows = await act.query("SELECT seat FROM experts_summons WHERE panel_id = $1 AND seat IS NOT NULL", asked.draw)
    seat = plan.free_seat(asked.need, row["specialty"], {one["seat"] for one in rows})
    await act.query(
        "UPDATE experts_summons SET state = 'accepted', next_at = NULL, seat = $2, code = $3 WHERE id = $1",
        row["id"], seat, code,
    )  # fmt: skip


async def _lose(act: Act, asked: Asked, row: Any, outcome: str) -> None:
    await act.query(
        "UPDATE experts_summons SET state = $2, next_at = NULL, seat = NULL, code = NULL WHERE id = $1",
        row["id"],
        outcome,
    )
    if outcome != UNREACHABLE:
        return
    rows = await act.query("SELECT state FROM experts_summons WHERE panel_id = $1", asked.draw)
    if plan.too_many_unreachable(Counter(one["state"] for one in rows)):
        await raise_in(act, asked.tender, [Alert("P-UNREACHABLE", asked.tender, {"draw": asked.draw}, asked.tender)])


# ----------------------------------------------------------------------------------------- after somebody has accepted


async def no_shows(desk: Desk, asked: Asked) -> datetime | None:
    """Whoever accepted and has not checked in by then is lost; the log time at which the next one would be."""
    rows = await pool().fetch(
        f"""SELECT s.leaf, t.ended_at, log_now() AS now FROM experts_summons s
            JOIN experts_try t ON t.summons_id = s.id AND t.outcome = 'accepted'
            WHERE s.panel_id = $1 AND s.state = 'accepted' AND {_ABSENT}""",
        asked.draw,
    )
    soonest: datetime | None = None
    for row in rows:
        by = plan.shown_up_by(row["ended_at"], asked.meets, desk.policy)
        if row["now"] < by:
            soonest = min(soonest or by, by)
        else:
            await lose_late(desk, asked.draw, row["leaf"], plan.NO_SHOW)
    return soonest


_ABSENT = (
    "NOT EXISTS (SELECT 1 FROM experts_seat x WHERE x.panel_id = s.panel_id AND x.leaf = s.leaf AND x.ended_at IS NULL)"
)


async def lose_late(desk: Desk, draw: str, leaf: str, outcome: str) -> None:
    """A late decline, or a no-show: who has accepted and not checked in is lost, without a call (draw.md §2.5).

    Nothing happens to others: whoever sits is removed by signature alone.
    """
    try:
        async with acting(desk.actor, clock=False) as act:
            held = await locked(act, draw, *LIVE)
            rows = await act.query(
                f"""SELECT * FROM experts_summons s
                    WHERE s.panel_id = $1 AND s.leaf = $2 AND s.state = 'accepted' AND {_ABSENT}""",
                draw, leaf,
            )  # fmt: skip
            if not rows or await is_closed(act, held.tender):
                raise Gone("late")
            _say(act, held, rows[0], outcome)
            await _lose(act, held, rows[0], outcome)
            await act.query("UPDATE experts_panel SET state = 'calling' WHERE draw = $1 AND state = 'seated'", draw)
    except Gone:
        return
    logger.info("late loss in draw %s: %s", draw, outcome)
