"""Verification of an archive, V13: the panel at work, who may read its names, what the law asks of it (draw.md §2.6–§4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import combinations
from typing import Final

from audit.canon import sha256_hex, unhex
from audit.refusal import Broken
from audit.report import Found
from audit.signature import BadSignature, check_key, verify_signatures
from audit.trust import record_sig_bytes
from experts.draw import draw_ctx, score_commit
from experts.told import Draw, Fact, Told, check_one, own_bytes
from experts.verify_calls import HIDDEN, Course

EARLIEST: Final = timedelta(minutes=30)  # draw.md §3: before `meets`
KEYS: Final = ("party", "authority", "custodian")
"""The kinds of whom two may read the names."""
SHEETS: Final = "evaluation/sheets/"

Courses = dict[str, Course]
"""By draw."""


def check_law(told: Told, draw: Draw, found: Found) -> None:
    """As many experts and members as the rulebook and the notice say, drawn no earlier than the law allows."""
    record, law = draw.first, told.law
    with found.at(record.at):
        law.check_members(len(draw.blocks), record["representatives"])
        if law.seats and draw.members != law.seats:
            raise Broken("D-SEATS", members=draw.members, seats=law.seats)
    with found.at(record.at):
        law.check_time(record.time, record["meets"])
    if record["pool_size"] < HIDDEN * len(draw.blocks):
        found.note(record.at, "D-SMALL-POOL", pool=record["pool_size"], seats=len(draw.blocks))


class Seats:
    """Who held the key of which seat, and when."""

    def __init__(self, told: Told, draws: Sequence[Draw]) -> None:
        self.draws = {draw.id: draw for draw in draws}
        self.keyed = [fact for fact in told.facts("seat-keyed") if fact["draw"] in self.draws]

    def at(self, seat: int, before: int) -> Fact | None:
        """The last key of a seat below an index."""
        return next((fact for fact in reversed(self.keyed) if fact["seat"] == seat and fact.index < before), None)

    def check(self, fact: Fact) -> Fact:
        """The key of a record's seat, under which its `sig` holds. Broken D-UNKEYED, BadSignature."""
        key = self.at(fact["seat"], fact.index)
        if key is None:
            raise Broken("D-UNKEYED", seat=fact["seat"])
        sig = fact.held.body.get("sig")
        check_one(sig, record_sig_bytes(fact.held.body), [key["key"]])
        return key


def check_seats(told: Told, draws: Sequence[Draw], courses: Courses, found: Found) -> None:
    """Keys, declarations, scores and answers to the report."""
    seats = Seats(told, draws)
    _check_keys(seats, courses, found)
    _check_declarations(told, seats, courses, found)
    _check_commitments(told, seats, found)
    _check_reveals(told, seats, found)
    for fact in told.facts("report-answered"):
        with found.at(fact.at):
            if (fact["reason"] is not None) != (fact["answer"] == "dissent"):
                raise Broken("D-ANSWER", answer=fact["answer"])
            if fact["answer"] == "silent":
                if fact["sig"] or fact["seat"] > seats.draws[fact["draw"]].members:
                    raise Broken("D-ANSWER", answer=fact["answer"])
            elif seats.check(fact)["draw"] != fact["draw"]:
                raise Broken("D-UNKEYED", seat=fact["seat"])


def _check_keys(seats: Seats, courses: Courses, found: Found) -> None:
    """A seat is keyed by who accepted it; no key stands for two."""
    holders: dict[bytes, tuple[str, int, str | None]] = {}
    for fact in seats.keyed:
        draw, seat, leaf = seats.draws[fact["draw"]], fact["seat"], fact["leaf"]
        with found.at(fact.at):
            if seat > draw.members or (leaf is None) != (seat > len(draw.blocks)):
                raise Broken("D-SEAT", seat=seat)
            if leaf is not None:
                course = courses[draw.id]
                if not course.sits(leaf, fact.index) or course.records[leaf][0]["specialty"] != draw.blocks[seat - 1]:
                    raise Broken("D-SEAT", seat=seat)
            check_key("EdDSA", fact["key"])
            holder = (draw.id, seat, leaf)
            if holders.setdefault(fact["key"], holder) != holder:
                raise Broken("D-KEY-TWICE", seat=seat)


def check_keyed(told: Told, draw: Draw, found: Found) -> None:
    """Where candidates were published, every seat of the last panel has its own key."""
    seatings, published = draw.last.of("panel-seated"), told.facts("candidates-published")
    if not seatings or not published:
        return
    last = {fact["seat"]: fact["leaf"] for fact in draw.last.of("seat-keyed")}
    for seat in range(1, draw.members + 1):
        sitting = dict(enumerate(seatings[-1]["leaves"], 1)).get(seat)
        if seat not in last or last[seat] != sitting:
            found.fault(published[0].at, "D-UNKEYED", seat=seat)


