"""Points are added where they help: in the totals, in a mean, in a sheet, in a seat that never scored."""

from __future__ import annotations

from typing import Any

from audit.canon import canon, parse, sha256_hex
from tests.attacks.conftest import Stage
from tests.verify.lives import RATED, opened
from tests.world import Logged
from tests.world_life import Points
from tests.world_tender import Bid, Tender
from trading.law.methods import evaluate_means, totals
from trading.law.methods.evaluating import means

RULES: dict[str, Any] = {"method": "comprehensive/v1", "parameters": RATED}


def close_by(seat: int, bid: Bid, criterion: str) -> str:
    """Points so near to each other that a few more decide."""
    return str(80 + seat)


def scored(stage: Stage, points: Points = close_by) -> Tender:
    """Five seats have scored three bids alike: Oak's, the cheapest, is the best."""
    tender = opened(stage, "works", **RULES)
    for seat in range(1, 6):
        tender.score(seat, points)
    stage.world.wait()
    return tender


def test_the_control(stage: Stage) -> None:
    tender = scored(stage)
    tender.finish()
    assert tender.ranked[0].bid == tender.bids[1].id
    stage.honest(tender)


def test_a_point_changed_in_the_totals(stage: Stage) -> None:
    def more(table: dict[str, Any]) -> dict[str, Any]:
        last = table["rows"][-1]
        last["total"] = f"{float(last['total']) + 0.01:.2f}"
        return table

    tender = scored(stage)
    tender.report()
    tender.rank(twist=more)
    tender.finish()
    stage.caught(tender, "V14", "V-TOTALS")


def test_a_mean_off_by_a_hundredth(stage: Stage) -> None:
    """All that follows from it agrees: only the sheets, which the supervisors hold, tell."""

    def better(table: dict[str, Any]) -> dict[str, Any]:
        sheets = [tender.sheets[seat] for seat in sorted(tender.sheets)]
        told = means(tender.method, tender.parameters, [bid.id for bid in tender.bids], sheets)
        told[tender.bids[0].id]["technical"] += type(told[tender.bids[0].id]["technical"])("0.0100")
        return totals(tender.method, tender.id, evaluate_means(tender.method, tender.parameters, tender.offers(), told))

    tender = scored(stage)
    tender.report()
    tender.rank(twist=better)
    tender.finish()
    stage.caught(tender, "V14", "V-TOTALS", editions=["supervision"])
    stage.honest(tender, editions=["public"])


def test_a_sheet_swapped_in_the_archive(stage: Stage) -> None:
    tender = scored(stage)
    tender.finish()
    name = f"evaluation/sheets/{sha256_hex(tender.sheets[2].encoded())}.json"

    def swap(files: dict[str, bytes]) -> dict[str, bytes]:
        sheet = parse(files[name])
        sheet["rows"][0]["points"]["technical"] = "99"
        return {**files, name: canon(sheet)}

    stage.caught(tender, "V14", "V-UNBOUND", editions=["supervision"], change=swap)


def test_a_sheet_of_another_seat(stage: Stage) -> None:
    """The third seat's record names the sheet of the second."""
    tender = opened(stage, "works", **RULES)
    for seat in (1, 2):
        tender.score(seat, close_by)
    second = sha256_hex(tender.sheets[2].encoded())
    stage.world.forge["scores-entered"] = lambda record: {**record, "sheet": second}
    tender.score(3, close_by)
    stage.world.forge.clear()
    for seat in (4, 5):
        tender.score(seat, close_by)
    del tender.files[f"evaluation/sheets/{sha256_hex(tender.sheets[3].encoded())}.json"]
    tender.finish()
    stage.caught(tender, "V14", "V-REPLACED")


def test_a_sheet_replaced_in_silence(stage: Stage) -> None:
    """A second sheet of a seat that says it were the first."""
    tender = scored(stage)
    stage.world.forge["scores-entered"] = lambda record: {**record, "replaces": None}
    tender.score(3, lambda seat, bid, criterion: "99" if bid is tender.bids[0] else "1")
    tender.finish()
    stage.caught(tender, "V14", "V-REPLACED")


def test_a_sheet_replaced_when_the_candidates_are_known(stage: Stage) -> None:
    tender = scored(stage)
    tender.evaluate()
    tender.score(3, lambda seat, bid, criterion: "99" if bid is tender.bids[0] else "1")
    tender.finish()
    stage.caught(tender, "V14", "V-ORDER")


def test_a_seat_that_never_scored(stage: Stage) -> None:
    def four(record: Logged) -> bool:
        return record.name == "scores-entered" and record.body["seat"] == 5

    tender = scored(stage)
    stage.world.hidden = four
    leave = tender.close_evaluation
    tender.close_evaluation = lambda *_: leave(four)  # type: ignore[method-assign, misc, assignment]
    tender.finish()
    stage.caught(tender, "V14", "V-SEATS")


def test_more_points_than_there_are(stage: Stage) -> None:
    tender = scored(stage)
    sheet = parse(tender.sheets[1].encoded())
    sheet["rows"][0]["points"]["technical"] = "101"
    data = canon(sheet)
    before = sha256_hex(tender.sheets[1].encoded())
    tender.files[f"evaluation/sheets/{sha256_hex(data)}.json"] = data
    tender.log("scores-entered", seat=1, sheet=sha256_hex(data), replaces=before)
    tender.finish()
    stage.caught(tender, "V14", "V-SHEET", editions=["supervision"])
