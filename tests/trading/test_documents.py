"""Documents: issued with the notice, read by anybody, amended in time or with more time; and who may know of a stale bid.

WK-01: the notice and its documents stand on the platform's public page. GP-06: so does the budget.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64, canon, sha256, sha256_hex, stamp, unb64
from tests.browser.judge import verify
from tests.trading.desk import SCHEMA, Desk
from tests.trading.town import Town
from trading import papers
from trading.document_sets import set_hash

SPEC, PLANS = b"%PDF-1.7 technical specification", b"PK\x03\x04 plans"
MARKER = "STALE-MARKER"


async def _announced(desk: Desk, **more: Any) -> dict[str, str]:
    """A tender with two documents; {name: sha256}."""
    await desk.open(announce=False, **more.pop("project", {"regime": "works"}))
    files = {"规格书.pdf": await desk.paper("tenderee", SPEC), "plans.zip": await desk.paper("tenderee", PLANS)}
    body = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA, "documents": files, **more}
    told = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/announcement", 201, body)
    desk.documents = told["documents"]
    await desk.town.beat()
    return files


async def _records(desk: Desk) -> list[dict[str, Any]]:
    told = await desk.town.call("public", "GET", f"/tenders/{desk.tender}/timeline", 200)
    return [json.loads(unb64(item["record"])) for item in told["items"]]


async def test_wk_01_anybody_reads_notice_and_documents_without_signing_up(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    files = await _announced(desk)
    listed = [{"name": n, "size": len(d), "sha256": files[n]} for n, d in (("plans.zip", PLANS), ("规格书.pdf", SPEC))]
    expected = sha256_hex(canon({"files": sorted(listed, key=lambda f: f["name"])}))
    assert desk.documents == expected == set_hash(listed)
    told = (await place.call("public", "GET", f"/tenders/{desk.tender}/documents", 200))["items"]
    assert [(one["number"], one["set"], len(one["files"])) for one in told] == [(1, expected, 2)]
    answer = await place.as_("public").get(f"/api/v1/papers/{files['规格书.pdf']}")
    assert answer.content == SPEC and answer.headers["content-type"].startswith("application/pdf")
    assert answer.headers["content-disposition"].startswith("attachment;") and "%E8%A7%84" in str(answer.headers)
    assert answer.headers["x-content-type-options"] == "nosniff"
    records = await _records(desk)
    announced, issued = records[-2], records[-1]
    assert announced["documents"] == issued["set"] == expected and announced["time"] == issued["time"]
    assert announced["opening_schema"]["documents"] == {"kind": "text", "min": 64, "max": 64}
    page = (await place.as_("public").get(f"/t/{desk.tender}")).text
    assert "规格书.pdf" in page and files["plans.zip"] in page


async def test_gp_06_the_budget_is_public(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await _announced(desk, project={"regime": "gov", "estimate": 123_456_00})
    assert (await place.call("public", "GET", f"/tenders/{desk.tender}", 200))["estimate"] == 123_456_00
    assert "123,456.00" in (await place.as_("public").get(f"/t/{desk.tender}")).text


async def test_a_paper_is_its_keepers_until_a_public_record_names_it(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    await place.enrol("wang", "bidder")
    draft = await desk.paper("tenderee", b"<script>draft</script>", "text/html; charset=utf-8")
    assert (await place.as_("tenderee").get(f"/api/v1/papers/{draft}")).content == b"<script>draft</script>"
    for stranger in ("public", "wang", "operator", "supervisor"):
        assert (await place.as_(stranger).get(f"/api/v1/papers/{draft}")).status_code == 404
    # Another may keep the same bytes; neither learns of the other.
    assert await desk.paper("wang", b"<script>draft</script>", "text/plain") == draft
    assert (await place.as_("wang").get(f"/api/v1/papers/{draft}")).headers["content-type"].startswith("text/plain")
    assert (await place.as_("public").get(f"/api/v1/papers/{draft}")).status_code == 404


async def test_an_empty_a_wrong_and_a_greedy_paper_are_told_plainly(
    place: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.enrol("li", "tenderee")
    li = place.as_("li")
    empty = await li.post("/api/v1/papers", content=b"")
    assert (empty.status_code, empty.json()["code"]) == (413, "T-PAPER-SIZE")
    wrong = {"Content-Digest": f"sha-256=:{b64(sha256(b'other'))}:"}
    told = await li.post("/api/v1/papers", content=b"this", headers=wrong)
    assert (told.status_code, told.json()["code"]) == (422, "T-PAPER-DIGEST")
    assert (await li.post("/api/v1/papers", content=b"x", headers={"Content-Digest": "md5=:x:"})).status_code == 400
    right = {"Content-Digest": f"sha-256=:{b64(sha256(b'this'))}:"}
    assert (await li.post("/api/v1/papers", content=b"this", headers=right)).status_code == 201
    monkeypatch.setattr(papers, "LARGEST", 1000)

    async def stream() -> Any:  # no length declared: it counts as it comes
        for _ in range(3):
            yield bytes(400)

    told = await li.post("/api/v1/papers", content=stream())
    assert (told.status_code, told.json()["code"]) == (413, "T-PAPER-SIZE")
    folder = place.settings.papers_dir
    assert not list((folder / "arriving").iterdir())
    assert [p.read_bytes() for p in (folder / "kept").glob("*/*")] == [b"this"]
    assert (await place.as_("public").post("/api/v1/papers", content=b"x")).status_code == 401


async def test_asvs_5_2_4_papers_of_one_organisation_have_a_bound(place: Town, tmp_path: Path) -> None:
    await place.enrol("li", "tenderee")
    object.__setattr__(place.platform.settings, "paper_quota", 10)
    assert (await place.as_("li").post("/api/v1/papers", content=b"12345678")).status_code == 201
    told = await place.as_("li").post("/api/v1/papers", content=b"abcdefgh")
    assert (told.status_code, told.json()["code"], told.json()["facts"]["left"]) == (413, "T-PAPER-QUOTA", 2)
    assert (await place.as_("li").post("/api/v1/papers", content=b"ab")).status_code == 201


async def test_what_a_notice_may_not_say_is_refused_with_its_bound_and_nothing_is_saved(
    place: Town, tmp_path: Path
) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(regime="works", announce=False)
    spec = await desk.paper("tenderee", SPEC)
    path = f"/tenders/{desk.tender}/announcement"
    good = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA, "documents": {"spec.pdf": spec}}
    ask = {"amount": 200_000, "valid_days": 90}

    async def refused(**terms: Any) -> dict[str, Any]:
        told = await place.call("tenderee", "POST", path, 409, {**good, **terms})
        assert (await place.as_("public").get(f"/api/v1/papers/{spec}")).status_code == 404
        assert (await place.call("tenderee", "GET", f"/tenders/{desk.tender}", 200))["state"] == "keyed"
        return dict(told)

    over = await refused(security={**ask, "amount": 200_001}, bid_validity_days=90)
    assert over["code"] == "E-SECURITY-OVER" and over["facts"]["most"] == 200_000 and "art. 26" in over["article"]
    over = await refused(security=ask, bid_validity_days=90, estimate=9_999_999)
    assert over["facts"]["most"] == 199_999
    assert (await refused(security=ask, bid_validity_days=120))["code"] == "E-SECURITY-VALIDITY"
    assert (await refused(security=ask))["code"] == "T-VALIDITY"
    assert (await refused(security={**ask, "accounts": "any"}, bid_validity_days=90))["code"] == "E-BASIC-ACCOUNT"
    short = await refused(supply_until=stamp(desk.deadline - timedelta(days=22)))
    assert short["code"] == "E-PERIOD" and short["facts"]["rule"] == "WK-03"
    assert short["facts"]["earliest"] and "+5" in short["facts"]["derivation"]
    media = [{"name": "省平台", "sha256": "1" * 64}, {"name": "报纸", "sha256": "2" * 64}]
    assert (await refused(media=media))["code"] == "E-MEDIA-DIFFER"
    floor = {**SCHEMA, "price": {"kind": "fen", "min": 5_000_000}}
    assert (await refused(opening_schema=floor))["code"] == "E-MINIMUM-PRICE"
    early = await refused(deadline=stamp(desk.deadline - timedelta(days=10)))
    assert early["code"] == "E-PERIOD" and early["facts"]["rule"] == "WK-06"
    told = await place.call("tenderee", "POST", path, 422, {**good, "documents": {"spec.pdf": "0" * 64}})
    assert told["code"] == "T-PAPER"

    lawful = {"security": ask, "bid_validity_days": 90, "supply_until": stamp(desk.deadline - timedelta(days=12))}
    told = await place.call("tenderee", "POST", path, 201, {**good, **lawful})
    assert told["security"] == {**ask, "accounts": "basic"} and told["unchecked"]  # shown, and in nobody's way
    page = (await place.as_("public").get(f"/t/{desk.tender}")).text
    assert all(rule in page for rule in told["unchecked"]) and "2,000.00" in page


async def test_a_late_amendment_moves_the_deadline_in_the_same_act(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    files = await _announced(desk)
    path = f"/tenders/{desk.tender}/amendments"

    async def amend(name: str, data: bytes, expect: int = 201, affects: bool = True) -> dict[str, Any]:
        files[name] = await desk.paper("tenderee", data)
        body = {"files": files, "affects": affects, "reason": "澄清"}
        return dict(await place.call("tenderee", "POST", path, expect, body))

    early = await amend("plans.zip", b"plans 2")  # 25 days before
    assert not early["moved"] and early["rule"] is None
    assert (await place.call("tenderee", "POST", path, 409, {"files": files, "affects": True, "reason": "again"}))[
        "code"
    ] == "T-SAME-SET"
    await place.push(timedelta(days=12))  # 13 days before
    assert not (await amend("typo.txt", b"a comma", affects=False))["moved"]
    late = await amend("plans.zip", b"plans 3")
    now = await desk.now()
    assert late["moved"] and late["rule"] == "WK-07" and "art. 21" in late["article"] and "+15" in late["derivation"]
    moved = datetime.fromisoformat(late["deadline"])
    assert timedelta(days=14) < moved - now < timedelta(days=20)  # fifteen days, or the working day after
    shown = await place.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert shown["deadline"] == late["deadline"] and shown["documents"] == late["set"]
    amended, deadline = (await _records(desk))[-2:]
    assert (amended["type"], deadline["type"]) == ("trading.documents-amended/v1", "trading.deadline-moved/v1")
    assert deadline["serial"] == amended["serial"] + 1 and deadline["reason"] == "amendment"
    desk.deadline = moved
    await place.push(timedelta(days=13))  # past the old deadline
    await place.timers.run_due()
    assert (await place.call("public", "GET", f"/tenders/{desk.tender}", 200))["state"] == "announced"
    assert await desk.wait() == "shut"
    assert (await amend("plans.zip", b"plans 4", 409))["code"] == "W-STATE"


async def test_asvs_8_2_3_only_its_bidder_learns_that_a_bid_is_stale(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    files = await _announced(desk, project={"regime": "source-law"})
    wang, zhao = await desk.bidder("wang"), await desk.bidder("zhao")
    await place.beat()
    await desk.hand_in(wang, 9_000_000)
    first = desk.documents
    before = [
        (await place.as_(who).get(f"/api/v1/tenders/{desk.tender}/bids")).status_code for who in ("tenderee", "zhao")
    ]
    files["plans.zip"] = await desk.paper("tenderee", MARKER.encode())
    body = {"files": files, "affects": True, "reason": "新图纸"}
    told = await place.call("tenderee", "POST", f"/tenders/{desk.tender}/amendments", 201, body)
    assert not told["moved"]  # this regime asks for no days
    await desk.hand_in(zhao, 8_000_000)  # its tool has not looked either: the set it answers stays sealed

    async def own(who: str) -> list[bool]:
        items = (await place.call(who, "GET", f"/tenders/{desk.tender}/bids", 200))["items"]
        return [item["stale"] for item in items]

    assert await own("wang") == [True, True]
    assert await own("zhao") == [False, False]  # by its time; the opening will tell it otherwise
    assert before == [403, 200]
    desk.documents = told["set"]
    # what others see says nothing of it, whatever desk they sit at
    for who in ("public", "tenderee", "operator", "supervisor", "C-SUP", "zhao"):
        for path in ("", "/timeline", "/documents", "/questions", "/securities"):
            text = (await place.as_(who).get(f"/api/v1/tenders/{desk.tender}{path}")).text
            assert '"stale"' not in text and wang.code not in text
    assert await desk.wait() == "closed"
    opened = await desk.open_boxes()
    answered = {b["bidder"]: (b["opening"]["documents"], b["verdicts"]) for b in opened["bids"]}
    assert answered[wang.code] == answered[zhao.code] == (first, {"form": "OK", "documents": "OK"})
    assert await own("zhao") == [True, True]  # the field itself decides now


async def test_a_bid_that_answers_the_newest_set_and_an_archive_that_verifies(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    files = await _announced(desk, project={"regime": "source-law"})
    wang = await desk.bidder("wang")
    await place.beat()
    await desk.hand_in(wang, 9_000_000)
    files["plans.zip"] = await desk.paper("tenderee", b"plans 2")
    body = {"files": files, "affects": True, "reason": "新图纸"}
    desk.documents = (await place.call("tenderee", "POST", f"/tenders/{desk.tender}/amendments", 201, body))["set"]
    await desk.hand_in(wang, 8_500_000)  # replaced: the bid answers the new set
    items = (await place.call("wang", "GET", f"/tenders/{desk.tender}/bids", 200))["items"]
    assert [(i["state"], i["stale"]) for i in items] == [("superseded", True)] * 2 + [("effective", False)] * 2
    await desk.wait()
    opened = await desk.open_boxes()
    assert opened["bids"][0]["opening"]["documents"] == desk.documents
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await place.push(timedelta(hours=1))
    paths = list((await desk.archive()).values())
    found = verify(paths, policy=place.settings.policy_path, parties=place.settings.parties_path)
    assert found.exit == 0, [r.failed for r in found.reports]
