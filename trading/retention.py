"""Keeping: until when a tender's files stay, whose data are stored and nothing else, and what the archive office gets.

The log is never shortened and this platform destroys nothing by itself: whoever wants to asks `check`, which refuses while
a term runs, and without the archive authority's approval when none does.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.act import Act, Actor, acting, pool
from audit.canon import stamp
from audit.refusal import Broken, Refused
from experts import standing
from trading import accounts, lives
from trading.handover import Listed, index_page
from trading.law import retention as law
from trading.records import PROCESSING_RESTRICTED
from trading.tenders import LOCKED

assert PROCESSING_RESTRICTED
LIST, ABOUT, INDEX = "list.csv", "about.json", "index.html"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Keeping:
    """Of one tender: when its files' term begins (None: it is not archived yet), and until when, by which rule."""

    tender: str
    ended: datetime | None
    kept: law.Kept | None
    now: datetime


async def of(tender: str) -> Keeping:
    """How long a tender's files are kept. Refused: W-UNKNOWN."""
    row = await pool().fetchrow(LOCKED, tender)
    if row is None:
        raise Refused("W-UNKNOWN")
    now, ended = await pool().fetchrow(
        "SELECT log_now(), (SELECT max(made_at) FROM log_record WHERE tender = $1 AND type = 'archived')", tender
    )
    return Keeping(tender, ended, None if ended is None else law.kept_until(lives.book_of(row, now), ended), now)


async def check(tender: str, approval: str) -> Keeping:
    """Whether a tender's files may be destroyed today.

    Refused: E-RETENTION (its term runs, or the tender is not archived), E-NOT-APPROVED, E-CALENDAR, W-UNKNOWN.
    """
    keeping = await of(tender)
    if keeping.ended is None or (keeping.kept is not None and not keeping.kept.over(keeping.now)):
        kept = keeping.kept
        raise Refused(
            "E-RETENTION", kept.rule.article if kept else None, now=keeping.now, until=kept.last_day if kept else None
        )
    law.check_approval(approval)
    return keeping


# --------------------------------------------------------------------------------------------------- storage only


async def restrict(person: str) -> dict[str, Any]:
    """Somebody asks for deletion of what we hold on him: from now on it is stored and protected, and nothing else.

    A user's name is shown to nobody and his tokens are revoked; an expert leaves the roster, and nobody opens his row. The
    data stay where they are while the files of any tender he worked on are kept.
    Refused: T-PERSON (nobody of this id), E-RESTRICTED (it was asked before), E-LAST-ADMIN (nobody would be left who may
    issue a token: enrol somebody first).
    """
    async with acting(Actor("system", "centre")) as act:
        if await act.query(
            "SELECT 1 FROM log_record WHERE type = 'processing-restricted' AND subject = $1 LIMIT 1", person
        ):
            raise Refused("E-RESTRICTED", person=person)
        if await act.query("SELECT 1 FROM trading_person WHERE id = $1 FOR UPDATE", person):
            await _restrict_user(act, person)
        elif found := await act.query("SELECT state FROM experts_expert WHERE id = $1 FOR UPDATE", person):
            if found[0]["state"] != "removed":
                await standing.remove(act, person)
        else:
            raise Refused("T-PERSON", person=person)
        act.record("processing-restricted", subject=person, person=person)
        asked = act.now
    return {"person": person, "asked_at": asked}


async def _restrict_user(act: Act, person: str) -> None:
    made = await act.query(
        """INSERT INTO trading_restriction (person_id, asked_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id""",
        person, act.now,
    )  # fmt: skip
    if not made:
        raise Refused("E-RESTRICTED", person=person)
    admins = await act.query(
        """SELECT m.person_id FROM trading_membership m WHERE m.role = 'security_admin'
           AND NOT EXISTS (SELECT 1 FROM trading_restriction r WHERE r.person_id = m.person_id)"""
    )
    if not admins:
        raise Refused("E-LAST-ADMIN", person=person)
    for token in await act.query(
        """UPDATE trading_token SET revoked_at = clock_timestamp() WHERE person_id = $1 AND revoked_at IS NULL
           RETURNING id, role""",
        person,
    ):
        act.record("token-revoked", subject=person, token=token["id"], person=person, role=token["role"])


async def check_use(person: str, use: str) -> None:
    """Refuse a use of a restricted person's data (law.STORE and law.PROTECT are allowed). Refused: E-STORAGE-ONLY."""
    await accounts.check_use(pool().fetch, person, use)


# ----------------------------------------------------------------------------------------- for the archive office


