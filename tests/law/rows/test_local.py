"""SE, RT, PD, NB, PY, CQ: secrecy, retention, personal data, and what three cities add, each row at its bound."""

from __future__ import annotations

import pytest

from audit.refusal import Refused
from tests.law.rows.books import (
    ANNOUNCED,
    CHONGQING,
    DEADLINE,
    GOV,
    MOMENT,
    NINGBO,
    PUYANG,
    WORKS,
    beijing,
    cites,
    lived,
    refused,
    runs_out,
)
from trading.law import committee, idle, publication, remedies, retention, secrecy
from trading.law.history import Happened
from trading.law.life import ask
from trading.law.rules import RULES

REGISTERED = beijing(2026, 3, 2, 9)


def test_se_04() -> None:
    """Who paid is secret until the opening, from supervisors too; the payer knows."""
    for role in ("public", "tenderee", "supervisor", "operator"):
        refused("SE-04", "E-SECRET", secrecy.keep, CHONGQING, secrecy.SECURITIES, role, "closed")
        secrecy.keep(CHONGQING, secrecy.SECURITIES, role, "opened")
    secrecy.keep(CHONGQING, secrecy.SECURITIES, secrecy.SELF, "announced")
    assert not secrecy.may_see(WORKS, secrecy.SECURITIES, "tenderee", "closed"), "our own rule elsewhere"


def test_rt_01() -> None:
    """Fifteen years, of bidders' files only the candidates'; gov keeps all."""
    ended = beijing(2010, 3, 2, 12)
    retention.check_destroy(CHONGQING, ended, beijing(2025, 3, 4))
    refused("RT-01", "E-RETENTION", retention.check_destroy, CHONGQING, ended, beijing(2025, 3, 4) - MOMENT)
    retention.check_destroy(CHONGQING, ended, beijing(2010, 3, 3), losers=True)
    with pytest.raises(Refused, match="E-RETENTION"):
        retention.check_destroy(GOV, ended, beijing(2010, 3, 3), losers=True)
    kept = retention.kept_until(CHONGQING, beijing(2024, 2, 29, 12))
    assert kept is not None and kept.last_day.isoformat() == "2039-02-28"


def test_pd_03() -> None:
    """While the term runs, what somebody wants deleted is stored and protected, no more; afterwards it goes."""
    ended, over = beijing(2010, 3, 2, 12), beijing(2025, 3, 4)
    retention.check_use(GOV, retention.ANALYSE, ended, over - MOMENT, deletion_asked=False)
    for use in (retention.STORE, retention.PROTECT):
        retention.check_use(GOV, use, ended, over - MOMENT, deletion_asked=True)
    for use in (retention.READ, retention.PUBLISH, retention.DELETE):
        no = refused(
            "PD-03", "E-STORAGE-ONLY", retention.check_use, GOV, use, ended, over - MOMENT, deletion_asked=True
        )
        assert no.facts["allowed"] == ["protect", "store"]
    retention.check_use(GOV, retention.DELETE, ended, over, deletion_asked=True)
    refused(
        "PD-03", "E-STORAGE-ONLY", retention.check_use, GOV, retention.DELETE, ended, over, deletion_asked=True,
        can_delete=False,
    )  # fmt: skip


def test_nb_08() -> None:
    """The system has failed and nothing replaces it: trade stands still from that moment, and goes on when it is lifted."""
    failed = beijing(2026, 3, 31, 9)
    until, article = remedies.order(NINGBO, "outage", "operator", failed, None)
    assert until is None and cites("NB-08", article)
    refused("NB-08", "E-SUSPENSION-BODY", remedies.order, NINGBO, "outage", "tenderee", failed, None)
    assert cites("PY-04", remedies.order(PUYANG, "outage", "supervisor", failed, None)[1])

    order = {"order": "1", "ground": "outage", "remedy": None, "until": None, "article": RULES["NB-08"].article}
    running = lived(NINGBO)
    ask(running, "close", DEADLINE)
    ask(running, "order-suspension", failed, {**order, "by": "operator"})
    stopped = running.after(Happened("order-suspension", failed, order))
    refused("NB-08", "E-SUSPENDED", ask, stopped, "close", DEADLINE)
    resumed = stopped.after(Happened("lift-suspension", DEADLINE, {"order": "1"}))
    ask(resumed, "close", DEADLINE)


