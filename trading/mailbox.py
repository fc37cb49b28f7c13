"""A person's messages on its own page, what it follows, what it wants written, and where to.

What the page says is made of the log and of one's own records when it is looked at, and kept nowhere: it is always there,
it cannot be lost or doubled, and no row tells that somebody bids. Read is what lies before a moment, one a person. Whoever
hands in is not thereby a follower; what one follows and where one is written to are no facts of the log.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from audit.act import pool
from audit.canon import instant, parse
from audit.refusal import Refused
from trading import accounts, letters, logbook, own_bids
from trading.accounts import Caller
from trading.installation import Installation
from trading.messages import language
from trading.tenders import loaded

SHOWN: Final = 200
"""Messages on a page, and tenders of somebody who wants to hear of all: the newest."""
GUESSES: Final = 5
"""Wrong codes of one address; then a new one is asked for (the table says so too)."""
CODE_LIFE: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Message:
    """Something that happened. `name`: of a reminder; `bid`: one's own, where it is about that."""

    event: str
    tender: str
    title: str
    time: datetime
    deadline: datetime
    name: str = ""
    bid: str = ""

    @property
    def link(self) -> str:
        """Where it is to be read."""
        return f"/b/receipt/{self.bid}" if self.bid else f"/t/{self.tender}"


@dataclass(frozen=True)
class Wishes:
    """What a person wants written, by channel; and up to when it has read."""

    everything: bool = False
    mail: Sequence[str] = letters.USUAL[letters.MAIL]
    sms: Sequence[str] = letters.USUAL[letters.SMS]
    read_until: datetime | None = None


# ------------------------------------------------------------------------------------------------------------- reading

_TENDERS = """SELECT t.id, p.title || ' · ' || l.title AS title, t.deadline, t.announced_at
    FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
    LEFT JOIN trading_following f ON f.tender_id = t.id AND f.person_id = $2
    WHERE t.kind = 'bids' AND t.announced_at IS NOT NULL AND (t.id = ANY ($1) OR f.id IS NOT NULL OR $3)
    ORDER BY t.number DESC LIMIT $4"""
_NEWS = """SELECT r.tender, r.type, r.record FROM log_record r
    WHERE r.tender = ANY ($1) AND r.nonce IS NULL AND r.type = ANY ($2) AND r.type <> 'unsealed'
    UNION ALL (SELECT DISTINCT ON (r.tender) r.tender, r.type, r.record FROM log_record r
    WHERE r.tender = ANY ($1) AND r.nonce IS NULL AND r.type = 'unsealed' ORDER BY r.tender, r.id)"""


async def messages(
    caller: Caller, person: str, wants: Wishes, bids: Sequence[own_bids.Bid], now: datetime
) -> list[Message]:
    """What happened with the tenders a person follows and those its organisation bids on (`bids`: all of them), the newest
    first. The database is asked as often for one tender as for a hundred."""
    code = caller.organisation or ""
    payments = await pool().fetch("SELECT DISTINCT tender_id FROM trading_security WHERE bidder_id = $1", code)
    paid = [row["tender_id"] for row in payments]
    mine = {*paid, *(bid.tender for bid in bids)}
    rows = {r["id"]: r for r in await pool().fetch(_TENDERS, list(mine), person, wants.everything, SHOWN)}
    found: dict[str, Message] = {}

    def told(about: str, event: str, tender: str, time: datetime, **more: str) -> None:
        row = rows.get(tender)
        if row is not None and (about not in found or time < found[about].time):
            found[about] = Message(event, tender, row["title"], time, row["deadline"], **more)

    for tender, row in rows.items():
        for name, before in letters.REMINDERS.items():
            at = row["deadline"] - before
            if row["announced_at"] <= at <= now:
                told(letters.about_deadline(tender, name, row["deadline"]), letters.DEADLINE, tender, at, name=name)

    def recorded(type: str, tender: str, value: Mapping[str, Any]) -> None:
        if event := letters.event_of(type, value):
            told(letters.about_record(tender, event, value["time"]), event, tender, instant(value["time"]))

    for record in await pool().fetch(_NEWS, list(rows), list(letters.OF_RECORDS)):
        recorded(record["type"], record["tender"], parse(record["record"]))
    for bid in bids:
        told(f"{bid.bid}/receipt", letters.RECEIPT, bid.tender, bid.at, bid=bid.bid)
    for back in await logbook.concerning(paid, letters.RETURNED, "bidder", code):
        recorded(back.type, back.value["tender"], back.value)
    return sorted(found.values(), key=lambda one: one.time, reverse=True)[:SHOWN]


def unread(found: Sequence[Message], wants: Wishes) -> int:
    """How many of them the person has not read."""
    return sum(wants.read_until is None or one.time > wants.read_until for one in found)


async def wishes(person: str) -> Wishes:
    """What a person wants, or what is usual."""
    row = await pool().fetchrow(
        "SELECT everything, mail, sms, read_until FROM trading_letterbox WHERE person_id = $1", person
    )
    if row is None:
        return Wishes()
    return Wishes(row["everything"], loaded(row["mail"]), loaded(row["sms"]), row["read_until"])


async def followed(person: str) -> list[dict[str, Any]]:
    """The tenders a person follows, those that close last at the top."""
    rows = await pool().fetch(
        """SELECT t.id, l.title, p.title AS project, t.deadline, t.state FROM trading_following f
           JOIN trading_tender t ON t.id = f.tender_id JOIN trading_lot l ON l.id = t.lot_id
           JOIN trading_project p ON p.id = l.project_id WHERE f.person_id = $1 ORDER BY t.deadline DESC, t.id""",
        person,
    )
    return [dict(row) for row in rows]


# ------------------------------------------------------------------------------------------------------------- writing


