"""The press: a template and its values become PDF/A-2u, and the same values the same bytes.

Whatever could differ between two runs is pinned: the date of the document is the date of its fact, the fonts are those of
the locked packages and never the machine's. PDF/A is what makes a missing character an error: outside it the typesetter
prints a box, and somebody's name is gone.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import pylopdf_fonts_zh_cn as fonts
import segno
import typst

from audit.refusal import Refused
from trading.law.calendar import LEGAL_ZONE
from trading.messages import catalogue

TEMPLATES: Final = Path(__file__).parent / "templates"
STANDARD: Final = "a-2u"
"""PDF/A-2, with a Unicode for every glyph: what is printed can be read out, searched and copied."""
DOTS: Final = 200.0
"""Dots an inch of a picture for print."""

_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)
"""Controls and marks that turn the direction of a line: they print nothing, and could print a name backwards."""


@dataclass(frozen=True)
class Mark:
    """What a paper points at: the `sha256` (hex) of the fact it was made from, and a permalink, or "" if there is none.

    `about` says what the hash is of: a code of the catalogue under `paper.hash.`; `checked` how it was checked before it was
    printed: under `paper.checked.`, or "" where the paper itself says so.
    """

    sha256: str
    about: str
    link: str = ""
    checked: str = ""

    @property
    def code(self) -> str:
        """What the QR code says: the permalink with the hash behind it, or the hash alone."""
        return f"{self.link}#sha256={self.sha256}" if self.link else f"sha256:{self.sha256}"


def press(template: str, value: Mapping[str, Any], mark: Mark, at: datetime) -> bytes:
    """Set one of `templates/*.typ`. `value`: strings, numbers, lists and mappings of them; `at`: the time of the fact.

    Refused: PAPER-GLYPH (a character none of the fonts has, or one that cannot be printed).
    """
    _visible(value)
    told = _common(at) | {
        "mark": {
            "sha256": mark.sha256,
            "about": mark.about,
            "link": mark.link,
            "checked": mark.checked,
            "qr": _qr(mark.code),
        },
        **value,
    }
    return _set(template, told)


def picture(template: str, value: Mapping[str, Any], at: datetime, form: Literal["svg", "png"]) -> bytes:
    """The one page of a template as a picture. It is set as PDF/A first, for only there is a missing character an error.

    Refused: PAPER-GLYPH.
    """
    _visible(value)
    told = _common(at) | dict(value)
    _set(template, told)
    return _set(template, told, form)


def _visible(value: Mapping[str, Any]) -> None:
    if hidden := _INVISIBLE.search("".join(_strings(value))):
        raise Refused("PAPER-GLYPH", characters=f"U+{ord(hidden.group()):04X}")


def _common(at: datetime) -> dict[str, Any]:
    local = at.astimezone(LEGAL_ZONE)
    return {
        "labels": _labels(),
        "date": [local.year, local.month, local.day, local.hour, local.minute, local.second],
    }


def _set(template: str, told: Mapping[str, Any], form: Literal["pdf", "svg", "png"] = "pdf") -> bytes:
    try:
        made = typst.compile(
            str(TEMPLATES / f"{template}.typ"),
            root=str(TEMPLATES),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"value": json.dumps(told, ensure_ascii=False)},
            format=form,
            **({"pdf_standards": STANDARD} if form == "pdf" else {"ppi": DOTS} if form == "png" else {}),
        )
    except typst.TypstError as error:
        if missing := _MISSING.findall(error.diagnostic):
            raise Refused("PAPER-GLYPH", characters=" ".join(_named(text) for text in dict.fromkeys(missing))) from None
        raise
    assert isinstance(made, bytes)
    return made


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """Noto Serif SC and Noto Sans SC; for Cyrillic and other letters the serif that the typesetter brings along."""
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(fonts.serif_path().parent)]
    )


@lru_cache(maxsize=1)
def _labels() -> Mapping[str, Mapping[str, str]]:
    """Every sentence that papers use: {code without `paper.`: {"zh", "en"}}."""
    return {code.removeprefix("paper."): words for code, words in catalogue().items() if code.startswith("paper.")}


def _qr(text: str) -> str:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", border=2, xmldecl=False, svgns=True)
    return out.getvalue().decode()


def _named(text: str) -> str:
    return " ".join(f"{letter} (U+{ord(letter):04X})" for letter in text)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _strings(item)]
    return []
