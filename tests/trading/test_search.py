"""Search in Chinese: any part of a name, together as it stands, and of other scripts words from their beginning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.act import pool
from tests.trading.desk import Desk
from tests.trading.test_pages import _read
from tests.trading.town import Town


async def test_an_announced_lot_is_found_by_any_part_of_its_names(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(announce=False)

    async def found(q: str, **more: str) -> dict[str, Any]:
        answer = await place.as_("public").get("/api/v1/search", params={"q": q, **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    assert (await found("大道"))["total"] == 0, "nothing is found before it is announced"
    body = {"deadline": desk.deadline.isoformat().replace("+00:00", "Z"), "opening_schema": {"price": {"kind": "fen"}}}
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/announcement", 201, body)
    for q in ("大道", "道", "新建大道改造", "改造 大道", "TENDEREE", "tend", desk.tender.partition("@")[0], ""):
        told = await found(q)
        assert (told["total"], [one["tender"] for one in told["items"]]) == (1, [desk.tender]), q
    for q in ("道大", "大改", "新道", "enderee", "'); DROP TABLE trading_search; --", "大道 没有", "标段一二"):
        assert (await found(q))["items"] == [], q
    assert [one["value"] for one in (await found("大道"))["facets"]["stage"]] == ["announced"]
    assert (await found("大道", stage="shut"))["total"] == 0
    assert (await found("", kind="source-law", year=str(desk.deadline.year)))["total"] == 1
    assert await desk.wait() == "shut"
    assert (await found("大道", stage="shut"))["total"] == 1
    assert (await place.as_("public").get("/api/v1/search", params={"q": "字" * 101})).status_code == 422

    for lang in ("en", "zh-CN"):
        text = await _read(place, "/search?q=大道", lang)
        assert desk.tender.partition("@")[0] in text and "page." not in text
        assert "page." not in await _read(place, "/search?q=没有&kind=works&year=x", lang)
    assert '<form class="search"' in await _read(place, "/")
    await _read(place, "/search?cursor=x", status=404)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("新建大道", "'大道':3 '建大':2 '新建':1 '道':4"),
        ("Ａ１ 大", "'a1':1 '大':4"),
        ("", ""),
        ("《》，'\\:*&|!()<->", ""),
        ("Стіл", "'стіл':1"),
        ("𠀀𠀁", "'𠀀𠀁':1 '𠀁':2"),
    ],
)
async def test_words_of_a_text(place: Town, text: str, words: str) -> None:
    made = await pool().fetchval("SELECT trading_words($1)::text", text)
    assert sorted(made.split()) == sorted(words.split())
    await pool().fetchval("SELECT trading_query($1)::text", text)
