"""A set of tender documents as everybody computes it: names, sizes, hashes, and one hash over them.

`set` = SHA-256 of canon({"files": [{"name", "sha256", "size"}, …]}), the files by name in ascending order. The records
`documents-issued` and `documents-amended` carry it, a bid answers it in the field `documents` of its opening. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from audit.canon import canon, sha256_hex
from audit.refusal import Refused

FIELD = "documents"
"""The field of an opening in which a bid names the set it answers."""
ANSWER: Mapping[str, Any] = {"kind": "text", "min": 64, "max": 64}
"""Its place in an opening schema: as long as the hash, and not optional."""

_HASH = re.compile(r"[0-9a-f]{64}")
LONGEST = 200  # characters of a name


def set_hash(files: Sequence[Mapping[str, Any]]) -> str:
    """The hash of a set. Refused: T-DOCUMENTS for what is none (no file, a name twice or unfit, no hash, no size)."""
    listed = [{"name": str(f["name"]), "sha256": str(f["sha256"]), "size": f["size"]} for f in files]
    check_names([f["name"] for f in listed])
    for file in listed:
        if not _HASH.fullmatch(file["sha256"]) or type(file["size"]) is not int or file["size"] < 1:
            raise Refused("T-DOCUMENTS", why="file", name=file["name"])
    return sha256_hex(canon({"files": sorted(listed, key=lambda f: f["name"])}))


def check_names(names: Sequence[str]) -> None:
    """Refused T-DOCUMENTS: an empty set, a name twice, or one that is no plain file name."""
    if not names:
        raise Refused("T-DOCUMENTS", why="empty", name="")
    for name in names:
        plain = unicodedata.normalize("NFC", name) == name and name.isprintable() and name == name.strip()
        if not plain or not 0 < len(name) <= LONGEST or name in (".", "..") or any(c in name for c in '/\\:*?"<>|'):
            raise Refused("T-DOCUMENTS", why="name", name=name)
    if len({name.casefold() for name in names}) < len(names):
        twice = next(n for n in names if sum(n.casefold() == other.casefold() for other in names) > 1)
        raise Refused("T-DOCUMENTS", why="twice", name=twice)
