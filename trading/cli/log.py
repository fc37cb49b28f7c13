"""`trading log`: read the public log from outside and believe only what verifies; open it and keep its key, inside."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.refusal import Refused
from trading.cli.app import group, screen, t

if TYPE_CHECKING:
    from audit.trust import Parties, Policy

log = group("log")
Url = Annotated[str, typer.Option("--url", envvar="TRADING_URL", help=t("help.url"))]
HERE = "http://127.0.0.1:8000"


@log.command("tail", help=t("help.log.tail"))
def tail(
    after: Annotated[int, typer.Option(help=t("help.log.after"))] = -1,
    follow: Annotated[bool, typer.Option("--follow", "-f", help=t("help.log.follow"))] = False,
    url: Url = HERE,
) -> None:
    """Print public records in log order; with --follow, go on as they come."""
    import time

    from trading.client import Platform

    with Platform(url, lang=screen().lang) as platform:
        place = str(after)
        while True:
            batch = platform.request("GET", "/events", params={"after": place, "limit": 1000}).json()
            for event in batch:
                place = event[
                    "sequence"
                ]  # its place in the feed: what a closing disclosed has a lower index of its own
                data = event.get("data") or {}
                kind = str(event["type"]).removeprefix("trading.")
                screen().line(f"{event['logindex']:>8}  {data.get('time', '')}  {kind:<32} {data.get('subject', '')}")
                screen().result(event)
            if len(batch) < 1000 and not follow:
                return
            if not batch:
                time.sleep(1)


@log.command("prove", help=t("help.log.prove"))
def prove(
    index: Annotated[int, typer.Argument(help=t("help.log.index"))],
    policy: Annotated[Path, typer.Option(help=t("help.policy"))],
    url: Url = HERE,
    out: Annotated[Path | None, typer.Option(help=t("help.log.out"))] = None,
) -> None:
    """Fetch checkpoint, tiles and the entry; check the cosignatures and the inclusion proof; print or write the proof."""
    from audit.trust import Policy
    from trading.client import Platform
    from trading.tools.entry import proved

    with Platform(url, lang=screen().lang) as platform:
        found = proved(platform, Policy.parse(policy.read_bytes()), index)
    if out is not None:
        out.write_bytes(found.proof)
    else:
        screen().line(found.proof.decode())
    names, size = ", ".join(sorted(found.note.cosigned)), found.note.checkpoint.size
    screen().say("log.proved", index=index, size=size, witnesses=names)
    screen().result({"index": index, "size": size, "proof": base64.b64encode(found.proof).decode()})


@log.command("tool", help=t("help.log.tool"))
def tool(
    file: Annotated[Path, typer.Argument(help=t("help.log.tool.file"), exists=True, dir_okay=False)],
    policy: Annotated[Path, typer.Option(help=t("help.policy"))],
    url: Url = HERE,
) -> None:
    """Say whether the SHA-256 of a saved offline page stands in the log, proved under a cosigned checkpoint."""
    from hashlib import sha256

    from audit.trust import Policy
    from trading.client import Platform
    from trading.tools.entry import tool_of

    digest = sha256(file.read_bytes()).hexdigest()
    with Platform(url, lang=screen().lang) as platform:
        found, record = tool_of(platform, Policy.parse(policy.read_bytes()), digest)
    screen().line(f"{digest}  {file}")
    names = ", ".join(sorted(found.note.cosigned))
    screen().say("log.tool", tool=record["tool"], index=found.index, time=record["time"], witnesses=names)
    screen().result({"sha256": digest, "tool": record["tool"], "index": found.index})


# ------------------------------------------------------------------------------------------------ the operator's side

Data = Annotated[Path | None, typer.Option("--data", envvar="TRADING_DATA", help=t("help.data"))]


@log.command("key", help=t("help.log.key"))
def key(
    data: Data = None,
    rotate: Annotated[bool, typer.Option("--rotate", help=t("help.log.rotate"))] = False,
) -> None:
    """Make the log's key, or a new one in place of a stolen or lost one; print the line for policy.txt."""
    from audit.logkey import LogKey
    from trading.cli.service import settings

    chosen = settings(data)
    made = (LogKey.rotate if rotate else LogKey.generate)(chosen.log_key_path, chosen.origin)
    screen().line(f"log {made.vkey}")
    screen().say("log.key.rotated" if rotate else "log.key.made", path=str(chosen.log_key_path))
    screen().result({"vkey": str(made.vkey), "path": str(chosen.log_key_path)})


@log.command("open", help=t("help.log.open"))
def open_(
    data: Data = None,
    factor: Annotated[int, typer.Option(help=t("help.log.factor"))] = 0,
) -> None:
    """Write record 0 under the trust files of the settings; opening it again changes nothing."""
    from datetime import UTC, datetime

    from audit.clock import LogClock
    from audit.genesis import open_log

    now = datetime.now(UTC)
    clock = LogClock(now, factor, now) if factor else None

    async def begin(chosen: Any, policy: Policy, parties: Parties) -> int:
        opened = await open_log(
            chosen.origin, beat=int(chosen.beat), width=chosen.width, policy=policy, parties=parties, clock=clock
        )
        screen().say("log.opened", origin=opened.origin, beat=opened.beat, width=opened.width)
        return opened.beat

    _with_trust(data, begin)
    screen().result({"opened": True})


@log.command("publish-trust", help=t("help.log.publish"))
def publish(data: Data = None) -> None:
    """Log the hashes of the trust files of the settings, after whoever may has signed them (envelope.md §2)."""
    from audit.act import Actor
    from audit.genesis import publish_trust

    async def tell(chosen: Any, policy: Policy, parties: Parties) -> None:
        await publish_trust(Actor("operator", chosen.origin), chosen.origin, policy, parties)

    _with_trust(data, tell)
    screen().say("log.published")
    screen().result({"published": True})


def _with_trust(data: Path | None, work: Callable[[Any, Policy, Parties], Awaitable[Any]]) -> None:
    """Run `work` on the connected database with this installation's trust files."""
    import asyncio

    from audit.trust import Parties, Policy
    from trading.cli.service import settings
    from trading.postgres import connected, running

    chosen = settings(data)
    try:
        policy = Policy.parse(chosen.policy_path.read_bytes())
        parties = Parties.parse(chosen.parties_path.read_bytes())
    except OSError as error:
        raise Refused("T-TRUST", path=str(error.filename), why=str(error.strerror)) from error

    async def connect_and_work() -> None:
        async with connected(chosen):
            await work(chosen, policy, parties)

    with running(chosen):
        asyncio.run(connect_and_work())
