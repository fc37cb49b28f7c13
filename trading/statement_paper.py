"""A statement of accounts as the paper that is signed and hung out: its table, its sentence, its footnotes. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time

from audit.canon import canon, sha256_hex
from trading import statement as s
from trading.messages import EN, ZH, say
from trading.paper.press import Mark
from trading.paper.statements import Column, Statement
from trading.paper.statements import statement as press
from trading.statement_chart import chart
from trading.statement_words import footnotes, sentence, table


def write_pdf(made: s.Statement, issuer: str = "", link: str = "") -> bytes:
    """PDF/A, dated by the statement's last day: the same statement gives the same bytes. Refused: PAPER-GLYPH.

    `link`: the platform's address; then the QR code names the page of the statement and each row its trades.
    """
    shown = table(made, ZH)
    day = made.end or datetime.fromtimestamp(0, UTC).date()
    period = say("statement.title", ZH, start=made.start, end=made.end, unit=shown.unit)
    keys = [row.key for row in (*made.rows, made.total)]
    asked = made.query.asked()
    where = (
        say("statement.keys.link", ZH, link=f"{link}/trade-lines", asked=asked) if link else say("statement.keys", ZH)
    )
    paper = Statement(
        title=say("statement.paper", ZH),
        subtitle=say("statement.paper", EN),
        issuer=issuer or made.source,
        period=period if made.start else say("statement.none", ZH),
        unit="",  # the line of the period says it
        at=datetime.combine(day, time(), UTC),
        columns=[Column(say(head, ZH), say(head, EN), bool(place)) for place, head in enumerate(shown.heads)],
        rows=shown.rows[:-1],
        total=shown.rows[-1],
        footnotes=[*footnotes(made, ZH), where],
        words=sentence(made, ZH),
        keys=keys,
        links=[f"{link}/trade-lines?{figure}" for figure in shown.figures] if link else (),
        chart=chart(made, ZH, both=True),
    )
    return press(
        paper, Mark(sha256_hex(canon(s.plain(made))), "statement", f"{link}/statements?{asked}" if link else "")
    )
