"""`trading custodian statement | rehearse | release | receipt`: a custodian, on its own machine."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.refusal import Refused
from trading.cli.app import group, moment, screen, t
from trading.cli.bidder import STATE, PartiesOption, PolicyOption, StateOption, TokenOption, trust
from trading.cli.keys import passphrase
from trading.cli.log import HERE, Url

if TYPE_CHECKING:
    from bidding.custody import CheckedClosing
    from trading.tools.custodian import Custodian

custodian = group("custodian")
IdentityOption = Annotated[Path, typer.Option("--identity", help=t("help.custodian.identity"))]
BoxOption = Annotated[list[Path], typer.Option("--box", help=t("help.custodian.box"))]


def _open(
    identity: Path, boxes: list[Path], policy: Path, parties: Path, state: Path, url: str, token: str
) -> Custodian:
    from audit.trust import Ed25519Signer
    from trading.client import Platform
    from trading.keyfiles import read
    from trading.tools.custodian import Custodian
    from trading.tools.memory import Memory

    trusted, secret = trust(policy, parties), passphrase()
    origin = trusted.policy.origin
    own = read(identity, secret, kind="identity", origin=origin)
    keys = [read(box, secret, kind="custodian", origin=origin) for box in boxes]
    if strange := [key.id for key in keys if key.id != own.id]:
        raise Refused("C-KEYSET", why=f"a box key of {strange[0]} beside the identity of {own.id}")
    return Custodian(
        own.id,
        Ed25519Signer(own.private),  # type: ignore[arg-type]
        [key.private for key in keys],  # type: ignore[misc]
        trusted,
        Memory(state),
        Platform(url, token=token, lang=screen().lang),
    )


@custodian.command("statement", help=t("help.custodian.statement"))
def statement(
    identity: IdentityOption,
    box: BoxOption,
    policy: PolicyOption,
    parties: PartiesOption,
    name: Annotated[str, typer.Option(help=t("help.custodian.name"))],
    valid_from: Annotated[str, typer.Option("--from", help=t("help.custodian.from"))],
    valid_to: Annotated[str, typer.Option("--until", help=t("help.custodian.until"))],
    tender: Annotated[str | None, typer.Option(help=t("help.tender"))] = None,
    state: StateOption = STATE,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Register what a box key guards: a span of opening hours, or one tender."""
    tool = _open(identity, box, policy, parties, state, url, token)
    made = [
        tool.state_key(key, name=name, valid_from=moment(valid_from), valid_to=moment(valid_to), tender=tender)
        for key in tool.boxes
    ]
    for one in made:
        screen().say("custodian.stated", statement=one.hash)
    screen().result({"statements": [one.hash for one in made]})


@custodian.command("rehearse", help=t("help.custodian.rehearse"))
def rehearse(
    identity: IdentityOption,
    box: BoxOption,
    policy: PolicyOption,
    parties: PartiesOption,
    state: StateOption = STATE,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Answer a challenge for every statement whose key is at hand."""
    tool = _open(identity, box, policy, parties, state, url, token)
    done = []
    for one in tool.statements():
        if tool.holds(one):
            tool.rehearse(one)
            done.append(one.hash)
            screen().say("custodian.rehearsed", statement=one.hash)
    if not done:
        raise Refused("C-KEYSET", why="no statement of these keys in the state directory")
    screen().result({"rehearsed": done})


@custodian.command("receipt", help=t("help.custodian.receipt"))
def receipt(
    file: Annotated[Path, typer.Argument(help=t("help.receipt.file"), exists=True, dir_okay=False)],
    state: StateOption = STATE,
) -> None:
    """Show this custodian a bidder's receipt: it will not release for a list that does not honour it."""
    from audit.canon import sha256_hex
    from audit.receipt import Receipt
    from trading.tools.memory import Memory

    data = file.read_bytes()
    held = Receipt.parse(data)
    # By the hash of its bytes: nobody puts another receipt of the same manifest in its place.
    Memory(state).put(f"receipts/{sha256_hex(data)}.json", data)
    screen().say("custodian.receipt", manifest=held.manifest)


@custodian.command("release", help=t("help.custodian.release"))
def release(
    identity: IdentityOption,
    box: BoxOption,
    policy: PolicyOption,
    parties: PartiesOption,
    tender: Annotated[str | None, typer.Option(help=t("help.tender"))] = None,
    watch: Annotated[bool, typer.Option("--watch", help=t("help.custodian.watch"))] = False,
    every: Annotated[float, typer.Option(help=t("help.custodian.every"))] = 5.0,
    without: Annotated[list[str] | None, typer.Option(help=t("help.custodian.without"))] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
    state: StateOption = STATE,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Release what is due: attended, after showing what was computed; with --watch by itself, until SIGTERM."""
    from bidding.manifest import FORM

    tool = _open(identity, box, policy, parties, state, url, token)
    if watch:
        _watch(tool, tender, every)
        return
    due = [one for one in tool.duties() if one.state == "due" and tender in (None, one.tender)]
    due.sort(key=lambda one: (one.tender, one.stage != FORM))  # the larger stages may wait for the supervisor's store
    if not due:
        screen().say("custodian.nothing")
    for one in due:
        checked = tool.release(
            one.tender, one.stage, without=without or (), agree=lambda found: yes or screen().as_json or _agree(found)
        )
        _tell(checked)
    screen().result({"released": [{"tender": one.tender, "stage": one.stage} for one in due]})


def _watch(tool: Custodian, tender: str | None, every: float) -> None:
    """Poll, and release what the tool's own computation allows; a refusal is told once, and looked at again."""
    from trading.tools.custodian import NOT_YET

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    told: set[tuple[str, str, str]] = set()
    screen().say("custodian.watching", id=tool.id)
    while not ended.is_set():
        try:
            duties = tool.duties()
        except Refused as no:
            duties = []
            if no.code not in NOT_YET:
                raise
        for one in duties:
            if one.state != "due" or tender not in (None, one.tender) or ended.is_set():
                continue
            try:
                _tell(tool.release(one.tender, one.stage, unattended=True))
            except Refused as no:
                if no.code not in NOT_YET and (key := (one.tender, one.stage, no.code)) not in told:
                    told.add(key)
                    screen().say("custodian.alarm", tender=one.tender, stage=one.stage)
                    screen().fail(no)
        ended.wait(every)


def _agree(checked: CheckedClosing) -> bool:
    out = screen()
    keyset = checked.keyset
    out.say("custodian.about", tender=keyset.tender, stage=keyset.stage, count=len(checked.listed))
    for finding in checked.findings:
        out.line(f"    ! {finding}")
    return bool(typer.confirm(out.text("custodian.confirm"), err=True))


def _tell(checked: CheckedClosing) -> None:
    keyset = checked.keyset
    screen().say("custodian.released", tender=keyset.tender, stage=keyset.stage, count=len(checked.listed))
