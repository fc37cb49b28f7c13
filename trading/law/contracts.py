"""From the award to the contract and after it: letters, reports, signing, publication, and how much may be asked.

`max` periods do not stop the act: a late contract is signed late, and the alert says so. Amounts do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from audit.refusal import Refused
from trading.law.article import Rule, article
from trading.law.bounds import Book, Due, asked, due, keep_share, most


def report_due(book: Book, evaluated: datetime) -> Due | None:
    """By when the evaluation report is with the buyer (GP-10: 2 working days)."""
    return due(book, evaluated, "GP-10")


def award_due(book: Book, received: datetime) -> Due | None:
    """By when the buyer decides, from receiving the report (GP-11: 5 working days)."""
    return due(book, received, "GP-11")


def letter_due(book: Book, awarded: datetime) -> Due | None:
    """By when the award letter is sent and the result published (GP-12: 2 working days)."""
    return due(book, awarded, "GP-12")


def filing_due(book: Book, awarded: datetime) -> Due | None:
    """By when the written report on the tender is with the supervisor (WK-47: 15 days from the award)."""
    return due(book, awarded, "WK-47")


def contract_due(book: Book, notified: datetime) -> Due | None:
    """By when the contract is signed, from the award letter (WK-46, GP-15: 30 days)."""
    return due(book, notified, "WK-46", "GP-15")


def publication_due(book: Book, signed: datetime) -> Due | None:
    """By when the contract is published (GP-17: 2 working days)."""
    return due(book, signed, "GP-17")


def copy_due(book: Book, signed: datetime) -> Due | None:
    """By when a copy of the contract is filed (GP-16: 7 working days)."""
    return due(book, signed, "GP-16")


@article("招标投标法实施条例", 57)
def check_price(amount: int, awarded: int) -> None:
    """A contract is made at the price of the award: nothing else was competed for. Raises Refused E-CONTRACT-PRICE."""
    if amount != awarded:
        raise Refused("E-CONTRACT-PRICE", amount=amount, awarded=awarded)


def check_performance(book: Book, security: int, contract: int) -> Rule | None:
    """Performance security at most 10 % of the contract (WK-48, GP-26). Raises Refused E-PERFORMANCE-OVER."""
    return keep_share(book, security, contract, "E-PERFORMANCE-OVER", "WK-48", "GP-26")


def largest_performance(book: Book, contract: int) -> int | None:
    """The most performance security that may be asked for, fen; None where the book sets no limit."""
    rule = asked(book, "WK-48", "GP-26")
    return most(contract, rule.count) if rule else None


def check_additions(book: Book, additions: Iterable[int], contract: int) -> Rule | None:
    """All supplementary contracts *together* at most 10 % of the first (GP-27). Raises Refused E-ADDITIONS-OVER."""
    return keep_share(book, sum(additions), contract, "E-ADDITIONS-OVER", "GP-27")
