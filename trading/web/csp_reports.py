"""Where browsers report that a page wanted what its policy forbids (CSP `report-uri`, ASVS 3.4.7).

Something of ours is wrong then, or somebody found a way to write into a page. A line says which directive it was, twice a
day at most and no more: lines that came with each report would count who reads which page. What was blocked, on which page
and for whom is neither kept nor told. Pages that may connect nowhere name no address for reports: one would be a way out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, MutableMapping

from starlette.responses import Response

from trading.web.csp import REPORTS
from trading.web.doors import Visit, door

DIRECTIVES = frozenset(
    {
        "default-src", "script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "style-src-attr",
        "img-src", "font-src", "connect-src", "form-action", "frame-ancestors", "frame-src", "base-uri", "object-src",
        "worker-src", "media-src", "manifest-src", "require-trusted-types-for", "trusted-types",
    }
)  # fmt: skip
AGAIN = 12 * 3600.0
"""Machine seconds after which a directive is told of again."""
security = logging.getLogger("trading.security")
_told: dict[str, float] = {}


def news(directive: str, told: MutableMapping[str, float], now: Callable[[], float] = time.monotonic) -> bool:
    """Whether this directive was not told of lately; then it has been now. Words that are no directive never are."""
    last = told.get(directive)
    if directive not in DIRECTIVES or (last is not None and now() - last < AGAIN):
        return False
    told[directive] = now()
    return True


@door("POST", REPORTS, machine=True, report=True)
async def csp_report(visit: Visit) -> Response:
    """Take a report."""
    found = visit.json.get("csp-report")
    said = found if isinstance(found, dict) else {}
    directive = str(said.get("effective-directive") or said.get("violated-directive") or "").partition(" ")[0]
    if news(directive, _told):
        security.warning("a page broke its content security policy: %s", directive)
    return visit.settled(Response(status_code=204))
