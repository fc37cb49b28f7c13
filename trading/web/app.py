"""The web application: the API's operations, the public pages, the log's files, health.

    uvicorn trading.web.app:factory --factory

One Route per path dispatches on the method, so that `Allow` is right. A request passes, in this order: whose token, may
that role, may it see the object, is the body well formed, was the key used before, is the object in the right state.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tortoise.exceptions import DBConnectionError

from audit.act import pool
from audit.canon import NotCanonical
from audit.feed import Feed, event_routes, log_routes
from audit.refusal import Broken, Refused
from audit.trust import BadSignature
from trading import accounts, logs, metrics, postgres, settings
from trading.installation import Installation, check_demo, open_
from trading.printing import Printer
from trading.signin import Door
from trading.web import (
    api_accounts,
    api_auctions,
    api_bids,
    api_custody,
    api_imported,
    api_opening,
    api_panels,
    api_papers,
    api_people,
    api_preparation,
    api_procedure,
    api_projects,
    api_roster,
    api_search,
    api_seats,
    api_statements,
    bidder_pages,
    csp,
    csp_reports,
    demo_pages,
    doors,
    guard,
    invited_pages,
    me_pages,
    message_pages,
    open_data,
    openapi,
    org_pages,
    pages,
    problems,
    replies,
    signin_pages,
)
from trading.web.api import Answer, Call, Operation, operations
from trading.web.models import Health
from trading.web.openapi import PARAMETER_PATTERNS
from trading.web.origin import address
from trading.web.roles import Row, callers, matrix, open_routes
from trading.web.screen import Screen, by_person
from trading.web.streams import Following, Places

logger = logging.getLogger("trading.web")
DESKS = (
    api_accounts, api_auctions, api_bids, api_custody, api_imported, api_opening, api_panels, api_papers, api_people,
    api_preparation,
    api_procedure, api_projects, api_roster, api_search, api_seats, api_statements,
)  # fmt: skip
"""Importing them declares their operations."""
PAGES = (
    signin_pages, me_pages, invited_pages, bidder_pages, org_pages, message_pages, demo_pages, csp_reports,
)  # fmt: skip
"""Importing them declares their doors (doors.py)."""

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    DBConnectionError,
    ConnectionError,
)
"""The database is away; whether the act was committed is not known. The client asks again: 503."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": csp.policy(csp.PLAIN, report=csp.REPORTS),
}


def create_app(configured: settings.Settings, *, connected: bool = False) -> Starlette:
    """The application. `connected`: the database connection is the caller's (tests); else the lifespan makes its own."""
    check_demo(configured)
    if missing := (operations.keys() | doors.doors.keys()) ^ matrix().keys():
        raise RuntimeError(f"roles.toml and the operations differ: {sorted(missing)}")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        accounts.use_pepper(accounts.pepper_of(configured))
        app.state.platform = open_(configured)
        app.state.printer = printer = Printer(configured.printed_dir)
        try:
            if connected:
                yield
                return
            async with (
                postgres.connected(configured),
                metrics.told(configured.metrics_port, lambda: metrics.web_page(app.state.requests)),
            ):
                watching = asyncio.create_task(accounts.watch_revocations())
                try:
                    yield
                finally:
                    watching.cancel()
                    await asyncio.gather(watching, return_exceptions=True)
        finally:
            await printer.close()

    document = openapi.document(operations.values(), {name: callers(name) for name in operations})
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    async def describe(request: Request) -> Response:
        return Response(body, media_type="application/json", headers={"Cache-Control": "max-age=300"})

    shown = pages.routes(configured)
    hot, cold = _operation_routes()
    routes: list[BaseRoute] = [*hot, *shown, *cold]
    routes += [Route("/openapi.json", describe), Route("/healthz", _healthz), Route("/readyz", _readyz)]
    feed = Feed.of(configured.origin, configured.log_dir, configured.policy_path, configured.parties_path)
    routes += [*(_placed(one) for one in event_routes(feed)), Mount("/log", routes=log_routes(feed))]
    routes += open_data.routes(configured)
    desks = doors.routes(configured)
    if strange := open_routes() ^ set(_open_paths(routes)):
        raise RuntimeError(f"roles.toml and the open routes differ: {sorted(strange)}")
    app = Starlette(
        routes=[*routes, *desks],
        lifespan=lifespan,
        exception_handlers={
            HTTPException: _http_problem,
            Refused: _problem,
            Broken: _problem,
            **dict.fromkeys(AWAY, _away),
        },
    )
    app.router.redirect_slashes = False
    app.state.door = Door(configured)
    app.state.configured, app.state.places, app.state.following = configured, Places(), Following()
    app.state.openapi = document
    app.state.requests = requests = metrics.Requests()
    requests.watch(app.routes)
    app.add_middleware(_Edge, requests, https=configured.base_url.startswith("https:"))
    return app


