"""`trading report` and `trading sample` from a shell: the sentence, its variants, the trades behind a row, refusals."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook


def _run(*typed: str, lang: str = "zh", code: int = 0) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "trading", "--lang", lang, *typed],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == code, (ran.returncode, ran.stdout, ran.stderr)
    return ran.stdout if code == 0 else ran.stderr


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trades") / "xinjian.csv"
    path.write_text(_run("sample", "xinjian-2016"), encoding="utf-8")
    return path


def test_the_sentence(sample: Path) -> None:
    said = _run("report", "--trades", str(sample), "--from", "2016-01-01", "--to", "2016-10-31", "--sentence")
    assert said == (
        "共完成各类交易195项，交易总额达85.80亿元，节约资金10.41亿元，增值资金0.50亿元。其中，建设工程交易160项，"
        "交易总额84.83亿元，节约资金10.40亿元；产权交易6项，成交金额约0.88亿元，增值率高达129.69%；政府采购29项，"
        "成交金额为907.44万元，为政府节约资金85.63万元。\n"
    )


def test_dearer_works_and_a_sale_less(sample: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader(sample.read_text("utf-8").splitlines()))
    works = next(row for row in rows if row["kind"] == "works")
    works["deal_fen"] = str(int(works["deal_fen"]) + 2_000_000 * 100)
    for name, kept, wanted in (
        ("dearer", rows, ("84.85", "10.38", "85.82", "10.39")),
        ("less", [row for row in rows if row["id"] != "CONSTRUCTED-C-P003"], ("产权交易5项",)),
    ):
        path = tmp_path / f"{name}.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(kept)
        said = _run("report", "--trades", str(path), "--sentence")
        assert all(one in said for one in wanted), said


def test_every_row_has_a_key_that_leads_to_its_trades(sample: Path) -> None:
    told = json.loads(_run("--json", "report", "--trades", str(sample), "--by", "month"))
    for row in (*told["rows"], told["total"]):
        behind = _run("report", "--trades", str(sample), "--by", "month", "--figure", row["key"])
        trades = list(csv.DictReader(io.StringIO(behind)))
        assert len(trades) == row["trades"] and sum(int(one["deal_fen"]) for one in trades) == row["deal"]
    assert "E-STATEMENT-FIGURE" in _run("report", "--trades", str(sample), "--figure", "boats", code=1)


def test_files_for_spreadsheets(sample: Path, tmp_path: Path) -> None:
    to_csv, to_xlsx = tmp_path / "s.csv", tmp_path / "s.xlsx"
    _run("report", "--trades", str(sample), "--csv", str(to_csv), "--xlsx", str(to_xlsx))
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(to_csv.read_text("utf-8-sig")))}
    assert rows["all"]["trades"] == "195" and rows["works"]["saved"] == "104000000000"
    assert [sheet.title for sheet in load_workbook(to_xlsx).worksheets] == ["报表", "以分为单位"]


def test_pictures_for_print_and_where_the_numbers_of_the_sentence_lead(sample: Path, tmp_path: Path) -> None:
    svg, png = tmp_path / "s.svg", tmp_path / "s.png"
    _run("report", "--trades", str(sample), "--by", "month", "--svg", str(svg), "--png", str(png))
    assert "<title>公共资源交易统计图（按月）</title>" in svg.read_text("utf-8") and png.read_bytes()[:4] == b"\x89PNG"
    again = tmp_path / "again.svg"
    _run("report", "--trades", str(sample), "--by", "month", "--svg", str(again))
    assert again.read_bytes() == svg.read_bytes()
    told = json.loads(_run("--json", "report", "--trades", str(sample), "--sentence"))
    assert "".join(one["text"] for one in told["sentence_figures"]) == told["sentence"]
    for one in told["sentence_figures"]:
        if one["figure"]:
            key = one["figure"].rpartition("key=")[2]
            behind = _run("report", "--trades", str(sample), "--figure", key)
            assert f"{len(list(csv.DictReader(io.StringIO(behind))))}项" in one["text"]


def test_a_broken_file_reports_nothing(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(sample.read_text("utf-8") + "X,works,2016-01-01,r,o,buy,1,zwei,concluded\n", "utf-8")
    for lang in ("zh", "en"):
        said = _run("report", "--trades", str(path), "--sentence", "--csv", str(tmp_path / "no.csv"), lang=lang, code=1)
        assert "E-TRADES-FILE" in said and "197" in said
    assert not (tmp_path / "no.csv").exists()
    assert "E-SAMPLE" in _run("sample", "nowhere", code=1)
    assert "E-STATEMENT-PERIOD" in _run(
        "report", "--trades", str(sample), "--from", "2016-02-01", "--to", "2016-01-01", code=1
    )


def test_terms_of_retention() -> None:
    said = _run("retention", "terms", lang="en")
    assert "RT-07" in said and "GP-40" in said and "not checked" in said
