"""Projects and lots from registration to the moved deadline: what a tenderee or its agency does before bids can close.

register → add_lot → name_tender (`<lot>@<size>`) → make_keysets → announce → move_deadline

What a notice says is asked of the law before anything is saved (`notices.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit import tiles
from audit.act import Actor, acting, pool
from audit.canon import instant, parse_object, sha256_hex, stamp
from audit.refusal import Refused
from audit.trust import record_sig_bytes
from bidding import boxes, custodians, releases
from trading import bans, failures, lives, notices, papers, reserves
from trading import documents as documents_
from trading import records as _records
from trading.accounts import Caller
from trading.document_sets import set_hash
from trading.installation import Installation
from trading.law import admission, regimes, rulebook, stages
from trading.law.regions import overlay
from trading.ledger import AWARD
from trading.outages import Outage, beats, gaps_over, keep_probes
from trading.tenders import arm, expect, loaded

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_STAGE = "form"
WINDOW = 1800  # seconds for the rest of the releases, unless the notice says otherwise (envelope.md §6.3)

assert _records.PROJECT_ANNOUNCED.public


async def register(
    caller: Caller,
    *,
    title: str,
    regime: str,
    direction: str,
    currency: str,
    description: str,
    source: str,
    organisation: str | None,
    region: str = "",
    estimate: int | None = None,
    state_funded: bool = False,
) -> dict[str, Any]:
    """Register a project for the caller's organisation, or, by an agency, for a tenderee.

    `region`: whose local rules are laid over the regime; `estimate`: of the whole project, fen.
    Refused: E-REGIME, E-REGION, E-DIRECTION (the regime does not sell, or does not buy), T-ORGANISATION; E-BANNED,
    E-AGENT-SUSPENDED for an agency that may not act.
    """
    if direction not in overlay(regimes.regime(regime), region).directions:
        raise Refused("E-DIRECTION", regime=regime, direction=direction)
    owner = organisation or caller.organisation
    if caller.role == "tenderee" and owner != caller.organisation:
        raise Refused("W-DENIED", operation="register_project", role=caller.role)
    agency = caller.organisation if caller.role == "agency" else None
    async with acting(caller.actor) as act:
        if agency is not None:
            await bans.admit_agency(agency, caller, act)
        known = await act.query("SELECT name FROM trading_organisation WHERE code = $1", owner)
        if not known or owner is None:
            raise Refused("T-ORGANISATION", organisation=owner or "")
        number = (await act.query("SELECT nextval('trading_project_number') AS n"))[0]["n"]
        project = f"{act.now.astimezone(SHANGHAI):%Y}-{number:06d}"
        await act.query(
            """INSERT INTO trading_project (id, number, organisation_id, agency_id, title, description, source, regime,
               direction, currency, region, estimate, state_funded, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
            project, number, owner, agency, title, description, source, regime, direction, currency, region, estimate,
            state_funded, act.now,
        )  # fmt: skip
        act.record(
            "project-registered",
            subject=project,
            project=project,
            organisation=owner,
            agency=agency,
            title=title,
            regime=regime,
            direction=direction,
            region=region,
        )
    return {
        "id": project, "title": title, "regime": regime, "direction": direction, "currency": currency, "region": region,
        "estimate": estimate, "state_funded": state_funded,
        "description": description, "source": source, "organisation": owner, "organisation_name": known[0]["name"],
        "agency": agency, "version": 1, "created_at": act.now, "lots": [],
    }  # fmt: skip


async def change(caller: Caller, project: str, version: int, title: str | None, description: str | None) -> None:
    """Change a project nothing of which is announced. Refused: W-VERSION (somebody else was faster)."""
    async with acting(caller.actor) as act:
        rows = await act.query(
            """UPDATE trading_project SET title = coalesce($3, title), description = coalesce($4, description),
               version = version + 1 WHERE id = $1 AND version = $2 RETURNING title, description, version""",
            project, version, title, description,
        )  # fmt: skip
        if not rows:
            raise Refused("W-VERSION")
        row = rows[0]
        act.record(
            "project-changed",
            subject=project,
            project=project,
            version=row["version"],
            title=row["title"],
            description=sha256_hex(row["description"].encode()),
        )


