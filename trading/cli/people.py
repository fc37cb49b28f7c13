"""`trading people`: invitations, recoveries, roles, sessions, with an administrator's or a colleague's token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trading.cli.app import group, screen, t
from trading.cli.bidder import TokenOption
from trading.cli.log import HERE, Url

if TYPE_CHECKING:
    from trading.client import Platform

people = group("people")
Person = Annotated[str, typer.Argument(help=t("help.people.person"))]


def _platform(url: str, token: str) -> Platform:
    from trading.client import Platform

    return Platform(url, token=token, lang=screen().lang)


def _grouped(code: str) -> str:
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


@people.command("invite", help=t("help.people.invite"))
def invite(person: Person, url: Url = HERE, token: TokenOption = "") -> None:
    """A one-time code with which a person chooses how to sign in."""
    with _platform(url, token) as platform:
        made = platform.post(f"/people/{person}/invitation")
    screen().say("people.code", code=_grouped(made["code"]), ends=made["ends_at"])
    screen().line(f"{url.rstrip('/')}/invited")
    screen().result(made)


@people.command("recover", help=t("help.people.recover"))
def recover(
    person: Annotated[str, typer.Argument(help=t("help.people.person"))] = "",
    approve: Annotated[str, typer.Option("--approve", help=t("help.people.approve"))] = "",
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Propose to give somebody an account back, or approve it: one half of the code each."""
    if bool(person) == bool(approve):
        raise typer.BadParameter(t("help.people.recover"))
    with _platform(url, token) as platform:
        made = platform.post(f"/recoveries/{approve}/approval" if approve else f"/people/{person}/recovery")
    screen().say("people.half", recovery=made["id"], code=_grouped(made["code"]), ends=made["ends_at"])
    screen().result(made)


@people.command("roles", help=t("help.people.roles"))
def roles(
    person: Person,
    role: Annotated[list[str], typer.Option("--role", help=t("help.people.role"))],
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """All the roles a person has from now on."""
    with _platform(url, token) as platform:
        made = platform.request("PUT", f"/api/v1/people/{person}/roles", json={"roles": role}).json()
    screen().say("people.roles", person=person, roles=made["roles"])
    screen().result(made)


@people.command("sessions", help=t("help.people.sessions"))
def sessions(person: Person, url: Url = HERE, token: TokenOption = "") -> None:
    """End every session of a person. Who is signed in is not shown: it would tell who is at work."""
    with _platform(url, token) as platform:
        platform.request("POST", f"/api/v1/people/{person}/sessions/end")
    screen().say("people.ended")
    screen().result({"person": person})
