"""`search`: ms for a page of hits with its facets, over 100,000 announced lots. Limit: the same hits by bare SQL over
the same index, without titles, facets or anything of ours; the note says what `LIKE '%…%'` takes for the same words.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg

from tests.bench.centre import gather, house
from tests.bench.measure import Result
from trading import postgres, searching

WORDS = {"rare": "赣江三桥加固", "common": "道路改造", "latin": "ABC12", "one": "桥"}
FILL = """
INSERT INTO trading_organisation (code, name, added_at) VALUES ('91000000000000001A', '新建区交通运输局', now());
INSERT INTO trading_project (id, number, organisation_id, title, description, source, regime, direction, currency, region,
    state_funded, version, created_at)
SELECT format('2026-%s', lpad(n::text, 6, '0')), n, '91000000000000001A',
    (ARRAY['新建区', '红谷滩区', '东湖区', '青山湖区', '安义县', '进贤县', '湾里', '经开区'])[1 + n % 8]
    || (ARRAY['道路改造工程', '中学教学楼', '排水管网维护', '桥梁检测', '公园绿化', '办公设备采购', '信息系统运维',
       '国有土地出让'])[1 + (n / 8) % 8] || n || '号' || CASE WHEN n % 10007 = 0 THEN '赣江三桥加固' ELSE '' END,
    repeat('本项目资金来源为财政资金，采购内容以招标文件为准。', 2) || 'abc' || n % 1000, '',
    (ARRAY['works', 'gov', 'property', 'land', 'minerals'])[1 + n % 5], 'buy', 'CNY',
    (ARRAY['', 'ningbo', 'puyang', 'chongqing'])[1 + n % 4], false, 1, now()
FROM generate_series(1, {count}) AS n;
INSERT INTO trading_lot (id, project_id, title, baseline)
SELECT id || '-01', id, '标段一', 100000 FROM trading_project;
INSERT INTO trading_tender (id, number, lot_id, state, kind, named_at, announced_at, deadline, version)
SELECT id || '-01@1', number, id || '-01', (ARRAY['announced', 'closed', 'opened', 'awarded', 'contracted'])[1 + number % 5],
    'bids', now(), now() - number % 1500 * interval '1 hour', now(), 1 FROM trading_project ORDER BY number;
ANALYZE;
"""
_BARE = "SELECT tender_id FROM trading_search WHERE words @@ trading_query($1) ORDER BY number DESC LIMIT 21"
_LIKE = """SELECT l.id FROM trading_lot l JOIN trading_project p ON p.id = l.project_id
    WHERE p.title || ' ' || l.title ILIKE '%' || $1 || '%' ORDER BY p.number DESC"""


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """Rare and common words, a Latin one, a single character."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    count, turns = (2_000, 3) if tiny else (100_000, 15)
    async with house(folder) as settings, postgres.connected(settings):
        assert settings.database_url and settings.database_owner_url
        owner = await asyncpg.connect(settings.database_owner_url)
        begun = time.perf_counter()
        await owner.execute(FILL.format(count=count))
        filled = time.perf_counter() - begun
        await owner.close()
        db = await asyncpg.connect(settings.database_url)
        for name, said in WORDS.items():
            total, _ = await searching.facets(said, {})

            async def ours(said: str = said) -> None:
                await searching.search(said, {}, None, 20)
                await searching.facets(said, {})

            async def bare(said: str = said) -> None:
                await db.fetch(_BARE, said)

            found = [(await _took(ours), await _took(bare)) for _ in range(turns + 1)][1:]
            like = await _took(lambda said=said: db.fetch(_LIKE, said))  # type: ignore[misc]
            note = f"{total} of {count} lots, filled in {filled:.0f} s; LIKE {like:.0f} ms"
            yield Result.of("search" if name == "rare" else f"search-{name}", "ms", found, note=note)
        await db.close()


async def _took(work: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds."""
    await asyncio.sleep(0)
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * 1000
