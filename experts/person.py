"""Who an expert is: what is sealed in a row, and what of it a row may be found by.

A `Person` is made of checked values only; each check says no with a word (`Unfit.why`), never with the value. Telephone
numbers are kept as E.164, identity numbers (GB 11643) with their check character (ISO 7064 MOD 11-2), organisations by
their unified social credit code (GB 32100). Nothing here shows itself: whoever prints a Person gets `<Person>`.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import phonenumbers
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from audit.canon import canon, parse_object
from audit.refusal import Broken
from experts.vault import Vault

PURPOSE: Final = "experts_expert.sealed"
"""What a person is sealed for (vault.py)."""
IDENTITY, PHONE = "identity", "phone"
"""The kinds of mark by which a row is found."""
CODE = re.compile(r"[0-9]{4}")
_REGION = "CN"
_NAME = re.compile(r"[^\x00-\x1f\x7f=@+\-][^\x00-\x1f\x7f]*")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_COMPOUND = (
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "司徒", "夏侯", "令狐", "端木", "百里", "南宫",
    "长孙", "宇文", "轩辕", "呼延", "闻人", "澹台", "公冶", "宗政", "濮阳", "淳于", "单于", "太叔", "申屠", "钟离", "独孤",
)  # fmt: skip


class Unfit(ValueError):
    """A value that is none of its kind. `why`: a word, so that nothing of the value gets into a log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, repr=False)
class Employment:
    """Works for an organisation: its credit code, the first day, and the last (None: still)."""

    code: str
    since: date
    until: date | None = None

    def __repr__(self) -> str:
        return "<Employment>"


@dataclass(frozen=True, repr=False)
class Person:
    """An expert as the dispatcher knows them.

    `kin`: organisations where kin work or hold shares; `interests`: those they have a share or another interest in; all
    credit codes. `code`: what the expert keys in when called, so that nobody else answers; `salutation`: how they are
    addressed by a voice.
    """

    name: str
    phone: str
    identity: str
    second_phone: str = ""
    email: str = ""
    employers: tuple[Employment, ...] = ()
    kin: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    code: str = field(default_factory=lambda: f"{secrets.randbelow(10_000):04d}")
    salutation: str = ""

    def __repr__(self) -> str:
        return "<Person>"

    def encode(self) -> bytes:
        """What is sealed: canonical JSON."""
        return canon(
            {
                "name": self.name,
                "phone": self.phone,
                "identity": self.identity,
                "second_phone": self.second_phone,
                "email": self.email,
                "employers": [_plain(one) for one in self.employers],
                "kin": list(self.kin),
                "interests": list(self.interests),
                "code": self.code,
                "salutation": self.salutation,
            },
            nfc=True,
        )

    @classmethod
    def parse(cls, data: bytes) -> Person:
        """The person these bytes say. Broken("E-VAULT") for others: they were sealed by something else."""
        try:
            value = parse_object(data)
            found: dict[str, Any] = {
                name: tuple(x) if isinstance(x, list) else x for name, x in value.items() if name != "employers"
            }
            return cls(**found, employers=tuple(_employment(one) for one in value["employers"]))
        except (ValueError, TypeError, KeyError):
            raise Broken("E-VAULT", purpose=PURPOSE, id="") from None

    def checked(self) -> Person:
        """The same person with each value in its one form. Raises Unfit for a value that has none."""
        identity = identity_number(self.identity)
        name = name_of(self.name)
        if not CODE.fullmatch(self.code):
            raise Unfit("code")
        return replace(
            self,
            name=name,
            phone=telephone(self.phone),
            identity=identity,
            second_phone=telephone(self.second_phone) if self.second_phone else "",
            email=mail(self.email) if self.email else "",
            employers=tuple(_checked(one) for one in self.employers),
            kin=codes(self.kin),
            interests=codes(self.interests),
            salutation=salutation_for(name, self.salutation) if self.salutation else salutation_of(name),
        )

    def seal(self, vault: Vault, id: str) -> bytes:
        """For the row of this id."""
        return vault.seal(PURPOSE, id, self.encode())

    @classmethod
    def open(cls, vault: Vault, id: str, sealed: bytes) -> Person:
        """Whoever is in a row. Raises as Vault.open."""
        return cls.parse(vault.open(PURPOSE, id, sealed))


