"""Papers over HTTP: the bytes, what they are called, and their hash in the headers."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from audit.refusal import Refused
from trading import publishing
from trading.messages import ZH, say
from trading.paper.tenders import bare
from trading.printing import Printed
from trading.web.openapi import PARAMETER_PATTERNS
from trading.web.packed import matches, packed, takes_gzip

if TYPE_CHECKING:
    from trading.web.screen import Screen

PDF = "application/pdf"
PACKED = frozenset({"image/svg+xml"})
"""What gains by being packed, and tells no secret by its size: a picture whose letters are drawn is ten times smaller so."""


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
        if takes_gzip(request):
            data, tag = packed(data), f"{tag}-gzip"
            headers["Content-Encoding"] = "gzip"
    # RFC 9530: the digest is that of what is sent
    digest = bytes.fromhex(printed.sha256) if data is printed.data else hashlib.sha256(data).digest()
    headers |= {"ETag": f'"{tag}"', "Repr-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:"}
    if matches(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(data, 200, headers, media)
