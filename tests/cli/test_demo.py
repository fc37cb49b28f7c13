"""`trading demo --all`, as a newcomer types it: the real tenders twice over, one project of every kind, and every way that
goes otherwise; every archive judged by both readers. (`--quick`, a part of it, is what `.ci/run` types.)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.archive import Archive, write_archive
from tests import reader
from tests.browser.judge import verify
from tests.cli.platform import Said, trading
from trading.demo import otherwise, tenders
from trading.demo.ways import Way
from trading.law.regimes import REGIMES

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
    assert {one["way"] for one in said["tenders"]} == {way.name for way in ways_of(otherwise)}
    ends = {one["way"]: one["end"] for one in said["tenders"] if one["way"] != "ordinary"}
    assert {way for way, end in ends.items() if end != "awarded"} == {"all-rejected", "given-up", "idle"}
    for line in said["sums"]:
        won = [one["award"] for one in said["tenders"] if one["award"] and one["regime"] == line["regime"]]
        awards = [award for award in won if award["currency"] == line["currency"]]
        assert (line["price"], line["gain"]) == (sum(a["price"] for a in awards), sum(a["gain"] for a in awards))


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