async def _letterbox(person: str, lang: str) -> None:
    await pool().execute(
        """INSERT INTO trading_letterbox (person_id, lang, mail, sms) VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb)
           ON CONFLICT (person_id) DO NOTHING""",
        person, language(lang), _json(letters.USUAL[letters.MAIL]), _json(letters.USUAL[letters.SMS]),
    )  # fmt: skip


def _json(events: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{one}"' for one in letters.chosen(events)) + "]"


async def read(person: str, until: datetime, lang: str) -> None:
    """Everything up to a moment of the log's clock is read; never less than before."""
    await _letterbox(person, lang)
    await pool().execute(
        "UPDATE trading_letterbox SET read_until = greatest(read_until, $2) WHERE person_id = $1", person, until
    )


async def wish(person: str, lang: str, *, everything: bool, mail: Sequence[str], sms: Sequence[str]) -> None:
    """What is to be written from now on, and in which language."""
    await _letterbox(person, lang)
    await pool().execute(
        """UPDATE trading_letterbox SET lang = $2, everything = $3, mail = $4::text::jsonb, sms = $5::text::jsonb
           WHERE person_id = $1""",
        person, language(lang), everything, _json(mail), _json(sms),
    )  # fmt: skip


async def follow(person: str, tender: str, yes: bool) -> None:
    """Begin or end to follow a tender that is announced. Refused: W-UNKNOWN."""
    if not await pool().fetchval(
        "SELECT true FROM trading_tender WHERE id = $1 AND kind = 'bids' AND announced_at IS NOT NULL", tender
    ):
        raise Refused("W-UNKNOWN")
    await pool().execute(
        """INSERT INTO trading_following (person_id, tender_id, since) VALUES ($1, $2, clock_timestamp())
           ON CONFLICT (person_id, tender_id) DO NOTHING"""
        if yes
        else "DELETE FROM trading_following WHERE person_id = $1 AND tender_id = $2",
        person, tender,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- addresses


async def addresses(person: str) -> dict[str, dict[str, Any]]:
    """Where a person is written to, by kind, with what became of it."""
    rows = await pool().fetch(
        """SELECT kind, address, state, guesses, asked_at, confirmed_at, bounced_at,
                  asked_at < clock_timestamp() - $2::interval AS late
           FROM trading_address WHERE person_id = $1 AND state <> 'ended'""",
        person, CODE_LIFE,
    )  # fmt: skip
    return {row["kind"]: dict(row) for row in rows}


async def bounces(person: str) -> list[dict[str, Any]]:
    """Letters that did not reach a person, the newest first."""
    rows = await pool().fetch(
        """SELECT w.event, w.channel, w.state, w.ended_at, w.tender_id AS tender, a.address FROM trading_letter w
           JOIN trading_address a ON a.id = w.address_id
           WHERE w.person_id = $1 AND w.state IN ('bounced', 'failed') ORDER BY w.ended_at DESC LIMIT 10""",
        person,
    )
    return [dict(row) for row in rows]


def code_of(address: str) -> str:
    """The code of an address by its id: kept nowhere, made again where it is written and where it is compared."""
    drawn = int.from_bytes(accounts.derived(f"post/{address}"), "big")
    return str(drawn % 10**letters.CODE_LENGTH).zfill(letters.CODE_LENGTH)


async def ask(platform: Installation, caller: Caller, person: str, kind: str, text: str, lang: str) -> None:
    """A new address, in the place of the one before: a code is written to it. Refused: T-ADDRESS, W-OFTEN."""
    wanted, made = letters.address(kind, text), secrets.token_hex(16)
    with platform.pace.taking("addresses", caller.organisation or ""):
        await _letterbox(person, lang)
        await end(person, kind)
        await pool().execute(
            """WITH made AS (INSERT INTO trading_address (id, person_id, kind, address, state, asked_at)
                   VALUES ($1, $2, $3, $4, 'asked', clock_timestamp()) ON CONFLICT DO NOTHING RETURNING id)
               INSERT INTO trading_letter (id, event, about, person_id, channel, address_id, state, made_at, next_at)
               SELECT $5, 'confirm', 'confirm/' || id, $2, $3, id, 'queued', clock_timestamp(), clock_timestamp()
               FROM made""",
            made, person, kind, wanted, secrets.token_hex(16),
        )  # fmt: skip


async def confirm(person: str, kind: str, code: str) -> None:
    """Its code came back. Refused: T-ADDRESS-CODE (wrong, too old, or guessed too often; which of them is not told)."""
    row = await pool().fetchrow(
        """UPDATE trading_address SET guesses = guesses + 1 WHERE person_id = $1 AND kind = $2 AND state = 'asked'
           AND guesses < $3 AND asked_at > clock_timestamp() - $4::interval RETURNING id""",
        person, kind, GUESSES, CODE_LIFE,
    )  # fmt: skip
    given = "".join(c for c in code if c.isascii() and c.isdigit())
    if row is None or not hmac.compare_digest(given, code_of(row["id"])):
        raise Refused("T-ADDRESS-CODE")
    await pool().execute(
        "UPDATE trading_address SET state = 'confirmed', confirmed_at = clock_timestamp() WHERE id = $1 AND state = 'asked'",
        row["id"],
    )


async def end(person: str, kind: str) -> None:
    """Nothing is written there any more; what is queued for it is dropped."""
    await pool().execute(
        """WITH ended AS (UPDATE trading_address SET state = 'ended' WHERE person_id = $1 AND kind = $2 AND state <> 'ended'
               RETURNING id)
           UPDATE trading_letter SET state = 'dropped', ended_at = clock_timestamp()
           WHERE state = 'queued' AND address_id IN (SELECT id FROM ended)""",
        person, kind,
    )  # fmt: skip
