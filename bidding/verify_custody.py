"""Verification of an archive: V7 (identities, statements, rehearsals, key sets, the announcement) and V10 (releases).

log.md §8, envelope.md §2 and §6. Checks of one object are those its own module makes on arrival; here they meet the
log: which record says so, in which order, and that every file is one that the tender needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from audit.canon import sha256_hex, unb64
from audit.refusal import Broken, Refused
from audit.report import Found
from audit.trust import BadSignature, Identities, record_sig_bytes, sig_hash, verify_signatures
from audit.verify import Log
from bidding.case import Case, Fact
from bidding.custody import check_release
from bidding.keys import Keyset, Statement, check_keyset, check_rehearsal, check_statement
from bidding.unseal import Verdict


def check_identities(log: Log, found: Found) -> Identities:
    """V7, first part: the log names the archive's trust files, and every vouching in it holds."""
    named = [log.held[0], *log.of("trust-published")] if 0 in log.held else log.of("trust-published")
    for path, field in (("policy.txt", "policy"), ("parties.txt", "parties")):
        if sha256_hex(log.files.bytes(path)) not in {record.body.get(field) for record in named}:
            found.fault(path, "V-UNNAMED")
    identities = Identities(log.trust.parties)
    for record in log.of("identity-vouched"):
        try:
            identities.add(record.body)
        except Refused as why:
            # void for an id of parties.txt: it counts for nothing, but nobody forged anything
            if why.facts.get("why") != "in_parties":
                found.fault(record.at, why.code, **why.facts)
    return identities


def owed_statements(case: Case, keysets: Mapping[str, Keyset]) -> set[str]:
    """Hashes of the statements that the tender's key sets name."""
    made = {fact["keyset"] for fact in case.facts("keyset-made")}
    return {seat.statement for id, keyset in keysets.items() if id in made for seat in keyset.custodians}


def read_keysets(case: Case, found: Found) -> dict[str, Keyset]:
    """V7: the key sets that ``keyset-made`` names, each in its file and of this log, tender and stage; by id."""
    log, keysets = case.log, dict[str, Keyset]()
    stages: set[str] = set()
    for made in case.facts("keyset-made"):
        path = f"keysets/{made['keyset']}.json"
        if made["stage"] in stages:
            found.fault(made.at, "V-SECOND", what="keyset-made", stage=made["stage"])
        stages.add(made["stage"])
        if path not in log.files:
            found.fault(path, "V-MISSING")
            continue
        with found.at(path):
            keyset = Keyset.parse(log.files.bytes(path))
            if keyset.id != made["keyset"]:
                raise Broken("V-HASH", path=path)
            keysets[keyset.id] = keyset
            if (keyset.origin, keyset.tender, keyset.stage) != (log.about.origin, case.tender, made["stage"]):
                raise Refused("E-KEYSET", why="made for another log, tender or stage")
    for path in log.files.under("keysets/"):
        if path[len("keysets/") : -len(".json")] not in {made["keyset"] for made in case.facts("keyset-made")}:
            found.fault(path, "V-STRAY")
    return keysets


def check_keysets(case: Case, identities: Identities, keysets: Mapping[str, Keyset], found: Found) -> None:
    """V7: statements registered and rehearsed before the key set that uses them, and the key set what they say."""
    log = case.log
    owed = owed_statements(case, keysets)
    for path in log.files.under("statements/"):
        if path[len("statements/") : -len(".json")] not in owed:
            found.fault(path, "V-STRAY")
    pubs: dict[bytes, str] = {}
    for made in case.facts("keyset-made"):
        keyset = keysets.get(made["keyset"])
        if keyset is None:
            continue
        statements: dict[str, Statement] = {}
        for seat in keyset.custodians:
            path = f"statements/{seat.statement}.json"
            if path not in log.files:
                found.fault(path, "V-MISSING")
                continue
            with found.at(path):
                statement = _check_rehearsed(case, identities, path, seat.statement, made)
                if pubs.setdefault(statement.pub, statement.custodian) != statement.custodian:
                    raise Refused("E-KEYSET", why=f"key of {statement.custodian} registered by another too")
                statements[seat.statement] = statement
        with found.at(f"keysets/{keyset.id}.json"):
            if len(statements) == keyset.n:
                check_keyset(keyset, statements)


