"""Coming in by a one-time code: an invitation's, or the two halves of a recovery's.

The code may come in the address, of a letter's link; it opens one thing once and for a short while, the page is never kept
and tells nobody where it was. From then on it travels in forms.
"""

from __future__ import annotations

import secrets

from starlette.responses import Response

from audit.refusal import Refused
from trading import credentials, invitations, sessions
from trading.invitations import Invited
from trading.web import cookies, me_pages, signin_pages
from trading.web.doors import Visit, door


@door("GET", "/invited")
async def invited_page(visit: Visit) -> Response:
    """A field for the code, or for both halves one after the other."""
    cookies.check_transport(visit.settings)
    return visit.page("code.html")


@door("GET", "/invited/{invitation}")
async def invited_code_page(visit: Visit) -> Response:
    """The link of a letter."""
    cookies.check_transport(visit.settings)
    return await _choose(visit, visit.request.path_params["invitation"])


@door("POST", "/invited")
async def invited(visit: Visit) -> Response:
    """The code as it was typed."""
    cookies.check_transport(visit.settings)
    return await _choose(visit, visit.form.get("code", "") + visit.form.get("other", ""))


async def _choose(visit: Visit, code: str, error: Refused | None = None, nonce: str = "", login: str = "") -> Response:
    """Whom the code lets in, and the ways to come. Wrong codes are counted by the address: there are 2^128 of them."""
    try:
        whom = await _found(visit, code)
    except Refused as no:
        return visit.page("code.html", error=no)
    nonce = nonce or secrets.token_hex(16)
    inside = visit.found is not None and visit.found.step == "in" and whom.kind == invitations.INVITATION
    shown = me_pages.generator(_secret(whom, nonce), login or whom.name, visit.settings.origin)
    return visit.page(
        "invited.html", error=error, whom=whom, code_=code, nonce=nonce, inside=inside, login=login, shown=shown
    )


async def _found(visit: Visit, code: str) -> Invited:
    lockout, address = visit.door.lockout, visit.visitor.address
    lockout.check(address, "", "")
    try:
        return await invitations.find(code)
    except Refused:
        lockout.wrong(address, "", "")
        raise


def _secret(whom: Invited, nonce: str) -> str:
    return credentials.suggested(nonce, f"invited/{whom.id}")


@door("POST", "/invited/password")
async def invited_password(visit: Visit) -> Response:
    """A name, a password and a code generator of one's own choice."""
    form, code = visit.form, visit.form.get("code", "")
    nonce, login = form.get("nonce", ""), form.get("login", "")
    try:
        whom = await _found(visit, code)
        let = await invitations.by_password(
            visit.door, code, login=login, password=form.get("password", ""), secret=_secret(whom, nonce),
            typed=form.get("typed", ""), visitor=visit.visitor,
        )  # fmt: skip
    except Refused as no:
        return await _choose(visit, code, no, nonce[:64], login[:64])
    return signin_pages.let_in(visit, let, "/me")


@door("POST", "/invited/passkey/options", machine=True)
async def invited_ask_passkey(visit: Visit) -> Response:
    """What the browser is given to make a passkey."""
    return visit.answer(await invitations.ask_passkey(visit.door, (await _code(visit))[0]))


@door("POST", "/invited/passkey", machine=True)
async def invited_passkey(visit: Visit) -> Response:
    """A passkey alone."""
    code, label = await _code(visit)
    let = await invitations.by_passkey(visit.door, code, visit.json, label, visit.visitor)
    response = visit.answer({"next": "/me"}, 201)
    cookies.give_session(visit.settings, response, let.opened.secret)
    cookies.give_device(visit.settings, response, let.device)
    return response


async def _code(visit: Visit) -> tuple[str, str]:
    code = str(visit.json.pop("code", ""))
    await _found(visit, code)
    return code, "".join(c for c in str(visit.json.pop("label", "")) if c.isprintable()) or visit.visitor.agent


@door("POST", "/invited/join")
async def invited_join(visit: Visit) -> Response:
    """Whoever is signed in already is this person too, in another organisation."""
    here, code = visit.session, visit.form.get("code", "")
    try:
        whom = await invitations.by_account(code, here.account)
        posts = [post for post in await sessions.posts(here.account) if post.person == whom.person]
        if not posts:
            raise Refused("T-NOBODY")
        opened = await sessions.follow(visit.settings, here, person=whom.person, role=posts[0].role, cause="switched")
    except Refused as no:
        return await _choose(visit, code, no)
    response = visit.go("/me")
    cookies.give_session(visit.settings, response, opened.secret)
    return response
