"""Verification of an archive, V9: everything that is counted (log.md §8, envelope.md §6).

The closing fixes a list before any share exists. Here the list, the events that lead to it and whether it opens are
recomputed from the records it discloses; in the public edition of a tender that stays shut only counts and serials.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from audit.canon import is_code
from audit.merkle import root
from audit.refusal import Broken
from audit.report import Found
from bidding.case import CLOSING, Case, Fact, last
from bidding.tally import GIVEN_UP
from bidding.verify_bids import Bids, Envelope


def root_of(hashes: Iterable[str]) -> str:
    """RFC 6962 over hashes taken as leaf hashes, sorted; all in hex."""
    return root(sorted(bytes.fromhex(value) for value in hashes)).hex()


def events_of(case: Case, bids: Bids, closing: Fact) -> list[str]:
    """SHA-256(record) of what happened in a box before its closing: deposits, withdrawals, refusals, acting keys."""
    stage = closing["stage"]
    facts = [fact for name in ("deposited", "refused") for fact in case.facts(name) if fact["stage"] == stage]
    facts += [fact for fact in case.facts("withdrawn") if bids.envelopes.get((fact["bid"], stage))]
    keys = {key for key, stages in bids.acted.items() if stage in stages}
    facts += [fact for key, fact in bids.registered.items() if key in keys]
    return [fact.hash for fact in facts if fact.index < closing.index]


@dataclass(frozen=True)
class Counted:
    """Who counts: the bids whose every effective manifest is signed under a vouched key, or named in the notice."""

    bids: frozenset[str]
    bidders: frozenset[str]
    unvouched: frozenset[str]
    """Listed bids that do not count."""


def count(case: Case, bids: Bids) -> Counted:
    """Of the effective bids, those that count for ``opens`` (envelope.md §5)."""
    admitted = set() if case.announcement is None else set(case.announcement["unvouched"])
    listed: dict[str, list[Envelope]] = {}
    for stage in case.stages:
        for bid, envelope in bids.effective(stage).items():
            listed.setdefault(bid, []).append(envelope)
    counting = {
        bid: some[0].manifest.bidder
        for bid, some in listed.items()
        if some[0].manifest.bidder in admitted or all(bids.vouched(one) for one in some)
    }
    return Counted(frozenset(counting), frozenset(counting.values()), frozenset(listed.keys() - counting.keys()))


def check_counts(case: Case, bids: Bids, found: Found) -> None:
    """V9."""
    closings = case.facts("closed")
    for stage in case.stages:
        if stage not in case.closings:
            found.fault("", "V-UNCLOSED", stage=stage)
    for fact in closings:
        if fact is not case.closings[fact["stage"]]:
            found.fault(fact.at, "V-SECOND", what="closed", stage=fact["stage"])
        elif fact["stage"] not in case.stages:
            found.fault(fact.at, "V-CLOSING", field="stage")
    for fact in case.closings.values():
        _check_closing(case, bids, fact, found)
    if case.shown:
        _check_bidders(case, bids, found)
        _check_erased(case, bids, found)
    if case.first_closing is not None:
        for name in ("deposited", "withdrawn"):
            for fact in case.facts(name):
                if fact.index > case.first_closing:
                    found.fault(fact.at, "V-AFTER-CLOSING")
    _check_abandoned(case, found)
    _check_serials(case, found)
    _check_evaluation(case, found)


def _check_closing(case: Case, bids: Bids, fact: Fact, found: Found) -> None:
    """One closing against all that it claims."""
    stage = fact["stage"]
    if fact["keyset"] != case.stages.get(stage):
        found.fault(fact.at, "V-CLOSING", field="keyset")
    if fact["deadline"] != case.deadline(before=fact.index):
        found.fault(fact.at, "V-CLOSING", field="deadline", deadline=case.deadline(before=fact.index))
    if (fact["reason"] != "" or not fact["opens"]) and not is_code(fact["reason"]):
        found.fault(fact.at, "V-CLOSING", field="reason")
    if (fact["reason"] == GIVEN_UP) != case.abandoned:
        found.fault(fact.at, "V-CLOSING", field="reason")
    if case.abandoned and fact["opens"]:
        found.fault(fact.at, "V-OPENS", counted=0, opens=True)
    for other in case.closings.values():
        if (other["count"], other["opens"]) != (fact["count"], fact["opens"]):
            found.fault(fact.at, "V-CLOSING", field="count")
            break
    if not case.shown:
        return
    events = events_of(case, bids, fact)
    listed = [envelope.manifest.hash for envelope in bids.effective(stage).values()]
    recomputed = {
        "count": len(listed),
        "list_root": root_of(listed),
        "events": len(events),
        "events_root": root_of(events),
    }
    for field, value in recomputed.items():
        if fact[field] != value:
            found.fault(fact.at, "V-CLOSING", field=field, recomputed=value)
    if case.announcement is not None:
        enough = len(count(case, bids).bidders) >= case.announcement["min_bids"]
        if fact["opens"] != enough and not case.abandoned:
            found.fault(fact.at, "V-OPENS", counted=len(count(case, bids).bidders), opens=fact["opens"])


def _check_abandoned(case: Case, found: Found) -> None:
    """A tender is given up once, with a reason, and before its closing: what opens cannot be given up any more."""
    ended = [held.body.get("reason") for held in case.mine if held.name == "tender-terminated"]
    for place, fact in enumerate(case.facts("abandoned")):
        if place:
            found.fault(fact.at, "V-SECOND", what="abandoned", stage="")
        if not is_code(fact["reason"]) or fact["reason"] not in ended:
            found.fault(fact.at, "V-RECORD", why="reason")
        if case.first_closing is not None and fact.index > case.first_closing:
            found.fault(fact.at, "V-ORDER", first="abandoned", then="closed")


def _check_bidders(case: Case, bids: Bids, found: Found) -> None:
    """One effective bid per bidder, with an envelope in every stage."""
    owner: dict[str, str] = {}
    for stage in case.stages:
        for bid, envelope in bids.effective(stage).items():
            if owner.setdefault(envelope.manifest.bidder, bid) != bid:
                found.fault(
                    envelope.path, "E-TWICE", bidder=envelope.manifest.bidder, bid=owner[envelope.manifest.bidder]
                )


def _check_erased(case: Case, bids: Bids, found: Found) -> None:
    """Exactly one ``erased`` for each superseded or withdrawn envelope, with the root of what went."""
    ended = {(one.manifest.bid, one.manifest.stage, one.manifest.seq): one for one in bids.ended()}
    for fact in case.facts("erased"):
        envelope = ended.pop((fact["bid"], fact["stage"], fact["seq"]), None)
        if envelope is None or envelope.manifest.root != fact["root"]:
            found.fault(fact.at, "V-ERASED")
    for envelope in ended.values():
        found.fault(envelope.path, "V-UNERASED")


def _check_serials(case: Case, found: Found) -> None:
    """Public records of the tender count 1, 2, 3 …; in the supervision edition the supervisors' own as well."""
    for held in case.mine:
        if held.body["subject"] != case.tender:
            found.fault(held.at, "V-RECORD", why="subject")
    clear = [held for held in case.mine if held.nonce is None]
    _check_series("serial", [held.body.get("serial") for held in clear], len(clear), found)
    archived = last(case.facts("archived"))
    if archived is None:
        found.fault("", "V-UNARCHIVED")
    elif not case.public:
        blinded = [
            held
            for held in case.mine
            if held.nonce is not None and "sserial" in held.body and held.body["subject"] == case.tender
        ]
        _check_series("sserial", [held.body["sserial"] for held in blinded], archived["last_sserial"], found)


