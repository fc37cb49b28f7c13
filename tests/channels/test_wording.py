"""What may be said to an expert: eight fields, and not a word about what they are wanted for."""

from __future__ import annotations

import hashlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Refused
from experts import wording
from trading import messages

VALUES = {
    "salutation": "专家", "centre": "江西省南昌市公共资源交易中心", "date": "十一月三十日星期一上午", "time": "九点三十分",
    "duration": "半天", "city": "南昌", "code": "482913", "contact": "0791-86000000",
}  # fmt: skip
ENGLISH_VALUES = VALUES | {
    "salutation": "expert", "centre": "Nanchang Exchange Centre", "date": "Monday 30 November", "time": "09:30",
    "duration": "half a day", "city": "Nanchang",
}  # fmt: skip


def test_the_default_wording_passes_its_own_lint_and_says_what_jiangxi_says() -> None:
    for one in wording.WORDINGS.values():
        one.check()
    script = wording.CHINESE.script(VALUES)
    assert script.invitation.startswith("专家您好，这里是江西省南昌市公共资源交易中心专家语音通知系统")
    assert "请您于十一月三十日星期一上午九点三十分到南昌参加评标" in script.invitation
    assert script.confirm_yes == "您选择的是能参加评标，确认请再按1。"
    assert "09:30" in wording.ENGLISH.script(ENGLISH_VALUES).invitation
    for name in ("confirmed", "released", "subject"):
        wording.render(getattr(wording.CHINESE, name), VALUES)
        wording.render(getattr(wording.ENGLISH, name), ENGLISH_VALUES)


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("请到{city}参加{project}评标", "E-WORDING-FIELD"),
        ("{expert}您好", "E-WORDING-FIELD"),
        ("{city.__class__}", "E-WORDING-SYNTAX"),
        ("{city!r}", "E-WORDING-SYNTAX"),
        ("{city:>9}", "E-WORDING-SYNTAX"),
        ("{}您好", "E-WORDING-SYNTAX"),
        ("{0}您好", "E-WORDING-SYNTAX"),
        ("{city您好", "E-WORDING-SYNTAX"),
        ("请参加滨江路项目的评标", "E-WORDING-WORD"),
        ("请参加滨江路项 目的评标", "E-WORDING-WORD"),
        ("请参加项·目评标", "E-WORDING-WORD"),
        ("项{city}目", "E-WORDING-WORD"),
        ("招標人", "E-WORDING-WORD"),
        ("请参加医疗类评标", "E-WORDING-WORD"),
        ("请参加建设工程评标", "E-WORDING-WORD"),
        ("招标人恭候您", "E-WORDING-WORD"),
        ("采购人代表", "E-WORDING-WORD"),
        ("有三家投标人", "E-WORDING-WORD"),
        ("供应商已到齐", "E-WORDING-WORD"),
        ("Evaluation of a Medical tender", "E-WORDING-WORD"),
        ("The bidders are waiting", "E-WORDING-WORD"),
        ("ＰＲＯＪＥＣＴ seven", "E-WORDING-WORD"),
        ("共抽取5人", "E-WORDING-COUNT"),
        ("共抽取五位", "E-WORDING-COUNT"),
        ("与其余四名专家一起", "E-WORDING-COUNT"),
        ("您是第{code}位", "E-WORDING-COUNT"),
        ("together with 4 other experts", "E-WORDING-WORD"),
        ("together with four senior experts", "E-WORDING-COUNT"),
        ("详见 http://example.com", "E-WORDING-LINK"),
        ("详见 www．example．com", "E-WORDING-LINK"),
        ("写信给 a@b", "E-WORDING-LINK"),
        ("{contact}.com", "E-WORDING-LINK"),
        ("您好\n谢谢", "E-WORDING-CONTROL"),
        ("项\u200b目", "E-WORDING-CONTROL"),
        ("您好\u2028", "E-WORDING-CONTROL"),
        ("谢" * 301, "E-WORDING-LENGTH"),
        ("", "E-WORDING-EMPTY"),
        ("{city}{date}", "E-WORDING-EMPTY"),
    ],
)
def test_a_template_that_could_tell_more_is_refused_by_name(template: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        wording.lint(template)
    assert refused.value.code == code
    for lang in messages.LANGUAGES:
        assert "…" not in messages.tell(refused.value, lang)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("city", "南昌滨江路项目部", "E-WORDING-WORD"),
        ("salutation", "医疗专家", "E-WORDING-WORD"),
        ("duration", "半天，共5人", "E-WORDING-COUNT"),
        ("city", "南昌\n请汇款", "E-WORDING-CONTROL"),
        ("contact", "http://x.cn", "E-WORDING-LINK"),
        ("code", "4829134829134", "E-WORDING-LENGTH"),
        ("city", "{date}", "E-WORDING-SYNTAX"),
        ("city", " ", "E-WORDING-MISSING"),
    ],
)
def test_a_value_that_could_tell_more_is_refused_and_not_repeated(field: str, value: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        wording.render("您好{" + field + "}", VALUES | {field: value})
    assert refused.value.code == code and refused.value.facts["field"] == field
    assert value.strip() == "" or value not in str(refused.value)


def test_two_harmless_values_do_not_make_a_word_together() -> None:
    with pytest.raises(Refused) as refused:
        wording.render("到{city}{duration}", VALUES | {"city": "项", "duration": "目"})
    assert refused.value.code == "E-WORDING-WORD"


@given(st.text(min_size=1, max_size=40))
def test_what_passes_names_only_the_eight_fields(text: str) -> None:
    for name in ("project", "buyer", "head_count"):
        with pytest.raises(Refused):
            wording.lint(text.replace("{", "").replace("}", "") + "{" + name + "}")


@given(st.sampled_from(wording.FORBIDDEN_ZH), st.sampled_from(["", " ", "-", "。", "\u3000"]))
def test_a_forbidden_word_is_found_whatever_stands_between_its_letters(word: str, between: str) -> None:
    with pytest.raises(Refused) as refused:
        wording.lint("请您" + between.join(word) + "评审")
    assert refused.value.code == "E-WORDING-WORD"


def test_the_hash_is_of_the_template_and_not_of_what_was_said() -> None:
    assert wording.digest("{city}您好") == hashlib.sha256("{city}您好".encode()).hexdigest()
    digests = wording.CHINESE.digests()
    assert digests["invitation"] == wording.digest(wording.CHINESE.invitation) and len(digests) == 14


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "零"),
        (5, "五"),
        (9, "九"),
        (10, "十"),
        (11, "十一"),
        (20, "二十"),
        (21, "二十一"),
        (59, "五十九"),
        (99, "九十九"),
    ],
)
def test_numbers_are_said_as_people_say_them(number: int, said: str) -> None:
    assert wording.spoken_number(number) == said


