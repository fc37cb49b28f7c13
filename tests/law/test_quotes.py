"""The words of every checked rule stand in the article it names, in the texts kept under tests/statutes."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from functools import lru_cache
from pathlib import Path

import pytest

from trading.law import rules
from trading.law.article import STATUTES, Level, Rule, numeral

TEXTS = Path(__file__).parent.parent / "statutes"

ORDER_20 = "电子招标投标办法"
"""The one text that is kept as an excerpt: what was copied out, article by article, from the government's page of the order.
Whoever copied wrongly would not be found by the excerpt, so its words are held against other people's pages too."""

SEEN = {
    "OP-09": ("https://www.bkw.cn/question/LmOod.html", "8dd0b46e1e124426"),
    "OP-11": ("https://www.bkw.cn/question/LmOod.html", "778c87db833f0c48"),
    "OP-12": ("中右建筑咨询：电子投标文件没有上传成功，怎么解决？ (article 27 by its number)", "0824c215a55aaaa5"),
    "OP-13": ("https://www.bkw.cn/question/LmOod.html", "eef90afba51bee3f"),
    "OP-16": ("https://haidsoft.com/115771.html (article 31 by its number)", "86f2d4de4c5f4537"),
    "OP-17": ("https://haidsoft.com/115771.html (article 31 by its number)", "cb0033e0c6ae567c"),
    "OP-24": ("https://m.wenke99.com/p-6852710.html", "93d499b0322f1203"),
    "OP-25": ("https://m.wenke99.com/p-6852710.html", "7574789fed0a0e83"),
}
"""Quotes of Order 20 that were found again, word for word, on a page of other people's, and the beginning of the SHA-256 of
what stood there: the page is not kept, and the quote cannot drift from it. Commas there were half-width."""

UNSEEN = {"OP-08", "OP-14", "OP-19", "OP-21", "OP-22"}
"""Quotes of Order 20 that the excerpt alone vouches for: nobody found articles 21, 32, 39, 40 and the last sentence of 27 a
second time. Whoever finds one moves it up, and whoever finds the whole text puts it in the excerpt's place."""

QUOTED = [rule for rule in rules.ALL if rule.checked and rule.level is not Level.SOURCE]


@lru_cache
def text(law: str) -> str:
    return (TEXTS / f"{law}.md").read_text(encoding="utf-8")


def words_of(law: str, number: int) -> str:
    """The body of one article in a statute's text; a citation of another article inside it is no heading."""
    whole = text(law)
    begin = re.search(rf"^第{numeral(number)}条[\s　]", whole, re.M)
    assert begin, f"《{law}》 has no article {number}"
    end = re.search(r"^第[一二三四五六七八九十百千零]+条[\s　]", whole[begin.end() :], re.M)
    return whole[begin.start() : begin.end() + end.start()] if end else whole[begin.start() :]


def plainly(words: str) -> str:
    """Without white space, and with full-width digits as plain ones: Order 87 writes 自…５个工作日内 in article 38."""
    return re.sub(r"\s+", "", words).translate({ord("０") + digit: str(digit) for digit in range(10)})


@pytest.mark.parametrize("rule", QUOTED, ids=lambda r: r.id)
def test_a_quote_stands_in_the_article_it_names(rule: Rule) -> None:
    assert plainly(rule.quote) in plainly(words_of(rule.law, rule.article.number))


def test_the_article_decides_not_the_statute() -> None:
    """The test can fail: the words of 招标投标法 24 stand in no other article."""
    quote = plainly(rules.rule("WK-06").quote)
    assert [n for n in range(1, 69) if quote in plainly(words_of("招标投标法", n))] == [24]


@pytest.mark.parametrize("id", SEEN)
def test_a_quote_is_what_stood_on_the_page(id: str) -> None:
    _, seen = SEEN[id]
    assert hashlib.sha256(plainly(rules.rule(id).quote).encode()).hexdigest().startswith(seen)


def test_what_only_the_excerpt_vouches_for_shrinks() -> None:
    assert {rule.id for rule in QUOTED if rule.law == ORDER_20} == SEEN.keys() | UNSEEN and not SEEN.keys() & UNSEEN
    assert {law for law in (rule.law for rule in QUOTED) if "（摘录）" in text(law)} == {ORDER_20}
    assert len(UNSEEN) <= 5


def test_every_text_is_quoted() -> None:
    assert {path.stem for path in TEXTS.glob("*.md")} == {rule.law for rule in QUOTED}


def test_a_quote_is_enough_to_be_found_again() -> None:
    """Words so short that they stand all over a statute would prove nothing; 实施条例 22 and 54 share one sentence."""
    twice = {rule.id for rule in QUOTED if plainly(text(rule.law)).count(plainly(rule.quote)) > 1}
    assert twice <= {"WK-11", "WK-38", "WK-39"}


@pytest.mark.parametrize("rule", [r for r in rules.ALL if isinstance(r.value, int) and r.quote], ids=lambda r: r.id)
def test_the_number_of_a_rule_stands_in_its_words(rule: Rule) -> None:
    """5, 五 or 两: a value cannot drift away from its quote."""
    words = plainly(rule.quote)
    number = numeral(rule.count)
    spoken = {str(rule.count), number, number.replace("二", "两")}
    assert any(one in words for one in spoken), (rule.value, words)


@pytest.mark.parametrize("rule", [r for r in QUOTED if isinstance(r.value, tuple)], ids=lambda r: r.id)
def test_several_numbers_of_a_rule_stand_in_its_article(rule: Rule) -> None:
    words = plainly(words_of(rule.law, rule.article.number))
    for name, number in rule.value:
        if isinstance(number, bool):
            assert ("单数" in words) is number
        elif name == "budget":
            assert "1000万元以上" in words and number == 1000 * 10_000 * 100  # fen
        else:
            spoken = {str(number), numeral(number), numeral(number).replace("二", "两")}
            assert any(one in words for one in spoken), (name, number)


DAY = re.compile(r"(\d{4})年(\d{1,2})月\s?(\d{1,2})日")
NOT_IN_THE_COPY = {"宁波市公共资源交易管理条例": date(2020, 8, 11), "招标投标法实施条例": date(2019, 3, 2)}
"""Days that the copy held does not name: Ningbo's ends before the article of commencement (the day it was published stands
in its place), and the head of the 条例 leaves out its third revision."""


def days(words: str) -> list[date]:
    return [date(*map(int, found)) for found in DAY.findall(words)]


@pytest.mark.parametrize("law", sorted({rule.law for rule in QUOTED}))
def test_a_statute_is_in_force_from_its_commencement_or_its_last_amendment(law: str) -> None:
    """Read from the text itself: the article of commencement, and the decisions named in its head."""
    head, _, body = text(law).partition("<!-- INFO END -->")
    begins = [day for day in days(head) if day.year < 2026]
    for line in body.splitlines():
        if "起施行" in line and re.match("第[一二三四五六七八九十百千零]+条", line) and (found := days(line)):
            begins.append(found[0])
    late = (STATUTES[law].in_force - max(begins)).days
    assert STATUTES[law].in_force == NOT_IN_THE_COPY[law] if law in NOT_IN_THE_COPY else 0 <= late <= 1
