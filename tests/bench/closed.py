"""A tender of three of five that has closed: sealed bids of a MiB in the store, three custodians' releases in."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit.canon import parse, unb64
from bidding.envelope import Source, seal_envelope
from bidding.keys import Keyset
from bidding.manifest import FORM, Context, Manifest, sign_manifest
from tests.bench import limits
from tests.bench.centre import Centre, Firm, Laid, centre, lay
from tests.trading.desk import SCHEMA, Desk
from trading import tendering
from trading.settings import Settings

MIB = 1 << 20
ENOUGH = 3


class FiveCustodians(Centre):
    """A town whose boxes need three of five."""

    seats = ("C-SUP", "C-TEN", "C-NOT", "C-AUD", "C-BAR")


class Tender(Desk):
    """A tender of three of five."""

    k = ENOUGH


@dataclass(frozen=True)
class Part:
    """One stage of a bid, sealed."""

    firm: Firm
    manifest: Manifest
    sig: list[dict[str, Any]]
    laid: Laid


@asynccontextmanager
async def closed(settings: Settings, folder: Path, count: int) -> AsyncIterator[Tender]:
    """`count` bids of two stages, sealed, handed in, closed, and k releases taken. Nothing is open yet."""
    async with centre(settings, FiveCustodians) as place:
        tender = Tender(place, folder / "desk")
        await tender.open()
        firms = await place.firms(count)
        store = place.platform.store

        def seal(firm: Firm) -> list[Part]:
            document = folder / f"{firm.code}.document"
            document.write_bytes(os.urandom(MIB))
            parts = []
            for stage, keyset in tender.keysets.items():
                name = secrets.token_hex(16)
                out = store.path(name)
                out.parent.mkdir(mode=0o700, exist_ok=True)
                sealed = seal_envelope(
                    Context(tender.tender, stage, keyset.id, firm.code, firm.bid, 1),
                    keyset,
                    out,
                    files=[] if stage == FORM else [Source(document, "document.bin")],
                    opening={"price": 9_000_000 + secrets.randbelow(900_000), "days": 90} if stage == FORM else None,
                    schema=SCHEMA,
                    created=datetime.now(UTC),
                )
                laid = Laid(name, firm.code, sealed.size, sealed.root, sealed.head)
                manifest = Manifest.parse(sealed.manifest)
                parts.append(Part(firm, manifest, sign_manifest(sealed.manifest, firm.signer), laid))
            document.unlink()
            return parts

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            bids = await asyncio.to_thread(lambda: list(threads.map(seal, firms)))
        await lay(str(settings.database_owner_url), tender.tender, [part.laid for bid in bids for part in bid])
        await place.settle()
        for bid in bids:
            stages = {part.manifest.stage: (part.manifest.data, part.sig, part.laid.upload) for part in bid}
            await tendering.hand_in(place.platform, bid[0].firm.caller, tender.tender, bid[0].firm.bid, stages)
        await place.settle()
        assert await tender.wait() == "closed"
        await tender.store()
        for custodian in tender.custodians[:ENOUGH]:
            for stage in tender.keysets:
                await tender.release(custodian, stage)
        yield tender


def as_limit(keyset: Keyset, manifest: Manifest, shares: dict[int, bytes], payload: Any) -> limits.Sealed:
    """The same envelope as plain values."""
    return limits.Sealed(manifest.context.ctx, manifest.head, shares, keyset.pubs, manifest.boxes, payload)


def released(release: bytes) -> tuple[int, dict[str, bytes]]:
    """(i, {bid: y}) of a release."""
    value = parse(release)
    return value["i"], {one["bid"]: unb64(one["y"]) for one in value["shares"]}
