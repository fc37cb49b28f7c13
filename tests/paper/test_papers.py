"""Papers people hold: every character can be read out again, the same value gives the same bytes, no box is ever printed."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pypdf
import pytest
import typst
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from audit.canon import canon, sha256_hex
from audit.refusal import Refused
from audit.report import Fault, Status, Step
from tests.paper import values
from tests.paper.values import CANDIDATES, MARK, OPENING, PAPERS, STATEMENT, ZHANG
from trading.messages import catalogue
from trading.paper import awards, figures, openings, press, statements, verifications
from trading.paper.tenders import Bidder

pytestmark = pytest.mark.slow

CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
TOLD: dict[str, Any] = {
    "receipt": "投标文件已递交",
    "refusal": "投标截止时间已过，投标文件予以拒收。",
    "opening": values.OPENING,
    "evaluation": (values.SCHOOL.title, values.SCHOOL.tenderee, ZHANG.name, "投标文件未能开启", "不同意见"),
    "candidates": values.CANDIDATES,
    "award": (values.AWARD.winner, values.SCHOOL.title, "人民币壹仟壹佰玖拾捌万柒仟陆佰伍拾肆元叁角贰分"),
    "confirmation": (
        values.LAND.title,
        values.LAND.tenderee,
        values.LI.name,
        "人民币壹亿叁仟壹佰伍拾万元伍角",
        "13,150.00005万元",
        "增值额",
    ),
    "contract": (values.AWARD.winner, "人民币壹佰壹拾玖万捌仟柒佰陆拾伍元肆角叁分"),
    "statement": values.STATEMENT,
    "verification": "评分、排序与中标",
}
"""What each paper was given, and must say."""


def test_every_kind_of_paper_is_looked_at_here() -> None:
    parts = {"house", "charts", "chart"}
    assert {path.stem for path in press.TEMPLATES.glob("*.typ")} - parts == PAPERS.keys() == TOLD.keys()


def read(paper: bytes) -> str:
    """The text of a paper as another program extracts it, without the blanks that set it."""
    pages = pypdf.PdfReader(io.BytesIO(paper)).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages))


def texts(value: Any) -> list[str]:
    """Every string with Chinese in it, anywhere in a value."""
    if isinstance(value, str):
        return [value] if CHINESE.search(value) else []
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts(item)]
    if is_dataclass(value):
        return [text for field in fields(value) for text in texts(getattr(value, field.name))]
    return []


# ------------------------------------------------------------------------------------------------- what stands on it


@pytest.mark.parametrize("kind", PAPERS)
def test_every_chinese_character_can_be_read_out_again(kind: str) -> None:
    said = read(PAPERS[kind]())
    given = texts(TOLD[kind])
    assert given
    if kind == "statement":
        assert values.STATEMENT.title in said
    else:
        assert re.sub(r"\s", "", catalogue()[f"paper.{kind}"]["zh"]) in said
    missing = Counter(CHINESE.findall("".join(given))).keys() - set(said)
    assert not missing
    for text in given:
        words = CHINESE.findall(text)
        assert "".join(words) in "".join(CHINESE.findall(said)), text
    assert not re.search(r"[\ufffd\ue000-\uf8ff\x00]", said), "a glyph without a character"


@pytest.mark.parametrize("kind", PAPERS)
def test_it_names_its_hash_its_link_and_its_pages(kind: str) -> None:
    made = PAPERS[kind]()
    reader = pypdf.PdfReader(io.BytesIO(made))
    assert MARK.sha256 in read(made) and MARK.link in read(made)
    for number, page in enumerate(reader.pages, 1):
        assert f"第{number}页，共{len(reader.pages)}页" in re.sub(r"\s", "", page.extract_text())
    assert MARK.code == f"{MARK.link}#sha256={MARK.sha256}"


@pytest.mark.parametrize("kind", PAPERS)
def test_it_is_an_archival_pdf_with_its_fonts_inside(kind: str) -> None:
    """What ISO 19005-2 asks of the file's structure, as far as it can be seen without a validator."""
    archival(PAPERS[kind]())