def _check_rehearsed(case: Case, identities: Identities, path: str, name: str, made: Fact) -> Statement:
    """A statement under its identity key, with its registration and a rehearsal that holds, both before ``made``."""
    value = case.log.files.value(path)
    data = unb64(value["statement"])
    if sha256_hex(data) != name:
        raise Broken("V-HASH", path=path)
    registered = next((f for f in case.facts("custodian-key-registered") if f["statement"] == name), None)
    if registered is None or registered.index > made.index:
        raise Broken("V-UNREGISTERED", statement=name)
    if sig_hash(value["sig"]) != registered["sig_hash"]:
        raise Broken("V-SIG-HASH", path=path)
    statement = check_statement(data, value["sig"], identities, origin=case.log.about.origin, at=registered.since)
    if registered.held.body["subject"] != statement.custodian:
        raise Broken("V-RECORD", why="subject")
    problem: Exception = Broken("V-UNREHEARSED", statement=name)
    for fact in case.facts("rehearsed"):
        if fact["statement"] != name or not registered.index < fact.index < made.index:
            continue
        try:
            check_rehearsal(
                statement,
                challenge=bytes.fromhex(fact["challenge"]),
                r=bytes.fromhex(fact["r"]),
                proof=bytes.fromhex(fact["proof"]),
                sig=fact["sig"],
                identities=identities,
                at=fact.since,
            )
            return statement
        except (Broken, Refused) as why:
            problem = why
    raise problem


def check_announcement(case: Case, keysets: Mapping[str, Keyset], found: Found) -> None:
    """V7: one announcement, after its key sets and before every deposit, and nothing below the tender's birth."""
    created = case.log.about.created
    for held in case.mine:
        if held.index < created:
            found.fault(held.at, "V-VOID", size=created)
    announced = case.facts("project-announced")
    if not announced:
        found.fault("", "V-UNANNOUNCED")
        return
    for second in announced[1:]:
        found.fault(second.at, "V-SECOND", what="project-announced", stage="")
    announcement = announced[0]
    made = {fact["stage"]: fact for fact in case.facts("keyset-made")}
    if dict(announcement["keysets"]) != {stage: fact["keyset"] for stage, fact in made.items()}:
        found.fault(announcement.at, "V-KEYSETS")
    if not set(announcement["public_stages"]) <= set(announcement["keysets"]):
        found.fault(announcement.at, "V-RECORD", why="public_stages")
    for stage, fact in made.items():
        if fact.index > announcement.index:
            found.fault(fact.at, "V-ORDER", first="keyset-made", then="project-announced")
        keyset = keysets.get(fact["keyset"])
        if keyset is not None and keyset.opens_at < announcement["deadline"]:
            found.fault(fact.at, "V-EARLY-KEYSET", stage=stage, opens_at=keyset.opens_at)
    for deposit in case.facts("deposited"):
        if deposit.index < announcement.index:
            found.fault(deposit.at, "V-ORDER", first="project-announced", then="deposited")


# --------------------------------------------------------------------------------------------------- V10: releases


def hour_of(case: Case, keysets: Mapping[str, Keyset], stage: str) -> datetime | None:
    """The hour of a stage: its key set's ``opens_at``, or the greatest deadline logged if that is later."""
    keyset, deadline = keysets.get(case.stages.get(stage, "")), case.deadline()
    if keyset is None or deadline is None:
        return None
    return max(keyset.opens_at, deadline)


def owed_releases(case: Case) -> dict[str, Fact]:
    """The release files of this edition, by path, with the record that binds each."""
    return {
        f"releases/{fact['stage']}/{fact['i']}.json": fact
        for fact in case.facts("released")
        if case.opened(fact["stage"])
    }


Shares = dict[str, dict[int, dict[str, bytes | None]]]
"""Released shares by stage, index of the custodian, and bid."""


def check_releases(
    case: Case,
    identities: Identities,
    keysets: Mapping[str, Keyset],
    lists: Mapping[str, Mapping[str, int]],
    found: Found,
) -> Shares:
    """V10. ``lists``: the effective bids of each stage and their seq. The shares of every release that holds."""
    log, shares = case.log, Shares()
    owed = owed_releases(case)
    for path in sorted(owed.keys() ^ set(log.files.under("releases/"))):
        found.fault(path, "V-MISSING" if path in owed else "V-STRAY")
    admitted = _check_settled(case, identities, lists, found)
    for ended in case.facts("window-ended"):
        with found.at(ended.at):
            log.trust.parties.two_authorities(ended["sig"], record_sig_bytes(ended.held.body), ended.since)
            _check_missing(case, keysets, ended)
    seen: set[tuple[str, int]] = set()
    for fact in case.facts("released"):
        stage, i = fact["stage"], fact["i"]
        closing, keyset = case.closings.get(stage), keysets.get(case.stages.get(stage, ""))
        if not case.opens or closing is None or keyset is None or i > keyset.n:
            found.fault(fact.at, "V-RELEASE", why="nothing to release")
            continue
        if fact.held.body["actor"]["id"] != keyset.seat(i).custodian:
            found.fault(fact.at, "V-RELEASE", why="by another custodian")
        if (stage, i) in seen:
            found.fault(fact.at, "V-SECOND", what="released", stage=stage)
            continue
        seen.add((stage, i))
        if fact.index < closing.index:
            found.fault(fact.at, "V-ORDER", first="closed", then="released")
        listed = dict(lists.get(stage, {}))
        if stage in case.later:
            settled = admitted.get(stage)
            if settled is None or settled.index > fact.index:
                found.fault(fact.at, "V-ORDER", first="stage-settled", then="released")
                continue
            listed = {bid: seq for bid, seq in listed.items() if bid in settled["admitted"]}
        path = f"releases/{stage}/{i}.json"
        if path in owed and path in log.files:
            with found.at(path):
                shares.setdefault(stage, {})[i] = _check_release(case, identities, path, fact, keyset, closing, listed)
    return shares


