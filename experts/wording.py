"""What a call or a message to an expert may say, and nothing else.

A wording is a set of templates with fields in braces. The words are the centre's; the fields are these eight, and no
template and no value carries the project, its buyer, a bidder, a sector or how many are called: who listens in, or
reads a telephone left on a table, learns that an expert is wanted somewhere, as for every other evaluation.

`lint` looks at a template, `render` at the values as well; both raise ``Refused("E-WORDING-…")``, which names the field
or the word of the list below and never the value (it may be a person's name).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from string import Formatter
from typing import Final

from audit.refusal import Refused
from experts.conversation import Script

FIELDS: Final = {
    "salutation": 24, "centre": 40, "date": 40, "time": 24, "duration": 24, "city": 24, "code": 12, "contact": 32,
}  # fmt: skip
"""The whitelist, with the longest value of each in characters."""
LONGEST: Final = 300
"""Characters of a template, and of what is made of it: what a voice says in a minute."""

FORBIDDEN_ZH: Final = (
    # what would name the tender and those around it, simplified and traditional
    "项目", "标段", "标包", "标的", "招标", "采购", "投标", "供应商", "承包", "中标", "成交", "甲方", "业主", "代理机构",
    "竞买", "項目", "標段", "標包", "標的", "招標", "採購", "投標", "供應商", "中標", "業主", "代理機構", "競買",
    # what would name the sector
    "工程", "施工", "建设", "监理", "勘察", "设计", "医疗", "药品", "医院", "设备", "货物", "公路", "铁路", "桥梁", "隧道",
    "水利", "市政", "信息化", "软件", "房屋", "学校", "教育", "土地", "矿", "环保", "物业", "电力", "园林", "农业",
    "保险", "印刷", "车辆", "建設", "監理", "設計", "醫療", "藥品", "醫院", "設備", "貨物", "鐵路", "橋樑", "資訊", "軟件",
    "學校", "礦", "環保",
    # what would tell how many
    "人数", "人數", "席位", "名额", "名額", "评委会成员", "其他专家", "其他專家",
)  # fmt: skip
FORBIDDEN_EN: Final = (
    "project", "tender", "tenderer", "tenderee", "lot", "procurement", "procuring", "purchaser", "purchase", "buyer",
    "bidder", "supplier", "vendor", "contractor", "contract", "award", "winner", "agency", "owner",
    "construction", "engineering", "works", "building", "survey", "design", "medical", "medicine", "hospital", "equipment",
    "goods", "road", "highway", "railway", "bridge", "tunnel", "water", "municipal", "software", "school", "education",
    "land", "mining", "mineral", "insurance", "printing", "vehicle", "power", "housing",
    "headcount", "seat", "panel size", "other experts",
)  # fmt: skip

_FIGURE = r"(?:\d|[零〇一二三四五六七八九十百千两兩几幾多])"
_COUNTS: Final = (
    re.compile(rf"{_FIGURE}+\s*(?:个人|個人|人|位|名|席|家)"),
    re.compile(r"(?:名|位|个|個)(?:专家|專家|评委|評委|成员|成員)"),
    re.compile(
        r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|thirteen|several|many)\s+(?:\w+\s+)?"
        r"(?:people|persons?|experts?|members?|evaluators?|colleagues?)\b"
    ),
)
_LINK: Final = re.compile(r"://|www\.|[a-z0-9-]+\.[a-z]{2,}|@|https?")


def lint(template: str) -> None:
    """No template carries another field than the eight, a forbidden word, a link or a number of people.

    Raises Refused: E-WORDING-SYNTAX (braces that are no plain field), -FIELD, -WORD, -COUNT, -LINK, -CONTROL (a line
    break, anything invisible), -LENGTH, -EMPTY.
    """
    literal, named = "", []
    for words, name in _parts(template):
        literal += words
        if name is not None:
            if name not in FIELDS:
                raise Refused("E-WORDING-FIELD", field=name, allowed=sorted(FIELDS))
            named.append(name)
            literal += "\uffff"
    if not literal.strip("\uffff \u3000"):
        raise Refused("E-WORDING-EMPTY")
    if len(literal) > LONGEST:
        raise Refused("E-WORDING-LENGTH", field="template", most=LONGEST)
    # A field may stand in the middle of a word, or a figure may come out of it: seen with nothing and with a figure.
    for filled in ("", "5"):
        _check(literal.replace("\uffff", filled), "template")


def render(template: str, values: Mapping[str, str]) -> str:
    """The template with its fields filled in.

    Raises Refused as `lint` does, for the template, for each value (the same words, no line break, not too long) and
    for the whole; and E-WORDING-MISSING for a field without a value.
    """
    lint(template)
    said = ""
    for words, name in _parts(template):
        said += words
        if name is None:
            continue
        value = values.get(name, "")
        if not value.strip():
            raise Refused("E-WORDING-MISSING", field=name)
        if len(value) > FIELDS[name]:
            raise Refused("E-WORDING-LENGTH", field=name, most=FIELDS[name])
        if "{" in value or "}" in value:
            raise Refused("E-WORDING-SYNTAX", field=name)
        _check(value, name)
        said += value
    if len(said) > LONGEST:
        raise Refused("E-WORDING-LENGTH", field="template", most=LONGEST)
    _check(said, "template")
    return said


def digest(template: str) -> str:
    """What stands in the record for a template: SHA-256 of its text, hex."""
    return hashlib.sha256(template.encode()).hexdigest()


def _parts(template: str) -> list[tuple[str, str | None]]:
    try:
        parts = [(words, name, spec, conversion) for words, name, spec, conversion in Formatter().parse(template)]
    except ValueError:
        raise Refused("E-WORDING-SYNTAX", field="template") from None
    for _, name, spec, conversion in parts:
        if name is not None and (spec or conversion or not name.isidentifier()):
            raise Refused("E-WORDING-SYNTAX", field="template")
    return [(words, name) for words, name, _, _ in parts]


def _check(text: str, field: str) -> None:
    if any(unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs") for one in text):
        raise Refused("E-WORDING-CONTROL", field=field)
    folded = unicodedata.normalize("NFKC", text).casefold()
    if _LINK.search(folded):
        raise Refused("E-WORDING-LINK", field=field)
    letters = "".join(one for one in folded if unicodedata.category(one)[0] in "LN")
    for word in FORBIDDEN_ZH:
        if unicodedata.normalize("NFKC", word) in letters:
            raise Refused("E-WORDING-WORD", field=field, word=word)
    for word in FORBIDDEN_EN:
        if re.search(rf"\b{word}(?:s|es|'s)?\b", folded):
            raise Refused("E-WORDING-WORD", field=field, word=word)
    if any(pattern.search(folded) for pattern in _COUNTS):
        raise Refused("E-WORDING-COUNT", field=field)


CLIPS: Final = tuple(one.name for one in fields(Script) if one.name not in ("lang", "values"))
"""The parts of a call's wording."""


