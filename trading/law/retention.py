"""How long files are kept, what may be done with them meanwhile, and which of them exist at all.

The longest period wins; while it runs, personal data that somebody wants deleted are stored and nothing else (PD-03).
The log itself is never shortened (OP-25): leaves are only added, and `verify` finds a missing one.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from audit.refusal import Refused
from trading.law import periods, rules
from trading.law.article import Rule
from trading.law.bounds import Book, asked
from trading.law.calendar import legal_day

STORE, PROTECT, READ, ANALYSE, SHARE, PUBLISH, DELETE = (
    "store", "protect", "read", "analyse", "share", "publish", "delete",
)  # fmt: skip
STORAGE_ONLY = frozenset({STORE, PROTECT})
STORAGE_ONLY_RULE = rules.rule("PD-03")
"""停止除存储和采取必要的安全保护措施之外的处理."""


@dataclass(frozen=True)
class Kept:
    """How long files are kept: to the corresponding day of a later year (民法典 202), and that day too."""

    rule: Rule
    ended: datetime
    last_day: date

    def over(self, now: datetime) -> bool:
        """Whether the period has run by `now`. Raises Refused E-CALENDAR where nobody knows that year's holidays yet."""
        if legal_day(now) <= self.last_day:
            return False
        return now >= periods.count(self.ended, self.rule.count, self.rule.unit).over


def kept_until(book: Book, ended: datetime) -> Kept | None:
    """Until when the files of a tender (an auction) that ended then are kept: 15 years, auctions 5; None: no rule."""
    found = [rule for rule in (asked(book, id) for id in ("GP-40", "RT-01", "AU-07")) if rule is not None]
    if not found:
        return None
    longest = max(found, key=lambda rule: rule.count)
    first = legal_day(ended)
    day = min(first.day, monthrange(first.year + longest.count, first.month)[1])
    return Kept(longest, ended, first.replace(year=first.year + longest.count, day=day))


def check_destroy(book: Book, ended: datetime | None, now: datetime, *, losers: bool = False) -> None:
    """Whether files may be destroyed. `losers`: bids that were no candidates' (RT-01 asks for candidates' alone).

    Raises Refused E-RETENTION (until: the last day they are kept; None: the tender has not even ended), E-CALENDAR.
    """
    if losers and ended is not None and asked(book, "GP-40") is None and asked(book, "RT-01") is not None:
        return
    kept = kept_until(book, ended) if ended is not None else None
    if ended is None or (kept is not None and not kept.over(now)):
        raise Refused(
            "E-RETENTION", kept.rule.article if kept else None, now=now, until=kept.last_day if kept else None
        )


HOUSE = tuple(rules.rule(f"RT-0{number}") for number in range(2, 9))
"""What binds whoever keeps the files, whatever is tendered: these rules are pinned to no project."""

TENDER, CERTIFICATE, NETWORK_LOG, TRANSFER = "tender", "certificate", "network-log", "transfer"
TERMS: Mapping[str, tuple[str, ...]] = {
    TENDER: ("GP-40", "RT-01", "AU-07"),
    CERTIFICATE: ("RT-07",),
    NETWORK_LOG: ("RT-06",),
    TRANSFER: ("RT-08",),
}
"""What is kept, and the rules that say how long: of a tender those its rulebook pinned, of the rest these. A rule nobody has
read in its text counts too: it stops the shredder and nobody's trade, and a file kept too long can still be destroyed."""


def kept_material(material: str, since: datetime) -> Kept:
    """Until when something that is no tender's file is kept, from the moment its term begins. Refused: E-MATERIAL."""
    if material not in TERMS or material == TENDER:
        raise Refused("E-MATERIAL", material=material, known=", ".join(name for name in TERMS if name != TENDER))
    rule = rules.rule(TERMS[material][0])
    first = legal_day(since)
    months = rule.count * {"年": 12, "月": 1}[rule.unit] + first.year * 12 + first.month - 1
    year, month = months // 12, months % 12 + 1
    return Kept(rule, since, date(year, month, min(first.day, monthrange(year, month)[1])))


