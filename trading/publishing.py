"""The papers for everybody: of a tender, made of public records, as soon as the record is there and not before; and
statements.

Nothing here reads what a tender's page does not show: bidders' names come after the opening, the ranking with the
candidates. A paper is found by the hash of its record, so that asking twice costs a look at the shelf.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.act import pool
from audit.canon import instant, sha256_hex
from audit.refusal import Refused
from bidding import releases
from trading import logbook
from trading.installation import Installation
from trading.law import secrecy
from trading.paper.source import KINDS, SALE, Account, Told, make
from trading.printing import Printed, Printer, key
from trading.statement import Statement, plain
from trading.statement_chart import write_picture
from trading.statement_files import write_csv, write_xlsx
from trading.statement_paper import write_pdf
from trading.tenders import LOCKED

PATIENCE = 1.5
"""Machine seconds a page waits for papers that were never printed; it shows the others' hashes then."""


@dataclass(frozen=True)
class Paper:
    """A paper that can be had: what it is made of, and the SHA-256 of its PDF once it was printed."""

    kind: str
    record: str
    index: int | None
    sha256: str = ""


async def paper(platform: Installation, printer: Printer, tender: str, kind: str, *, idly: bool = False) -> Printed:
    """One of `source.KINDS`. `idly`: only if nobody else waits.

    Refused: W-UNKNOWN (no such paper, or nobody has heard of the tender), PAPER-NOT-YET, E-UNOPENED, E-SETTLED (envelopes
    are still shut), W-PRINTING, PAPER-GLYPH.
    """
    if kind not in KINDS:
        raise Refused("W-UNKNOWN")
    account = await _account(platform, tender)
    if kind == "opening":
        await releases.check_opened(pool().fetch, tender)
    return await printer.print(_key(platform, tender, kind, account.mark(kind).sha256), make, account, kind, idly=idly)


async def shown(
    platform: Installation, printer: Printer, tender: str, kept: Iterable[logbook.Kept], opened: bool
) -> list[Paper]:
    """The papers a tender's page links to, with their hashes: `kept` are its public records; `opened`: its bids are.

    What was never printed is printed now, if that takes no time; else its hash is there the next time.
    """
    ordered = sorted(kept, key=lambda one: (instant(one.value["time"]), sha256_hex(one.record))) if opened else ()
    newest = {one.type: one for one in ordered}
    last = {kind: newest[what] for kind, what in KINDS.items() if what in newest}
    if SALE not in newest or last.get("confirmation", newest[SALE]).index is None:
        last.pop("confirmation", None)
    if "opening" in last and "candidates" not in last:
        try:
            await releases.check_opened(pool().fetch, tender)
        except Refused:
            del last["opening"]
    papers = [Paper(kind, sha256_hex(last[kind].record), last[kind].index) for kind in KINDS if kind in last]
    names = {one.kind: _key(platform, tender, one.kind, one.record) for one in papers}
    known = await printer.known(names.values())
    if missing := [one.kind for one in papers if names[one.kind] not in known]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(
                    *(paper(platform, printer, tender, kind, idly=True) for kind in missing), return_exceptions=True
                )
        known = await printer.known(names.values())
    return [Paper(one.kind, one.record, one.index, known.get(names[one.kind], "")) for one in papers]


def _key(platform: Installation, tender: str, kind: str, record: str) -> str:
    return key("tender", kind, tender, record, platform.origin, platform.settings.base_url)


async def account_of(platform: Installation, tender: str, bids: Mapping[str, str]) -> Account:
    """What a tender's papers are made of; `bids`: whose bid is whose, as far as the reader may know.

    Refused: W-UNKNOWN.
    """
    row = await pool().fetchrow(
        f"SELECT t.*, n.title AS title FROM ({LOCKED}) t JOIN trading_lot n ON n.id = t.lot_id", tender
    )
    if row is None or row["announced_at"] is None or row["kind"] != "bids":
        raise Refused("W-UNKNOWN")
    codes = {row["organisation_id"], row["agency_id"], *bids.values()} - {None}
    names = dict(await pool().fetch("SELECT code, name FROM trading_organisation WHERE code = ANY ($1)", list(codes)))
    kept = await logbook.public_of(tender)
    return Account(
        Told(
            tender,
            platform.origin,
            [(sha256_hex(one.record), one.value) for one in kept],
            {sha256_hex(one.record): one.index for one in kept if one.index is not None},
            bids,
            row["totals"] if any(one.type == KINDS["candidates"] for one in kept) else None,
            row["rulebook"],
            row["title"],
            row["organisation_id"],
            row["agency_id"] or "",
            names,
            platform.settings.base_url,
        )
    )


async def _account(platform: Installation, tender: str) -> Account:
    row = await pool().fetchrow("SELECT state, opens FROM trading_tender WHERE id = $1", tender)
    opened = row is not None and secrecy.is_open(row["state"], row["opens"])
    return await account_of(platform, tender, await logbook.bidders_after_closing(tender) if opened else {})


# --------------------------------------------------------------------------------------------------------- statements

FORMS: Mapping[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "png": "image/png",
}
"""As what a statement can be had, with the type of each."""


async def statement(
    platform: Installation, printer: Printer, made: Statement, form: str, lang: str, *, idly: bool = False
) -> Printed:
    """A statement as one of `FORMS`. `idly`: only if nobody else waits.

    Refused: W-PRINTING, PAPER-GLYPH.
    """
    url = platform.settings.base_url
    if form == "pdf":  # in both languages at once
        return await printer.print(_statement_key(platform, made), write_pdf, made, platform.origin, url, idly=idly)
    name = key("statement", form, lang, plain(made))
    if form in ("svg", "png"):
        return await printer.print(name, write_picture, made, lang, form)
    return await printer.print(name, write_csv if form == "csv" else write_xlsx, made, lang)


async def statement_hash(platform: Installation, printer: Printer, made: Statement) -> str:
    """The SHA-256 of a statement's PDF; "" while it was not printed and the press is busy."""
    try:
        async with asyncio.timeout(PATIENCE):
            return (await statement(platform, printer, made, "pdf", "", idly=True)).sha256
    except (Refused, TimeoutError):
        return ""


def _statement_key(platform: Installation, made: Statement) -> str:
    return key("statement", "pdf", plain(made), platform.origin, platform.settings.base_url)
