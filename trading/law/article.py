"""An article of a statute, and a rule that stands in one.

`@article("招标投标法", 24)` above a function says where its rule stands: what it refuses carries that article outward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

from audit.refusal import Refused

P = ParamSpec("P")
R = TypeVar("R")


class Level(StrEnum):
    """Rank of a text. Where two conflict the higher one stands; a looser local row loses."""

    LAW = "law"
    REGULATION = "regulation"
    MINISTRY = "ministry"
    LOCAL = "local"
    SOURCE = "source"
    """No statute of ours: the procedure as the published source ran it (regime `source-law`)."""


class Status(StrEnum):
    """Whether the words of the article were read in a primary text. An unchecked rule is shown as such and never blocks."""

    CHECKED = "checked"
    UNCHECKED = "unchecked"


class Op(StrEnum):
    """What a rule's value does."""

    MIN = "min"
    """The period from `since` to `until` is at least `value` `unit`."""
    MAX = "max"
    """The period from `since` to `until` is at most `value` `unit`."""
    MIN_COUNT = "min_count"
    MAX_COUNT = "max_count"
    MUST = "must"
    MUST_NOT = "must_not"
    DEEMED = "deemed"
    CALENDAR = "calendar"


@dataclass(frozen=True)
class Statute:
    """A text of law: its rank, its English name and from when its present words are in force."""

    name: str
    en: str
    level: Level
    in_force: date


STATUTES = {
    s.name: s
    for s in (
        Statute("民法典", "Civil Code", Level.LAW, date(2021, 1, 1)),
        Statute("招标投标法", "Bidding Law", Level.LAW, date(2017, 12, 28)),
        Statute("政府采购法", "Government Procurement Law", Level.LAW, date(2014, 8, 31)),
        Statute("企业国有资产法", "Law on State-owned Assets of Enterprises", Level.LAW, date(2009, 5, 1)),
        Statute("矿产资源法", "Mineral Resources Law", Level.LAW, date(2025, 7, 1)),
        Statute("电子签名法", "Electronic Signature Law", Level.LAW, date(2019, 4, 23)),
        Statute(
            "招标投标法实施条例",
            "Regulation implementing the Bidding Law",
            Level.REGULATION,
            date(2019, 3, 2),
        ),
        Statute(
            "土地管理法实施条例",
            "Regulation implementing the Land Administration Law",
            Level.REGULATION,
            date(2021, 9, 1),
        ),
        Statute("电子招标投标办法", "Measures for Electronic Bidding (Order 20)", Level.MINISTRY, date(2013, 5, 1)),
        Statute("财政部令87号", "Ministry of Finance Order 87", Level.MINISTRY, date(2017, 10, 1)),
        Statute("来源", "as the source published", Level.SOURCE, date(2000, 1, 1)),
    )
}


@dataclass(frozen=True)
class Article:
    """One article. `str()` is the citation a Chinese page and a public record carry."""

    law: str
    number: int

    def __post_init__(self) -> None:
        if self.law not in STATUTES:
            raise KeyError(f"no statute {self.law!r} in trading/law/article.py")

    @property
    def statute(self) -> Statute:
        """The text it stands in."""
        return STATUTES[self.law]

    def __str__(self) -> str:
        return f"《{self.law}》第{numeral(self.number)}条"

    def cite(self, lang: str) -> str:
        """The citation in a reader's language."""
        return str(self) if lang.startswith("zh") else f"{self.statute.en}, art. {self.number}"


@dataclass(frozen=True)
class Rule:
    """One rule: the words of its article, its sentence in two languages and the value the platform computes with.

    `since` → `until` name the two ends of a period in the trade's words. `through`: the last day must have passed too
    (a publicity period), else it is enough that it has come (a deadline may lie on it).
    """

    id: str
    article: Article
    op: Op
    value: int | str
    unit: str
    quote: str
    zh: str
    en: str
    since: str = ""
    until: str = ""
    through: bool = False
    status: Status = Status.CHECKED
    effective_from: date | None = None
    """None: since the present words of the statute are in force."""
    effective_to: date | None = None

    @property
    def level(self) -> Level:
        """Rank of the text it stands in."""
        return self.article.statute.level

    @property
    def law(self) -> str:
        """The statute's short name."""
        return self.article.law

    @property
    def starts(self) -> date:
        """The first day on which it binds."""
        return self.effective_from or self.article.statute.in_force

    def binds(self, day: date) -> bool:
        """Whether it is in force on a day (of the legal zone)."""
        return self.starts <= day and (self.effective_to is None or day <= self.effective_to)

    @property
    def count(self) -> int:
        """The value as a number. Raises TypeError for a rule whose value is a word: asking was our mistake."""
        if not isinstance(self.value, int):
            raise TypeError(f"rule {self.id} has no number")
        return self.value

    def sentence(self, lang: str) -> str:
        """The rule as a lawyer would say it, in a reader's language."""
        return self.zh if lang.startswith("zh") else self.en


def article(law: str, number: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say of a function in which article its rule stands; what it refuses carries the article unless it names its own."""
    cited = Article(law, number)

    def bind(rule: Callable[P, R]) -> Callable[P, R]:
        @wraps(rule)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return rule(*args, **kwargs)
            except Refused as refused:
                if refused.article is None:
                    refused.article = cited
                raise

        asked.article = cited  # type: ignore[attr-defined]
        return asked

    return bind


def numeral(number: int) -> str:
    """A number below 10,000 as statutes write it: 24 → 二十四, 203 → 二百零三."""
    digits, units = "零一二三四五六七八九", ("", "十", "百", "千")
    words, gap = "", False
    for place in range(len(str(number)) - 1, -1, -1):
        digit = number // 10**place % 10
        if digit:
            words += ("零" if gap else "") + digits[digit] + units[place]
        gap = digit == 0 and bool(words)
    return words[1:] if words.startswith("一十") else words