def check_destroy_material(material: str, since: datetime, now: datetime) -> None:
    """Whether such a thing may be destroyed. Refused: E-RETENTION while its term runs, E-MATERIAL, E-CALENDAR."""
    kept = kept_material(material, since)
    if not kept.over(now):
        raise Refused("E-RETENTION", kept.rule.article, now=now, until=kept.last_day)


def check_approval(approval: str) -> None:
    """Nobody destroys an archive of his own accord, even when its term is over. Refused: E-NOT-APPROVED (RT-03)."""
    if not approval.strip():
        raise Refused("E-NOT-APPROVED", rules.rule("RT-03").article)


def uses(
    book: Book, ended: datetime | None, now: datetime, *, deletion_asked: bool, can_delete: bool = True
) -> set[str]:
    """What may be done with somebody's personal data in a tender's files.

    Before anybody asks for deletion all lawful uses. Then: deletion, once no period runs and it can be done; until that
    day storing and protecting, no more (PD-03).
    """
    if not deletion_asked:
        return {STORE, PROTECT, READ, ANALYSE, SHARE, PUBLISH}
    try:
        check_destroy(book, ended, now)
    except Refused:
        return set(STORAGE_ONLY)
    return {DELETE} if can_delete else set(STORAGE_ONLY)


def check_use(
    book: Book, use: str, ended: datetime | None, now: datetime, *, deletion_asked: bool, can_delete: bool = True
) -> None:
    """Refuse a use of personal data that PD-03 stops. Raises Refused E-STORAGE-ONLY."""
    allowed = uses(book, ended, now, deletion_asked=deletion_asked, can_delete=can_delete)
    if use not in allowed:
        rule = asked(book, "PD-03")
        raise Refused("E-STORAGE-ONLY", rule.article if rule else None, use=use, allowed=sorted(allowed))


# ------------------------------------------------------------------------------------------------- what must exist

CLASSES: Mapping[str, tuple[str, ...]] = {
    "notice": ("project-announced",),
    "documents": ("documents-issued", "documents-amended", "question-answered"),
    "bids": ("deposited", "withdrawn", "explanation-given"),
    "report": ("report-received", "candidates-published"),
    "letter": ("award-notified", "awarded"),
    "contract": ("contract-signed",),
    "other": ("closed", "unsealed", "remedy-filed", "remedy-answered", "archived"),
}
"""The seven classes of documents of Order 20, article 40, each with the records that bind them by hash under the log's
signature, and that an archive carries. Prequalification has no stage of its own yet; its records will join these."""


def classes_missing(book: Book, happened: Collection[str], *, contracted: bool) -> tuple[str, ...]:
    """Which classes an archive of a tender lacks (OP-22): a notice always; the rest as far as the tender came."""
    if asked(book, "OP-22") is None:
        return ()
    needed = ["notice"]
    if "awarded" in happened:
        needed += ["bids", "report", "letter"]
    if contracted:
        needed += ["contract"]
    return tuple(name for name in needed if not set(CLASSES[name]) & set(happened))


def check_archive(book: Book, happened: Collection[str], *, contracted: bool) -> None:
    """Refuse to archive a tender whose electronic documents are not all there (OP-22). Raises Refused E-ARCHIVE-LACKS."""
    missing = classes_missing(book, happened, contracted=contracted)
    if missing:
        rule = asked(book, "OP-22")
        raise Refused("E-ARCHIVE-LACKS", rule.article if rule else None, missing=missing)


TRACE = ("time", "address", "staff")
"""What is kept of every operation: 时间、网络地址和工作人员."""


def check_trace(book: Book, trace: Mapping[str, object]) -> None:
    """Refuse an operation that leaves no full trace (OP-24). Raises Refused E-TRACE (missing)."""
    rule = asked(book, "OP-24")
    missing = [name for name in TRACE if not trace.get(name)]
    if rule and missing:
        raise Refused("E-TRACE", rule.article, missing=missing)


RECORDED = ("opening", "evaluation")


def check_recordings(book: Book, recordings: Mapping[str, str]) -> None:
    """Opening and evaluation are recorded in sound and picture, {which: hash of the recording} (GP-32).

    Raises Refused E-NO-RECORDING (missing).
    """
    rule = asked(book, "GP-32")
    missing = [name for name in RECORDED if not recordings.get(name)]
    if rule and missing:
        raise Refused("E-NO-RECORDING", rule.article, missing=missing)
