"""The bidder's desk: own bids, what a notice asks for, sealing and handing in, receipts, replacing, withdrawing, keys.

No page here sees a key, a passphrase or a document: they stay in the browser, in a thread that may connect nowhere
(static/desk_worker.js). The pages lead to the API's own operations; nothing is kept here that they do not keep.
"""

from __future__ import annotations

import base64
import hashlib
import re
from io import BytesIO
from typing import Any

import segno
from starlette.responses import Response

from audit.canon import canon
from audit.receipt import Receipt, check_receipt
from audit.refusal import Refused
from trading import confirmations, documents, growing, logbook, mailbox, own_bids, tendering, tenders
from trading.accounts import Caller
from trading.document_sets import FIELD
from trading.law.gains import RATE
from trading.law.money import digits
from trading.messages import EN, catalogue
from trading.web import csp, live_pages, message_pages
from trading.web.doors import Visit, door
from trading.web.openapi import PARAMETER_PATTERNS
from trading.web.sayings import details

CSP = csp.policy(csp.DESK, worker=csp.SELF, trusted="desk")
"""For pages with the thread that holds keys; its own file forbids it to connect anywhere (verify_page.py)."""
HALL_CSP = csp.policy(csp.DESK, worker=csp.SELF, trusted="desk htmx")
"""For the one that comes anew by itself besides."""
SAID = (
    "page.b.",
    "page.stage.",
    "page.role.custodian",
    "VB-",
    "K-",
    "E-FILES",
    "E-OPENING",
    "E-KEYSET",
    "E-QUORUM-NONE",
    "E-CONTEXT",
    "E-CANON",
    "E-SEALED-FILE",
    "E-IDENTITY",
    "E-REHEARSAL",
    "E-STATEMENT",
)
SAID_TOO = (
    "E-SIG",
    "E-REGISTRATION",
    "E-PAYLOAD",
    "E-RECEIPT",
    "U-RESUME",
    "W-FAULT",
    "W-FRESH",
    "W-SESSION",
    "E-PENDING",
    "N-CHECKPOINT",
)
PER_CENT = "%"
LONGEST_WORDS = confirmations.LONGEST


def _caller(visit: Visit) -> Caller:
    """Whose desk this is. Refused: W-SESSION: a machine's token has no desk."""
    assert visit.session.role == "bidder"
    return visit.caller


def _named(visit: Visit, name: str) -> str:
    """A part of the path. Refused: W-UNKNOWN, W-SESSION."""
    _caller(visit)
    value = str(visit.request.path_params[name])
    if not re.fullmatch(PARAMETER_PATTERNS[name], value):
        raise Refused("W-UNKNOWN")
    return value


async def _tender(visit: Visit) -> dict[str, Any]:
    found = await tenders.read_tender(_named(visit, "tender"))
    if found["announced_at"] is None:
        raise Refused("W-UNKNOWN")
    return found


def said(lang: str) -> dict[str, str]:
    """The sentences that the pages' scripts say by themselves."""
    key = "en" if lang == EN else "zh"
    told = {code: told[key] for code, told in catalogue().items() if code.startswith(SAID) or code in SAID_TOO}
    return {**told, **details(key)}


