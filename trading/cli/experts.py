"""`trading experts …`: the roster, at the dispatcher's machine. Only these commands and the dispatcher read the vault key.

What a name or a number is put into never stands on the command line of others: `-` asks for it, and corrections always do.
"""

from __future__ import annotations

import asyncio
import csv
import getpass
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from audit.refusal import Refused
from trading.cli.app import agree, group, moment, screen, t
from trading.cli.bidder import TokenOption, signer_of
from trading.cli.keys import passphrase
from trading.cli.log import HERE, Url
from trading.cli.service import Data, settings
from trading.trade_file import cell

if TYPE_CHECKING:
    from audit.act import Act, Actor, RecordRef
    from experts.intake import Rejection
    from experts.vault import Vault
    from trading.settings import Settings

T = TypeVar("T")
experts = group("experts")
SHOWN = 50
"""Rejected lines on a screen; all of them go into `--report` and into JSON."""

File = Annotated[Path, typer.Argument(help=t("help.experts.file"), exists=True, dir_okay=False)]
Expert = Annotated[str, typer.Argument(help=t("help.experts.id"))]
Paper = Annotated[Path, typer.Argument(help=t("help.experts.paper"), exists=True, dir_okay=False)]
Dry = Annotated[bool, typer.Option("--dry-run", help=t("help.experts.dry"))]
From = Annotated[str, typer.Option("--from", help=t("help.experts.from"))]
Until = Annotated[str, typer.Option("--until", help=t("help.experts.until"))]
End = Annotated[bool, typer.Option("--end", help=t("help.experts.end"))]


def open_vault(chosen: Settings, *, old: Path | None = None) -> Vault:
    """The vault of this installation: its key, and the one before it where the settings (or `old`) name one.

    Refused: K-MISSING, K-FILE, K-KIND, K-ORIGIN, K-PASSPHRASE.
    """
    from experts.vault import Vault
    from trading.keyfiles import read_vault

    paths = [chosen.vault_key_path, *(path for path in (old or chosen.vault_old_key,) if path is not None)]
    return Vault([read_vault(path, passphrase(), origin=chosen.origin) for path in paths])


def operator() -> Actor:
    """Whoever sits at the dispatcher's machine, by the name the machine knows."""
    from audit.act import Actor

    try:
        return Actor("dispatcher", getpass.getuser())
    except (KeyError, OSError):  # a container's user without a name
        return Actor("dispatcher", str(os.getuid()))


def run(chosen: Settings, work: Callable[[], Awaitable[T]]) -> T:
    """Do something with the database."""
    from trading.postgres import connected, running

    async def inside() -> T:
        async with connected(chosen):
            return await work()

    with running(chosen):
        return asyncio.run(inside())


# --------------------------------------------------------------------------------------------------------------- imports


@experts.command("specialties", help=t("help.experts.specialties"))
def specialties(file: File, data: Data = None, dry: Dry = False) -> None:
    """Take the tree of specialties from a file."""
    from trading import roster

    done = run(settings(data), lambda: roster.import_specialties(operator(), file, dry=dry))
    _report(done.rejected, None)
    screen().say("experts.specialties" if done.taken else "experts.specialties.none", count=done.taken)
    screen().result({"taken": done.taken, "dry_run": dry, "rejected": _told(done.rejected)})
    if done.rejected:
        raise typer.Exit(1)


@experts.command("import", help=t("help.experts.import"))
def import_(
    file: File,
    data: Data = None,
    dry: Dry = False,
    report: Annotated[Path | None, typer.Option(help=t("help.experts.report"))] = None,
) -> None:
    """Name the experts of a file on the roster, and report every line that was not taken."""
    from trading import roster

    chosen = settings(data)
    vault = open_vault(chosen)
    with screen().counting("experts.reading", 0) as done_so_far:
        done = run(
            chosen, lambda: roster.import_experts(vault, operator(), file, dry=dry, progress=done_so_far)
        )  # fmt: skip
    _report(done.rejected, report)
    facts = {"known": done.known, "rejected": len({one.line for one in done.rejected})}
    if not done.taken:
        screen().say("experts.nothing", **facts)
    else:
        screen().say("experts.would" if dry else "experts.imported", count=done.taken, **facts)
    screen().result({"taken": done.taken, "known": done.known, "dry_run": dry, "rejected": _told(done.rejected)})
    if done.rejected and not done.taken and done.known < len({one.line for one in done.rejected}):
        raise typer.Exit(1)


def _told(rejected: Sequence[Rejection]) -> list[dict[str, Any]]:
    return [
        {"line": one.line, "column": one.column, "why": one.why, "message": screen().text(f"why: roster {one.why}")}
        for one in rejected
    ]


