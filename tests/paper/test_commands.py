"""`trading paper …` as people type it: from archives that another implementation wrote, from receipts and from reports."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest

from audit.canon import canon, sha256_hex
from audit.refusal import Refused
from tests.paper.values import REPORT
from tests.verify.stories import story
from trading.paper.source import Story

VECTORS = Path(__file__).parent.parent / "vectors" / "archives"
AWARDED, SHUT = VECTORS / "T2026-001@272.public.zip", VECTORS / "T2026-002@784.public.zip"
TRUST = ("--policy", str(VECTORS / "trust/policy.txt"), "--parties", str(VECTORS / "trust/parties.txt"))
TITLE = ("--title", "安平县实验小学教学楼")


def trading(*arguments: str, code: int = 0) -> str:
    """What the command said; the other stream where it did not end in 0."""
    ran = subprocess.run(
        [sys.executable, "-m", "trading", *arguments], capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": os.environ["PATH"], "TRADING_LANG": "zh", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stderr if code else ran.stdout


def read(path: Path) -> str:
    """The text of a paper, without the blanks that set it."""
    pages = pypdf.PdfReader(io.BytesIO(path.read_bytes())).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages))


@pytest.mark.parametrize(
    ("kind", "told"),
    [("opening", "开标记录"), ("candidates", "中标候选人公示"), ("award", "中标通知书")],
)
def test_an_archive_that_verifies_gives_its_papers(kind: str, told: str, tmp_path: Path) -> None:
    out = tmp_path / "a paper.pdf"
    url = "https://jy.example.gov.cn/"
    said = json.loads(trading("paper", kind, str(AWARDED), *TRUST, *TITLE, "--url", url, "--out", str(out), "--json"))
    assert said["sha256"] == sha256_hex(out.read_bytes())
    text = read(out)
    assert told in text and TITLE[1] in text and "https://jy.example.gov.cn/t/T2026-001" in text
    assert sha256_hex(AWARDED.read_bytes()) in text
    again = tmp_path / "again.pdf"
    trading("paper", kind, str(AWARDED), *TRUST, *TITLE, "--url", url, "--out", str(again))
    assert again.read_bytes() == out.read_bytes()


def test_an_archive_with_one_changed_byte_gives_no_paper(tmp_path: Path) -> None:
    forged = tmp_path / "forged.zip"
    data = bytearray(AWARDED.read_bytes())
    data[len(data) // 2] ^= 1
    forged.write_bytes(data)
    out = tmp_path / "award.pdf"
    assert "PAPER-ARCHIVE" in trading("paper", "award", str(forged), *TRUST, *TITLE, "--out", str(out), code=3)
    assert not out.exists()


def test_what_never_happened_has_no_paper(tmp_path: Path) -> None:
    out = str(tmp_path / "x.pdf")
    assert "PAPER-NOT-YET" in trading("paper", "award", str(SHUT), *TRUST, *TITLE, "--out", out, code=1)
    assert "PAPER-NOT-YET" in trading("paper", "contract", str(AWARDED), *TRUST, *TITLE, "--out", out, code=1)
    assert "PAPER-TITLE" in trading("paper", "award", str(AWARDED), *TRUST, "--out", out, code=1)


def test_a_receipt_is_checked_before_it_is_printed(tmp_path: Path) -> None:
    told = story()
    out, held = tmp_path / "receipt.pdf", told.receipts[0]
    trading("paper", "receipt", str(held), "--policy", str(told.policy), "--out", str(out))
    assert "已用外部信任文件核对" in read(out) and "已核对：位于日志第" in read(out)
    trading("paper", "receipt", str(held), "--out", str(out))
    assert "此处未核对签名" in read(out)
    out.unlink()
    receipt = json.loads(held.read_bytes())
    receipt["promise"] = ("A" if receipt["promise"][0] != "A" else "B") + receipt["promise"][1:]
    forged = tmp_path / "forged.json"
    forged.write_bytes(canon(receipt))
    assert "R-PROMISE" in trading(
        "paper", "receipt", str(forged), "--policy", str(told.policy), "--out", str(out), code=3
    )
    assert not out.exists()


def test_the_findings_of_verify_are_a_paper_even_when_they_are_bad(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.pdf", tmp_path / "bad.pdf"
    trading("verify", str(AWARDED), str(SHUT), *TRUST, "--pdf", str(good))
    assert "全部成立" in read(good) and sha256_hex(SHUT.read_bytes()) in read(good)
    trading("verify", str(AWARDED), "--policy", TRUST[1], "--parties", TRUST[1], "--pdf", str(bad), code=3)
    assert "证明不成立" in read(bad)


def test_a_report_alone_wants_its_time_and_knows_bids_by_their_ids(tmp_path: Path) -> None:
    report, out = tmp_path / "report.json", tmp_path / "report.pdf"
    report.write_bytes(REPORT)
    assert "PAPER-VALUE" in trading("paper", "evaluation", str(report), "--out", str(out), code=1)
    trading("paper", "evaluation", str(report), "--at", "2026-03-02T01:30:00", "--out", str(out))
    assert "1" * 32 in read(out) and sha256_hex(REPORT) in read(out)
    another = trading(
        "paper", "evaluation", str(report), "--archive", str(AWARDED), *TRUST, *TITLE, "--out", str(out), code=1
    )
    assert "PAPER-VALUE" in another


def test_a_name_the_archive_does_not_hold_stands_as_its_code() -> None:
    found = Story(AWARDED, "示范项目")
    assert found.tender.tenderee == "P-TEN" and found.award().winner.name == found.award().winner.code
    with pytest.raises(Refused, match="PAPER-TITLE"):
        _ = Story(AWARDED).tender
    assert [one.rank for one in found.candidates().ranked] == [1, 2][: len(found.candidates().ranked)]
