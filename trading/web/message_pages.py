"""The bidder's messages: what happened, what one follows, what is written where, and what did not arrive. No script."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from audit.canon import instant, stamp
from audit.refusal import Refused
from trading import letters, mailbox, own_bids
from trading.settings import Settings
from trading.web.doors import Visit, door

PAGE = "/b/messages"


def offered(settings: Settings) -> list[str]:
    """The channels this centre writes by."""
    return [kind for kind in letters.CHANNELS if getattr(settings, f"post_{kind}")]


def _person(visit: Visit) -> str:
    """Whose page this is. Refused: W-SESSION: a machine's token has no messages."""
    return visit.session.person or ""


def _kind(visit: Visit) -> str:
    """The channel that a form is about. Refused: W-SESSION, W-UNKNOWN: one this centre does not write by."""
    _person(visit)
    kind = visit.form.get("kind", "")
    if kind not in offered(visit.settings):
        raise Refused("W-UNKNOWN")
    return kind


async def waiting(visit: Visit, bids: Sequence[own_bids.Bid]) -> int:
    """How many messages the person has not read. `bids`: all of its organisation's own.

    They are put together to be counted: which records are one piece of news, and when, is told by no row.
    """
    assert visit.screen.now is not None
    person, wants = _person(visit), await mailbox.wishes(_person(visit))
    return mailbox.unread(await mailbox.messages(visit.caller, person, wants, bids, visit.screen.now), wants)


async def _show(visit: Visit, error: Refused | None = None) -> Response:
    person, now = _person(visit), visit.screen.now
    assert now is not None
    wants = await mailbox.wishes(person)
    found = await mailbox.messages(visit.caller, person, wants, await own_bids.of(visit.caller), now)
    followed = await mailbox.followed(person)
    known = {one["id"] for one in followed}
    others = [one for one in (await own_bids.tenders([])).values() if one["id"] not in known]
    return visit.page(
        "bidder/messages.html", error=error, found=found, wants=wants, unread=mailbox.unread(found, wants),
        shown_at=stamp(now), followed=followed, others=others, events=letters.EVENTS, channels=offered(visit.settings),
        chosen={letters.MAIL: wants.mail, letters.SMS: wants.sms}, addresses=await mailbox.addresses(person),
        bounces=await mailbox.bounces(person), guesses=mailbox.GUESSES,
    )  # fmt: skip


@door("GET", PAGE)
async def b_messages(visit: Visit) -> Response:
    """What happened, the newest first; and what is written to whom."""
    return await _show(visit)


@door("POST", f"{PAGE}/read")
async def b_messages_read(visit: Visit) -> Response:
    """All that the page showed is read: up to the moment at which it was made."""
    person, now = _person(visit), visit.screen.now
    assert now is not None
    try:
        until = min(instant(visit.form.get("until", "")), now)
    except ValueError:
        raise Refused("W-BODY", at="until", why="length") from None
    await mailbox.read(person, until, visit.screen.lang)
    return visit.go(PAGE)


@door("POST", f"{PAGE}/following")
async def b_messages_follow(visit: Visit) -> Response:
    """Begin or end to follow a tender; handing in a bid does not."""
    form = visit.form
    await mailbox.follow(_person(visit), form.get("tender", ""), form.get("follow") == "yes")
    return visit.go(visit.next if form.get("next") else PAGE)


@door("POST", f"{PAGE}/wishes")
async def b_messages_wish(visit: Visit) -> Response:
    """Which events by which channel."""
    form = visit.form
    chosen = {kind: [one for one in letters.EVENTS if form.get(f"{kind}.{one}")] for kind in letters.CHANNELS}
    wants = await mailbox.wishes(_person(visit))
    for kind in set(letters.CHANNELS) - set(offered(visit.settings)):  # what was not asked was not answered
        chosen[kind] = list(getattr(wants, kind))
    await mailbox.wish(
        _person(visit), visit.screen.lang, everything=form.get("everything") == "yes", mail=chosen[letters.MAIL],
        sms=chosen[letters.SMS],
    )  # fmt: skip
    return visit.go(PAGE)


@door("POST", f"{PAGE}/address")
async def b_messages_address(visit: Visit) -> Response:
    """A new address: a code goes there."""
    kind = _kind(visit)
    try:
        text = visit.form.get("address", "")
        await mailbox.ask(visit.platform, visit.caller, _person(visit), kind, text, visit.screen.lang)
    except Refused as no:
        return await _show(visit, no)
    return visit.go(PAGE)


@door("POST", f"{PAGE}/confirmation")
async def b_messages_confirm(visit: Visit) -> Response:
    """The code that came there."""
    try:
        await mailbox.confirm(_person(visit), _kind(visit), visit.form.get("code", ""))
    except Refused as no:
        return await _show(visit, no)
    return visit.go(PAGE)


@door("POST", f"{PAGE}/stop")
async def b_messages_stop(visit: Visit) -> Response:
    """Nothing is written to this address any more."""
    await mailbox.end(_person(visit), _kind(visit))
    return visit.go(PAGE)
