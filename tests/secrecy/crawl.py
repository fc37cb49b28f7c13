"""Everything that anybody can fetch, by role, and what is left of it when random values are put aside.

Operations come from the application's own table, so a new one is crawled without a change here.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pypdf

from audit.archive import Archive
from audit.checkpoint import checkpoint_of
from audit.merkle import TILE, entries_path, tile_path, unpack_entries
from trading.web import app as app  # importing it declares every operation
from trading.web.api import operations

Fetch = Callable[[str, str], Awaitable[httpx.Response]]
PAGES = (
    "/",
    "/?lang=en",
    "/p/{project}",
    "/t/{tender}",
    "/t/{tender}?lang=en",
    "/search?q=道",
    "/t/{tender}/papers/opening.pdf",
    "/t/{tender}/papers/candidates.pdf",
    "/t/{tender}/papers/award.pdf",
    "/t/{tender}/papers/contract.pdf",
    "/ledger",
    "/statements",
    "/statements?by=organisation",
    "/statements.pdf",
    "/statements.csv",
    "/statements.xlsx",
    "/statements.svg",
    "/trade-lines?key=all",
    "/imported",
    "/proof",
    "/verify",
    "/why",
    "/log",
    "/status",
    "/open-data",
    "/open-data/api",
    "/open-data/api/get_tender",
    "/help",
    "/accessibility",
    "/t/{tender}/archive",
)
MACHINES = ("/healthz", "/readyz", "/openapi.json", "/events", "/events?limit=7", "/disclosures", "/log/policy.txt")
MACHINES += ("/ocds/releases.jsonl", "/ocds/compiled.jsonl", "/ocds/projects/{project}")
MACHINES += ("/log/parties.txt", "/log/genesis", "/log/status", "/log/checkpoint")


OF_PANELS = {"reading": ["0" * 32], "seat": ["1"], "label": ["A", "B"], "n": ["1"]}
"""What paths of a panel name besides its tender; another crawl may know better values."""


@dataclass(frozen=True)
class Seen:
    """One answer."""

    role: str
    path: str
    answer: httpx.Response


def paths(names: Mapping[str, Sequence[str]]) -> list[str]:
    """Every GET operation with every known value in its path, then pages and machine files."""
    found = [o.path for o in operations.values() if o.method == "GET"] + [*PAGES, *MACHINES]
    for name, values in {**OF_PANELS, **names}.items():
        found = [
            path.replace("{" + name + "}", value)
            for path in found
            for value in (values if "{" + name + "}" in path else [""])
        ]
    assert len(found) > 25, "the operations are not declared"
    left = [path for path in found if "{" in path]
    assert not left, f"a new kind of path, which the crawl knows no value for: {left}"
    return found


async def crawl(fetch: Fetch, roles: Sequence[str], names: Mapping[str, Sequence[str]]) -> AsyncIterator[Seen]:
    """Everything, as every role."""
    for role in roles:
        for path in paths(names):
            yield Seen(role, path, await fetch(role, path))


async def crawl_log(fetch: Fetch) -> AsyncIterator[Seen]:
    """Tiles and, as one, all entry bundles up to the published checkpoint."""
    checkpoint = await fetch("public", "/log/checkpoint")
    size, entries = checkpoint_of(checkpoint.content).size, b""
    for number in range(-(-size // TILE)):
        width = min(TILE, size - number * TILE)
        tile = "/log/" + tile_path(0, number, width).lstrip("/")
        yield Seen("public", tile, await fetch("public", tile))
        bundle = await fetch("public", "/log/" + entries_path(number, width).lstrip("/"))
        assert bundle.status_code == 200
        entries += bundle.content
    yield Seen("public", "/log/tile/entries/", httpx.Response(200, content=entries))


# ------------------------------------------------------------------------------------------------ random values aside

PLACES = frozenset({"logindex", "logIndex", "index", "sequence", "id"})
"""Numbers that say at which of a beat's places, drawn at random, a record stands (`id` of an event is its index)."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?")
_RANDOM = re.compile(r"[0-9a-f]{8,}|[A-Za-z0-9+/_-]{22,}={0,2}")
_AFTER = re.compile(r"after=-?\d+(\.\d+)?")
_PLACE = re.compile(r'(class="idx"[^>]*>)\d+')
_BRIEF = re.compile(r"(?:[0-9a-f]{4} ?){3}… [0-9a-f]{4}")
_CLOCKED = re.compile(r"(<(\w+) data-clock>).*?</\2>", re.DOTALL)
"""What a page says by the clock alone: whether the last beat is four beats ago when it is asked."""
_NUMBERED = re.compile(r"\d+(\.json|\.tlog-proof)?")
SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SET = ("application/pdf", "image/png", "image/svg+xml", SHEETS)
SHUFFLED = ("/people", "/tokens")
"""Lists in the order of random ids, a page of them: their number is compared, and what each line tells."""


