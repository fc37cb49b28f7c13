"""What anybody can fetch: complete, in one order, and nothing of what is sealed (log.md §2, §4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount

from audit.act import acting, pool
from audit.canon import canon, unb64
from audit.feed import START, Feed, disclosed_in, event_routes, events, log_routes
from audit.merkle import leaf_hash, unpack_entries
from audit.receipt import Receipt, check_receipt
from audit.record import entry_of
from audit.refusal import Refused
from audit.tiles import Published, proof
from tests.audit.logworld import CLERK, LogWorld, log_world
from tests.listening import listening


@pytest.fixture
async def world(db: object, database: str, tmp_path: Path) -> AsyncIterator[LogWorld]:
    async with log_world(database, tmp_path) as made:
        (tmp_path / "policy.txt").write_bytes(made.policy.data)
        (tmp_path / "parties.txt").write_bytes(b"# nobody\n")
        yield made


async def no(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse({"code": error.code}, 400)


@pytest.fixture
async def http(world: LogWorld) -> AsyncIterator[httpx.AsyncClient]:
    directory = world.directory
    feed = Feed.of(world.origin, directory / "log", directory / "policy.txt", directory / "parties.txt")
    routes = [*event_routes(feed), Mount("/log", routes=log_routes(feed))]
    app = Starlette(routes=routes, exception_handlers={Refused: no})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://centre") as client:
        yield client


async def follow(http: httpx.AsyncClient, limit: int = 3, after: str = "-1") -> list[dict[str, Any]]:
    """All pages, as a stranger's program would read them."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await http.get("/events", params={"after": after, "limit": limit})
        assert answer.status_code == 200
        batch = answer.json()
        if not batch:
            return found
        found += batch
        after = batch[-1]["sequence"]


async def test_sealed_records_come_with_their_closing_and_not_before(world: LogWorld, http: httpx.AsyncClient) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    await world.sealed(5)
    await world.openly(2)
    await sequencer.beat()
    before = await follow(http)
    assert [event["type"] for event in before] == ["trading.log-opened/v1", "trading.trust-published/v1"] + [
        "trading.test-public/v1"
    ] * 2
    async with acting(CLERK) as act:
        closing = act.record("test-public", subject="T@1", tender="T@1")
        act.disclose(closing, tender="T@1", public=True)
    await world.openly(1)
    assert await follow(http) == before, "nothing before its beat"
    await sequencer.beat()
    after = await follow(http)
    assert after[:4] == before
    kinds = [event["type"].split(".")[1] for event in after[4:]]
    assert kinds == ["test-public/v1", *["test-sealed/v1"] * 5, "test-public/v1"]
    assert await follow(http, 1) == await follow(http, 1000) == after
    assert await follow(http, 2, before[-1]["sequence"]) == after[4:]
    for event in after:
        nonce = unb64(event["nonce"]) if "nonce" in event else None
        assert leaf_hash(entry_of(canon(event["data"]), nonce)).hex() == event["leafhash"]
    shown = (await http.get("/disclosures")).json()
    assert [one["index"] for one in shown] == [event["logindex"] for event in after if "nonce" in event]


async def test_a_shut_box_is_disclosed_to_supervision_alone(world: LogWorld, http: httpx.AsyncClient) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await world.sealed(2)
    await world.sealed(2, tender="U@1")
    async with acting(CLERK) as act:
        closing = act.record("test-public", subject="T@1", tender="T@1")
        act.record("alert-raised", subject="T@1", alert="shut", tender="T@1")
        act.disclose(closing, tender="T@1", public=False)
    await sequencer.beat()
    await sequencer.beat()
    assert not [event for event in await follow(http) if "nonce" in event]
    assert await disclosed_in(pool(), "T@1", supervision=False) == []
    assert len(await disclosed_in(pool(), "T@1", supervision=True)) == 3
    assert await disclosed_in(pool(), "U@1", supervision=True) == []


async def test_no_index_is_skipped_while_others_commit(world: LogWorld, http: httpx.AsyncClient) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    stop = False

    async def clerk(name: str) -> None:
        for _ in range(15):
            await world.openly(1, tender=f"{name}@1")
            await asyncio.sleep(0)

    async def beats() -> None:
        while not stop:
            await sequencer.beat()

    async def reader() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while not stop:
            found += await follow(http, 4, found[-1]["sequence"] if found else "-1")
        return found + await follow(http, 4, found[-1]["sequence"])

    beating, reading = asyncio.create_task(beats()), asyncio.create_task(reader())
    await asyncio.gather(*(clerk(name) for name in "ABCD"))
    while await pool().fetchval(
        "SELECT count(*) FROM log_record r WHERE NOT EXISTS (SELECT FROM log_leaf l WHERE l.record = r.id)"
    ):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    stop = True
    await beating
    read = await reading
    assert len(read) == len({event["id"] for event in read})
    assert [e["logindex"] for e in read] == [e["logindex"] for e in await follow(http, 1000)]
    for name in "ABCD":
        serials = [e["data"]["serial"] for e in read if e["subject"] == f"{name}@1"]
        assert serials == list(range(1, 16))


