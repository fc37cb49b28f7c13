"""The door: a name and a password and then a code, or a passkey; proving again; going out."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from audit.refusal import Refused
from trading import credentials, sessions, signin
from trading.sessions import Session
from trading.signin import Let
from trading.web import cookies, origin
from trading.web.doors import Visit, door


def let_in(visit: Visit, let: Let, to: str) -> Response:
    """Give a browser its session, and the name it is known by from now on."""
    response = visit.go(to)
    return _with(visit, response, let)


def _with(visit: Visit, response: Response, let: Let) -> Response:
    cookies.give_session(visit.settings, response, let.opened.secret)
    cookies.give_device(visit.settings, response, let.device)
    return response


def certificate(visit: Visit) -> str:
    """What the connection's certificate is recognised by; "" if there is none or nothing stands behind it."""
    try:
        found = origin.certificate(visit.request, visit.settings)
        if found is None:
            return ""
        signin.checked(visit.door, found)
    except Refused:
        return ""
    return f"{found.serial_number:X}"[-8:]


# ------------------------------------------------------------------------------------------------------------ coming in


@door("GET", "/signin")
async def signin_page(visit: Visit) -> Response:
    """Name and password, or a passkey."""
    cookies.check_transport(visit.settings)
    if visit.found is not None and visit.found.step == "in":
        return visit.go(visit.next)
    return visit.page("signin.html", login="")


@door("POST", "/signin")
async def signin_first(visit: Visit) -> Response:
    """The first factor; wrong ones are told in one sentence, whatever was wrong."""
    cookies.check_transport(visit.settings)
    login, password = visit.form.get("login", ""), visit.form.get("password", "")
    try:
        opened = await signin.first(visit.door, login, password, visit.visitor)
    except Refused as no:
        return visit.page("signin.html", error=no, login=login[:64])
    response = visit.go("/signin/second" + _next(visit))
    cookies.give_session(visit.settings, response, opened.secret)
    return response


def _next(visit: Visit) -> str:
    return "" if visit.next == "/me" else "?next=" + quote(visit.next, safe="/")


def _half(visit: Visit) -> Session:
    if visit.found is None or visit.found.step != "second":
        raise Refused("W-SESSION")
    return visit.found


@door("GET", "/signin/second")
async def signin_second_page(visit: Visit) -> Response:
    """The second factor: a code, or the certificate of this connection."""
    if visit.found is not None and visit.found.step == "in":
        return visit.go(visit.next)
    _half(visit)
    return visit.page("second.html", certificate=certificate(visit), again=False)


@door("POST", "/signin/second")
async def signin_second(visit: Visit) -> Response:
    """Come in."""
    half = _half(visit)
    try:
        if visit.form.get("certificate"):
            found = origin.certificate(visit.request, visit.settings)
            if found is None:
                raise Refused("T-CLIENT-CERT", why="none")
            let = await signin.second_by_certificate(visit.door, half, visit.visitor, found)
        else:
            let = await signin.second(visit.door, half, visit.visitor, visit.form.get("code", ""))
    except Refused as no:
        return visit.page("second.html", error=no, certificate=certificate(visit), again=False)
    return let_in(visit, let, visit.next)


@door("POST", "/signin/passkey/options", machine=True)
async def signin_ask_passkey(visit: Visit) -> Response:
    """What the browser is asked to sign."""
    cookies.check_transport(visit.settings)
    visit.door.lockout.ask(visit.visitor.address)
    return visit.answer(await signin.ask_passkey(visit.door, visit.device))


@door("POST", "/signin/passkey", machine=True)
async def signin_passkey(visit: Visit) -> Response:
    """Come in with a passkey alone."""
    cookies.check_transport(visit.settings)
    let = await signin.by_passkey(visit.door, visit.json, visit.device, visit.visitor)
    return _with(visit, visit.answer({"next": visit.next}), let)


# -------------------------------------------------------------------------------------------------------- proving again


async def _ways(visit: Visit) -> set[str]:
    return {one["kind"] for one in await credentials.of(visit.session.account)}


@door("GET", "/signin/again")
async def signin_again_page(visit: Visit) -> Response:
    """Who are you, again: before sealing, opening, drawing, awarding."""
    return visit.page("second.html", again=True, ways=await _ways(visit), certificate=certificate(visit))


@door("POST", "/signin/again")
async def signin_again(visit: Visit) -> Response:
    """By a code; by password and certificate."""
    try:
        if visit.form.get("certificate"):
            found = origin.certificate(visit.request, visit.settings)
            if found is None:
                raise Refused("T-CLIENT-CERT", why="none")
            password = visit.form.get("password", "")
            opened = await signin.again_by_certificate(visit.door, visit.session, visit.visitor, found, password)
        else:
            opened = await signin.again(visit.door, visit.session, visit.visitor, code=visit.form.get("code", ""))
    except Refused as no:
        ways = await _ways(visit)
        return visit.page("second.html", error=no, again=True, ways=ways, certificate=certificate(visit))
    response = visit.go(visit.next)
    cookies.give_session(visit.settings, response, opened.secret)
    return response


@door("POST", "/signin/again/passkey/options", machine=True)
async def signin_again_ask_passkey(visit: Visit) -> Response:
    """What the browser is asked to sign to prove again."""
    return visit.answer(await signin.ask_passkey(visit.door, visit.session.id))


@door("POST", "/signin/again/passkey", machine=True)
async def signin_again_passkey(visit: Visit) -> Response:
    """Proved again by a passkey."""
    opened = await signin.again(visit.door, visit.session, visit.visitor, answer=visit.json)
    response = visit.answer({"next": visit.next})
    cookies.give_session(visit.settings, response, opened.secret)
    return response


# ------------------------------------------------------------------------------------------------------------ going out


@door("GET", "/signout")
async def signout_page(visit: Visit) -> Response:
    """A button: reading ends nothing."""
    return visit.page("signout.html", inside=visit.found is not None and visit.found.step == "in")


@door("POST", "/signout")
async def signout(visit: Visit) -> Response:
    """End this session, here and in the browser."""
    if visit.found is not None:
        await sessions.end(visit.found.account, visit.found.id, "signed-out")
    response = visit.page("signout.html", inside=False, left=True)
    cookies.take_session(visit.settings, response)
    response.headers["Clear-Site-Data"] = '"cache"'  # not storage: a half uploaded, sealed bid lies there
    return response