def _given(visit: Visit, **more: Any) -> dict[str, Any]:
    """What a page's script is given: words, the token its requests carry, trust files as served, to be compared."""
    platform = visit.platform
    trust = {
        name: {"data": base64.b64encode(data).decode(), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in (("policy", platform.policy_bytes), ("parties", platform.parties_bytes))
    }
    query = f"?lang={'en' if visit.screen.lang == EN else 'zh'}" if visit.screen.chosen else ""
    return {
        "words": said(visit.screen.lang), "lang": visit.screen.lang, "token": visit.token, "trust": trust, "query": query,
        "bidder": visit.caller.organisation, "origin": platform.origin, **more,
    }  # fmt: skip


def _scripted(visit: Visit, template: str, script: str, given: dict[str, Any], **context: Any) -> Response:
    response = visit.page(template, given=given, script=script, trust=given["trust"], **context)
    response.headers["Content-Security-Policy"] = CSP
    return response


# ----------------------------------------------------------------------------------------------------------- own bids


@door("GET", "/b")
async def b_bids(visit: Visit) -> Response:
    """My bids, those that close first at the top; keys under my name; what takes bids now."""
    bids = await own_bids.of(_caller(visit))
    mine = {bid.tender: bid for bid in bids}  # of a tender the last one: before it, what was withdrawn
    found = await own_bids.tenders(list(mine))
    lines = [(found[tender], bid) for tender, bid in mine.items() if tender in found]
    now = visit.screen.now
    assert now is not None
    lines.sort(key=lambda line: (line[0]["deadline"] < now, abs(line[0]["deadline"] - now)))
    others = [one for one in found.values() if one["listed"]]
    keys = await own_bids.keys(visit.caller)
    given, unread = _given(visit), await message_pages.waiting(visit, bids)
    return _scripted(
        visit, "bidder/bids.html", "bids_page.js", given, lines=lines, others=others, keys=keys, unread=unread
    )


# -------------------------------------------------------------------------------------------------- prepare, and seal


def _fields(visit: Visit, tender: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields read out, as the form asks for them; the document set is the tool's own answer."""
    found, schema = [], tender["opening_schema"] or {}
    for name in sorted(schema.keys() - {FIELD}, key=lambda name: (name != "price", name)):
        rule = schema[name]
        rate = name == "price" and tender["pricing"] == RATE
        unit = PER_CENT if rate else visit.screen.unit(tender["currency"])
        found.append(
            {
                "name": name, "kind": rule["kind"], "optional": bool(rule.get("optional")),
                "label": visit.screen.text("b.price") if name == "price" else visit.screen.named("key", name),
                "min": rule.get("min"), "max": rule.get("max"), "decimals": 2 if rate else digits(tender["currency"]),
                "unit": unit if rule["kind"] == "fen" else "",
                "upper": rule["kind"] == "fen" and not rate and tender["currency"] == "CNY" and visit.screen.lang != EN,
            }
        )  # fmt: skip
    return found


@door("GET", "/b/{tender}/prepare")
async def b_prepare(visit: Visit) -> Response:
    """What the notice asks of a bid, as a list; what the platform knows of it already is ticked."""
    tender = await _tender(visit)
    keys, bid = await own_bids.keys(visit.caller), await own_bids.counting(visit.caller, tender["id"])
    return visit.page(
        "bidder/prepare.html", t_=tender, project=await tenders.read_project(tender["project"]), keys=keys, bid=bid,
        fields=_fields(visit, tender), sets=await documents.sets(tender["id"]),
        excepted=visit.caller.organisation in (tender["unvouched"] or []),
        follows=any(one["id"] == tender["id"] for one in await mailbox.followed(visit.session.person or "")),
    )  # fmt: skip


@door("GET", "/b/{tender}/seal")
async def b_seal(visit: Visit) -> Response:
    """Seal and hand in, or replace: check, lock, sign, upload; then the one act that counts."""
    tender = await _tender(visit)
    now = visit.screen.now
    assert now is not None
    fields, bid = _fields(visit, tender), await own_bids.counting(visit.caller, tender["id"])
    lasts = None if bid is None else {stage: {"seq": d.seq, "hash": d.manifest} for stage, d in bid.last.items()}
    given = _given(
        visit, tender=tender["id"], deadline=tender["deadline"].isoformat(), fields=fields,
        bid=bid.bid if bid else None, lasts=lasts,
    )  # fmt: skip
    keys, code = await own_bids.keys(visit.caller), visit.caller.organisation
    open_ = tender["state"] == "announced" and tender["deadline"] > now
    return _scripted(
        visit, "bidder/seal.html", "seal_page.js" if open_ else "", given, t_=tender, fields=fields, bid=bid, keys=keys,
        project=await tenders.read_project(tender["project"]), open_=open_, fresh=visit.caller.fresh,
        counts=any(one["vouched"] for one in keys) or code in (tender["unvouched"] or []),
    )  # fmt: skip


@door("GET", "/b/{tender}/withdraw")
async def b_withdraw(visit: Visit) -> Response:
    """Take a bid back before the deadline, signed in the browser."""
    tender, now = await _tender(visit), visit.screen.now
    assert now is not None
    bid = await own_bids.counting(visit.caller, tender["id"])
    lasts = {} if bid is None else {stage: {"seq": d.seq, "hash": d.manifest} for stage, d in bid.last.items()}
    given = _given(
        visit, tender=tender["id"], deadline=tender["deadline"].isoformat(), bid=bid.bid if bid else None, lasts=lasts
    )
    open_ = bid is not None and tender["state"] == "announced" and tender["deadline"] > now
    return _scripted(
        visit, "bidder/withdraw.html", "withdraw_page.js" if open_ else "", given, t_=tender, bid=bid, open_=open_
    )


@door("GET", "/b/{tender}/hall")
async def b_hall(visit: Visit) -> Response:
    """The opening as it goes: closing, custodians one by one, what was read out; one's own bid among it."""
    return await _hall(visit)


async def _hall(visit: Visit, error: Refused | None = None) -> Response:
    name = _named(visit, "tender")
    stand = (await growing.stands([name])).get(name, growing.Stand())  # before what is told: nothing falls between
    tender, kept = await _tender(visit), await logbook.public_of(name)
    bid = await own_bids.counting(visit.caller, tender["id"])
    given, mark = _given(visit, tender=tender["id"], deadline=tender["deadline"].isoformat()), live_pages.nonce()
    bids = sorted(tender["bids"] or [], key=lambda b: (b["price"] is None, b["price"] or 0, b["bid"]))
    mine = next((b for b in bids if bid is not None and b["bid"] == bid.bid), None)
    says = await confirmations.standing(visit.caller, tender["id"]) if bids else None
    response = _scripted(
        visit, "bidder/hall.html", "hall_page.js", given, error=error, t_=tender, bid=bid, bids=bids, mine=mine, says=says,
        text=visit.form.get("text", ""), longest=LONGEST_WORDS, stand=stand,
        nonce="" if error else mark,  # what was refused stays until it is read
        closings=[one for one in kept if one.type == "closed"], releases=[one for one in kept if one.type == "released"],
    )  # fmt: skip
    return live_pages.powered(visit.request, response, mark, HALL_CSP)


@door("POST", "/b/{tender}/hall/confirmation")
async def b_hall_confirm(visit: Visit) -> Response:
    """Confirm what was read out of one's own bid, as it stood on the page."""
    tender = _named(visit, "tender")
    try:
        await confirmations.confirm(visit.platform, visit.caller, tender, visit.form.get("unsealed", "").split())
    except Refused as no:
        return await _hall(visit, no)
    return visit.go(f"/b/{tender}/hall")


@door("POST", "/b/{tender}/hall/objection")
async def b_hall_object(visit: Visit) -> Response:
    """Object to the opening, as far as the tender's rulebook and the hour allow."""
    tender, text = _named(visit, "tender"), visit.form.get("text", "")
    try:
        await confirmations.object_to(visit.platform, visit.caller, tender, text)
    except Refused as no:
        return await _hall(visit, no)
    return visit.go(f"/b/{tender}/hall")


@door("GET", "/b/{tender}/hall/objections/{remedy}")
async def b_hall_objection(visit: Visit) -> Response:
    """What proves one's own objection, as a file: its words, its salt, its receipt."""
    tender, remedy = _named(visit, "tender"), _named(visit, "remedy")
    data = canon(await confirmations.proof(visit.platform, visit.caller, tender, remedy))
    name = f"{remedy}.objection.json"
    named = f'attachment; filename="{name}"'
    return visit.settled(Response(data, headers={"Content-Disposition": named}, media_type="application/json"))


# ----------------------------------------------------------------------------------------------------------- receipts


def qr(text: str) -> str:
    """A QR code as a data URI."""
    image = BytesIO()
    segno.make(text, error="m").save(image, kind="svg", scale=4, border=3, light="#fff")
    return "data:image/svg+xml;base64," + base64.b64encode(image.getvalue()).decode()


@door("GET", "/b/receipt/{bid}")
async def b_receipt(visit: Visit) -> Response:
    """The receipts of a bid: what is promised, what is in the log, what is on the closed list; how to prove it alone."""
    bid = await own_bids.one(visit.caller, _named(visit, "bid"))
    tender = await tenders.read_tender(bid.tender)
    shown = []
    for stage, deposit in bid.last.items():
        data = canon(await tendering.receipt(visit.platform, visit.caller, deposit.manifest))
        held = Receipt.parse(data)
        found = check_receipt(held, visit.platform.policy)
        link = f"{visit.settings.base_url}/t/{bid.tender}#manifest={deposit.manifest}"
        shown.append({"stage": stage, "deposit": deposit, "found": found, "proved": held.proof is not None,
                      "listed": held.listed is not None, "qr": qr(link)})  # fmt: skip
    return visit.page("bidder/receipt.html", bid=bid, t_=tender, shown=shown)


@door("GET", "/b/receipts/{manifest}")
async def b_receipt_file(visit: Visit) -> Response:
    """One receipt as its file, byte for byte what every verifier reads; of a registration by its record's hash."""
    manifest = _named(visit, "manifest")
    data = canon(await tendering.receipt(visit.platform, visit.caller, manifest))
    named = f'attachment; filename="{manifest[:16]}.receipt.json"'
    return visit.settled(Response(data, headers={"Content-Disposition": named}, media_type="application/json"))


# --------------------------------------------------------------------------------------------------------------- keys


@door("GET", "/b/key")
async def b_key(visit: Visit) -> Response:
    """The signing keys under this name: make one, save its file, register it (envelope.md §5)."""
    keys = await own_bids.keys(_caller(visit))
    authorities = sorted({line.id for line in visit.platform.parties.lines if line.kind == "authority"})
    now = visit.screen.now
    assert now is not None
    lines = (line for line in visit.platform.parties.lines if line.kind == "ca" and line.in_force(now))
    cas = [{"id": line.id, "sha256": line.public.hex()} for line in lines]
    given = _given(visit, authorities=authorities, cas=cas, now=now.isoformat())
    return _scripted(visit, "bidder/key.html", "key_page.js", given, keys=keys, authorities=authorities, cas=cas)
