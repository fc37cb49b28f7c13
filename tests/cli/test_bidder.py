"""A bidder at a shell: from a key file to a receipt that proves itself without the platform."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.cli.platform import Platform, Said, trading
from trading.client import Platform as Client
from trading.demo.cast import ORIGIN

PRICE = "8888.80"


class Li:
    """李工 of a small firm, with a laptop, a folder and a key file."""

    def __init__(self, place: Platform, desk: Path, tender: str, code: str, token: str) -> None:
        self.place, self.desk, self.tender = place, desk, tender
        self.env = {"TRADING_TOKEN": token, "TRADING_URL": place.url, "TRADING_STATE": str(desk / "state")}
        self.key, self.folder = desk / "li.key", desk / "bid"
        self.folder.mkdir(parents=True)
        (self.folder / "技术方案.txt").write_text("四个季度，分段施工。" * 20_000, "utf-8")
        assert trading("keys", "new", "bidder", "--id", code, "--origin", ORIGIN, "--out", self.key).code == 0

    def say(self, *command: str | Path) -> Said:
        return trading(*command, env=self.env)

    def seal(self, name: str, *more: str | Path, trust: list[str | Path] | None = None) -> Said:
        form = ["--form", f"price={PRICE}", "--form", "days=30"]
        out = ["--key", self.key, "--out", self.desk / name]
        return self.say("seal", self.tender, self.folder, *out, *form, *(trust or self.place.trust), *more)

    def submit(self, name: str, *more: str) -> Said:
        return self.say("submit", self.desk / name, *self.place.trust, *more)


@pytest.fixture(scope="module")
def li(running: Platform, tmp_path_factory: pytest.TempPathFactory) -> Li:
    code, token = running.bidder("李工建筑有限公司")
    tender = running.announce(600, unvouched=[code])
    made = Li(running, tmp_path_factory.mktemp("li's desk"), tender, code, token)
    registered = made.say("register", "--key", made.key, "--policy", running.policy)
    assert registered.code == 0, registered.err
    return made


def test_a_bid_goes_in_and_its_receipt_proves_it_alone(li: Li) -> None:
    sealed = li.seal("first.sealed")
    assert sealed.code == 0, sealed.err
    submitted = li.submit("first.sealed")
    assert submitted.code == 0, submitted.err
    receipts = submitted.value["receipts"]
    assert set(receipts) == {"form", "documents"}
    time.sleep(2.5)  # two beats
    proved = li.say("receipt", receipts["form"], *li.place.trust)
    assert proved.code == 0, proved.err
    assert proved.value["logged"] > 0 and proved.value["manifest"] == sealed.value["manifests"]["form"]
    offline = trading("receipt", receipts["form"], "--offline", *li.place.trust)
    assert offline.value["logged"] == proved.value["logged"]

    replaced = li.seal("second.sealed", "--replaces", li.desk / "first.sealed")
    assert replaced.code == 0, replaced.err
    assert replaced.value["bid"] == sealed.value["bid"]
    assert li.submit("second.sealed").code == 0
    first = Path(receipts["form"]).read_bytes()
    again = li.submit(
        "first.sealed"
    )  # what was acknowledged stays acknowledged: the same receipt, and no second deposit
    assert again.code == 0 and json.loads(Path(receipts["form"]).read_bytes())["record"] == json.loads(first)["record"]

    withdrawn = li.say("withdraw", li.desk / "second.sealed", "--key", li.key, *li.place.trust, "--yes")
    assert withdrawn.code == 0, withdrawn.err
    third = li.seal("third after withdrawal.sealed", "--replaces", li.desk / "second.sealed")
    assert third.code == 0, third.err
    late = li.submit("third after withdrawal.sealed")
    assert late.code == 1 and "E-SEQ" in late.err
    assert (li.desk / "third after withdrawal.receipts" / "refused.json").exists()


def test_sealing_needs_no_network(li: Li) -> None:
    kit = li.desk / "kit.zip"
    with Client(li.place.url) as client:
        client.fetch(f"/api/v1/tenders/{li.tender}/sealing-kit", kit)
    li.env["TRADING_URL"] = "http://127.0.0.1:1"
    try:
        fresh = li.seal("offline.sealed", "--kit", kit, "--state", li.desk / "another state")
    finally:
        li.env["TRADING_URL"] = li.place.url
    assert fresh.code == 0, fresh.err


def test_an_upload_that_broke_off_goes_on(li: Li) -> None:
    assert li.seal("third.sealed").code == 0
    from bidding.envelope import SealedFile
    from trading.tools.bidder import payload_of

    sealed = SealedFile(li.desk / "third.sealed")
    whole = payload_of(sealed, "documents")
    with Client(li.place.url, token=li.env["TRADING_TOKEN"]) as client:
        begun = client.post(f"/tenders/{li.tender}/uploads", {"size": whole.size}, key="broke-off")
    receipts = li.desk / "third.receipts"
    receipts.mkdir()
    (receipts / "uploads.json").write_text(json.dumps({"documents": begun["id"]}))
    resumed = li.submit("third.sealed", "--resume")
    assert resumed.code == 0, resumed.err
    with Client(li.place.url, token=li.env["TRADING_TOKEN"]) as client:
        assert client.get(f"/uploads/{begun['id']}")["complete"]
    assert li.say("withdraw", li.desk / "third.sealed", "--key", li.key, *li.place.trust, "--yes").code == 0


def test_foreign_trust_files_seal_nothing(li: Li, tmp_path: Path) -> None:
    """A platform that brings its own authorities is refused: the custodians' keys are not known to them."""
    text = li.place.parties.read_text()
    forged = tmp_path / "parties.txt"
    forged.write_text("".join(line for line in text.splitlines(True) if not line.startswith("custodian")))
    refused = li.seal("forged.sealed", trust=["--policy", li.place.policy, "--parties", forged])
    assert refused.code == 1 and "E-KEYSET" in refused.err
    assert not (li.desk / "forged.sealed").exists()


def test_a_wrong_figure_is_said_before_anything_is_sealed(li: Li) -> None:
    typed = ["--key", li.key, "--out", li.desk / "no.sealed", *li.place.trust]
    for form in (["--form", "price=12.345", "--form", "days=30"], ["--form", "price=12"], ["--form", "cost=1"]):
        refused = li.say("seal", li.tender, li.folder, *typed, *form)
        assert refused.code == 1 and "T-FORM" in refused.err
    assert not (li.desk / "no.sealed").exists()


def test_a_key_file_opens_for_its_passphrase_only(li: Li, tmp_path: Path) -> None:
    shown = trading("keys", "show", li.key)
    assert shown.value["kind"] == "bidder" and "sealed" not in shown.value
    wrong = trading("keys", "check", li.key, env={"TRADING_PASSPHRASE": "battery staple"})
    assert wrong.code == 1 and "K-PASSPHRASE" in wrong.err
    altered = tmp_path / "li.key"
    altered.write_bytes(li.key.read_bytes().replace(b'"kind":"bidder"', b'"kind":"identity"'))
    assert trading("keys", "check", altered).code == 1
    twice = trading("keys", "new", "bidder", "--id", "x", "--origin", ORIGIN, "--out", li.key)
    assert twice.code == 1 and "K-EXISTS" in twice.err
    shutil.copy(li.key, tmp_path / "copy.key")
    assert trading("keys", "check", tmp_path / "copy.key").value["opens"]


def test_usage_is_two(tmp_path: Path) -> None:
    assert trading("verify", tmp_path / "nothing.zip").code == 2
    assert trading("seal").code == 2
    assert trading("fly").code == 2
