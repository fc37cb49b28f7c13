"""What is written to those who were called, and what they write back: the code, the release, a word taken back.

Every message has a key of its own, under which it is handed over once; after a crash it is written again and goes out no
second time. A reply is an answer only to what was asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.act import pool
from audit.alerts import Alert, raise_alerts
from experts import summons as plan
from experts.calls import LIVE, Open, ended, greeted, lose_late
from experts.conversation import Answer
from experts.desk import Desk, text_key
from experts.handed import Asked
from experts.summons import ACCEPTED, NO_ANSWER


@dataclass(frozen=True)
class Message:
    """What is to be written to somebody who has accepted: the code, or that they are not needed."""

    key: str
    leaf: str
    template: str


async def messages(desk: Desk, asked: Asked, template: str) -> list[Message]:
    """`confirmed` (until its code is used) or `released`, for whoever accepted and was not written to by this process.

    After a crash they are written again, under keys that are handed over once.
    """
    rows = await pool().fetch(
        """SELECT leaf FROM experts_summons WHERE panel_id = $1 AND state = 'accepted'
           AND ($2 = 'released' OR code IS NOT NULL)""",
        asked.draw, template,
    )  # fmt: skip
    found = [Message(text_key(asked.draw, row["leaf"], template), row["leaf"], template) for row in rows]
    return [one for one in found if one.key not in desk.told]


async def write(desk: Desk, asked: Asked, one: Message) -> None:
    """Hand a message to the first channel that takes it; where every one refuses, the supervisors are told.

    While a line is down the message waits: raises what the driver raised.
    """
    person = await desk.person(asked, one.leaf)
    fields = {**asked.wording, "salutation": greeted(asked, person)}
    if one.template == "confirmed":
        fields["code"] = (await desk.drawn(asked)).code(one.leaf)
    ways = [(text, person.phone) for text in desk.lines.texts]
    ways += [(text, person.email) for text in desk.lines.mails if person.email]
    waiting: Exception | None = None
    for text, number in ways:
        try:
            answer = await text.write(key=one.key, number=number, template=one.template, fields=fields)
        except desk.lines.unfit:
            continue
        except desk.lines.down as down:
            waiting = down
            continue
        if answer.state == "answered":
            desk.told.add(one.key)
            return
    if waiting is not None:
        raise waiting
    desk.told.add(one.key)
    facts = {"draw": asked.draw, "leaf": one.leaf}
    await raise_alerts(desk.actor, [Alert("P-UNWRITTEN", asked.tender, facts, asked.tender)])


async def replied(desk: Desk, key: str, answer: Answer) -> None:
    """A reply to a message: to an invitation it is that try's answer; to a confirmation it can only take back the word.

    With a personal code to be asked, a written `1` means: ring me now. Whatever else it says is nothing.
    """
    row = await pool().fetchrow(
        """SELECT t.key, t.number, t.channel, t.started_at, s.panel_id, s.leaf FROM experts_try t
           JOIN experts_summons s ON s.id = t.summons_id WHERE t.key = $1 AND t.ended_at IS NULL""",
        key,
    )
    if row is not None:
        if answer.outcome not in plan.SAID:
            return
        if answer.outcome == ACCEPTED and desk.lines.ask_code:
            if row["number"] >= desk.policy.many:
                return
            answer = Answer("answered", NO_ANSWER, "", answer.channel, answer.provider)
        one = Open(key, row["panel_id"], row["leaf"], row["number"], row["channel"], row["started_at"])
        await ended(desk, one, answer)
        return
    if answer.outcome in ("declined", "conflict"):
        for one in await pool().fetch(
            """SELECT s.panel_id, s.leaf FROM experts_summons s JOIN experts_panel p ON p.draw = s.panel_id
               WHERE s.state = 'accepted' AND p.state = ANY ($1)""",
            list(LIVE),
        ):
            if text_key(one["panel_id"], one["leaf"], "confirmed") == key:
                await lose_late(desk, one["panel_id"], one["leaf"], plan.DECLINED)
