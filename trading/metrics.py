"""What a process tells a Prometheus server of itself, on 127.0.0.1 alone and only where the settings name a port.

Nothing here may let anybody tell how many bids lie in a box before it is opened, or how many people bid. Therefore:

- Requests are counted on a closed list of pages (`COUNTED`): those that anybody reads and that no tool or page of a bidder
  asks on its way to a bid. Every other open route is named in `PASSED` with its reason; operations and doors are never
  counted.
- No durations, no processor time, no memory, no files, no connections: sealed bids cost all of them. The library's own
  collectors of such things are not registered.
- Of the log its size, which is public and grows by whole beats whatever they hold (log.md §3); never how many records wait
  for their beat, for two of them are a bid.
- Timers and calls: none is armed or made by a bid.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from audit.act import pool
from audit.refusal import Refused
from audit.tiles import Published
from trading.postgres import AWAY
from trading.settings import Settings

HOST = "127.0.0.1"
RECENT = 300.0
"""Seconds of the machine's clock for which a fault counts as recent."""
PATIENCE = 3.0
"""Seconds the database is given to answer a scrape."""

COUNTED = frozenset(
    {
        "/", "/search", "/ledger", "/statements", "/statements.{form}", "/trade-lines", "/imported", "/proof", "/verify",
        "/why", "/log", "/status", "/open-data", "/open-data/api", "/open-data/api/{operation}", "/accessibility",
        "/t/{tender}/archive", "/t/{tender}/papers/{kind}.pdf",
        "/ocds/releases.jsonl", "/ocds/compiled.jsonl", "/ocds/projects/{project}",
        "/healthz", "/readyz", "/openapi.json",
    }
)  # fmt: skip
"""Pages and files for everybody, by their row in roles.toml."""
_TOOLS = "tools fetch it while a bid is prepared and while its receipt is completed"
_PAGES = "the pages on which a bid is sealed load it"
_READ = "whoever bids reads it first"
PASSED: Mapping[str, str] = {
    "/help": _READ,
    "/offline": _READ,
    "/offline/{page}.html": "whoever seals without a network fetches it",
    "/p/{project}": _READ,
    "/t/{tender}": _READ,
    "/t/{tender}/live": _READ,
    "/static/{name}": _PAGES,
    "/modules/{path:path}": _PAGES,
    "/events": _TOOLS,
    "/disclosures": _TOOLS,
    "/log/checkpoint": _TOOLS,
    "/log/tile/{path:path}": _TOOLS,
    "/log/policy.txt": _TOOLS,
    "/log/parties.txt": _TOOLS,
    "/log/genesis": _TOOLS,
    "/log/status": _TOOLS,
}
"""Open routes that are not counted, each with its reason."""


class Requests:
    """What the web process has counted since it began."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[tuple[str, int]] = Counter()
        self._watched: dict[int, Route] = {}
        self._now, self._fault = now, -math.inf

    def watch(self, routes: Iterable[BaseRoute], counted: Collection[str] = COUNTED) -> None:
        """Count answers of those of these routes that are on the list."""
        self._watched |= {id(one): one for one in routes if isinstance(one, Route) and one.path in counted}

    def note(self, route: object, status: int) -> None:
        """One answer. Of a route that is not watched only this is kept: whether there was an error of ours lately."""
        if status == 500:
            self._fault = self._now()
        if (known := self._watched.get(id(route))) is not None:
            self.counts[known.path, status] += 1

    @property
    def fault_recently(self) -> bool:
        """Whether an error of ours is less than `RECENT` old: a word, not a number, for it may come from any route."""
        return self._now() - self._fault < RECENT


class _Told(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def text(families: Iterable[Metric]) -> bytes:
    """The page as Prometheus reads it. A registry of its own: nothing else registers itself there."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(families))
    return generate_latest(registry)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"trading_{name}", meaning, value=value)


async def web_page(requests: Requests) -> bytes:
    """What `trading serve` tells."""
    counted = CounterMetricFamily(
        "trading_requests", "Requests of pages that anybody reads, and of no others", labels=["route", "status"]
    )
    for (route, status), count in sorted(requests.counts.items()):
        counted.add_metric([route, str(status)], count)
    faults = _gauge(
        "fault_recently", "1 while an unforeseen error is less than five minutes old", requests.fault_recently
    )
    try:
        up = await asyncio.wait_for(pool().fetchval("SELECT 1"), PATIENCE) == 1
    except (*AWAY, RuntimeError):
        up = False
    return text([counted, faults, _up(up)])


def _up(up: bool) -> Metric:
    return _gauge("database_up", "Whether the database answers", up)


async def jobs_page(settings: Settings) -> bytes:
    """What `trading jobs` tells: the log's beats, and what is due. While the database is away no more than that."""
    try:
        row = await asyncio.wait_for(pool().fetchrow(_STATE), PATIENCE)
    except (*AWAY, RuntimeError):
        return text([_up(False)])
    published = Published(settings.log_dir).size()
    beats = CounterMetricFamily("trading_log_beats", "Beats of the log", value=row["beat"] + 1)
    return text(
        [
            _up(True),
            beats,
            _gauge("log_beat_age_seconds", "Machine seconds since the last beat", row["age"]),
            _gauge("log_beat_seconds", "Machine seconds that should lie between two beats", settings.beat),
            _gauge("log_size", "Entries of the log", row["size"]),
            _gauge("log_published_size", "Entries under the newest published checkpoint", published),
            _gauge("log_unpublished_entries", "Entries that wait for their witnesses", row["size"] - published),
            _gauge("timers_due", "Work that is due now", row["due"]),
            _gauge("timers_troubled", "Work that failed and is tried again", row["troubled"]),
            _gauge("calls_queued", "Experts who are being called or wait to be", row["calls"]),
        ]
    )


_STATE = """
SELECT coalesce(c.size, 0) AS size, coalesce(c.beat, -1) AS beat,
       coalesce(extract(epoch FROM log_now() - c.made_at) / coalesce((SELECT factor FROM log_clock), 1), 0)::float8 AS age,
       (SELECT count(*) FROM trading_timer WHERE done_at IS NULL AND due_at <= log_now()) AS due,
       (SELECT count(*) FROM trading_timer WHERE done_at IS NULL AND trouble IS NOT NULL) AS troubled,
       (SELECT count(*) FROM experts_summons WHERE state = 'calling') AS calls
FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT size, beat, made_at FROM log_checkpoint ORDER BY size DESC LIMIT 1) c ON true
"""


# ------------------------------------------------------------------------------------------------------- the listener


def door(page: Callable[[], Awaitable[bytes]]) -> Starlette:
    """One path, for reading. Under a strange host name nothing is told: a browser's page may have that name for us."""

    async def metrics(request: Request) -> Response:
        return Response(await page(), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})

    return Starlette(
        routes=[Route("/metrics", metrics, methods=["GET"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"], www_redirect=False)],
    )


class _Server(uvicorn.Server):
    """Signals belong to whose process this is."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def take(port: int) -> socket.socket:
    """The port, on this machine alone. Refused: E-METRICS-PORT where it is taken or not ours to take."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise Refused("E-METRICS-PORT", port=port, why=os.strerror(error.errno or 0)) from None


@contextlib.asynccontextmanager
async def told(port: int, page: Callable[[], Awaitable[bytes]]) -> AsyncIterator[None]:
    """Listen meanwhile; port 0: do not. Refused: E-METRICS-PORT."""
    if not port:
        yield
        return
    with take(port) as listener:
        server = _Server(
            uvicorn.Config(door(page), access_log=False, log_config=None, lifespan="off", server_header=False)
        )
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)
