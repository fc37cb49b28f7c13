"""`seal`: one document file to file, MiB/s of plaintext. Limit: Cobblestone and SHA-256 over the same bytes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bidding.envelope import Source, seal_envelope
from tests.bench import limits
from tests.bench.measure import Result, alternate
from tests.bidding import envelopes


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """A document of 256 MiB, sealed for five custodians."""
    size, turns = (2, 1) if tiny else (256, 7)
    document = folder / "document"
    with document.open("wb") as file:
        for _ in range(size):
            file.write(os.urandom(1 << 20))
    keyset = envelopes.keyset(3, 5, "documents")
    context = envelopes.context(keyset)
    out = folder / "out"

    def code() -> float:
        begun = time.perf_counter()
        seal_envelope(context, keyset, out, files=[Source(document, "document")], created=datetime.now(UTC))
        took = time.perf_counter() - begun
        out.unlink()
        return size / took

    def limit() -> float:
        begun = time.perf_counter()
        limits.seal(document, out)
        took = time.perf_counter() - begun
        out.unlink()
        return size / took

    yield Result.of("seal", "MiB/s", alternate(code, limit, turns), 0.8)
