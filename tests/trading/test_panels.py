"""Whoever asks for a panel is told what the law says of it; whoever takes part is held to what it signed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.act import pool
from audit.canon import b64, stamp
from audit.signature import Ed25519Signer
from audit.trust import Vkey, record_sig_bytes
from experts.approvals import unapproved
from tests.trading.desk import SCHEMA, Desk
from tests.trading.drawing import NEED, PARTIES, Drawing, panel_of, records_of
from tests.trading.test_evaluation import RATED
from tests.trading.town import Town


@pytest.fixture
async def drawing(place: Town, tmp_path: Path) -> Drawing:
    return await panel_of(place, tmp_path / "desk")


def code(answer: Any) -> str:
    return str(answer["code"])


# ------------------------------------------------------------------------------------------------------------- asking


async def test_a_panel_of_five_is_asked_for_before_the_opening(drawing: Drawing) -> None:
    told = await drawing.convene()
    assert (told["members"], told["after_opening"]) == (5, False)
    assert [one["rule"] for one in told["unchecked"]] == ["WK-55"]
    (record,) = await records_of(drawing.desk.tender, "panel-requested")
    assert record["need"] == NEED and record["draw"] == told["draw"] and record["representatives"] == 1
    row = await pool().fetchrow("SELECT * FROM experts_panel")
    assert drawing.town.codes["tenderee"] in row["recuse"] and drawing.town.codes["supervisor"] in row["recuse"]
    assert row["state"] == "requested" and "三小时" in row["wording"] and "星期" in row["wording"]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"need": [{"specialty": "a08", "count": 3}], "representatives": 0}, "E-PANEL-SIZE"),
        ({"need": [{"specialty": "a08", "count": 5}], "representatives": 1}, "E-PANEL-EVEN"),
        ({"need": [{"specialty": "a08", "count": 3}], "representatives": 2}, "E-PANEL-EXPERTS"),
        ({"need": [{"specialty": "z99", "count": 5}], "representatives": 0}, "E-DRAW-SPECIALTY"),
        ({"need": list(reversed(NEED))}, "E-DRAW-NEED"),
        ({"parties": ["A-SUP", "A-SUP"]}, "E-DRAW-PARTIES"),
        ({"parties": ["A-SUP", "nobody"]}, "E-DRAW-PARTIES"),
        ({"wording": {"duration": "三小时", "city": "新余市", "centre": "公路项目办", "contact": "1"}}, "E-WORDING-WORD"),
        ({"reveal_within": 10**8}, "T-PANEL-MEETS"),
    ],
)  # fmt: skip
async def test_what_no_panel_may_be(drawing: Drawing, changes: dict[str, Any], refused: str) -> None:
    expect = 422 if refused in ("E-DRAW-SPECIALTY", "E-DRAW-NEED", "E-DRAW-PARTIES") else 409
    assert code(await drawing.convene(expect=expect, **changes)) == refused
    assert not await pool().fetchval("SELECT count(*) FROM experts_panel")


async def test_the_tenderee_alone_holds_no_draw(drawing: Drawing) -> None:
    """Two tenderees' keys, vouched: nobody there is independent."""
    town, now = drawing.town, await drawing.desk.now()
    for name in ("T-ONE", "T-TWO"):
        fields = {
            "id": name, "role": "tenderee", "vkey": str(Vkey(name, 1, Ed25519Signer.generate().key)), "by": "A-SUP",
            "from": stamp(now - timedelta(hours=1)), "until": None,
        }  # fmt: skip
        signed = record_sig_bytes({"type": "trading.identity-vouched/v1", "subject": name, **fields})
        await town.call("supervisor", "POST", "/identities", 201, {**fields, "sig": [town.authority.sign(signed)]})
    no = await drawing.convene(expect=422, parties=["T-ONE", "T-TWO"])
    assert code(no) == "E-DRAW-PARTIES" and no["facts"]["why"] == "nobody but the tenderee"
    await drawing.convene(parties=["T-ONE", "A-SUP"])


async def test_a_tender_has_one_draw_until_its_pool_is_exhausted(drawing: Drawing) -> None:
    first = await drawing.convene()
    assert code(await drawing.convene(expect=409)) == "E-DRAW-TWICE"
    await drawing.set(state="exhausted")
    second = await drawing.convene()
    assert second["draw"] != first["draw"]
    assert (await drawing.town.call("operator", "GET", drawing.path, 200))["replaces"] == first["draw"]


