"""Doors: pages and forms for people who sign in, guarded by the same table as the API (roles.toml), one row each.

A door is a method on a path with a handler; `visit` is one request through it: who asks, in which session, what the form
said. A form is taken from a page of ours alone (origin.check_page). Reading changes nothing. What a rule refuses is told as
a sentence; who is not signed in is sent to sign in, and comes back.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote

import asyncpg
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from audit.refusal import Broken, Refused
from trading import logs
from trading.accounts import PUBLIC, Caller
from trading.installation import Installation
from trading.messages import article_of, say, tell
from trading.postgres import AWAY
from trading.sessions import Session, form_token
from trading.settings import Settings
from trading.signin import Door, Visitor
from trading.web import cookies, csp, guard, origin, problems
from trading.web.models import RoleName
from trading.web.roles import Verdict, matrix
from trading.web.screen import Screen

logger = logging.getLogger("trading.web")
LIMIT = 32 * 1024
PART = re.compile(r"[A-Za-z0-9._@-]{1,100}")
"""What a part of a path may be; each door knows more about its own."""
POLICY = csp.policy(csp.DESK, trusted=csp.NONE, report=csp.REPORTS)
"""For pages with a script of ours."""
REPORT = "application/csp-report"
KEPT_BY_NOBODY = {
    "Cache-Control": "no-store",
    "Vary": "Cookie, Accept-Language",
    "Referrer-Policy": "same-origin",  # under no-referrer a browser sends forms with `Origin: null`
}


@dataclass
class Visit:
    """One request through a door."""

    request: Request
    settings: Settings
    screen: Screen
    caller: Caller
    found: Session | None
    device: str
    form: dict[str, str] = field(default_factory=dict)
    json: Any = None
    new_device: bool = False

    @property
    def platform(self) -> Installation:
        """What this process holds."""
        platform: Installation = self.request.app.state.platform
        return platform

    @property
    def door(self) -> Door:
        """What this process needs to let people in."""
        door: Door = self.request.app.state.door
        return door

    @property
    def session(self) -> Session:
        """The session. Refused: W-SESSION: a token has no page of its own."""
        if self.found is None or self.found.step != "in":
            raise Refused("W-SESSION")
        return self.found

    @cached_property
    def visitor(self) -> Visitor:
        """From where this is."""
        agent = browser_of(self.request.headers.get("user-agent", ""))
        return Visitor(origin.address(self.request, self.settings), self.device, agent)

    @property
    def token(self) -> str:
        """What forms on the answered page must carry."""
        return self.found.token if self.found is not None else form_token(self.device)

    @property
    def next(self) -> str:
        """Where to go afterwards: a path of this site, or one's own page (no open redirect)."""
        said = self.form.get("next") or self.request.query_params.get("next") or ""
        local = said.startswith("/") and not said.startswith(("//", "/\\")) and said.isprintable() and len(said) < 500
        return said if local and "\\" not in said else "/me"

    def page(self, template: str, status: int = 200, error: Refused | None = None, **context: Any) -> Response:
        """A page of the desk's templates; with what was refused above it."""
        if error:
            problems.note(error)
        sentence = tell(error, self.screen.lang) if error else ""
        code = error.code if error else ""
        response = self.screen.show(
            template, problems.STATUS.get(code, 409) if error else status, visit=self, token=self.token, next=self.next,
            error=sentence, code=code, **context,
        )  # fmt: skip
        return self.settled(response)

    def go(self, path: str) -> Response:
        """To another page, with GET."""
        return self.settled(RedirectResponse(self.screen.link(path), 303))

    def answer(self, value: Any, status: int = 200) -> Response:
        """JSON for a script of ours."""
        return self.settled(JSONResponse(value, status))

    def settled(self, response: Response) -> Response:
        """Never kept; and a browser that had no name has one now."""
        response.headers.update(KEPT_BY_NOBODY)
        response.headers["Content-Security-Policy"] = POLICY
        if self.new_device:
            cookies.give_device(self.settings, response, self.device)
        return response


BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
MACHINES = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def browser_of(agent: str) -> str:
    """What an owner recognises a browser by, from what it calls itself: no more of it is kept."""
    named = next((name for mark, name in BROWSERS if mark in agent), "")
    machine = next((name for mark, name in MACHINES if mark in agent), "")
    return " · ".join(part for part in (named, machine) if part)


Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True)
class Opening:
    """One method on one path: what `doors` holds. `machine`: its answers are JSON, for a script of ours; `demo`: there is no
    such path but where the settings say so (installation.check_demo); `report`: what a browser says of a page by
    itself; no cookie speaks for it and nothing changes by it (csp_reports.py)."""

    name: str
    method: str
    path: str
    handler: Handler
    machine: bool
    demo: bool = False
    report: bool = False


doors: dict[str, Opening] = {}


def door(
    method: str, path: str, *, machine: bool = False, demo: bool = False, report: bool = False
) -> Callable[[Handler], Handler]:
    """Declare the decorated coroutine as a door; its name is its row in `roles.toml`."""

    def declare(handler: Handler) -> Handler:
        assert handler.__name__ not in doors, f"two doors are called {handler.__name__}"
        doors[handler.__name__] = Opening(handler.__name__, method, path, handler, machine, demo, report)
        return handler

    return declare


