"""The town, and one tender's people in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trading.conftest import place, settings
from tests.trading.desk import Desk
from tests.trading.town import Town

__all__ = ["desk", "place", "settings"]


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")
