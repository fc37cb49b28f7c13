"""An article of a statute, and a rule that stands in one.

`@article("招标投标法", 24)` above a function says where its rule stands: what it refuses carries that article outward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

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
    EQUAL = "equal"
    """Exactly that long, or exactly that thing."""
    LATEST = "latest"
    """The last moment to act: `value` `unit` after `since`, or before `until` where there is no `since`."""
    MIN_OR_EXTEND = "min_or_extend"
    """At least that long before `until`, which else moves."""
    TERMINATE = "terminate"
    """Idle that long, then warned that long: the project ends."""
    MIN_COUNT = "min_count"
    MAX_COUNT = "max_count"
    MAX_PCT = "max_pct"
    """At most `value` per cent of what `since` names."""
    MIN_PCT = "min_pct"
    THRESHOLD = "threshold"
    FORMULA = "formula"
    MUST = "must"
    MUST_NOT = "must_not"
    MAY = "may"
    SECRET = "secret"
    """What `value` names stays secret from `since` until `until`."""
    VOID = "void"
    DEEMED = "deemed"
    CALENDAR = "calendar"


PERIODS = frozenset({Op.MIN, Op.MAX, Op.LATEST, Op.MIN_OR_EXTEND, Op.TERMINATE})
"""Ops whose value is a length of time; `EQUAL` is one too where its value is a number."""

Number = int | str | bool
Numbers = tuple[tuple[str, Number], ...]
"""Several named numbers: 五人以上单数、专家三分之二 is `(("members", 5), ("odd", True), ("experts", 2), ("of", 3))`."""
Value = int | str | Numbers


@dataclass(frozen=True)
class Statute:
    """A text of law: its rank, its English name and from when its present words are in force.

    宁波: the day it was published; the copy held has no article of commencement. Texts that only unchecked rules name have
    their dates from memory, like those rules.
    """

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
        Statute("拍卖法", "Auction Law", Level.LAW, date(2015, 4, 24)),
        Statute("企业国有资产法", "Law on State-owned Assets of Enterprises", Level.LAW, date(2009, 5, 1)),
        Statute("矿产资源法", "Mineral Resources Law", Level.LAW, date(2025, 7, 1)),
        Statute("电子签名法", "Electronic Signature Law", Level.LAW, date(2019, 4, 23)),
        Statute("个人信息保护法", "Personal Information Protection Law", Level.LAW, date(2021, 11, 1)),
        Statute("档案法", "Archives Law", Level.LAW, date(2021, 1, 1)),
        Statute("网络安全法", "Cybersecurity Law", Level.LAW, date(2017, 6, 1)),
        Statute("档案法实施条例", "Regulation implementing the Archives Law", Level.REGULATION, date(2024, 3, 1)),
        Statute("网络数据安全管理条例", "Network Data Security Regulation", Level.REGULATION, date(2025, 1, 1)),
        Statute("招标投标法实施条例", "Regulation implementing the Bidding Law", Level.REGULATION, date(2019, 3, 2)),
        Statute(
            "政府采购法实施条例",
            "Regulation implementing the Government Procurement Law",
            Level.REGULATION,
            date(2015, 3, 1),
        ),
        Statute(
            "土地管理法实施条例",
            "Regulation implementing the Land Administration Law",
            Level.REGULATION,
            date(2021, 9, 1),
        ),
        Statute("电子招标投标办法", "Measures for Electronic Bidding (Order 20)", Level.MINISTRY, date(2013, 5, 1)),
        Statute("财政部令87号", "Ministry of Finance Order 87", Level.MINISTRY, date(2017, 10, 1)),
        Statute("七部委令12号", "Evaluation Committee Provisions (Order 12)", Level.MINISTRY, date(2013, 5, 1)),
        Statute("十四部委令39号", "Order 39 of fourteen ministries", Level.MINISTRY, date(2016, 8, 1)),
        Statute("国土资源部令39号", "Land Ministry Order 39", Level.MINISTRY, date(2007, 11, 1)),
        Statute("国资委财政部令32号", "SASAC and Finance Order 32", Level.MINISTRY, date(2016, 6, 24)),
        Statute("矿业权出让交易规则", "Rules for Trading Mineral Rights", Level.MINISTRY, date(2023, 1, 3)),
        Statute("评标专家管理办法", "Measures on Evaluation Experts (Order 26)", Level.MINISTRY, date(2025, 1, 1)),
        Statute(
            "招标公告发布办法", "Measures on Publishing Tender Notices (Order 10)", Level.MINISTRY, date(2018, 1, 1)
        ),
        Statute("财政部令94号", "Ministry of Finance Order 94", Level.MINISTRY, date(2018, 3, 1)),
        Statute("财库〔2016〕198号", "Finance Circular 2016/198", Level.MINISTRY, date(2017, 1, 1)),
        Statute("财库〔2022〕19号", "Finance Circular 2022/19", Level.MINISTRY, date(2022, 7, 1)),
        Statute("DA/T 103-2024", "Archive Standard DA/T 103-2024", Level.MINISTRY, date(2024, 1, 1)),
        Statute(
            "宁波市公共资源交易管理条例", "Ningbo Public Resource Trading Regulation", Level.LOCAL, date(2020, 8, 11)
        ),
        Statute(
            "濮阳市公共资源交易管理条例", "Puyang Public Resource Trading Regulation", Level.LOCAL, date(2021, 10, 1)
        ),
        Statute(
            "河南省实施招标投标法办法", "Henan Measures implementing the Bidding Law", Level.LOCAL, date(2002, 12, 31)
        ),
        Statute("重庆市招标投标条例", "Chongqing Bidding Regulation", Level.LOCAL, date(2018, 7, 26)),
        Statute("来源", "as the source published", Level.SOURCE, date(2000, 1, 1)),
    )
}


@dataclass(frozen=True)
class Article:
    """One article. `str()` is the citation a Chinese page and a public record carry. Number 0: which one we do not know."""

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
        return f"《{self.law}》第{numeral(self.number)}条" if self.number else f"《{self.law}》"

    def cite(self, lang: str) -> str:
        """The citation in a reader's language."""
        if lang.startswith("zh"):
            return str(self)
        return f"{self.statute.en}, art. {self.number}" if self.number else self.statute.en


