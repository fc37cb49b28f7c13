"""What a bidder says to the opening of its own bid: that it was read out as it was sealed, or what it objects to.

While the opening lasts (law/remedies.py: `keep_opening`) a bidder may confirm what was read of its bid (`opening-confirmed`,
which names the very records it has seen) or object (remedies.py), or both, one after the other. Neither has to be: whoever
does not come to an opening is taken to assent (财政部令87号 42). Neither bears a signature of the bidder's: it is the
centre's record of who was signed in. What the bid says rests on the signature under its manifest: nobody repeats that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.act import acting, pool
from audit.canon import instant, sha256_hex
from audit.refusal import Refused
from trading import lives, logbook, own_bids, records_procedure, remedies, tendering
from trading.accounts import Caller
from trading.installation import Installation
from trading.law import remedies as law
from trading.law.steps_remedies import course
from trading.tenders import locked

assert records_procedure.OPENING_CONFIRMED
LONGEST = 3000
"""Characters of an objection: as many as a form carries (doors.LIMIT)."""
KINDS = (law.OBJECTION, law.INQUIRY)
"""What is said against an opening: the first that the tender's rulebook knows."""


@dataclass(frozen=True)
class Standing:
    """What a bidder may say now. `read`: the records of what was read out of its bid, the last of each stage; `confirmed`:
    when just these were; `kind`: how one objects here, "" where the rulebook knows no way; `over`: since when it is too
    late, None while the opening lasts; `said`: what it has said against the opening, and what came back."""

    bid: str
    read: tuple[str, ...]
    confirmed: datetime | None
    kind: str
    article: str
    over: datetime | None
    said: tuple[dict[str, Any], ...]

    @property
    def open(self) -> bool:
        """Whether there is one objection that waits for its answer: a second one waits for it too."""
        return any(one["state"] in ("filed", "accepted") for one in self.said)


async def standing(caller: Caller, tender: str) -> Standing | None:
    """The caller's own, were its bid read out or left out; None of whoever has none. For an opening that has begun.

    Refused: W-UNKNOWN."""
    bid = await own_bids.counting(caller, tender)
    if bid is None:
        return None
    kept = await logbook.public_of(tender)
    read = _read(kept, bid.bid)
    _, life, now = await lives.read(tender)
    book, here = life.book, course(life, life.book)
    article = law.of_opening(book)
    said = [
        one for one in await remedies.listed(caller, tender, own=False) if one["mine"] and one["about"] == law.OPENING
    ]
    over = here.opening_ends if here.opening_ends is not None and now > here.opening_ends else None
    return Standing(
        bid.bid,
        read,
        _confirmed(kept, bid.bid, read) if read else None,
        _kind(book),
        str(article) if article else "",
        over,
        tuple(said),
    )


def _read(kept: Sequence[logbook.Kept], bid: str) -> tuple[str, ...]:
    """The hashes of the records of what was last read out of a bid, by stage."""
    last = {one.value["stage"]: one for one in kept if one.type == "unsealed" and one.value["bid"] == bid}
    return tuple(sha256_hex(last[stage].record) for stage in sorted(last))


def _confirmed(kept: Sequence[logbook.Kept], bid: str, read: tuple[str, ...]) -> datetime | None:
    for one in kept:
        if one.type == "opening-confirmed" and (one.value["bid"], tuple(one.value["unsealed"])) == (bid, read):
            return instant(one.value["time"])
    return None


async def confirm(platform: Installation, caller: Caller, tender: str, unsealed: Sequence[str]) -> dict[str, str]:
    """Confirm what was read out of one's own bid: these records (hashes), the last of each stage.

    Refused: T-CONFIRM (no bid of the caller's was read out), T-CONFIRM-OTHER (the record says something else by now),
    T-CONFIRM-TWICE, E-REMEDY-EARLY, E-REMEDY-LATE with the article, W-OFTEN, W-UNKNOWN.
    """
    bid = await own_bids.counting(caller, tender)
    with platform.pace.taking("remedies", caller.organisation or ""):
        async with acting(caller.actor) as act:
            row = await locked(act, tender)
            life = await lives.load(act.query, row, act.now)
            kept = await logbook.public_of(tender)
            read = _read(kept, bid.bid) if bid is not None else ()
            if bid is None or not read:
                raise Refused("T-CONFIRM")
            law.keep_opening(life.book, act.now, course(life, life.book))
            if tuple(unsealed) != read:
                raise Refused("T-CONFIRM-OTHER")
            if _confirmed(kept, bid.bid, read):
                raise Refused("T-CONFIRM-TWICE")
            ref = act.record("opening-confirmed", subject=tender, tender=tender, bid=bid.bid, unsealed=list(read))
    return logbook.shown(ref)


async def object_to(platform: Installation, caller: Caller, tender: str, text: str) -> dict[str, Any]:
    """Object to the opening in the way the rulebook knows. Refused: T-CONFIRM-WORDS, E-REMEDY-KIND, and as remedies.file."""
    text = text.replace("\r\n", "\n").strip()
    if not text or len(text) > LONGEST or not all(one.isprintable() or one in "\n\t" for one in text):
        raise Refused("T-CONFIRM-WORDS", most=LONGEST)
    _, life, _ = await lives.read(tender)
    kind = _kind(life.book) or law.OBJECTION
    return await remedies.file(
        platform, caller, tender, kind=kind, about=law.OPENING, text=text, known=None, follows=None
    )


def _kind(book: Any) -> str:
    return next((one for one in KINDS if law.available(book, one, law.OPENING)), "")


async def proof(platform: Installation, caller: Caller, tender: str, remedy: str) -> dict[str, Any]:
    """What proves whose an objection is and what it said: text, salt, and the receipt with all there is of it by now.

    Refused: T-REMEDY, also where it is another's.
    """
    mine = await logbook.concerning([tender], "objector-noted", "objector", caller.organisation or "")
    noted = next((one for one in mine if one.value["remedy"] == remedy), None)
    if noted is None:
        raise Refused("T-REMEDY", remedy=remedy)
    text = await pool().fetchval("SELECT text FROM trading_remedy WHERE id = $1", remedy)
    receipt = await tendering.grown(platform, noted)
    return {"tender": tender, "remedy": remedy, "text": text, "salt": noted.value["salt"], "receipt": receipt}
