"""Node and Chromium for this folder: what is missing is said by a test that fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.node import Node


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The modules in Node, one process a session."""
    with Node() as running:
        yield running
