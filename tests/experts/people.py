"""Made-up experts with real check characters, the authority that admits them, and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from stdnum.cn import ric, uscc

from audit.act import Act, Actor, acting
from audit.trust import Ed25519Signer, Identities, Parties, Vkey, record_sig_bytes
from experts import admissions, roster, specialties
from experts.intake import Specialty
from experts.person import Employment, NewExpert, Person
from experts.vault import Vault, new_key

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
TREE = (
    Specialty("a", None, "工程类", "works"), Specialty("a08", "a", "机电", "mechanical"),
    Specialty("a0801", "a08", "电梯", "lifts"), Specialty("a0802", "a08", "空调", "air conditioning"),
    Specialty("b", None, "货物类", "goods"), Specialty("b01", "b", "信息技术", "computing"),
)  # fmt: skip
CENTRE = Actor("dispatcher", "wang")


def identity(number: int) -> str:
    """A valid identity number of a made-up place, up to a million of them."""
    body = f"990000{1960 + number % 40}01{1 + number // 40 % 28:02d}{number // 1120:03d}"
    return body + ric.calc_check_digit(body + "0")


def firm(number: int) -> str:
    """A valid credit code of a firm that exists nowhere."""
    body = f"91000000{'MA'}{number:07d}"
    return body + uscc.calc_check_digit(body)


def phone(number: int) -> str:
    """A mobile number of a valid form."""
    return f"+86139{number:08d}"


def person(number: int, **more: Any) -> Person:
    """Expert `number`: works for firm 1000 + number since 2010."""
    facts: dict[str, Any] = {
        "name": f"王{number}号", "phone": phone(number), "identity": identity(number),
        "employers": (Employment(firm(1000 + number), date(2010, 1, 1)),), "salutation": "王专家",
    }  # fmt: skip
    return Person(**{**facts, **more})


def new_expert(number: int, *codes: str, regions: Sequence[str] = ("3302",), **more: Any) -> NewExpert:
    """The same with specialties."""
    return NewExpert(person(number, **more), codes or ("a0801",), tuple(regions), "senior")


class Office:
    """A vault, an authority, and what they do: every act on the roster a test needs."""

    def __init__(self) -> None:
        self.key = new_key()
        self.vault = Vault([self.key])
        self.authority, self.stranger = Ed25519Signer.generate(), Ed25519Signer.generate()
        line = f"authority A-SUP {Vkey('A-SUP', 1, self.authority.key)} 2020-01-01T00:00:00.000000Z -\n"
        self.identities = Identities(Parties.parse(line.encode()))

    async def open(self) -> Office:
        """Take the tree of specialties."""
        async with acting(CENTRE) as act:
            await specialties.learn(act, TREE)
        return self

    async def name(self, *people: NewExpert) -> list[str]:
        """Name people; their ids."""
        async with acting(CENTRE) as act:
            return await roster.add_people(act, self.vault, people)

    def signed(
        self, ids: Sequence[str], by: str = "A-SUP", signer: Ed25519Signer | None = None
    ) -> list[dict[str, Any]]:
        """An authority's signature over an admission."""
        return [dict((signer or self.authority).sign(record_sig_bytes(admissions.admission(ids, by))))]

    async def admit(self, ids: Sequence[str], **more: Any) -> None:
        """Admit whoever was named."""
        ids = sorted(ids)
        async with acting(Actor("authority", "A-SUP")) as act:
            await self.admit_in(act, ids, **more)

    async def admit_in(self, act: Act, ids: Sequence[str], **more: Any) -> None:
        facts: dict[str, Any] = {"experts": ids, "by": "A-SUP", "sig": self.signed(ids), "identities": self.identities}
        await admissions.admit(act, **{**facts, **more})