def archival(made: bytes) -> None:
    """PDF/A-2u: says so, names its colours and language, carries its fonts, moves nothing, hides nothing."""
    assert made.startswith(b"%PDF-1.") and b"\n%" in made[:16] and max(made[9:16]) > 127, "a comment of binary bytes"
    reader = pypdf.PdfReader(io.BytesIO(made))
    root = reader.trailer["/Root"]
    assert not reader.is_encrypted and "/Encrypt" not in reader.trailer and reader.trailer["/ID"]
    metadata = root["/Metadata"].get_object()
    xmp = metadata.get_data().decode()
    assert "/Filter" not in metadata, "readable without a decoder"
    assert "<pdfaid:part>2</pdfaid:part>" in xmp and "<pdfaid:conformance>U</pdfaid:conformance>" in xmp
    assert str(root["/Lang"]).startswith("zh") and root["/MarkInfo"]["/Marked"].value and "/StructTreeRoot" in root
    assert reader.metadata and reader.metadata.title and reader.metadata.title in xmp
    intents = [one.get_object() for one in root["/OutputIntents"]]
    assert [one["/S"] for one in intents] == ["/GTS_PDFA1"]
    assert intents[0]["/DestOutputProfile"].get_object().get_data()[36:40] == b"acsp", "an ICC profile"
    names = set()
    for font in fonts(reader):
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        assert {"/FontFile2", "/FontFile3"} & inner["/FontDescriptor"].get_object().keys(), inner["/BaseFont"]
        assert "/ToUnicode" in font, "a Unicode for every glyph"
        names.add(str(inner["/BaseFont"]))
    assert names and all(re.fullmatch(r"/[A-Z]{6}\+.+", name) for name in names), "subsets, named as such"
    assert any("NotoSerifSC" in name for name in names)
    forbidden = {
        "/JavaScript",
        "/JS",
        "/Launch",
        "/EmbeddedFiles",
        "/AA",
        "/OpenAction",
        "/XFA",
        "/RichMedia",
        "/Movie",
        "/Sound",
    }
    used = set()
    for number in range(1, int(reader.trailer["/Size"])):
        used |= names_in(reader.get_object(number))
    assert not used & forbidden, used & forbidden


def fonts(reader: pypdf.PdfReader) -> list[Any]:
    """Every font of the file, whatever resource names it."""
    whole = (reader.get_object(number) for number in range(1, int(reader.trailer["/Size"])))
    return [one for one in whole if isinstance(one, dict) and one.get("/Type") == "/Font" and "/Subtype" in one
            and not str(one["/Subtype"]).startswith("/CIDFont")]  # fmt: skip


def names_in(value: Any) -> set[str]:
    """Keys and names in an object, those of objects it refers to left out."""
    if isinstance(value, dict):
        return set(value) | {name for key in value for name in names_in(value.raw_get(key))}
    if isinstance(value, list):
        return {name for one in value for name in names_in(one)}
    return {str(value)} if isinstance(value, NameObject) else set()


def test_the_check_of_the_structure_has_teeth() -> None:
    made = PAPERS["award"]()
    for change in ("encrypt", "script", "intent", "part"):
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(made))
        if change == "encrypt":
            writer.encrypt("", "owner")
        elif change == "script":
            script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
            writer._root_object[NameObject("/OpenAction")] = writer._add_object(DictionaryObject(script))
        elif change == "intent":
            del writer._root_object["/OutputIntents"]
        else:
            data = writer._root_object["/Metadata"].get_object()
            data.set_data(data.get_data().replace(b"<pdfaid:part>2", b"<pdfaid:part>9"))
        out = io.BytesIO()
        writer.write(out)
        with pytest.raises((AssertionError, KeyError, pypdf.errors.PyPdfError)):
            archival(out.getvalue())


def test_a_report_names_seats_and_an_expert_nowhere() -> None:
    said = read(PAPERS["evaluation"]())
    assert "席位" in said and "评标报告只载席位，不载姓名" in said


def test_ukrainian_names_are_printed_too() -> None:
    tender = replace(values.SCHOOL, title="Стіл масажний — їдальня")
    assert "Стілмасажний" in read(awards.award_notice(replace(values.AWARD, tender=tender), MARK))


# --------------------------------------------------------------------------------------------------- never a box


@pytest.mark.parametrize(("name", "told"), [("田𠮷建设公司", "𠮷 (U+20BB7)"), ("笑脸😀公司", "😀 (U+1F600)")])
def test_a_name_with_a_character_no_font_has_is_refused(name: str, told: str) -> None:
    with pytest.raises(Refused) as no:
        awards.award_notice(replace(values.AWARD, winner=Bidder(name, ZHANG.code, ZHANG.bid)), MARK)
    assert (no.value.code, no.value.facts["characters"]) == ("PAPER-GLYPH", told)


def test_without_the_archival_standard_the_same_name_would_vanish_silently() -> None:
    """What the refusal rests on: the typesetter alone says nothing."""
    source = '#set text(font: "Noto Serif SC")\n田𠮷建设公司'.encode()
    options: dict[str, Any] = {"font_paths": press._fonts(), "ignore_system_fonts": True, "format": "pdf"}
    assert typst.compile(source, **options)
    with pytest.raises(typst.TypstError):
        typst.compile(source, pdf_standards=press.STANDARD, **options)


@pytest.mark.parametrize("mark", ["\u202e", "\u200b", "\u2066", "\x07"])
def test_a_name_that_would_print_backwards_or_hide_something_is_refused(mark: str) -> None:
    with pytest.raises(Refused, match="PAPER-GLYPH"):
        awards.award_notice(replace(values.AWARD, winner=Bidder(f"张{mark}三", ZHANG.code, ZHANG.bid)), MARK)


def test_every_character_of_the_national_standard_has_a_glyph() -> None:
    """GB 2312, whose characters names and notices are mostly written in: 6,763 of them."""
    letters = "".join(
        bytes([row, cell]).decode("gb2312", "ignore") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)
    )
    assert len(letters) == 6763
    said = read(statements.statement(replace(STATEMENT, footnotes=[letters]), MARK))
    assert set(letters) <= set(said)


