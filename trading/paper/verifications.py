"""What `trading verify` found, as a paper: whose keys were trusted, every step, every fault (log.md §8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from audit.report import Fault, Report, Status, Step, Verification
from trading.messages import EN, ZH, say
from trading.paper.figures import moment
from trading.paper.press import Mark, press

MOST_SHOWN = 20
"""Faults and notes of one step on paper; how many more there are is said."""
Said = Callable[[Step], str]
Sentence = Callable[[Fault, str], str]


def verification_report(
    found: Verification, mark: Mark, at: datetime, *, hashes: Sequence[str], said: Said, sentence: Sentence
) -> bytes:
    """`hashes`: SHA-256 (hex) of each archive, in their order; `said` the code of what is said of a step's status;
    `sentence` a fault in a language; `at`: when it was verified, which alone tells two papers of one finding apart.

    Refused: PAPER-GLYPH.
    """
    value = {
        "issuer": ", ".join(dict.fromkeys(plain(one.origin) for one in found.reports if one.origin)),
        "at": moment(at),
        "holds": found.exit == 0,
        "reports": [_report(one, digest, said, sentence) for one, digest in zip(found.reports, hashes, strict=True)],
    }
    return press("verification", value, mark, at)


_ODD = re.compile(r"[^\n\x20-\x7e\u00b7\u2013\u2014\u2018-\u201d\u2026\u3001-\u301b\u4e00-\u9fa5\uff01-\uff5e]")


def plain(text: str) -> str:
    r"""A text out of an archive, printable whatever stands in it: odd characters as `\u{202E}`.

    Elsewhere such a character is refused. The report about a hostile archive must be printed all the same.
    """
    return _ODD.sub(lambda odd: f"\\u{{{ord(odd.group()):04X}}}", text)


def _report(report: Report, digest: str, said: Said, sentence: Sentence) -> dict[str, Any]:
    return {
        "file": plain(report.path.name),
        "sha256": digest,
        "tender": plain(report.tender),
        "edition": report.edition,
        "origin": plain(report.origin),
        "size": str(report.size),
        "trusted": report.trusted,
        "keys": [plain(key) for key in report.keys],
        "failed": report.failed.code if report.failed else "",
        "steps": [_step(one, said, sentence) for one in report.steps],
    }


def _step(step: Step, said: Said, sentence: Sentence) -> dict[str, Any]:
    def shown(found: Sequence[Fault]) -> list[dict[str, str]]:
        return [{"at": plain(one.at), "zh": plain(sentence(one, ZH)), "en": ""} for one in found[:MOST_SHOWN]]

    status = said(step)
    return {
        "code": step.code,
        "title": {"zh": say(step.code, ZH), "en": say(step.code, EN)},
        "status": {"zh": say(status, ZH), "en": say(status, EN)},
        "failed": step.status is Status.FAIL,
        "faults": shown(step.faults),
        "notes": shown(step.notes),
        "more": str(max(0, len(step.faults) - MOST_SHOWN) + max(0, len(step.notes) - MOST_SHOWN)),
    }
