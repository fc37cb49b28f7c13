"""Verification of an archive, V14: the reserve price of a tender, from the records of its own box (log.md §8).

A tender's bundles hold the clear records of everybody. Those of the reserve box say when it closed and what was read out;
that this is what was sealed, and by the tenderee, its own archive shows (V8–V12 there, and the last function here).
"""

from __future__ import annotations

from typing import Any

from audit.refusal import Broken
from audit.report import Found
from audit.verify import Held
from bidding.case import Case
from bidding.manifest import FORM
from bidding.verify_bids import Bids
from trading.verify_award import price_of

SELL = "sell"


def check_reserve(case: Case, bids: Bids, found: Found) -> None:
    """V14, the part of the reserve price."""
    notice = case.announcement
    if notice is None:
        return
    reserve = notice.held.body.get("reserve")
    if reserve is not None:
        with found.at(notice.at):
            _check_named(case, reserve)
            floor = _read_out(case, reserve)
            if floor is not None:
                found.note(notice.at, "V-RESERVE-READ", reserve=reserve, price=floor)
            for award in case.facts("awarded"):
                if floor is not None and notice["direction"] == SELL and award["price"] < floor:
                    found.fault(award.at, "V-UNDER-RESERVE", price=award["price"], reserve=floor)
    if notice.held.body.get("reserve_of") is not None:
        _check_box(case, bids, found)


def _check_named(case: Case, reserve: Any) -> None:
    """A box of the same lot, and another one."""
    lot = case.tender.rpartition("@")[0]
    if not isinstance(reserve, str) or reserve == case.tender or reserve.rpartition("@")[0] != lot:
        raise Broken("V-RESERVE", why="of another lot")


def _read_out(case: Case, reserve: str) -> int | None:
    """The price read out, in fen; None where none was handed in, or its envelope is void. Before anybody is ranked."""
    published = min((fact.index for fact in case.facts("candidates-published")), default=None)
    closings, told = _records(case, "closed", reserve), _records(case, "unsealed", reserve)
    if len(closings) > 1:
        raise Broken("V-RESERVE", why="closed twice")
    if published is None:
        return None
    if not closings or closings[0].index > published:
        raise Broken("V-RESERVE", why="not closed before the candidates")
    if case.first_closing is None or closings[0].index < case.first_closing:
        raise Broken("V-RESERVE", why="closed before the list of bids was fixed")
    if closings[0].body.get("opens") is not True:
        if told:
            raise Broken("V-RESERVE", why="opened though shut")
        return None
    final = told[-1] if told else None
    if final is None or final.body.get("verdict") == "PENDING" or final.index > published:
        raise Broken("V-RESERVE", why="not read before the candidates")
    if not all(isinstance(held.body.get(name), str) for held in told for name in ("bid", "verdict")):
        raise Broken("V-RESERVE", why="no price")
    if len({held.body.get("bid") for held in told}) > 1:
        raise Broken("V-RESERVE", why="more than one")
    if final.body.get("verdict") != "OK":
        return None
    price = price_of(final.body.get("opening"))
    if price is None:
        raise Broken("V-RESERVE", why="no price")
    return price


def _records(case: Case, name: str, tender: str) -> list[Held]:
    return [
        held
        for _, held in sorted(case.log.held.items())
        if held.name == name
        and held.nonce is None
        and held.body.get("tender") == tender
        and held.body.get("stage") == FORM
    ]


def _check_box(case: Case, bids: Bids, found: Found) -> None:
    """The archive of a reserve box: one stage, one envelope, the tenderee's; nobody is ranked in it."""
    notice = case.announcement
    assert notice is not None
    owner: Any = notice.held.body.get("owner")
    if set(case.stages) != {FORM} or notice["min_bids"] != 1:
        found.fault(notice.at, "V-RESERVE", why="not one stage, or not one envelope")
    for fact in (*case.facts("candidates-published"), *case.facts("awarded")):
        found.fault(fact.at, "V-RESERVE", why="nobody wins a reserve box")
    for envelope in bids.effective(FORM).values():
        if envelope.manifest.bidder != owner:
            found.fault(envelope.path, "V-RESERVE", why="not the tenderee's")
