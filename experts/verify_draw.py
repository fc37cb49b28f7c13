"""Verification of an archive, V13: draws and attempts, parties and nonces, pool and roster (draw.md §1, §2.1–3, §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from audit.canon import sha256_hex
from audit.refusal import Broken
from audit.report import Found
from audit.signature import sig_hash
from experts.draw import (
    draw_ctx,
    leaf_of,
    nonce_commit,
    order,
    parts_of,
    queues_of,
    read_said,
    root_of,
    secret_commit,
    seed_of,
)
from experts.told import (
    LEAVES_FILE,
    NAMES_FILE,
    OF_ATTEMPT,
    OF_DRAW,
    SECRET_FILE,
    Attempt,
    Draw,
    Fact,
    Told,
    check_one,
    nonces_file,
    own_bytes,
    read_draws,
)

FIXED = (
    "need", "representatives", "meets", "pool_root", "pool_size", "leaves", "roster_root", "roster_size", "excluded",
)  # fmt: skip
"""What every attempt of a draw has from the first one."""
APPROVED_FROM = 3
"""The attempt from which on an authority approves."""


# ------------------------------------------------------------------------------------------------------ draws, attempts


def check_attempts_of(told: Told, draws: Sequence[Draw], found: Found) -> None:
    """One draw at a time: each but the last exhausted, the next one naming it; attempts one after another."""
    for before, draw in pairwise([None, *draws]):
        assert draw is not None
        if draw.first.held.body.get("replaces") != (None if before is None else before.id):
            found.fault(draw.first.at, "D-SECOND-DRAW", draw=draw.id)
        if before is None:
            continue
        ended = [fact.index for fact in before.of("panel-exhausted") if fact.index < draw.first.index]
        if told.shown and not ended:
            found.fault(draw.first.at, "D-SECOND-DRAW", draw=draw.id)
        later = [attempt.record for attempt in before.attempts] + [f for name in OF_ATTEMPT for f in before.of(name)]
        later += [fact for name in OF_DRAW for fact in told.facts(name) if fact["draw"] == before.id]
        for fact in later:
            if fact.index > draw.first.index and fact.held.name != "panel-read":
                found.fault(fact.at, "D-AFTER", what=fact.held.name)
    for draw in draws:
        _check_attempts(draw, found)
        for attempt in draw.attempts:
            _check_record(told, draw, attempt, found)


def _check_attempts(draw: Draw, found: Found) -> None:
    for number, attempt in enumerate(draw.attempts, 1):
        record, voids = attempt.record, attempt.of("draw-voided")
        if record["attempt"] != number:
            found.fault(record.at, "D-ATTEMPT", attempt=record["attempt"], expected=number)
        for second in voids[1:]:
            found.fault(second.at, "V-SECOND", what="draw-voided", stage="")
        if attempt is not draw.last:
            after = draw.attempts[number].record
            if not voids or voids[0].index > after.index:
                found.fault(after.at, "D-UNVOIDED", attempt=number)
        for void in voids[:1]:
            with found.at(void.at):
                if void["culprit"] not in attempt.parties or void["culprit"] in attempt.reveals:
                    raise Broken("D-VOID", culprit=void["culprit"])
                if void.time <= record["reveal_by"]:
                    raise Broken("D-VOID-EARLY", reveal_by=record["reveal_by"])
            for name in OF_ATTEMPT:
                for fact in attempt.of(name):
                    if fact.index > void.index and fact.held.name != "draw-voided":
                        found.fault(fact.at, "D-AFTER", what=name)
        for name in ("draw-called", "panel-seated", "panel-exhausted", "seat-keyed", "conflict-declared"):
            for fact in attempt.of(name):
                if not attempt.is_complete or fact.index < attempt.ordered_at:
                    found.fault(fact.at, "D-BEFORE-ORDER", what=name)


def _check_record(told: Told, draw: Draw, attempt: Attempt, found: Found) -> None:
    """What one `draw-committed` says by itself, and that its bytes are in `commit.json`."""
    record = attempt.record
    for name in FIXED:
        if record[name] != draw.first[name]:
            found.fault(record.at, "D-CHANGED", field=name)
    with found.at(record.at):
        if record["reveal_by"] <= record.time:
            raise Broken("D-REVEAL-BY", reveal_by=record["reveal_by"])
        if record["pool_size"] + sum(record["excluded"].values()) != record["roster_size"]:
            raise Broken("D-POOL", field="roster_size")
    with found.at(record.at):
        _check_parties(told, record)
    with found.at(record.at):
        if record["approved"]:
            told.log.trust.parties.authorities_of(list(record["approved"]), own_bytes(record, "approved"), record.since)
        elif record["attempt"] >= APPROVED_FROM:
            raise Broken("D-UNAPPROVED", attempt=record["attempt"])
    path = f"{attempt.folder}commit.json"
    if path in told.log.files and told.log.files.bytes(path) != record.held.data:
        found.fault(path, "V-HASH", path=path)


def _check_parties(told: Told, record: Fact) -> None:
    """Two at least, each with a key in force, one of them neither the tenderee nor the platform."""
    numbers, ids = [one["i"] for one in record["parties"]], [one["id"] for one in record["parties"]]
    if numbers != list(range(1, len(ids) + 1)) or len(ids) < 2 or len(set(ids)) != len(ids):
        raise Broken("D-PARTIES", ids=ids)
    outside = 0
    for id in ids:
        if not told.keys(id, record.since):
            raise Broken("D-PARTY", id=id)
        tenderee = told.keys(id, record.since, ["tenderee"])
        outside += not tenderee
    if not outside:
        raise Broken("D-PARTIES", ids=ids)


# --------------------------------------------------------------------------------------------------------------- nonces


def check_nonces(told: Told, attempt: Attempt, found: Found) -> dict[int, bytes]:
    """Every commitment and reveal of an attempt; the nonces that were revealed, by party."""
    record, path = attempt.record, f"{attempt.folder}nonces.json"
    commits, reveals = attempt.of("draw-nonce-committed"), attempt.of("draw-nonce-revealed")
    entries: dict[int, Any] = {}
    with found.at(path):
        entries = told.file(path, nonces_file)
        if entries.keys() != {fact["i"] for fact in commits} or {
            i for i, entry in entries.items() if "reveal" in entry
        } != {fact["i"] for fact in reveals}:
            raise Broken("D-NONCES", path=path)
    values: dict[bool, dict[int, bytes]] = {False: {}, True: {}}
    for fact in (*commits, *reveals):
        reveals_it = fact.held.name == "draw-nonce-revealed"
        with found.at(fact.at):
            if fact["i"] in values[reveals_it]:
                raise Broken("V-SECOND", what=fact.held.name, stage="")
            values[reveals_it][fact["i"]] = _said(told, attempt, fact, reveals_it)
        if fact["i"] in entries:
            with found.at(path):
                _check_entry(told, attempt, fact, entries[fact["i"]], reveals_it)
    over = told.log.time_over(record.index)
    for fact in commits:
        if over is None or over > fact.time:
            found.fault(fact.at, "D-NONCE-EARLY", checkpoint=over)
        if any(one.index < fact.index or one.time <= fact.time for one in reveals):
            found.fault(fact.at, "D-NONCE-LATE", i=fact["i"])
    ctx = draw_ctx(record["draw"], told.tender)
    for i, nonce in values[True].items():
        if i <= 255 and i in values[False] and nonce_commit(ctx, i, nonce) != values[False][i]:
            found.fault(path, "D-NONCE", i=i)
    return values[True]


def _said(told: Told, attempt: Attempt, fact: Fact, reveals: bool) -> bytes:
    """The commitment or nonce of a record, whose object names just this attempt and party."""
    record = attempt.record
    try:
        said = read_said(fact["object"], reveals=reveals)
    except ValueError as why:
        raise Broken("V-RECORD", why=str(why)) from why
    mine = (record["draw"], told.tender, record["attempt"], fact["i"], record.hash)
    if fact["i"] not in attempt.parties or (said.draw, said.tender, said.attempt, said.i, said.draw_record) != mine:
        raise Broken("D-NONCE", i=fact["i"])
    return said.value


def _check_entry(told: Told, attempt: Attempt, fact: Fact, entry: dict[str, Any], reveals: bool) -> None:
    """The file has the very bytes and signature of the record, and the signature is the party's."""
    data, sig = (entry.get("reveal"), entry.get("sig")) if reveals else (entry["commit"], entry["commit_sig"])
    if data != fact["object"] or sig is None or sig_hash(list(sig)) != fact["sig_hash"]:
        raise Broken("D-NONCES", path=f"{attempt.folder}nonces.json")
    said = read_said(fact["object"], reveals=reveals)
    check_one(list(sig), said.signed, told.keys(attempt.parties.get(fact["i"], ""), fact.since))