@pytest.mark.parametrize("number", [-1, 100])
def test_other_numbers_are_our_bug(number: int) -> None:
    with pytest.raises(ValueError):
        wording.spoken_number(number)


@pytest.mark.parametrize(
    ("moment", "day", "hour"),
    [
        ((2026, 11, 30, 9, 30), "十一月三十日星期一上午", "九点三十分"),
        ((2026, 12, 1, 14, 0), "十二月一日星期二下午", "两点整"),
        ((2026, 12, 1, 2, 0), "十二月一日星期二凌晨", "两点整"),
        ((2026, 10, 10, 10, 10), "十月十日星期六上午", "十点十分"),
        ((2026, 2, 22, 12, 5), "二月二十二日星期日中午", "十二点零五分"),
        ((2026, 1, 21, 19, 45), "一月二十一日星期三晚上", "七点四十五分"),
        ((2026, 1, 21, 0, 0), "一月二十一日星期三凌晨", "零点整"),
        ((2026, 1, 22, 11, 59), "一月二十二日星期四上午", "十一点五十九分"),
        ((2026, 1, 23, 22, 1), "一月二十三日星期五晚上", "十点零一分"),
    ],
)
def test_days_and_hours_are_said_in_words(moment: tuple[int, ...], day: str, hour: str) -> None:
    when = datetime(*moment)  # type: ignore[arg-type, misc]  # noqa: DTZ001
    assert (wording.spoken_date(when), wording.spoken_time(when)) == (day, hour)


def test_written_and_english_days() -> None:
    when = datetime(2026, 11, 30, 9, 5)  # noqa: DTZ001
    assert wording.written_date(when) == "11月30日星期一" and wording.written_time(when) == "09:05"
    assert wording.written_date(when, "en") == "Monday 30 November" == wording.spoken_date(when, "en")
    assert wording.spoken_time(when, "en") == "09:05"
