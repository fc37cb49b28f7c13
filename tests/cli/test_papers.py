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

from audit.canon import b64, canon, instant, sha256_hex
from audit.refusal import Refused
from bidding.slips import SLIP, write_slip
from tests.attacks.conftest import Stage
from tests.paper.test_seals import Authority
from tests.paper.values import PAPERS, REPORT
from tests.verify.lives import LIVES
from tests.verify.stories import story
from tests.world import World
from trading.paper import awards, openings
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
    assert Story(AWARDED, TITLE[1]).mark(kind).sha256 in text
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


def test_works_are_shown_until_the_law_is_content_and_then_have_a_contract(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    tender = LIVES["works"](stage)
    path = tender.write("public", tmp_path / "works.zip")
    found = Story(path, "安平县实验小学教学楼")
    shown, contract = found.candidates(), found.contract()
    assert shown.until is not None and shown.at < shown.until < found.award().at < contract.signed
    assert contract.amount == found.award().price == shown.ranked[0].price
    out = tmp_path / "contract.pdf"
    trading("paper", "contract", str(path), *TITLE, "--out", str(out))
    assert contract.contract in "".join(read(out)) and "信任尚未建立" in read(out)


def test_the_papers_of_a_sale_and_of_rated_bids_can_be_made(tmp_path: Path) -> None:
    out = tmp_path / "paper.pdf"
    for number, name in enumerate(("land", "rated land", "small firms")):
        stage = Stage(tmp_path / str(number))
        path = LIVES[name](stage).write("public", tmp_path / f"{number}.zip")
        found = Story(path, TITLE[1])
        for made in (
            openings.opening_record(found.opening(), found.mark("opening")),
            awards.candidates(found.candidates(), found.mark("candidates")),
            awards.award_notice(found.award(), found.mark("award")),
        ):
            out.write_bytes(made)
            assert TITLE[1] in read(out)
        assert bool(found.candidates().ranked[0].points) is (name != "land")


def slip(world: World, refused: bytes, at: str = "2026-11-20T01:30:00.400000Z") -> bytes:
    """The slip that a bidder's tool keeps of a refusal that left no record."""
    said = write_slip(
        origin=world.origin, tender="T1@16", stage="form", bidder="91130100MA0000003K", code="E-LATE",
        manifest=sha256_hex(refused), time=instant(at),
    )  # fmt: skip
    return canon({"refusal": b64(said), "sig": [world.key.sign(SLIP + said)]})


def test_the_slip_of_a_refusal_is_checked_against_what_was_refused(tmp_path: Path) -> None:
    told = story()
    refused, other, file, out = (tmp_path / name for name in ("manifest", "other", "slip.json", "slip.pdf"))
    refused.write_bytes(b"a manifest")
    other.write_bytes(b"another manifest")
    file.write_bytes(slip(told.world, refused.read_bytes()))
    policy = ("--policy", str(told.policy))
    trading("paper", "refusal", str(file), *policy, "--manifest", str(refused), "--out", str(out))
    assert "投标截止时间已过，投标文件予以拒收" in read(out) and "签名有效" in read(out)
    trading("paper", "refusal", str(file), "--out", str(out))
    assert "此处未核对" in read(out)
    out.unlink()
    assert "R-SLIP" in trading(
        "paper", "refusal", str(file), *policy, "--manifest", str(other), "--out", str(out), code=3
    )
    trading("paper", "refusal", str(file), *policy, "--out", str(out), code=2)
    assert "PAPER-SLIP" in trading("paper", "refusal", str(story().receipts[0]), "--out", str(out), code=1)
    assert not out.exists()


def test_a_paper_is_sealed_and_checked_from_a_shell(tmp_path: Path) -> None:
    authority = Authority.made("示范电子认证服务机构")
    paper, held, root = (tmp_path / name for name in ("a.pdf", "seal.p12", "ca.pem"))
    paper.write_bytes(PAPERS["award"]())
    held.write_bytes(authority.pkcs12("安平县教育局"))
    root.write_bytes(authority.pem)
    trading("paper", "seal", str(paper), "--cert", str(held), "--passphrase", "seal")
    sealed = tmp_path / "a.sealed.pdf"
    assert "安平县教育局" in trading("paper", "check", str(sealed), "--trust", str(root))
    data = bytearray(sealed.read_bytes())
    data[2000] ^= 1
    sealed.write_bytes(data)
    assert "PAPER-SEAL-BROKEN" in trading("paper", "check", str(sealed), "--trust", str(root), code=3)
    assert "PAPER-UNSEALED" in trading("paper", "check", str(paper), "--trust", str(root), code=1)
    assert "PAPER-SEAL" in trading("paper", "seal", str(paper), "--cert", str(held), "--passphrase", "no", code=1)