def said(answer: httpx.Response) -> bytes:
    """All that an answer says: its headers, its bytes, and what lies in them behind a compression."""
    data, media = answer.content, answer.headers.get("content-type", "").partition(";")[0]
    whole = str(answer.headers).encode() + data
    if media == "application/zip":
        archive = Archive(io.BytesIO(data))
        whole += b"".join(archive.read(name) for name in archive.names)
    elif media == SHEETS:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            whole += b"".join(book.read(name) for name in book.namelist())
    elif media == "application/pdf":
        whole += printed(data)
    return whole


def printed(paper: bytes) -> bytes:
    """The text of a paper, without the blanks that set it."""
    pages = pypdf.PdfReader(io.BytesIO(paper)).pages
    return "".join("".join(page.extract_text().split()) for page in pages).encode()


def shape(seen: Seen) -> Any:
    """Status, headers and body; lengths of random values, places in a beat and the times of day are put aside."""
    answer = seen.answer
    media = answer.headers.get("content-type", "").partition(";")[0]
    headers = {k: _masked(v) for k, v in answer.headers.items() if k not in ("date", "content-length")}
    return answer.status_code, headers, _body(answer.content, media, seen.path)


def _body(body: bytes, media: str, path: str) -> Any:
    if "/tile/entries/" in path:
        return _entries(body)
    if "/tile/" in path:
        return len(body)
    if media == "application/zip":
        return _archive(body)
    if media in SET:  # set anew of the same facts: the same bytes, whoever asks
        return hashlib.sha256(body).hexdigest()
    if media == "application/jsonl":  # the order within a beat is drawn at random
        return sorted((_value(json.loads(line), False) for line in body.splitlines()), key=repr)
    if "json" in media and body:
        found = _value(json.loads(body), "events" in path)
        if path.endswith(SHUFFLED) and "items" in found:
            found["items"] = [sorted(item) for item in found["items"]]
        return found
    return _masked(body.decode())


def _entries(body: bytes) -> Any:
    """The entries of each beat as a multiset of (kind, length): their order within it is drawn at random."""
    beats: list[list[tuple[int, int]]] = [[]]
    for entry in unpack_entries(body):
        if entry[0] == 3:  # a beat's marker
            beats.append([])
        beats[-1].append((entry[0], len(entry)))
    return [sorted(beat) for beat in beats]


def _archive(body: bytes) -> Any:
    """Names and sizes of members, places in the log put aside; proofs differ in length by their place."""
    archive = Archive(io.BytesIO(body))
    found: Counter[tuple[str, Any]] = Counter()
    for name in archive.names:
        data = archive.read(name)
        kind = "/".join(
            "#" if re.fullmatch(r"\d+(\.json|\.tlog-proof)?", part) else _masked(part) for part in name.split("/")
        )
        exact = name.endswith(".json") and not name.startswith(("records/", "archive", "frontier", "disclos"))
        found[kind, len(data) if exact else None] += 1
    return sorted(found.items(), key=str)


def _value(value: Any, events: bool, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _value(v, events, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_value(one, events) for one in value]
    if key in PLACES and value is not None and (events or key != "id"):
        return "place"
    if key == "time" and isinstance(value, int):  # of a cosignature, in seconds
        return "time"
    return _masked(value) if isinstance(value, str) else value


def _masked(text: str) -> str:
    text = _TIME.sub("time", _CLOCKED.sub(r"\1", text))
    text = _BRIEF.sub("brief", text)
    text = _RANDOM.sub(lambda found: f"<{len(found[0])}>", text)
    return _PLACE.sub(r"\1place", _AFTER.sub("after=place", text))
