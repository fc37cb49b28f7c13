"""The content security policy of a page, in one form: nothing comes from anywhere, but what is named (W3C CSP Level 3).

No policy of ours names another host, and none lets a page run what is written into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SELF: Final = "'self'"
NONE: Final = "'none'"
REPORTS: Final = "/csp-report"
"""Where a browser reports what a page wanted and its policy forbids (csp_reports.py)."""
PLAIN: Final[Mapping[str, str]] = {"style": SELF, "img": SELF}
"""What a page without a script loads."""
ASKING: Final[Mapping[str, str]] = {"script": SELF, "connect": SELF, "style": SELF, "img": SELF}
"""What a page loads whose scripts of ours ask this site for more."""
DESK: Final[Mapping[str, str]] = {**ASKING, "img": f"{SELF} data:"}
"""What a page behind a door loads; `data:` for the QR code of a code generator."""


def policy(loads: Mapping[str, str], *, form: str = SELF, worker: str = "", trusted: str = "", report: str = "") -> str:
    """A policy. `loads`: what may come from where, in the order in which it is written; `form`: where forms may go;
    `worker`: where threads come from; `trusted`: who makes markup out of text (Trusted Types), on a page with scripts;
    `report`: where a violation is told, on a page that may tell anybody anything."""
    rules = (
        ("default-src", NONE),
        *((f"{kind}-src", source) for kind, source in loads.items()),
        ("form-action", form),
        ("base-uri", NONE),
        ("frame-ancestors", NONE),
        ("require-trusted-types-for", "'script'" if trusted else ""),
        ("worker-src", worker),
        ("trusted-types", trusted),
        ("report-uri", report),
    )
    return "; ".join(f"{name} {value}" for name, value in rules if value)
