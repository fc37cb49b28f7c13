"""`trading log prove | tail`: read the public log from outside, and believe only what verifies."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import typer

from audit.refusal import Refused
from trading.cli.app import group, screen, t

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
        place = after
        while True:
            batch = platform.request("GET", "/events", params={"after": place, "limit": 1000}).json()
            for event in batch:
                place = int(event["logindex"])
                data = event.get("data") or {}
                kind = str(event["type"]).removeprefix("trading.")
                screen().line(f"{place:>8}  {data.get('time', '')}  {kind:<32} {data.get('subject', '')}")
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
    from audit.checkpoint import TlogProof, verify_note
    from audit.merkle import (
        TILE,
        Tiles,
        entries_path,
        inclusion_proof,
        leaf_hash,
        tile_path,
        tile_width,
        unpack_entries,
        verify_inclusion,
    )
    from audit.trust import Policy
    from trading.client import Platform

    trusted = Policy.parse(policy.read_bytes())
    with Platform(url, lang=screen().lang) as platform:
        note = platform.fetch("/log/checkpoint")
        verified = verify_note(note, trusted)
        checkpoint = verified.checkpoint
        if not 0 <= index < checkpoint.size:
            raise Refused("L-INDEX", index=index, size=checkpoint.size)

        def tile(level: int, number: int, width: int) -> bytes:
            return platform.fetch("/log" + "/" + tile_path(level, number, width).lstrip("/"))

        path = inclusion_proof(Tiles(checkpoint.size, tile), index, checkpoint.size)
        bundle, place = divmod(index, TILE)
        where = entries_path(bundle, tile_width(checkpoint.size, 0, bundle))
        entry = unpack_entries(platform.fetch("/log/" + where.lstrip("/")))[place]
    verify_inclusion(leaf_hash(entry), index, checkpoint.size, path, checkpoint.root)
    proof = TlogProof(index, tuple(path), note).format()
    if out is not None:
        out.write_bytes(proof)
    else:
        screen().line(proof.decode())
    names = ", ".join(sorted(verified.cosigned))
    screen().say("log.proved", index=index, size=checkpoint.size, witnesses=names)
    screen().result({"index": index, "size": checkpoint.size, "proof": base64.b64encode(proof).decode()})
