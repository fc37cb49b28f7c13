"""Experts and specialties from a spreadsheet: what its columns are called, and what is wrong with which line. Pure.

A line is taken whole or not at all. A rejection names the line, the column and a word why, never the value: the report of an
import may be printed, mailed and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from audit.refusal import Refused
from experts import person as values
from experts.eligibility import Tree, region_code
from experts.person import Employment, NewExpert, Person, Unfit
from experts.spreadsheet import Cell, Kind, Line, lines

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("姓名", "name"),
    "phone": ("手机号", "手机号码", "手机", "联系电话", "phone", "mobile"),
    "second_phone": ("备用电话", "第二电话", "second phone"),
    "email": ("电子邮箱", "邮箱", "email", "e-mail"),
    "identity": ("身份证号", "身份证号码", "identity number", "identity"),
    "specialties": ("专业", "评标专业", "专业代码", "specialties"),
    "regions": ("地区", "地区代码", "regions"),
    "title": ("职称", "title"),
    "employers": ("工作单位", "单位", "employers"),
    "kin": ("亲属任职单位", "亲属单位", "kin"),
    "interests": ("持股单位", "利害关系单位", "interests"),
    "salutation": ("称呼", "salutation"),
}
"""The fields of an expert, and what their columns may be called."""
REQUIRED: Final = ("name", "phone", "identity", "specialties", "employers")
TREE_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "code": ("代码", "专业代码", "code"),
    "parent": ("上级", "上级代码", "parent"),
    "zh": ("名称", "专业名称", "name", "zh"),
    "en": ("英文名称", "english name", "en"),
}
TITLES: Final[Mapping[str, str]] = {
    "正高级": "professor", "正高": "professor", "教授级高级工程师": "professor", "正高级工程师": "professor",
    "副高级": "senior", "副高": "senior", "高级": "senior", "高级工程师": "senior", "高级经济师": "senior",
    "中级": "intermediate", "工程师": "intermediate", "经济师": "intermediate",
    "初级": "junior", "助理工程师": "junior",
}  # fmt: skip
"""What titles are called, and their codes; a code stands for itself."""
WORDS: Final = (
    "missing", "name", "phone", "identity", "email", "organisation", "date", "employers", "specialty", "region", "title",
    "number", "formula", "cell", "twice-identity", "twice-phone", "on-roster", "removed", "phone-taken", "code", "parent",
    "twice-code",
)  # fmt: skip
"""Every word a rejection may have."""
NOBODY: Final = frozenset({"无", "none"})
"""Said of employers when there is none: a gap would hide whom an expert is to be recused from."""
_BETWEEN = re.compile(r"[,;，；、|\n]+")
_EMPLOYER = re.compile(r"([0-9A-Za-z]{18})\s+(\d{4}-\d{2}-\d{2})\s*(?:~|至|to)\s*(\d{4}-\d{2}-\d{2})?")
_REGION = re.compile(r"[1-9][0-9](?:[0-9]{2}){0,2}")
_TITLE = re.compile(r"[a-z0-9_]{1,40}")
_CODE = re.compile(r"[a-z0-9_]{1,40}")


@dataclass(frozen=True, order=True)
class Rejection:
    """Why a line was not taken: its number, the field (a key of COLUMNS), a word of WORDS."""

    line: int
    column: str
    why: str


@dataclass(frozen=True, repr=False)
class Candidate:
    """A line that may be taken."""

    line: int
    expert: NewExpert


@dataclass(frozen=True)
class Specialty:
    """A node of the tree."""

    code: str
    parent: str | None
    zh: str
    en: str = ""


def read_experts(
    path: Path, tree: Tree, progress: Callable[[int], None] = lambda line: None
) -> tuple[list[Candidate], list[Rejection]]:
    """The experts of a file, and what was rejected, by line. `progress` gets line numbers.

    A line that repeats an identity number or a telephone of an earlier one is rejected, and the earlier one stands. Raises
    as `spreadsheet.lines`, and Refused("E-TABLE-COLUMNS", missing=) for a file without its heads.
    """
    taken: list[Candidate] = []
    rejected: list[Rejection] = []
    identities: set[str] = set()
    phones: set[str] = set()
    for number, cells in _body(lines(path), COLUMNS, REQUIRED):
        progress(number)
        found = _Row(number, cells, rejected)
        expert = _expert(found, tree)
        if expert is None:
            continue
        person = expert.person
        if person.identity in identities:
            found.reject("identity", "twice-identity")
        elif person.phone in phones:
            found.reject("phone", "twice-phone")
        else:
            taken.append(Candidate(number, expert))
        identities.add(person.identity)
        phones.add(person.phone)
    return taken, rejected


def read_field(name: str, text: str, tree: Tree) -> object:
    """One field of an expert as a column would have it, in its one form: for a correction. Raises Unfit (a word of WORDS).

    KeyError for a field that is none. `specialties` and `regions` come as tuples of codes.
    """
    known: Mapping[str, Callable[[str], str]] = {
        "name": values.name_of, "phone": values.telephone, "second_phone": values.telephone, "email": values.mail,
        "identity": values.identity_number, "salutation": values.name_of,
    }  # fmt: skip
    if name in known:
        return known[name](text) if text or name in REQUIRED else ""
    rejected: list[Rejection] = []
    row = _Row(0, {name: Cell(text.strip())}, rejected)
    read: Mapping[str, Callable[[], object]] = {
        "employers": lambda: _employers(row),
        "kin": lambda: _organisations(row, "kin"),
        "interests": lambda: _organisations(row, "interests"),
        "specialties": lambda: _specialties(row, tree),
        "regions": lambda: _regions(row),
        "title": lambda: _title(row),
    }
    found = read[name]()
    if rejected:
        raise Unfit(rejected[0].why)
    return found


def read_specialties(path: Path, known: Iterable[str] = ()) -> tuple[list[Specialty], list[Rejection]]:
    """The specialties of a file; those above stand before those below, or are `known` (codes). Raises likewise."""
    taken: list[Specialty] = []
    rejected: list[Rejection] = []
    codes: set[str] = set()
    for number, cells in _body(lines(path), TREE_COLUMNS, ("code", "zh")):
        row = _Row(number, cells, rejected)
        code, parent = row.text("code").lower(), row.text("parent").lower()
        if not _CODE.fullmatch(code):
            row.reject("code", "code")
        elif code in codes:
            row.reject("code", "twice-code")
        elif parent and (parent == code or (parent not in codes and parent not in known)):
            row.reject("parent", "parent")
        zh, en = row.value("zh", values.name_of), row.value("en", values.name_of, optional=True)
        if row.whole and zh is not None:
            codes.add(code)
            taken.append(Specialty(code, parent or None, zh, en or ""))
    return taken, rejected


# ------------------------------------------------------------------------------------------------------------------- rows


class _Row:
    """One line being read: what is wrong with it goes to the report."""

    def __init__(self, line: int, cells: Mapping[str, Cell], rejected: list[Rejection]) -> None:
        self.line, self.cells, self.rejected = line, cells, rejected
        self.whole = True
        for column, cell in cells.items():
            if cell.kind is Kind.FORMULA:
                self.reject(column, "formula")
            elif cell.kind is Kind.ERROR:
                self.reject(column, "cell")

    def reject(self, column: str, why: str) -> None:
        self.whole = False
        self.rejected.append(Rejection(self.line, column, why))

    def cell(self, column: str) -> Cell:
        return self.cells.get(column, Cell())

    def text(self, column: str) -> str:
        return self.cell(column).text

    def value(self, column: str, read: Callable[[str], str], *, optional: bool = False) -> str | None:
        """A field in its one form; None if the line is rejected for it, or has none and need not."""
        cell = self.cell(column)
        if cell.kind in (Kind.FORMULA, Kind.ERROR):
            return None
        if not cell.text:
            if not optional:
                self.reject(column, "missing")
            return None
        try:
            return read(cell.text)
        except Unfit as unfit:
            self.reject(column, unfit.why)
            return None

    def several(self, column: str) -> list[str]:
        return [part for part in (one.strip() for one in _BETWEEN.split(self.text(column))) if part]


def _expert(row: _Row, tree: Tree) -> NewExpert | None:
    name = row.value("name", values.name_of)
    phone = row.value("phone", values.telephone)
    if row.cell("identity").kind is Kind.NUMBER:  # eighteen digits do not survive as a number
        row.reject("identity", "number")
    identity = row.value("identity", values.identity_number)
    second = row.value("second_phone", values.telephone, optional=True)
    email = row.value("email", values.mail, optional=True)
    salutation = row.value("salutation", partial(values.salutation_for, name or ""), optional=True)
    employers = _employers(row)
    kin, interests = _organisations(row, "kin"), _organisations(row, "interests")
    specialties, regions, title = _specialties(row, tree), _regions(row), _title(row)
    if not row.whole or name is None or phone is None or identity is None:
        return None
    person = Person(
        name=name, phone=phone, identity=identity, second_phone=second or "", email=email or "", employers=employers,
        kin=kin, interests=interests, salutation=salutation or values.salutation_of(name),
    )  # fmt: skip
    return NewExpert(person, specialties, regions, title)


def _specialties(row: _Row, tree: Tree) -> tuple[str, ...]:
    codes = {code.lower() for code in row.several("specialties")}
    if not row.text("specialties"):
        row.value("specialties", str)
    elif not codes or any(code not in tree for code in codes):
        row.reject("specialties", "specialty")
    return tuple(sorted(codes))


def _regions(row: _Row) -> tuple[str, ...]:
    codes = row.several("regions")
    if any(not _REGION.fullmatch(code) for code in codes):
        row.reject("regions", "region")
    return tuple(sorted({region_code(code) for code in codes}))


def _title(row: _Row) -> str:
    title = TITLES.get(row.text("title"), row.text("title"))
    if title and not _TITLE.fullmatch(title):
        row.reject("title", "title")
    return title


def _employers(row: _Row) -> tuple[Employment, ...]:
    """`91330200… 2015-01-01~2020-05-31；91330201… 2020-06-01~`, or 无."""
    text = row.text("employers")
    if not text:
        row.value("employers", str)
        return ()
    if text.lower() in NOBODY:
        return ()
    made = []
    for part in row.several("employers"):
        match = _EMPLOYER.fullmatch(part)
        if match is None:
            row.reject("employers", "employers")
            return ()
        try:
            until = date.fromisoformat(match[3]) if match[3] else None
            one = Employment(values.credit_code(match[1]), date.fromisoformat(match[2]), until)
        except Unfit as unfit:
            row.reject("employers", unfit.why)
            return ()
        except ValueError:
            row.reject("employers", "date")
            return ()
        if until is not None and until < one.since:
            row.reject("employers", "date")
            return ()
        made.append(one)
    return tuple(made)


def _organisations(row: _Row, column: str) -> tuple[str, ...]:
    if row.text(column).lower() in NOBODY:
        return ()
    try:
        return values.codes(row.several(column))
    except Unfit as unfit:
        row.reject(column, unfit.why)
        return ()


def _body(
    read: Iterator[Line], columns: Mapping[str, tuple[str, ...]], required: Iterable[str]
) -> Iterator[tuple[int, Mapping[str, Cell]]]:
    """Lines below the heads, {field: cell}. Columns nobody knows are ignored; one that stands twice is not."""
    _, heads = next(read, (0, []))
    names = {called: field for field, called_so in columns.items() for called in called_so}
    fields = [names.get(" ".join(cell.text.lower().replace("_", " ").split())) for cell in heads]
    known = [field for field in fields if field is not None]
    missing = [columns[field][0] for field in required if field not in known]
    if missing or len(known) != len(set(known)):
        raise Refused(
            "E-TABLE-COLUMNS", missing=missing or sorted({columns[f][0] for f in known if known.count(f) > 1})
        )
    for number, cells in read:
        yield number, {field: cell for field, cell in zip(fields, cells, strict=False) if field is not None}