async def export(archives: Path, origin: str, tender: str, to: Path) -> dict[str, Any]:
    """Both editions of a tender in one zip, with a page that says what is in it (`index.html`, in both languages, for a
    browser without a network), a list of names, sizes and hashes, and who made it, in what act, when.

    Refused: E-EXPORT-EXISTS (the file is there), W-UNKNOWN, E-NOT-ARCHIVED. Broken: B-EXPORT (an edition is missing, or is
    not what was written when it was archived).
    """
    if to.exists():
        raise Refused("E-EXPORT-EXISTS", path=str(to))
    keeping = await of(tender)
    rows = await pool().fetch(
        "SELECT edition, sha256, size, checkpoint, made_at FROM trading_archived WHERE tender_id = $1 ORDER BY edition",
        tender,
    )
    if not rows or keeping.ended is None:
        raise Refused("E-NOT-ARCHIVED", tender=tender)
    who = await pool().fetchrow(
        """SELECT p.id AS project, p.title, p.regime, o.code, o.name, t.named_at FROM trading_tender t
           JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
           JOIN trading_organisation o ON o.code = p.organisation_id WHERE t.id = $1""",
        tender,
    )
    about = {
        "tender": tender,
        "project": who["project"],
        "activity": who["title"],
        "regime": who["regime"],
        "made_by": {"code": who["code"], "name": who["name"], "log": origin},
        "from": stamp(who["named_at"]),
        "to": stamp(keeping.ended),
        "kept_until": None if keeping.kept is None else str(keeping.kept.last_day),
        "kept_by": None if keeping.kept is None else str(keeping.kept.rule.article),
    }
    files = {f"{tender}.{row['edition']}.zip": (row["sha256"], row["made_at"]) for row in rows}
    return await asyncio.to_thread(_pack, archives, files, about, to)


def _pack(archives: Path, files: dict[str, tuple[str, datetime]], about: dict[str, Any], to: Path) -> dict[str, Any]:
    part = to.with_name(to.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as out:
            listed: list[Listed] = []
            for name, (digest, made) in files.items():
                size = _copy(archives / name, digest, out, name)
                listed.append((name, size, digest, stamp(made)))
            text = (json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
            for name, whole in ((ABOUT, text), (INDEX, index_page(about, listed))):
                out.writestr(zipfile.ZipInfo(name, _EPOCH), whole)
                listed.append((name, len(whole), hashlib.sha256(whole).hexdigest(), about["to"]))
            table = io.StringIO(newline="")
            csv.writer(table, lineterminator="\n").writerows([("file", "size", "sha256", "made"), *listed])
            out.writestr(zipfile.ZipInfo(LIST, _EPOCH), table.getvalue())
        part.rename(to)
    finally:
        part.unlink(missing_ok=True)
    return {"path": str(to), "files": [{"file": f, "size": s, "sha256": h} for f, s, h, _ in listed], "about": about}


def _copy(path: Path, digest: str, out: zipfile.ZipFile, name: str) -> int:
    """Copy an edition into the zip, however large; its size. Broken: B-EXPORT (it is missing or another one)."""
    size, hashed = 0, hashlib.sha256()
    try:
        with path.open("rb") as come, out.open(zipfile.ZipInfo(name, _EPOCH), "w", force_zip64=True) as go:
            while piece := come.read(1 << 20):
                go.write(piece)
                hashed.update(piece)
                size += len(piece)
    except FileNotFoundError:
        raise Broken("B-EXPORT", file=name) from None
    if hashed.hexdigest() != digest:
        raise Broken("B-EXPORT", file=name)
    return size


def check_export(path: Path) -> int:
    """Read an export again and hold every file against its list; how many there are. Broken: B-EXPORT."""
    with zipfile.ZipFile(path) as read:
        try:
            listed = list(csv.DictReader(io.StringIO(read.read(LIST).decode("utf-8"), newline="")))
        except (KeyError, UnicodeDecodeError):
            raise Broken("B-EXPORT", file=LIST) from None
        if sorted(one["file"] for one in listed) != sorted(set(read.namelist()) - {LIST}):
            raise Broken("B-EXPORT", file=LIST)
        for one in listed:
            size, hashed = 0, hashlib.sha256()
            try:
                with read.open(one["file"]) as file:
                    while piece := file.read(1 << 20):
                        hashed.update(piece)
                        size += len(piece)
            except zipfile.BadZipFile:
                size = -1
            if (str(size), hashed.hexdigest()) != (one["size"], one["sha256"]):
                raise Broken("B-EXPORT", file=one["file"])
    return len(listed)