# ----------------------------------------------------------------------------------------------------- pool and roster


@dataclass(frozen=True)
class Pool:
    """The pool as disclosed, and the order that follows."""

    parts: dict[bytes, str]
    """Leaves by the specialty they count for."""
    queues: dict[str, list[bytes]]


def check_pool(told: Told, attempt: Attempt, nonces: dict[int, bytes], found: Found) -> Pool | None:
    """Secret, leaves, seed and order. None where one of them does not hold."""
    record = attempt.record
    ctx = draw_ctx(record["draw"], told.tender)
    path = f"{attempt.folder}secret.json"
    secret: bytes | None = None
    with found.at(path):
        value = bytes.fromhex(told.file(path, SECRET_FILE)["secret"])
        if secret_commit(ctx, value).hex() != record["secret_commit"]:
            raise Broken("D-SECRET")
        secret = value
    path = f"{attempt.folder}leaves.json"
    with found.at(path):
        rows = told.file(path, LEAVES_FILE)["leaves"]
        if sha256_hex(told.log.files.bytes(path)) != record["leaves"]:
            raise Broken("V-HASH", path=path)
        leaves = {bytes.fromhex(row["leaf"]): row["specialties"] for row in rows}
        if [row["leaf"] for row in rows] != sorted({row["leaf"] for row in rows}):
            raise Broken("D-LEAF-TWICE")
        needed = {one.specialty for one in record["need"]}
        for row in rows:
            named = row["specialties"]
            if not named or not set(named) <= needed or list(named) != sorted(set(named)):
                raise Broken("D-SPECIALTIES", leaf=row["leaf"])
        if len(leaves) != record["pool_size"]:
            raise Broken("D-POOL", field="pool_size")
        if root_of(leaves).hex() != record["pool_root"]:
            raise Broken("D-POOL", field="pool_root")
        if secret is None or nonces.keys() != attempt.parties.keys():
            return None
        seed = seed_of(ctx, secret, [nonces[i] for i in sorted(nonces)], bytes.fromhex(record["pool_root"]))
        parts = parts_of(leaves, record["need"])
        return Pool(parts, queues_of(order(seed, leaves), parts))
    return None


