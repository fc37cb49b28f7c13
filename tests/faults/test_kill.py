"""P1, P2: kill -9 at random points, of PostgreSQL's whole process tree, of the server, of the jobs, of all at once.

Whoever held a receipt before the machine died is listed, counted and opened after it; and the same test on a database
that acknowledges before it has written (`synchronous_commit=off`) loses bids, so it would see a loss here.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from audit.canon import parse
from audit.receipt import check_receipt
from tests.faults.centre import SHAKEN, Centre, Firm, centre, until
from trading.tools import bidder as tool
from trading.verify import verify

ROUNDS = 20
FIRMS = 6
SEED = int(os.environ.get("FAULTS_SEED", "20260302"))
VICTIMS = ("postgres", "serve", "jobs", "postgres serve jobs")


@contextmanager
def bidding(place: Centre, firms: list[Firm]) -> Iterator[None]:
    """All firms hand in one offer after the other, side by side, until the block ends; their trouble ends the test."""
    stop = threading.Event()

    def one(firm: Firm) -> None:
        while not stop.is_set():
            place.hand_in(firm, 1_000_000 + len(firm.taken))
            stop.wait(0.05)

    with ThreadPoolExecutor(len(firms)) as pool:
        work: list[Future[None]] = [pool.submit(one, firm) for firm in firms]
        try:
            yield
        finally:
            stop.set()
        for firm in work:
            firm.result()


def acknowledged(firms: list[Firm]) -> list[bytes]:
    """The records for which somebody holds a receipt."""
    return [receipt.record for firm in firms for one in firm.taken for receipt in one.receipts.values()]


def lost(place: Centre, firms: list[Firm]) -> set[bytes]:
    """Acknowledged records that are not in the log's table any more, or whose envelope is not in the box's."""

    async def held() -> set[bytes]:
        db = await asyncpg.connect(place.database.dsn())
        try:
            rows = await db.fetch("SELECT record FROM log_record WHERE type = 'deposited'")
            assert await db.fetchval("SELECT count(*) FROM bidding_deposit") == len(rows)
            return {row["record"] for row in rows}
        finally:
            await db.close()

    return set(acknowledged(firms)) - asyncio.run(held())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bidder who types `submit` again after a second, rather than let the tool ask for a quarter of a minute."""
    monkeypatch.setattr("trading.client.PATIENCE", (0.1, 0.2, 0.3))


def test_no_acknowledged_bid_is_lost_in_twenty_kills(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    deaths = [VICTIMS[number % len(VICTIMS)] for number in range(ROUNDS)]
    dice.shuffle(deaths)
    with centre(tmp_path / "a centre") as place:
        place.announce(60)
        firms = [place.firm(f"第{n}建筑公司", tmp_path / f"firm {n}") for n in range(FIRMS)]
        with bidding(place, firms):
            until(lambda: len(acknowledged(firms)) >= 2 * FIRMS, 30, "the first bids")
            for victims in deaths:
                if place.left() < 35:  # on a busy machine coming back takes half a minute
                    place.story.until(lambda: place.move_deadline(25), *SHAKEN)
                time.sleep(dice.uniform(0.05, 0.6))
                place.story.processes.check()  # nobody has died of another's death
                for victim in victims.split():
                    place.kill(victim)
                before = len(acknowledged(firms))
                for victim in victims.split():
                    place.start(victim)
                until(lambda before=before: len(acknowledged(firms)) > before, 40, f"a bid after {victims} died")

        # every receipt is what the platform still has, and grows its proof
        gone = lost(place, firms)
        assert not gone, f"{len(gone)} of {len(acknowledged(firms))} acknowledged deposits lost"
        size = until(lambda: _proven(place, firms), 60, "the proof of the last receipt")
        assert size > 0
        proofs = 0
        for firm in firms:
            for one in firm.taken[-3:]:
                for receipt in one.receipts.values():
                    grown, found = tool.complete(firm.client, receipt, place.story.trust)
                    assert found.index is not None, grown
                    proofs += 1

        # the closing counts each firm's last offer, and that is what opens
        opened = place.close_and_open()
        prices = {bid["bidder"]: bid["price"] for bid in opened["bids"]}
        assert prices == {firm.bidder.code: firm.taken[-1].price for firm in firms}
        assert {verdict for bid in opened["bids"] for verdict in bid["verdicts"].values()} == {"OK"}
        kept = []
        for firm in firms:
            for stage, receipt in firm.taken[-1].receipts.items():
                grown, found = tool.complete(firm.client, receipt, place.story.trust)
                assert grown.listed is not None and found.index is not None
                kept.append(firm.desk / f"last-{stage}.json")
                kept[-1].write_bytes(grown.format())
        archives = place.archive(tmp_path)
        trust = place.story.trust_files
        found = verify(archives, policy=trust / "policy.txt", parties=trust / "parties.txt", receipts=kept)
        assert found.exit == 0, [report.failed for report in found.reports]
        print(f"{ROUNDS} kills, {len(acknowledged(firms))} acknowledged deposits, 0 lost, {proofs} proofs fetched")


def _proven(place: Centre, firms: list[Firm]) -> int:
    """The log size under which the very last receipt is proved; 0 while it is not."""
    last = max((one for firm in firms for one in firm.taken), key=lambda one: one.receipts["form"].record)
    owner = next(firm for firm in firms if last in firm.taken)
    grown, found = tool.complete(owner.client, last.receipts["form"], place.story.trust)
    return 0 if grown.proof is None else (found.index or 0)


def test_without_waiting_for_the_disk_acknowledged_bids_are_lost(tmp_path: Path) -> None:
    """The control: PostgreSQL acknowledges before it has written, everything else is the same."""
    gone: set[bytes] = set()
    with centre(tmp_path / "a centre", synchronous_commit="off", wal_writer_delay="5s") as place:
        place.announce(120)
        firms = [place.firm(f"第{n}建筑公司", tmp_path / f"firm {n}") for n in range(FIRMS)]
        for _ in range(5):
            place.database.say("CHECKPOINT")  # the platform itself lies on the disk, what comes now does not
            with bidding(place, firms):
                before = len(acknowledged(firms))
                until(lambda before=before: len(acknowledged(firms)) > before + 4 * FIRMS, 30, "some bids")
            place.kill("postgres")
            place.start("postgres")
            gone = lost(place, firms)
            if gone:
                break
        for firm in firms:  # their promises are sound: proof against the operator, for ever
            for one in firm.taken:
                for receipt in one.receipts.values():
                    check_receipt(receipt, place.story.trust.policy)
                    assert parse(receipt.record)["manifest"] == receipt.manifest
    assert gone, "this database forgets what it acknowledged: a test that does not see it would see nothing"
    print(f"synchronous_commit=off: {len(gone)} of {len(acknowledged(firms))} acknowledged deposits lost")
