"""Bid security 投标保证金: how much, how long, from which account, and when it goes back.

The payers are the bidders: who paid, and that anybody paid, stays sealed until opening (`secrecy.py`). Fen throughout.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from audit.refusal import Refused
from trading.law.article import Article, Rule, article
from trading.law.bounds import Book, Due, asked, due, keep_share
from trading.law.calendar import legal_day

TRANSFER, LETTER, E_GUARANTEE, CHEQUE = "transfer", "letter", "e-guarantee", "cheque"
FORMS = (TRANSFER, LETTER, E_GUARANTEE, CHEQUE)
BASIC, ANY = "basic", "any"
WITHDRAWN, LOST, WON, SHUT, TERMINATED, FORFEITED = "withdrawn", "lost", "won", "shut", "terminated", "forfeited"
REASONS = (WITHDRAWN, LOST, WON, SHUT, TERMINATED, FORFEITED)

YEAR = 360
"""Banks count the day's interest as a 360th of the year's (a convention of money, not a period of the law)."""


def check_amount(book: Book, amount: int, base: int) -> Rule | None:
    """At most 2 % of the estimate (works) or of the budget (gov), exactly 2 % is lawful.

    Raises Refused E-SECURITY-OVER (amount, base, per_cent, most).
    """
    return keep_share(book, amount, base, "E-SECURITY-OVER", "WK-12", "GP-07")


def check_validity(book: Book, valid_days: int, bid_validity_days: int) -> None:
    """The security is valid exactly as long as the bid (WK-13). Raises Refused E-SECURITY-VALIDITY."""
    rule = asked(book, "WK-13")
    if rule and valid_days != bid_validity_days:
        raise Refused("E-SECURITY-VALIDITY", rule.article, valid=valid_days, bid=bid_validity_days)


def check_payment(book: Book, form: str, accounts: str, basic: bool) -> None:
    """How it was paid: a form of the law; in money or by cheque only out of the bidder's basic account (WK-14).

    `accounts`: what the notice asked for ("basic" or "any"); `basic`: whether the account is the bidder's basic one.
    Raises Refused E-SECURITY-FORM, E-BASIC-ACCOUNT.
    """
    if form not in FORMS:
        raise Refused("E-SECURITY-FORM", form=form, known=FORMS)
    rule = asked(book, "WK-14")
    if form in (TRANSFER, CHEQUE) and not basic and (rule or accounts == BASIC):
        raise Refused("E-BASIC-ACCOUNT", rule.article if rule else None, form=form)


def check_accounts(book: Book, accounts: str) -> None:
    """A notice may not open another account than the law does (WK-14). Raises Refused E-BASIC-ACCOUNT."""
    rule = asked(book, "WK-14")
    if rule and accounts != BASIC:
        raise Refused("E-BASIC-ACCOUNT", rule.article, form=accounts)


REFUNDS: dict[str, tuple[str, ...]] = {
    WITHDRAWN: ("WK-15", "GP-09"),
    LOST: ("WK-49", "GP-08"),
    WON: ("WK-49", "GP-08"),
}
"""Rules that give a number of days. A tender that ends without an award pays back 及时, at once (WK-53): no number."""


def refund_since(book: Book, reason: str) -> str:
    """What starts the days of a refund, as the record that tells of it: `withdrawn`, `award-notified`, `contract-signed`.

    Works: all are paid after the contract. Gov: losers after the award letter, the winner after the contract.
    """
    if reason == LOST and asked(book, "WK-49") is None:
        return "award-notified"
    return {WITHDRAWN: "withdrawn", LOST: "contract-signed", WON: "contract-signed", SHUT: "closed"}.get(
        reason, "tender-terminated"
    )


def refund_due(book: Book, reason: str, since: datetime) -> Due | None:
    """By when a security goes back, `since` being when what `refund_since` names happened; None: at once, no number.

    Raises Refused E-SECURITY-REASON.
    """
    if reason not in REASONS:
        raise Refused("E-SECURITY-REASON", reason=reason, known=REASONS)
    return due(book, since, *REFUNDS.get(reason, ()))


@article("招标投标法实施条例", 35)
def may_keep(book: Book, revoked: datetime, deadline: datetime) -> Article:
    """Only a bid revoked *after* the deadline may cost its security (WK-16); the article that allows it.

    Raises Refused E-FORFEIT: withdrawn in time, or the book has no such rule.
    """
    rule = asked(book, "WK-16")
    if rule is None or revoked <= deadline:
        raise Refused("E-FORFEIT", rule.article if rule else None, revoked=revoked, deadline=deadline)
    return rule.article


def interest(principal: int, yearly: Decimal, since: date, until: date) -> int:
    """银行同期存款利息: `principal` fen at `yearly` (0.0035 = 0.35 %), simple, by days kept, half-up to whole fen."""
    if yearly < 0 or until < since:
        raise Refused("E-INTEREST", rate=str(yearly), start=since, end=until)
    exact = Decimal(principal) * yearly * (until - since).days / YEAR
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def interest_between(principal: int, yearly: Decimal, received: datetime, returned: datetime) -> int:
    """The same between two instants, by the days of the legal zone."""
    return interest(principal, yearly, legal_day(received), legal_day(returned))
