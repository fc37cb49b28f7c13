"""The page where anybody checks an archive or a receipt in the browser, and the modules it runs, served as they lie.

A module's address is its path in the source tree, so that its imports are the same in a page, in Node and on disk. The page
carries all it needs, trust files and sentences too, and may connect nowhere (`CSP`): what is dropped there cannot leave.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

import audit
import bidding
from trading.messages import EN, catalogue
from trading.web import csp, static_files

if TYPE_CHECKING:
    from trading.web.screen import Screen

FOLDERS = {
    "audit/browser": Path(audit.__file__).parent / "browser",
    "bidding/browser": Path(bidding.__file__).parent / "browser",
    "trading/web/static": Path(__file__).parent / "static",
}
"""Where modules lie, by the address they are served under."""

CSP = csp.policy(
    {"script": csp.SELF, "worker": csp.SELF, **csp.PLAIN, "connect": csp.NONE}, form=csp.NONE, trusted="verify"
)
SAID = ("page.verify.", "VB-")
"""The sentences that the page says by itself."""


def modules() -> dict[str, Path]:
    """Every module by its address below `/modules/`."""
    return {f"{under}/{path.name}": path for under, folder in FOLDERS.items() for path in sorted(folder.glob("*.js"))}


_MODULES = modules()


def said(lang: str) -> dict[str, str]:
    """The page's own sentences and the titles of the steps, placeholders and all."""
    key = "en" if lang == EN else "zh"
    steps = {f"V{number}" for number in range(1, 18)}
    return {code: told[key] for code, told in catalogue().items() if code.startswith(SAID) or code in steps}


async def verify(request: Request, screen: Screen) -> Response:
    """`/verify`: nothing of it depends on who asks, or on what they will check."""
    platform = request.app.state.platform
    trust: dict[str, Any] = {}
    for name, data in (("policy", platform.policy_bytes), ("parties", platform.parties_bytes)):
        trust[name] = {"data": base64.b64encode(data).decode(), "sha256": hashlib.sha256(data).hexdigest()}
    given = {"words": said(screen.lang), "trust": trust, "lang": screen.lang}
    answer: Response = screen.show("verify.html", given=given, trust=trust)
    answer.headers["Content-Security-Policy"] = CSP
    return answer


async def module(request: Request) -> Response:
    """`/modules/<path>`: one module, as it lies. A worker obeys the policy of its own file: this one."""
    path = _MODULES.get(request.path_params["path"])
    if path is None:
        raise HTTPException(404)
    return static_files.handed(request, path, static_files.SCRIPT, {"Content-Security-Policy": CSP})
