"""What a letter can say, and to where: values alone."""

from __future__ import annotations

import email
import email.policy
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Refused
from trading import letters
from trading.messages import LANGUAGES, catalogue

NOON = datetime(2026, 12, 4, 4, 0, tzinfo=UTC)
GIVEN = {
    "title": "新建大道 · 标段一",
    "tender": "L-1",
    "time": letters.moment(NOON, "zh-CN"),
    "link": "https://c.example/t/L-1@7",
}


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (timedelta(hours=25), ""), (timedelta(hours=24), "24h"), (timedelta(hours=3), "24h"), (timedelta(hours=2), "2h"),
        (timedelta(minutes=31), "2h"), (timedelta(minutes=30), "30min"), (timedelta(seconds=1), "30min"), (timedelta(), ""),
    ],
)  # fmt: skip
def test_the_reminder_whose_hour_has_come(before: timedelta, told: str) -> None:
    assert letters.due(NOON - before, NOON - timedelta(days=30), NOON) == told


def test_a_tender_announced_in_the_last_hour_has_no_reminder_of_the_day_before() -> None:
    assert letters.due(NOON - timedelta(minutes=50), NOON - timedelta(hours=1), NOON) == ""
    assert letters.due(NOON - timedelta(minutes=20), NOON - timedelta(hours=1), NOON) == "30min"


def test_which_record_is_news_of_which_event() -> None:
    for type, event in (*letters.OF_RECORDS.items(), (letters.RETURNED, letters.REFUND)):
        assert letters.event_of(type, {"opens": False}) == event and event in letters.EVENTS
    assert letters.event_of("closed", {"opens": True}) == "", "what opens is news when it has been opened"


def test_every_letter_has_its_words_and_names_no_other_field() -> None:
    for event in (*letters.EVENTS, letters.CONFIRM):
        allowed = {"code"} if event == letters.CONFIRM else letters.FIELDS.keys() - {"code"}
        for part in ("", ".text", ".sms"):
            for told in catalogue()[f"post.{event}{part}"].values():
                named = {name for _, name, _, _ in string.Formatter().parse(told) if name is not None}
                assert named <= allowed, (event, part)
    with pytest.raises(ValueError, match="price"):
        letters.head(letters.AWARD, "en", {**GIVEN, "price": "1"})
    with pytest.raises(ValueError, match="code"):
        letters.head(letters.AWARD, "en", {**GIVEN, "code": "1"})


@given(st.text(max_size=300), st.sampled_from(LANGUAGES), st.sampled_from(letters.EVENTS))
def test_no_title_begins_a_header_asvs_1_2_1(title: str, lang: str, event: str) -> None:
    """ASVS 1.2.1, 1.3: what a tenderee calls its project is one line of one header, whatever is in it."""
    for nasty in (title, f"{title}\r\nBcc: all@example.org", f"{title}\n\nhello", f"\x00\u2028{title}\u202e"):
        made = letters.mail(
            event, lang, {**GIVEN, "title": nasty}, sender="post@c.example", to="an@example.org", id="a" * 32,
            settings="https://c.example/b/messages",
        )  # fmt: skip
        read = email.message_from_bytes(made.as_bytes(), policy=email.policy.default)
        assert set(read.keys()) == {
            "From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Language", "Content-Type",
            "Content-Transfer-Encoding", "MIME-Version",
        }  # fmt: skip
        assert read["To"] == "an@example.org" and read["Auto-Submitted"] == "auto-generated"
        assert read["Message-ID"] == f"<{'a' * 32}@c.example>"


@pytest.mark.parametrize(
    "text",
    [
        "an", "an@", "@example.org", "an@example", "an@example.org\r\nBcc: all@example.org", "An <an@example.org>",
        "an@exam ple.org", "an@-example.org", ".an@example.org", "an@@example.org", "安@example.org", "an@例.cn",
        "a" * 65 + "@example.org", "an@example.org,bo@example.org", "",
    ],
)  # fmt: skip
def test_an_address_that_is_more_than_an_address_is_refused_asvs_1_3(text: str) -> None:
    with pytest.raises(Refused, match="T-ADDRESS"):
        letters.address(letters.MAIL, text)


def test_addresses_as_they_are_kept() -> None:
    assert letters.address(letters.MAIL, " an.he+bid@mail.example.org ") == "an.he+bid@mail.example.org"
    assert letters.address(letters.SMS, "138 0013 8000") == "+8613800138000"
    for text in ("110", "138001380000000", "+86 138\n0013", "call me"):
        with pytest.raises(Refused, match="T-ADDRESS"):
            letters.address(letters.SMS, text)


@given(st.text())
def test_no_number_is_a_fault(text: str) -> None:
    try:
        assert letters.number(text).startswith("+")
    except Refused as no:
        assert no.code == "T-ADDRESS"