async def test_government_procurement_waits_for_the_closing(place: Town, tmp_path: Path) -> None:
    drawing = await panel_of(place, tmp_path / "desk", regime="gov", baseline=10**6)
    told = await drawing.convene()
    assert told["after_opening"] and [one["rule"] for one in told["unchecked"]] == ["N-01"]


async def test_a_large_budget_asks_for_seven(place: Town, tmp_path: Path) -> None:
    drawing = await panel_of(place, tmp_path / "desk", regime="gov", baseline=1_000_000_000)
    no = await drawing.convene(expect=409)
    assert code(no) == "E-PANEL-SIZE" and no["facts"]["least"] == 7


async def test_the_notice_says_how_many_seats(place: Town, tmp_path: Path) -> None:
    terms = {**RATED, "opening_schema": SCHEMA, "parameters": {**RATED["parameters"], "small_firm": None}}
    drawing = await panel_of(place, tmp_path / "desk", regime="gov", terms=terms)
    seven = [{"specialty": "a08", "count": 6}]
    no = await drawing.convene(expect=409, need=seven)
    assert code(no) == "T-PANEL-SEATS" and (no["facts"]["members"], no["facts"]["seats"]) == (7, 5)
    await drawing.convene()


async def test_in_chongqing_nobody_is_drawn_a_day_early(place: Town, tmp_path: Path) -> None:
    drawing = await panel_of(place, tmp_path / "desk", region="chongqing")
    no = await drawing.convene(expect=409)
    assert code(no) == "E-DRAW-EARLY" and no["article"] and "-24小时" in no["facts"]["derivation"]
    earliest = datetime.fromisoformat(no["facts"]["earliest"])
    await place.push(earliest - await drawing.desk.now() + timedelta(seconds=5))
    await drawing.convene()


async def test_in_henan_it_is_told_what_nobody_has_read(place: Town, tmp_path: Path) -> None:
    drawing = await panel_of(place, tmp_path / "desk", region="puyang")
    assert {one["rule"] for one in (await drawing.convene())["unchecked"]} == {"WK-55", "HN-01"}


async def test_where_a_panel_was_convened_nobody_else_scores(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path / "desk")
    await desk.open()
    for number, name in enumerate(("fir", "oak")):
        await desk.hand_in(await desk.bidder(name), 9_000_000 + number)
    drawing = Drawing(desk)
    await drawing.convene()
    await desk.wait()
    await desk.open_boxes()
    sheet = {"seat": 1, "rows": [{"bid": "0" * 32, "points": {"plan": "9"}}]}
    assert code(await desk.post("tenderee", "sheets", 409, sheet)) == "T-PANEL-SHEETS"


# --------------------------------------------------------------------------------------------------- commit and reveal


async def test_three_parties_commit_then_reveal(drawing: Drawing) -> None:
    await drawing.convene()
    await drawing.commit()
    waiting = (await drawing.town.call("public", "GET", "/draws", 200))["items"]
    assert [(one["draw"], one["parties"]) for one in waiting] == [(drawing.draw, list(PARTIES))]
    await drawing.all_say()
    await drawing.all_say(reveals=True)
    assert not (await drawing.town.call("public", "GET", "/draws", 200))["items"]
    committed = await records_of(drawing.desk.tender, "draw-nonce-committed")
    revealed = await records_of(drawing.desk.tender, "draw-nonce-revealed")
    assert [one["i"] for one in committed] == [one["i"] for one in revealed] == [1, 2, 3]
    assert committed[-1]["time"] < revealed[0]["time"]
    counts = await drawing.town.call("tenderee", "GET", drawing.path, 200)
    assert (counts["committed"], counts["revealed"], counts["state"]) == (3, 3, "committed")


async def test_a_commitment_waits_for_the_checkpoint_over_the_draw(drawing: Drawing) -> None:
    await drawing.convene()
    await drawing.commit(covered=False)
    assert code(await drawing.say(1, expect=409)) == "E-PENDING"
    await drawing.desk.covered()
    await drawing.say(1)


