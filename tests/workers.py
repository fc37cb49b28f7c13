"""`pytest -n auto`: the suite on several workers. Each has a PostgreSQL of its own; a file's tests stay together, in order.

Only speed depends on what stands here. A file that is not in FIRST runs later, one that is not in TOGETHER by itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

FIRST = (
    "tests/cli/test_demo.py",
    "tests/cli/test_guided.py",
    "tests/faults/test_kill.py",
    "tests/browser/test_every_page.py",
    "tests/cli/test_log.py",
    "tests/faults/test_dispatcher_kill.py",
    "tests/verify/test_panels.py",
    "tests/trading/test_fuzz.py",
    "tests/test_postgres.py",
    "tests/bench/test_bench.py",
    "tests/trading/test_seats.py",
    "tests/faults/test_disk.py",
    "tests/law/test_life_walks.py",
    "tests/secrecy/test_expert_names.py",
    "tests/trading/test_seats_lost.py",
    "tests/audit/test_feed.py",
    "tests/faults/test_deadline.py",
    "tests/audit/test_sequencer.py",
    "tests/secrecy/test_zero_and_forty.py",
    "tests/channels/test_real_phones.py",
)
"""The longest, so that no worker is left with one of them at the end; platforms alternate with what is one process."""

TOGETHER = {
    f"tests/cli/test_{name}.py": "the running platform" for name in ("log", "bidder", "custodian", "experts", "settle")
}
"""Files that use one and the same platform (tests/cli/conftest.py): it is started once."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: a third of the time tests wait, for clocks, telephones and deaths."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By files, in the order in which they were collected."""
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file, file)

    config.option.loadscopereorder = False
    return Files(config, log)


def longest_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a worker, FIRST comes first; all else as it was collected, and without workers everything."""
    if hasattr(config, "workerinput"):
        root = Path(config.rootpath)
        ranks = {root / name: rank for rank, name in enumerate(FIRST)}
        items.sort(key=lambda item: ranks.get(item.path, len(FIRST)))
