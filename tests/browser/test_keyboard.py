"""Journeys 1 and 2 without a mouse: seal and hand in, then prove it. At every stop of the Tab key the focus is seen: it has
a ring, nothing lies over it (WCAG 2.4.11), and what is pressed there is at least 24 px each way (2.5.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.chromium import dialogues
from tests.browser.office import DONE, PASSPHRASE, office
from tests.trading.town import Town, town
from trading.settings import Settings

STOP = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const shown = at.id === 'pick' ? document.querySelector('label[for=pick]') : at;  // the field is its label
    const box = shown.getBoundingClientRect(), style = getComputedStyle(shown);
    const inline = getComputedStyle(shown).display === 'inline';  // 2.5.8 excepts links within a sentence
    const points = [[box.left + 4, box.top + box.height / 2], [box.left + box.width / 2, box.top + box.height / 2]];
    const seen = points.some(([x, y]) => {
        const hit = document.elementFromPoint(Math.min(Math.max(x, 1), innerWidth - 1), y);
        return hit && (shown.contains(hit) || hit.contains(shown));
    });
    return {
        id: at.id, tag: at.tagName, said: (at.getAttribute('aria-label') || at.textContent || '').trim().slice(0, 60),
        href: at.getAttribute('href') || '',
        ringed: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        within: box.top >= 0 && box.bottom <= innerHeight, seen,
        large: inline || (box.width >= 24 && box.height >= 24), box: [box.width, box.height],
    };
}"""
COVER = """const lid = document.createElement('div');
lid.style = 'position: fixed; inset: 0; background: white'; document.body.append(lid);"""


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


class Hands:
    """Ten fingers and no mouse: whoever presses one is told."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stops: list[dict[str, Any]] = []

    async def stop(self) -> dict[str, Any] | None:
        """One press of Tab; what it came to, seen."""
        await self.page.keyboard.press("Tab")
        at: dict[str, Any] | None = await self.page.evaluate(STOP)
        if at is not None:
            assert at["ringed"] and at["seen"] and at["large"], at
            self.stops.append(at)
        return at

    async def to(self, **wanted: str) -> None:
        """Tab until there, from wherever one is: `id`, or what its address or its words contain."""
        for _ in range(80):
            at = await self.stop()
            if at and all(value == at[name] if name == "id" else value in at[name] for name, value in wanted.items()):
                return
        raise AssertionError((wanted, [one["id"] or one["said"] for one in self.stops[-80:]]))

    async def press(self, key: str) -> None:
        await self.page.keyboard.press(key)

    async def choose(self, id_: str, *paths: Path, key: str = "Space") -> None:
        """The field's dialogue is opened with a key; what follows is the system's."""
        await self.to(id=id_)
        await dialogues(self.page)
        async with self.page.expect_file_chooser() as chosen:
            await self.press(key)
        await (await chosen.value).set_files([str(path) for path in paths])

    async def type(self, id_: str, text: str) -> None:
        await self.to(id=id_)
        await self.page.keyboard.type(text)

    async def save(self, to: Path, **wanted: str) -> Path:
        """Go to a link and let the browser save what it leads to."""
        await self.to(**wanted)
        async with self.page.expect_download() as download:
            await self.press("Enter")
        await (await download.value).save_as(to)
        return to


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 360])
async def test_from_the_list_of_bids_to_a_verdict_on_the_receipt(place: Town, tmp_path: Path, width: int) -> None:
    offer = tmp_path / "offer.pdf"
    offer.write_bytes(b"offer")
    async with office(place, tmp_path) as wang:
        key, page = await wang.key(), wang.page
        await page.set_viewport_size({"width": width, "height": 720})
        await page.add_init_script("addEventListener('pointerdown', () => (window.moused = true), true)")
        hands = Hands(page)
        # journey 1: seal and hand in
        await wang.go("/b")
        await hands.to(href=f"/b/{wang.desk.tender}/seal")
        await hands.press("Enter")
        await page.wait_for_url("**/seal*", timeout=DONE)
        await wang.ready()
        await hands.to(id="trust-compared")
        await hands.press("Space")
        await page.wait_for_selector("#step-check[data-state=done]", timeout=DONE)
        await hands.type("field-price", "1,000.00")
        await hands.type("field-days", "30")
        await hands.choose("files", offer)
        await hands.choose("key", key)
        await hands.type("phrase", PASSPHRASE)
        await hands.press("Enter")
        await wang.stands("Uploaded, not handed in yet")
        assert await page.evaluate("document.activeElement.id") == "submit"  # the focus is where one goes on
        await hands.press("Enter")
        await page.wait_for_url("**/b/receipt/**", timeout=DONE)
        await place.beat()
        await page.reload()
        receipt = await hands.save(tmp_path / "mine.receipt.json", href="/b/receipts/")
        # journey 2: prove it
        await hands.to(href="/verify")
        await hands.press("Enter")
        await page.wait_for_url("**/verify*", timeout=DONE)
        await page.wait_for_load_state("networkidle")
        await hands.choose("pick", receipt, key="Enter")
        await page.wait_for_selector("#results .checks", timeout=DONE)
        assert "the receipt holds" in await page.inner_text("#status[role=status]")  # read out without going there
        assert not await page.evaluate("window.moused === true") and len(hands.stops) > 40
        await page.evaluate(COVER)  # the control: what lies over a stop is found
        await hands.press("Tab")
        assert (await page.evaluate(STOP))["seen"] is False
