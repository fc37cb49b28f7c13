"""A spreadsheet of strangers: every bad line is named with its column and reason, never with what stands in it."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from audit.refusal import Refused
from experts import spreadsheet
from experts.eligibility import Tree
from experts.intake import COLUMNS, WORDS, Rejection, read_experts, read_field, read_specialties
from experts.person import Employment, Unfit
from tests.experts.people import TREE, firm, identity
from trading.messages import catalogue

tree = Tree({one.code: one.parent for one in TREE})
HEAD = ["姓名", "手机号", "身份证号", "专业", "工作单位"]
WANG = ["王小明", "13900000001", identity(1), "a0801", f"{firm(1)} 2010-01-01~"]
LI = ["李四", "13900000002", identity(2), "A08；b01", "无"]


def table(path: Path, *rows: list[Any], head: list[Any] | None = None, encoding: str = "utf-8") -> Path:
    """A CSV or, by the name, an XLSX file."""
    lines = [HEAD if head is None else head, *rows]
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line)  # type: ignore[union-attr]
        book.save(path)
    else:
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows(lines)
    return path


@pytest.fixture(params=["experts.csv", "experts.xlsx"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    return lambda *rows, **more: table(tmp_path / request.param, *rows, **more)


def rejected(path: Path) -> list[tuple[int, str, str]]:
    return [(one.line, one.column, one.why) for one in read_experts(path, tree)[1]]


# ------------------------------------------------------------------------------------------------------- what is taken


def test_two_good_lines(write: Callable[..., Path]) -> None:
    taken, no = read_experts(write(WANG, LI), tree)
    assert no == [] and [one.line for one in taken] == [2, 3]
    wang, li = (one.expert for one in taken)
    assert (wang.person.name, wang.person.phone, wang.person.identity) == ("王小明", "+8613900000001", identity(1))
    assert wang.person.employers == (Employment(firm(1), date(2010, 1, 1)),) and wang.person.salutation == "王专家"
    assert li.specialties == ("a08", "b01") and li.person.employers == () and len(li.person.code) == 4


def test_english_heads_in_another_order_and_a_column_nobody_knows(write: Callable[..., Path]) -> None:
    head = ["Remark", "Identity Number", "NAME", "second_phone", "phone", "specialties", "regions", "title", "employers",
            "kin", "interests", "salutation", "E-mail"]  # fmt: skip
    line = ["x", identity(3), "Ada", "0574-87654321", "13900000003", "a,b", "330200, 44", "高级工程师",
            f"{firm(1)} 2010-01-01 to 2015-12-31; {firm(2)} 2016-01-01~", f"{firm(5)},{firm(4)}", "none", "Dr A",
            "ada@example.com"]  # fmt: skip
    taken, no = read_experts(write(line, head=head), tree)
    assert no == []
    ada = taken[0].expert
    assert ada.regions == ("3302", "44") and ada.title == "senior" and ada.specialties == ("a", "b")
    assert [(one.code, one.until) for one in ada.person.employers] == [(firm(1), date(2015, 12, 31)), (firm(2), None)]
    assert ada.person.kin == tuple(sorted((firm(4), firm(5)))) and ada.person.interests == ()
    assert (ada.person.salutation, ada.person.email) == ("Dr A", "ada@example.com")


def test_what_spreadsheets_in_china_write(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "gb18030", "gbk"):
        assert len(read_experts(table(tmp_path / "a.csv", WANG, encoding=encoding), tree)[0]) == 1


def test_a_number_is_a_telephone_too_but_no_identity_number(tmp_path: Path) -> None:
    line = [*WANG]
    line[1] = 13900000001  # type: ignore[call-overload]
    assert len(read_experts(table(tmp_path / "a.xlsx", line), tree)[0]) == 1
    line[2] = int(identity(5)[:17] + "0")  # type: ignore[call-overload]
    assert (2, "identity", "number") in rejected(table(tmp_path / "b.xlsx", line))


def test_gaps_between_lines_keep_their_numbers(write: Callable[..., Path]) -> None:
    bad = ["", *LI[1:]]
    assert rejected(write(WANG, [""] * 5, bad)) == [(4, "name", "missing")]


def test_a_field_of_two_lines_keeps_the_numbers_right(tmp_path: Path) -> None:
    two = [*WANG[:4], f"{firm(1)} 2010-01-01~2011-01-01\n{firm(2)} 2011-01-02~"]
    assert rejected(table(tmp_path / "a.csv", two, ["", *LI[1:]])) == [(4, "name", "missing")]


# ---------------------------------------------------------------------------------------------------- what is rejected

BAD: list[tuple[int, str, str]] = [
    (0, "", "missing"), (0, "x" * 101, "name"), (0, "=1+1", "formula"), (0, "@SUM(A1)", "formula"), (0, "-2", "name"),
    (1, "", "missing"), (1, "1390000", "phone"), (1, "十三九", "phone"),
    (2, "", "missing"), (2, identity(1)[:-1], "identity"), (2, "110105194912310021", "identity"),
    (3, "", "missing"), (3, "c99", "specialty"), (3, "a;c99", "specialty"), (3, ";", "specialty"),
    (4, "", "missing"), (4, "某公司", "employers"), (4, f"{firm(1)} 2010-02-30~", "date"),
    (4, f"{firm(1)} 2010-01-02~2010-01-01", "date"), (4, f"{firm(1)[:-1]}? 2010-01-01~", "employers"),
    (4, "91000000MA00000010 2010-01-01~", "organisation"), (0, "x" * 5000, "cell"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "why"), BAD)
def test_a_bad_cell_is_named_by_line_column_and_reason(
    write: Callable[..., Path], place: int, value: str, why: str
) -> None:
    column = ["name", "phone", "identity", "specialties", "employers"][place]
    line = [*WANG]
    line[place] = value
    found = read_experts(write(LI, line), tree)
    assert found[1] == [Rejection(3, column, why)]
    assert [one.line for one in found[0]] == [2]  # the good line stands


def test_several_things_wrong_in_one_line_are_all_told(write: Callable[..., Path]) -> None:
    head = [*HEAD, "地区", "职称", "亲属任职单位", "持股单位", "邮箱", "备用电话"]
    line = ["", "1", "2", "zz", "x", "9", "博士", "x", "y", "z", "1"]
    found = rejected(write(line, head=head))
    assert sorted(found) == sorted(
        [(2, "name", "missing"), (2, "phone", "phone"), (2, "identity", "identity"), (2, "specialties", "specialty"),
         (2, "employers", "employers"), (2, "regions", "region"), (2, "title", "title"), (2, "kin", "organisation"),
         (2, "interests", "organisation"), (2, "email", "email"), (2, "second_phone", "phone")]
    )  # fmt: skip


def test_whoever_stands_in_the_file_before_is_rejected_and_the_first_stays(write: Callable[..., Path]) -> None:
    twin, sharing = ["王大明", "13900000009", *WANG[2:]], ["张三", WANG[1], identity(3), *WANG[3:]]
    taken, no = read_experts(write(WANG, twin, sharing), tree)
    assert [one.line for one in taken] == [2]
    assert no == [Rejection(3, "identity", "twice-identity"), Rejection(4, "phone", "twice-phone")]


def test_a_formula_is_no_value_whatever_it_would_give(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEAD)  # type: ignore[union-attr]
    book.active.append(['="王"&"小明"', *WANG[1:]])  # type: ignore[union-attr]
    book.active.append(["李四", "=13900000000+2", *LI[2:]])  # type: ignore[union-attr]
    book.save(tmp_path / "a.xlsx")
    assert rejected(tmp_path / "a.xlsx") == [(2, "name", "formula"), (3, "phone", "formula")]


def test_dates_errors_and_truths_in_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in (HEAD, [date(2020, 1, 1), *WANG[1:]], ["#N/A", *LI[1:]], [True, *LI[1:]], [1.5, *LI[1:]]):
        book.active.append(line)  # type: ignore[union-attr]
    book.active["A3"].data_type = "e"  # type: ignore[union-attr]
    book.save(tmp_path / "a.xlsx")
    assert [(line, why) for line, _, why in rejected(tmp_path / "a.xlsx")] == [(3, "cell"), (4, "cell"), (5, "cell")]


# ------------------------------------------------------------------------------------------------- files that are none


def refused(path: Path) -> Refused:
    with pytest.raises(Refused) as no:
        read_experts(path, tree)
    return no.value


def test_a_file_without_its_heads(write: Callable[..., Path]) -> None:
    assert refused(write(WANG, head=["a", *HEAD[1:]])).facts == {"missing": ["姓名"]}
    assert refused(write(WANG, head=[*HEAD[:4], "姓名"])).facts["missing"] == ["工作单位"]
    assert refused(write(WANG, head=[*HEAD, "name"])).facts["missing"] == ["姓名"]  # it stands twice
    assert refused(write(head=[])).code == "E-TABLE-COLUMNS"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xd0\xcf\x11\xe0old", "an old spreadsheet: save it as XLSX"), (b"PK\x03\x04nothing", "neither CSV nor XLSX"),
        (b"\xff\xfe\xff\xff\x80", "neither UTF-8 nor GB 18030"), (b"a,b\x00,c", "neither CSV nor XLSX"),
        (b'a,"b', "a quotation mark without its fellow, or a field too long"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_table(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "x").write_bytes(data)
    no = refused(tmp_path / "x")
    assert (no.code, no.facts["why"]) == ("E-TABLE-FILE", why)
    assert refused(tmp_path / "missing").facts["why"] == "unreadable"


def test_too_many_bytes_and_too_many_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path / "a.csv", WANG, LI)
    monkeypatch.setattr(spreadsheet, "MOST", 2)
    assert refused(path).code == "E-TABLE-LINES"
    monkeypatch.setattr(spreadsheet, "LARGEST", path.stat().st_size)
    assert refused(path).code == "E-TABLE-LINES"  # just fits
    monkeypatch.setattr(spreadsheet, "LARGEST", path.stat().st_size - 1)
    assert refused(path).code == "E-TABLE-SIZE"


def repacked(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    data = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(data) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return path


def test_asvs_5_2_3_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "UNPACKED", 1 << 20)
    path = table(tmp_path / "a.xlsx", WANG)
    assert len(read_experts(path, tree)[0]) == 1  # the control
    bomb = repacked(path, lambda name, data: data + b" " * (2 << 20) if "sheet1" in name else data)
    assert bomb.stat().st_size < 64 << 10 and refused(bomb).code == "E-TABLE-SIZE"


def test_asvs_1_5_1_entities_are_refused(tmp_path: Path) -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>'
    path = repacked(
        table(tmp_path / "a.xlsx", WANG),
        lambda name, data: laughs + data[data.find(b"<w") :] if "sheet1" in name else data,
    )
    assert refused(path).facts["why"] == "neither CSV nor XLSX"


def test_a_row_far_away_does_not_make_a_million_lines(tmp_path: Path) -> None:
    path = table(tmp_path / "a.xlsx", WANG, LI)
    far = repacked(path, lambda n, d: d.replace(b'<row r="3"', b'<row r="900000000"') if "sheet1" in n else d)
    assert refused(far).code == "E-TABLE-LINES"


def test_damaged_spreadsheets_are_refused_and_never_crash(tmp_path: Path) -> None:
    whole = table(tmp_path / "a.xlsx", WANG, LI).read_bytes()
    for place in range(0, len(whole), 97):
        (tmp_path / "b.xlsx").write_bytes(whole[:place] + b"\xff\x00" + whole[place + 2 :])
        try:
            read_experts(tmp_path / "b.xlsx", tree)
        except Refused as no:
            assert no.code.startswith("E-TABLE-")


# ---------------------------------------------------------------------------------------------- specialties and fields


def test_a_tree_of_specialties(tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.csv",
        ["A", "", "工程", "works"],
        ["a01", "A", "土建", ""],
        head=["代码", "上级", "名称", "英文名称"],
    )
    taken, no = read_specialties(path)
    assert no == [] and [(one.code, one.parent, one.en) for one in taken] == [("a", None, "works"), ("a01", "a", "")]


def test_what_no_tree_has(tmp_path: Path) -> None:
    rows = [
        ["a", "", "甲"],
        ["A", "", "乙"],
        ["b-1", "", "丙"],
        ["c", "d", "丁"],
        ["e", "e", "戊"],
        ["f", "", ""],
        ["g", "k", "己"],
    ]
    taken, no = read_specialties(table(tmp_path / "a.csv", *rows, head=["code", "parent", "name"]), known=["k"])
    assert [one.code for one in taken] == ["a", "g"]
    assert no == [
        Rejection(3, "code", "twice-code"), Rejection(4, "code", "code"), Rejection(5, "parent", "parent"),
        Rejection(6, "parent", "parent"), Rejection(7, "zh", "missing"),
    ]  # fmt: skip


def test_one_field_as_a_column_would_have_it() -> None:
    assert read_field("phone", "139 0000 0001", tree) == "+8613900000001"
    assert read_field("employers", f"{firm(1)} 2010-01-01~", tree) == (Employment(firm(1), date(2010, 1, 1)),)
    assert read_field("specialties", "B01,a", tree) == ("a", "b01") and read_field("regions", "330200", tree) == (
        "3302",
    )
    assert read_field("title", "中级", tree) == "intermediate" and read_field("email", "", tree) == ""
    for name, text, why in (("phone", "", "phone"), ("specialties", "zz", "specialty"), ("kin", "x", "organisation")):
        with pytest.raises(Unfit) as no:
            read_field(name, text, tree)
        assert no.value.why == why


def test_every_reason_and_every_column_is_told_in_both_languages() -> None:
    told = catalogue()
    for word in WORDS:
        assert f"why: roster {word}" in told
    for column in (*COLUMNS, "code", "parent", "zh", "en"):
        assert f"roster.column.{column}" in told
