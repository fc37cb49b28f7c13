"""A manifest bears a signature nobody can check."""

from __future__ import annotations

from typing import Any

from audit.canon import b64
from tests.attacks.conftest import Stage


class _Unknown:
    """Signs by an algorithm of no text."""

    def __init__(self, signer: Any) -> None:
        self.alg, self.key = "SM2-SM3", signer.key

    def sign(self, message: bytes) -> dict[str, str]:
        return {"alg": self.alg, "key": b64(self.key), "sig": b64(bytes(64))}


def test_unknown_signature_algorithm(stage: Stage) -> None:
    tender = stage.bids()
    tender.deposit(stage.ash, 60_000_000, bid=tender.bids[2], signer=_Unknown(stage.ash.signer))
    tender.finish()
    stage.caught(tender, "V8", "E-SIG")