def routes(configured: Settings) -> list[BaseRoute]:
    """One route per path."""
    by_path: dict[str, dict[str, Opening]] = {}
    for one in doors.values():
        if one.demo and not configured.demo:
            continue
        by_path.setdefault(one.path, {})[one.method] = one
    order = sorted(by_path, key=lambda path: (path.count("{"), path))
    return [Route(path, _dispatch(configured, by_path[path]), methods=list(by_path[path])) for path in order]


def _dispatch(configured: Settings, methods: dict[str, Opening]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        opening = methods["GET" if request.method == "HEAD" else request.method]
        visit = await _arrive(request, configured)
        try:
            return await _through(opening, visit)
        except Refused as no:
            return _refused(opening, visit, no)
        except ClientDisconnect:
            return _refused(opening, visit, Refused("W-BODY"))
        except (*AWAY, TimeoutError, asyncpg.PostgresConnectionError):
            return _refused(opening, visit, Refused("W-UNREADY"))
        except Exception as error:  # ours, and loud: the visitor learns where to look for it and nothing more
            trace = logs.trace()
            logger.error("unforeseen %s at %s", trace, opening.name, exc_info=error)
            kind = {"kind": error.code} if isinstance(error, Broken) else {}
            return _refused(opening, visit, Refused("W-BROKEN" if kind else "W-FAULT", trace=trace, **kind))

    return endpoint


async def _arrive(request: Request, configured: Settings) -> Visit:
    screen = Screen(request, configured)
    device = cookies.read(configured, request, cookies.DEVICE)
    known = bool(device)
    if not known:
        device = secrets.token_urlsafe(32)
    return Visit(request, configured, screen, PUBLIC, None, device, new_device=not known)


async def _through(opening: Opening, visit: Visit) -> Response:
    request, row = visit.request, matrix()[opening.name]
    if not all(PART.fullmatch(value) for value in request.path_params.values()):
        raise Refused("W-UNKNOWN")
    visit.caller = PUBLIC if opening.report else await guard.who(request)
    visit.found = getattr(request.state, "session", None)
    await visit.screen.prepare()
    if opening.method not in origin.SAFE:
        await _read(opening, visit)
    if row.judge(RoleName(visit.caller.role)) is Verdict.DENY:
        code = "W-TOKEN" if visit.caller.token is None else "W-DENIED"
        raise Refused(code, operation=row.operation, role=visit.caller.role)
    guard.check_fresh(row, visit.caller)
    return await opening.handler(visit)


async def _read(opening: Opening, visit: Visit) -> None:
    """The form, from a page of ours. Refused: W-SIZE, W-MEDIA, W-BODY, W-FORGED."""
    request, raw = visit.request, b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > LIMIT:
            raise Refused("W-SIZE", limit=LIMIT)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = "application/json" if opening.machine else "application/x-www-form-urlencoded"
    if media != (REPORT if opening.report else wanted):
        raise Refused("W-MEDIA", media=media[:80])
    try:
        if opening.machine:
            visit.json = json.loads(raw or b"{}")
            if not isinstance(visit.json, dict):
                raise ValueError
        else:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=40)
            visit.form = dict(pairs)
            if len(visit.form) != len(pairs) or any("\x00" in value for value in visit.form.values()):
                raise ValueError
    except (ValueError, RecursionError):
        raise Refused("W-BODY", at="", why="length") from None
    given = request.headers.get(origin.TOKEN, "") if opening.machine else visit.form.get("form_token", "")
    if opening.report or (visit.caller.token is not None and visit.caller.session is None):
        return  # a bearer token is no cookie: nobody's page can send it; and a report speaks for nobody
    origin.check_page(request, visit.settings, "" if visit.new_device and visit.found is None else visit.token, given)


def _refused(opening: Opening, visit: Visit, no: Refused) -> Response:
    lang = visit.screen.lang
    problems.note(no)
    if opening.machine:
        return visit.settled(problems.problem(lang, no.code, article=article_of(no), facts=no.facts))
    if no.code in ("W-TOKEN", "W-SESSION") and opening.method == "GET" and visit.caller.session is None:
        return visit.go("/signin?next=" + quote(_here(visit), safe="/"))
    if no.code == "W-FRESH":
        return visit.go("/signin/again?next=" + quote(_here(visit) if opening.method == "GET" else "/me", safe="/"))
    status = problems.STATUS.get(no.code, 500 if no.code in ("W-FAULT", "W-BROKEN") else 409)
    sentence = say(no.code, lang, **no.facts)
    if no.code == "W-DENIED":  # a person knows its role by a name, and no operation at all
        sentence = visit.screen.text("another_role", role=visit.screen.text(f"role.{visit.caller.role}"))
    response = visit.screen.show("problem.html", status, sentence=sentence, code=no.code)
    return visit.settled(response)


def _here(visit: Visit) -> str:
    url = visit.request.url
    return url.path + (f"?{url.query}" if url.query else "")