def _placed(route: BaseRoute) -> Route:
    """The route, whose lines that stay open hold places (streams.py)."""
    assert isinstance(route, Route)

    async def endpoint(request: Request) -> Response:
        state = request.app.state
        response: Response = await route.endpoint(request)
        held: Response = state.places.held_by(address(request, state.configured), response)
        return held

    return Route(route.path, endpoint)


def _open_paths(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    """Paths of the routes that are no operations."""
    known = {o.path for o in operations.values()}
    for route in routes:
        if isinstance(route, Mount):
            yield from _open_paths(route.routes, prefix + route.path)
        elif isinstance(route, Route) and route.methods is not None and route.methods <= {"GET", "HEAD"}:
            if prefix + route.path not in known:
                yield prefix + route.path
        elif not isinstance(route, Route) or route.path not in known:
            raise RuntimeError(f"a route that is no operation may only be read: {route}")


def factory() -> Starlette:
    """The application of this process's environment, for uvicorn."""
    return create_app(settings.current())


# --------------------------------------------------------------------------------------------------------- operations


def _operation_routes() -> tuple[list[Route], list[Route]]:
    by_path: dict[str, dict[str, Operation]] = {}
    for o in operations.values():
        by_path.setdefault(o.path, {})[o.method] = o
    # The closing hour's two first, then the pages, then the rest: no two patterns match one path, so it is only speed.
    hot = {operations["hand_in"].path, operations["put_segment"].path}
    order = sorted(by_path, key=lambda path: (path not in hot, path.count("/"), path.count("{"), path))
    made = [Route(path, _dispatch(by_path[path]), methods=list(by_path[path])) for path in order]
    return made[: len(hot)], made[len(hot) :]


def _dispatch(methods: dict[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        operation = methods["GET" if request.method == "HEAD" else request.method]
        lang = problems.language(request)
        try:
            return await _serve(operation, request, lang)
        except ClientDisconnect:
            return problems.problem(lang, "W-BODY")
        except NotCanonical as error:
            return problems.problem(lang, "E-CANON", facts=error.facts)
        except BadSignature as error:
            return problems.problem(lang, "E-SIG", facts=error.facts)
        except (*AWAY, TimeoutError) as error:
            logger.warning("the database is away: %s", type(error).__name__)
            return problems.problem(lang, "W-UNREADY")
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError):
            return problems.problem(lang, "W-BUSY")
        except HTTPException:
            raise
        except Exception as error:
            return problems.from_error(lang, error)

    return endpoint


async def _serve(o: Operation, request: Request, lang: str) -> Response:
    for name, value in request.path_params.items():
        if not re.fullmatch(PARAMETER_PATTERNS.get(name, r"[A-Za-z0-9._-]{1,64}"), value):
            raise Refused("W-UNKNOWN")
    row = matrix()[o.name]
    caller = await guard.who(request)
    guard.check_page(caller, request)
    ground = await guard.admit(row, caller, request)
    call = Call(request, request.app.state.platform, caller, ground, request.path_params, lang=lang)
    raw = b"" if o.raw else await _read(request, o.limit)
    if o.raw and _length(request) > o.limit:
        raise Refused("W-SIZE", limit=o.limit)
    if o.body is not None:
        call.body = _body(o.body, request, raw)
    if o.query is not None:
        call.query = _query(o.query, request)
    if o.method == "PATCH":
        _if_match(request)
    key = request.headers.get("idempotency-key") if o.keyed and caller.token is not None else None
    if key is None:
        guard.stands(row, caller, ground)
        return await _carry_out(o, row, call, raw)
    kept = await replies.claim(caller, key, replies.fingerprint(o.method, request.url.path, raw))
    if kept is not None:
        return kept
    response: Response | None = None
    try:
        guard.stands(row, caller, ground)
        response = await _carry_out(o, row, call, raw)
        return response
    finally:
        try:
            await asyncio.shield(replies.settle(caller, key, response))
        except AWAY as gone:  # the act is done and its answer stands; only a repetition will not find it
            logger.warning("an answer was not kept: %s", type(gone).__name__)


async def _carry_out(o: Operation, row: Row, call: Call, raw: bytes) -> Response:
    """Do it; or, where it takes two people, keep it until another one approves it."""
    if row.two and call.platform.settings.two_people:
        return await api_people.proposed(call, o.name, raw)
    return await _answer(o, call)


async def _answer(o: Operation, call: Call) -> Response:
    given = await o.handler(call)
    answer = given if isinstance(given, Answer) else Answer(given)
    if answer.response is not None:
        answer.response.headers.setdefault("Cache-Control", "no-store")
        return answer.response
    headers = {"Cache-Control": "no-store", **answer.headers}
    tag = headers.get("ETag")
    if tag and call.request.method == "GET" and call.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if answer.value is None:
        return Response(status_code=204, headers=headers)
    data = answer.value.model_dump_json(by_alias=True).encode()
    return Response(data, answer.status or o.status, headers, "application/json")


async def _read(request: Request, limit: int) -> bytes:
    if _length(request) > limit:
        raise Refused("W-SIZE", limit=limit)
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise Refused("W-SIZE", limit=limit)
        pieces.append(piece)
    return b"".join(pieces)


def _length(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _body(model: type[BaseModel], request: Request, raw: bytes) -> BaseModel:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Refused("W-MEDIA", media=media[:80])
    try:
        found = model.model_validate_json(raw)
    except ValidationError as error:
        raise _unreadable(error) from None
    try:
        json.loads(raw, object_pairs_hook=_once)
    except ValueError:  # what pydantic read and json does not is read differently by somebody else too
        raise Refused("W-BODY", errors=[], at="", why="unreadable") from None
    return found


def _once(pairs: list[tuple[str, Any]]) -> None:
    """A name that stands twice means one thing to a proxy and another to us (ASVS 1.5.3)."""
    seen = set()
    for name, _ in pairs:
        if name in seen:
            raise Refused("W-BODY", errors=[], at=name[:200], why="twice")
        seen.add(name)


def _query(model: type[BaseModel], request: Request) -> BaseModel:
    _once(request.query_params.multi_items())
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise _unreadable(error) from None


def _unreadable(error: ValidationError) -> Refused:
    errors = [
        {"at": ".".join(str(p) for p in e["loc"])[:200], "why": e["type"]}
        for e in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    ]
    return Refused("W-BODY", errors=errors, at=errors[0]["at"], why=errors[0]["why"])


def _if_match(request: Request) -> None:
    given = request.headers.get("if-match")
    if given is None:
        raise Refused("W-IF-MATCH")
    if not re.fullmatch(r'"[0-9]{1,9}"', given):
        raise Refused("W-VERSION")


# ------------------------------------------------------------------------------------------------------ everything else


async def _healthz(request: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def _readyz(request: Request) -> Response:
    """Ready: the database answers, and keys and trust files are loaded."""
    checks: dict[str, str] = {}
    try:
        await asyncio.wait_for(pool().fetchval("SELECT log_now()"), 3)
        checks["database"] = "ok"
    except (*AWAY, TimeoutError, RuntimeError) as error:
        checks["database"] = type(error).__name__
    platform = getattr(request.app.state, "platform", None)
    checks["keys"] = "ok" if isinstance(platform, Installation) else "missing"
    ok = set(checks.values()) == {"ok"}
    health = Health(status="ok" if ok else "unready", checks=checks)
    return Response(health.model_dump_json(), 200 if ok else 503, {"Cache-Control": "no-store"}, "application/json")


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    lang = problems.language(request)
    code = {404: "W-UNKNOWN", 405: "W-METHOD"}.get(error.status_code, "W-BODY")
    facts = {"allow": (error.headers or {}).get("Allow", "")} if code == "W-METHOD" else {}
    if by_person(request):
        page = Screen(request, request.app.state.platform.settings).refuse(Refused(code, **facts))
        page.headers.update(error.headers or {})
        return page
    return problems.problem(lang, code, status=error.status_code, facts=facts, headers=error.headers)


async def _problem(request: Request, error: Exception) -> Response:
    return problems.from_error(problems.language(request), error)


async def _away(request: Request, error: Exception) -> Response:
    """Pages and feeds without a database."""
    logger.warning("the database is away: %s", type(error).__name__)
    if by_person(request):
        return Screen(request, request.app.state.platform.settings).refuse(Refused("W-UNREADY"))
    return problems.problem(problems.language(request), "W-UNREADY")


class _Edge:
    """Security headers on every response, whoever made it; an id for every request; and what nobody caught ends here."""

    def __init__(self, app: ASGIApp, requests: metrics.Requests, https: bool) -> None:
        self.app, self.requests = app, requests
        sent = HEADERS | ({"Strict-Transport-Security": "max-age=31536000; includeSubDomains"} if https else {})
        self.headers = [(k.lower().encode(), v.encode()) for k, v in sent.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self.requests.note(scope.get("route"), message["status"])
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in self.headers if h[0] not in present)]
            await send(message)

        mark = logs.REQUEST.set(logs.new_request())
        try:
            no = _impossible(scope)
            await (no or self.app)(scope, receive, sending)
        except Exception as error:
            if begun:  # the connection is cut, and nobody takes half an answer for a whole one
                raise
            answer = problems.from_error(problems.language(Request(scope)), error)
            await answer(scope, receive, sending)
        finally:
            logs.REQUEST.reset(mark)


def _impossible(scope: Scope) -> Response | None:
    """The answer to what no route should have to look at; None: any other request.

    A length and chunks: a proxy before us may have believed the other one, and what follows on this line would be a request
    of somebody else's (RFC 9112 §6.3, ASVS 4.2.1): refused, and the line ends. A null in a path: nothing is called so, and
    no database takes one.
    """
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
        facts = {"at": "content-length", "why": "twice"}
        lang = problems.language(Request(scope))
        return problems.problem(lang, "W-BODY", status=400, facts=facts, headers={"Connection": "close"})
    return problems.problem(problems.language(Request(scope)), "W-UNKNOWN") if "\x00" in scope["path"] else None
