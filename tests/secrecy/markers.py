"""Planted markers: 32 random bytes that begin with one stem, and the search for the stem in whatever form it may lie."""

from __future__ import annotations

import base64
import mmap
import secrets
from collections.abc import Iterator
from pathlib import Path

STEM = 16


def stem() -> bytes:
    """What all markers of one test begin with: no chance hit in a lifetime, and one search for all of them."""
    return secrets.token_bytes(STEM)


def marker(stem: bytes) -> bytes:
    """A marker of 32 bytes."""
    return stem + secrets.token_bytes(32 - len(stem))


def patterns(stem: bytes) -> dict[str, bytes]:
    """The stem raw, as hexadecimal and as base64 at each alignment; and each of these in UTF-16, hexadecimal, base64."""
    first = {"raw": stem, "hex": stem.hex().encode(), "HEX": stem.hex().upper().encode(), **_base64("base64", stem)}
    second = dict(first)
    for name, form in first.items():
        second |= {f"{name} in hex": form.hex().encode(), **_base64(f"{name} in base64", form)}
        if name != "raw":
            second |= {f"{name} in UTF-16": form.decode().encode("utf-16-le")}
            second |= {f"{name} in UTF-16 BE": form.decode().encode("utf-16-be")}
    return second


def _base64(name: str, data: bytes) -> dict[str, bytes]:
    """The characters that only depend on `data`, at each of the three places where it may begin."""
    found = {}
    for before in range(3):
        text = base64.b64encode(bytes(before) + data + bytes(3))
        found[f"{name}+{before}"] = text[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
    return found


def hits(wanted: dict[str, bytes], data: bytes | mmap.mmap) -> list[str]:
    """The forms in which the stem lies in some bytes."""
    return [name for name, pattern in wanted.items() if data.find(pattern) >= 0]


def in_files(wanted: dict[str, bytes], *roots: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every file below some folders in which the stem lies, or whose name has it."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            found = hits(wanted, str(path).encode())
            if path.stat().st_size:
                with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    found += hits(wanted, data)
            if found:
                yield path, found