def check_names(told: Told, draw: Draw, attempt: Attempt, found: Found) -> None:
    """Supervision edition: who the leaves are, who was left out and why, and that they are the roster of the day."""
    record, path = attempt.record, f"{attempt.folder}names.json"
    with found.at(path):
        rows = told.file(path, NAMES_FILE)["roster"]
        for row in rows:
            if leaf_of(bytes.fromhex(row["salt"]), row["expert"]).hex() != row["leaf"]:
                raise Broken("D-NAME", leaf=row["leaf"])
        if [row["leaf"] for row in rows] != sorted({row["leaf"] for row in rows}):
            raise Broken("D-LEAF-TWICE")
        named = [row["expert"] for row in rows]
        if len(set(named)) != len(named):
            raise Broken("D-LEAF-TWICE")
        pool = [bytes.fromhex(row["leaf"]) for row in rows if row["excluded"] is None]
        if root_of(pool).hex() != record["pool_root"]:
            raise Broken("D-POOL", field="pool_root")
        if len(rows) != record["roster_size"]:
            raise Broken("D-POOL", field="roster_size")
        if root_of([bytes.fromhex(row["leaf"]) for row in rows]).hex() != record["roster_root"]:
            raise Broken("D-POOL", field="roster_root")
        if dict(Counter(row["excluded"] for row in rows if row["excluded"])) != record["excluded"]:
            raise Broken("D-POOL", field="excluded")
        admitted = {
            expert
            for fact in told.facts("expert-admitted")
            if is_old_enough(told, fact, draw.first)
            for expert in fact["experts"]
        }
        if wrong := admitted ^ set(named):
            raise Broken("D-ROSTER", experts=sorted(wrong)[:5], count=len(wrong))


def is_old_enough(told: Told, admitted: Fact, drawn: Fact) -> bool:
    """Whether an admission lies long enough before a draw."""
    days = told.law.admitted_days
    return admitted.index < drawn.index and admitted.since + timedelta(days=days) <= drawn.time


def last_admission(facts: Callable[[str], Sequence[Fact]]) -> int:
    """Below which index an admission to the roster stands in the supervision edition: that of the last draw that came to an
    order, if the evaluation was closed; else -1."""
    if not facts("evaluation-closed"):
        return -1
    draws, _ = read_draws(facts)
    return max((draw.first.index for draw in draws if draw.last.is_complete), default=-1)


def check_admissions(told: Told, found: Found) -> None:
    """Each signed by an authority, nobody twice, and none that no draw of this archive has a use for."""
    last = last_admission(told.facts)
    seen: set[str] = set()
    for number, fact in enumerate(told.facts("expert-admitted"), 1):
        with found.at(fact.at):
            if fact.index > last:
                raise Broken("V-STRAY")
            if fact.held.body.get("sserial") != number:
                raise Broken("D-ADMISSION-HIDDEN", number=number)
            told.check_authority(fact)
            if twice := seen & set(fact["experts"]):
                raise Broken("D-ADMITTED-TWICE", experts=sorted(twice)[:5])
        seen |= set(fact["experts"])
