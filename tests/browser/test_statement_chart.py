"""The chart of a statement that can be asked: drawn when it is wanted, under a strict policy, never instead of a table."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.axe import axe
from tests.browser.standing import browser, place, settings, started, written
from tests.browser.test_public_pages import shoot
from tests.listening import listening
from tests.trading.test_statement_pages import LINES, book
from tests.trading.town import Town

__all__ = ["browser", "place", "settings", "started", "written"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
LIMIT = 60 * 1024
"""Bytes on the wire of a page that everybody reads."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(place: Town) -> AsyncIterator[str]:
    assert place.settings.database_owner_url
    await book(place.settings.database_owner_url, *LINES)
    async with listening(place.app) as address:
        yield address


async def opened(browser: Browser, address: str, path: str, **more: object) -> tuple[Page, list[str], dict[str, int]]:
    """A page, what its console complains of, and what came over the wire, by address."""
    page = await (await browser.new_context(viewport={"width": 1280, "height": 900}, **more)).new_page()  # type: ignore[arg-type]
    trouble: list[str] = []
    came: dict[str, int] = {}
    page.on("console", lambda told: trouble.append(told.text) if told.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    wire = await page.context.new_cdp_session(page)
    await wire.send("Network.enable")
    names: dict[str, str] = {}
    wire.on("Network.responseReceived", lambda told: names.update({told["requestId"]: told["response"]["url"]}))
    wire.on(
        "Network.loadingFinished",
        lambda told: came.update({names[told["requestId"]].removeprefix(address): int(told["encodedDataLength"])}),
    )
    await page.goto(address + path, wait_until="networkidle")
    return page, trouble, came


async def test_a_reader_asks_the_chart_and_comes_to_the_trades(browser: Browser, address: str) -> None:
    page, trouble, came = await opened(browser, address, "/statements?by=kind&lang=zh")
    assert "/static/echarts.common.min.js" not in came
    packed = len(gzip.compress((await page.content()).encode(), 6))
    assert packed + sum(size for path, size in came.items() if not path.startswith("/statements?")) < LIMIT, came
    assert not await page.locator("#plot").is_visible() and await page.locator("#picture").is_visible()
    await page.get_by_role("button", name="交互图表").click()
    await page.locator("#plot canvas").first.wait_for()
    assert not await page.locator("#picture").is_visible()
    assert 0 < came["/static/echarts.common.min.js"] < 260 * 1024, "packed"
    assert {path.partition("?")[0] for path in came} >= {"/static/site.css"} and not [
        p for p in came if p.startswith("http")
    ]
    told = await page.evaluate("echarts.getInstanceByDom(document.getElementById('plot')).getOption()")
    assert [one["text"] for one in told["title"]] == ["成交额 (万元)", "节约 (万元)", "增值 (万元)"]
    groups = list(told["yAxis"][0]["data"])
    assert "建设工程" in groups and told["series"][0]["data"][groups.index("建设工程")] == 260
    assert trouble == [], "no policy was broken, nothing failed"
    await shoot(page, "/statements-explored", "zh.light")

    place = await page.evaluate(
        "(n) => echarts.getInstanceByDom(document.getElementById('plot')).convertToPixel({gridIndex: 0}, [100, n])",
        groups.index("建设工程"),
    )
    async with page.expect_navigation(url="**/trade-lines?**"):
        await page.locator("#plot").click(position={"x": place[0], "y": place[1]})
    assert "key=works" in page.url and "lang=zh" in page.url
    assert await page.get_by_text("TRADE-1").count() == 1 and await page.get_by_text("TRADE-3").count() == 0


async def test_by_month_in_the_dark_in_english_and_when_the_light_changes(browser: Browser, address: str) -> None:
    page, trouble, _ = await opened(browser, address, "/statements?by=month&lang=en", color_scheme="dark")
    await page.get_by_role("button", name="Explore the chart").click()
    await page.locator("#plot canvas").first.wait_for()
    asked = "echarts.getInstanceByDom(document.getElementById('plot')).getOption()"
    dark = await page.evaluate(asked)
    assert dark["series"][0]["type"] == "line" and dark["xAxis"][0]["data"] == [
        "2026-01",
        "2026-02",
        "2026-03",
        "2026-04",
    ]
    await shoot(page, "/statements-explored", "en.dark")
    await page.emulate_media(color_scheme="light")
    other = f"(dark) => {asked}.series[0].color !== dark"  # a function: the page's policy forbids to read a text as one
    await page.wait_for_function(other, arg=dark["series"][0]["color"])
    assert trouble == []


async def test_without_the_library_the_picture_stays_and_a_sentence_says_so(browser: Browser, address: str) -> None:
    page, _, _ = await opened(browser, address, "/statements?by=kind&lang=zh")
    await page.route("**/echarts.common.min.js", lambda route: route.abort())
    await page.get_by_role("button", name="交互图表").click()
    await page.get_by_text("图表组件未能载入").wait_for()
    assert (
        await page.locator("#picture").is_visible() and await page.get_by_role("button", name="交互图表").is_enabled()
    )


async def test_no_markup_comes_from_a_text(browser: Browser, address: str) -> None:
    """The attack on the one policy the page makes, and axe on the chart."""
    page, _, _ = await opened(browser, address, "/statements?by=kind&lang=zh")
    harm = "(text) => { try { document.body.innerHTML = text; return 'let in' } catch { return 'refused' } }"
    assert await page.evaluate(harm, "<img src=x>") == "refused"
    free, _, _ = await opened(browser, address, "/statements?by=kind&lang=zh", bypass_csp=True)
    await free.get_by_role("button", name="交互图表").click()
    await free.locator("#plot canvas").first.wait_for()
    assert await axe(free) == []
