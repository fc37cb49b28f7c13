"""How values are written for a reader: sentences, links, amounts, instants, articles, in one of our two languages.

There are four readers: two languages, each chosen on this page or brought by the browser. What is set for one of them
may be kept for all who read alike (`READERS`).
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from trading.failures import ENDING, FAILING
from trading.law import remedies
from trading.law.article import STATUTES, Article
from trading.law.calendar import LEGAL_ZONE
from trading.law.gains import RATE, UNIT
from trading.law.regimes import REGIMES
from trading.law.rules import RULES
from trading.law.stages import ARTICLES as STEPPED
from trading.messages import EN, ZH, say, unit
from trading.paper import figures
from trading.web.sums import scaled

WAN = 1_000_000
"""万元 in fen."""
SPOKEN = (remedies.ON_THE_SPOT, remedies.AT_THE_TABLE)
ENDED = (*FAILING.values(), *ENDING.values())
ARTICLES = {str(one): one for one in (*STEPPED.values(), *SPOKEN, *ENDED, *(rule.article for rule in RULES.values()))}
"""Every article an agenda, a suspension, an objection or an ending can rest on, by its Chinese citation."""
COUNTED = re.compile(r"(\d+)(工作日|日|月|年|小时)")


class Reader:
    """Somebody who reads pages in a language; `chosen`: they chose it here, so links keep it."""

    def __init__(self, lang: str, chosen: bool) -> None:
        self.lang, self.chosen = lang, chosen

    def text(self, code: str, **facts: Any) -> str:
        """A sentence of the catalogue, `page.<code>`."""
        return say(f"page.{code}", self.lang, **facts)

    def phrase(self, code: str, **facts: Any) -> str:
        """A sentence of the catalogue that is not a page's own."""
        return say(code, self.lang, **facts)

    def link(self, path: str) -> str:
        """A path that keeps the language if the reader chose one here."""
        if not self.chosen:
            return path
        return f"{path}{'&' if '?' in path else '?'}lang={'en' if self.lang == EN else 'zh'}"

    def named(self, kind: str, code: str) -> str:
        """What a code of the log is called, `page.<kind>.<code>`; somebody's own word (a stage, a field) as it stands."""
        told = self.text(f"{kind}.{code}")
        return code if told == f"page.{kind}.{code}" else told

    def regime(self, id_: str) -> str:
        """The name of a law that projects follow."""
        return REGIMES[id_].name(self.lang) if id_ in REGIMES else id_

    def act(self, code: str) -> str:
        """An act as people call it."""
        told = self.named("act", code)
        return say(f"act: {code}", self.lang).removeprefix("act: ") if told == code else told

    def cited(self, article: str | None) -> str:
        """An article in the reader's language."""
        if article and article in ARTICLES:
            return ARTICLES[article].cite(self.lang)
        law, _, number = (article or "").rpartition(" ")  # as people type it: 招标投标法实施条例 51
        return Article(law, int(number)).cite(self.lang) if law in STATUTES and number.isdecimal() else article or ""

    def derivation(self, counted: str) -> str:
        """How a period was counted (`Span`), its unit in the reader's language."""
        if self.lang == ZH:
            return counted
        return COUNTED.sub(lambda found: f"{found[1]} {unit(found[2], EN)}", counted)

    def unit(self, currency: str) -> str:
        """A currency as people write it: 元 for CNY; others by their code."""
        return self.named("money", currency)

    def money(self, fen: int | None, currency: str = "") -> str:
        """An amount in full precision, with its unit if its currency is given."""
        return money(fen, self.unit(currency) if currency else "")

    def offer(self, price: int | None, pricing: str | None, currency: str = "") -> str:
        """A price as its notice means it: an amount, one for a unit, or a rate (ten-thousandths)."""
        if pricing == RATE and price is not None:
            return f"{price // 100:,}.{price % 100:02d}%"
        told = self.money(price, currency)
        return f"{told} {self.text('pricing.per-unit')}" if pricing == UNIT and price is not None else told

    def wan(self, fen: int, currency: str) -> str:
        """Yuan in 万元, exactly, for sums of 10,000 元 and more; "" for others, and in English."""
        if self.lang != ZH or currency != "CNY" or abs(fen) < WAN:
            return ""
        return self.text("money.wan", amount=f"{Decimal(fen) / WAN:,.6f}".rstrip("0").rstrip("."))

    def headline(self, fen: int, currency: str) -> Markup:
        """A sum where it stands for itself: 10.41 亿元 with the exact value beneath, or the exact value alone."""
        amount, size = scaled(fen, self.lang) if currency == "CNY" else ("", "")
        if not amount:
            return Markup('{} <span class="unit">{}</span>').format(self.money(fen), self.unit(currency))
        exact, told = self.money(fen), self.text(f"sum.{size}")
        return Markup('<data value="{}">{} <span class="unit">{}</span></data>').format(
            exact.replace(",", ""), amount, told
        )

    def in_words(self, fen: int, currency: str) -> str:
        """大写金额, for pages in Chinese; "" in English and for other money than yuan."""
        return figures.amount(fen, currency)["words"] if self.lang == ZH else ""

    def time(self, value: datetime | str | None, seconds: bool = False) -> str:
        """An instant in the legal zone."""
        if value is None:
            return "—"
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return f"{moment.astimezone(LEGAL_ZONE):%Y-%m-%d %H:%M{':%S' if seconds else ''}}"

    def until(self, value: datetime) -> str:
        """A last moment: a day is over at 24:00 of itself (民法典第二百零三条), not at 00:00 of the next."""
        ends = self.time(value)
        if not ends.endswith(" 00:00"):
            return ends
        return f"{(value - timedelta(seconds=1)).astimezone(LEGAL_ZONE):%Y-%m-%d} 24:00"


READERS = {(lang, chosen): Reader(lang, chosen) for lang in (ZH, EN) for chosen in (False, True)}
"""Everybody who reads alike is one reader."""


def money(fen: int | None, currency: str = "") -> str:
    """Whole fen in full precision: 5287000000 → 52,870,000.00."""
    if fen is None:
        return "—"
    whole, cents = divmod(abs(fen), 100)
    return f"{'−' if fen < 0 else ''}{whole:,}.{cents:02d}{' ' + currency if currency else ''}"


def exactly(amount: Decimal | None) -> str:
    """An amount of elsewhere, with as many decimals as it has and at least two."""
    if amount is None:
        return "—"
    return f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount.normalize():,f}"


def clock_of(left: timedelta) -> str:
    """What is left, as a clock shows it: hours, minutes, seconds; never less than nothing."""
    seconds = max(0, round(left.total_seconds()))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def plainly(value: Any) -> str:
    """A field of a record as its file has it: JSON, with words as they are."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def brief(digest: str | None) -> str:
    """A hash as people compare it: first and last groups of four."""
    if not digest:
        return "—"
    return f"{digest[:4]} {digest[4:8]} {digest[8:12]} … {digest[-4:]}"


def bare(tender: str) -> str:
    """A tender's id without its `@<size>`, as pages show it (envelope.md §1)."""
    return tender.rpartition("@")[0] or tender
