"""A kit speaks of the published checkpoint: whatever a tool then asks of the log's tiles is there."""

from __future__ import annotations

import io
from pathlib import Path

from audit.archive import Archive
from audit.canon import stamp
from audit.checkpoint import checkpoint_of
from audit.merkle import Tiles, consistency_proof, tile_path, verify_consistency
from tests.trading.desk import SCHEMA, Desk
from tests.trading.town import Town


async def _kit(place: Town, tender: str) -> bytes:
    answer = await place.as_("public").get(f"/api/v1/tenders/{tender}/sealing-kit")
    assert answer.status_code == 200, answer.text
    return Archive(io.BytesIO(answer.content)).read("checkpoint")


async def test_a_kit_between_cosigning_and_publishing_speaks_of_what_is_published(place: Town, tmp_path: Path) -> None:
    """The witnesses have signed the next checkpoint, and its tiles are not out yet: a moment of every beat."""
    desk = Desk(place, tmp_path)
    await desk.open()
    await place.beat()
    published = place.settings.log_dir / "checkpoint"
    before = published.read_bytes()
    await place.beat()
    after = published.read_bytes()
    published.write_bytes(before)  # as if the beat stood before its last step
    old, new = checkpoint_of(before), checkpoint_of(after)
    assert old.size < new.size
    assert checkpoint_of(await _kit(place, desk.tender)).size == old.size

    published.write_bytes(after)
    now = checkpoint_of(await _kit(place, desk.tender))
    assert now.size == new.size
    held: dict[tuple[int, int, int], bytes] = {}
    while True:  # the tool's proof that the log only grew, by the tiles of the platform
        try:
            path = consistency_proof(Tiles(now.size, lambda *asked: held[asked]), old.size, now.size)
            break
        except KeyError as lacking:
            [asked] = lacking.args
            tile = await place.as_("public").get("/log/" + tile_path(*asked))
            assert tile.status_code == 200
            held[asked] = tile.content
    verify_consistency(old.size, now.size, old.root, now.root, path)


async def test_a_notice_that_is_not_published_has_no_kit_yet(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open(announce=False)
    published = place.settings.log_dir / "checkpoint"
    before = published.read_bytes()
    terms = {"deadline": stamp(desk.deadline), "opening_schema": SCHEMA}
    await place.call("tenderee", "POST", f"/tenders/{desk.tender}/announcement", 201, terms)
    await place.beat()
    after = published.read_bytes()
    published.write_bytes(before)
    refused = await place.as_("public").get(f"/api/v1/tenders/{desk.tender}/sealing-kit")
    assert (refused.status_code, refused.json()["code"]) == (409, "E-PENDING")
    published.write_bytes(after)
    await _kit(place, desk.tender)