def _report(rejected: Sequence[Rejection], to: Path | None) -> None:
    out = screen()
    heads = ("experts.head.line", "experts.head.column", "experts.head.why")
    told = [
        (one["why"], [str(one["line"]), out.text(f"roster.column.{one['column']}"), one["message"]])
        for one in _told(rejected)
    ]
    rows = [row for _, row in told]
    shown = [row for why, row in told if why != "on-roster"]  # of those the last sentence says how many
    if shown:
        out.table(heads, shown[:SHOWN], right=frozenset({0}))
    if len(shown) > SHOWN:
        out.say("experts.more", count=len(shown) - SHOWN)
    if to is not None:
        with to.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([[out.text(head) for head in heads], *([cell(c) for c in row] for row in rows)])


# --------------------------------------------------------------------------------------------------------------- looking


@experts.command("list", help=t("help.experts.list"))
def list_(data: Data = None) -> None:
    """Counts by specialty and region."""
    from trading import roster

    found = run(settings(data), roster.statistics)
    screen().say("experts.counts", **{name: found[name] for name in _STATES})
    lang = screen().lang
    rows = [[s["code"], (s["en"] if lang == "en" else "") or s["zh"], str(s["experts"])] for s in found["specialties"]]
    right = frozenset({2})
    screen().table(("experts.head.code", "experts.head.specialty", "experts.head.count"), rows, right=right)
    regions = [[one["region"], str(one["experts"])] for one in found["regions"]]
    screen().table(("experts.head.region", "experts.head.count"), regions, right=frozenset({1}))
    screen().result(found)


_STATES = ("named", "admitted", "removed", "on_leave", "suspended")


@experts.command("find", help=t("help.experts.find"))
def find(
    data: Data = None,
    phone: Annotated[str, typer.Option(help=t("help.experts.phone"))] = "",
    identity: Annotated[str, typer.Option(help=t("help.experts.identity"))] = "",
    show: Annotated[bool, typer.Option("--show", help=t("help.experts.show"))] = False,
) -> None:
    """Find somebody by keyed hash; --show opens the row, which is a record."""
    from experts.person import Unfit, identity_number, telephone
    from trading import roster

    if bool(phone) == bool(identity):
        raise typer.BadParameter("--phone | --identity")
    field, given = ("identity", identity) if identity else ("phone", phone)
    text = _ask(field) if given == "-" else given
    try:
        wanted = {field: identity_number(text) if identity else telephone(text)}
    except Unfit as unfit:
        raise _unfit(field, unfit.why) from None
    chosen = settings(data)
    vault = open_vault(chosen)
    ids, people = run(chosen, lambda: roster.find(operator(), vault, show=show, **wanted))
    if not ids:
        raise Refused("E-EXPERT-NONE")
    for place, id in enumerate(ids):
        screen().line(id)
        if people:
            _show(people[place])
    screen().result({"experts": ids, **({"people": [_facts(one) for one in people]} if people else {})})


def _facts(person: Any) -> dict[str, Any]:
    from audit.canon import parse_object

    return parse_object(person.encode())


def _show(person: Any) -> None:
    for name, value in _facts(person).items():
        if name == "employers":
            value = "；".join(f"{one['code']} {one['from']}~{one['until'] or ''}" for one in value)
        elif isinstance(value, list):
            value = "；".join(value)
        called = "personal" if name == "code" else name
        screen().line(f"    {screen().text('roster.column.' + called)}  {value}")


# -------------------------------------------------------------------------------------------------------------- changing


def _change(data: Path | None, expert: str, work: Callable[[Act], Awaitable[RecordRef]]) -> None:
    from trading import roster

    done = run(settings(data), lambda: roster.change(operator(), work))
    screen().say("experts.changed", expert=expert)
    screen().result({"expert": expert, **done})


@experts.command("leave", help=t("help.experts.leave"))
def leave(expert: Expert, data: Data = None, start: From = "", until: Until = "", end: End = False) -> None:
    """Leave: not called while it lasts."""
    _absence(data, expert, "leave", start, until, end)


@experts.command("suspend", help=t("help.experts.suspend"))
def suspend(expert: Expert, data: Data = None, start: From = "", until: Until = "", end: End = False) -> None:
    """Suspend: not drawn while it lasts."""
    _absence(data, expert, "suspended", start, until, end)


def _absence(data: Path | None, expert: str, kind: str, start: str, until: str, end: bool) -> None:
    from experts import standing

    if end:
        _change(data, expert, lambda act: standing.return_(act, expert, kind))
        return
    begin, last = moment(start) if start else None, moment(until) if until else None
    away = standing.leave if kind == "leave" else standing.suspend
    _change(data, expert, lambda act: away(act, expert, begin or act.now, last))


@experts.command("remove", help=t("help.experts.remove"))
def remove(
    expert: Expert, data: Data = None, yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False
) -> None:
    """Take somebody off the roster, for good."""
    from experts import standing

    agree("experts.remove", yes, expert=expert)
    _change(data, expert, lambda act: standing.remove(act, expert))


@experts.command("assess", help=t("help.experts.assess"))
def assess(
    expert: Expert,
    year: Annotated[int, typer.Argument(help=t("help.experts.year"))],
    score: Annotated[int, typer.Argument(help=t("help.experts.score"))],
    data: Data = None,
) -> None:
    """The assessment of a year."""
    from experts import standing

    _change(data, expert, lambda act: standing.assess(act, expert, year, score))


