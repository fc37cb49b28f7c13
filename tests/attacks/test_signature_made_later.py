"""A deposit is logged without its firm's signature, which is asked for when the firm has won."""

from __future__ import annotations

from audit.canon import canon
from bidding.manifest import PREFIX
from tests.attacks.conftest import Stage
from tests.world import seeded


def test_signature_made_later(stage: Stage) -> None:
    tender = stage.bids()
    tender.deposit(stage.ash, 60_000_000, bid=tender.bids[2], signer=seeded("operator"))
    handed = tender.bids[2].last("form")
    for stage_name in tender.stages:
        handed = tender.bids[2].last(stage_name)
        place = f"bids/{tender.bids[2].id}/{stage_name}/2/sig.json"
        handed.sig[:] = [stage.ash.signer.sign(PREFIX + handed.manifest.data)]
        tender.files[place] = canon(handed.sig)
    tender.finish()
    stage.caught(tender, "V8", "V-SIG-HASH")