@dataclass(frozen=True)
class Rule:
    """One rule: the words of its article, its sentence in two languages and the value the platform computes with.

    `since` → `until` name the two ends of a period in the trade's words (`EVENTS` of `trading/law/rules`). `through`:
    the last day must have passed too (a publicity period), else it is enough that it has come (a deadline may lie on
    it). `regime`: the heading it stands under in the checked table; which regimes it binds in, they say themselves.
    """

    id: str
    article: Article
    op: Op
    value: Value
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
    test: str = ""
    """Where the test of this row stands (`tests/law/rows/test_works.py::test_wk_06`); "" for a row that never blocks."""
    regime: str = "all"

    @property
    def level(self) -> Level:
        """Rank of the text it stands in."""
        return self.article.statute.level

    @property
    def law(self) -> str:
        """The statute's short name."""
        return self.article.law

    @property
    def checked(self) -> bool:
        """Whether it may block at all."""
        return self.status is Status.CHECKED

    @property
    def starts(self) -> date:
        """The first day on which it binds."""
        return self.effective_from or self.article.statute.in_force

    def binds(self, day: date) -> bool:
        """Whether it is in force on a day (of the legal zone)."""
        return self.starts <= day and (self.effective_to is None or day <= self.effective_to)

    @property
    def count(self) -> int:
        """The value as a number. Raises TypeError for a rule whose value is a word or several numbers: our mistake."""
        if not isinstance(self.value, int):
            raise TypeError(f"rule {self.id} has no number")
        return self.value

    def number(self, name: str) -> int:
        """One of several numbers by its name. Raises TypeError or KeyError: asking for another was our mistake."""
        if not isinstance(self.value, tuple):
            raise TypeError(f"rule {self.id} has no named numbers")
        found = dict(self.value)[name]
        if not isinstance(found, int):
            raise TypeError(f"{name} of rule {self.id} is no number")
        return found

    def sentence(self, lang: str) -> str:
        """The rule as a lawyer would say it, in a reader's language."""
        return self.zh if lang.startswith("zh") else self.en

    def plain(self) -> dict[str, Any]:
        """The rule as `trading law --json` prints it."""
        return {
            "id": self.id,
            "level": self.level.value,
            "law": self.law,
            "article": self.article.number,
            "quote": self.quote,
            "sentence": {"zh": self.zh, "en": self.en},
            "op": self.op.value,
            "value": plain(self.value),
            "unit": self.unit,
            "from": self.since,
            "to": self.until,
            "effective_from": self.starts.isoformat(),
            "effective_to": self.effective_to.isoformat() if self.effective_to else None,
            "status": self.status.value,
            "test": self.test,
            "regime": self.regime,
        }


def plain(value: Value) -> Any:
    """A value as JSON has it: several numbers are an object."""
    return dict(value) if isinstance(value, tuple) else value


def frozen(value: Any) -> Value:
    """The value of a rule read from JSON. Raises ValueError for what no rule has."""
    if isinstance(value, dict):
        if not all(isinstance(k, str) and isinstance(v, int | str) for k, v in value.items()):
            raise ValueError("value")
        return tuple(value.items())
    if not isinstance(value, int | str):
        raise ValueError("value")
    return value


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
