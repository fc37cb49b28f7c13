"""One running platform for all commands of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.platform import Platform, platform


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform, in a folder whose path has a space."""
    with platform(tmp_path_factory.mktemp("a platform")) as made:
        yield made