@dataclass(frozen=True)
class Wording:
    """The templates of one language: those of a call (as `Script` has them), and of what is written.

    `invited` is written to whoever did not answer, `confirmed` after an acceptance, `released` when the seat is not needed,
    `subject` heads a mail.
    """

    lang: str
    invitation: str
    confirm_yes: str
    confirm_no: str
    confirm_conflict: str
    accepted: str
    declined: str
    conflict: str
    ask_code: str
    again: str
    goodbye: str
    invited: str
    confirmed: str
    released: str
    subject: str

    def check(self) -> None:
        """Raises Refused for the first template that `lint` refuses."""
        for one in _templates():
            lint(getattr(self, one))

    def digests(self) -> dict[str, str]:
        """SHA-256 of every template, by name: what a record may say of the wording."""
        return {one: digest(getattr(self, one)) for one in _templates()}

    def script(self, values: Mapping[str, str]) -> Script:
        """What one call says. Raises Refused as `render` does."""
        clips = {one: render(getattr(self, one), values) for one in CLIPS}
        return Script(lang=self.lang, **clips, values={name: values[name] for name in FIELDS if name in values})


def _templates() -> tuple[str, ...]:
    return tuple(one.name for one in fields(Wording) if one.name != "lang")


CHINESE: Final = Wording(
    lang="zh-CN",
    # after the voice notification that Jiangxi's centres use, with keys for a conflict and for the personal code
    invitation=(
        "{salutation}您好，这里是{centre}专家语音通知系统。请您于{date}{time}到{city}参加评标，本次评标约需{duration}。"
        "能参加请按1，不能参加请按2，需要回避请按9，重听请按星号键，结束请挂机。"
    ),
    confirm_yes="您选择的是能参加评标，确认请再按1。",
    confirm_no="您选择的是不能参加评标，确认请再按2。",
    confirm_conflict="您选择的是需要回避，确认请再按9。",
    accepted="系统已确认您可以参加评标，到时请准时参加，谢谢，再见。",
    declined="系统已确认您不能参加评标，谢谢，再见。",
    conflict="系统已确认您需要回避，谢谢，再见。",
    ask_code="请输入您的个人识别码。",
    again="按键无效，请重新选择。",
    goodbye="谢谢，再见。",
    invited=(
        "{salutation}您好，{centre}多次致电未能接通。请您于{date}{time}到{city}参加评标，约需{duration}。"
        "能参加请回复1并留意来电，不能参加请回复2，需要回避请回复9。"
    ),
    confirmed=(
        "您已确认{date}{time}在{centre}参加评标，报到验证码{code}。请携带身份证，手机统一存放。如需取消请回拨{contact}。"
    ),
    released="原定{date}{time}的评标无需您参加，谢谢您的支持。{centre}，电话{contact}。",
    subject="{centre}专家通知",
)
ENGLISH: Final = Wording(
    lang="en",
    invitation=(
        "Good day, {salutation}. This is the expert notification service of {centre}. Please come to {city} on {date} at "
        "{time} for an evaluation of about {duration}. Press 1 if you can come, 2 if you cannot, 9 if you must recuse "
        "yourself, star to hear this again, or hang up."
    ),
    confirm_yes="You chose: I can come. Press 1 again to confirm.",
    confirm_no="You chose: I cannot come. Press 2 again to confirm.",
    confirm_conflict="You chose: I must recuse myself. Press 9 again to confirm.",
    accepted="You are confirmed. Please be on time. Thank you, goodbye.",
    declined="It is noted that you cannot come. Thank you, goodbye.",
    conflict="It is noted that you recuse yourself. Thank you, goodbye.",
    ask_code="Please enter your personal code.",
    again="That key means nothing here. Please choose again.",
    goodbye="Thank you, goodbye.",
    invited=(
        "{salutation}, {centre} could not reach you by telephone. Please come to {city} on {date} at {time} for an "
        "evaluation of about {duration}. Reply 1 if you can come and wait for our call, 2 if you cannot, 9 if you must "
        "recuse yourself."
    ),
    confirmed=(
        "You confirmed the evaluation on {date} at {time}, {centre}. Your check-in code: {code}. Bring your identity card; "
        "telephones are kept at the door. To cancel, call {contact}."
    ),
    released="You need not come on {date} at {time}. Thank you. {centre}, telephone {contact}.",
    subject="{centre}: notification",
)
WORDINGS: Final[Mapping[str, Wording]] = {"zh-CN": CHINESE, "en": ENGLISH}


