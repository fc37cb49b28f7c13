"""Seats: check-in by a one-time code, the key of a seat, the declaration that comes before everything (draw.md §2.6).

    panel = await lock(act, draw)                     in every act of a draw: the order of the log is the draw's; after
                                                      the tender's own lock, where an act takes both
    seated = await check_in(act, code, key, token)    `seat-keyed`; `panel-seated` when nobody is missing
    await declare(act, held, conflict, sig)           `conflict-declared`; true: the seat is lost, the next is called

Codes and tokens come as keyed hashes: what is kept here opens no door. Who sits on a seat nothing here knows; a drawn
member is a leaf, a representative is null.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import Act, RecordRef, pool
from audit.canon import b64
from audit.refusal import Refused
from audit.signature import BadSignature, verify_by
from audit.trust import record_sig_bytes
from experts import records as _records
from experts.draw import Need
from experts.panels import is_closed

Query = Callable[..., Awaitable[list[Any]]]
Sig = Sequence[Mapping[str, Any]]

CALLING, SEATED, EXHAUSTED = "calling", "seated", "exhausted"
WORKING = frozenset({CALLING, SEATED})
"""States of a panel in which people sit and work."""

assert _records.SEAT_KEYED.rules  # the types are declared before the first act


@dataclass(frozen=True)
class Panel:
    """A panel's row."""

    draw: str
    tender: str
    attempt: int
    state: str
    need: tuple[Need, ...]
    representatives: int
    meets: datetime
    seated_at: datetime | None
    extended: int

    @property
    def experts(self) -> int:
        """Seats that were drawn for; the representatives' follow."""
        return sum(one.count for one in self.need)

    @property
    def seats(self) -> int:
        """All seats; they are numbered from 1."""
        return self.experts + self.representatives


@dataclass(frozen=True)
class Held:
    """A seat and whoever sits there. `id`: the row; `key`: Ed25519, 32 bytes, None before the check-in."""

    id: int
    draw: str
    tender: str
    attempt: int
    seat: int
    leaf: str | None
    key: bytes | None
    keyed_at: datetime | None
    declared_at: datetime | None
    conflict: bool | None
    ended_at: datetime | None
    signed_out_at: datetime | None

    @property
    def name(self) -> str:
        """What stands as `actor` in its records."""
        return f"{self.draw}/{self.seat}"


_PANEL = "SELECT draw, tender, attempt, state, need, representatives, meets, seated_at, extended FROM experts_panel"
_HELD = """SELECT s.id, p.draw, p.tender, p.attempt, s.seat, s.leaf, s.key, s.keyed_at, s.declared_at, s.conflict,
    s.ended_at, s.signed_out_at FROM experts_seat s JOIN experts_panel p ON p.draw = s.panel_id"""


def _panel(row: Any) -> Panel:
    need = json.loads(row["need"]) if isinstance(row["need"], str) else row["need"]
    return Panel(**{**dict(row), "need": tuple(Need(**one) for one in need)})


async def lock(act: Act, draw: str) -> Panel:
    """Lock a panel, then read the clock. Refused: W-UNKNOWN."""
    rows = await act.query(f"{_PANEL} WHERE draw = $1 FOR UPDATE", draw)
    if not rows:
        raise Refused("W-UNKNOWN")
    await act.clock()
    return _panel(rows[0])


async def panel_of(query: Query, tender: str) -> Panel | None:
    """The panel of a tender that is not exhausted; None where none was convened."""
    rows = await query(f"{_PANEL} WHERE tender = $1 AND state <> '{EXHAUSTED}'", tender)
    return _panel(rows[0]) if rows else None


async def held(query: Query, draw: str) -> list[Held]:
    """Who sits now, by seat: checked in and not replaced."""
    rows = await query(
        f"{_HELD} WHERE p.draw = $1 AND s.ended_at IS NULL AND s.keyed_at IS NOT NULL ORDER BY s.seat", draw
    )
    return [Held(**dict(row)) for row in rows]


