"""A statement of accounts as the paper that is signed and hung out: its table, its sentence, its footnotes. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time

from audit.canon import canon, sha256_hex
from trading import statement as s
from trading.messages import EN, ZH, say
from trading.paper.press import Mark
from trading.paper.statements import Column, Statement
from trading.paper.statements import statement as press
from trading.statement_words import footnotes, sentence, table


def write_pdf(made: s.Statement, issuer: str = "", link: str = "") -> bytes:
    """PDF/A, dated by the statement's last day: the same statement gives the same bytes. Refused: PAPER-GLYPH.

    `link`: where the statement stands; the QR code names it and the hash of the statement's own values.
    """
    shown = table(made, ZH)
    day = made.end or datetime.fromtimestamp(0, UTC).date()
    period = say("statement.title", ZH, start=made.start, end=made.end, unit=shown.unit)
    paper = Statement(
        title=say("statement.paper", ZH),
        subtitle=say("statement.paper", EN),
        issuer=issuer or made.source,
        period=period,
        unit="",  # the line of the period says it
        at=datetime.combine(day, time(), UTC),
        columns=[Column(say(head, ZH), say(head, EN), bool(place)) for place, head in enumerate(shown.heads)],
        rows=shown.rows[:-1],
        total=shown.rows[-1],
        footnotes=footnotes(made, ZH),
        words=sentence(made, ZH),
    )
    return press(paper, Mark(sha256_hex(canon(s.plain(made))), "statement", link))
