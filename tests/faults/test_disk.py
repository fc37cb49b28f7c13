"""A disk that is full or does not write: no receipt, nothing half-written, and a process that stops loudly.

The failing calls are real ones of a real server, made to fail in the process itself (`faulty/sitecustomize.py`);
PostgreSQL's disk is filled by the kernel (RLIMIT_FSIZE), without root.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from audit.canon import sha256_hex
from audit.checkpoint import checkpoint_of
from audit.refusal import Refused
from bidding.payload import payload_root, segment_leaf
from bidding.store import SEGMENT
from tests.faults.centre import SHAKEN, Centre, Firm, centre, until
from tests.faults.test_kill import bidding, lost
from trading.tools import bidder as tool

FAULTY = Path(__file__).parent / "faulty"
EVERY_SYNC = [("fdatasync", n) for n in (1, 2)] + [("fsync", n) for n in (1, 2, 3, 4, 6)]
"""Of one bid in two stages: each segment's; then begin, file, folder and folder of the first, and of the second."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading.client.PATIENCE", (0.1,))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with centre(tmp_path_factory.mktemp("a disk") / "a centre") as made:
        made.announce(3000)
        yield made


@contextmanager
def failing(place: Centre, name: str, fault: str, armed: Path) -> Iterator[psutil.Popen]:
    """`serve` or `jobs` on a disk that fails as `fault` says, once it is armed; a sound one afterwards."""
    place.kill(name)
    sound = dict(place.story.environment)
    place.story.environment.update({"PYTHONPATH": str(FAULTY), "DISK_FAULT": f"{fault} {armed}"})
    place.start(name)
    process = place.find(name)
    try:
        if name == "serve":
            place.story.processes.wait_for("server", f"{place.story.url}/healthz")
        armed.touch()
        yield process
    finally:
        armed.unlink(missing_ok=True)
        place.story.environment.clear()
        place.story.environment.update(sound)
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            process.kill()
        process.wait()
        place.start(name)
        if name == "serve":
            place.story.processes.wait_for("server", f"{place.story.url}/healthz")


def said(place: Centre, process: str, begin: int = 0) -> str:
    return (place.story.home / "logs" / f"{process}.log").read_text("utf-8", "replace")[begin:]


def whole(place: Centre) -> dict[str, str]:
    """Payload root by name of every kept payload; whatever is kept must be whole, and known by its row."""

    async def rows() -> dict[str, tuple[int, str | None]]:
        db = await asyncpg.connect(place.database.dsn())
        try:
            return {row["id"]: (row["size"], row["root"]) for row in await db.fetch("SELECT * FROM bidding_upload")}
        finally:
            await db.close()

    known, roots = asyncio.run(rows()), {}
    kept = place.story.home / "bids" / "kept"
    for path in kept.glob("??/*"):
        data = path.read_bytes()
        roots[path.name] = payload_root([segment_leaf(data[at : at + SEGMENT]) for at in range(0, len(data), SEGMENT)])
        size, root = known[path.name]
        assert len(data) == size and root in (None, roots[path.name])
    complete = {name for name, (_, root) in known.items() if root is not None}
    assert complete <= roots.keys(), "a row says that a payload is kept, and it is not"
    return roots


def deposits(place: Centre, firm: Firm) -> int:
    """How many deposits of a firm there are."""

    async def count() -> int:
        db = await asyncpg.connect(place.database.dsn())
        try:
            found = await db.fetchval(
                "SELECT count(*) FROM log_record WHERE type = 'deposited' AND actor = $1", firm.bidder.code
            )
            return int(found)
        finally:
            await db.close()

    return asyncio.run(count())


@pytest.mark.parametrize(("call", "which"), EVERY_SYNC, ids=lambda value: str(value))
def test_an_error_of_fsync_ends_the_process_and_nothing_was_promised(
    place: Centre, tmp_path: Path, call: str, which: int
) -> None:
    firm = place.firm(f"安和建筑公司 {call} {which}", tmp_path / "firm")
    sealed = place.seal(firm, 9_000_000)
    before = len(said(place, "server"))
    with failing(place, "serve", f"{call} EIO {which}", tmp_path / "armed") as server:
        with pytest.raises(Refused) as unheard:
            tool.submit(firm.client, sealed, place.story.trust, firm.desk / "receipts")
        assert unheard.value.code == "N-UNREACHABLE"
        assert server.wait(5) == 70
    told = said(place, "server", before)
    assert "injected" in told and "STORE FAILED, process ends: " in told and "Input/output error" in told
    assert not list((firm.desk / "receipts").glob("[!u]*.json"))
    assert deposits(place, firm) == 0
    whole(place)
    # on a sound disk the same file goes in, from where it stopped
    receipts = tool.submit(firm.client, sealed, place.story.trust, firm.desk / "receipts", resume=True)
    assert set(receipts) == {"form", "documents"} and deposits(place, firm) == 2
    roots = set(whole(place).values())
    assert {one.manifest.root for one in sealed.stages.values()} <= roots