async def everybody(tender: str) -> list[Held]:
    """Whoever checked in at a panel of this tender, replaced ones too, in the order of check-in."""
    rows = await pool().fetch(
        f"{_HELD} WHERE p.tender = $1 AND s.keyed_at IS NOT NULL ORDER BY s.keyed_at, s.id", tender
    )
    return [Held(**dict(row)) for row in rows]


async def at_work(act: Act, mine: Held, *, declared: bool = True) -> tuple[Panel, Held]:
    """Lock the panel of a seat and read the seat again. Refused: E-SEAT-ENDED, E-UNDECLARED (nothing comes before it)."""
    panel = await lock(act, mine.draw)
    rows = await act.query(f"{_HELD} WHERE s.id = $1", mine.id)
    now = Held(**dict(rows[0]))
    if now.ended_at is not None or now.signed_out_at is not None or panel.state not in WORKING:
        raise Refused("E-SEAT-ENDED", seat=now.seat)
    if declared and now.declared_at is None:
        raise Refused("E-UNDECLARED", seat=now.seat)
    return panel, now


def check_signed(ref: RecordRef, by: Held) -> None:
    """That the seat's key, and nobody else's, signed this record. BadSignature."""
    if len(ref.body["sig"]) != 1:
        raise BadSignature("array")
    verify_by(ref.body["sig"], record_sig_bytes(ref.body), by.key or b"")


# ------------------------------------------------------------------------------------------------------------ tokens


async def whose(token: str) -> Held | None:
    """Whose seat a token (keyed hash, hex) speaks for; None: nobody's, not any more, or the evaluation is over."""
    row = await pool().fetchrow(
        f"{_HELD} WHERE s.token = $1 AND s.ended_at IS NULL AND s.signed_out_at IS NULL"
        " AND p.state NOT IN ('exhausted', 'over')",
        token,
    )
    return None if row is None else Held(**dict(row))


ENDINGS = """(SELECT count(*) FROM experts_seat WHERE ended_at IS NOT NULL),
    (SELECT count(*) FROM experts_seat WHERE signed_out_at IS NOT NULL),
    (SELECT count(*) FROM experts_panel WHERE state IN ('exhausted', 'over'))"""
"""Columns of which one changes whenever a token has ended: for whoever remembers tokens."""


