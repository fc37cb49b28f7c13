"""Scores are not what the members wrote: other points, another hand, or written when the others' were seen."""

from __future__ import annotations

from typing import Any

import pytest

from audit.canon import sha256_hex
from audit.trust import record_sig_bytes
from tests.attacks.conftest import Stage
from tests.verify import panels
from tests.world import Logged
from tests.world_box import Bid
from tests.world_draw import Panel
from tests.world_tender import Tender

pytestmark = pytest.mark.slow


def declared(stage: Stage, **how: Any) -> tuple[Tender, Panel]:
    """All sit, nobody has an interest."""
    tender, panel = panels.seated(stage, **how)
    for seat in range(1, 6):
        panel.declare(seat)
    return tender, panel


def generous(tender: Tender) -> Any:
    """Points of somebody who wants the first bid to win."""

    def points(seat: int, bid: Bid, criterion: str) -> str:
        return "100" if bid is tender.bids[0] else "1"

    return points


def test_other_points_than_were_committed_to(stage: Stage) -> None:
    """The member signs both: having seen the others, she gives more. The sheets are the supervisors'."""
    tender, panel = declared(stage)
    sheets = [panel.commit_score(seat) for seat in range(1, 6)]
    stage.world.wait()
    for sheet in sheets[:4]:
        panel.reveal_score(sheet)
    panel.reveal_score(tender.sheet(5, generous(tender)))
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-SCORE", editions=["supervision"])


def test_a_sheet_signed_by_the_operator(stage: Stage) -> None:
    tender, panel = declared(stage)
    sheets = [panel.commit_score(seat) for seat in range(1, 5)]
    sheets.append(panel.commit_score(5, tender.sheet(5, generous(tender)), signer=stage.world.key))
    for sheet in sheets:
        panel.reveal_score(sheet, signer=stage.world.key if sheet.seat == 5 else None)
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "E-SIG")


def test_a_sheet_that_nobody_signed(stage: Stage) -> None:
    tender, panel = declared(stage)
    sheets = [panel.commit_score(seat) for seat in range(1, 6)]
    for sheet in sheets[:4]:
        panel.reveal_score(sheet)
    tender.enter(sheets[4], nonce=panel.nonces[5].hex())
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "E-SIG")


def test_scores_without_a_nonce(stage: Stage) -> None:
    tender, panel = declared(stage)
    sheets = [panel.commit_score(seat) for seat in range(1, 6)]
    body = {"seat": 5, "sheet": sha256_hex(sheets[4].encoded()), "replaces": None}
    record = {"type": "trading.scores-entered/v1", "subject": tender.id, "tender": tender.id, **body}
    for sheet in sheets[:4]:
        panel.reveal_score(sheet)
    tender.enter(sheets[4], sig=[panel.signers[5].sign(record_sig_bytes(record))])
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "V-RECORD")


def test_shown_before_all_had_committed(stage: Stage) -> None:
    """Four show their scores, then the fifth makes up her mind."""
    tender, panel = declared(stage)
    for sheet in [panel.commit_score(seat) for seat in range(1, 5)]:
        panel.reveal_score(sheet)
    panel.reveal_score(panel.commit_score(5))
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-SCORES-EARLY")


def test_a_successor_who_is_not_waited_for(stage: Stage) -> None:
    """The third member is replaced before anybody shows; the others show what the new one has not committed to."""
    tender, panel = declared(stage)
    sheets = [panel.commit_score(seat) for seat in range(1, 6)]
    panel.lose(str(panel.seats[3]), "civil", "removed", by="A-SUP")
    panel.call()
    panel.sit()
    panel.declare(3)
    for sheet in (*sheets[:2], *sheets[3:]):
        panel.reveal_score(sheet)
    panel.reveal_score(panel.commit_score(3))
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-SCORES-EARLY")


def test_the_sheet_of_a_member_who_was_replaced_counts(stage: Stage) -> None:
    """What he did is void; his successor is never asked."""
    tender, panel = panels.scored(stage)
    panel.lose(str(panel.seats[3]), "civil", "removed", by="A-SUP")
    panel.call()
    panel.sit()
    panels.finish(tender, panel)
    stage.caught(tender, "V14", "D-REPLACED")


def test_scored_without_a_declaration(stage: Stage) -> None:
    tender, panel = panels.seated(stage)
    for seat in range(1, 5):
        panel.declare(seat)
    for sheet in [panel.commit_score(seat) for seat in range(1, 6)]:
        panel.reveal_score(sheet)
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-UNDECLARED")


def test_scored_when_nobody_sat(stage: Stage) -> None:
    tender, panel = panels.drawn(stage)
    panel.call()
    leaves = [*panel.sitting("civil"), *panel.sitting("economics")]
    for seat, leaf in enumerate(leaves, 1):
        panel.check_in(seat, leaf)
    panel.score()
    panel.sit()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-UNKEYED")


def test_a_conflict_declared_and_he_stays(stage: Stage) -> None:
    tender, panel = panels.seated(stage)
    leaf = panel.seats[2]
    panel.signed("conflict-declared", 2, attempt=1, leaf=leaf, conflict=True)
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-STAYED")


def test_a_declaration_by_the_operator(stage: Stage) -> None:
    """A member who scores unwelcome things is said to have declared a conflict."""
    tender, panel = panels.seated(stage)
    leaf = str(panel.seats[2])
    panel.signed("conflict-declared", 2, signer=stage.world.key, attempt=1, leaf=leaf, conflict=True)
    panel.lose(leaf, "civil", "conflict")
    panel.call()
    panel.sit()
    panel.score()
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "E-SIG")


def test_a_report_signed_for_a_member(stage: Stage) -> None:
    tender, panel = panels.scored(stage)
    panel.signers[4] = stage.world.key
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "E-SIG")


def test_dissent_without_a_reason(stage: Stage) -> None:
    tender, panel = panels.scored(stage)
    panel.signed("report-answered", 4, report="0" * 64, answer="dissent", reason=None)
    panels.finish(tender, panel)
    stage.caught(tender, "V13", "D-ANSWER")


def test_a_commitment_left_out_of_the_count(stage: Stage) -> None:
    def last(record: Logged) -> bool:
        return record.name == "scores-committed" and record.body["seat"] == 5

    tender, panel = panels.scored(stage)
    panels.finish(tender, panel)
    stage.world.hidden = last
    stage.caught(tender, "V9", "V-CLOSING")
