"""The statement as a page: in two languages, every number a link to its trades, its files, and 304 while nothing changed."""

from __future__ import annotations

import html
import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pypdf
import pytest
from openpyxl import load_workbook

from audit.canon import sha256_hex
from tests.trading.test_pages import Checked
from tests.trading.town import Town
from trading import accounting, accounts
from trading import statement as s

LINES = (
    ("works", date(2026, 1, 10), "330200", "concluded", 1_000_000_00, 900_000_00),
    ("works", date(2026, 2, 10), "330200", "concluded", 2_000_000_00, 1_700_000_00),
    ("procurement", date(2026, 2, 11), "410900", "concluded", 500_000_00, 450_000_00),
    ("procurement", date(2026, 3, 1), "410900", "unit-price", None, None),
    ("works", date(2026, 3, 2), "330200", "failed", None, None),
    ("land", date(2026, 3, 3), "410900", "concluded", 3_000_000_00, 4_500_000_00),
    ("property", date(2026, 4, 3), "410900", "no-baseline", None, 60_000_00),
)


async def book(owner_dsn: str, *lines: tuple[Any, ...], start: int = 1) -> None:
    """Lines of trades whose tenders are elsewhere."""
    connection = await asyncpg.connect(owner_dsn)
    for number, (kind, day, region, status, baseline, price) in enumerate(lines, start):
        buy = kind in ("works", "procurement")
        concluded = status == "concluded"
        gain = (baseline - price if buy else price - baseline) if concluded else None
        formula = ("baseline-minus-price/v1" if buy else "price-minus-baseline/v1") if concluded else None
        await connection.execute(
            """INSERT INTO trading_line (number, trade, part, kind, day, region, organisation, direction, currency, regime,
                   status, reason, price, baseline, gain, formula, denominator, booked_at)
               VALUES ($1, $2, 1, $3, $4, $5, $6, $7, 'CNY', 'works', $8, $9, $10, $11, $12, $13, $14, $15)""",
            number, f"TRADE-{number}", kind, day, region, accounts.demo_code(7), "buy" if buy else "sell", status,
            "" if concluded else "示范", price, baseline, gain, formula, "baseline" if concluded else None,
            datetime.now(UTC),
        )  # fmt: skip
    await connection.close()


@pytest.fixture
async def booked(place: Town, owner_dsn: str) -> Town:
    await book(owner_dsn, *LINES)
    return place


async def read(place: Town, path: str, lang: str = "en", status: int = 200) -> str:
    answer = await place.as_("public").get(path, headers={"Accept-Language": lang, "Accept": "text/html"})
    assert answer.status_code == status, answer.text
    if "text/html" in answer.headers["content-type"]:
        Checked(answer.text)
    return answer.text


def links(page: str) -> list[tuple[str, str]]:
    """(where to, what it says) of every link to trades."""
    return [
        (html.unescape(to), re.sub(r"<[^>]+>", "", said).strip())
        for to, said in re.findall(r'<a href="(/trade-lines[^"]*)">(.*?)</a>', page)
    ]


@pytest.mark.parametrize("by", s.BY)
async def test_every_number_of_the_table_leads_to_the_trades_it_counts(booked: Town, by: str) -> None:
    page = await read(booked, f"/statements?by={by}", "zh")
    table = page[page.index("<tbody>") : page.index("</tbody>")]
    rows = re.findall(r"<tr.*?</tr>", table)
    seen = 0
    for row in rows:
        cells = re.findall(r'<td class="num"[^>]*>(.*?)</td>', row)
        assert len(cells) == 7
        for column, cell in enumerate(cells):
            found = links(cell)
            if not found:
                assert cell in ("—", "0")
                continue
            ((to, said),) = found
            behind = await booked.call("public", "GET", f"{to}&limit=100", 200)
            lines = behind["items"]
            deal = sum(one["deal"] or 0 for one in lines)
            gain = sum(abs(one["baseline"] - one["deal"]) for one in lines if one["baseline"] is not None)
            base = sum(one["baseline"] or 0 for one in lines)
            told = {
                0: str(len(lines)), 1: str(len(lines)), 2: _wan(deal), 3: _wan(gain), 4: _percent(gain, base),
                5: _wan(gain), 6: _percent(gain, base),
            }[column]  # fmt: skip
            assert said == told, (to, said, told)
            shown = await read(booked, to, "zh")
            assert all(one["id"] in shown for one in lines)
            seen += 1
    assert seen >= 14


def _wan(fen: int) -> str:
    return str(s.rounded(fen, 1_000_000))


def _percent(gain: int, base: int) -> str:
    return f"{s.percent(Decimal(gain) / base)}%" if base else "—"


async def test_the_sentence_is_made_of_links_and_says_what_the_api_says(booked: Town) -> None:
    for lang in ("zh", "en"):
        page = await read(booked, "/statements", lang)
        (said,) = re.findall(r'<p class="sentence">(.*?)</p>', page)
        plain = html.unescape(re.sub(r"<[^>]+>", "", said))
        headers = {"Accept-Language": lang, "Accept": "application/json"}
        told = (await booked.as_("public").get("/statements", headers=headers)).json()
        assert told == (await booked.as_("public").get("/api/v1/statements", headers={"Accept-Language": lang})).json()
        assert plain == told["sentence"] == "".join(one["text"] for one in told["sentence_figures"])
        numbers = re.findall(r"\d[\d,.]*\d|\d", plain)
        assert [re.sub(r"[^\d,.]", "", text) for _, text in links(said)] == numbers, "no number without its trades"
        figures = {one["figure"] for one in told["sentence_figures"] if one["figure"]}
        assert {to.partition("?")[2] for to, _ in links(said)} == figures