async def test_tiles_and_checkpoint_over_http(world: LogWorld, http: httpx.AsyncClient) -> None:
    assert (await http.get("/log/checkpoint")).status_code == 404
    sequencer = world.sequencer()
    await sequencer.lead()
    for _ in range(40):
        await sequencer.beat()
    assert world.published().size == 320
    assert (await http.get("/log/checkpoint")).content == (world.directory / "log" / "checkpoint").read_bytes()
    full = await http.get("/log/tile/entries/000")
    assert len(unpack_entries(full.content)) == 256 and "immutable" in full.headers["cache-control"]
    assert len(unpack_entries((await http.get("/log/tile/entries/001.p/64")).content)) == 64
    assert len((await http.get("/log/tile/0/001.p/3")).content) == 96, "any smaller width is a prefix"
    assert not (world.directory / "log" / "tile" / "entries" / "000.p").exists(), "the full one is there"
    assert len(unpack_entries((await http.get("/log/tile/entries/000.p/8")).content)) == 8
    assert len((await http.get("/log/tile/1/000.p/1")).content) == 32
    for wrong in (
        "0/001",
        "0/001.p/65",
        "0/001.p/0",
        "0/1",
        "64/000",
        "0/x000/001",
        "0/000.p/256",
        "0/../../x",
        "9/000",
    ):
        assert (await http.get(f"/log/tile/{wrong}")).status_code == 404, wrong
    assert (await http.get("/log/genesis")).json()["origin"] == world.origin
    assert (await http.get("/log/policy.txt")).content == world.policy.data
    status = (await http.get("/log/status")).json()
    assert (status["size"], status["published"], status["cosigned"]) == (320, 320, True)
    assert set(status["witnesses"]) == {"w1", "w2", "w3"}


async def test_lost_files_are_made_anew_from_the_database(world: LogWorld) -> None:
    import shutil

    sequencer = world.sequencer()
    await sequencer.lead()
    for _ in range(34):
        await sequencer.beat()
    await sequencer.close()
    shutil.rmtree(world.directory / "log")
    again = world.sequencer()
    await again.lead()
    await again.beat()
    assert await world.check() == world.published().size == 280


async def test_a_receipt_gets_its_proof_after_the_beat(world: LogWorld) -> None:
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    async with acting(CLERK) as act:
        ref = act.record("test-sealed", subject="T@1", tender="T@1")
    receipt = world.key.receipt(ref)
    assert check_receipt(Receipt.parse(receipt.format()), world.policy).logged is None
    with pytest.raises(Refused, match="E-PENDING"):
        await proof(pool(), world.policy, ref.id)
    await sequencer.beat()
    for _ in range(40):
        await sequencer.beat()
    whole = receipt.with_proof(await proof(pool(), world.policy, ref.id))
    findings = check_receipt(Receipt.parse(whole.format()), world.policy)
    assert findings.logged is not None and findings.logged.checkpoint.size == world.published().size
    assert 8 <= findings.index < 16


@pytest.mark.parametrize(
    "query", ["after=x", "after=1.", "after=-2", "limit=0", "limit=1001", "limit=a", "after=1.2.3"]
)
async def test_a_cursor_that_is_none_is_refused(world: LogWorld, http: httpx.AsyncClient, query: str) -> None:
    assert (await http.get(f"/events?{query}")).status_code == 400


async def test_listeners_get_what_is_there_and_what_comes(world: LogWorld) -> None:
    from audit.feed import _listen

    directory = world.directory
    feed = Feed.of(world.origin, directory / "log", directory / "policy.txt", directory / "parties.txt")
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    stream = _listen(feed, START)
    first = [await anext(stream), await anext(stream)]
    assert next(json.loads(one["data"])["logindex"] for one in first) == 0
    waiting = asyncio.ensure_future(anext(stream))
    await world.openly(1)
    await sequencer.beat()
    event = await asyncio.wait_for(waiting, 5)
    assert event["event"] == "trading.test-public/v1"
    await stream.aclose()


async def test_the_event_stream_over_http(world: LogWorld) -> None:
    """A real server, since a stream has no end to wait for in-process."""
    directory = world.directory
    feed = Feed.of(world.origin, directory / "log", directory / "policy.txt", directory / "parties.txt")
    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    async with listening(Starlette(routes=event_routes(feed))) as address, httpx.AsyncClient() as client:
        accept = {"accept": "text/event-stream", "last-event-id": "0"}
        async with client.stream("GET", f"{address}/events", headers=accept) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = []
            async for line in stream.aiter_lines():
                lines.append(line)
                if line.startswith("data:"):
                    break
    assert "trust-published" in lines[-1]


def test_published_size_of_a_broken_file_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"half a")
    assert Published(tmp_path).size() == 0


async def test_events_are_cloudevents(world: LogWorld) -> None:
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    sequencer = world.sequencer()
    await sequencer.lead()
    await sequencer.beat()
    for one in await events(pool(), START, 10, 8):
        read = JSONFormat().read(CloudEvent, json.dumps(one.event(world.origin)).encode())
        assert read.get_extension("logindex") == one.index
