"""Style sheets, pictures, scripts: read once, packed once, told apart by their hash.

None of them knows who asks, so packing them tells nothing of anybody (packed.py). What others wrote lies in
`static/vendor/`, each file with its version, licence and hash in `vendor.toml`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from trading.web.packed import matches, packed, takes_gzip

FOLDER = Path(__file__).parent / "static"
SCRIPT = "text/javascript; charset=utf-8"
KINDS = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": SCRIPT, ".txt": "text/plain; charset=utf-8"}
PLAIN = ("passkey.js", "live.js")
"""Scripts of ours that are no modules."""
PACKED_FROM = 1024
"""Bytes below which packing gains nothing."""


@dataclass(frozen=True)
class Kept:
    """A file as it is sent: whole, packed (b"" where that gains nothing), and the hash it is known by."""

    whole: bytes
    packed: bytes
    tag: str


@lru_cache(maxsize=256)
def kept(path: Path) -> Kept:
    """A file of the installation; it does not change while a process runs."""
    whole = path.read_bytes()
    small = packed(whole) if len(whole) >= PACKED_FROM else b""
    return Kept(whole, small if len(small) < len(whole) else b"", hashlib.sha256(whole).hexdigest()[:32])


def handed(request: Request, path: Path, media: str, headers: dict[str, str] | None = None) -> Response:
    """The file as this reader takes it (RFC 9110 §12.5.3): packed, whole, or not again."""
    file = kept(path)
    small = bool(file.packed) and takes_gzip(request)
    tag = f'"{file.tag}{"-gzip" if small else ""}"'
    sent = {"Cache-Control": "max-age=3600", "ETag": tag, "Vary": "Accept-Encoding", **(headers or {})}
    if matches(request, tag):
        return Response(status_code=304, headers=sent)
    if small:
        return Response(file.packed, headers=sent | {"Content-Encoding": "gzip"}, media_type=media)
    return Response(file.whole, headers=sent, media_type=media)


@lru_cache
def names() -> dict[str, Path]:
    """What lies below `/static/`, by name. Scripts of ours are modules (verify_page.py), but a few."""
    ours = [path for path in FOLDER.iterdir() if path.suffix in (".css", ".svg") or path.name in PLAIN]
    return {path.name: path for path in (*ours, *(FOLDER / "vendor").glob("*.js"), *(FOLDER / "vendor").glob("*.txt"))}


async def static(request: Request) -> Response:
    """`/static/<name>`."""
    path = names().get(request.path_params["name"])
    if path is None:
        raise HTTPException(404)
    return handed(request, path, KINDS[path.suffix])
