"""Whatever the browser's modules refuse, the catalogue says in both languages: a page shows a sentence, never a code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trading import messages
from trading.messages import LANGUAGES

FOLDER = Path(__file__).parents[2] / "bidding" / "browser"
CODE = re.compile(r'"([A-Z]-[A-Z]+(?:-[A-Z]+)*)"')
VERDICTS = {"X-STORE", "X-PAYLOAD", "X-QUORUM", "X-COMMIT", "X-BOX", "X-CONTAINER"}


def codes(text: str) -> set[str]:
    """Codes that stand in a module as such; verdicts are no refusals."""
    return set(CODE.findall(text)) - VERDICTS


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_every_code_has_its_sentence(path: Path) -> None:
    for code in codes(path.read_text("utf-8")):
        for lang in LANGUAGES:
            assert messages.say(code, lang) != code, f"{code} in {lang}"


def test_a_code_without_one_is_seen() -> None:
    assert codes('throw new Refused("E-NOBODY-SAYS-IT", {})') == {"E-NOBODY-SAYS-IT"}
    assert messages.say("E-NOBODY-SAYS-IT", "en") == "E-NOBODY-SAYS-IT"
    assert len(set.union(*(codes(path.read_text("utf-8")) for path in FOLDER.glob("*.js")))) > 20