def test_a_template_cannot_be_written_from_a_value() -> None:
    """Names are values, not markup: what a bidder calls itself sets nothing."""
    name = '#read("house.typ") $x$ *粗* @ref <a> \\ 公司'
    said = read(awards.award_notice(replace(values.AWARD, winner=Bidder(name, ZHANG.code, ZHANG.bid)), MARK))
    assert re.sub(r"\s", "", name) in said


# ------------------------------------------------------------------------------------------------ the same bytes


@pytest.mark.parametrize("kind", PAPERS)
def test_the_same_value_gives_the_same_bytes(kind: str) -> None:
    assert sha256_hex(PAPERS[kind]()) == sha256_hex(PAPERS[kind]())


def test_another_process_in_another_zone_prints_the_same_bytes() -> None:
    program = (
        "from tests.paper.values import PAPERS; from audit.canon import sha256_hex; import json;"
        "print(json.dumps({kind: sha256_hex(make()) for kind, make in PAPERS.items()}))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
            env={"PATH": "/usr/bin:/bin", "TZ": zone, "LANG": lang, "PYTHONHASHSEED": seed, "TRADING_LANG": "zh"},
        ).stdout
        for zone, lang, seed in (("America/New_York", "C", "1"), ("Asia/Shanghai", "en_US.UTF-8", "2"))
    ]  # fmt: skip
    assert told[0] == told[1]


def test_another_fen_gives_other_bytes() -> None:
    assert awards.award_notice(replace(values.AWARD, price=values.AWARD.price + 1), MARK) != PAPERS["award"]()


# --------------------------------------------------------------------------------------------------- the figures


@pytest.mark.parametrize(
    ("fen", "digits", "words"),
    [
        (0, "¥0.00", "人民币零元整"),
        (5, "¥0.05", "人民币伍分"),
        (1005, "¥10.05", "人民币壹拾元零伍分"),
        (291_000, "¥2,910.00", "人民币贰仟玖佰壹拾元整"),
        (10_050_007, "¥100,500.07", "人民币壹拾万零伍佰元零柒分"),
        (13_150_000_000, "¥131,500,000.00", "人民币壹亿叁仟壹佰伍拾万元整"),
        (-150, "-¥1.50", "人民币负壹元伍角"),
    ],
)
def test_money_stands_in_digits_and_in_capitals(fen: int, digits: str, words: str) -> None:
    assert figures.amount(fen, "CNY") == {"digits": digits, "words": words}


def test_other_money_has_no_capitals() -> None:
    assert figures.amount(291_000, "UAH") == {"digits": "UAH 2,910.00", "words": ""}
    assert figures.amount(291_000, "JPY")["digits"] == "JPY 291,000"


def test_a_statement_is_read_from_its_json_or_refused() -> None:
    told = {
        "type": "trading.statement/v1", "at": "2026-03-02T01:30:00.000000Z",
        "columns": [{"zh": one.zh, "en": one.en, "right": one.right} for one in STATEMENT.columns],
    } | {name: getattr(STATEMENT, name) for name in ("title", "subtitle", "issuer", "period", "unit", "words")}  # fmt: skip
    told |= {name: list(getattr(STATEMENT, name)) for name in ("rows", "total", "footnotes")}
    found = statements.read_statement(canon(told))
    assert statements.statement(found, MARK) == statements.statement(STATEMENT, MARK)
    for broken in (told | {"rows": [["一格"]]}, told | {"type": "x"}, told | {"more": 1}, told | {"columns": [{}]}):
        with pytest.raises(Refused, match="PAPER-VALUE"):
            statements.read_statement(canon(broken))


# ----------------------------------------------------------------------------------------------- long and hostile


def test_sixty_bids_go_over_pages_and_nobody_is_lost() -> None:
    names = [f"第{number}号建筑安装工程有限责任公司" for number in range(1, 61)]
    rows = [replace(OPENING.opened[0], bidder=replace(ZHANG, name=name)) for name in names]
    made = openings.opening_record(replace(OPENING, opened=rows, listed=60), MARK)
    assert len(pypdf.PdfReader(io.BytesIO(made)).pages) > 2
    said = read(made)
    assert all(name in said for name in names)


def test_nobody_stood_and_the_paper_says_so() -> None:
    assert "没有可以排序的投标" in read(awards.candidates(replace(CANDIDATES, ranked=[]), MARK))


def test_the_report_about_a_hostile_archive_is_printed_all_the_same() -> None:
    fault = Fault("bids/\u202e😀", "V-INTERNAL", {"error": "\x00𠮷\u2028#panic()"})
    steps = (Step(1, Status.FAIL, (fault,) * 25),)
    found = replace(values.FOUND, reports=(replace(values.FOUND.reports[0], steps=steps, tender="x\u202ey"),))
    said = read(values._verification(found))
    assert "\\u{202E}" in said and "\\u{20BB7}" in said and "还有5处" in said
    assert verifications.plain("张\u202e三") == "张\\u{202E}三"