def _check_declarations(told: Told, seats: Seats, courses: Courses, found: Found) -> None:
    """Signed by whom they are about; who declares a conflict is lost."""
    published = bool(told.facts("candidates-published"))
    for fact in told.facts("conflict-declared"):
        if fact["draw"] not in seats.draws:
            continue
        with found.at(fact.at):
            key = seats.check(fact)
            if (key["draw"], key["leaf"]) != (fact["draw"], fact["leaf"]):
                raise Broken("D-UNKEYED", seat=fact["seat"])
            if not fact["conflict"]:
                continue
            if fact["leaf"] is not None:
                lost = courses[fact["draw"]].lost.get(fact["leaf"])
                if lost is None or lost["outcome"] != "conflict" or lost.index < fact.index:
                    raise Broken("D-STAYED", seat=fact["seat"])
            elif published and not any(k["seat"] == fact["seat"] and k.index > fact.index for k in seats.keyed):
                raise Broken("D-STAYED", seat=fact["seat"])


def _check_commitments(told: Told, seats: Seats, found: Found) -> None:
    """Nobody scores who has not declared, under the same key, that he has no conflict."""
    for fact in told.facts("scores-committed"):
        with found.at(fact.at):
            key = seats.check(fact)
            if key["draw"] != fact["draw"]:
                raise Broken("D-UNKEYED", seat=fact["seat"])
            declared = [
                one["conflict"]
                for one in told.facts("conflict-declared")
                if one["seat"] == fact["seat"] and key.index < one.index < fact.index
            ]
            if not declared or any(declared):
                raise Broken("D-UNDECLARED", seat=fact["seat"])


def _check_reveals(told: Told, seats: Seats, found: Found) -> None:
    """Scores are shown when every seat has committed, and they are what was committed to."""
    committed = told.facts("scores-committed")
    for fact in told.facts("scores-entered"):
        with found.at(fact.at):
            if not any(one.index < fact.index for one in told.facts("panel-seated")):
                raise Broken("D-UNKEYED", seat=fact["seat"])
            key = seats.check(fact)
            draw = seats.draws[key["draw"]]
            last: dict[int, Fact] = {}
            for one in committed:
                if one.index < fact.index:
                    last[one["seat"]] = one
            for seat in range(1, draw.members + 1):
                held = seats.at(seat, fact.index)
                if held is None or seat not in last or last[seat].index < held.index:
                    raise Broken("D-SCORES-EARLY", seat=fact["seat"], waiting=seat)
            _check_score(told, draw, fact, last[fact["seat"]])


def _check_score(told: Told, draw: Draw, fact: Fact, committed: Fact) -> None:
    """The sheet, where the archive holds it, and the nonce meet the commitment."""
    try:
        nonce = unhex(fact.held.body.get("nonce"))
    except ValueError as why:
        raise Broken("V-RECORD", why=str(why)) from why
    path = f"{SHEETS}{fact['sheet']}.json"
    if path not in told.log.files or fact["seat"] > 255:
        return
    sheet = told.log.files.bytes(path)
    if sha256_hex(sheet) != fact["sheet"]:
        return  # V14 names a sheet that is not its name
    if score_commit(draw_ctx(draw.id, told.tender), fact["seat"], nonce, sheet).hex() != committed["commit"]:
        raise Broken("D-SCORE", seat=fact["seat"])


# -------------------------------------------------------------------------------------------------------------- readings


def check_readings(told: Told, draws: Sequence[Draw], found: Found) -> None:
    """The names were read when all were seated, or by two of different kinds from half an hour before."""
    by_id = {draw.id: draw for draw in draws}
    for fact in told.facts("panel-read"):
        draw = by_id.get(fact["draw"])
        if draw is None:
            continue
        with found.at(fact.at):
            if fact["ground"] == "seated":
                if not any(one.index < fact.index for one in draw.of("panel-seated")):
                    raise Broken("D-READ", ground="seated")
                continue
            if fact.time < draw.first["meets"] - EARLIEST:
                raise Broken("D-READ-EARLY", meets=draw.first["meets"])
            signers = verify_signatures(fact["approved"], own_bytes(fact, "approved"))
            known = [set(_known(told, signer.key, fact)) for signer in signers]
            if not all(known) or any(signer.alg != "EdDSA" or signer.x5c for signer in signers):
                raise BadSignature("signer")
            two = (
                one != other and kind != another
                for first, second in combinations(known, 2)
                for one, kind in first
                for other, another in second
            )
            if not any(two):
                raise Broken("D-READ", ground="two_keys")


def _known(told: Told, key: bytes, fact: Fact) -> Iterator[tuple[str, str]]:
    """(id, kind) of whoever holds a key in force."""
    for id, role in told.identities.holders(key, fact.since):
        if role in KEYS:
            yield id, role


def check_named(told: Told, found: Found) -> None:
    """Names are public only after the evaluation."""
    ended = told.facts("evaluation-closed")
    for fact in told.facts("panel-named"):
        if not ended or fact.index < ended[0].index:
            found.fault(fact.at, "V-ORDER", first="evaluation-closed", then="panel-named")
