"""Whoever is banned is told so to its face, with the decision and how to appeal; nobody else is told anything."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from audit.act import pool
from audit.canon import stamp, unb64
from tests.trading.desk import SCHEMA, Desk
from tests.trading.town import Town

APPEAL = "自收到决定之日起六十日内可以申请行政复议"


async def _ban(place: Town, desk: Desk, code: str, **more: Any) -> dict[str, Any]:
    now = await desk.now()
    body = {
        "organisation": code, "decision": "示罚〔2026〕7号", "body": "示范市发展改革委",
        "from": stamp(now - timedelta(days=1)), "until": stamp(now + timedelta(days=365)), "grounds": "串通投标",
        "appeal": APPEAL, **more,
    }  # fmt: skip
    return dict(await place.call("supervisor", "POST", "/bans", 201, body))


async def test_a_banned_bidder_is_refused_to_its_face_and_named_nowhere(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    bad, good, quiet = [await desk.bidder(name) for name in ("bad", "good", "quiet")]
    await place.beat()
    ban = await _ban(place, desk, bad.code)
    refused = await desk.hand_in(bad, 9_000_000, expect=403)
    assert refused["code"] == "E-BANNED" and refused.get("receipt") is None and refused.get("slip") is None
    assert refused["facts"]["decision"] == "示罚〔2026〕7号" and refused["facts"]["appeal"] == APPEAL
    assert "示范市发展改革委" in refused["detail"] and APPEAL in refused["detail"]
    assert await pool().fetchval("SELECT count(*) FROM log_record WHERE type IN ('refused', 'deposited')") == 0
    await desk.hand_in(good, 9_000_000)
    own = (await place.call("bad", "GET", "/bans", 200))["items"]
    assert [one["decision"] for one in own] == ["示罚〔2026〕7号"] and own[0]["appeal"] == APPEAL
    assert (await place.call("good", "GET", "/bans", 200))["items"] == []
    assert [one["id"] for one in (await place.call("supervisor", "GET", "/bans", 200))["items"]] == [ban["id"]]
    for who in ("public", "operator", "C-SUP", "sa"):
        assert (await place.as_(who).get("/api/v1/bans")).status_code in (401, 403)
    for who in ("tenderee", "operator"):
        body = {"organisation": good.code, "decision": "x", "body": "x", "from": stamp(await desk.now()), "grounds": "",
                "appeal": ""}  # fmt: skip
        await place.call(who, "POST", "/bans", 403, body)

    await desk.wait()
    await desk.open_boxes()
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await place.push(timedelta(hours=1))
    await place.beat()
    paths = ("/", f"/t/{desk.tender}", "/ledger", "/events?after=-1&limit=1000", "/disclosures?after=-1&limit=1000",
             f"/api/v1/tenders/{desk.tender}/timeline", "/log/status", "/readyz")  # fmt: skip
    for path in paths:
        text = (await place.as_("public").get(path)).text
        for word in ("示罚", "串通投标", ban["id"], "ban-imposed"):
            assert word not in text and word not in _opened(text), path
    for edition, file in (await desk.archive()).items():
        with ZipFile(file) as zipped:
            whole = "\n".join(_opened(zipped.read(n).decode("utf-8", "replace")) for n in zipped.namelist())
        assert "ban-" not in whole and "示罚" not in whole, edition
        # The banned one leaves no other trace than one who never came.
        assert whole.count(good.code) > whole.count(bad.code) == whole.count(quiet.code), edition


def _opened(text: str) -> str:
    """A text with whatever records it carries in base64."""
    found = [text]
    try:
        value = json.loads(text)
    except ValueError:
        return text
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and len(one) > 100:
            try:
                found.append(unb64(one).decode("utf-8", "replace"))
            except ValueError:
                continue
    return "\n".join(found)


async def test_a_ban_begins_ends_and_is_lifted(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    wang = await desk.bidder("wang")
    await place.beat()
    now = await desk.now()
    later = await _ban(
        place, desk, wang.code, decision="A", **{"from": stamp(now + timedelta(minutes=30)), "until": None}
    )
    await desk.hand_in(wang, 9_000_000)  # not yet
    await place.push(timedelta(minutes=31))
    refused = await desk.hand_in(wang, 8_900_000, expect=403)
    assert refused["code"] == "E-BANNED-OPEN" and "until it is lifted" in refused["detail"]
    await place.call("supervisor", "POST", f"/bans/{later['id']}/lift", 200, {"decision": "B"})
    told = await place.call("supervisor", "POST", f"/bans/{later['id']}/lift", 409, {"decision": "C"})
    assert told["code"] == "T-BAN-LIFTED"
    wang.last.clear()
    wang.bid = "ab" * 16
    refused = await desk.hand_in(wang, 8_800_000, expect=409)  # its first bid stands: the box's own rule, not the ban
    assert refused["code"] == "E-TWICE"
    assert (await place.call("supervisor", "POST", f"/bans/{'0' * 32}/lift", 404, {"decision": "C"}))[
        "code"
    ] == "W-UNKNOWN"
    span = {"organisation": wang.code, "decision": "D", "body": "x", "from": stamp(now), "until": stamp(now), "grounds": "",
            "appeal": ""}  # fmt: skip
    assert (await place.call("supervisor", "POST", "/bans", 409, span))["code"] == "T-BAN-SPAN"
    span |= {"decision": "A", "until": None}
    assert (await place.call("supervisor", "POST", "/bans", 409, span))["code"] == "T-BAN-TWICE"
    types = [r["type"] for r in await pool().fetch("SELECT type FROM log_record WHERE type LIKE 'ban-%' ORDER BY id")]
    assert types == ["ban-imposed", "ban-lifted"]


async def test_an_agency_with_errors_may_not_act_and_its_tenderee_is_not_told_why(place: Town, tmp_path: Path) -> None:
    for role in ("agency", "tenderee", "supervisor"):
        await place.enrol(role, role)
    new = {"title": "代理项目", "regime": "works", "direction": "buy", "organisation": place.codes["tenderee"]}
    project = await place.call("agency", "POST", "/projects", 201, new)
    now = project["created_at"]
    error = {"agency": place.codes["agency"], "project": project["id"], "kind": "遗漏开标记录", "decision": "差错1号"}
    await place.call("supervisor", "POST", "/agent-errors", 201, error)  # entered, and no more
    await place.call("agency", "POST", "/projects", 201, new)
    until = {"decision": "差错2号", "until": now[:2] + "99" + now[4:]}
    await place.call("supervisor", "POST", "/agent-errors", 201, {**error, **until})
    told = await place.call("agency", "POST", "/projects", 403, new)
    assert told["code"] == "E-AGENT-SUSPENDED" and told["facts"]["decision"] == "差错2号"
    told = await place.call("supervisor", "POST", "/agent-errors", 409, {**error, **until})
    assert told["code"] == "T-BAN-TWICE"
    assert len((await place.call("agency", "GET", "/agent-errors", 200))["items"]) == 2
    await place.call("tenderee", "GET", "/agent-errors", 403)

    desk = Desk(place, tmp_path)
    await desk.open(announce=False)
    await pool().execute("UPDATE trading_project SET agency_id = $1", place.codes["agency"])
    body = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA}
    path = f"/tenders/{desk.tender}/announcement"
    told = await place.call("tenderee", "POST", path, 403, body)
    assert told["code"] == "E-AGENT" and "差错" not in json.dumps(told, ensure_ascii=False)
    told = await place.call("agency", "POST", path, 403, body)
    assert told["code"] == "E-AGENT-SUSPENDED"