async def add_lot(caller: Caller, project: str, title: str, baseline: int) -> dict[str, Any]:
    """Add a lot. `baseline` in fen: control price (buying) or reserve (selling). Refused: T-LOTS (more than 99)."""
    async with acting(caller.actor) as act:
        await act.query("UPDATE trading_project SET version = version + 1 WHERE id = $1", project)
        count = (await act.query("SELECT count(*) AS n FROM trading_lot WHERE project_id = $1", project))[0]["n"]
        if count >= 99:
            raise Refused("T-LOTS", most=99)
        lot = f"{project}-{count + 1:02d}"
        await act.query(
            "INSERT INTO trading_lot (id, project_id, title, baseline) VALUES ($1, $2, $3, $4)",
            lot, project, title, baseline,
        )  # fmt: skip
        act.record("lot-added", subject=project, project=project, lot=lot, title=title)
    return {"id": lot, "title": title, "baseline": baseline, "tender": None, "state": None}


async def name_tender(platform: Installation, caller: Caller, lot: str) -> str:
    """Name the box family of a lot after the newest cosigned checkpoint: `<lot>@<size>` (envelope.md §1).

    Refused: W-UNKNOWN (no such lot of this organisation), T-TENDERED (it has a live tender), E-PENDING (no checkpoint yet).
    """
    size = await tiles.quorate(pool(), platform.policy)
    async with acting(caller.actor) as act:
        rows = await act.query(
            """SELECT l.id, p.organisation_id, p.agency_id, p.regime, p.region, p.created_at
               FROM trading_lot l JOIN trading_project p ON p.id = l.project_id WHERE l.id = $1 FOR UPDATE""",
            lot,
        )
        if not rows or caller.organisation not in (rows[0]["organisation_id"], rows[0]["agency_id"]):
            raise Refused("W-UNKNOWN")
        # A lot may be tendered again after it stayed shut or came to nothing; not while a tender of it lives, nor once it
        # was awarded to somebody who kept it.
        before = await act.query(
            f"""SELECT t.id, t.state, t.ended, d.tender_id IS NOT NULL AS sold FROM trading_tender t
               LEFT JOIN trading_line d ON {AWARD}
               WHERE t.lot_id = $1 AND t.kind = 'bids' ORDER BY t.number DESC""",
            lot,
        )
        if any(t["state"] not in stages.ENDED or (t["sold"] and not t["ended"]) for t in before):
            raise Refused("T-TENDERED", lot=lot)
        tender = f"{lot}@{size}"
        if await act.query("SELECT 1 FROM trading_tender WHERE id = $1", tender):
            raise Refused("W-CHECKPOINT")
        await act.query(
            """INSERT INTO trading_tender (id, number, lot_id, state, predecessor, named_at)
               VALUES ($1, nextval('trading_tender_number'), $2, 'named', $3, $4)""",
            tender, lot, before[0]["id"] if before else None, act.now,
        )  # fmt: skip
        book = rulebook.pin(regimes.regime(rows[0]["regime"]), act.now, rows[0]["region"])
        await failures.arm_idle(act, tender, book, rows[0]["created_at"])
        act.record("lot-tendered", subject=lot, lot=lot, size=size)
    return tender


async def make_keysets(platform: Installation, caller: Caller, tender: str, keysets: Mapping[str, bytes]) -> None:
    """Make the boxes of a tender: a key set for every stage, `form` among them. Refused: E-KEYSET, E-STAGES, E-STAGE."""
    if FIRST_STAGE not in keysets:
        raise Refused("E-STAGES", stages=sorted(keysets), needed=FIRST_STAGE)
    opens_at = {stage: _opens_at(data) for stage, data in keysets.items()}
    async with acting(caller.actor) as act:
        await expect(act, tender, "make-keyset")
        made: dict[str, str] = {}
        for stage in sorted(keysets, key=lambda s: (opens_at[s], s != FIRST_STAGE, s)):
            made[stage] = await custodians.make_keyset(
                act, tender=tender, stage=stage, keyset=keysets[stage], origin=platform.origin
            )
        await act.query(
            """UPDATE trading_tender SET state = 'keyed', keysets = $2::text::jsonb, hour = $3, version = version + 1
               WHERE id = $1""",
            tender, json.dumps(made), min(opens_at.values()),
        )  # fmt: skip


def _opens_at(keyset: bytes) -> datetime:
    try:
        return instant(parse_object(keyset)["opens_at"])
    except (KeyError, TypeError):
        raise Refused("E-KEYSET", why="opens_at") from None