@experts.command("credit", help=t("help.experts.credit"))
def credit(
    expert: Expert, score: Annotated[int, typer.Argument(help=t("help.experts.score"))], data: Data = None
) -> None:
    """The credit of an expert."""
    from experts import standing

    _change(data, expert, lambda act: standing.set_credit(act, expert, score))


@experts.command("correct", help=t("help.experts.correct"))
def correct(
    expert: Expert, field: Annotated[str, typer.Argument(help=t("help.experts.field"))], data: Data = None
) -> None:
    """Correct one field; its new value is asked for, as a column would have it. `code` draws a new personal code."""
    import secrets

    from experts import intake, roster, standing
    from experts.person import Unfit

    if field != "code" and field not in intake.COLUMNS:
        raise typer.BadParameter(field)
    text = f"{secrets.randbelow(10_000):04d}" if field == "code" else _ask(field)
    chosen = settings(data)
    vault = None if field in _CLEAR else open_vault(chosen)

    async def change(act: Act) -> RecordRef:
        try:
            value: Any = text if field == "code" else intake.read_field(field, text, await roster.tree(act.query))
        except Unfit as unfit:
            raise _unfit(field, unfit.why) from None
        if vault is None:
            return await standing.classify(act, expert, **{field: value})
        return await standing.correct(act, vault, expert, **{field: value})

    _change(data, expert, change)


_CLEAR = ("specialties", "regions", "title")


def _ask(field: str) -> str:
    said: str = typer.prompt(screen().text(f"roster.column.{field}"), default="", show_default=False, err=True)
    return said.strip()


def _unfit(field: str, word: str) -> Refused:
    return Refused("E-EXPERT-VALUE", why="roster " + word)


# ------------------------------------------------------------------------------------------------------ key and admission


@experts.command("rotate-key", help=t("help.experts.rotate"))
def rotate_key(
    data: Data = None,
    old: Annotated[Path | None, typer.Option(help=t("help.experts.old"), exists=True, dir_okay=False)] = None,
) -> None:
    """Seal every row under the new key (TRADING_VAULT_KEY) and make its marks anew; --old is the key until now."""
    from trading import roster

    chosen = settings(data)
    vault = open_vault(chosen, old=old)
    with screen().counting("experts.rotating", 0) as done:
        count, waiting = run(chosen, lambda: roster.rotate(operator(), vault, done))
    screen().say("experts.rotated", count=count, key=vault.fingerprint)
    if waiting:
        screen().say("experts.rotated.waiting", count=waiting)
    screen().result({"experts": count, "key": vault.fingerprint, "waiting": waiting})


@experts.command("draft-admission", help=t("help.experts.draft"))
def draft_admission(
    out: Annotated[Path, typer.Option(help=t("help.experts.out"))],
    data: Data = None,
    limit: Annotated[int | None, typer.Option(min=1, help=t("help.experts.limit"))] = None,
) -> None:
    """Write the ids of those who wait for an admission on a paper."""
    from trading import roster
    from trading.tools import admission

    ids = run(settings(data), lambda: roster.named(limit))
    paper = admission.draft(ids)
    out.write_bytes(admission.write(paper))
    screen().say("experts.drafted", path=str(out), count=len(ids))
    screen().result({"file": str(out), "experts": len(ids), "records": len(paper["admissions"])})


@experts.command("sign-admission", help=t("help.experts.sign"))
def sign_admission(
    paper: Paper,
    key: Annotated[Path, typer.Option(help=t("help.experts.key"))],
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
) -> None:
    """Show how many and which ids, ask, sign: an authority, on its own machine."""
    from trading.keyfiles import peek
    from trading.tools import admission

    found = admission.read(paper.read_bytes())
    for one in found["admissions"]:
        for id in one["experts"]:
            screen().line(f"    {id}")
    screen().say("experts.about", count=admission.count(found))
    agree("experts.confirm", yes)
    who, signer = signer_of(key, str(peek(key)["origin"]), kind="identity")
    paper.write_bytes(admission.write(admission.sign(found, who, signer)))
    screen().say("experts.signed", who=who, count=admission.count(found))
    screen().result({"file": str(paper), "by": who, "experts": admission.count(found)})


@experts.command("send-admission", help=t("help.experts.send"))
def send_admission(paper: Paper, url: Url = HERE, token: TokenOption = "") -> None:
    """Hand the signed paper in; interrupted, it may be sent again."""
    from trading.client import Platform
    from trading.tools import admission

    found = admission.read(paper.read_bytes())
    count, records = 0, []
    with Platform(url, token=token, lang=screen().lang) as platform:
        for admitted, answer in admission.send(platform, found):
            count += admitted
            records.append(answer["record"])
    screen().say("experts.sent", count=count)
    screen().result({"experts": count, "records": records})
