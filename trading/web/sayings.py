"""Which details (`why: …` of the catalogue) the browser's modules can say: read off their own text, so that a page carries
those and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from trading.messages import REASON, catalogue, phrase
from trading.web.verify_page import FOLDERS

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
PART = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")


def literals(text: str) -> list[str]:
    """The texts in a module, `0` for what it fills in."""
    return [PART.sub("0", found[1] or found[2] or "") for found in LITERAL.finditer(text)]


@lru_cache(maxsize=1)
def sayable() -> frozenset[str]:
    """Codes of the details that stand in some module."""
    files = (path for folder in FOLDERS.values() for path in folder.glob("*.js"))
    said = {text for path in files for text in literals(path.read_text("utf-8"))}
    return frozenset(code for code in map(phrase, said) if code)


def details(key: str) -> Mapping[str, str]:
    """{code: sentence} of all of them, `key` being `zh` or `en`."""
    return {code: told[key] for code, told in catalogue().items() if code.startswith(REASON) and code in sayable()}
