"""The whole history is written again and signed again, with witnesses of the operator's own making."""

from __future__ import annotations

from tests.attacks.conftest import Stage
from tests.world import World, seeded


def test_re_sign(stage: Stage) -> None:
    class Forged(World):
        def _policy(self) -> bytes:
            self.witnesses = {name: seeded(f"forged {name}") for name in self.witnesses}
            return super()._policy()

    true = stage.world
    stage.world = Forged(stage.folder / "forged")
    stage.fir, stage.oak, stage.ash = (stage.world.bidder(name) for name in ("fir", "oak", "ash"))
    tender = stage.bids()
    tender.finish()
    assert true.policy != stage.world.policy
    stage.caught(tender, "V2", "N-QUORUM")


def test_by_itself_it_agrees_with_itself_and_says_so(stage: Stage) -> None:
    from tests.browser.judge import verify

    tender = stage.bids()
    tender.finish()
    path = tender.write("public", stage.folder / f"{tender.id}.public.zip")
    report = verify([path]).reports[0]
    assert report.exit == 0 and not report.trusted