async def sign_out(act: Act, tender: str) -> None:
    """The evaluation is over: no token of its panels opens anything any more."""
    await act.query(
        """UPDATE experts_seat SET signed_out_at = $2 WHERE signed_out_at IS NULL AND panel_id IN (
               SELECT draw FROM experts_panel WHERE tender = $1)""",
        tender, act.now,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- check-in


@dataclass(frozen=True)
class Place:
    """Where a code leads to."""

    draw: str
    seat: int

    @property
    def name(self) -> str:
        """What stands as `actor` in the records."""
        return f"{self.draw}/{self.seat}"


async def place_of(code: str, query: Query | None = None) -> Place | None:
    """The seat a check-in code (keyed hash, hex) is for; None for a code that opens none, for whatever reason."""
    rows = await (query or pool().fetch)(_CODES, code)
    return Place(rows[0]["draw"], rows[0]["seat"]) if rows else None


_CODES = """
SELECT p.draw, s.seat, s.leaf, p.state FROM experts_summons s JOIN experts_panel p ON p.draw = s.panel_id
WHERE s.code = $1 AND s.state IN ('accepted', 'seated') AND s.seat IS NOT NULL AND p.state IN ('calling', 'seated')
UNION ALL
SELECT p.draw, s.seat, NULL, p.state FROM experts_seat s JOIN experts_panel p ON p.draw = s.panel_id
WHERE s.code = $1 AND s.keyed_at IS NULL AND s.ended_at IS NULL AND p.state IN ('calling', 'seated')"""


_KEYED = """SELECT 1 FROM experts_seat s JOIN experts_panel p ON p.draw = s.panel_id
    WHERE p.tender = $1 AND s.key = $2 LIMIT 1"""


async def check_in(act: Act, place: Place, code: str, key: bytes, token: str) -> Held:
    """Seat whoever brings the code, under a new key; the code is used up, an earlier key of the same member is void.

    Refused: E-CHECK-IN (the code opens nothing any more: not told apart), E-SEAT-KEY (no key stands for two).
    """
    panel = await lock(act, place.draw)
    rows = await act.query(_CODES, code)
    if not rows or (rows[0]["draw"], rows[0]["seat"]) != (place.draw, place.seat) or await is_closed(act, panel.tender):
        raise Refused("E-CHECK-IN")
    seat, leaf = place.seat, rows[0]["leaf"]
    if await act.query(_KEYED, panel.tender, key):
        raise Refused("E-SEAT-KEY")
    if leaf is None:
        made = await act.query(
            """UPDATE experts_seat SET code = NULL, token = $2, key = $3, keyed_at = $4 WHERE code = $1 RETURNING id""",
            code, token, key, act.now,
        )  # fmt: skip
    else:
        await act.query(
            "UPDATE experts_seat SET ended_at = $4 WHERE panel_id = $1 AND seat = $2 AND leaf = $3 AND ended_at IS NULL",
            panel.draw, seat, leaf, act.now,
        )  # fmt: skip
        await act.query("UPDATE experts_summons SET code = NULL WHERE panel_id = $1 AND leaf = $2", panel.draw, leaf)
        made = await act.query(
            """INSERT INTO experts_seat (panel_id, seat, leaf, token, key, keyed_at)
               VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
            panel.draw, seat, leaf, token, key, act.now,
        )  # fmt: skip
    act.record(
        "seat-keyed", subject=panel.tender, tender=panel.tender, draw=panel.draw, attempt=panel.attempt, seat=seat,
        leaf=leaf, key=b64(key),
    )  # fmt: skip
    await _seat(act, panel)
    rows = await act.query(f"{_HELD} WHERE s.id = $1", made[0]["id"])
    return Held(**dict(rows[0]))


async def _seat(act: Act, panel: Panel) -> None:
    """Say who sits, when nobody is missing any more."""
    sitting = await held(act.query, panel.draw)
    if panel.state == SEATED or [one.seat for one in sitting] != list(range(1, panel.seats + 1)):
        return
    leaves = [one.leaf for one in sitting[: panel.experts]]
    act.record(
        "panel-seated", subject=panel.tender, tender=panel.tender, draw=panel.draw, attempt=panel.attempt, leaves=leaves
    )
    await act.query("UPDATE experts_panel SET state = 'seated', seated_at = $2 WHERE draw = $1", panel.draw, act.now)
    await act.query(
        "UPDATE experts_summons SET state = 'seated' WHERE panel_id = $1 AND leaf = ANY ($2) AND state = 'accepted'",
        panel.draw, leaves,
    )  # fmt: skip


async def invite(act: Act, draw: str, code: str, seat: int | None) -> int:
    """Take a check-in code for a representative: for the lowest seat that has none yet, or anew for `seat`, whose earlier
    member, if there is one, is replaced. The seat's number. Refused: E-NO-SEAT, E-SEAT-ENDED (the panel does not sit).
    """
    panel = await lock(act, draw)
    if panel.state not in WORKING | {"requested", "committed"}:
        raise Refused("E-SEAT-ENDED", seat=seat or 0)
    rows = await act.query(
        "SELECT seat FROM experts_seat WHERE panel_id = $1 AND seat > $2 AND ended_at IS NULL", draw, panel.experts
    )
    own = range(panel.experts + 1, panel.seats + 1)
    free = [number for number in own if number not in {row["seat"] for row in rows}]
    seat = seat if seat is not None else min(free, default=0)
    if seat not in own:
        raise Refused("E-NO-SEAT", representatives=panel.representatives)
    if seat not in free:
        await _end(act, panel, seat)
    await act.query("INSERT INTO experts_seat (panel_id, seat, code) VALUES ($1, $2, $3)", draw, seat, code)
    act.record(
        "representative-invited", subject=panel.tender, tender=panel.tender, draw=draw, attempt=panel.attempt, seat=seat
    )
    return seat


async def _end(act: Act, panel: Panel, seat: int) -> None:
    """Whoever sits there sits there no more, and the panel waits for the next one."""
    await act.query(
        "UPDATE experts_seat SET ended_at = $3 WHERE panel_id = $1 AND seat = $2 AND ended_at IS NULL",
        panel.draw, seat, act.now,
    )  # fmt: skip
    await act.query("UPDATE experts_panel SET state = 'calling' WHERE draw = $1 AND state = 'seated'", panel.draw)


# -------------------------------------------------------------------------------------------------------- declaration


async def declare(act: Act, mine: Held, conflict: bool, sig: Sig) -> None:
    """The member says whether it has a conflict of interest; with one the seat is lost and the next in order is called.

    Refused: E-DECLARED (once is enough), E-SEAT-ENDED. BadSignature.
    """
    panel, now = await at_work(act, mine, declared=False)
    if now.declared_at is not None:
        raise Refused("E-DECLARED", seat=now.seat)
    whole: dict[str, Any] = {
        "subject": panel.tender,
        "tender": panel.tender,
        "draw": panel.draw,
        "attempt": panel.attempt,
    }
    ref = act.record(
        "conflict-declared", **whole, seat=now.seat, leaf=now.leaf, conflict=conflict, sig=[dict(one) for one in sig]
    )
    check_signed(ref, now)
    await act.query("UPDATE experts_seat SET declared_at = $2, conflict = $3 WHERE id = $1", now.id, act.now, conflict)
    if not conflict:
        return
    await _end(act, panel, now.seat)
    if now.leaf is None:
        return
    lost = await act.query(
        """UPDATE experts_summons SET state = 'conflict', seat = NULL, code = NULL, next_at = NULL
           WHERE panel_id = $1 AND leaf = $2 RETURNING specialty""",
        panel.draw, now.leaf,
    )  # fmt: skip
    told: dict[str, Any] = {"specialty": lost[0]["specialty"], "try": 0, "channel": "", "answer": None}
    act.record("draw-called", **whole, leaf=now.leaf, **told, outcome="conflict")


# ---------------------------------------------------------------------------------------------------------- more time


async def asking(query: Query, panel: Panel) -> list[int]:
    """The seats that ask for more time than the panel has been given so far."""
    rows = await query(
        """SELECT s.seat FROM experts_extension e JOIN experts_seat s ON s.id = e.seat_id
           WHERE s.panel_id = $1 AND s.ended_at IS NULL AND e.round = $2 ORDER BY s.seat""",
        panel.draw, panel.extended,
    )  # fmt: skip
    return [row["seat"] for row in rows]


async def ask_time(act: Act, mine: Held, sig: Sig, enough: Callable[[int, int], bool]) -> bool:
    """A member asks for more time; `enough(asking, members)` says whether it is to be given. Whether it was.

    Refused: E-ASKED-TIME (this seat has asked), E-UNDECLARED, E-SEAT-ENDED. BadSignature.
    """
    panel, now = await at_work(act, mine)
    made = await act.query(
        "INSERT INTO experts_extension (seat_id, round, asked_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id",
        now.id, panel.extended, act.now,
    )  # fmt: skip
    if not made:
        raise Refused("E-ASKED-TIME", seat=now.seat)
    whole: dict[str, Any] = {
        "subject": panel.tender,
        "tender": panel.tender,
        "draw": panel.draw,
        "round": panel.extended,
    }
    ref = act.record("extension-asked", **whole, seat=now.seat, sig=[dict(one) for one in sig])
    check_signed(ref, now)
    seats = await asking(act.query, panel)
    if not enough(len(seats), panel.seats):
        return False
    act.record("evaluation-extended", **whole, seats=seats)
    await act.query("UPDATE experts_panel SET extended = extended + 1 WHERE draw = $1", panel.draw)
    return True
