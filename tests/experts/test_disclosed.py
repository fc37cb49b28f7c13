"""What a disclosed draw says of chance: the first places of its order, whoever answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from experts.disclosed import OWED, read
from experts.fairness import expected_draws
from tests.attacks.conftest import Stage
from tests.verify import panels


def test_the_first_of_each_specialty_count_whoever_came(tmp_path: Path) -> None:
    """One declines and is replaced: the order put him first all the same."""
    tender, panel = panels.scored(Stage(tmp_path), fates={"civil": ["declined"]})
    panels.finish(tender, panel)
    last = max(path.rpartition("/")[0] for path in panel.files() if path.endswith("/names.json"))
    files = {path.rpartition("/")[2]: data for path, data in panel.files().items() if path.startswith(f"{last}/")}
    assert files.keys() >= OWED
    told = read(tender.id, files)
    queues = panel.queues
    assert [len(one.called) for one in told.drawn] == [one["count"] for one in panel._need()]
    assert sum(len(one.pool) for one in told.drawn) == sum(len(queue) for queue in queues.values())
    called = frozenset[str]().union(*(one.called for one in told.drawn))
    assert len(told.seated) == len(called) and len(told.seated - called) == 1
    shares = expected_draws(told.drawn)
    assert sum(one.observed for one in shares) == len(called)
    assert sum(one.expected for one in shares) == pytest.approx(len(called))


def test_files_of_a_void_attempt_say_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        read("T1@8", {"commit.json": b"{}", "nonces.json": b'{"nonces":[]}'})
