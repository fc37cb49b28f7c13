"""Papers over HTTP: the bytes, what they are called, and their hash in the headers."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from audit.refusal import Refused
from trading import publishing
from trading.messages import ZH, say
from trading.paper.tenders import bare
from trading.printing import Printed
from trading.web import static_files
from trading.web.openapi import PARAMETER_PATTERNS

if TYPE_CHECKING:
    from trading.web.screen import Screen

PDF = "application/pdf"
PACKED = frozenset({"image/svg+xml"})
"""What gains by being packed, and tells no secret by its size."""


async def of_tender(request: Request, screen: Screen) -> Response:
    """`/t/{tender}/papers/{kind}.pdf`."""
    state = request.app.state
    tender, kind = request.path_params["tender"], request.path_params["kind"]
    if not re.fullmatch(PARAMETER_PATTERNS["tender"], tender):
        raise Refused("W-UNKNOWN")
    printed = await publishing.paper(state.platform, state.printer, tender, kind)
    return handed(request, printed, f"{bare(tender)}.{kind}.pdf", f"{bare(tender)} {say(f'paper.{kind}', ZH)}.pdf", PDF)


def handed(
    request: Request, printed: Printed, plain: str, called: str, media: str, *, private: bool = False
) -> Response:
    """A printed file: `plain` is its name in ASCII, `called` the one people see (RFC 6266); its hash is its ETag.

    `private`: one party's, which no cache keeps.
    """
    headers = {
        "Cache-Control": "no-store" if private else "no-cache",
        "Content-Disposition": f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(called, safe='')}",
    }
    data, tag = printed.data, printed.sha256
    if media in PACKED and not private:
        headers["Vary"] = "Accept-Encoding"
        if static_files.takes_gzip(request.headers.get("accept-encoding", "")):
            data, tag = _packed(printed), f"{tag}-gzip"
            headers["Content-Encoding"] = "gzip"
    digest = bytes.fromhex(printed.sha256) if data is printed.data else hashlib.sha256(data).digest()
    headers |= {"ETag": f'"{tag}"', "Repr-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:"}
    if matches(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(data, 200, headers, media)


@lru_cache(maxsize=32)
def _packed(printed: Printed) -> bytes:
    """Packed once: a picture whose letters are drawn is ten times smaller so. RFC 9530: its digest is the packed one's."""
    return gzip.compress(printed.data, 9, mtime=0)


def matches(request: Request, tag: str) -> bool:
    """Whether the reader has this very version (RFC 9110 §13.1.2; a cache may have weakened the tag)."""
    given = request.headers.get("if-none-match", "")
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in given.split(","))
