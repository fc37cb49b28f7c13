"""One's own account: as whom one acts, where one is signed in, what one signs in with, what waits for one's approval."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from io import BytesIO
from typing import Any

import segno
from starlette.responses import Response

from audit.act import Actor
from audit.refusal import Refused
from trading import approvals, credentials, onetime, sessions
from trading.signin import PASSKEY, PASSWORD
from trading.web import api_people, cookies, origin, signin_pages
from trading.web.api import Call
from trading.web.doors import Visit, door


def _actor(visit: Visit) -> Actor:
    return Actor("person", visit.session.person or "")


def _call(visit: Visit) -> Call:
    return Call(visit.request, visit.platform, visit.caller, None, visit.request.path_params, lang=visit.screen.lang)


async def _show(visit: Visit, error: Refused | None = None) -> Response:
    here = visit.session
    posts = await sessions.posts(here.account)
    waiting: list[dict[str, Any]] = []
    for one in await approvals.waiting():
        if await api_people.place_of(_call(visit), one) is not None:
            mine = one.person in {post.person for post in posts}
            body = json.loads(one.body or "null")
            waiting.append({"one": one, "mine": mine, "body": body if isinstance(body, dict) else {}})
    return visit.page(
        "me.html", error=error, here=here, posts=posts, sessions=await sessions.listed(visit.settings, here.account),
        credentials=await credentials.of(here.account), login=await credentials.login(here.account),
        certificate=signin_pages.certificate(visit), waiting=waiting,
    )  # fmt: skip


@door("GET", "/me")
async def me(visit: Visit) -> Response:
    """One's own page."""
    return await _show(visit)


@door("POST", "/me/role")
async def me_act_as(visit: Visit) -> Response:
    """Act as another of the people one is, or in another role: a new session in the place of this one."""
    person, _, role = visit.form.get("post", "").partition(":")
    try:
        opened = await sessions.follow(visit.settings, visit.session, person=person, role=role, cause="switched")
    except Refused as no:
        return await _show(visit, no)
    response = visit.go(visit.next)
    cookies.give_session(visit.settings, response, opened.secret)
    return response


@door("POST", "/me/sessions/{session}/end")
async def me_end_session(visit: Visit) -> Response:
    """End one of one's own sessions; another's is not there."""
    if not await sessions.end(visit.session.account, visit.request.path_params["session"], "owner"):
        raise Refused("W-UNKNOWN")
    return visit.go("/me")


@door("POST", "/me/sessions/end")
async def me_end_others(visit: Visit) -> Response:
    """End all sessions but this one."""
    await sessions.end_all(visit.session.account, "owner", but=visit.session.id)
    return visit.go("/me")


# -------------------------------------------------------------------------------------------------------- credentials


async def _password(visit: Visit, error: Refused | None = None) -> Response:
    have = {one["kind"] for one in await credentials.of(visit.session.account)}
    login = await credentials.login(visit.session.account)
    return visit.page("password.html", error=error, have=PASSWORD in have, login=login)


@door("GET", "/me/password")
async def me_password_page(visit: Visit) -> Response:
    """The form for a new password."""
    return await _password(visit)


@door("POST", "/me/password")
async def me_password(visit: Visit) -> Response:
    """A new password; every other session ends (ASVS 7.4.3)."""
    form, here = visit.form, visit.session
    try:
        await credentials.change_password(
            visit.door,
            _actor(visit),
            here.account,
            form.get("old", ""),
            form.get("password", ""),
            form.get("login", ""),
        )
    except Refused as no:
        return await _password(visit, no)
    await sessions.end_all(here.account, "credentials", but=here.id)
    return visit.go("/me")


def generator(secret: str, login: str, issuer: str) -> dict[str, str]:
    """A code generator to be, as the page shows it: groups to type, and a QR code as a data URI."""
    image = BytesIO()
    segno.make(onetime.uri(secret, login, issuer), error="m").save(image, kind="svg", scale=5, border=3, light="#fff")
    return {
        "typed": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        "image": "data:image/svg+xml;base64," + b64encode(image.getvalue()).decode(),
    }


async def _generator(visit: Visit, nonce: str, error: Refused | None = None) -> Response:
    here = visit.session
    login = await credentials.login(here.account) or here.name
    secret = credentials.suggested(nonce, here.account)
    return visit.page("generator.html", error=error, nonce=nonce, shown=generator(secret, login, visit.settings.origin))


@door("GET", "/me/generator")
async def me_generator_page(visit: Visit) -> Response:
    """A new code generator: its QR code, and a field for its first code."""
    return await _generator(visit, secrets.token_hex(16))


@door("POST", "/me/generator")
async def me_generator(visit: Visit) -> Response:
    """Take it into use once it has shown that it counts; every other session ends."""
    nonce, here = visit.form.get("nonce", ""), visit.session
    if not 16 <= len(nonce) <= 64:
        raise Refused("W-BODY", at="nonce", why="length")
    secret = credentials.suggested(nonce, here.account)
    try:
        await credentials.add_generator(visit.door, _actor(visit), here.account, secret, visit.form.get("code", ""))
    except Refused as no:
        return await _generator(visit, nonce, no)
    await sessions.end_all(here.account, "credentials", but=here.id)
    return visit.go("/me")


def _holder(visit: Visit) -> str:
    return f"{PASSKEY}/{visit.session.id}"


@door("POST", "/me/passkeys/options", machine=True)
async def me_ask_passkey(visit: Visit) -> Response:
    """What the browser is given to make a passkey."""
    here = visit.session
    login = await credentials.login(here.account) or here.name
    return visit.answer(await credentials.ask_new_passkey(visit.door, here.account, login, _holder(visit)))


@door("POST", "/me/passkeys", machine=True)
async def me_add_passkey(visit: Visit) -> Response:
    """Take a new passkey into use."""
    label = "".join(c for c in str(visit.json.pop("label", "")) if c.isprintable()) or visit.visitor.agent
    await credentials.add_passkey(visit.door, _actor(visit), visit.session.account, visit.json, _holder(visit), label)
    return visit.answer({"next": "/me"}, 201)


@door("POST", "/me/certificates")
async def me_add_certificate(visit: Visit) -> Response:
    """Take the certificate of this connection into use, in the place of a code."""
    try:
        found = origin.certificate(visit.request, visit.settings)
        if found is None:
            raise Refused("T-CLIENT-CERT", why="none")
        await credentials.add_certificate(visit.door, _actor(visit), visit.session.account, found)
    except Refused as no:
        return await _show(visit, no)
    return visit.go("/me")


@door("POST", "/me/credentials/{credential}/end")
async def me_end_credential(visit: Visit) -> Response:
    """End one of one's own; never the last way in."""
    here = visit.session
    try:
        await credentials.end(_actor(visit), here.account, visit.request.path_params["credential"])
    except Refused as no:
        return await _show(visit, no)
    await sessions.end_all(here.account, "credentials", but=here.id)
    return visit.go("/me")


# ---------------------------------------------------------------------------------------------------------- two people


@door("POST", "/me/proposals/{proposal}/approval")
async def me_approve(visit: Visit) -> Response:
    """Approve what another person proposed; it runs at once."""
    try:
        await api_people.approve(_call(visit), visit.request.path_params["proposal"])
    except Refused as no:
        return await _show(visit, no)
    return visit.go("/me")


@door("POST", "/me/proposals/{proposal}/withdrawal")
async def me_withdraw(visit: Visit) -> Response:
    """Take back what one proposed."""
    try:
        await approvals.withdraw(visit.caller, visit.request.path_params["proposal"])
    except Refused as no:
        return await _show(visit, no)
    return visit.go("/me")
