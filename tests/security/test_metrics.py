"""Nobody can tell from the metrics how many bids lie in a box: whatever bidders do, not one number changes.

Three firms get kits, register, upload, hand in, hand in again, withdraw, are refused, ask and pay. The controls count what a
careless hand would have counted, and the same look finds it.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from audit.act import pool
from audit.canon import sha256_hex, stamp
from audit.refusal import Refused
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading import metrics
from trading.demo.processes import free_port
from trading.web.api import operations
from trading.web.roles import open_routes

MACHINERY = ("process_", "python_", "cpu", "memory", "rss", "_fds", "duration", "latency", "bucket", "bytes")
AGES = re.compile(r"^trading_log_beat_age_seconds .*$", re.M)


async def told(place: Town) -> str:
    """Both pages; how long ago the last beat was is put aside."""
    pages = [await metrics.web_page(place.app.state.requests), await metrics.jobs_page(place.settings)]
    return AGES.sub("", b"".join(pages).decode())


def value(page: str, name: str) -> float:
    """One number of a page."""
    (found,) = re.findall(rf"^{re.escape(name)} (\S+)$", page, re.M)
    return float(found)


@pytest.fixture
async def desk(place: Town, tmp_path: Path) -> Desk:
    made = Desk(place, tmp_path / "desk")
    await made.open()
    await place.beat()
    return made


async def everything_bidders_do(desk: Desk) -> None:
    """All of it before the deadline, with every door and file on the way."""
    place, firms = desk.town, [await desk.bidder(name) for name in ("安和", "博远", "赣江")]
    tender = f"/tenders/{desk.tender}"
    for n, firm in enumerate(firms):
        as_firm = place.as_(firm.name)
        for path in (
            "/signin",
            "/me",
            "/modules/bidding/browser/envelope.js",
            f"/t/{desk.tender}",
            "/static/style.css",
        ):
            await as_firm.get(path)
        for path in (f"{tender}/sealing-kit", "/time", "/whoami"):
            await as_firm.get(f"/api/v1{path}")
        for path in ("/log/checkpoint", "/log/policy.txt", "/log/genesis", "/events", "/disclosures", "/log/status"):
            await as_firm.get(path)
        assert (await desk.hand_in(firm, 9_000_000 + n))["receipts"]
        await as_firm.post(f"/api/v1{tender}/questions", json={"text": f"{n}?"})
        paid = {"amount": 1 + n, "form": "letter", "account": "6222", "received": stamp(await desk.now())}
        await as_firm.post(f"/api/v1{tender}/securities", json=paid)
        for receipt in firm.last.values():
            await as_firm.get(f"/api/v1/receipts/{sha256_hex(receipt.data)}")
        await as_firm.post(f"/api/v1{tender}/bids/nonsense", json={"stages": {}})
    await desk.hand_in(firms[0], 8_000_000)
    await desk.withdraw(firms[1])


async def test_whatever_bidders_do_no_number_changes(desk: Desk) -> None:
    place = desk.town
    for path in ("/", "/ledger", "/nowhere", "/readyz"):
        await place.as_("public").get(path)
    before = await told(place)
    assert 'trading_requests_total{route="/ledger",status="200"} 1.0' in before and "/nowhere" not in before
    await everything_bidders_do(desk)
    held = await pool().fetchval("SELECT count(*) FROM bidding_deposit")
    assert held > 6, "three firms, two stages, one twice"
    assert await told(place) == before

    # and a beat with all that in it is a beat like any other
    def steps(a: str, b: str) -> tuple[float, ...]:
        names = ("trading_log_size", "trading_log_beats_total", "trading_log_unpublished_entries")
        return tuple(value(b, name) - value(a, name) for name in names)

    await place.beat()
    filled = await told(place)
    width = await pool().fetchval("SELECT width FROM log_checkpoint ORDER BY size DESC LIMIT 1")
    beats = value(filled, "trading_log_beats_total") - value(before, "trading_log_beats_total")
    assert steps(before, filled)[0] == width * beats
    await place.as_("public").get("/ledger")
    assert 'trading_requests_total{route="/ledger",status="200"} 2.0' in await told(place), "what is public is counted"


@pytest.mark.parametrize("careless", ["hand_in", "tools", "queue"])
async def test_what_a_careless_hand_would_count_is_noticed(careless: str, desk: Desk) -> None:
    """The control: the route of handing in; a file that tools fetch; the records that wait for their beat."""
    place = desk.town
    if careless != "queue":
        path = operations["hand_in"].path if careless == "hand_in" else "/t/{tender}"
        place.app.state.requests.watch(place.app.routes, {path})

    async def look() -> str:
        page = await told(place)
        if careless == "queue":
            waiting = (
                "SELECT count(*) FROM log_record r WHERE NOT EXISTS (SELECT 1 FROM log_leaf l WHERE l.record = r.id)"
            )
            page += f"trading_records_waiting {await pool().fetchval(waiting)}\n"
        return page

    before = await look()
    await everything_bidders_do(desk)
    assert await look() != before


def test_every_open_route_is_counted_or_has_its_reason() -> None:
    assert metrics.COUNTED | metrics.PASSED.keys() == open_routes()
    assert not metrics.COUNTED & metrics.PASSED.keys()
    assert not metrics.COUNTED & {o.path for o in operations.values()}, "no operation is counted"


async def test_nothing_of_the_machine_is_told(place: Town) -> None:
    """The library's own collectors would tell what sealing costs."""
    page = await told(place)
    names = set(re.findall(r"^# TYPE (\S+)", page, re.M))
    assert names and all(name.startswith("trading_") for name in names)
    assert not [name for name in names if any(word in name for word in MACHINERY)]


