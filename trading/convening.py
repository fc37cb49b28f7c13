"""A panel for a tender: the law is asked, the experts' floor acts; counts for the centre, names for nobody before the hour.

Whether and when a panel is drawn is the law's (law/committee.py, law/secrecy.py, law/stages.py); how it is drawn is
experts/panels.py's, which knows no projects. What a draw refuses early is told with the article that keeps names secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.act import Act, acting, pool
from audit.clock import span
from audit.refusal import Refused
from experts import disclosure, door, panels, wording
from experts import fairness as chance
from experts.draw import Need
from trading import lives, logbook
from trading.accounts import Caller
from trading.installation import Installation
from trading.law import committee, regimes, rulebook, secrecy, stages
from trading.law.calendar import LEGAL_ZONE
from trading.law.committee import EXPERT, TENDEREE, Member
from trading.law.rulebook import Rulebook
from trading.tenders import loaded, locked

Sig = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """What somebody asks a panel to be. `special`: complex, or of great social impact (财政部令87号 47).

    `reveal_within`: log time; None: as this installation has it. `words`: what else a call may say (experts/wording.py).
    """

    need: tuple[Need, ...]
    representatives: int
    meets: datetime
    parties: tuple[str, ...]
    words: Mapping[str, str]
    region: str = ""
    special: bool = False
    reveal_within: timedelta | None = None


async def convene(platform: Installation, caller: Caller, tender: str, wanted: Wanted) -> dict[str, Any]:
    """Ask for a panel; its draw, and the rules about its hour that nobody has read (they never block).

    Refused: E-PANEL-SIZE, E-PANEL-EVEN, E-PANEL-EXPERTS, T-PANEL-SEATS (the notice says another number), E-DRAW-EARLY
    (`earliest`, `derivation`), T-PANEL-MEETS (too soon to draw it), E-WORDING-…, E-DRAW-PARTIES, E-DRAW-SPECIALTY,
    E-DRAW-TWICE, E-STAGE.
    """
    identities = await platform.identities()
    within = wanted.reveal_within or span(await platform.clock(), platform.settings.reveal_within)
    recused = [r["organisation_id"] for r in await pool().fetch(_SUPERVISORS)]
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        stages.panel_act(row["state"], "convene-panel")
        book, regime = lives.book_of(row, act.now), regimes.regime(row["regime"])
        members = check_size(row, book, wanted)
        after = row["state"] != "announced" or not committee.before_opening(regime)
        check_hour(row, book, wanted.meets, within, after=after, now=act.now)
        words = spoken(wanted.meets, wanted.words)
        own = {row["organisation_id"], row["agency_id"], *recused} - {None}
        asked = panels.Asked(
            tender, wanted.need, wanted.representatives, wanted.meets, wanted.parties, within, words, own, after,
            wanted.region,
        )  # fmt: skip
        ref = await panels.request(act, identities, asked)
        unread = committee.told_of_draw(rulebook.unchecked(regime, row["announced_at"] or act.now, row["region"]))
    return {
        **logbook.shown(ref), "draw": ref.body["draw"], "members": members, "after_opening": after,
        "unchecked": [{"rule": rule.id, "article": str(rule.article), "zh": rule.zh, "en": rule.en} for rule in unread],
    }  # fmt: skip


_SUPERVISORS = """SELECT DISTINCT p.organisation_id FROM trading_person p JOIN trading_membership m ON m.person_id = p.id
    WHERE m.role = 'supervisor'"""


def check_size(row: Any, book: Rulebook, wanted: Wanted) -> int:
    """So many members as the law asks for, two thirds experts, and as many as the notice says; their number."""
    experts = sum(one.count for one in wanted.need)
    count = experts + wanted.representatives
    members = [Member(seat, EXPERT if seat <= experts else TENDEREE, seat <= experts) for seat in range(1, count + 1)]
    budget = row["estimate"] if row["estimate"] is not None else row["baseline"]
    committee.check_members(book, members, budget, special=wanted.special)
    seats = int(((loaded(row["terms"]) or {}).get("parameters") or {}).get("seats") or 0)
    if seats and seats != count:
        raise Refused("T-PANEL-SEATS", members=count, seats=seats)
    return count


def check_hour(row: Any, book: Rulebook, meets: datetime, within: timedelta, *, after: bool, now: datetime) -> None:
    """Not before the law lets it be drawn, and late enough that it can be: all must have revealed before it meets."""
    drawn = max(now, row["deadline"]) if after else now
    earliest = max(row["deadline"], drawn + within)
    if meets <= earliest:
        raise Refused("T-PANEL-MEETS", meets=meets, earliest=earliest)
    committee.check_draw_time(book, drawn, meets)


def spoken(meets: datetime, words: Mapping[str, str]) -> dict[str, str]:
    """What a call and a message may say, and nothing else. Refused: E-WORDING-…"""
    local = meets.astimezone(LEGAL_ZONE)
    said = {**words, "date": wording.spoken_date(local), "time": wording.spoken_time(local)}
    for one in wording.WORDINGS.values():
        values = {**said, "salutation": wording.SALUTATION[one.lang], "code": "00000000"}
        one.script(values)
        wording.render(one.confirmed, values)
    return said


# ---------------------------------------------------------------------------------------------- commit, reveal, approve


async def commit(platform: Installation, caller: Caller, tender: str, data: bytes, sig: Sig) -> dict[str, str]:
    """Take a party's commitment. Refused: the E-NONCE- codes, E-PENDING, E-DRAW-NONE."""
    identities = await platform.identities()
    async with acting(caller.actor) as act:
        ref = await panels.commit(act, identities, platform.policy, tender, data, sig)
    return logbook.shown(ref)


