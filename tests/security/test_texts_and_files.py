"""Texts and files of strangers: markup, SQL, formulas, bombs, names, and what a browser would run.

The ids are those of OWASP ASVS 5.0.0.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import struct
import zipfile
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audit.act import pool
from audit.archive import Archive, write_archive
from audit.refusal import Broken, Refused
from experts import attendance, spreadsheet
from tests.security.test_house_rules import SOURCES
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading.cli import experts as experts_cli
from trading.cli import open_data as open_data_cli
from trading.tools.seat import Mark, read_marks, write_marks
from trading.web.api_preparation import _attachment

MARKUP = "</title></script><x-evil onload=x>\"'><x-evil a='&lt;{{7*7}}${7*7}"
SQL = "'; DROP TABLE trading_project; -- %s $1 \\' %"
FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "＠SUM(A1)")


class Tags(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_asvs_1_2_1_a_text_is_a_text_wherever_it_stands(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path / "desk")
    await desk.open(title=MARKUP, description=MARKUP)
    project, shown = desk.tender.rpartition("-")[0], 0
    for lang in ("zh-CN", "en"):
        for path in ("/", f"/p/{project}", f"/t/{desk.tender}", "/search?q=evil", f"/search?q={MARKUP}", "/ledger",
                     "/signin?next=" + MARKUP, f"/t/{MARKUP}", f"/?cursor={MARKUP}"):  # fmt: skip
            answer = await place.as_("public").get(path, headers={"Accept-Language": lang})
            if not answer.headers["content-type"].startswith("text/html"):
                continue
            page = Tags(answer.text)
            assert not page.names & {"x-evil", "onload", "a'"}, path
            shown += MARKUP in page.text
    assert shown >= 4
    for path in (f"/ocds/projects/{project}", f"/api/v1/projects/{project}"):
        answer = await place.as_("public").get(path)
        assert answer.headers["content-type"].startswith("application/json") and json.dumps(MARKUP) in json.dumps(
            answer.json()
        )
    assert "x-evil" in Tags(MARKUP).names  # the control


async def test_asvs_1_2_4_a_text_is_no_sql(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path / "desk")
    await desk.open(title=SQL)
    answer = await place.as_("public").get("/search", params={"q": SQL})
    assert answer.status_code == 200
    for text in (SQL, "%", "_", "' OR ''='", "\\"):
        found = (await place.as_("public").get("/api/v1/search", params={"q": text})).json()
        assert len(found.get("items", [])) <= (text == SQL or text in SQL), (text, found)
        assert (await place.as_("public").get("/api/v1/trade-lines", params={"organisation": text})).status_code in (
            200,
            422,
        )
    assert await pool().fetchval("SELECT title FROM trading_project") == SQL


def test_asvs_1_2_4_no_statement_is_made_of_a_value() -> None:
    """What is put into the text of a statement are parts of statements: names in capitals, or of this list."""
    fine = re.compile(r"_?[A-Z][A-Z0-9_]*(\[.*\])?|[a-z_]+\.[A-Z_]+")
    known: set[tuple[str, str]] = set()
    for name, path in SOURCES.items():
        if "/migrations/" in name or "/demo/" in name:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            if "pool()" not in (on := ast.unparse(node.func.value)) and on not in CONNECTIONS:
                continue
            if node.func.attr not in ("fetch", "fetchrow", "fetchval", "execute", "executemany"):
                continue
            parts = [one for one in ast.walk(node.args[0]) if isinstance(one, ast.FormattedValue)]
            known |= {(name, ast.unparse(one.value)) for one in parts if not fine.fullmatch(ast.unparse(one.value))}
    assert known <= OF_OURS, known - OF_OURS


CONNECTIONS = frozenset({"db", "connection", "raw", "act.raw", "con", "owner", "self._pool", "self.pool", "admin"})
OF_OURS = {
    ("trading/accounting.py", "_where(query, of)"), ("trading/logbook.py", "where"), ("trading/postgres.py", "app"),
    ("trading/postgres.py", "table"),
}  # fmt: skip
"""(file, expression): what stands in a statement and is a word of the same file's."""


# ------------------------------------------------------------------------------------------------------------- exports


def _tame(cell: str) -> bool:
    return cell[:1] not in tuple("=+-@＝＋－＠\t\r\n")


