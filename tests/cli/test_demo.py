"""`trading demo --all`, as a newcomer types it: the real tenders twice over, one project of every kind, and every way that
goes otherwise; every archive judged by both readers. (`--quick`, a part of it, is what `.ci/run` types.)"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ocdscardinal
import pypdf
import pytest

from audit.archive import Archive, write_archive
from tests import reader
from tests.browser.judge import verify
from tests.cli.platform import Said, trading
from tests.verify.test_releases import judged
from trading.demo import otherwise, rounds, tenders
from trading.demo.ways import Way
from trading.law.regimes import REGIMES
from trading.ocds_reading import Found, read

SOURCE = Path(tenders.__file__).with_name("prozorro.json")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Said, Path]]:
    """What it said, and the directory it left."""
    home = tmp_path_factory.mktemp("a demonstration")
    said = trading("demo", "--all", "--out", home / "out dir", cwd=home, patience=600)
    assert said.code == 0, said.err
    yield said, home / "out dir"


def ways_of(module: Any) -> list[Any]:
    """Every way there is: the ordinary one and those of a module."""
    return [Way, *(one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Way))]


def archives(out: Path) -> list[Path]:
    return sorted(out.glob("*.zip"))


def test_every_archive_is_accepted_by_both_readers_with_everybody_s_receipts(shown: tuple[Said, Path]) -> None:
    _, out = shown
    trust = (out / "trust" / "policy.txt", out / "trust" / "parties.txt")
    kept = sorted((out / "receipts").rglob("*.json"))
    announced = [one for one in shown[0].value["tenders"] if one["way"] != "idle"]
    assert len(archives(out)) == 2 * len(announced)  # two editions
    assert len(kept) >= 2 * sum(tender["bids"] for tender in announced)  # two stages
    for path in archives(out):
        receipts = [one for one in kept if one.parent.parent.name == path.name.rsplit(".", 2)[0]]
        found = verify([path], *trust, receipts=receipts)
        assert found.exit == 0, (path.name, found.reports[0].failed)
        assert reader.read([path], *trust, receipts=receipts)[:2] == (0, None), path.name


def test_it_went_as_it_really_went_and_by_the_law_of_works_otherwise(shown: tuple[Said, Path]) -> None:
    said = shown[0].value
    runs: dict[tuple[str, str], Any] = {(one["ocid"], one["regime"]): one for one in said["tenders"]}
    for tender in json.loads(SOURCE.read_text("utf-8")):
        real, lawful = runs[tender["ocid"], "source-law"], runs[tender["ocid"], "works"]
        [won] = [award for award in tender["awards"] if award["status"] == "active"]
        price, baseline = tenders.fen(won["amount"]), tenders.fen(tender["value"]["amount"])
        assert (real["award"]["price"], real["award"]["gain"]) == (price, baseline - price)
        assert real["award"]["bidder_name"].startswith(f"{won['supplier']} ")
        assert lawful["opened"] == (len(tender["bids"]) >= 3) == (lawful["award"] is not None)
        if lawful["opened"]:
            assert lawful["award"]["price"] == min(tenders.fen(bid["amount"]) for bid in tender["bids"])
    assert {one["regime"] for one in said["tenders"]} == set(REGIMES)  # one of every kind at least
    assert {one["way"] for one in said["tenders"]} == {
        way.name for module in (otherwise, rounds) for way in ways_of(module)
    }
    ends = {one["way"]: one["end"] for one in said["tenders"] if one["way"] != "ordinary"}
    assert {way for way, end in ends.items() if end != "awarded"} == {
        "all-rejected",
        "given-up",
        "idle",
        "below-reserve",
    }
    for line in said["sums"]:
        won = [one["award"] for one in said["tenders"] if one["award"] and one["regime"] == line["regime"]]
        awards = [award for award in won if award["currency"] == line["currency"]]
        assert (line["price"], line["gain"]) == (sum(a["price"] for a in awards), sum(a["gain"] for a in awards))


def test_what_was_cried_is_heard_again_and_confirmed_on_paper(shown: tuple[Said, Path]) -> None:
    out = shown[1]
    trust = ("--policy", out / "trust" / "policy.txt", "--parties", out / "trust" / "parties.txt")
    for way, outcome in (("auctioned", "sold"), ("below-reserve", "below_reserve"), ("auction-stopped", "sold")):
        [run] = [one for one in shown[0].value["tenders"] if one["way"] == way]
        for edition in ("public", "supervision"):
            said = trading("verify", out / f"{run['tender']}.{edition}.zip", *trust)
            [heard] = [one for one in said.value["archives"][0]["steps"][14]["notes"] if one["code"] == "V-HEARD"]
            assert heard["facts"]["outcome"] == outcome and heard["facts"]["bidders"] == run["bids"]
            assert heard["facts"]["bids"] > 3 and heard["facts"]["extensions"] >= 1
        paper = out / f"{run['tender']}.confirmation.pdf"
        kept = sorted((out / "receipts" / run["tender"]).rglob("auctions-*.json"))
        assert len(kept) == heard["facts"]["bids"] + run["bids"]  # one for each bid, and for each who joined
        assert paper.exists() is (outcome == "sold")
        if outcome == "sold":
            text = re.sub(r"\s", "", "".join(page.extract_text() for page in pypdf.PdfReader(paper).pages))
            assert "成交确认书" in text and re.sub(r"\s", "", run["award"]["bidder_name"]) in text
            assert f"¥{run['award']['price'] / 100:,.2f}" in text and f"¥{run['award']['gain'] / 100:,.2f}" in text


def test_what_is_left_as_open_data_is_valid_and_says_what_the_ledger_says(shown: tuple[Said, Path]) -> None:
    said, out = shown[0].value, shown[1] / "ocds"
    announced = [one for one in said["tenders"] if one["way"] != "idle"]
    awards = [one["award"] for one in announced if one["award"]]
    by_process: dict[str, list[dict[str, Any]]] = {}
    for line in (out / "releases.jsonl").read_bytes().splitlines():
        one = json.loads(line, parse_float=Decimal)
        by_process.setdefault(one["ocid"], []).append(one)
    compiled = [json.loads(line, parse_float=Decimal) for line in (out / "compiled.jsonl").read_bytes().splitlines()]
    assert len(compiled) == len(by_process) == len(announced)
    for whole in compiled:
        assert judged(by_process[whole["ocid"]]) == whole
    # Another hand's tool reads both files.
    for name in ("releases.jsonl", "compiled.jsonl"):
        covered = ocdscardinal.coverage(str(out / name))
        assert covered[""] == covered["/ocid"] == len((out / name).read_bytes().splitlines())
    assert covered["/tender/status"] == len(announced)
    assert covered["/awards[]/value/amount"] == len(awards) == covered["/awards[]/suppliers[]/id"]
    # What somebody else reads out of either file is the ledger: prices, baselines, gains, and what came to nothing.
    for name in ("releases.jsonl", "compiled.jsonl"):
        found = Found()
        with (out / name).open("rb") as data:
            read(found, name, data)
        trades = found.trades()
        assert [one for one in found.remarks if not one.taken] == []
        assert len(trades) == len(announced)
        deals = [one for one in trades if one.price is not None and one.baseline is not None]
        assert sorted((one.currency, one.price * 100, one.baseline * 100) for one in deals) == sorted(
            (award["currency"], award["price"], award["baseline"]) for award in awards
        )
        assert sum(one.status == "failed" for one in trades) == len(announced) - len(awards)
    gains = sum(money for whole in compiled for award in whole.get("awards", ()) for money in [award["gain"]["amount"]])
    assert gains * 100 == sum(award["gain"] for award in awards)


def test_any_member_spoilt_dropped_or_swapped_is_found_though_the_manifest_is_rewritten(
    shown: tuple[Said, Path], tmp_path: Path
) -> None:
    out, spoilt = shown[1], tmp_path / "spoilt.zip"
    path = archives(out)[0]
    with Archive.open(path) as archive:
        files = {name: archive.read(name) for name in archive.names}
    first, second = sorted(files)[:2]
    forgeries = [{**files, first: files[second], second: files[first]}]
    for n, name in enumerate(sorted(files)):
        forgeries.append({other: data for other, data in files.items() if other != name})
        at = n * 7919 % len(files[name])
        changed = files[name][:at] + bytes([files[name][at] ^ 1]) + files[name][at + 1 :]
        forgeries.append({**files, name: changed})
    for forged in forgeries:
        spoilt.unlink(missing_ok=True)
        write_archive(spoilt, list(forged.items()))
        found = verify([spoilt], out / "trust" / "policy.txt", out / "trust" / "parties.txt").reports[0]
        assert found.exit == 3 and found.failed is not None and found.failed.faults[0].at is not None


@pytest.mark.parametrize(
    "wrong", ["", "[]", "{}", '[{"ocid": "a"}]', '[{"ocid":"a","title":"","value":{"amount":"1.005"}}]']
)
def test_an_input_that_is_none_is_refused_by_name(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_text(wrong, "utf-8")
    said = trading("demo", "--quick", "--input", tmp_path / "input.json", "--out", tmp_path / "out")
    assert said.code == 1 and "D-INPUT" in said.err, said.err
    assert not (tmp_path / "out").exists()
