"""From the ranking to the contract: candidates' publicity 中标候选人公示, award notice 中标通知书, a contract's cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trading.paper.figures import amount, last_moment, moment
from trading.paper.press import Mark, press
from trading.paper.tenders import Bidder, Ranked, Rejected, Tender


@dataclass(frozen=True)
class Candidates:
    """`until`: when the publicity ends, as the law of this tender counts it; None where it asks for none."""

    tender: Tender
    at: datetime
    until: datetime | None
    ranked: Sequence[Ranked]
    rejected: Sequence[Rejected]


@dataclass(frozen=True)
class Award:
    """The one who wins, at the price that was ranked. Fen."""

    tender: Tender
    at: datetime
    winner: Bidder
    price: int


@dataclass(frozen=True)
class Contract:
    """`contract`: SHA-256 (hex) of the signed paper this is the cover of; `performance`: security in fen, or None."""

    award: Award
    signed: datetime
    amount: int
    performance: int | None
    contract: str


def candidates(paper: Candidates, mark: Mark) -> bytes:
    """The publicity. Refused: PAPER-GLYPH."""
    tender = paper.tender
    value = {
        "issuer": tender.origin,
        "tender": tender.plain(),
        "at": moment(paper.at),
        "until": None if paper.until is None else last_moment(paper.until),
        "pointed": any(one.points for one in paper.ranked),
        "rows": [
            {
                "rank": str(one.rank),
                "name": one.bidder.name,
                "code": one.bidder.code,
                "price": tender.offered(one.price),
                "points": one.points,
            }
            for one in paper.ranked
        ],
        "rejected": [{"name": one.bidder.name, "reason": one.reason, "article": one.article} for one in paper.rejected],
    }
    return press("candidates", value, mark, paper.at)


def award_notice(award: Award, mark: Mark) -> bytes:
    """The letter to the winner. Refused: PAPER-GLYPH."""
    return press("award", _award(award), mark, award.at)


def contract_cover(contract: Contract, mark: Mark) -> bytes:
    """The first sheet of a contract: parties, amount, and the hash of what was signed. Refused: PAPER-GLYPH."""
    currency = contract.award.tender.currency
    value = _award(contract.award) | {
        "signed": moment(contract.signed),
        "amount": contract.award.tender.offered(contract.amount),
        "performance": None if contract.performance is None else amount(contract.performance, currency),
        "contract": contract.contract,
    }
    return press("contract", value, mark, contract.signed)


def _award(award: Award) -> dict[str, object]:
    tender = award.tender
    return {
        "issuer": tender.origin,
        "tender": tender.plain(),
        "at": moment(award.at),
        "winner": {"name": award.winner.name, "code": award.winner.code},
        "price": tender.offered(award.price),
    }
