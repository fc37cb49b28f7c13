"""The closing is logged blinded, so that nobody can see whether there is a second one."""

from __future__ import annotations

from audit.canon import b64, canon
from tests.attacks.conftest import Stage


def test_blinded_and_disclosed(stage: Stage) -> None:
    stage.world.blinded = lambda record: record.name == "closed"
    tender = stage.bids()
    tender.finish()

    def disclose(files: dict[str, bytes]) -> dict[str, bytes]:
        for one in tender.closed.values():
            assert one.nonce is not None
            told = {"index": one.index, "nonce": b64(one.nonce), "record": b64(one.data)}
            files[f"records/{one.index}.json"] = canon(told)
        return files

    stage.caught(tender, "V4", "V-BLINDED", change=disclose)


def test_blinded_and_kept(stage: Stage) -> None:
    stage.world.blinded = lambda record: record.name == "closed"
    stage.world.hidden = lambda record: record.name == "closed"
    tender = stage.bids()
    tender.finish()
    stage.caught(tender, "V9", "V-UNCLOSED")
