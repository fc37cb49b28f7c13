"""Letters that are to be written: made of the log, claimed one by one, settled. Nothing here reaches the world.

    news, reminders → `write` (one row a person, channel and thing, by a unique key) → `claim` → sent | bounced | …

Who is written to before the opening is whoever follows the tender, with or without a bid. Afterwards the people of whoever
has bid hear of it too. Rows are made with the place in the log that they were made of in one statement, so a crash
makes none twice and leaves none out. A claim ends by itself: whoever dies over a letter leaves it to the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from audit.act import pool
from audit.canon import instant, parse
from trading import letters, logbook

LEASE: Final = 180
"""Machine seconds for which a letter is one process's: longer than any server is waited for."""
TRIES: Final = 40
"""After so many it is given up: with ten minutes between them, most of a working day."""
BATCH: Final = 1000
"""Entries of the log read at once."""


@dataclass(frozen=True)
class News:
    """What is to be told. `organisation`: its people alone; "": whoever follows the tender."""

    event: str
    about: str
    tender: str
    organisation: str = ""


@dataclass(frozen=True)
class Claimed:
    """A letter in this process's hands, with what it is to say. `tries` counts this one."""

    id: str
    event: str
    channel: str
    address: str
    address_id: str
    lang: str
    tries: int
    tender: str
    title: str
    deadline: datetime | None


async def write() -> None:
    """Queue what is due and what the log tells since the last time. Any number of processes may ask."""
    await _queue(await _reminders())
    while await _follow_the_log():
        pass


async def _reminders() -> list[News]:
    rows = await pool().fetch(
        """SELECT id, announced_at, deadline, log_now() AS now FROM trading_tender
           WHERE state = 'announced' AND kind = 'bids' AND deadline > log_now() AND deadline <= log_now() + $1::interval""",
        max(letters.REMINDERS.values()),
    )
    named = [(row, letters.due(row["now"], row["announced_at"], row["deadline"])) for row in rows]
    return [
        News(letters.DEADLINE, letters.about_deadline(row["id"], name, row["deadline"]), row["id"])
        for row, name in named
        if name
    ]


async def _follow_the_log() -> bool:
    """The next entries; whether there may be more. Entries stand in the log once for all: none comes in between."""
    place = await pool().fetchval("SELECT index FROM trading_postmark WHERE id = 1")
    if place is None:  # letters begin with what happens from now on
        await pool().execute(
            """INSERT INTO trading_postmark (id, index) SELECT 1, coalesce(max(index), -1) FROM log_leaf
               ON CONFLICT (id) DO NOTHING"""
        )
        return True
    last: int | None = await pool().fetchval(
        "SELECT max(index) FROM (SELECT index FROM log_leaf WHERE index > $1 ORDER BY index LIMIT $2) s", place, BATCH
    )
    if last is None:
        return False
    rows = await pool().fetch(
        """SELECT r.tender, r.type, r.record FROM log_leaf l JOIN log_record r ON r.id = l.record
           JOIN trading_tender t ON t.id = r.tender AND t.kind = 'bids'
           WHERE l.index > $1 AND l.index <= $2 AND (r.nonce IS NULL AND r.type = ANY ($3) OR r.type = $4)
           ORDER BY l.index""",
        place, last, list(letters.OF_RECORDS), letters.RETURNED,
    )  # fmt: skip
    news, opened = [], {}
    for row in rows:
        tender = row["tender"]
        if tender not in opened:
            opened[tender] = await _bidders(tender)
        news += _told(row["type"], parse(row["record"]), tender, opened[tender])
    await _queue(list(dict.fromkeys(news)), (place, last))
    return True


async def _bidders(tender: str) -> frozenset[str]:
    """Whose people hear of an opened tender; nobody's before its first envelope is open."""
    if not await pool().fetchval("SELECT true FROM log_record WHERE tender = $1 AND type = 'unsealed' LIMIT 1", tender):
        return frozenset()
    return frozenset((await logbook.bidders_after_closing(tender)).values())


def _told(type: str, value: dict[str, Any], tender: str, bidders: Iterable[str]) -> list[News]:
    """What a record means: to those who follow, and to those whose bids are open by now."""
    if not (event := letters.event_of(type, value)):
        return []
    about = letters.about_record(tender, event, value["time"])
    if event == letters.REFUND:
        return [News(event, about, tender, one) for one in bidders if one == value["bidder"]]
    news = [News(event, about, tender), *(News(event, about, tender, one) for one in bidders)]
    if event == letters.OPENING:
        news += [News(letters.RECEIPT, f"{tender}/{letters.RECEIPT}", tender, one) for one in bidders]
    return news


