"""Three custodians at their own shells: keys, statements, rehearsals, and at the hour a release they looked at first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from audit.canon import parse, unb64
from bidding.keys import Statement
from tests.cli.platform import PASSPHRASE, Platform, Said, trading
from trading.demo.cast import ORIGIN
from trading.demo.market import Run, day_around
from trading.demo.tenders import SourceTender
from trading.keyfiles import KeyFile, write

pytestmark = pytest.mark.slow


@dataclass
class Vouched:
    """What an authority looks at: an id, and the line of its key."""

    id: str
    vkey: str


class Keeper:
    """One custodian with a laptop: an identity key, a box key, the trust files it keeps itself."""

    def __init__(self, place: Platform, desk: Path, id: str) -> None:
        self.place, self.desk, self.id = place, desk, id
        desk.mkdir(parents=True)
        self.keys = ["--identity", desk / "identity.key", "--box", desk / "box.key"]
        made = trading("keys", "new", "identity", "--id", id, "--origin", ORIGIN, "--out", desk / "identity.key")
        assert made.code == 0, made.err
        box = trading("keys", "new", "custodian", "--id", id, "--origin", ORIGIN, "--out", desk / "box.key")
        assert box.code == 0, box.err
        market = place.story.market
        _, token = market.enrol(f"保管人 {id}", "custodian", identity=id)
        market.vouch(Vouched(id, made.value["vkey"]), "custodian")  # type: ignore[arg-type]
        self.env = {"TRADING_TOKEN": token, "TRADING_URL": place.url, "TRADING_STATE": str(desk / "state")}

    def say(self, command: str, *more: str | Path) -> Said:
        return trading("custodian", command, *self.keys, *self.place.trust, *more, env=self.env)

    def prepare(self, run: Run) -> Statement:
        assert run.deadline is not None
        begin, end = day_around(run.deadline)
        span = ["--from", begin.isoformat(), "--until", end.isoformat()]
        stated = self.say("statement", "--name", f"保管人 {self.id}", *span)
        assert stated.code == 0, stated.err
        [name] = stated.value["statements"]
        rehearsed = self.say("rehearse")
        assert rehearsed.code == 0 and rehearsed.value["rehearsed"] == [name], rehearsed.err
        data = (self.desk / "state" / "statements" / f"{name}.json").read_bytes()
        return Statement.parse(unb64(parse(data)["statement"]))


def test_custodians_release_by_hand_and_one_may_have_lost_its_keys(running: Platform, tmp_path: Path) -> None:
    story, market = running.story, running.story.market
    keepers = [Keeper(running, tmp_path / id, id) for id in ("C-ZHANG", "C-LI", "C-WANG")]
    source = SourceTender("t-2", "试验项目", "", "某区", "CNY", 1_000_000, timedelta(days=1), (), "")
    run = Run(source, "source-law")
    market.register(run)
    story.until(lambda: market.name(run), "E-PENDING", "W-CHECKPOINT")
    run.deadline = story.clock.now() + timedelta(seconds=45 * story.clock.factor)
    market.make_boxes(run, {run.deadline: [keeper.prepare(run) for keeper in keepers]})
    code, token = running.bidder("李工建筑有限公司（二）")
    market.announce(run)
    desk = story.cast.authorities[0]  # an officer at the registration desk
    write(tmp_path / "officer.key", KeyFile("identity", desk.id, ORIGIN, desk.private), PASSPHRASE, iterations=1000)

    folder, key, env = tmp_path / "bid", tmp_path / "li.key", {"TRADING_TOKEN": token, "TRADING_URL": running.url}
    folder.mkdir()
    (folder / "技术方案.txt").write_text("分段施工。" * 2000, "utf-8")
    env["TRADING_STATE"] = str(tmp_path / "li state")
    for command in (
        ["keys", "new", "bidder", "--id", code, "--origin", ORIGIN, "--out", key],
        ["register", "--key", key, "--policy", running.policy, "--authority", tmp_path / "officer.key"],
        ["seal", run.tender, folder, "--key", key, "--out", tmp_path / "bid.sealed", "--form", "price=8888.80",
         "--form", "days=30", *running.trust],
        ["submit", tmp_path / "bid.sealed", *running.trust],
    ):  # fmt: skip
        for _ in range(5):  # the announcement's checkpoint may be a beat away
            said = trading(*command, env=env)
            if "E-PENDING" not in said.err:
                break
            time.sleep(1)
        assert said.code == 0, said.err

    early = keepers[0].say("release", "--tender", run.tender)
    assert early.code == 0 and early.value["released"] == []
    assert running.until(run.tender, "closed", patience=200)["opens"]
    deadline = time.monotonic() + 100
    while not story._store(run):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    for keeper in keepers[:2]:
        stages: set[str] = set()
        for _ in range(20):  # tools believe what the log says, not the platform: two beats and more
            released = keeper.say("release", "--tender", run.tender)
            stages |= {one["stage"] for one in released.value["released"]} if released.code == 0 else set()
            if len(stages) == 2:
                break
            time.sleep(1)
        assert stages == {"form", "documents"}, released.err
        again = keeper.say("release", "--tender", run.tender)
        assert again.code == 0 and again.value["released"] == []
    opened = running.until(run.tender, "opened")
    [bid] = opened["bids"]
    assert (bid["verdicts"], bid["price"]) == ({"form": "OK", "documents": "OK"}, 888_880)
    assert not bid["unvouched"]

    tenderee = market.as_("tenderee")
    tenderee.post(f"/tenders/{run.tender}/candidates")
    tenderee.post(f"/tenders/{run.tender}/award", {})
    running.archive(run.tender)
    out = tmp_path / "archive.zip"
    fetched = trading("archive", run.tender, "--out", out, "--url", running.url)
    assert fetched.code == 0, fetched.err
    proved = trading("verify", out, *running.trust)
    assert proved.code == 0 and proved.value["archives"][0]["trusted"], proved.out