@dataclass(frozen=True, repr=False)
class NewExpert:
    """Somebody to be named on the roster: the person, and what a row says in clear. Codes of specialties and regions."""

    person: Person
    specialties: tuple[str, ...]
    regions: tuple[str, ...] = ()
    title: str = ""

    def __repr__(self) -> str:
        return "<NewExpert>"


# -------------------------------------------------------------------------------------------------- values in one form


def telephone(text: str) -> str:
    """A telephone number as E.164 (`+8613800138000`); mainland China unless it names a country. Raises Unfit("phone")."""
    try:
        number = phonenumbers.parse(_clean(text), _REGION)
    except phonenumbers.NumberParseException:
        raise Unfit("phone") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise Unfit("phone")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def identity_number(text: str) -> str:
    """An identity number (GB 11643) of 18 characters with the right check character and a day that exists.

    Places are not looked up: districts are dissolved and founded faster than tables. Raises Unfit("identity").
    """
    number = _clean(text).replace(" ", "").upper()
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number) or ric.calc_check_digit(number) != number[-1]:
        raise Unfit("identity")
    try:
        born = ric.get_birth_date(number)
    except ValidationError:
        raise Unfit("identity") from None
    if born.year < 1900:
        raise Unfit("identity")
    return number


def credit_code(text: str) -> str:
    """A unified social credit code with its check character (GB 32100). Raises Unfit("organisation")."""
    try:
        return str(uscc.validate(_clean(text).upper()))
    except ValidationError:
        raise Unfit("organisation") from None


def codes(texts: Sequence[str]) -> tuple[str, ...]:
    """Several credit codes, ascending, each once. Raises Unfit("organisation")."""
    return tuple(sorted({credit_code(text) for text in texts}))


def name_of(text: str) -> str:
    """A name in NFC, 1 to 100 characters, that no spreadsheet takes for a formula. Raises Unfit("name")."""
    name = " ".join(_clean(text).split())
    if not 0 < len(name) <= 100 or not _NAME.fullmatch(name):
        raise Unfit("name")
    return name


def mail(text: str) -> str:
    """An address for e-mail. Raises Unfit("email")."""
    address = _clean(text)
    if len(address) > 254 or not _MAIL.fullmatch(address):
        raise Unfit("email")
    return address


def salutation_of(name: str) -> str:
    """How a voice addresses somebody of this name: the surname and 专家, "" for a name that is not Chinese. Never the name:
    what a provider is given to say must not tell whom it rings (draw.md §3)."""
    if not ("\u4e00" <= name[0] <= "\u9fff" or "\u3400" <= name[0] <= "\u4dbf"):
        return ""
    return (name[:2] if name[:2] in _COMPOUND and len(name) > 2 else name[0]) + "专家"


def salutation_for(name: str, text: str) -> str:
    """A salutation of the centre's own words, which is not the name itself. Raises Unfit("salutation")."""
    salutation = name_of(text)
    if name and name in salutation:
        raise Unfit("salutation")
    return salutation


def _clean(text: str) -> str:
    """NFC, full-width digits and letters as plain ones, no blanks around."""
    plain = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    return unicodedata.normalize("NFC", plain.replace("\u3000", " ")).strip()


def _plain(one: Employment) -> dict[str, Any]:
    return {"code": one.code, "from": one.since.isoformat(), "until": one.until.isoformat() if one.until else None}


def _employment(value: dict[str, Any]) -> Employment:
    until = None if value["until"] is None else date.fromisoformat(value["until"])
    return Employment(value["code"], date.fromisoformat(value["from"]), until)


def _checked(one: Employment) -> Employment:
    if one.until is not None and one.until < one.since:
        raise Unfit("date")
    return replace(one, code=credit_code(one.code))