_QUEUE = """WITH place AS (UPDATE trading_postmark SET index = $6 WHERE id = 1 AND index = $5 RETURNING id)
    INSERT INTO trading_letter (id, event, about, person_id, channel, tender_id, address_id, state, made_at, next_at)
    SELECT DISTINCT ON (n.about, p.id, a.kind) replace(gen_random_uuid()::text, '-', ''), n.event, n.about, p.id, a.kind,
           n.tender, a.id, 'queued', clock_timestamp(), clock_timestamp()
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n (event, about, tender, organisation)
    JOIN trading_address a ON a.state = 'confirmed'
    JOIN trading_person p ON p.id = a.person_id
    JOIN trading_letterbox b ON b.person_id = p.id
    WHERE ($5::bigint IS NULL OR EXISTS (SELECT 1 FROM place))
      AND jsonb_exists(CASE a.kind WHEN 'mail' THEN b.mail ELSE b.sms END, n.event)
      AND EXISTS (SELECT 1 FROM trading_membership m WHERE m.person_id = p.id AND m.role = 'bidder')
      AND NOT EXISTS (SELECT 1 FROM trading_restriction r WHERE r.person_id = p.id)
      AND CASE WHEN n.organisation <> '' THEN p.organisation_id = n.organisation
               ELSE b.everything OR EXISTS (SELECT 1 FROM trading_following f
                                            WHERE f.person_id = p.id AND f.tender_id = n.tender) END
    ON CONFLICT (about, person_id, channel) DO NOTHING"""


async def _queue(news: list[News], place: tuple[int, int] | None = None) -> None:
    """Rows for all of it, and with them how far the log was read (`place`: from, to): all or nothing."""
    if not news and place is None:
        return
    before, after = place or (None, None)
    columns = [[getattr(one, name) for one in news] for name in ("event", "about", "tender", "organisation")]
    await pool().execute(_QUEUE, *columns, before, after)


# ------------------------------------------------------------------------------------------------------------- sending

_CLAIM = """WITH claimed AS (UPDATE trading_letter
        SET tries = tries + 1, next_at = clock_timestamp() + make_interval(secs => $1)
        WHERE id = (SELECT id FROM trading_letter WHERE state = 'queued' AND next_at <= clock_timestamp()
                    AND channel = ANY ($2) ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *)
    SELECT c.id, c.event, c.about, c.channel, c.tries, a.address, a.id AS address_id, a.state AS address_state, b.lang,
           coalesce(t.id, '') AS tender, coalesce(p.title || ' · ' || l.title, '') AS title, t.deadline, t.announced_at,
           t.state, log_now() AS now,
           EXISTS (SELECT 1 FROM trading_restriction r WHERE r.person_id = c.person_id) AS restricted
    FROM claimed c JOIN trading_address a ON a.id = c.address_id JOIN trading_letterbox b ON b.person_id = c.person_id
    LEFT JOIN trading_tender t ON t.id = c.tender_id LEFT JOIN trading_lot l ON l.id = t.lot_id
    LEFT JOIN trading_project p ON p.id = l.project_id"""


async def claim(channels: list[str]) -> Claimed | None:
    """The next letter that may be tried, now this process's for a while; None: there is none. What has become pointless
    (a moved deadline, one that has passed, an address that is none any more) is dropped on the way."""
    while (row := await pool().fetchrow(_CLAIM, LEASE, channels)) is not None:
        if _stands(row):
            names = ("id", "event", "channel", "address", "address_id", "lang", "tries", "tender", "title", "deadline")
            return Claimed(**{name: row[name] for name in names})
        await settle(row["id"], "dropped")
    return None


def _stands(row: Any) -> bool:
    if row["restricted"] or row["address_state"] != ("asked" if row["event"] == letters.CONFIRM else "confirmed"):
        return False
    if row["event"] != letters.DEADLINE:
        return True
    name, deadline = letters.reminder_of(row["about"])
    due = letters.due(row["now"], row["announced_at"], row["deadline"]) if row["state"] == "announced" else ""
    return due == name and instant(deadline) == row["deadline"]


async def settle(letter: str, state: str) -> None:
    """What became of a letter: sent, failed, dropped."""
    await pool().execute(
        "UPDATE trading_letter SET state = $2, ended_at = clock_timestamp() WHERE id = $1 AND state = 'queued'",
        letter, state,
    )  # fmt: skip


async def bounced(letter: str) -> None:
    """It was refused for good, at once or after it had been taken: the address is none, and its owner sees it."""
    await pool().execute(
        """WITH back AS (UPDATE trading_letter SET state = 'bounced', ended_at = clock_timestamp()
               WHERE id = $1 AND state IN ('queued', 'sent') RETURNING address_id)
           UPDATE trading_address SET state = 'bounced', bounced_at = clock_timestamp()
           WHERE id IN (SELECT address_id FROM back) AND state <> 'ended'""",
        letter,
    )


async def later(letter: str, seconds: float, *, again: bool = False) -> None:
    """Not now. `again`: it was not tried at all, and this does not count."""
    await pool().execute(
        """UPDATE trading_letter SET next_at = clock_timestamp() + $2::interval, tries = tries - $3::int
           WHERE id = $1 AND state = 'queued'""",
        letter, timedelta(seconds=seconds), int(again),
    )  # fmt: skip