def test_nb_09() -> None:
    """Three months idle, warned, ten days more; each day of it belongs to the project."""
    idle_from = beijing(2026, 6, 3)  # 2 June is the last day
    runs_out("NB-09", idle.idle_due(NINGBO, REGISTERED), idle_from)
    given = idle.check_warning(NINGBO, REGISTERED, idle_from, traded=False)
    assert given.not_after == beijing(2026, 6, 16)  # the 13th is a Saturday
    refused("NB-09", "E-NOT-IDLE", idle.check_warning, NINGBO, REGISTERED, idle_from - MOMENT, traded=False)
    refused("NB-09", "E-NOT-IDLE", idle.check_warning, NINGBO, REGISTERED, idle_from, traded=True)
    later = beijing(2026, 6, 22)  # a Monday: ten days on is Thursday, 2 July
    assert idle.check_warning(NINGBO, REGISTERED, later, traded=False).not_after == beijing(2026, 7, 3)

    end = given.not_after
    assert cites("NB-09", idle.check_termination(NINGBO, REGISTERED, idle_from, end, traded=False))
    for warned, now, code in (
        (None, end, "E-NOT-WARNED"),
        (idle_from - MOMENT, end, "E-NOT-WARNED"),
        (idle_from, end - MOMENT, "E-WARNING-RUNS"),
    ):
        refused("NB-09", code, idle.check_termination, NINGBO, REGISTERED, warned, now, traded=False)
    refused(
        "NB-09", "E-NOT-IDLE", idle.check_termination, NINGBO, REGISTERED, idle_from, end, traded=False, reason=True
    )
    with pytest.raises(Refused, match="E-NOT-IDLE"):
        idle.check_warning(WORKS, REGISTERED, end, traded=False)


def test_py_03() -> None:
    """Scores, reasons of rejection and remedies; in gov also the experts' names."""
    said = {publication.SCORES, publication.REJECTIONS, publication.REMEDIES, publication.EXPERTS}
    publication.check_result_notice(PUYANG, said)
    for part in (publication.SCORES, publication.REJECTIONS, publication.REMEDIES):
        no = refused("PY-03", "E-NOTICE-LACKS", publication.check_result_notice, PUYANG, said - {part})
        assert no.facts["missing"] == [part]
    publication.check_result_notice(GOV, {publication.EXPERTS})


def test_py_05() -> None:
    """Ninety days and seven: 31 May is a Sunday, so Monday is the last day; warned on the 2nd, over after the 9th.
    Registered on Wednesday, the ninetieth day is a Tuesday."""
    runs_out("PY-05", idle.idle_due(PUYANG, beijing(2026, 3, 4, 9)), beijing(2026, 6, 3))
    wednesday = {"registered": beijing(2026, 3, 4, 9), "traded": False}
    assert idle.check_warning(PUYANG, now=beijing(2026, 6, 3), **wednesday).not_after == beijing(2026, 6, 11)
    refused("PY-05", "E-NOT-IDLE", idle.check_warning, PUYANG, now=beijing(2026, 6, 3) - MOMENT, **wednesday)
    idle_from = beijing(2026, 6, 2)
    runs_out("PY-05", idle.idle_due(PUYANG, REGISTERED), idle_from)
    refused("PY-05", "E-NOT-IDLE", idle.check_warning, PUYANG, REGISTERED, idle_from - MOMENT, traded=False)
    given = idle.check_warning(PUYANG, REGISTERED, idle_from, traded=False)
    assert given.not_after == beijing(2026, 6, 10)
    end = given.not_after
    assert cites("PY-05", idle.check_termination(PUYANG, REGISTERED, idle_from, end, traded=False))
    refused(
        "PY-05", "E-WARNING-RUNS", idle.check_termination, PUYANG, REGISTERED, idle_from, end - MOMENT, traded=False
    )


def test_cq_01() -> None:
    """Drawn at most twenty-four hours before the evaluation, and not after it has begun."""
    evaluation = beijing(2026, 4, 1, 9)
    first = beijing(2026, 3, 31, 9)
    for drawn in (first, evaluation):
        committee.check_draw_time(CHONGQING, drawn, evaluation)
    for drawn in (first - MOMENT, evaluation + MOMENT):
        no = refused("CQ-01", "E-DRAW-EARLY", committee.check_draw_time, CHONGQING, drawn, evaluation)
        assert no.facts["earliest"] == first
    committee.check_draw_time(WORKS, ANNOUNCED, evaluation)