async def announce(
    caller: Caller,
    tender: str,
    *,
    deadline: datetime,
    opening_schema: Mapping[str, Any],
    method: str | None,
    min_bids: int | None,
    public_stages: Sequence[str],
    unvouched: Sequence[str],
    window: int | None,
    documents: Mapping[str, str] | None = None,
    supply_until: datetime | None = None,
    parameters: Mapping[str, Any] | None = None,
    security: Mapping[str, Any] | None = None,
    bid_validity_days: int | None = None,
    estimate: int | None = None,
    media: Sequence[Mapping[str, str]] = (),
    procedure: str | None = None,
    reserve: str | None = None,
    blind: bool = False,
    pricing: str | None = None,
    winners: int = 1,
) -> None:
    """Announce: ask the law, pin the rulebook, issue the documents, make the boxes, say so; one act.

    `documents`: {file name: sha256 of a paper kept here}; with them a bid answers a document set. What is left out asks
    for nothing. Refused, each with its article and bound: E-PERIOD, E-METHOD, E-PARAMETERS, T-MIN-BIDS, E-SECURITY-…,
    E-MEDIA-DIFFER, E-PRICING…, E-WINNERS; T-SCHEMA, E-STAGES, E-KEYSET, E-STAGE, T-DOCUMENTS, T-PAPER, T-RESERVE;
    E-BANNED, E-AGENT.
    """
    notices.check_winners(winners)
    schema = notices.with_documents(opening_schema) if documents else opening_schema
    check_schema(schema)
    async with acting(caller.actor) as act:
        row, state = await expect(act, tender, "announce")
        if row["agency_id"] is not None:
            await bans.admit_agency(row["agency_id"], caller, act)
        regime = regimes.regime(row["regime"])
        if estimate is None and row["estimate"] is not None:
            lots = await act.query("SELECT count(*) AS n FROM trading_lot WHERE project_id = $1", row["project_id"])
            estimate = row["estimate"] if lots[0]["n"] == 1 else None
        method = method or (regimes.LOWEST if row["direction"] == regimes.BUY else regimes.HIGHEST)
        notice = notices.Notice(
            regime, row["region"], row["direction"], row["baseline"], method, dict(parameters or {}),
            dict(security) if security else None, bid_validity_days, supply_until, tuple(media), schema,
        )  # fmt: skip
        pinned = notices.keep(notice, act.now)
        needed = overlay(regime, row["region"]).min_bids
        if min_bids is not None:
            admission.enough_bidders(pinned, min_bids)
        keysets: dict[str, str] = loaded(row["keysets"])
        if not set(public_stages) <= set(keysets):
            raise Refused("E-STAGES", stages=sorted(public_stages), needed=", ".join(sorted(keysets)))
        procedure = procedure or (notices.TWO if notices.TECHNICAL in keysets else notices.OPEN)
        if (procedure == notices.TWO) != (notices.TECHNICAL in keysets):
            raise Refused("E-STAGES", stages=sorted(keysets), needed=notices.TECHNICAL)
        if procedure == notices.TWO:
            first, second = [(await releases.keyset(tender, s)).opens_at for s in (notices.TECHNICAL, FIRST_STAGE)]
            if not first < second:
                raise Refused("T-PROCEDURE", technical=first, form=second)
        if reserve is not None:
            await reserves.announce(act, row, reserve, deadline=deadline, window=window or WINDOW)
        files = await papers.name(act, caller, tender, documents) if documents else []
        issued = set_hash(files) if files else None
        terms = {
            "regime": regime.id,
            "rulebook": pinned.digest,
            "keysets": keysets,
            "deadline": stamp(deadline),
            "min_bids": min_bids or needed,
            "direction": row["direction"],
            "baseline": row["baseline"],
            "currency": row["currency"],
            "method": method,
            "opening_schema": dict(schema),
            "public_stages": list(public_stages),
            "unvouched": sorted(set(unvouched)),
            "window": window or WINDOW,
            "region": row["region"],
            "documents": issued,
            "supply_until": None if supply_until is None else stamp(supply_until),
            "parameters": notice.parameters,
            "security": notice.security,
            "bid_validity_days": bid_validity_days,
            "estimate": estimate,
            "state_funded": row["state_funded"],
            "predecessor": row["predecessor"],
            "reserve": reserve,
            "media": [dict(one) for one in media],
            "unchecked": notices.unchecked(notice, act.now),
            "procedure": procedure,
        }
        if blind:
            terms["blind"] = True
        if pricing is not None:
            terms["pricing"] = pricing
        before = await act.query("SELECT state FROM trading_tender WHERE id = $1", row["predecessor"])
        ended = before[0]["state"] if before else None
        await lives.expect(
            act, tender, "announce", terms, row=row, move=False, predecessor_stage=ended, hour=row["hour"]
        )
        await boxes.make(
            act,
            tender=tender,
            keysets=keysets,
            deadline=deadline,
            min_bids=min_bids or needed,
            unvouched=sorted(set(unvouched)),
            opening_schema=schema,
            public_stages=list(public_stages),
        )
        await act.query(
            """UPDATE trading_tender SET state = $6, announced_at = $2, deadline = $3, hour = greatest(hour, $3),
               terms = $4::text::jsonb, rulebook = $5, documents = $7, reserve = $8, version = version + 1 WHERE id = $1""",
            tender, act.now, deadline, json.dumps(terms, ensure_ascii=False), pinned.data, state, issued, reserve,
        )  # fmt: skip
        await arm(act, "close", tender, deadline)
        act.record("project-announced", subject=tender, tender=tender, **terms)
        if issued is not None:
            await documents_.issue(act, tender, issued, files)


