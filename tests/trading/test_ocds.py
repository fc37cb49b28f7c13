"""Open data: every release of every life is valid OCDS 1.1.5, the merger of the standard adds them up as we do, and before
the opening nothing in them moves with the bids."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import jsonschema_rs
import ocdscardinal
import ocdsmerge
import pytest

from tests.trading.desk import Desk
from tests.trading.test_documents import _announced
from tests.trading.town import Town
from trading import ocds

SCHEMA = json.loads((Path(__file__).parents[1] / "vectors/ocds/release-schema-1.1.5.json").read_text())
VALID = jsonschema_rs.Draft4Validator(SCHEMA, validate_formats=True)
PRICES = {"安和": 9_200_000, "赣江": 8_800_001, "博远": 9_900_000}


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def fetch(place: Town, path: str) -> bytes:
    answer = await place.as_("public").get(path)
    assert answer.status_code == 200, answer.text
    return answer.content


async def lines(place: Town, path: str = "/ocds/releases.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal) for line in (await fetch(place, path)).splitlines()]


async def judged(place: Town) -> dict[str, list[dict[str, Any]]]:
    """Everything that is published now, validated and merged by another hand; releases by ocid."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in await lines(place):
        errors = [f"{e.instance_path}: {e.message}" for e in VALID.iter_errors(_floats(one))]
        assert errors == [], (one["tag"], errors)
        found.setdefault(one["ocid"], []).append(one)
    ids = [one["id"] for made in found.values() for one in made]
    assert len(ids) == len(set(ids))
    places = [one["logIndex"] for one in await lines(place)]
    assert places == sorted(places)
    merger = ocdsmerge.Merger(SCHEMA)
    for one in await lines(place, "/ocds/compiled.jsonl"):
        assert list(VALID.iter_errors(_floats(one))) == []
        made = [{k: v for k, v in r.items() if k != "logIndex"} for r in found[one["ocid"]]]
        theirs = merger.create_compiled_release(_floats(sorted(made, key=lambda r: "planning" not in r["tag"])))
        theirs.pop("id"), theirs.pop("tag")
        assert theirs == {k: v for k, v in _floats(one).items() if k not in ("id", "tag")}
    return found


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _floats(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_floats(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


async def bid(desk: Desk, **prices: int) -> None:
    for name, price in (prices or PRICES).items():
        await desk.hand_in(await desk.bidder(name), price)


async def test_a_purchase_from_the_notice_to_the_contract(desk: Desk) -> None:
    place = desk.town
    await _announced(desk, project={"regime": "gov", "estimate": 12_345_678})
    await bid(desk)
    assert await desk.wait() == "closed"
    await desk.open_boxes()
    await desk.candidates()
    await desk.award()
    await desk.notify()
    await desk.sign(8_800_001)
    await desk.post("tenderee", "contract/publication")
    await desk.covered()

    [made] = (await judged(place)).values()
    tags = {tag for one in made for tag in one["tag"]}
    assert tags == {"planning", "tender", "tenderUpdate", "award", "awardUpdate", "contract", "contractUpdate"}
    whole = ocds.compiled(made)
    assert whole["planning"]["budget"]["amount"] == {"amount": Decimal("123456.78"), "currency": "CNY"}
    assert whole["tender"]["status"] == "complete" and whole["tender"]["numberOfTenderers"] == 3
    assert {d["title"] for d in whole["tender"]["documents"]} == {"规格书.pdf", "plans.zip"}
    assert sorted(b["value"]["amount"] for b in whole["bids"]["details"]) == [
        Decimal("88000.01"), Decimal("92000"), Decimal("99000"),
    ]  # fmt: skip
    [award] = whole["awards"]
    assert (award["value"]["amount"], award["gain"]["amount"]) == (Decimal("88000.01"), Decimal("11999.99"))
    assert award["suppliers"][0]["name"] == "赣江公司"
    [contract] = whole["contracts"]
    assert contract["awardID"] == award["id"] and contract["documents"][0]["documentType"] == "contractSigned"
    roles = {p["name"]: p["roles"] for p in whole["parties"]}
    assert roles["赣江公司"] == ["tenderer", "supplier"] and roles["tenderee公司"] == ["buyer", "procuringEntity"]

    # Only later ones are asked for with the place of the last answer, and an unchanged package is not sent twice.
    answer = await place.as_("public").get("/ocds/releases.jsonl?after=" + str(made[-2]["logIndex"]))
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == [made[-1]["id"]]
    after = answer.headers["ocds-next"]
    assert await fetch(place, f"/ocds/releases.jsonl?after={after}") == b""
    assert (await place.as_("public").get("/ocds/releases.jsonl?after=x")).status_code == 400
    path = f"/ocds/projects/{desk.tender.rpartition('-')[0]}"
    answer = await place.as_("public").get(path)
    package = answer.json()
    assert package["version"] == "1.1" and len(package["records"]) == 1
    assert package["records"][0]["compiledRelease"]["tag"] == ["compiled"]
    assert (await place.as_("public").get(path, headers={"If-None-Match": answer.headers["etag"]})).status_code == 304
    assert (await place.as_("public").get("/ocds/projects/2020-000001")).status_code == 404


async def test_a_sale_has_a_seller_and_no_buyer(desk: Desk) -> None:
    await desk.open(regime="property", direction="sell", baseline=5_000_000)
    await bid(desk, 安和=6_000_000, 赣江=7_500_001)
    await desk.wait()
    await desk.open_boxes()
    await desk.candidates()
    await desk.award()
    await desk.covered()
    [made] = (await judged(desk.town)).values()
    whole = ocds.compiled(made)
    assert "buyer" not in whole and "value" not in whole["tender"]
    assert whole["tender"]["minValue"]["amount"] == 50_000 and whole["tender"]["direction"] == "sell"
    assert whole["parties"][0]["roles"] == ["procuringEntity", "seller"]
    assert whole["awards"][0]["gain"]["amount"] == Decimal("25000.01")


async def test_lives_that_come_to_nothing(place: Town, tmp_path: Path) -> None:
    shut, rejected, given_up = (Desk(place, tmp_path / name) for name in ("shut", "rejected", "given-up"))
    for desk in (shut, rejected, given_up):
        await desk.open(regime="property", direction="sell", baseline=5_000_000)
    low = await rejected.bidder("安和")
    await rejected.hand_in(low, 4_999_999)
    await given_up.post("tenderee", "termination", 201, {"reason": "tenderee"})
    await shut.wait()
    await rejected.wait()
    await rejected.open_boxes()
    body = {"bid": low.bid, "reason": "under_floor", "article": "企业国有资产法 55"}
    await rejected.post("tenderee", "rejections", 201, body)
    await rejected.fail("all_rejected")
    await rejected.covered()
    made = await judged(place)
    ends = {}
    for desk in (shut, rejected, given_up):
        whole = ocds.compiled(made[ocds.ocid("ocds-000000", desk.tender)])
        ends[desk] = (whole["tender"]["status"], whole["tender"]["statusDetails"], len(whole.get("bids", [])))
        assert "awards" not in whole
    assert ends[shut] == ("unsuccessful", "shut", 0)
    assert ends[rejected] == ("unsuccessful", "all_rejected", 1)
    assert ends[given_up] == ("cancelled", "tenderee", 0)
    assert "tenderCancellation" in made[ocds.ocid("ocds-000000", given_up.tender)][-1]["tag"]


async def test_before_the_opening_nothing_moves_with_the_bids(desk: Desk) -> None:
    await desk.open()
    paths = ("/ocds/releases.jsonl", "/ocds/compiled.jsonl", f"/ocds/projects/{desk.tender.rpartition('-')[0]}")
    before = [await fetch(desk.town, path) for path in paths]
    assert all(before)
    await bid(desk)
    await desk.covered()
    assert [await fetch(desk.town, path) for path in paths] == before
    assert await desk.wait() == "closed"
    await desk.covered()
    assert [await fetch(desk.town, path) for path in paths] == before  # closed is not opened
    await desk.open_boxes()
    await desk.covered()
    after = [await fetch(desk.town, path) for path in paths]
    assert all(text != old and "安和".encode() in text for text, old in zip(after, before, strict=True))  # the control


async def test_who_follows_the_feed_misses_no_bid_that_was_shown_late(desk: Desk, owner_dsn: str) -> None:
    """Envelopes are unsealed in one act and the opening is over in the next: in between their records are in the log,
    and say nothing yet. Who asks just then is sent back to them."""
    await desk.open()
    await bid(desk)
    await desk.wait()
    await desk.open_boxes()
    await desk.covered()
    owner = await asyncpg.connect(owner_dsn)
    await owner.execute("ALTER TABLE trading_tender DISABLE TRIGGER USER")  # it does not let a tender go back
    await owner.execute("UPDATE trading_tender SET state = 'closed' WHERE id = $1", desk.tender)
    await owner.execute("ALTER TABLE trading_tender ENABLE TRIGGER USER")
    public = desk.town.as_("public")
    early = await public.get("/ocds/releases.jsonl")
    assert "安和".encode() not in early.content
    await owner.execute("UPDATE trading_tender SET state = 'opened' WHERE id = $1", desk.tender)
    await owner.close()
    late = await public.get("/ocds/releases.jsonl", headers={"If-None-Match": early.headers["etag"]})
    assert late.status_code == 200, "the log has not grown, and yet there is news"
    after = int(early.headers["ocds-next"])
    rest = (await public.get(f"/ocds/releases.jsonl?after={after}")).content
    assert early.content + rest == late.content and "安和".encode() in rest
    size = int(late.headers["ocds-next"])
    assert size > after and await fetch(desk.town, f"/ocds/releases.jsonl?after={size}") == b""


async def test_ocdscardinal_reads_what_is_published(desk: Desk, tmp_path: Path) -> None:
    await desk.open()
    await bid(desk)
    await desk.wait()
    await desk.open_boxes()
    await desk.candidates()
    await desk.award()
    await desk.covered()
    assert ocdscardinal.__all__ == ("coverage",)  # all that this version offers to Python: more would belong here
    file = tmp_path / "bulk.jsonl"
    for path in ("/ocds/compiled.jsonl", "/ocds/releases.jsonl"):
        file.write_bytes(await fetch(desk.town, path))
        covered = ocdscardinal.coverage(str(file))
        assert covered[""] == len(file.read_bytes().splitlines()) == covered["/ocid"], covered
        assert covered["/awards[]/value/amount"] == 1 and covered["/bids/details[]/value/amount"] == 3


def test_money_is_exact() -> None:
    for fen in (1, 10, 8_800_001, 9_007_199_254_740_993, 123_456_789_012_345_678):
        text = ocds.text(ocds.money(fen, "CNY"))
        assert json.loads(text, parse_float=Decimal)["amount"] * 100 == fen
        assert f"{fen // 100}.{fen % 100:02d}" in text


def test_a_release_that_is_none_is_noticed() -> None:
    """The control of every test above: the schema has teeth."""
    broken = {"id": "1", "date": "yesterday", "tag": ["opening"], "initiationType": "tender"}
    broken["tender"] = {"id": "1", "value": {"amount": "12", "currency": "CNY"}}
    assert len(list(VALID.iter_errors(broken))) == 4
