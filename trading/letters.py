"""What is written to bidders' people, about what, and in which words: values alone, no database and no network.

A letter says what everybody may read on the tender's page: that something happened, the tender's number and title, a time, a
link. Its fields are these five, and no template and no caller can bring another: no bidder, no price, no bid, no number of
them. What an event of one's own bid is (`PRIVATE`) is written after the opening alone, because a mail at the moment of
handing in would tell whoever watches the mail server that somebody handed in; one's own page says it at once.
"""

from __future__ import annotations

import email.policy
import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final

from audit.canon import stamp
from audit.refusal import Refused
from trading.law.calendar import LEGAL_ZONE
from trading.messages import EN, language, say

DEADLINE, AMENDED, ANSWERED, OPENING, CANDIDATES, AWARD, ENDED, RECEIPT, REFUND = EVENTS = (
    "deadline", "amended", "answered", "opening", "candidates", "award", "ended", "receipt", "refund",
)  # fmt: skip
CONFIRM: Final = "confirm"
"""Not about a tender: the code by which somebody shows that it reads what comes to an address."""
PRIVATE: Final = frozenset({RECEIPT, REFUND})
MAIL, SMS = CHANNELS = ("mail", "sms")
USUAL: Final[Mapping[str, tuple[str, ...]]] = {MAIL: EVENTS, SMS: (DEADLINE, OPENING, AWARD)}
"""What is written to whoever has chosen nothing."""

REMINDERS: Final[Mapping[str, timedelta]] = {
    "24h": timedelta(hours=24), "2h": timedelta(hours=2), "30min": timedelta(minutes=30),
}  # fmt: skip
"""So long before the deadline a reminder is written, the longest first: a service of ours, no period of the law."""
OF_RECORDS: Final[Mapping[str, str]] = {
    "documents-amended": AMENDED, "deadline-moved": AMENDED, "question-answered": ANSWERED, "unsealed": OPENING,
    "candidates-published": CANDIDATES, "awarded": AWARD, "closed": ENDED, "tender-failed": ENDED,
    "tender-terminated": ENDED,
}  # fmt: skip
"""Public records that are news (`event_of`)."""
RETURNED: Final = "security-returned"
ONCE: Final = frozenset({OPENING, AWARD, ENDED})
"""Events of which a tender has one, however many records tell of it."""

FIELDS: Final = {"title": 120, "tender": 81, "time": 40, "left": 24, "link": 300, "code": 8}
"""What a letter may carry, with the most characters of each; `code` in `CONFIRM` alone."""
CODE_LENGTH: Final = 8


def due(now: datetime, announced: datetime, deadline: datetime) -> str:
    """The reminder whose hour has come: the shortest of those that lie behind us; "" where none does, where the tender was
    announced after that hour, or where the deadline has passed."""
    if now >= deadline:
        return ""
    passed = [name for name, before in REMINDERS.items() if announced <= deadline - before <= now]
    return passed[-1] if passed else ""


def event_of(type: str, value: Mapping[str, Any]) -> str:
    """The event that a record of these types, or of `RETURNED`, is news of; "" for a closing of a box that opens: its
    news is the opening."""
    if type == RETURNED:
        return REFUND
    return "" if type == "closed" and value["opens"] else OF_RECORDS[type]


def about_deadline(tender: str, name: str, deadline: datetime) -> str:
    """The key of a reminder: another deadline has reminders of its own."""
    return f"{tender}/{DEADLINE}/{name}/{stamp(deadline)}"


def about_record(tender: str, event: str, time: str) -> str:
    """The key of what a record tells; two records of one act (`time`) are one piece of news."""
    return f"{tender}/{event}" if event in ONCE else f"{tender}/{event}/{time}"


def reminder_of(about: str) -> tuple[str, str]:
    """The name and the deadline in the key of a reminder."""
    _, _, name, deadline = about.rsplit("/", 3)
    return name, deadline


def moment(time: datetime, lang: str) -> str:
    """A time as a letter has it: to the minute, in Beijing's zone, which it names."""
    local = time.astimezone(LEGAL_ZONE)
    return f"{local:%Y-%m-%d %H:%M} " + ("Beijing time" if language(lang) == EN else "北京时间")


def plain(text: str, most: int) -> str:
    """Somebody's words as one line: no control, no line break, nothing invisible; cut at `most` characters."""
    kept = "".join(
        " " if c.isspace() else c
        for c in text
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co") or c in "\n\t\r"
    )
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def checked(event: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields as a letter takes them. ValueError for a field that no letter has: our mistake, and loud."""
    allowed = FIELDS.keys() if event == CONFIRM else FIELDS.keys() - {"code"}
    if strange := fields.keys() - allowed - {"lang"}:
        raise ValueError(f"no letter carries {sorted(strange)}")
    return {name: plain(value, FIELDS[name]) for name, value in fields.items() if name != "lang"}


def head(event: str, lang: str, fields: Mapping[str, str]) -> str:
    """What a mail is headed with, and a message on one's own page."""
    return say(f"post.{event}", lang, **checked(event, fields))


def short(event: str, fields: Mapping[str, str]) -> str:
    """A text message; `lang` among the fields (channels of texts)."""
    return say(f"post.{event}.sms", fields.get("lang", ""), **checked(event, fields))


def mail(
    event: str, lang: str, fields: Mapping[str, str], *, sender: str, to: str, id: str, settings: str
) -> EmailMessage:
    """A mail. `id` makes its Message-ID, so that one handed over twice is one; `settings`: where it can be stopped.

    Nothing that came from outside can begin a header of its own: fields are one line (`checked`), addresses are refused
    unless they are plain (`address`), and the policy takes no line break.
    """
    given = checked(event, fields)
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"] = mail_address(sender), mail_address(to)
    made["Subject"] = say(f"post.{event}", lang, **given)
    made["Message-ID"] = f"<{id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
    body = say(f"post.{event}.text", lang, **given)
    made.set_content(f"{body}\n\n-- \n{say('post.foot', lang, settings=settings)}\n")
    made["Content-Language"] = lang  # after the content, whose setting takes every header of its kind away
    return made


# ----------------------------------------------------------------------------------------------------------- addresses


def mail_address(text: str) -> str:
    """A plain address. Refused: T-ADDRESS: a display name, a quote, a space, a line break, another alphabet."""
    local, at, host = text.partition("@")
    atom = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-"
    labels = host.split(".")
    if (
        not at or not 0 < len(local) <= 64 or len(text) > 254 or set(local) - set(atom)
        or local[0] == "." or local[-1] == "." or ".." in local or len(labels) < 2
        or any(not one or not one.isascii() or not one.replace("-", "a").isalnum() or one[0] == "-" for one in labels)
    ):  # fmt: skip
        raise Refused("T-ADDRESS", kind=MAIL)
    return text


def number(text: str) -> str:
    """A telephone number as E.164, mainland China unless it names a country. Refused: T-ADDRESS."""
    import phonenumbers  # tables of the whole world: only where one is typed

    try:
        found = phonenumbers.parse(plain(text, 40), "CN")
    except phonenumbers.NumberParseException:
        raise Refused("T-ADDRESS", kind=SMS) from None
    if found.extension or not phonenumbers.is_valid_number(found):
        raise Refused("T-ADDRESS", kind=SMS)
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


def address(kind: str, text: str) -> str:
    """An address of a channel, as it is kept. Refused: T-ADDRESS."""
    return mail_address(text.strip()) if kind == MAIL else number(text)


def chosen(events: Collection[str]) -> list[str]:
    """Events somebody chose, in our order; what is none falls away."""
    return [one for one in EVENTS if one in events]
