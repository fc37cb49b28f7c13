"""Where the offline pages are fetched: their SHA-256, their place in the log, how to compare, how to make them oneself.

They are handed out to be saved. What a site serves may change with who asks; a file whose hash stands in the log may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trading import offline, tool_hashes

if TYPE_CHECKING:
    from trading.web.screen import Screen

SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""Should a browser show it all the same, it is text and does nothing here."""


async def shown(request: Request, screen: Screen) -> Response:
    """`/offline`."""
    known = await tool_hashes.published()
    pages = []
    for name in offline.PAGES:
        sha256 = offline.digest(name)
        record = next((one for one in reversed(known) if one["sha256"] == sha256 and one["index"] is not None), None)
        page = {"name": name, "sha256": sha256, "size": len(offline.built(name)), "record": record}
        pages.append(
            page | {"older": [one for one in known if one["tool"] == f"{name}.html" and one["sha256"] != sha256]}
        )
    return screen.show("offline.html", pages=pages, url=screen.settings.base_url)


async def file(request: Request, screen: Screen) -> Response:
    """`/offline/<page>.html`: the very bytes, to be saved."""
    name = request.path_params["page"]
    if name not in offline.PAGES:
        raise HTTPException(404)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.html"', "Cache-Control": "no-cache",
        "Content-Security-Policy": SANDBOX,
    }  # fmt: skip
    return Response(offline.built(name), headers=headers, media_type="text/html")