def said(template: str, values: Mapping[str, str]) -> str:
    """A text by its name, in the language that `values` names. Raises Refused as `render` does."""
    return render(getattr(WORDINGS[values.get("lang", "zh-CN")], template), values)


SALUTATION: Final[Mapping[str, str]] = {"zh-CN": "专家", "en": "expert"}
"""Whom a call greets when no name is to be said."""


# ---- spoken days and hours: a synthesiser reads words better than figures, and people too

_DIGITS = "零一二三四五六七八九"
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def spoken_number(number: int) -> str:
    """0 to 99 in Chinese words: 9 九, 10 十, 30 三十, 45 四十五. ValueError for others."""
    if not 0 <= number <= 99:
        raise ValueError(number)
    tens, ones = divmod(number, 10)
    if not tens:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def part_of_day(hour: int) -> str:
    """What the Chinese call that hour: 凌晨 to 5, 上午 to 11, 中午 at 12, 下午 to 17, 晚上 after."""
    for last, name in ((5, "凌晨"), (11, "上午"), (12, "中午"), (17, "下午")):
        if hour <= last:
            return name
    return "晚上"


def spoken_date(moment: datetime, lang: str = "zh-CN") -> str:
    """The day of a local time: `十一月三十日星期一上午`, `Monday 30 November`."""
    if not lang.startswith("zh"):
        return f"{_WEEKDAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]}"
    weekday = "一二三四五六日"[moment.weekday()]
    return f"{spoken_number(moment.month)}月{spoken_number(moment.day)}日星期{weekday}{part_of_day(moment.hour)}"


def spoken_time(moment: datetime, lang: str = "zh-CN") -> str:
    """The hour of a local time, in halves of a day in Chinese: `九点三十分`, `两点整`, `九点零五分`; `09:30`."""
    if not lang.startswith("zh"):
        return f"{moment:%H:%M}"
    hour = moment.hour if moment.hour <= 12 else moment.hour - 12
    said = ("两" if hour == 2 else spoken_number(hour)) + "点"
    if not moment.minute:
        return said + "整"
    return said + ("零" if moment.minute < 10 else "") + spoken_number(moment.minute) + "分"


def written_date(moment: datetime, lang: str = "zh-CN") -> str:
    """The day of a local time as a message has it: `11月30日星期一`, `Monday 30 November`."""
    if not lang.startswith("zh"):
        return spoken_date(moment, lang)
    return f"{moment.month}月{moment.day}日星期{'一二三四五六日'[moment.weekday()]}"


def written_time(moment: datetime) -> str:
    """The hour as a message has it: `09:30`."""
    return f"{moment:%H:%M}"
