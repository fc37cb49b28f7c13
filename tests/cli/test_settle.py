"""Two envelopes at the shell: bidders, custodians, the tenderee and an authority, each with its own tool and key."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64, canon, parse
from bidding.keys import make_keyset
from tests.cli.platform import PASSPHRASE, Platform, Said, trading
from tests.cli.test_custodian import Keeper
from trading.demo.cast import ORIGIN
from trading.demo.market import Run
from trading.demo.tenders import SourceTender
from trading.keyfiles import KeyFile, write

pytestmark = pytest.mark.slow


def patiently(type_it: Callable[[], Said], *codes: str) -> Said:
    """Type again while the platform only says: not yet."""
    for _ in range(12):
        said = type_it()
        if not any(code in said.err for code in codes):
            break
        time.sleep(1)
    assert said.code == 0, said.err
    return said


def test_a_person_settles_whom_the_second_envelope_admits(running: Platform, tmp_path: Path) -> None:
    story, market = running.story, running.story.market
    keepers = [Keeper(running, tmp_path / id, id) for id in ("C-ZHAO", "C-QIAN", "C-SUN")]
    run = Run(SourceTender("t-3", "双信封试验", "", "某区", "CNY", 1_000_000, timedelta(days=1), (), ""), "source-law")
    market.vouch(story.cast.tenderee, "tenderee")
    market.register(run)
    story.until(lambda: market.name(run), "E-PENDING", "W-CHECKPOINT")
    run.deadline = story.clock.now() + timedelta(seconds=60 * story.clock.factor)
    statements = [keeper.prepare(run) for keeper in keepers]
    hours = {"technical": run.deadline, "form": run.deadline + timedelta(minutes=20)}
    keysets = {
        stage: b64(make_keyset(statements, origin=ORIGIN, tender=run.tender, stage=stage, k=2, opens_at=hour).data)
        for stage, hour in hours.items()
    }
    tenderee = market.as_("tenderee")
    tenderee.post(f"/tenders/{run.tender}/keysets", {"keysets": keysets})
    firms = [market.admit(name) for name in ("双信封甲公司", "双信封乙公司")]
    market.announce(run)

    bids = []
    for number, firm in enumerate(firms):
        desk = tmp_path / firm.code
        (desk / "files").mkdir(parents=True)
        (desk / "files" / "技术标.txt").write_text("分段施工。" * 500, "utf-8")
        write(desk / "firm.key", KeyFile("bidder", firm.code, ORIGIN, firm.signer.private), PASSPHRASE, iterations=1000)
        env = {"TRADING_TOKEN": firm.token, "TRADING_URL": running.url, "TRADING_STATE": str(desk / "state")}
        seal = ["seal", run.tender, desk / "files", "--key", desk / "firm.key", "--out", desk / "bid.sealed",
                "--form", f"price={9000 + number}", "--form", "days=30", *running.trust]  # fmt: skip
        sealed = patiently(lambda seal=seal, env=env: trading(*seal, env=env), "E-PENDING")  # type: ignore[misc]
        assert set(sealed.value["manifests"]) == {"technical", "form"}
        bids.append(sealed.value["bid"])
        assert trading("submit", desk / "bid.sealed", *running.trust, env=env).code == 0
    told = trading("bidder", "status", run.tender, *running.trust, env=env)
    assert told.code == 0, told.err
    assert ({one["stage"] for one in told.value["deposits"]}, told.value["stale"]) == ({"technical", "form"}, False)

    assert running.until(run.tender, "closed", patience=250)["opens"]
    key = secrets.token_hex(8)
    market.as_("supervisor").post(f"/tenders/{run.tender}/stored", {"stage": "technical", "missing": []}, key=key)
    time.sleep(2.5)
    for keeper in keepers[:2]:
        released = patiently(lambda keeper=keeper: keeper.say("release", "--tender", run.tender), "C-")  # type: ignore[misc]
        assert [one["stage"] for one in released.value["released"]] == ["technical"]  # prices wait for the settlement
    opened = running.until(run.tender, "opened")
    assert {bid["price"] for bid in opened["bids"]} == {None}

    # The paper goes from hand to hand; what one of them changed, the other does not sign.
    paper, env = tmp_path / "settlement.json", {"TRADING_URL": running.url}
    drafted = trading("settle", "draft", run.tender, "--admit", bids[1], "--out", paper, env=env)
    assert drafted.code == 0 and drafted.value["admitted"] == [bids[1]], drafted.err
    hands = {}
    for member in (story.cast.tenderee, story.cast.authorities[0]):
        hands[member.id] = tmp_path / f"{member.id}.key"
        write(hands[member.id], KeyFile("identity", member.id, ORIGIN, member.private), PASSPHRASE, iterations=1000)
    first, second = hands.values()
    assert trading("settle", "sign", paper, "--key", first).value["signatures"] == 1
    changed = tmp_path / "changed.json"
    content: dict[str, Any] = parse(paper.read_bytes())
    changed.write_bytes(canon(content | {"admitted": sorted(bids)}))
    assert "T-SETTLEMENT" in trading("settle", "sign", changed, "--key", second).err
    assert "T-SETTLEMENT" in trading("settle", "send", paper, env=env).err  # one hand is not enough
    assert trading("settle", "sign", paper, "--key", second).value["signatures"] == 2
    env["TRADING_TOKEN"] = market.tokens["tenderee"]
    sent = trading("settle", "send", paper, env=env)
    assert sent.code == 0 and sent.value["admitted"] == [bids[1]], sent.err

    time.sleep(2.5)
    for keeper in keepers[:2]:

        def at_the_hour(keeper: Keeper = keeper) -> Said:
            said = keeper.say("release", "--tender", run.tender)
            return said if said.code or said.value["released"] else Said(1, "", "not yet due")

        released = patiently(at_the_hour, "C-", "not yet due")
        assert [one["stage"] for one in released.value["released"]] == ["form"]
    deadline = time.monotonic() + 30
    while (prices := {b["bid"]: b["price"] for b in running.until(run.tender, "opened")["bids"]})[bids[1]] is None:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert prices == {bids[0]: None, bids[1]: 900_100}
