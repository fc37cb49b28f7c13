"""A lot is tendered again after it came to nothing: the new tender says after which one, and never twice after the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from audit.canon import b64, stamp
from bidding import keys
from tests.trading.desk import SCHEMA, Desk
from tests.trading.town import Town


async def test_a_lot_that_stayed_shut_is_tendered_again_and_says_so(place: Town, tmp_path: Path) -> None:
    desk = Desk(place, tmp_path)
    await desk.open()
    first, lot = desk.tender, desk.tender.partition("@")[0]
    refused = await place.call("tenderee", "POST", "/tenders", 409, {"lot": lot})
    assert refused["code"] == "T-TENDERED"  # the first one lives
    assert await desk.wait() == "shut"  # nobody came
    await place.beat()

    again = await place.call("tenderee", "POST", "/tenders", 201, {"lot": lot})
    assert again["predecessor"] == first and again["id"] != first
    refused = await place.call("tenderee", "POST", "/tenders", 409, {"lot": lot})
    assert refused["code"] in ("T-TENDERED", "W-CHECKPOINT")
    deadline = datetime.fromisoformat(again["now"]) + timedelta(hours=1)
    keysets = {
        stage: b64(
            keys.make_keyset(
                [c.statement for c in desk.custodians if c.statement],
                origin=place.settings.origin,
                tender=again["id"],
                stage=stage,
                k=desk.k,
                opens_at=deadline,
            ).data
        )
        for stage in desk.stages
    }
    path = f"/tenders/{again['id']}"
    await place.call("tenderee", "POST", f"{path}/keysets", 201, {"keysets": keysets})
    body = {"deadline": stamp(deadline), "opening_schema": SCHEMA}
    shown = await place.call("tenderee", "POST", f"{path}/announcement", 201, body)
    assert shown["predecessor"] == first
    page = (await place.as_("public").get(f"/t/{again['id']}")).text
    assert f"/t/{first}" in page
