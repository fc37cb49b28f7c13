"""`trading auction join | bid | watch`: the bidder in an online auction, on its own machine."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from trading.cli.app import group, screen, t
from trading.cli.bidder import STATE, KeyOption, PolicyOption, StateOption, TokenOption, signer_of
from trading.cli.log import HERE, Url

auction = group("auction")
TenderArgument = Annotated[str, typer.Argument(help=t("help.auction.tender"))]
LOOK = 1.0  # machine seconds between two looks


@auction.command("join", help=t("help.auction.join"))
def join(
    tender: TenderArgument,
    bid: Annotated[str, typer.Argument(help=t("help.auction.bid-id"))],
    key: KeyOption,
    policy: PolicyOption,
    url: Url = HERE,
    token: TokenOption = "",
    state: StateOption = STATE,
) -> None:
    """Take part, under a key made on this machine."""
    from audit.trust import Policy
    from trading.client import Platform
    from trading.tools import auction as tool
    from trading.tools.memory import Memory

    trusted = Policy.parse(policy.read_bytes())
    _, signer = signer_of(key, trusted.origin)
    with Platform(url, token=token, lang=screen().lang) as platform:
        tool.join(platform, Memory(state), trusted, tender, bid, signer)
    screen().say("auction.joined", tender=tender)
    screen().result({"joined": True})


@auction.command("bid", help=t("help.auction.bid"))
def bid(
    tender: TenderArgument,
    price: Annotated[int, typer.Argument(help=t("help.auction.price"))],
    policy: PolicyOption,
    url: Url = HERE,
    token: TokenOption = "",
    state: StateOption = STATE,
) -> None:
    """Bid a price in whole fen."""
    from audit.trust import Policy
    from trading.client import Platform
    from trading.tools import auction as tool
    from trading.tools.memory import Memory

    trusted = Policy.parse(policy.read_bytes())
    with Platform(url, token=token, lang=screen().lang) as platform:
        told = tool.bid(platform, Memory(state), trusted, tender, price)
    screen().say("auction.standing", **told)
    screen().result(dict(told))


@auction.command("watch", help=t("help.auction.watch"))
def watch(
    tender: TenderArgument,
    once: Annotated[bool, typer.Option("--once", help=t("help.auction.once"))] = False,
    url: Url = HERE,
    token: TokenOption = "",
) -> None:
    """Show where the auction stands, whenever that changes, until it is closed."""
    from trading.client import Platform

    before: Any = None
    with Platform(url, token=token, lang=screen().lang) as platform:
        while True:
            told = platform.get(f"/tenders/{tender}/auction")
            now = {name: told[name] for name in ("phase", "standing", "number", "least", "hammer", "outcome")}
            if now != before:
                before = now
                screen().say("auction.standing", **now)
            if once or told["phase"] == "closed":
                break
            time.sleep(LOOK)
    screen().result(before)
