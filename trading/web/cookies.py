"""The two cookies: a session's, and what a browser is known by. Both hold a secret and nothing else.

Over TLS they are `__Host-` cookies (this host alone, path /, never in clear). Without it, on a demonstration or a machine
that talks to itself, a browser would refuse those names: there they have plain ones.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from audit.refusal import Refused
from trading.settings import DEVICE_LIFE, Settings

SESSION, DEVICE = "session", "device"


def name(settings: Settings, what: str) -> str:
    """What the browser calls it."""
    return f"__Host-{what}" if settings.https else what


def read(settings: Settings, request: Request, what: str) -> str:
    """The secret a browser sent; "" if none, or nothing that could be one."""
    value = request.cookies.get(name(settings, what), "")
    return value if len(value) <= 100 and value.isascii() else ""


def check_transport(settings: Settings) -> None:
    """Nobody signs in over a line that others read. Refused: T-SIGNIN-HTTP."""
    if not settings.https and not settings.local:
        raise Refused("T-SIGNIN-HTTP")


def give_session(settings: Settings, response: Response, secret: str) -> None:
    """Until the browser closes, or the session ends here."""
    response.set_cookie(
        name(settings, SESSION), secret, path="/", secure=settings.https, httponly=True, samesite="strict"
    )


def take_session(settings: Settings, response: Response) -> None:
    """Forget it."""
    response.delete_cookie(name(settings, SESSION), path="/", secure=settings.https, httponly=True, samesite="strict")


def give_device(settings: Settings, response: Response, secret: str) -> None:
    """Sent on links from elsewhere too (Lax): else every e-mail's link would make a known browser a stranger."""
    response.set_cookie(
        name(settings, DEVICE), secret, path="/", secure=settings.https, httponly=True, samesite="lax",
        max_age=int(DEVICE_LIFE.total_seconds()),
    )  # fmt: skip