def test_asvs_1_2_10_every_table_that_leaves_the_house_is_tame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements and files of trades: tests/statements/test_trade_file.py. Here the others, and that there are no others."""
    writers = {
        name
        for name, path in SOURCES.items()
        if re.search(r"csv\.writer|DictWriter|xlsxwriter\.|Workbook\(", path.read_text())
    }
    assert writers == {
        "experts/attendance.py", "trading/cli/experts.py", "trading/cli/open_data.py", "trading/retention.py",
        "trading/statement_files.py", "trading/tools/seat.py", "trading/trade_file.py",
    }  # fmt: skip
    read = csv.reader(io.StringIO(attendance.sheet(["a"], [[one] for one in FORMULAS]).decode("utf-8-sig"), newline=""))
    assert all(_tame(row[0]) for row in list(read)[1:])
    from trading.ocds_reading import Remark

    monkeypatch.setattr(
        experts_cli, "_told", lambda found: [{"line": 1, "column": "name", "why": "x", "message": one} for one in found]
    )
    experts_cli._report(list(FORMULAS), tmp_path / "experts.csv")  # type: ignore[arg-type]
    monkeypatch.setattr(open_data_cli, "_why", lambda one: one.why)
    remarks = [Remark(file=one, where=one, id=one, why=one, taken=False) for one in FORMULAS]
    open_data_cli._report(remarks, tmp_path / "ocds.csv")
    marks = [Mark("A", one, "5", one) for one in FORMULAS if one.strip() == one]
    write_marks(tmp_path / "marks.csv", marks)
    assert read_marks(tmp_path / "marks.csv") == marks
    with (tmp_path / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        assert all(_tame(cell) for row in csv.reader(file) for cell in row)
    for name in ("experts.csv", "ocds.csv"):
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))[1:]
        assert len(rows) == len(FORMULAS) and all(_tame(cell) for row in rows for cell in row), name


# --------------------------------------------------------------------------------------------------------------- files


def _zip(tmp: Path, name: str, data: bytes, *, mode: int = 0o644 << 16, method: int = zipfile.ZIP_STORED) -> Path:
    path = tmp / "hostile.zip"
    with zipfile.ZipFile(path, "w", method) as made:
        member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        member.external_attr, member.compress_type, member.create_system = mode, method, 3
        made.writestr(member, data)
    return path


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("bids/a", {"data": bytes(200 << 20), "method": zipfile.ZIP_DEFLATED}),  # 200 MiB in 200 KiB
        ("../../etc/cron.d/x", {}), ("/etc/passwd", {}), ("a/../../b", {}), ("a\\..\\b", {}), ("C:x", {"data": b"y"}),
        ("bids/link", {"data": b"/etc/passwd", "mode": 0o120777 << 16}),
        ("inner.zip", {"data": b"PK\3\4" + bytes(26), "method": zipfile.ZIP_DEFLATED}),
    ],
    ids=["bomb", "up", "root", "aside", "backslash", "drive", "link", "nested"],
)  # fmt: skip
def test_asvs_5_2_3_an_archive_is_not_unpacked_to_be_looked_at(
    tmp_path: Path, name: str, more: dict[str, object]
) -> None:
    """Nothing in an archive is compressed, nothing has a path of its own, nothing is a link: whatever is, is refused."""
    given = {"data": b"x", **more}
    with pytest.raises(Broken, match="A-"):
        Archive.open(_zip(tmp_path, name, **given))  # type: ignore[arg-type]
    write_archive(tmp_path / "honest.zip", [("bids/a", b"x")])
    with Archive.open(tmp_path / "honest.zip") as honest:  # the control
        assert honest.read("bids/a") == b"x"


def test_asvs_5_2_3_a_spreadsheet_that_lies_about_its_size(tmp_path: Path) -> None:
    """A member of 64 MiB whose directory says 1 KiB is cut where it said, and is no spreadsheet then."""
    path = _zip(tmp_path, "xl/worksheets/sheet1.xml", b"<a>" + b" " * (64 << 20), method=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<L", 1024)
    path.write_bytes(data)
    with pytest.raises(Refused, match="E-TABLE"):
        list(spreadsheet.lines(path))


HOSTILE = (
    'a"; filename="b.exe',
    "a\r\nSet-Cookie: x=1",
    "招标文件 二.pdf",
    "a;b",
    "..",
    "a\u202efdp.exe",
    "%0d%0aX: y",
    "'",
    "\x00",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_asvs_5_4_2_a_name_is_one_name(name: str) -> None:
    """As every reader of mail and web headers takes it apart: one disposition, one name, the same as was given."""
    value = _attachment(name)
    assert value.isascii() and value.isprintable()
    parsed = Message()
    parsed["Content-Disposition"] = value
    assert parsed.get_content_disposition() == "attachment"
    assert [key for key, _ in parsed.get_params(header="content-disposition")].count("filename") <= 2  # type: ignore[union-attr]
    encoded = re.findall(r"filename\*=UTF-8''([A-Za-z0-9._~%-]*)$", value)
    from urllib.parse import unquote

    assert [unquote(one) for one in encoded] == [name]
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9._-]*"; filename\*=\S+', value)


def test_asvs_5_4_2_no_other_name_stands_in_a_header_as_it_came() -> None:
    """Every place that writes one: a name of ours, a hash, or `quote(…, safe='')`."""
    named = re.compile(r"Content-Disposition[\"']?: (.*)|= f?'attachment; (.*)'")
    ours = {"name", "plain", "manifest[:16]"}
    for path, source in SOURCES.items():
        for found in named.finditer(source.read_text("utf-8")):
            inside = set(re.findall(r"\{([^}]+)\}", found[0]))
            assert all(one in ours or re.fullmatch(r"quote\(\w+(\.name)?, safe=''\)", one) for one in inside), (
                path,
                found[0],
            )


@pytest.mark.parametrize(
    ("media", "data"),
    [
        ("text/html", b"<script>alert(document.cookie)</script>"),
        ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("application/javascript", b"alert(1)"), ("application/xhtml+xml", b"<html/>"),
        ("text/html; charset=utf-7", b"+ADw-"),
        ("application/pdf", b"%PDF-1.4 X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR"), ("", b"MZ\x90\x00"),
        ("text/html\r\nX: y", b"x"),
    ],
)  # fmt: skip
async def test_asvs_5_4_3_what_strangers_bring_is_never_run_in_our_name(place: Town, media: str, data: bytes) -> None:
    """There is no scanner here (docker/README.md says so): a paper leaves as a file to be saved, in a sandbox, unsniffed."""
    await place.enrol("wang", "bidder")
    sent = {"Content-Type": media.replace("\r\n", " ")}
    kept = await place.as_("wang").post("/api/v1/papers", content=data, headers=sent)
    assert kept.status_code == 201, kept.text
    answer = await place.as_("wang").get(f"/api/v1/papers/{kept.json()['sha256']}")
    assert answer.content == data
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff" and "x" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