async def move_deadline(
    platform: Installation,
    actor: Actor,
    tender: str,
    deadline: datetime,
    reason: str,
    outage: Outage | None,
    sig: Sequence[Mapping[str, Any]] | None,
) -> None:
    """Move the deadline later (log.md §5).

    Refused: W-DENIED for the operator without an outage: the deadline is the tenderee's; E-LATE, E-EARLIER, E-CLOSED;
    E-DEADLINE-NEAR, when its record could not be in the log before the old deadline has passed; with an outage
    T-OUTAGE (the rule moves it elsewhere), T-PROBE (also when the log shows no such gap: the archive
    would never verify), and E-SIG without a probe unless two authorities signed the record.
    """
    if outage is None and actor.kind == "operator":
        raise Refused("W-DENIED", operation="move_deadline", role=actor.kind)
    gaps = []
    if outage is not None:
        before = await pool().fetchval("SELECT deadline FROM trading_tender WHERE id = $1", tender)
        gaps = [] if before is None else await gaps_over(platform, tender, before)
    pace = await beats(platform)
    async with acting(actor) as act:
        row, _ = await expect(act, tender, "move-deadline")
        if outage is None and act.now <= row["deadline"] < deadline:
            await lives.expect(
                act, tender, "move-deadline", {"deadline": stamp(deadline)}, row=row, move=False, beats=pace
            )
        if outage is not None:
            lawful = outage.lawful(row["deadline"], office=platform.keeps_office_hours)
            if deadline != lawful or lawful == row["deadline"]:
                raise Refused("T-OUTAGE", lawful=lawful, asked=deadline)
            await keep_probes(act, platform, outage)
        elif sig is not None:
            raise Refused("T-OUTAGE", lawful=row["deadline"], asked=deadline)
        field = outage.field if outage else None
        ref = await boxes.move_deadline(act, tender=tender, deadline=deadline, reason=reason, outage=field, sig=sig)
        await reserves.move(act, row, deadline, reason, field)
        if outage is not None and not outage.probes:
            platform.parties.two_authorities(sig, record_sig_bytes(ref.body), act.now)
        if outage is not None and not any(gap.start <= outage.start <= outage.end <= gap.end for gap in gaps):
            raise Refused("T-PROBE", why="no gap in the log")
        await act.query(
            """UPDATE trading_tender SET deadline = $2, hour = greatest(hour, $2), version = version + 1
               WHERE id = $1""",
            tender, deadline,
        )  # fmt: skip
        await arm(act, "close", tender, deadline)


PRICE = "price"


def check_schema(schema: Mapping[str, Any]) -> None:
    """An opening schema as envelope.md §3 knows it, with the price every method ranks by. Refused: T-SCHEMA."""
    if schema.get(PRICE, {}).get("kind") != "fen" or schema[PRICE].get("optional"):
        raise Refused("T-SCHEMA", key=PRICE)
    for key, field in schema.items():
        low, high = field.get("min"), field.get("max")
        wanted = str if field["kind"] == "date" else int
        if any(bound is not None and type(bound) is not wanted for bound in (low, high)):
            raise Refused("T-SCHEMA", key=key)
        try:
            if wanted is str:
                [date.fromisoformat(b) for b in (low, high) if b is not None]
            elif any(b is not None and abs(b) >= 2**53 for b in (low, high)):
                raise ValueError
        except ValueError:
            raise Refused("T-SCHEMA", key=key) from None
        if low is not None and high is not None and low > high:
            raise Refused("T-SCHEMA", key=key)
