"""The public pages: plain, in two languages, nothing from elsewhere, and nothing too early."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.trading.desk import Desk
from tests.trading.town import Town
from trading.web.app import HEADERS
from trading.web.live_pages import POLICY

VOID = {"meta", "link", "img", "br", "input", "hr"}


class Checked(HTMLParser):
    """Well nested, one h1, every image and control named, nothing fetched from another host."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.links: list[str] = []
        self.feed(text)
        assert self.open == [], self.open
        assert self.count["h1"] <= 1 and self.count["main"] == 1 and self.count["title"] == 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.count.setdefault("h1", 0)
        given = dict(attrs)
        assert "style" not in given and not any(name.startswith("on") for name in given)  # the CSP forbids both
        assert tag not in ("iframe", "style")
        # a script of ours in a file of its own, or data: never one that stands in the page
        source = given.get("src") or ""
        ours = source.startswith("/modules/") if given.get("type") == "module" else source.startswith("/static/")
        assert tag != "script" or ours or given.get("type") == "application/json"
        for name in ("href", "src"):
            if value := given.get(name):
                assert not re.match(r"(https?:)?//", value), value
                self.links.append(value)
        if tag == "img":
            assert "alt" in given
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] in ("li", "p", "td", "th", "tr") and self.open[-1] != tag:
            self.open.pop()
        assert self.open and self.open.pop() == tag, tag


@pytest.fixture
async def desk(place: Town, tmp_path: Path) -> Desk:
    made = Desk(place, tmp_path / "desk")
    await made.open()
    return made


async def _read(place: Town, path: str, lang: str = "en", status: int = 200) -> str:
    answer = await place.as_("public").get(path, headers={"Accept-Language": lang})
    assert answer.status_code == status, answer.text
    csp = answer.headers["content-security-policy"]
    scripts = (
        "<script" in answer.text
    )  # pages that grow by themselves: files of ours alone, nothing written into the page
    assert "default-src 'none'" in csp and csp == (POLICY if scripts else HEADERS["Content-Security-Policy"])
    assert answer.text.count("<script") == answer.text.count('<script src="/static/')
    Checked(answer.text)
    return answer.text


async def test_every_page_in_both_languages(desk: Desk) -> None:
    await desk.hand_in(await desk.bidder("安和"), 9_000_000)
    place, project = desk.town, desk.tender.rpartition("-")[0]
    for lang in ("zh-CN", "en"):
        for path in ("/", f"/p/{project}", f"/t/{desk.tender}", "/ledger", "/proof"):
            text = await _read(place, path, lang)
            assert f'lang="{lang}"' in text and "page." not in text, path  # no sentence is missing
            for link in Checked(text).links:
                if link.startswith("/") and not link.startswith("/t/"):
                    assert (await place.as_("public").get(link)).status_code in (200, 303, 404), link
    await _read(place, "/p/none", status=404)
    await _read(place, "/t/none@1", status=404)


async def test_a_page_says_nothing_of_bids_before_they_open(desk: Desk) -> None:
    before = await _read(desk.town, f"/t/{desk.tender}")
    await desk.hand_in(await desk.bidder("安和建设"), 9_000_000)
    after = await _read(desk.town, f"/t/{desk.tender}")
    changing = re.compile(r"<b>[0-9: -]+</b>|nonce=\"[\w-]{24}\"")  # the clock, and each page's own mark, of one length
    assert changing.sub("", before) == changing.sub("", after) and "安和建设" not in after


async def test_the_opening_record_the_award_and_the_way_to_prove_them(desk: Desk) -> None:
    for name, price in (("安和建设", 9_000_000), ("赣江工程", 8_000_000)):
        await desk.hand_in(await desk.bidder(name), price)
    await desk.settle()
    text = await _read(desk.town, f"/t/{desk.tender}", "zh-CN")
    for shown in ("赣江工程", "80,000.00", "20,000.00", "baseline-minus-price/v1", "trading verify", "封签完好"):
        assert shown in text, shown
    for word in ("最低报价", "最高投标限价 − 成交价", "系统自动", "0.00 元", "北京时间", "万元"):
        assert word in text, word  # said in words, with its unit
    assert not re.search(r"· (tenderee|system|custodian|supervisor|operator) ", text) and "CNY" not in _outside_records(
        text
    )
    got = await desk.town.as_("public").get(f"/t/{desk.tender}/archive")
    assert got.status_code == 200 and got.headers["content-type"] == "application/zip"
    assert "80,000.00" in await _read(desk.town, "/ledger")
    assert (await desk.town.as_("public").get(f"/api/v1/tenders/{desk.tender}/archive/supervision")).status_code == 401


def _outside_records(text: str) -> str:
    return re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)


async def test_what_comes_next_is_told_in_the_reader_s_language(desk: Desk) -> None:
    chinese, english = [await _read(desk.town, f"/t/{desk.tender}", lang) for lang in ("zh-CN", "en")]
    assert "投标人不足时，截标并永久封存" in chinese and "《招标投标法》第三十四条" in chinese
    assert " 00:00 ·" not in chinese.partition('class="coming')[2].partition("</ol>")[0]  # a day ends at its 24:00
    agenda = english.partition('class="coming')[2].partition("</ol>")[0]
    assert "Bidding Law, art. 34" in agenda and not re.search(r"[\u4e00-\u9fff]", agenda), agenda


async def test_a_tender_that_is_not_announced_is_not_there(place: Town) -> None:
    await place.enrol("tenderee", "tenderee")
    await place.beat()
    body = {"title": "未公告", "regime": "works", "direction": "buy"}
    project = await place.call("tenderee", "POST", "/projects", 201, body)
    await place.call("tenderee", "POST", f"/projects/{project['id']}/lots", 201, {"title": "一", "baseline": 1})
    assert "未公告" not in await _read(place, "/")
    await _read(place, f"/p/{project['id']}", status=404)
    await place.call("public", "GET", f"/projects/{project['id']}", 404)
