"""After the opening Wang confirms what was read out of his bid, or objects, while it lasts; and nobody does it for him."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.act import pool
from audit.canon import canon, sha256_hex, unb64
from audit.receipt import Receipt, check_receipt
from tests.security.browsers import Browser, Clock, Forms, come_in
from tests.trading.desk import Bidder, Desk
from tests.trading.test_contracts import PRICES, opened
from tests.trading.test_journey import check
from tests.trading.test_org import step_in
from tests.trading.town import Town


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def sits(desk: Desk, name: str, clock: Clock, address: str = "198.51.100.7") -> Browser:
    """Somebody of a firm that has bid, at a browser."""
    person = (await desk.town.call(name, "GET", "/whoami", 200))["person"]
    made = await desk.town.call("sa", "POST", f"/people/{person}/invitation", 201)
    return await step_in(desk.town, made["code"], f"sits-{len(address)}-{person}", clock, address)


def confirmation(desk: Desk) -> str:
    return f"/b/{desk.tender}/hall/confirmation"


def objection(desk: Desk) -> str:
    return f"/b/{desk.tender}/hall/objection"


async def count(type: str) -> int:
    return int(await pool().fetchval("SELECT count(*) FROM log_record WHERE type = $1", type))


async def test_wang_confirms_the_record_that_he_has_seen(desk: Desk) -> None:
    bids = await opened(desk, "works")
    name = next(iter(PRICES))
    wang = await sits(desk, name, Clock(desk.town))
    said = await wang.get(f"/b/{desk.tender}/hall")
    assert "your signing key does not sign it" in said.text and f"{PRICES[name] / 100:,.2f}" in said.text
    await wang.submit(confirmation(desk))
    assert "You confirmed that what was read" in wang.page and f'action="{confirmation(desk)}"' not in wang.page
    record = json.loads(await pool().fetchval("SELECT record FROM log_record WHERE type = 'opening-confirmed'"))
    read = "SELECT record FROM log_record WHERE tender = $1 AND type = 'unsealed'"
    values = {sha256_hex(bytes(r["record"])): json.loads(r["record"]) for r in await pool().fetch(read, desk.tender)}
    assert {values[one]["bid"] for one in record["unsealed"]} == {bids[name]} == {record["bid"]}
    assert {values[one]["stage"] for one in record["unsealed"]} == set(desk.stages) and "sig" not in record
    assert "Opening confirmed by a bidder" in (await wang.get(f"/t/{desk.tender}")).text  # a public record
    await desk.candidates()
    await desk.days(6)
    won = await desk.award()
    await desk.conclude(won["price"], "works")
    check(desk, await desk.archive())  # every verifier takes the archive with it


async def test_nobody_confirms_twice_too_early_or_for_another(desk: Desk) -> None:
    await desk.open(regime="works")
    firms = [await desk.bidder(name) for name in PRICES]
    for firm, price in zip(firms, PRICES.values(), strict=True):
        await desk.hand_in(firm, price)
    await desk.bidder("旁观")
    path, some = f"/tenders/{desk.tender}/confirmation", {"unsealed": ["0" * 64]}
    early = await desk.town.call(firms[0].name, "POST", path, 409, some)
    assert early["code"] == "W-STATE"
    await desk.wait()
    assert (await desk.town.call(firms[0].name, "POST", path, 409, some))["code"] == "T-CONFIRM"
    await desk.open_boxes()
    assert (await desk.town.call("旁观", "POST", path, 409, some))["code"] == "T-CONFIRM"
    for who in ("tenderee", "operator", "supervisor"):
        await desk.town.call(who, "POST", path, 403, some)
    mine, others = [await read_of(desk, firm) for firm in firms[:2]]
    for wrong in (others, mine[:1], mine[::-1], [*mine, *others]):
        told = await desk.town.call(firms[0].name, "POST", path, 409, {"unsealed": wrong})
        assert told["code"] == "T-CONFIRM-OTHER"
    assert await count("opening-confirmed") == 0
    await desk.town.call(firms[0].name, "POST", path, 201, {"unsealed": mine})  # the control
    assert (await desk.town.call(firms[0].name, "POST", path, 409, {"unsealed": mine}))["code"] == "T-CONFIRM-TWICE"


async def read_of(desk: Desk, firm: Bidder) -> list[str]:
    rows = await pool().fetch("SELECT record FROM log_record WHERE tender = $1 AND type = 'unsealed'", desk.tender)
    own = [bytes(row["record"]) for row in rows if json.loads(row["record"])["bid"] == firm.bid]
    return [sha256_hex(one) for one in sorted(own, key=lambda one: str(json.loads(one)["stage"]))]


async def test_wang_objects_on_the_spot_and_is_answered_in_public(desk: Desk) -> None:
    await opened(desk, "works")
    name = next(iter(PRICES))
    wang = await sits(desk, name, Clock(desk.town))
    await wang.get(f"/b/{desk.tender}/hall")
    await wang.submit(objection(desk), text="唱标的工期\r\n与我方标书不符")
    assert "waits for its answer" in wang.page and f'action="{objection(desk)}"' not in wang.page
    [filed] = (await desk.town.call(name, "GET", f"/tenders/{desk.tender}/remedies", 200))["items"]
    assert (filed["kind"], filed["about"], filed["text"]) == ("objection", "opening", "唱标的工期\n与我方标书不符")
    assert (await desk.town.call("public", "GET", f"/tenders/{desk.tender}/remedies", 200))["items"][0][
        "objector"
    ] is None
    await desk.covered()
    proof = json.loads((await wang.http.get(f"/b/{desk.tender}/hall/objections/{filed['id']}")).text)
    found = check_receipt(Receipt.parse(canon(proof["receipt"])), desk.town.policy)
    assert found.logged is not None and found.record["objector"] == desk.town.codes[name]
    grounds = sha256_hex(b"trading/grounds/v1\n" + bytes.fromhex(proof["salt"]) + proof["text"].encode())
    assert grounds == json.loads(unb64(proof["receipt"]["record"]))["grounds"]
    other = await sits(desk, list(PRICES)[1], Clock(desk.town), "203.0.113.9")
    assert (await other.http.get(f"/b/{desk.tender}/hall/objections/{filed['id']}")).status_code == 409  # not its own
    assert "工期" not in (await other.get(f"/b/{desk.tender}/hall")).text
    await desk.post(
        "tenderee", f"remedies/{filed['id']}/answer", 201, {"outcome": "dismissed", "text": "记录与标书一致"}
    )
    assert "记录与标书一致" in (await wang.get(f"/b/{desk.tender}/hall")).text and "Dismissed:" in wang.page
    await wang.submit(confirmation(desk))  # and having been answered, he confirms


async def test_what_comes_late_is_refused_with_the_article(desk: Desk) -> None:
    """The first act of evaluation ends the opening (条例 44): from then on the page has no button, and what is sent all the
    same is refused and told with the article."""
    await opened(desk, "works")
    name = next(iter(PRICES))
    wang = await sits(desk, name, Clock(desk.town))
    await wang.get(f"/b/{desk.tender}/hall")
    token, read = wang.token, Forms(wang.page).of(confirmation(desk))["unsealed"]
    await desk.candidates()
    for path, fields in ((confirmation(desk), {"unsealed": read}), (objection(desk), {"text": "迟到的异议"})):
        answer = await wang.post(path, {"form_token": token, **fields})
        assert answer.status_code == 409 and "E-REMEDY-LATE" in answer.text
        assert (
            "Regulation implementing the Bidding Law, art. 44" in answer.text and " ()" not in Forms(answer.text).text
        )
    assert await count("remedy-filed") == 0 and await count("opening-confirmed") == 0
    await wang.get(f"/b/{desk.tender}/hall?lang=zh")
    assert "不能再提出异议" in wang.page and "第四十四条" in wang.page and "<textarea" not in wang.page
    assert f'action="{confirmation(desk)}' not in wang.page


async def test_words_are_needed_and_forms_come_from_the_page_alone(desk: Desk) -> None:
    await opened(desk, "works")
    wang = await sits(desk, next(iter(PRICES)), Clock(desk.town))
    await wang.get(f"/b/{desk.tender}/hall")
    for text in ("", "   ", "字" * 3001, "铃\x07"):
        answer = await wang.post(objection(desk), {"form_token": wang.token, "text": text})
        assert answer.status_code == 422 and "T-CONFIRM-WORDS" in answer.text, text[:9]
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for path in (objection(desk), confirmation(desk)):
        fields = {"form_token": wang.token, "text": "代为异议", "unsealed": "0" * 64}
        assert (await wang.http.post(path, data=fields, headers=evil)).status_code == 403
        assert (
            await desk.town.as_(next(iter(PRICES))).post(path, data=fields)
        ).status_code == 401  # a machine has no desk
    assert await count("remedy-filed") == 0


@pytest.mark.parametrize(("regime", "kind"), [("gov", "inquiry"), ("source-law", "")])
async def test_each_rulebook_has_its_own_way(desk: Desk, regime: str, kind: str) -> None:
    """Government procurement is asked (财政部令87号 42, GP-19); where no rule knows an objection the page says so."""
    await opened(desk, regime)
    name = next(iter(PRICES))
    wang = await sits(desk, name, Clock(desk.town))
    await wang.get(f"/b/{desk.tender}/hall")
    if kind:
        await wang.submit(objection(desk), text="请说明唱标顺序")
        [filed] = (await desk.town.call(name, "GET", f"/tenders/{desk.tender}/remedies", 200))["items"]
        assert (filed["kind"], filed["about"]) == (kind, "opening")
        return
    assert "know no objection to the opening" in wang.page and "<textarea" not in wang.page
    answer = await wang.post(objection(desk), {"form_token": wang.token, "text": "异议"})
    assert answer.status_code == 409 and "E-REMEDY-KIND" in answer.text


async def test_before_the_opening_the_hall_asks_for_nothing(desk: Desk) -> None:
    """Nor is there a difference between who has bid and who has not: both are told nothing of it before."""
    await desk.open(regime="works")
    await desk.hand_in(await desk.bidder("安和"), 9_000_000)
    wang = await sits(desk, "安和", Clock(desk.town))
    assert 'id="says"' not in (await wang.get(f"/b/{desk.tender}/hall")).text and "says-head" not in wang.page
    other, _ = await come_in(desk.town, "旁观", "bidder", Clock(desk.town), "203.0.113.9")
    await other.get(f"/b/{desk.tender}/hall")
    assert "says-head" not in other.page