async def test_what_fills_no_field_and_what_cannot_be_asked(booked: Town) -> None:
    page = await read(booked, "/statements?from=&to=2026-02-28&by=kind&currency=CNY&lang=en")
    assert "2026-01-10 to 2026-02-28" in page and "TRADE" not in page
    assert "E-STATEMENT-PERIOD" in await read(booked, "/statements?from=2026-03-01&to=2026-01-01", status=422)
    for wrong in ("by=colour", "from=yesterday", "currency=yuan", "of=all"):
        assert "W-BODY" in await read(booked, f"/statements?{wrong}", status=422)
    assert "W-BODY" in await read(booked, "/trade-lines?of=profit", status=422)
    assert "No trades stand behind this" in await read(booked, "/trade-lines?key=boats")
    assert "no trades in this period" in await read(booked, "/statements?to=1999-01-01")
    await read(booked, "/statements.docx", status=404)


async def test_the_language_changes_and_the_question_stays(booked: Town) -> None:
    for path in (
        "/statements?by=month&from=2026-01-01",
        "/search?q=%E9%81%93&kind=works",
        "/trade-lines?key=works&of=saved",
    ):
        page = await read(booked, path, "en")
        (to,) = re.findall(r'<a class="lang" id="switch" href="([^"]*)" hreflang', page)
        name, _, asked = path.partition("?")
        assert html.unescape(to) == f"?{asked}&lang=zh"
        other = await read(booked, name + html.unescape(to), "en")
        assert '<html lang="zh-CN">' in other and f"?{asked}&lang=en" in html.unescape(other)


async def test_nothing_is_sent_twice_while_no_line_is_booked(booked: Town, owner_dsn: str) -> None:
    client = booked.as_("public")
    first = await client.get("/api/v1/statements?by=region")
    tag = first.headers["etag"]
    same = await client.get("/api/v1/statements?by=region", headers={"If-None-Match": f'"x", {tag}'})
    assert same.status_code == 304 and same.content == b""
    for other in ("/api/v1/statements?by=month", "/api/v1/statements?by=region&from=2026-01-01"):
        assert (await client.get(other, headers={"If-None-Match": tag})).status_code == 200
    zh = await client.get("/api/v1/statements?by=region", headers={"If-None-Match": tag, "Accept-Language": "zh"})
    assert zh.status_code == 200
    await book(owner_dsn, LINES[0], start=100)
    after = await client.get("/api/v1/statements?by=region", headers={"If-None-Match": tag})
    assert after.status_code == 200 and after.json()["total"]["trades"] == first.json()["total"]["trades"] + 1
    before = await accounting.version()
    await book(owner_dsn, LINES[0], start=50)  # an act that began earlier, and ends later
    assert await accounting.version() != before


@pytest.mark.slow
async def test_its_files_are_the_same_statement(booked: Town) -> None:
    client = booked.as_("public")
    whole = {"Accept-Encoding": "identity"}
    forms = ("csv", "xlsx", "pdf", "svg", "png")
    got = {form: await client.get(f"/statements.{form}?by=month", headers=whole) for form in forms}
    types = {form: one.headers["content-type"].partition(";")[0] for form, one in got.items()}
    assert types["svg"] == "image/svg+xml" and types["png"] == "image/png" and types["pdf"] == "application/pdf"
    for form, one in got.items():
        assert one.status_code == 200 and one.headers["etag"] == f'"{sha256_hex(one.content)}"'
        assert f".{form}" in one.headers["content-disposition"]
    paper = pypdf.PdfReader(io.BytesIO(got["pdf"].content))
    aims = [
        note.get_object()["/A"]["/URI"] for page in paper.pages for note in page.get("/Annots") or []
        if "/URI" in note.get_object().get("/A", {})
    ]  # fmt: skip
    base = booked.settings.base_url
    told = (await client.get("/api/v1/statements?by=month")).json()
    assert {row["figure"] for row in (*told["rows"], told["total"])} == {
        to.removeprefix(f"{base}/trade-lines?") for to in aims
    }
    for to in aims:
        assert (await client.get(to.removeprefix(base))).status_code == 200
    sheet = load_workbook(io.BytesIO(got["xlsx"].content)).worksheets[0]
    assert {row["key"] for row in told["rows"]} <= {
        str(cell.value) for cell in next(sheet.iter_cols(min_col=9, max_col=9))
    }
    assert sha256_hex(got["pdf"].content) in await read(booked, "/statements?by=month")
    assert got["svg"].text.count("<title>") == 1 and "2026-02" in got["svg"].text


async def test_the_front_page_and_the_ledger_lead_to_the_trades_too(booked: Town) -> None:
    for path in ("/", "/ledger"):
        page = await read(booked, path)
        found = dict(links(page.replace("<b>", "").replace("</b>", "")))
        assert set(found) == {f"/trade-lines?currency=CNY&key=all&of={of}" for of in ("saved", "added")}
        for to in found:
            sums = await accounting.behind_sums(s.Query(), "all", to.rpartition("=")[2])
            exactly = f"{sums.gain // 100:,}.00"  # beside what is told in thousands
            assert exactly in page and exactly in await read(booked, to) and found[to]
