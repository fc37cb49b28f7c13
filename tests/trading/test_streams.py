"""A tender's page grows over a line: before the opening the line is silent about bids, one look serves everybody who
listens, and who goes away gives up a place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sse_starlette import EventSourceResponse

from audit.refusal import Refused
from tests.listening import listening
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading import growing
from trading.growing import Stand
from trading.web.streams import Following, Places


@asynccontextmanager
async def hearing(address: str, path: str, **headers: str) -> AsyncIterator[bytearray]:
    """What a line has brought so far."""
    heard = bytearray()

    async def listen() -> None:
        async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", address + path, headers=headers) as answer:
            assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
            async for piece in answer.aiter_bytes():
                heard.extend(piece)

    task = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(told: object, patience: float = 10) -> None:
    async with asyncio.timeout(patience):
        while not told():  # type: ignore[operator]
            await asyncio.sleep(0.05)


async def test_before_the_opening_the_line_is_silent_about_bids(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    await place.beat()
    firms = [await desk.bidder(name) for name in ("anhe", "ganjiang", "third")]
    await place.beat()
    stand = (await growing.stands([desk.tender]))[desk.tender]
    path = f"/t/{desk.tender}/live?lang=zh&seen={stand}"
    async with (
        listening(place.app) as address,
        hearing(address, path) as parts,
        hearing(address, f"{path}&only=news") as news,
    ):
        for firm in firms:  # deposits, a question, and the beats that take them into the log
            await desk.hand_in(firm, 9_000_000)
            await place.call(firm.name, "POST", f"/tenders/{desk.tender}/questions", 201, {"text": "?"})
            await place.beat()
        await asyncio.sleep(1.2)
        assert (bytes(parts), bytes(news)) == (b"", b"")
        assert (await growing.stands([desk.tender]))[desk.tender] == stand
        await desk.wait()  # the control: the closing is public, and comes at once
        await until(lambda: b"event: grown" in news and 'id="live"' in parts.decode())
        await desk.open_boxes()
        await until(lambda: "90,000.00" in parts.decode())
        page = (await place.as_("public").get(f"/t/{desk.tender}?lang=zh")).text
        sent = parts.decode().rpartition("data: <hx-partial")[2]
        assert "hx-nonce" not in sent and sent.count("<tr>") == page.partition('id="live"')[2].count("<tr>")
        late = Stand.read("announced.1.1~")
        async with hearing(address, path, **{"last-event-id": str(late)}) as again:  # who was away is told
            await until(lambda: "90,000.00" in again.decode())


async def test_one_look_serves_everybody_and_nobody_is_looked_for(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    following, heard = Following(), []

    async def follow() -> None:
        async for stand in following.changes(desk.tender, Stand()):
            made = await following.made(desk.tender, "page", page)
            heard.append((str(stand), made))

    pages = []

    async def page() -> str:
        pages.append("made")
        await asyncio.sleep(0.05)
        return f"page {len(pages)}"

    readers = [asyncio.create_task(follow()) for _ in range(50)]
    await until(lambda: len(heard) == 50)
    assert len(pages) == 1 and set(heard) == {(heard[0][0], "page 1")}
    looks = following.looks
    await asyncio.sleep(1.2)
    assert 1 <= following.looks - looks <= 3 and len(heard) == 50
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    assert following.topics == {}
    await until(lambda: following._looking is not None and following._looking.done())


async def test_lines_hold_places_and_a_crowd_is_refused(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    await place.beat()
    places: Places = place.app.state.places
    places.of_one = 2
    live = f"/t/{desk.tender}/live"
    events = {"accept": "text/event-stream"}
    async with listening(place.app) as address, httpx.AsyncClient() as http:
        async with hearing(address, live), hearing(address, "/events", **events):
            await until(lambda: places.held.total() == 2)
            for path in (live, "/events"):
                full = await http.get(address + path, headers=events)
                assert full.status_code == 429 and full.json()["code"] == "W-STREAMS", path
            assert (await http.get(f"{address}/events")).status_code == 200  # a page of them is no line
        await until(lambda: not places.held)  # tabs were closed
        async with hearing(address, live) as heard:
            await until(lambda: heard)
        assert (await http.get(f"{address}/t/none@1/live")).status_code == 404


def test_a_process_holds_so_many_whoever_they_are() -> None:
    places = Places(most=2, of_one=9)
    places.held.update(["10.0.0.1", "10.0.0.2"])
    with pytest.raises(Refused, match="W-STREAMS"):
        places.held_by("10.0.0.3", EventSourceResponse(iter(())))


@pytest.mark.parametrize("text", ["", "x", "announced.1.1", "announced.-1.1~", "announced.1.1~<b>", "a.1.9999999999~"])
def test_what_no_page_wrote_is_no_stand(text: str) -> None:
    assert Stand.read(text) == Stand() and Stand.read("closed.3.2~4.open.17") == Stand("closed", 3, 2, "4.open.17")
