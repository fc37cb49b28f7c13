"""`trading draw join | watch | show | approve`: a party of a draw, and an authority that approves a third attempt."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.refusal import Broken, Refused
from trading.cli.app import agree, group, screen, t
from trading.cli.bidder import STATE, PartiesOption, PolicyOption, StateOption, TokenOption, signer_of, trust
from trading.cli.log import HERE, Url

if TYPE_CHECKING:
    from experts.joining import Joined
    from trading.tools.party import Party, Standing

draw = group("draw")
IdentityOption = Annotated[Path, typer.Option("--identity", help=t("help.draw.identity"))]
EveryOption = Annotated[float, typer.Option(help=t("help.draw.every"))]
ReplacedOption = Annotated[str, typer.Option(help=t("help.draw.replaced"))]
TenderArgument = Annotated[str, typer.Argument(help=t("help.tender"))]


def _open(identity: Path, policy: Path, parties: Path, state: Path, url: str, token: str) -> Party:
    from trading.client import Platform
    from trading.tools.memory import Memory
    from trading.tools.party import Party

    trusted = trust(policy, parties)
    id, signer = signer_of(identity, trusted.policy.origin, kind="identity")
    return Party(id, signer, trusted, Memory(state), Platform(url, token=token, lang=screen().lang))


@draw.command("join", help=t("help.draw.join"))
def join(
    tender: TenderArgument,
    identity: IdentityOption,
    policy: PolicyOption,
    parties: PartiesOption,
    once: Annotated[bool, typer.Option("--once", help=t("help.draw.once"))] = False,
    every: EveryOption = 5.0,
    replaced: ReplacedOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
    state: StateOption = STATE,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Commit to a nonce, wait until all have, reveal it; shown and asked before the nonce is made."""
    from trading.tools.party import NOT_YET, REVEALED

    tool = _open(identity, policy, parties, state, url, token)
    told: Standing | None = None
    while told is None or (told.state != REVEALED and not once):
        if told is not None:
            time.sleep(every)
        try:
            found = tool.step(tender, replaced=replaced, agree=lambda joined: yes or screen().as_json or _agree(joined))
        except Refused as no:
            if no.code not in NOT_YET or once:
                raise
            continue
        if found != told:
            _tell(found)
        told = found
    screen().result({"tender": told.tender, "draw": told.draw, "attempt": told.attempt, "state": told.state})


@draw.command("watch", help=t("help.draw.watch"))
def watch(
    identity: IdentityOption,
    policy: PolicyOption,
    parties: PartiesOption,
    tender: Annotated[str | None, typer.Argument(help=t("help.tender"))] = None,
    every: EveryOption = 5.0,
    replaced: ReplacedOption = "",
    state: StateOption = STATE,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Take part by itself in every draw that waits for this party, until SIGTERM; an alarm is told once."""
    from trading.tools.party import NOT_YET

    tool = _open(identity, policy, parties, state, url, token)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    screen().say("draw.watching", id=tool.id)
    alarms: set[tuple[str, str]] = set()
    standings: dict[str, Standing] = {}
    while not ended.is_set():
        try:
            due = [tender] if tender else tool.duties()
        except Refused as no:
            due = []
            if no.code not in NOT_YET:
                raise
        for one in due:
            try:
                found = tool.step(one, replaced=replaced)
            except (Refused, Broken) as no:
                if no.code not in NOT_YET and (one, no.code) not in alarms:
                    alarms.add((one, no.code))
                    screen().say("draw.alarm", tender=one)
                    screen().fail(no)
                continue
            if standings.get(one) != found:
                standings[one] = found
                _tell(found)
        ended.wait(every)


@draw.command("show", help=t("help.draw.show"))
def show(
    tender: TenderArgument,
    identity: IdentityOption,
    policy: PolicyOption,
    parties: PartiesOption,
    replaced: ReplacedOption = "",
    state: StateOption = STATE,
    url: Url = HERE,
) -> None:
    """Prove what the log holds of a tender's draw, judge it as `join` would, and do nothing."""
    found = _open(identity, policy, parties, state, url, "").look(tender, replaced=replaced)
    if found is None:
        screen().say("draw.none", tender=tender)
        screen().result({"tender": tender, "draw": None})
        return
    _about(found)
    screen().result(
        {
            "tender": found.tender, "draw": found.draw, "attempt": found.attempt, "i": found.i,
            "committed": sorted(found.committed), "revealed": sorted(found.revealed), "parties": found.parties,
            "reveal_by": found.reveal_by.isoformat(),
        }
    )  # fmt: skip


@draw.command("approve", help=t("help.draw.approve"))
def approve(
    tender: TenderArgument,
    identity: IdentityOption,
    policy: PolicyOption,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """An authority reads the attempt that waits, and signs it: from the third one of a draw on."""
    from audit.canon import parse_object, unb64
    from audit.trust import Policy
    from experts.approvals import unapproved
    from trading.client import Platform

    who, signer = signer_of(identity, Policy.parse(policy.read_bytes()).origin, kind="identity")
    with Platform(url, token=token, lang=screen().lang) as platform:
        waiting = platform.get(f"/tenders/{tender}/panel/draft")
        record = parse_object(unb64(waiting["draft"]))
        if (record.get("tender"), record.get("attempt")) != (tender, waiting["attempt"]):
            raise Refused("P-OTHER", attempt=waiting["attempt"])
        screen().say("draw.draft", tender=tender, attempt=record["attempt"], pool=record["pool_size"])
        for name in sorted(record):
            screen().line(f"    {name}: {record[name]}")
        agree("draw.approve", yes)
        platform.post(f"/tenders/{tender}/panel/approvals", {"sig": [signer.sign(unapproved(record))]})
    screen().say("draw.approved", who=who, attempt=record["attempt"])
    screen().result({"tender": tender, "attempt": record["attempt"], "by": who})


def _agree(joined: Joined) -> bool:
    _about(joined)
    return bool(typer.confirm(screen().text("draw.confirm"), err=True))


def _about(joined: Joined) -> None:
    screen().say(
        "draw.about", tender=joined.tender, draw=joined.draw, attempt=joined.attempt, i=joined.i,
        committed=len(joined.committed), parties=joined.parties, latest=joined.reveal_by,
    )  # fmt: skip


def _tell(found: Standing) -> None:
    screen().say(
        f"draw.{found.state}",
        tender=found.tender,
        attempt=found.attempt,
        committed=found.committed,
        parties=found.parties,
    )
