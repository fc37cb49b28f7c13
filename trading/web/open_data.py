"""The open data over HTTP: releases and compiled processes as JSON Lines, a project as an OCDS record package."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from audit.refusal import Refused
from trading import ocds
from trading.opendata import OpenData
from trading.settings import Settings

LINES = "application/jsonl"
FRESH = {"Cache-Control": "no-cache"}
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_INDEX = re.compile(r"-1|[0-9]{1,15}")


def routes(configured: Settings) -> list[BaseRoute]:
    """`/ocds/…`, open to everyone."""
    data = OpenData(configured)

    async def releases(request: Request) -> Response:
        """`after`: an index of the log; only what is later. `Ocds-Next` is the `after` to come back with: a release may come
        twice then (it bears the same id), and none is missed."""
        after = request.query_params.get("after", "-1")
        if not _INDEX.fullmatch(after):
            raise Refused("W-CURSOR")
        size = data.size()
        upto = await data.upto(size)
        return _stream(
            request, f"{after}-{size}-{upto}", max(upto, int(after)), lambda: data.releases(int(after), size)
        )

    async def compiled(request: Request) -> Response:
        size = data.size()
        upto = await data.upto(size)
        return _stream(request, f"c-{size}-{upto}", upto, lambda: data.compiled(size))

    async def project(request: Request) -> Response:
        name = request.path_params["project"]
        if not _NAME.fullmatch(name):
            raise Refused("W-UNKNOWN")
        body = await data.project(name)
        headers = {**FRESH, "ETag": ocds.etag(body)}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(body, 200, headers, "application/json")

    found: list[tuple[str, Callable[[Request], Awaitable[Response]]]] = [
        ("/ocds/releases.jsonl", releases), ("/ocds/compiled.jsonl", compiled), ("/ocds/projects/{project}", project),
    ]  # fmt: skip
    return [Route(path, served) for path, served in found]


def _stream(request: Request, tag: str, upto: int, pages: Callable[[], object]) -> Response:
    headers = {**FRESH, "ETag": f'"{tag}"', "Ocds-Next": str(upto)}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return StreamingResponse(pages(), 200, headers, LINES)  # type: ignore[arg-type]
