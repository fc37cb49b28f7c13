"""A file that no record names is put into the archive, its own hash as its name."""

from __future__ import annotations

import pytest

from audit.canon import canon, sha256_hex
from tests.attacks.conftest import Stage

SHEET = canon({"type": "trading.sheet/v1", "score": 100})
FILES = {
    "keyset": (f"keysets/{sha256_hex(SHEET)}.json", SHEET, "V7"),
    "statement": (f"statements/{'0' * 64}.json", canon({"statement": "", "sig": []}), "V7"),
    "registration": (f"registrations/{'0' * 64}.json", canon({"registration": "", "sig": []}), "V8"),
    "manifest": (f"bids/{'0' * 32}/form/1/manifest.json", SHEET, "V8"),
    "release": ("releases/form/4.json", canon({"release": "", "sig": []}), "V10"),
    "payload": (f"bids/{'0' * 32}/form/1/payload", b"x", "V11"),
    "sheet": (f"evaluation/sheets/{sha256_hex(SHEET)}.json", SHEET, "V14"),
    "draw": ("draw/D-1/1/secret.json", canon({"secret": "0" * 64}), "V13"),
    "probe": (f"probes/{'0' * 64}.json", canon({"probe": "", "sig": []}), "V6"),
    "letter": ("letter.txt", b"to whom it may concern", "V1"),
}


@pytest.mark.parametrize("name", FILES)
def test_unbound_file(name: str, stage: Stage) -> None:
    path, data, step = FILES[name]
    tender = stage.bids()
    tender.finish()
    code = "V-UNBOUND" if name == "sheet" else "V-STRAY"
    stage.caught(tender, step, code, editions=["supervision"], change=lambda files: {**files, path: data})
