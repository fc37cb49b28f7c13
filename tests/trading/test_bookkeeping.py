"""The ledger corrected by hand, on two signatures and in public; and trades whose price is no sum of money."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from audit.act import pool
from audit.canon import parse_object, stamp, unb64
from audit.refusal import Refused
from audit.signature import Ed25519Signer
from audit.trust import Vkey, record_sig_bytes
from tests import reader
from tests.cli.platform import PASSPHRASE, Said, trading
from tests.listening import listening
from tests.trading.desk import SCHEMA, Desk
from tests.trading.test_journey import check
from tests.trading.test_ocds import judged
from tests.trading.town import SINCE, Town
from trading import ocds
from trading.keyfiles import KeyFile, write
from trading.tools import correction
from trading.verify import verify
from trading.verify_ledger import published


class Bookkeeping(Desk):
    """A tenderee with an identity key that an authority vouches for: two hands are needed later."""

    async def people(self) -> None:
        self.tenderee = Ed25519Signer.generate()
        await self.town.enrol("tenderee", "tenderee", identity="P-TEN")
        await self.town.enrol("supervisor", "supervisor")
        record: dict[str, Any] = {
            "type": "trading.identity-vouched/v1", "subject": "P-TEN", "id": "P-TEN", "role": "tenderee",
            "vkey": str(Vkey("P-TEN", 1, self.tenderee.key)), "from": SINCE, "until": None, "by": "A-SUP",
        }  # fmt: skip
        sig = [self.town.authority.sign(record_sig_bytes(record))]
        body = {name: record[name] for name in ("id", "role", "vkey", "from", "until", "by")} | {"sig": sig}
        await self.town.call("supervisor", "POST", "/identities", 201, body)

    async def awarded(
        self, most: int = 10_000_000, prices: Sequence[int] = (9_200_000, 9_900_000), **terms: Any
    ) -> Any:
        """安和 wins at 92,000.00 where 100,000.00 was the most."""
        await self.people()
        await self.open(baseline=most, terms=terms)
        for name, price in zip(("安和", "赣江"), prices, strict=True):
            await self.hand_in(await self.bidder(name), price)
        assert await self.wait() == "closed"
        await self.open_boxes()
        await self.post("tenderee", "candidates")
        return await self.award()

    async def drafted(self, reason: str, words: str = "录入时多按一位", **told: Any) -> dict[str, Any]:
        """The paper as `trading ledger draft` writes it from the public timeline."""
        lines = (await self.town.call("public", "GET", f"/tenders/{self.tender}/timeline", 200))["items"]
        records = [parse_object(unb64(line["record"])) for line in lines]
        return correction.draft(records, self.tender, reason, words, **told)

    def signed(self, paper: dict[str, Any], *signers: Ed25519Signer) -> dict[str, Any]:
        for signer in signers or (self.tenderee, self.town.authority):
            paper = correction.read(correction.write(correction.sign(paper, signer)))
        return paper

    async def hand(self, paper: dict[str, Any], expect: int = 201, who: str = "operator") -> Any:
        body = {
            name: value for name, value in paper.items() if name not in ("type", "subject", "tender", "gain", "formula")
        }
        return await self.post(who, "ledger-corrections", expect, body)


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Bookkeeping:
    return Bookkeeping(place, tmp_path / "desk")


async def test_a_line_is_corrected_by_two_and_both_lines_are_told(desk: Bookkeeping) -> None:
    await desk.awarded()
    town = desk.town
    paper = desk.signed(await desk.drafted("amount", price=920_000, baseline=10_000_000))
    assert (paper["correction"], paper["gain"], paper["status"]) == (1, 9_080_000, "concluded")
    await desk.hand(paper)
    [trade] = (await town.call("public", "GET", "/trades", 200))["items"]
    assert (trade["price"], trade["gain"]) == (920_000, 9_080_000)
    [former] = trade["corrected"]
    assert (former["price"], former["gain"], former["reason"]) == (9_200_000, 800_000, "amount")
    told = await town.call("public", "GET", "/statements", 200, headers={"Accept-Language": "zh-CN"})
    assert (told["total"]["saved"], told["corrections"], told["unlogged"]) == (9_080_000, 1, 0)
    assert told["restated"][0]["deal"] == {"before": 9_200_000, "after": 920_000}
    assert any("更正" in note and "92,000.00元 改为 9,200.00元" in note for note in told["notes"])
    await desk.covered()
    [made] = (await judged(town)).values()
    [award] = ocds.compiled(made)["awards"]
    assert (award["value"]["amount"], award["gain"]["amount"]) == (Decimal("9200.00"), Decimal("90800.00"))
    page = await town.as_("public").get("/ledger", headers={"Accept-Language": "zh-CN"})
    assert page.status_code == 200 and "更正" in page.text and "92,000.00" in page.text

    again = desk.signed(await desk.drafted("void", "中标无效：〔2026〕7号决定"))
    assert (again["correction"], again["price"]) == (2, None)
    await desk.hand(again)
    told = await town.call("public", "GET", "/statements", 200)
    assert (told["total"]["trades"], told["total"]["failed"], told["total"]["deal"]) == (0, 1, 0)
    archives = await desk.archive()
    check(desk, archives)

    lines = await town.as_("public").get("/api/v1/trade-lines")
    found = verify([archives["public"]], ledger=published("lines", lines.content))
    assert found.exit == 0, found.reports[0].failed
    path = desk.tmp / "lines.json"
    path.write_bytes(lines.content)
    assert reader.read([archives["public"]], ledger=path)[0] == 0
    old = json.loads(lines.content)
    old["items"][0] |= {"status": "concluded", "deal": 9_200_000, "baseline": 10_000_000}
    found = verify([archives["public"]], ledger=published("lines", json.dumps(old).encode()))
    assert found.reports[0].failed is not None and found.reports[0].failed.code == "V16"

    last = desk.signed(await desk.drafted("amount", price=9_200_000, baseline=10_000_000, words="复议撤销"))
    await desk.hand(last)  # after the archive too: what is wrong is found late
    assert (await town.call("public", "GET", "/statements", 200))["total"]["saved"] == 800_000


async def test_nobody_corrects_alone_twice_or_for_nothing(desk: Bookkeeping) -> None:
    await desk.awarded()
    town = desk.town
    drafted = await desk.drafted("amount", price=920_000, baseline=10_000_000)
    paper = desk.signed(drafted)
    for signers in ((desk.tenderee,), (town.authority,), (town.authority, town.second)):
        assert (await desk.hand(desk.signed(drafted, *signers), 409))["code"] == "E-SIG"
    # what was signed is what is recorded
    assert (await desk.hand({**paper, "price": 910_000}, 409))["code"] == "E-SIG"
    for wrong, code in (
        ({"correction": 2}, "E-LEDGER-NUMBER"),
        ({"reason": "void"}, "E-LEDGER-STATUS"),
        ({"baseline": None}, "E-LEDGER-STATUS"),
        ({"price": 9_200_000}, "E-LEDGER-SAME"),
    ):
        assert (await desk.hand({**paper, **wrong}, 422 if code != "E-LEDGER-NUMBER" else 409))["code"] == code
    for wrong in ({"reason": "because"}, {"words": ""}, {"status": "failed"}, {"price": "9"}):
        await desk.hand({**paper, **wrong}, 422)
    assert await pool().fetchval("SELECT count(*) FROM trading_line") == 1
    await desk.hand(paper, who="supervisor")
    assert (await desk.hand(paper, 409))["code"] == "E-LEDGER-NUMBER"  # said once
    await desk.hand(paper, 401, who="public")
    await desk.hand(paper, 403, who="安和")


async def test_a_line_changes_by_no_other_way(desk: Bookkeeping, owner_dsn: str) -> None:
    await desk.awarded()
    for dsn in (owner_dsn, owner_dsn.replace("//trading@", "//trading_app@", 1)):
        connection = await asyncpg.connect(dsn)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE trading_line SET price = 1")
        with pytest.raises(asyncpg.CheckViolationError, match="no record tells"):
            await connection.execute(
                """INSERT INTO trading_line (number, trade, tender_id, corrects, kind, day, region, organisation, direction,
                       currency, regime, status, reason, booked_at)
                   SELECT 99, trade, tender_id, number, kind, day, region, organisation, direction, currency, regime,
                       'annulled', 'void', booked_at FROM trading_line"""
            )
        await connection.close()


async def test_nothing_is_corrected_that_was_never_awarded(desk: Bookkeeping) -> None:
    await desk.people()
    await desk.open()
    with pytest.raises(Refused, match="E-LEDGER-NONE"):
        await desk.drafted("amount", price=1, baseline=2)


@pytest.mark.parametrize(
    ("pricing", "status", "most", "price", "shown"),
    [("unit", "unit-price", 120_00, 87_50, "87.50"), ("rate", "rate", 10_000, 8750, "87.50%")],
)
async def test_what_is_no_sum_of_money_is_a_trade_and_saves_nothing(
    desk: Bookkeeping, pricing: str, status: str, most: int, price: int, shown: str
) -> None:
    award = await desk.awarded(most, (price, price + 300), pricing=pricing, estimate=500_000_000)
    assert (award["price"], award["gain"], award["formula"]) == (price, None, None)
    town = desk.town
    told = await town.call("public", "GET", "/statements", 200, headers={"Accept-Language": "zh-CN"})
    total = told["total"]
    assert (total["trades"], total["without_price"], total["deal"], total["saved"]) == (1, 1, 0, None)
    assert any("单价或费率" in note for note in told["notes"])
    [line] = (await town.call("public", "GET", "/trade-lines", 200))["items"]
    assert (line["status"], line["reason"], line["deal"], line["baseline"]) == (status, status, None, None)
    [trade] = (await town.call("public", "GET", "/trades", 200))["items"]
    assert (trade["status"], trade["offered"], trade["price"]) == (status, price, None)
    tender = await town.call("public", "GET", f"/tenders/{desk.tender}", 200)
    assert (tender["pricing"], tender["award"]["price"], tender["award"]["gain"]) == (pricing, price, None)
    await desk.covered()
    [made] = (await judged(town)).values()
    whole = ocds.compiled(made)
    assert "value" not in whole["tender"] and all("value" not in one for one in whole["bids"]["details"])
    assert (whole["awards"][0]["offered"], whole["awards"][0].get("value"), whole["tender"]["pricing"]) == (
        price, None, pricing,
    )  # fmt: skip
    archives = await desk.archive()
    check(desk, archives)
    lines = (await town.as_("public").get("/api/v1/trade-lines")).content
    assert verify([archives["public"]], ledger=published("lines", lines)).exit == 0
    for path in (f"/t/{desk.tender}", "/ledger", "/", "/search?q=新建"):
        page = await town.as_("public").get(path, headers={"Accept-Language": "zh-CN"})
        assert page.status_code == 200, page.text
        assert shown in page.text or path.startswith("/search"), path


async def test_a_notice_asks_for_what_can_be_run_and_measured(desk: Bookkeeping) -> None:
    await desk.people()
    await desk.open(announce=False)
    body = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA}
    refused = {
        "E-WINNERS": {"winners": 3},
        "E-PRICING-ESTIMATE": {"pricing": "rate"},
    }
    for code, more in refused.items():
        assert (await desk.post("tenderee", "announcement", 422, {**body, **more}))["code"] == code
    assert (await desk.post("tenderee", "announcement", 422, {**body, "pricing": "dozen"}))["code"] != "E-PRICING"
    await desk.post("tenderee", "announcement", 201, {**body, "pricing": "total"})


async def test_nothing_is_sold_by_the_unit(desk: Bookkeeping) -> None:
    await desk.people()
    await desk.open(direction="sell", announce=False)
    body = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA, "pricing": "unit", "estimate": 1}
    assert (await desk.post("tenderee", "announcement", 422, body))["code"] == "E-PRICING"


async def test_tenderee_and_authority_correct_at_the_shell(desk: Bookkeeping, tmp_path: Path) -> None:
    """Draft, two hands, hand in; then the published lines against the archive: the old ones are named, exit 3."""
    await desk.awarded()
    town, tender = desk.town, desk.tender
    before = (await town.as_("public").get("/api/v1/trade-lines")).content
    env = {"TRADING_TOKEN": town.tokens["operator"]}
    paper, origin = tmp_path / "correction.json", town.settings.origin
    keys = {"P-TEN": desk.tenderee, "A-SUP": town.authority}
    for who, signer in keys.items():
        write(tmp_path / who, KeyFile("identity", who, origin, signer.private), PASSPHRASE, iterations=1000)

    async def say(*command: str | Path) -> Said:
        return await asyncio.to_thread(trading, *command, env=env)

    async with listening(town.app) as env["TRADING_URL"]:
        asked = ("ledger", "draft", tender, "--out", paper, "--words", "多按一位", "--price", "920000")
        assert "E-LEDGER-REASON" in (await say(*asked, "--baseline", "10000000", "--reason", "because")).err
        assert "E-LEDGER-STATUS" in (await say(*asked, "--reason", "amount")).err
        drafted = await say(*asked, "--baseline", "10000000", "--reason", "amount")
        assert drafted.code == 0 and drafted.value["gain"] == 9_080_000, drafted.err
        assert "T-CORRECTION-PAPER" in (await say("ledger", "correct", paper)).err  # nobody has signed
        for count, who in enumerate(keys, 1):
            signed = await say("ledger", "sign", paper, "--key", tmp_path / who)
            assert signed.code == 0 and signed.value["signatures"] == count, signed.err
        assert "T-CORRECTION-PAPER" in (await say("ledger", "sign", paper, "--key", tmp_path / "P-TEN")).err
        sent = await say("ledger", "correct", paper)
        assert sent.code == 0 and sent.value["correction"] == 1, sent.err
    archives = await desk.archive()
    after = (await town.as_("public").get("/api/v1/trade-lines")).content
    trust = ("--policy", town.settings.policy_path, "--parties", town.settings.parties_path)
    for name, lines, code in (("old", before, 3), ("new", after, 0)):
        (tmp_path / name).write_bytes(lines)
        said = await say("verify", archives["public"], *trust, "--ledger", tmp_path / name)
        assert said.code == code, (said.out, said.err)
    assert "E-TRADES-FILE" in (await say("verify", archives["public"], "--ledger", archives["public"])).err