async def test_a_fault_is_a_word_and_not_a_number(place: Town) -> None:
    clock = [1000.0]
    requests = metrics.Requests(lambda: clock[0])
    calm = await metrics.web_page(requests)
    for _ in range(3):
        requests.note(next(r for r in place.app.routes if getattr(r, "path", "") == operations["hand_in"].path), 500)
    once = await metrics.web_page(requests)
    assert value(calm.decode(), "trading_fault_recently") == 0 and value(once.decode(), "trading_fault_recently") == 1
    assert "bids" not in once.decode()
    clock[0] += metrics.RECENT
    assert await metrics.web_page(requests) == calm


# ---- ASVS 5.0.0, 13.4.5: monitoring endpoints are not exposed


async def page() -> bytes:
    return metrics.text([])


async def test_asvs_13_4_5_metrics_are_this_machines_alone_and_off_unless_asked_for(place: Town) -> None:
    assert place.settings.metrics_port == place.settings.jobs_metrics_port == 0
    assert (await place.as_("public").get("/metrics")).status_code == 404, "not on the port of the pages"
    port = free_port()
    async with metrics.told(port, page), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as here:
        await reached(here)
        assert (await here.get("/")).status_code == 404
        assert (await here.post("/metrics")).status_code == 405
        assert (await here.get("/metrics", headers={"Host": "centre.example"})).status_code == 400, (
            "a page with our name"
        )
        for address in {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {
            "127.0.0.1"
        }:
            if not address.startswith("127."):
                with pytest.raises(OSError):
                    socket.create_connection((address, port), timeout=1).close()
        with pytest.raises(Refused) as taken:
            async with metrics.told(port, page):
                pass
        assert taken.value.code == "E-METRICS-PORT"
    with pytest.raises(OSError):
        socket.create_connection((metrics.HOST, port), timeout=1).close()
    async with metrics.told(0, page):
        pass


async def reached(here: httpx.AsyncClient) -> None:
    for _ in range(100):
        try:
            answer = await here.get("/metrics")
        except httpx.TransportError:
            await asyncio.sleep(0.02)
            continue
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=")
        return
    pytest.fail("nobody listens")


async def test_a_database_that_is_away_is_told(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Callable[[], None]:
        raise ConnectionRefusedError

    monkeypatch.setattr(metrics, "pool", gone)
    for one in (await metrics.web_page(metrics.Requests()), await metrics.jobs_page(place.settings)):
        assert value(one.decode(), "trading_database_up") == 0
