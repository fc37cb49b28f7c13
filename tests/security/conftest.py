"""The town of tests/trading, for browsers with cookies."""

from __future__ import annotations

from tests.trading.conftest import place, settings

__all__ = ["place", "settings"]
