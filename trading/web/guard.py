"""The guard: one place where a request meets the role matrix, before any handler runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from audit.act import acting, pool
from audit.refusal import Refused
from trading import accounts, reserves, sessions
from trading.accounts import PUBLIC, Caller
from trading.settings import Settings
from trading.web import cookies, origin
from trading.web.models import RoleName
from trading.web.roles import Row, Verdict

RECORDED_AN_HOUR = 20
"""Refused readings of deposits recorded per token and machine hour; the others are refused all the same."""
OF_TENDERS = frozenset(
    {
        "amend_documents", "answer_question", "answer_remedy", "ask_explanation", "ask_question", "award", "convene_panel",
        "correct_price", "enter_sheet", "fail_tender", "file_remedy", "invite_representative", "lift_suspension",
        "move_deadline", "order_suspension", "publish_candidates", "receive_report", "receive_security", "reject_bid",
        "correct_line", "warn_idle", "join_auction", "open_auction", "resume_auction", "bid_in_auction", "close_auction",
    }
)  # fmt: skip
"""What nobody does with the box of a reserve price: it goes with its tender, closes with it, and nobody wins in it."""


@dataclass(frozen=True)
class Ground:
    """The object a path names: whose it is and where it stands."""

    project: str
    tender: str | None
    state: str
    organisation: str
    agency: str | None
    kind: str = "bids"
    bound: bool = False
    """A reserve box whose tender goes on."""

    def owned_by(self, caller: Caller) -> bool:
        """Whether it is the caller's own: its tenderee's, its agency's, its panel's; to operator and supervisor nothing is
        foreign."""
        if caller.role in ("operator", "supervisor"):
            return True
        if caller.seat is not None:
            return caller.seat.tender == self.tender
        if caller.role == "tenderee":
            return caller.organisation == self.organisation
        return caller.role == "agency" and caller.organisation is not None and caller.organisation == self.agency


async def who(request: Request) -> Caller:
    """Whom the request speaks for: by its bearer token, else by its session's cookie; else the public. Refused: W-TOKEN.

    `request.state.session` is the session, also one that still waits for its second factor and speaks for nobody.
    """
    header = request.headers.get("authorization")
    if header is None:
        return await _session(request)
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > 200 or not token.isascii():
        raise Refused("W-TOKEN")
    return await accounts.authenticate(token)


async def _session(request: Request) -> Caller:
    settings: Settings = request.app.state.platform.settings
    secret = cookies.read(settings, request, cookies.SESSION)
    session = await sessions.find(settings, secret) if secret else None
    request.state.session = session
    return PUBLIC if session is None or session.step != "in" else session.caller()


def check_page(caller: Caller, request: Request) -> None:
    """What a cookie speaks for and changes something comes from a page of ours. Refused: W-FORGED."""
    if caller.session is not None and request.method not in origin.SAFE:
        settings: Settings = request.app.state.platform.settings
        origin.check_page(request, settings, request.state.session.token, request.headers.get(origin.TOKEN, ""))


def check_fresh(row: Row, caller: Caller) -> None:
    """A row that asks who one is again. Refused: W-FRESH."""
    if row.fresh and not caller.fresh:
        raise Refused("W-FRESH")


async def ground(row: Row, request: Request) -> Ground | None:
    """Look up the object the path names. Refused: W-UNKNOWN."""
    return await ground_at(row, request.path_params)


async def ground_at(row: Row, path: Mapping[str, str]) -> Ground | None:
    """Likewise, of a path that was taken apart before."""
    if row.object == "tender":
        found = await pool().fetchrow(_TENDER, path["tender"])
    elif row.object == "project":
        found = await pool().fetchrow(_PROJECT, path["project"])
    else:
        return None
    if found is None:
        raise Refused("W-UNKNOWN")
    return Ground(**dict(found))


async def admit(row: Row, caller: Caller, request: Request) -> Ground | None:
    """Let the caller pass or refuse: W-TOKEN, W-DENIED, W-UNKNOWN, W-FRESH. The state is judged afterwards, by `stands`."""
    role = RoleName(caller.role)
    if row.judge(role) is Verdict.DENY:
        if row.record and caller.token is not None:
            await _note(row, caller, request)
        raise Refused("W-TOKEN" if caller.token is None else "W-DENIED", operation=row.operation, role=caller.role)
    place = await ground(row, request)
    if place is not None and row.judge(role, own=place.owned_by(caller), state=place.state) is Verdict.HIDE:
        raise Refused("W-UNKNOWN")
    check_fresh(row, caller)
    return place


def stands(row: Row, caller: Caller, place: Ground | None) -> None:
    """Refused W-STATE when the object is not in a state this operation is for, T-RESERVE-BOX when it is the box of a
    reserve price, which nobody gives up, moves or suspends but with its tender."""
    if place is None:
        return
    alone = row.operation in OF_TENDERS or (row.operation == "terminate_tender" and place.bound)
    if place.kind == reserves.KIND and alone:
        raise Refused("T-RESERVE-BOX", reserves.SECRET, reserve=place.tender)
    if row.judge(RoleName(caller.role), own=place.owned_by(caller), state=place.state) is Verdict.STATE:
        raise Refused("W-STATE", state=place.state, states=sorted(row.states))


_noted: dict[str, deque[float]] = {}


async def _note(row: Row, caller: Caller, request: Request) -> None:
    assert caller.token is not None
    recent = _noted.setdefault(caller.token, deque(maxlen=RECORDED_AN_HOUR))
    if len(recent) == RECORDED_AN_HOUR and recent[0] > time.monotonic() - 3600:
        return
    recent.append(time.monotonic())
    async with acting(caller.actor) as act:
        act.record(
            "reading-refused",
            subject=caller.organisation or "",
            route=row.operation,
            role=caller.role,
            organisation=caller.organisation,
            object=next(iter(request.path_params.values()), ""),
        )


# A tender that was given up before anybody heard of it stays a draft to strangers.
_TENDER = """SELECT p.id AS project, t.id AS tender,
    CASE WHEN t.announced_at IS NULL AND t.state = 'terminated' THEN 'draft' ELSE t.state END AS state,
    p.organisation_id AS organisation, p.agency_id AS agency, t.kind,
    EXISTS (SELECT 1 FROM trading_tender m
            WHERE m.reserve = t.id AND m.state NOT IN ('shut', 'failed', 'terminated', 'archived')) AS bound
    FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
    WHERE t.id = $1"""
_PROJECT = """SELECT p.id AS project, NULL::text AS tender, p.organisation_id AS organisation, p.agency_id AS agency,
    CASE WHEN EXISTS (SELECT 1 FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id
                      WHERE l.project_id = p.id AND t.announced_at IS NOT NULL)
         THEN 'announced' ELSE 'draft' END AS state
    FROM trading_project p WHERE p.id = $1"""
