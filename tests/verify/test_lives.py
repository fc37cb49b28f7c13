"""Every honest life of a tender is accepted by both verifiers, in both editions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.conftest import Stage
from tests.verify.lives import LIVES


@pytest.mark.parametrize("name", LIVES)
def test_an_honest_life(name: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.honest(LIVES[name](stage))
