"""Boxes that another implementation filled, closed and opened from the texts alone: counted and opened again here."""

from pathlib import Path
from typing import Any

import pytest

from audit.archive import Archive
from audit.canon import parse, unb64
from audit.merkle import unpack_entries
from bidding.custody import Release, released_shares
from bidding.keys import Keyset
from bidding.manifest import Manifest
from bidding.registrations import Keyring, Registration, Withdrawal, acting_key
from bidding.tally import COUNTED, SignedAct, Tally, tally
from bidding.unseal import unseal

FOLDER = Path(__file__).parent.parent / "vectors" / "archives"
ARCHIVES = sorted(FOLDER.glob("*.supervision.zip"))
SCHEMA: dict[str, dict[str, Any]] = {"days": {"kind": "int", "max": 3650, "min": 1}, "price": {"kind": "fen", "min": 1}}


def counted(archive: Archive) -> tuple[str, Tally]:
    records = []
    for name in archive.names:
        if name.startswith("records/"):
            records.append((parse(archive.read(name))["index"], unb64(parse(archive.read(name))["record"])))
    acts: dict[str, SignedAct] = {}
    for name in archive.names:
        if name.endswith("/manifest.json"):
            manifest = Manifest.parse(archive.read(name))
            acts[manifest.hash] = SignedAct(manifest, acting_key(parse(archive.read(name[:-13] + "sig.json"))))
        elif name.endswith("/withdrawal.json"):
            value = parse(archive.read(name))
            made = Withdrawal.parse(unb64(value["withdrawal"]))
            acts[made.hash] = SignedAct(made, acting_key(value["sig"]))
    events = [data for _, data in sorted(records) if parse(data)["type"] in COUNTED]
    registered = [parse(data) for data in events if "registration" in parse(data)]
    keyring = Keyring(Registration.parse(unb64(record["registration"])) for record in registered)
    tender = str(parse(archive.read("archive.json"))["tender"])
    return tender, tally(["form", "documents"], events, acts, keyring, tender=tender, min_bids=3)


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_their_closings_are_what_we_count(path: Path) -> None:
    with Archive.open(path) as archive:
        tender, found = counted(archive)
        bundles = [archive.read(name) for name in archive.names if name.startswith("tile/entries/")]
    closings = [
        record
        for bundle in bundles
        for entry in unpack_entries(bundle)
        if entry[:1] == b"\2" and (record := parse(entry[1:]))["type"] == "trading.closed/v1"
        if record["tender"] == tender
    ]
    assert len(closings) == 2
    for closing in closings:
        stage = found.stages[closing["stage"]]
        ours = (stage.count, stage.list_root, stage.events, stage.events_root, found.opens)
        assert ours == tuple(closing[name] for name in ("count", "list_root", "events", "events_root", "opens"))


def test_their_envelopes_open_as_they_said() -> None:
    opened = 0
    for path in ARCHIVES:
        with Archive.open(path) as archive:
            _, found = counted(archive)
            keysets = [Keyset.parse(archive.read(name)) for name in archive.names if name.startswith("keysets/")]
            releases = [
                Release.parse(unb64(parse(archive.read(name))["release"]))
                for name in archive.names
                if name.startswith("releases/")
            ]
            for keyset in keysets:
                mine = [release for release in releases if release.keyset == keyset.id]
                for one in found.stages[keyset.stage].listed if mine else ():
                    manifest = one.manifest
                    place = f"bids/{manifest.bid}/{manifest.stage}/{manifest.seq}/"
                    shares = released_shares(mine, manifest.bid, manifest.seq)
                    payload = archive.read(place + "payload")
                    result = unseal(manifest, payload, shares, keyset, schema=SCHEMA)
                    said = parse(archive.read(place + "opened.json"))
                    assert result.json(unvouched=found.unvouched[manifest.bid]) == said
                    opened += 1
    assert opened == 8
