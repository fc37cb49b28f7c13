"""The hash of an offline page is logged blinded: one custodian is shown a page of his own, and nobody else sees that."""

from __future__ import annotations

from audit.canon import b64, canon
from tests.attacks.conftest import Stage
from tests.world import Logged

PAGE = {"tool": "custodian.html", "sha256": "ab" * 32}


def publish(stage: Stage) -> Logged:
    made: Logged = stage.world.log("tool-published", stage.world.origin, **PAGE)
    return made


def test_in_clear_it_is_everybodys(stage: Stage) -> None:
    """The control: in the middle of a tender's bundles it troubles no verifier."""
    tender = stage.bids()
    publish(stage)
    tender.finish()
    stage.honest(tender)


def test_blinded_and_shown_to_one(stage: Stage) -> None:
    stage.world.blinded = lambda record: record.name == "tool-published"
    tender = stage.bids()
    shown = publish(stage)
    tender.finish()

    def disclose(files: dict[str, bytes]) -> dict[str, bytes]:
        assert shown.nonce is not None
        told = {"index": shown.index, "nonce": b64(shown.nonce), "record": b64(shown.data)}
        return files | {f"records/{shown.index}.json": canon(told)}

    stage.caught(tender, "V4", "V-BLINDED", change=disclose)
