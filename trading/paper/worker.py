"""The press in a process of its own: one call after another comes in, what it made or why it refused goes out.

The typesetter holds the interpreter while it sets; in a process of its own it holds up nobody. The pipe is the parent's
alone, and the process ends when the parent's end of it does.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

from audit.refusal import Refused

SIZE = struct.Struct(">Q")
"""Before each message: how many bytes it has."""
MADE, REFUSED, FAILED = "made", "refused", "failed"


def serve(come: IO[bytes], go: IO[bytes]) -> None:
    """Answer until nothing more comes."""
    while len(head := come.read(SIZE.size)) == SIZE.size:
        data = pickle.dumps(_answer(come.read(SIZE.unpack(head)[0])))
        go.write(SIZE.pack(len(data)) + data)
        go.flush()


def _answer(asked: bytes) -> tuple[str, Any]:
    make: Callable[..., bytes]
    try:
        make, given = pickle.loads(asked)
        return MADE, make(*given)
    except Refused as no:
        return REFUSED, (no.code, {name: str(value) for name, value in no.facts.items()})
    except Exception as error:  # our bug: the parent says so aloud
        return FAILED, f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    serve(sys.stdin.buffer, answers)
