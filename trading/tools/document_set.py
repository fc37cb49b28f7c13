"""Which documents a bid answers, as the bidder's own tool reads it from the log: every set that was issued, in order.

A bid names the set it answers in the field `documents` of its opening. It stays valid when a newer one comes; nobody but
the bidder learns that it answers an older one (the field is sealed, and the platform only tells the bidder).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.refusal import Refused
from bidding.view import View
from trading.document_sets import FIELD, set_hash
from trading.records_procedure import DOCUMENTS_AMENDED, DOCUMENTS_ISSUED


@dataclass(frozen=True)
class DocumentSet:
    """One set as the log has it. `affects`: the tenderee says that it may affect bids."""

    set: str
    files: Mapping[str, str]
    """{name: SHA-256}"""
    issued: datetime
    affects: bool
    reason: str


def sets_of(view: View, tender: str) -> tuple[DocumentSet, ...]:
    """Every set of a tender, the newest last; none where the notice has no documents.

    Raises Refused("E-KEYSET", why=…) for one whose hash is not that of its files: nothing is sealed then.
    """
    shown = [*view.of(DOCUMENTS_ISSUED.type, tender=tender), *view.of(DOCUMENTS_AMENDED.type, tender=tender)]
    found = []
    for one in sorted(shown, key=lambda one: one.index):
        record = one.record
        try:
            if set_hash(record["files"]) != record["set"]:
                raise ValueError(f"the document set of record {one.index} has another hash")
            files = {str(file["name"]): str(file["sha256"]) for file in record["files"]}
        except (Refused, ValueError, KeyError, TypeError) as why:
            raise Refused("E-KEYSET", why=str(why)) from why
        found.append(
            DocumentSet(record["set"], files, one.time, record.get("affects") is True, str(record.get("reason", "")))
        )
    return tuple(found)


def set_of_folder(folder: Path) -> tuple[str, dict[str, str]]:
    """The set that the documents in a folder make: the bidder's own copies. Refused: T-DOCUMENTS."""
    files = []
    for path in sorted(folder.iterdir()):
        if path.is_file():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            files.append({"name": path.name, "size": path.stat().st_size, "sha256": digest})
    return set_hash(files), {str(file["name"]): str(file["sha256"]) for file in files}


def choose(sets: Sequence[DocumentSet], told: str | Path | None, schema: Collection[str]) -> DocumentSet | None:
    """The set a bid is to answer: the newest, unless it is told another one by its hash. None: the notice has none.

    `told` may be the folder of the documents that the bid was made from. Raises Refused T-STALE (the folder holds an older
    set, `changed` are the names in which the newest differs), T-UNKNOWN-SET (no such set was ever issued).
    """
    if FIELD not in schema:
        return None
    if not sets:
        raise Refused("E-KEYSET", why="the notice asks for a document set, and the log shows none")
    newest = sets[-1]
    if told is None:
        return newest
    by_hash = {one.set: one for one in sets}
    if isinstance(told, str):
        if told not in by_hash:
            raise Refused("T-UNKNOWN-SET", set=told)
        return by_hash[told]
    held, files = set_of_folder(told)
    if held == newest.set:
        return newest
    if held not in by_hash:
        raise Refused("T-UNKNOWN-SET", set=held)
    changed = {name for name, _ in files.items() ^ newest.files.items()}
    raise Refused("T-STALE", set=held, newest=newest.set, changed=", ".join(sorted(changed)))


def answer(opening: Mapping[str, Any], chosen: DocumentSet | None) -> dict[str, Any]:
    """The opening with its field `documents`, where the notice asks for it."""
    return dict(opening) if chosen is None else {**opening, FIELD: chosen.set}