def _check_missing(case: Case, keysets: Mapping[str, Keyset], ended: Fact) -> None:
    """The end of a window names exactly the custodians without a release (envelope.md §6)."""
    keyset = keysets.get(case.stages.get(ended["stage"], ""))
    if keyset is None:
        raise Broken("V-RELEASE", why="nothing to release")
    came = {
        fact["i"] for fact in case.facts("released") if fact["stage"] == ended["stage"] and fact.index < ended.index
    }
    if list(ended["missing"]) != [i for i in range(1, keyset.n + 1) if i not in came]:
        raise Broken("V-RELEASE", why="not those who are missing")


def _check_release(
    case: Case,
    identities: Identities,
    path: str,
    fact: Fact,
    keyset: Keyset,
    closing: Fact,
    listed: Mapping[str, int],
) -> dict[str, bytes | None]:
    value = case.log.files.value(path)
    data = unb64(value["release"])
    if sha256_hex(data) != fact["release"]:
        raise Broken("V-HASH", path=path)
    if sig_hash(value["sig"]) != fact["sig_hash"]:
        raise Broken("V-SIG-HASH", path=path)
    found = check_release(
        data,
        value["sig"],
        keyset=keyset,
        closed=closing.hash,
        listed=listed,
        identities=identities,
        at=fact.since,
    )
    if found.i != fact["i"]:
        raise Refused("E-RELEASE", why="of another closing or key set")
    return {bid: y for bid, (_, y) in found.shares.items()}


def _check_settled(
    case: Case, identities: Identities, lists: Mapping[str, Mapping[str, int]], found: Found
) -> dict[str, Fact]:
    """``stage-settled`` of each later stage, signed by a tenderee's key and an authority's."""
    settled: dict[str, Fact] = {}
    for fact in case.facts("stage-settled"):
        with found.at(fact.at):
            if fact["stage"] in settled or fact["stage"] not in case.later:
                raise Broken("V-SECOND", what="stage-settled", stage=fact["stage"])
            _check_admitted(case, fact, lists)
            check_both(case, identities, fact)
            settled[fact["stage"]] = fact
    return settled


def check_both(case: Case, identities: Identities, fact: Fact) -> None:
    """The record's `sig` is by a tenderee's key and an authority's, in force. Raises BadSignature."""
    signers = verify_signatures(fact.held.body["sig"], record_sig_bytes(fact.held.body))
    keys = {signer.key for signer in signers if signer.alg == "EdDSA" and not signer.x5c}
    authorities = {line.public for line in case.log.trust.parties.lines
                   if line.kind == "authority" and line.in_force(fact.since)}  # fmt: skip
    if not keys & authorities or not keys & _tenderees(case, identities, fact.since):
        raise BadSignature("tenderee_and_authority")


def _check_admitted(case: Case, settled: Fact, lists: Mapping[str, Mapping[str, int]]) -> None:
    """Whoever is admitted to a later stage was opened before, and is OK in every stage that is no later one."""
    for stage in case.stages.keys() - case.later:
        for bid in lists.get(stage, {}).keys() | settled["admitted"]:
            told = case.told.get((stage, bid, lists.get(stage, {}).get(bid, 0)), [])
            if told and told[-1].index > settled.index:
                raise Broken("V-ORDER", first="unsealed", then="stage-settled")
            if bid in settled["admitted"] and not (told and told[-1]["verdict"] == Verdict.OK):
                raise Broken("V-ADMITTED", bid=bid)


def _tenderees(case: Case, identities: Identities, at: datetime) -> set[bytes]:
    """The keys in force of everybody vouched for as a tenderee."""
    keys: set[bytes] = set()
    for record in case.log.of("identity-vouched"):
        if record.body.get("role") == "tenderee":
            try:
                keys.add(identities.key(record.body["id"], "tenderee", at))
            except Refused:
                continue
    return keys


def released_by(case: Case, shares: Shares, stage: str, bid: str, until: int | None = None) -> dict[int, bytes | None]:
    """The shares of one envelope, by custodian; None where a release says that the box does not open.

    ``until``: the index of the verdict; a release that came later had no part in it.
    """
    early = {
        fact["i"] for fact in case.facts("released") if fact["stage"] == stage and (until is None or fact.index < until)
    }
    return {i: listed[bid] for i, listed in sorted(shares.get(stage, {}).items()) if bid in listed and i in early}


def kth_release(case: Case, stage: str, k: int) -> int | None:
    """The index of the k-th release of a stage, if there are so many."""
    indexes = sorted(fact.index for fact in case.facts("released") if fact["stage"] == stage)
    return indexes[k - 1] if len(indexes) >= k else None
