"""What every paper of a tender says first, and who bid: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trading.law.gains import TOTAL
from trading.messages import catalogue
from trading.paper.figures import offered


@dataclass(frozen=True)
class Tender:
    """A tender as papers name it. `tenderee` and `agency` are names, or codes where the archive names nobody."""

    id: str
    title: str
    tenderee: str
    agency: str
    direction: str
    method: str
    currency: str
    baseline: int | None
    origin: str
    pricing: str = TOTAL

    def offered(self, price: int) -> dict[str, str]:
        """A price of this tender, as its notice means it."""
        return offered(price, self.currency, self.pricing)

    @property
    def number(self) -> str:
        """Its id without the `@<size>`, as pages show it."""
        return bare(self.id)

    def plain(self) -> dict[str, Any]:
        """As templates take it."""
        return {
            "number": self.number,
            "id": self.id,
            "title": self.title,
            "tenderee": self.tenderee,
            "agency": self.agency,
            "direction": named("page.direction.", self.direction),
            "method": named("page.method.", self.method),
        }


@dataclass(frozen=True)
class Bidder:
    """Who bid: an organisation, its unified social credit code and its bid's id."""

    name: str
    code: str
    bid: str


@dataclass(frozen=True)
class Opened:
    """A bid as it was opened: `verdict` OK or X-…, `opening` what was read out (price in fen), `at` when."""

    bidder: Bidder
    verdict: str
    opening: Mapping[str, Any]
    unvouched: bool
    at: datetime


@dataclass(frozen=True)
class Ranked:
    """A row of the ranking: price in fen, points as a decimal or ""."""

    rank: int
    bidder: Bidder
    price: int
    points: str = ""


@dataclass(frozen=True)
class Rejected:
    """A bid that may not win, with reason and article as they were recorded."""

    bidder: Bidder
    reason: str
    article: str


def bare(tender: str) -> str:
    """A tender's id without its `@<size>`."""
    return tender.rpartition("@")[0] or tender


def named(prefix: str, code: str) -> dict[str, str]:
    """A code as people call it, in both languages; the bare code where the catalogue has none."""
    entry = catalogue().get(prefix + code)
    return {"zh": code, "en": ""} if entry is None else {"zh": entry["zh"], "en": entry["en"]}