def test_no_room_is_said_before_a_byte_is_taken(place: Centre, tmp_path: Path) -> None:
    firm = place.firm("赣江建筑公司", tmp_path / "firm")
    sealed = place.seal(firm, 9_000_000)
    files = {path.name for path in (place.story.home / "bids").rglob("*")}
    for lang, words in (("zh", "空间"), ("en", "room")):
        firm.client._http.headers["Accept-Language"] = lang
        with failing(place, "serve", "posix_fallocate ENOSPC 1", tmp_path / "armed") as server:
            with pytest.raises(Refused) as no:
                tool.submit(firm.client, sealed, place.story.trust, firm.desk / "receipts")
            assert no.value.code == "E-FULL" and words in str(no.value)
            assert {path.name for path in (place.story.home / "bids").rglob("*")} == files
            assert deposits(place, firm) == 0
            # it is a refusal, not the end: as soon as there is room the same server takes the bid
            if lang == "en":
                assert set(tool.submit(firm.client, sealed, place.story.trust, firm.desk / "receipts")) == {
                    "form", "documents",
                }  # fmt: skip
            assert server.is_running()


def test_a_log_that_cannot_be_synced_stops_the_sequencer_until_the_disk_is_sound(place: Centre, tmp_path: Path) -> None:
    published = place.story.home / "log" / "checkpoint"
    before = len(said(place, "jobs"))
    for which in (1, 2, 4):  # the key's memory, its folder, a tile
        with failing(place, "jobs", f"fsync EIO {which}", tmp_path / "armed") as jobs:
            assert jobs.wait(15) not in (0, None)
        size = checkpoint_of(published.read_bytes()).size
        until(lambda size=size: checkpoint_of(published.read_bytes()).size > size, 15, "a beat on a sound disk")
    assert said(place, "jobs", before).count("injected") == 3
    firm = place.firm("博远建筑公司", tmp_path / "firm")
    receipt = place.hand_in(firm, 9_000_000).receipts["form"]
    until(lambda: tool.complete(firm.client, receipt, place.story.trust)[0].proof, 15, "the proof of a later receipt")


def test_asvs_16_5_3_no_bid_is_acknowledged_while_the_database_has_no_room(place: Centre, tmp_path: Path) -> None:
    firms = [place.firm(f"第{n}建筑公司", tmp_path / f"firm {n}") for n in range(3)]
    with bidding(place, firms):
        until(lambda: min(len(firm.taken) for firm in firms) >= 2, 30, "the first bids")
        assert place.database.child is not None
        server = psutil.Process(place.database.child.pid)
        for one in [server, *server.children(recursive=True)]:
            one.rlimit(psutil.RLIMIT_FSIZE, (1, 1))  # from now on every write beyond the first byte fails
        assert server.wait(20) not in (0, None)  # nothing goes on as if it had been written
        heard = sum(len(firm.taken) for firm in firms)
        with pytest.raises(Refused) as no:
            firms[0].client.get(f"/tenders/{place.tender}")
        assert no.value.code in SHAKEN
        for path in ("/", f"/t/{place.tender}", "/events", "/disclosures", "/log/status", "/readyz"):
            assert httpx.get(place.story.url + path, timeout=30).status_code == 503, path
        assert sum(len(firm.taken) for firm in firms) == heard
        place.start("postgres")
        until(lambda: sum(len(firm.taken) for firm in firms) > heard, 30, "bids when there is room again")
    assert not lost(place, firms)
    place.story.processes.check()


def test_a_store_that_shrugs_its_shoulders_is_noticed(place: Centre, tmp_path: Path) -> None:
    """The control: with the same error, a server that does not end gives a receipt for what is not on the disk."""
    firm = place.firm("无忧建筑公司", tmp_path / "firm")
    sealed = place.seal(firm, 9_000_000)
    armed = tmp_path / "armed"
    with failing(place, "serve", "fdatasync EIO 1", Path(f"{armed} shrug")) as server:
        armed.touch()
        receipts = tool.submit(firm.client, sealed, place.story.trust, firm.desk / "receipts")
        assert server.is_running()
    assert receipts and "shrugged" in said(place, "server")
    assert sha256_hex(sealed.stages["form"].manifest.data) == receipts["form"].manifest