def _check_series(field: str, values: list[object], until: int, found: Found) -> None:
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(numbers) != len(values) or sorted(numbers) != list(range(1, until + 1)):
        missing = [n for n in range(1, min(until, len(values) + 1) + 1) if n not in numbers]
        found.fault(f"{field} {missing[0] if missing else until + 1}", "V-SERIAL", field=field)


def evaluation_records(case: Case) -> list[tuple[int, str]]:
    """(index, hash) of the blinded records that the end of the evaluation discloses."""
    aside: Collection[str] = CLOSING | {"bidder-key-registered"}
    return [
        (held.index, held.hash)
        for held in case.mine
        if held.nonce is not None and held.name not in aside and "sserial" not in held.body
    ]


def _check_evaluation(case: Case, found: Found) -> None:
    """What was sealed during the evaluation is all there, and nothing that came after its end."""
    records, ended = evaluation_records(case), case.facts("evaluation-closed")
    for second in ended[1:]:
        found.fault(second.at, "V-SECOND", what="evaluation-closed", stage="")
    closing = ended[0] if ended else None
    for index, _ in records:
        if closing is None or index > closing.index:
            found.fault(f"record {index}", "V-STRAY")
    if closing is not None:
        with found.at(closing.at):
            before = [hash for index, hash in records if index < closing.index]
            if (closing["events"], closing["events_root"]) != (len(before), root_of(before)):
                raise Broken("V-CLOSING", field="events_root", recomputed=root_of(before))
