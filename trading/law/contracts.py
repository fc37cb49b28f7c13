"""What a contract may say: its price is the award's, its security and its additions have a limit. Fen.

By when letters, reports, contracts and their copies are due is asked in `steps.py`: those periods stop nobody, and a late
contract is signed late, with an alert. Amounts stop.
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.refusal import Refused
from trading.law.article import Rule, article
from trading.law.bounds import Book, keep_share


@article("招标投标法实施条例", 57)
def check_price(amount: int, awarded: int) -> None:
    """A contract is made at the price of the award: nothing else was competed for. Raises Refused E-CONTRACT-PRICE."""
    if amount != awarded:
        raise Refused("E-CONTRACT-PRICE", amount=amount, awarded=awarded)


def check_performance(book: Book, security: int, contract: int) -> Rule | None:
    """Performance security at most 10 % of the contract (WK-48, GP-26). Raises Refused E-PERFORMANCE-OVER."""
    return keep_share(book, security, contract, "E-PERFORMANCE-OVER", "WK-48", "GP-26")


def check_additions(book: Book, additions: Iterable[int], contract: int) -> Rule | None:
    """All supplementary contracts *together* at most 10 % of the first (GP-27). Raises Refused E-ADDITIONS-OVER."""
    return keep_share(book, sum(additions), contract, "E-ADDITIONS-OVER", "GP-27")
