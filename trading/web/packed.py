"""What is sent packed, and what is not sent again.

Only what is the same whoever asks: packing a page with a reader's own words beside a secret would tell of the secret by its
size (BREACH).
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from starlette.requests import Request


def takes_gzip(request: Request) -> bool:
    """Whether the reader's `Accept-Encoding` lets us pack (RFC 9110 §12.5.3)."""
    for one in request.headers.get("accept-encoding", "").split(","):
        name, _, weight = one.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return weight.strip().lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


@lru_cache(maxsize=32)
def packed(whole: bytes) -> bytes:
    """These bytes packed, the same ones each time, so that a tag and a digest can be said of them."""
    return gzip.compress(whole, 9, mtime=0)


def matches(request: Request, tag: str) -> bool:
    """Whether the reader has this very version (RFC 9110 §13.1.2; a cache may have weakened the tag)."""
    given = request.headers.get("if-none-match", "")
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in given.split(","))
