"""The page of messages in Chromium, for somebody for whom much has happened: both languages, wide and narrow, light and
dark, without a script; axe finds nothing, nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.act import pool
from tests.browser.axe import axe
from tests.browser.office import office, shoot
from tests.trading.town import Town, town
from trading.settings import Settings


@pytest.fixture
def settings(database: str, owner_dsn: str, tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path / "data", database_url=database, database_owner_url=owner_dsn, origin="demo.test/log",
        token_pepper="pepper", witnesses=("w=http://w",), post_mail="eml", post_sms="file",
    )  # fmt: skip


@pytest.fixture
async def place(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    async with town(settings, owner_dsn) as made:
        yield made


async def test_messages_without_a_script_in_both_languages(place: Town, tmp_path: Path) -> None:
    async with office(place, tmp_path) as wang:
        browser, kept = wang.page.context.browser, await wang.page.context.storage_state()
        assert browser is not None

        async def window(**more: Any) -> Any:
            context = await browser.new_context(storage_state=kept, **more)
            return await context.new_page()

        page = await window(java_script_enabled=False)
        await page.goto(f"{wang.address}/b/messages?lang=zh")
        assert "还没有消息" in await page.inner_text("main")
        await shoot(page, "messages-empty")
        await page.select_option("#tender", wang.desk.tender)
        await page.click("#following ~ form button")
        await page.fill("#address-mail", "wang@example.cn")
        await page.click("form[action*=address]:has(#address-mail) button")
        await page.fill("#address-sms", "138 0013 8000")
        await page.click("form[action*=address]:has(#address-sms) button")
        assert "等待确认" in await page.inner_text("main")
        await pool().execute(
            "UPDATE trading_address SET state = 'bounced', bounced_at = clock_timestamp() WHERE kind = 'mail'"
        )
        await pool().execute(
            """UPDATE trading_letter SET state = 'bounced', ended_at = clock_timestamp() WHERE channel = 'mail'"""
        )
        await place.push(timedelta(minutes=31))
        await page.goto(f"{wang.address}/b/messages?lang=zh")
        said = await page.inner_text("main")
        assert "1 条未读" in said and "不足 30 分钟" in said and "邮箱拒收" in said

        for scheme in ("light", "dark"):
            page = await window(color_scheme=scheme, bypass_csp=True)
            for lang, width in (("zh", 1280), ("en", 1280), ("zh", 360), ("en", 360)):
                await page.set_viewport_size({"width": width, "height": 800})
                await page.goto(f"{wang.address}/b/messages?lang={lang}")
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, (lang, width)
                assert "m." not in (await page.inner_text("main")).split()
                await shoot(page, f"messages-{lang}-{width}-{scheme}")
                if width == 1280:
                    assert await axe(page) == []
        page = await window(java_script_enabled=False)
        await page.goto(f"{wang.address}/b/messages?lang=en")
        await page.click("form[action*=read] button")
        assert "unread" not in await page.inner_text("h1")
        assert wang.complaints == []