async def reveal(platform: Installation, caller: Caller, tender: str, data: bytes, sig: Sig) -> dict[str, str]:
    """Take a party's nonce. Refused: the E-NONCE- codes, E-DRAW-NONE."""
    identities = await platform.identities()
    async with acting(caller.actor) as act:
        ref = await panels.reveal(act, identities, tender, data, sig)
    return logbook.shown(ref)


async def draft(tender: str) -> dict[str, Any]:
    """The attempt that waits for an authority's approval. Refused: E-DRAW-DRAFT."""
    found = await panels.draft(pool().fetch, tender)
    if found is None:
        raise Refused("E-DRAW-DRAFT")
    return {"attempt": found[0], "draft": found[1]}


async def approve(platform: Installation, tender: str, sig: Sig) -> int:
    """Lay an authority's signature on it; which attempt. Refused: E-DRAW-DRAFT, E-DRAW-APPROVAL."""
    identities = await platform.identities()
    now = await pool().fetchval("SELECT log_now()")
    return await panels.approve(pool().fetch, identities, tender, sig, now)


async def draws() -> list[dict[str, Any]]:
    """Attempts that wait for somebody's nonce: a hint for the parties' tools, from public records."""
    return await panels.waiting_for_parties(pool().fetch)


async def shown(tender: str) -> dict[str, Any]:
    """Counts of a panel, never who. Refused: E-DRAW-NONE."""
    return await panels.shown(pool().fetch, tender)


# --------------------------------------------------------------------------------------------------------------- door


async def read_names(platform: Installation, caller: Caller, tender: str, key: bytes, approvals: Sig) -> str:
    """Ask for the names, which the dispatcher seals to `key`; the reading's id.

    Refused: E-READING-EARLY with the article that keeps names secret, the other E-READING- codes, E-DRAW-NONE, W-OFTEN,
    E-STAGE.
    """
    identities = await platform.identities()
    with platform.pace.taking("readings", caller.party):
        async with acting(caller.actor) as act:
            row = await _standing(act, tender, "read-panel")
            asked = door.Asking(tender, caller.party, key, approvals)
            try:
                return await door.read(act, identities, asked)
            except Refused as no:
                if no.code != "E-READING-EARLY":
                    raise
                book = lives.book_of(row, act.now)
                _, rule = secrecy.ends(book, secrecy.PANEL)
                article = next((one.article for one in book.rules if one.id == rule), None)
                raise Refused("E-READING-EARLY", article, **no.facts) from None


async def reading(caller: Caller, tender: str, id: str) -> dict[str, Any]:
    """The caller's own reading. Refused: E-READING."""
    return await door.answer(pool().fetch, tender, id, caller.party)


async def seat(tender: str, number: int) -> dict[str, Any]:
    """Under which leaf a seat is held. Refused: E-DRAW-MEMBER."""
    return await door.sitting(pool().fetch, tender, number)


async def remove(
    platform: Installation, caller: Caller, tender: str, leaf: str, outcome: str, by: str, sig: Sig
) -> dict[str, str]:
    """An authority takes a member away. Refused: E-DRAW-MEMBER, E-REMOVAL-SIG, E-DRAW-NONE, E-STAGE."""
    identities = await platform.identities()
    async with acting(caller.actor) as act:
        await _standing(act, tender, "remove-member")
        ref = await door.remove(act, identities, tender, leaf, outcome, by, sig)
    return logbook.shown(ref)


async def _standing(act: Act, tender: str, what: str) -> Any:
    """The tender's row, locked, in a stage in which this act of a panel may be done."""
    row = await locked(act, tender)
    stages.panel_act(row["state"], what)
    return row


async def fairness() -> dict[str, Any]:
    """Whether draws fell as chance would have it, by experts/fairness.py: everybody beside expectation, and what stands out.

    Of disclosed draws alone, by ids of the roster; an expert and a bidder met where both were in an opened tender.
    """
    told = await disclosure.draws(pool().fetch)
    drawn = [one for draw in told for one in draw.drawn]
    sat = {draw.tender: draw.seated for draw in told}
    rows = await pool().fetch("SELECT id FROM trading_tender WHERE id = ANY ($1) AND opens", list(sat))
    bidders = {r["id"]: frozenset((await logbook.bidders_after_closing(r["id"])).values()) for r in rows}
    shares, often, pairs = await asyncio.to_thread(
        lambda: (chance.expected_draws(drawn), chance.drawn_often(drawn), chance.met_often(sat, bidders))
    )
    return {
        "draws": len(told),
        "experts": [{**asdict(one), "inside": one.inside} for one in shares],
        "often": [one.expert for one in often],
        "pairs": [asdict(one) for one in pairs],
    }


async def members(caller: Caller, tender: str) -> list[dict[str, Any]]:
    """The members' names, from the hour at which the law ends their secrecy, where the regime publishes them.

    Refused: E-SECRET with its article, T-PANEL-UNNAMED (this regime does not publish them), W-UNKNOWN.
    """
    row, life, now = await lives.read(tender)
    stage = "awarded" if life.has("award") else secrecy.reached(row["state"], row["opens"])
    book = lives.book_of(row, now)
    secrecy.keep(book, secrecy.PANEL, caller.role, stage, notified=life.has("notify-award"))
    found = await door.named(pool().fetch, tender)
    if not found:
        raise Refused("T-PANEL-UNNAMED")
    return found
