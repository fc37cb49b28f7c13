"""The door of a panel: one size for every answer, readings that are recorded first, removals that are signed, names once
they are public, files that the archive waits for."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from audit.act import Actor, acting, pool
from audit.canon import b64, unb64
from audit.refusal import Refused
from audit.trust import record_sig_bytes
from bidding import hpke
from experts import disclosure
from experts.approvals import unapproved
from experts.door import info_of, reading_of, removal_of
from tests.attacks.conftest import Stage
from tests.trading.desk import Desk
from tests.trading.drawing import Drawing, panel_of, records_of
from tests.trading.members import Members
from tests.trading.town import ROLES, Town
from tests.verify import panels
from trading.tools.seat import Seat
from trading.web.api_panels import BLOCK, SEALED_BLOCK

LEAVES = [secrets.token_hex(32) for _ in range(6)]


@pytest.fixture
async def drawing(place: Town, tmp_path: Path) -> Drawing:
    made = await panel_of(place, tmp_path / "desk")
    await made.convene()
    return made


def reader() -> tuple[ec.EllipticCurvePrivateKey, str]:
    private = ec.generate_private_key(ec.SECP256R1())
    return private, b64(hpke.public_bytes(private))


async def ask(drawing: Drawing, who: str = "operator", expect: int = 201, **body: Any) -> Any:
    return await drawing.town.call(who, "POST", f"{drawing.path}/readings", expect, {"key": reader()[1], **body})


def approvals(drawing: Drawing, *ids: str, **changes: Any) -> list[dict[str, Any]]:
    operator = drawing.town.codes["operator"]
    known = {"draw": drawing.draw, "attempt": 1, "reader": operator, "ground": "two_keys", **changes}
    message = unapproved(reading_of(drawing.desk.tender, **known))
    return [drawing.signer(id).sign(message) for id in ids]


# ------------------------------------------------------------------------------------------------------------- one size


async def test_an_answer_about_a_running_draw_has_one_size(drawing: Drawing) -> None:
    """Whatever has happened: states, counts, attempts, a time that is there or not (P11)."""
    sizes: set[int] = set()
    shapes: set[tuple[str, ...]] = set()
    heads: set[tuple[tuple[str, str], ...]] = set()

    async def look() -> None:
        for who in ("operator", "tenderee", "supervisor"):
            answer = await drawing.town.as_(who).get(f"/api/v1{drawing.path}")
            assert answer.status_code == 200, answer.text
            sizes.add(len(answer.content))
            shapes.add(tuple(answer.json()))
            heads.add(tuple(answer.headers.items()))

    await look()
    await drawing.commit()
    await look()
    for i in (1, 2, 3):
        await drawing.say(i)
        await look()
    for i in (1, 2, 3):
        await drawing.say(i, reveals=True)
        await look()
    for state in ("calling", "seated", "calling", "exhausted", "over"):
        await drawing.set(state=state)
        await look()
    for place, leaf in enumerate(LEAVES):
        await drawing.call(leaf, "accepted" if place % 2 else "declined", place)
        await drawing.seat(place + 1, leaf)
        await look()
    await drawing.set(seated_at=await drawing.desk.now())
    for attempt in (9, 10, 2_000_000_000):
        await drawing.set(attempt=attempt)
        await look()
    assert sizes == {BLOCK} and len(shapes) == 1 and len(heads) == 1
    assert not {name.lower() for name, _ in next(iter(heads))} & {"etag", "last-modified", "server-timing"}


async def test_the_largest_panel_fits_the_block(place: Town, tmp_path: Path) -> None:
    """The control: with as much as a request may say, there is room left."""
    drawing = await panel_of(place, tmp_path / "desk", regime="source-law")
    codes = [f"a{'x' * 37}{n:02d}" for n in range(12)]
    for name in codes:
        await pool().execute("INSERT INTO experts_specialty (code, zh) VALUES ($1, $1)", name)
    need = [{"specialty": name, "count": 99} for name in codes]
    await drawing.convene(need=need, representatives=33, region="360502000000")
    await pool().execute(
        "UPDATE experts_panel SET parties = $1::text::jsonb, attempt = 2000000000, replaces = draw",
        json.dumps([{"i": i, "id": str(i) * 64} for i in range(1, 10)]),
    )
    answer = await place.as_("operator").get(f"/api/v1{drawing.path}")
    assert len(answer.content) == BLOCK and len(answer.content.rstrip()) < BLOCK


async def test_a_reading_has_one_size_answered_or_not(drawing: Drawing) -> None:
    await drawing.set(state="seated", seated_at=await drawing.desk.now())
    answer = await drawing.town.as_("operator").post(f"/api/v1{drawing.path}/readings", json={"key": reader()[1]})
    before = await drawing.town.as_("operator").get(f"/api/v1{drawing.path}/readings/{answer.json()['id']}")
    assert before.json()["sealed"] is None
    await pool().execute("UPDATE experts_reading SET sealed = $1, answered_at = log_now()", secrets.token_bytes(20_000))
    after = await drawing.town.as_("operator").get(f"/api/v1{drawing.path}/readings/{answer.json()['id']}")
    assert after.json()["sealed"]
    assert {len(one.content) for one in (answer, before, after)} == {SEALED_BLOCK}


async def test_the_public_is_told_what_public_records_say(drawing: Drawing) -> None:
    """A search of what the public reads while experts are called finds nobody of them, and no count."""
    await drawing.commit()
    for place, leaf in enumerate(LEAVES):
        await drawing.call(leaf, "accepted", place)
        await drawing.seat(place + 1, leaf)
    await drawing.set(state="calling")
    tender = drawing.desk.tender
    said = ""
    for path in (f"/api/v1/tenders/{tender}", f"/api/v1/tenders/{tender}/timeline", f"/t/{tender}", "/api/v1/draws",
                 f"/api/v1/tenders/{tender}/agenda", "/events"):  # fmt: skip
        answer = await drawing.town.as_("public").get(path)
        assert answer.status_code == 200, (path, answer.text)
        said += answer.text + "".join(
            unb64(one["record"]).decode() for one in (answer.json()["items"] if path.endswith("timeline") else ())
        )
    assert drawing.draw in said  # the control: what is public is found
    assert not [leaf for leaf in LEAVES if leaf in said]
    assert "accepted" not in said and "checked_in" not in said
    assert (await drawing.town.as_("public").get(f"/api/v1{drawing.path}")).status_code == 401


# ------------------------------------------------------------------------------------------------------------- readings


async def test_names_wait_until_everybody_sits(drawing: Drawing) -> None:
    assert (await ask(drawing, expect=409))["code"] == "E-READING-NOBODY"
    await drawing.set(state="calling")
    no = await ask(drawing, expect=409)
    assert no["code"] == "E-READING-EARLY" and "37" in no["article"]
    await drawing.set(state="seated", seated_at=await drawing.desk.now())
    told = await ask(drawing, "supervisor")
    assert told["ground"] == "seated"
    (record,) = await records_of(drawing.desk.tender, "panel-read")
    assert record["reader"] == drawing.town.codes["supervisor"] and record["approved"] == [] and record["sserial"]
    row = await pool().fetchrow("SELECT r.nonce, e.id FROM log_record r, experts_reading e WHERE r.type = 'panel-read'")
    assert row["nonce"] is not None and row["id"] == told["id"]


async def test_a_reading_is_its_reader_s(drawing: Drawing) -> None:
    await drawing.set(state="seated", seated_at=await drawing.desk.now())
    private, key = reader()
    told = await ask(drawing, key=key)
    names = b'{"names":[]}'
    sealed = hpke.seal(hpke.public_bytes(private), secrets.token_bytes(32), info_of(drawing.draw, told["id"]), names)
    await pool().execute("UPDATE experts_reading SET sealed = $1, answered_at = log_now()", sealed)
    path = f"{drawing.path}/readings/{told['id']}"
    got = await drawing.town.call("operator", "GET", path, 200)
    assert hpke.open(private, info_of(drawing.draw, told["id"]), unb64(got["sealed"])) == names
    with pytest.raises(hpke.Unopenable):
        hpke.open(private, info_of(drawing.draw, "0" * 32), unb64(got["sealed"]))
    assert (await drawing.town.call("supervisor", "GET", path, 404))["code"] == "E-READING"


async def test_two_keys_of_different_kinds_open_half_an_hour_before(drawing: Drawing) -> None:
    await drawing.commit()
    await drawing.set(state="calling")
    meets = drawing.desk.deadline + timedelta(hours=2)
    early = await ask(drawing, expect=409, approvals=approvals(drawing, "A-SUP", "C-TEN"))
    assert early["code"] == "E-READING-EARLY"
    await drawing.town.push(meets - timedelta(minutes=29) - await drawing.desk.now())
    assert (await ask(drawing, expect=409))["code"] == "E-READING-EARLY"  # the hour alone opens nothing
    for wrong in (
        approvals(drawing, "A-SUP"),
        approvals(drawing, "A-SUP", "A-AUD"),
        approvals(drawing, "C-TEN", "C-NOT"),
        approvals(drawing, "A-SUP", "C-TEN", reader="somebody else"),
        approvals(drawing, "A-SUP", "C-TEN", attempt=2),
        approvals(drawing, "A-SUP", "C-TEN", ground="seated"),
    ):
        assert (await ask(drawing, expect=409, approvals=wrong))["code"] == "E-READING-KEYS"
    told = await ask(drawing, approvals=approvals(drawing, "A-SUP", "C-TEN"))
    assert told["ground"] == "two_keys"
    (record,) = await records_of(drawing.desk.tender, "panel-read")
    assert len(record["approved"]) == 2


async def test_only_a_point_of_p_256_is_sealed_to(drawing: Drawing) -> None:
    await drawing.set(state="seated", seated_at=await drawing.desk.now())
    no = await ask(drawing, expect=422, key=b64(b"\x04" + bytes(64)))
    assert no["code"] == "E-READING-KEY" and not await records_of(drawing.desk.tender, "panel-read")


async def test_neither_tenderee_nor_bidder_reads_names(drawing: Drawing) -> None:
    await drawing.set(state="seated", seated_at=await drawing.desk.now())
    for role in ROLES:
        if role not in drawing.town.tokens and role != "security_admin":
            await drawing.town.enrol(role, role)
    for role in sorted(set(ROLES) - {"operator", "supervisor", "security_admin"}):
        assert (await ask(drawing, role, 403))["code"] == "W-DENIED"
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'reading-refused'") == len(ROLES) - 3


# ------------------------------------------------------------------------------------------------------------- removals


async def test_an_authority_takes_a_member_away(drawing: Drawing) -> None:
    await drawing.commit()
    leaf = LEAVES[0]
    await drawing.call(leaf, "seated")
    await drawing.seat(1, leaf)
    await drawing.set(state="seated", seated_at=await drawing.desk.now())
    tender, path = drawing.desk.tender, f"{drawing.path}/removals"

    def body(signer: str = "A-SUP", by: str = "A-SUP", outcome: str = "removed", signed: str = "removed") -> Any:
        record = removal_of(tender, drawing.draw, 1, leaf, "a08", signed, by)
        return {
            "leaf": leaf,
            "outcome": outcome,
            "by": by,
            "sig": [drawing.signer(signer).sign(record_sig_bytes(record))],
        }

    for wrong in (body("C-TEN"), body("A-AUD"), body(outcome="conflict"), body("C-TEN", by="C-TEN")):
        assert (await drawing.town.call("supervisor", "POST", path, 409, wrong))["code"] == "E-REMOVAL-SIG"
    assert await pool().fetchval("SELECT state FROM experts_summons") == "seated"
    await drawing.town.call("supervisor", "POST", path, 201, body())
    summons = await pool().fetchrow("SELECT state, seat, code FROM experts_summons")
    assert tuple(summons) == ("removed", None, None)
    assert await pool().fetchval("SELECT ended_at FROM experts_seat") is not None
    assert await pool().fetchval("SELECT state FROM experts_panel") == "calling"
    (record,) = await records_of(tender, "draw-called")
    assert (record["try"], record["outcome"], record["by"], record["answer"]) == (0, "removed", "A-SUP", None)
    again = await drawing.town.call("supervisor", "POST", path, 409, body())
    assert again["code"] == "E-DRAW-MEMBER"  # who is lost stays lost


# --------------------------------------------------------------------------------------------- names, files, the archive


async def test_names_are_secret_until_the_law_says_otherwise(place: Town, tmp_path: Path) -> None:
    drawing = await panel_of(place, tmp_path / "desk", regime="gov", baseline=10**6)
    await drawing.convene()
    for who in ("public", "operator", "supervisor"):
        no = await place.call(who, "GET", f"{drawing.path}/members", 409)
        assert no["code"] == "E-SECRET" and "47" in no["article"]


@pytest.mark.slow
async def test_names_come_with_the_result_where_the_regime_publishes_them(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path / "desk")
    await desk.open()
    firm = await desk.bidder("fir")
    await desk.hand_in(firm, 9_000_000)
    members = Members(desk, tmp_path / "seats")
    path = f"/tenders/{desk.tender}/panel/members"
    await members.convene()
    await members.check_in(1, 2, 3, 4, 5)
    await desk.wait()
    await desk.open_boxes()
    await members.all(lambda seat: seat.declare(conflict=False))
    await members.all(lambda seat: seat.answer("signed"))
    report = await members.of(1, Seat.report)
    await desk.post("tenderee", "report", 201, {"report": report["report"]})
    await desk.post("tenderee", "candidates")
    assert (await place.call("public", "GET", path, 409))["code"] == "E-SECRET"
    await desk.award()
    assert (await place.call("public", "GET", path, 409))["code"] == "T-PANEL-UNNAMED"
    await pool().execute("INSERT INTO experts_name (panel_id, seat, name) VALUES ($1, 1, '王专家')", members.draw)
    assert (await place.call("public", "GET", path, 409))["code"] == "T-PANEL-UNNAMED"
    async with acting(Actor("dispatcher", "experts")) as act:
        act.record("panel-named", subject=desk.tender, tender=desk.tender, draw=members.draw, names="0" * 64)
    shown = await place.call("public", "GET", path, 200)
    assert shown["items"] == [{"seat": 1, "name": "王专家"}]


async def test_what_was_public_all_along_is_in_the_archive_s_files(drawing: Drawing) -> None:
    await drawing.commit()
    await drawing.say(1)
    await drawing.void(2)
    await drawing.commit(2)
    await drawing.all_say()
    await drawing.say(3, reveals=True)
    files = await disclosure.archive_files(pool().fetch, drawing.desk.tender)
    folder = f"draw/{drawing.draw}"
    assert set(files) == {f"{folder}/{n}/{name}" for n in (1, 2) for name in ("commit.json", "nonces.json")}
    assert files[f"{folder}/2/commit.json"] == drawing.record
    first, second = (json.loads(files[f"{folder}/{n}/nonces.json"])["nonces"] for n in (1, 2))
    assert [(one["i"], "reveal" in one) for one in first] == [(1, False)]
    assert [(one["i"], "reveal" in one) for one in second] == [(1, False), (2, False), (3, True)]
    await pool().execute(
        "INSERT INTO experts_file (panel_id, attempt, name, data) VALUES ($1, 2, 'secret.json', '{}'::bytea)",
        drawing.draw,
    )
    assert f"{folder}/2/secret.json" in await disclosure.archive_files(pool().fetch, drawing.desk.tender)


async def test_the_archive_waits_for_the_dispatcher_s_files(drawing: Drawing) -> None:
    await drawing.commit()
    tender = drawing.desk.tender

    async def settle(*, named: bool = False) -> None:
        async with acting(Actor("system", "centre")) as act:
            act.record("reading-refused", subject="", route="", role="", organisation=None, object="")
            await disclosure.settle(act, tender, named=named)

    async with acting(Actor("system", "centre")) as act:
        act.record("evaluation-closed", subject=tender, tender=tender, events=0, events_root="0" * 64)
    with pytest.raises(Refused, match="E-PENDING"):
        await settle()
    await drawing.set(disclosed_at=await drawing.desk.now(), seated_at=await drawing.desk.now())
    with pytest.raises(Refused, match="panel-named"):  # the law has the names published with the result
        await settle(named=True)
    await pool().execute("INSERT INTO experts_name (panel_id, seat, name) VALUES ($1, 1, '王小明')", drawing.draw)
    await settle(named=True)
    assert await pool().fetchval("SELECT state FROM experts_panel") == "over"


async def test_a_tender_that_was_given_up_is_archived_with_its_draw_at_rest(drawing: Drawing) -> None:
    """Its files are those that were public; nobody commits to it any more."""
    await drawing.commit()
    await drawing.say(1)
    await drawing.desk.post("tenderee", "termination", 201, {"reason": "force_majeure"})
    await drawing.desk.covered()
    await drawing.desk.archive()
    assert await pool().fetchval("SELECT state FROM experts_panel") == "over"
    no = await drawing.say(2, expect=409)
    assert no["code"] == "W-STATE"


async def test_what_chance_did_is_told_of_disclosed_draws(drawing: Drawing, tmp_path: Path) -> None:
    """The files of an honest world, disclosed here: every expert beside expectation, for supervisors alone."""
    tender, panel = panels.scored(Stage(tmp_path / "stage"))
    panels.finish(tender, panel)
    await drawing.commit()
    path = "/roster/fairness"
    assert (await drawing.town.call("supervisor", "GET", path, 200))["draws"] == 0
    for name, data in panel.files().items():
        await pool().execute(
            "INSERT INTO experts_file (panel_id, attempt, name, data) VALUES ($1, $2, $3, $4)",
            drawing.draw, int(name.split("/")[-2]), name.rpartition("/")[2], data,
        )  # fmt: skip
    await drawing.set(disclosed_at=await drawing.desk.now())
    told = await drawing.town.call("supervisor", "GET", path, 200)
    assert told["draws"] == 1 and sum(one["observed"] for one in told["experts"]) == 5
    assert told["often"] == [] and told["pairs"] == []
    await drawing.town.call("operator", "GET", path, 403)