@pytest.mark.parametrize(
    ("changes", "refused", "status"),
    [
        ({"draw": "f" * 32}, "E-NONCE-DRAW", 409),
        ({"tender": "2026-000009-01@8"}, "E-NONCE-DRAW", 409),
        ({"attempt": 2}, "E-NONCE-ATTEMPT", 409),
        ({"draw_record": "0" * 64}, "E-NONCE-RECORD", 409),
        ({"by": "A-AUD"}, "E-NONCE-SIG", 409),
        ({"by": "C-TEN"}, "E-NONCE-SIG", 409),
        ({"i": 4}, "E-NONCE-PARTY", 409),
        ({"value": b"short"}, "E-NONCE-FORM", 422),
        ({"reveals": True}, "E-NONCE-FORM", 422),
    ],
)
async def test_what_is_no_commitment(drawing: Drawing, changes: dict[str, Any], refused: str, status: int) -> None:
    await drawing.convene()
    await drawing.commit()
    said = {name: value for name, value in changes.items() if name not in ("by", "i")}
    if said.pop("reveals", False):
        sent = drawing.said(1, reveals=True)
        body = {"object": b64(sent.data), "sig": [drawing.signer("A-SUP").sign(sent.signed)]}
        no = await drawing.town.call("operator", "POST", f"{drawing.path}/commitments", status, body)
    else:
        no = await drawing.say(changes.get("i", 1), by=changes.get("by", ""), expect=status, **said)
    assert code(no) == refused
    assert not await records_of(drawing.desk.tender, "draw-nonce-committed")


async def test_nobody_commits_twice_and_a_void_attempt_takes_nothing(drawing: Drawing) -> None:
    await drawing.convene()
    await drawing.commit()
    await drawing.say(1)
    drawing.nonces.clear()
    assert code(await drawing.say(1, expect=409)) == "E-NONCE-TWICE"
    await drawing.void(2)
    assert code(await drawing.say(2, expect=409)) == "E-NONCE-VOID"
    await drawing.commit(2)
    await drawing.say(2)
    assert code(await drawing.say(3, attempt=1, expect=409)) == "E-NONCE-VOID"


async def test_nobody_reveals_early_another_nonce_twice_or_late(drawing: Drawing) -> None:
    await drawing.convene()
    await drawing.commit()
    await drawing.say(1)
    await drawing.say(2)
    assert code(await drawing.say(1, reveals=True, expect=409)) == "E-NONCE-EARLY"
    await drawing.say(3)
    assert code(await drawing.say(1, reveals=True, value=bytes(32), expect=409)) == "E-NONCE-UNMET"
    await drawing.say(1, reveals=True)
    assert code(await drawing.say(1, reveals=True, expect=409)) == "E-NONCE-TWICE"
    assert drawing.reveal_by is not None
    await drawing.town.push(drawing.reveal_by - await drawing.desk.now() + timedelta(seconds=1))
    no = await drawing.say(2, reveals=True, expect=409)
    assert code(no) == "E-NONCE-LATE"


async def test_once_the_order_is_known_nobody_says_anything_more(drawing: Drawing) -> None:
    await drawing.convene()
    await drawing.commit()
    await drawing.set(state="calling")
    assert code(await drawing.say(1, expect=409)) == "E-NONCE-OVER"


# ----------------------------------------------------------------------------------------------------------- approvals


async def test_a_third_attempt_waits_for_an_authority(drawing: Drawing) -> None:
    await drawing.convene()
    town = drawing.town
    assert code(await town.call("supervisor", "GET", f"{drawing.path}/draft", 404)) == "E-DRAW-DRAFT"
    value = await drawing.draft(3)
    assert (await town.call("operator", "GET", drawing.path, 200))["approval_wanted"]
    told = await town.call("supervisor", "GET", f"{drawing.path}/draft", 200)
    assert told["attempt"] == 3
    for stranger in (town.custodians["C-TEN"], Ed25519Signer.generate()):
        sig = [stranger.sign(unapproved(value))]
        no = await town.call("supervisor", "POST", f"{drawing.path}/approvals", 409, {"sig": sig})
        assert code(no) == "E-DRAW-APPROVAL"
    other = [town.authority.sign(unapproved({**value, "pool_root": "99" * 32}))]
    assert (
        code(await town.call("supervisor", "POST", f"{drawing.path}/approvals", 409, {"sig": other}))
        == "E-DRAW-APPROVAL"
    )
    body = {"sig": [town.authority.sign(unapproved(value))]}
    assert await town.call("supervisor", "POST", f"{drawing.path}/approvals", 201, body) == {"attempt": 3}
    assert code(await town.call("supervisor", "POST", f"{drawing.path}/approvals", 404, body)) == "E-DRAW-DRAFT"
