"""What a centre says of itself and of a notice: whom to write to, under which licence, and that an auction may follow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.act import pool
from tests.trading.desk import Desk
from tests.trading.town import Town, town
from trading.settings import Settings
from trading.web.public_pages import link_of

LICENCE = "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    ("told", "to"),
    [
        ("a11y@centre.example", "mailto:a11y@centre.example"),
        ("https://centre.example/tell", "https://centre.example/tell"),
        ("0791 8888 0000", "tel:079188880000"), ("+86 (791) 88880000", "tel:+8679188880000"),
        ("请到一楼服务台", ""), ("", ""),
        ("javascript:alert(1)", ""), ("data:text/html,x@y.z", ""), ("mailto:a@b.c?cc=x@y.z", ""), ("https://a b", ""),
    ],
)  # fmt: skip
def test_a_contact_leads_where_it_says_and_nowhere_else(told: str, to: str) -> None:
    assert link_of(told) == to


@pytest.fixture
async def named(db: object, settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    told = {"contact": "a11y@centre.example", "data_licence": LICENCE}
    async with town(settings.model_copy(update=told), owner_dsn) as made:
        yield made


async def page(place: Town, path: str, lang: str = "en") -> str:
    answer = await place.as_("public").get(f"{path}?lang={lang}")
    assert answer.status_code == 200
    return answer.text


async def test_a_centre_that_has_named_a_contact_and_a_licence(named: Town) -> None:
    for lang in ("zh", "en"):
        for path in ("/accessibility", "/help"):
            assert '<a href="mailto:a11y@centre.example">a11y@centre.example</a>' in await page(named, path, lang)
        assert f'<a href="{LICENCE}">' in await page(named, "/open-data", lang)
    assert "named no licence" not in await page(named, "/open-data")


async def test_one_that_has_not_grants_nothing(place: Town) -> None:
    """The licence is the centre's to give: a page of ours must not give it."""
    said = await page(place, "/open-data")
    assert "named no licence" in said and "Use it freely" not in said and "art. 32" in said
    assert "自由使用" not in await page(place, "/open-data", "zh")
    assert "has not said here how" in await page(place, "/accessibility")
    assert 'id="contact"' not in await page(place, "/help")


async def test_a_notice_says_that_an_auction_may_follow(place: Town, tmp_path: Path) -> None:
    """By the terms in the announcement alone; a purchase, or a sale that is scored, says nothing of the kind."""
    sale, purchase = Desk(place, tmp_path / "sale"), Desk(place, tmp_path / "purchase")
    await sale.open(regime="land", direction="sell")
    said = await page(place, f"/t/{sale.tender}")
    assert 'id="rounds"' in said and "An online auction may follow" in said
    assert "之后可能有网上竞价" in await page(place, f"/t/{sale.tender}", "zh")
    await purchase.open()
    assert 'id="rounds"' not in await page(place, f"/t/{purchase.tender}")
    assert await pool().fetchval("SELECT count(*) FROM trading_auction") == 0  # nobody has decided anything yet
