"""`verify`: the supervision edition of 200 opened bids of a MiB, bids/s, with `trading verify`'s own function.

Limit: the cryptography alone, over the same archive: SHA-256 of every member and of the tree, every Ed25519 signature
(of bids, registrations, releases, checkpoints), and every opening.
"""

from __future__ import annotations

import os
import time
import zipfile
from base64 import b64decode
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from audit.canon import parse
from audit.checkpoint import Note
from audit.merkle import unpack_entries
from audit.trust import Policy
from bidding.keys import Keyset
from bidding.manifest import PREFIX, Manifest
from bidding.registrations import REGISTRATION
from tests.bench import limits
from tests.bench.centre import gather, house
from tests.bench.closed import Tender, as_limit, closed, released
from tests.bench.measure import Result, alternate
from trading import archiving
from trading.verify import verify

RELEASE = b"trading/release/v1\n"


def run(folder: Path, tiny: bool) -> Iterator[Result]:
    """Open, award, archive, verify."""
    yield from gather(_run(folder, tiny))


async def _run(folder: Path, tiny: bool) -> AsyncIterator[Result]:
    count, turns = (3, 1) if tiny else (200, 6)
    async with house(folder) as settings:
        async with closed(settings, folder, count) as made:
            path = await _archived(made)
    limit = _Limit(path)

    def code() -> float:
        begun = time.perf_counter()
        found = verify([path], settings.policy_path, settings.parties_path)
        took = time.perf_counter() - begun
        assert found.exit == 0, str(found.reports[0].failed)[:400]
        return count / took

    measured = alternate(code, lambda: count / limit.run(), turns)
    yield Result.of(
        "verify", "1/s", measured, 0.5, note=f"{path.stat().st_size >> 20} MiB, {limit.signatures} signatures"
    )


async def _archived(made: Tender) -> Path:
    """Open the tender, award it and archive it."""
    town, tender = made.town, made.tender
    await town.timers.run_due()
    await town.settle()
    await town.call("tenderee", "POST", f"/tenders/{tender}/candidates", 201)
    await town.call("tenderee", "POST", f"/tenders/{tender}/award", 201, {})
    await town.settle()
    await town.push(timedelta(minutes=1))
    await town.as_("operator").post(f"/api/v1/tenders/{tender}/archive")
    while True:
        await town.beat()
        answer = await town.as_("operator").post(f"/api/v1/tenders/{tender}/archive")
        if answer.status_code == 201:
            return archiving.edition_path(town.platform, tender, "supervision")
        assert answer.json()["code"] == "E-PENDING", answer.text


class _Limit:
    """What an archive's cryptography works on, as plain values."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_RDONLY)
        self.members: dict[str, Callable[[], bytes]] = {}
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                start = info.header_offset + 30 + len(info.filename)
                self.members[info.filename] = partial(os.pread, self.file, info.file_size, start)
        read = {name: member() for name, member in self.members.items() if not name.endswith("/payload")}
        self.entries = [e for name, data in read.items() if name.startswith("tile/") for e in unpack_entries(data)]
        self.envelopes = list(self._envelopes(read))
        self.signed = list(self._signed(read))

    @property
    def signatures(self) -> int:
        return len(self.signed)

    def run(self) -> float:
        """Seconds."""
        begun = time.perf_counter()
        limits.hash_members(self.members.values())
        limits.tree_hash(self.entries)
        limits.verify_signatures(self.signed)
        limits.open_envelopes(self.envelopes)
        return time.perf_counter() - begun

    def _envelopes(self, read: dict[str, bytes]) -> Iterator[limits.Sealed]:
        shares: dict[tuple[str, str], dict[int, bytes]] = defaultdict(dict)
        for name, data in read.items():
            if name.startswith("releases/"):
                i, given = released(b64decode(parse(data)["release"]))
                for bid, share in given.items():
                    shares[name.split("/")[1], bid][i] = share
        keysets = {name[8:-5]: Keyset.parse(data) for name, data in read.items() if name.startswith("keysets/")}
        for name, data in read.items():
            if name.endswith("/manifest.json"):
                manifest = Manifest.parse(data)
                payload = self.members[name.replace("manifest.json", "payload")]
                keyset = keysets[manifest.context.keyset]
                yield as_limit(keyset, manifest, shares[manifest.stage, manifest.bid], payload)

    def _signed(self, read: dict[str, bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
        def each(sig: list[Any], message: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
            for one in sig:
                yield b64decode(one["key"]), b64decode(one["sig"]), message

        policy = Policy.parse(read["policy.txt"])
        keys = {(vkey.name, vkey.keyid): vkey.public for vkey in (*policy.logs, *policy.witnesses.values())}
        for name, data in read.items():
            if name.endswith("/sig.json"):
                yield from each(parse(data), PREFIX + read[name.replace("sig.json", "manifest.json")])
            elif name.startswith("registrations/"):
                value = parse(data)
                yield from each(value["sig"], REGISTRATION + b64decode(value["registration"]))
            elif name.startswith("releases/"):
                value = parse(data)
                yield from each(value["sig"], RELEASE + b64decode(value["release"]))
            elif name.startswith("checkpoint"):
                yield from _cosigned(data, keys)


def _cosigned(data: bytes, keys: dict[tuple[str, bytes], bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The signatures of a note: the log's over its body, a witness's over its time and the body."""
    note = Note.parse(data)
    for line in note.signatures:
        time, signature = line.signature[:-64], line.signature[-64:]
        said = b"cosignature/v1\ntime %d\n" % int.from_bytes(time, "big") if time else b""
        yield keys[line.name, line.keyid], signature, said + note.body
