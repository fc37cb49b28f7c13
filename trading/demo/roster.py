"""The roster of the demonstration: made-up experts in a vault, admitted by an authority, and how each behaves when called.

Names are drawn from common syllables, numbers are nobody's; what a row says in clear says nothing of whom. Most pick up and
come; some decline, some have a conflict, some are never reached. A few specialties exist for the ways that go otherwise.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stdnum.cn import ric

from audit.act import Actor, acting, pool
from audit.trust import Identities, Parties, record_sig_bytes
from experts import admissions, roster, specialties
from experts.intake import Specialty
from experts.person import NewExpert, Person
from experts.vault import Vault
from trading.demo.cast import BASE, ITERATIONS, ORIGIN, Cast
from trading.keyfiles import new_vault, read_vault
from trading.law import committee
from trading.law.regimes import regime
from trading.law.rulebook import pin

POOL = 330
"""Experts of the ordinary specialties: enough to hide in, for every panel."""
TREE = (
    Specialty("pj", None, "评审专业", "Evaluation"),
    Specialty("pj01", "pj", "工程技术", "Works"),
    Specialty("pj02", "pj", "货物与服务", "Goods and services"),
    Specialty("pj03", "pj", "资产与资源", "Assets and resources"),
    Specialty("pj04", "pj", "技术经济", "Economics"),
    Specialty("pj11", "pj", "园林绿化", "Landscaping"),
    Specialty("pj12", "pj", "水利", "Waterworks"),
    Specialty("pj13", "pj", "交通", "Transport"),
    Specialty("pj14", "pj", "电力", "Electricity"),
)
FIELDS = ("pj01", "pj02", "pj03")
ECONOMICS = "pj04"
LEAST, RECKONING = 5, 2
OFTEN = {"accept": 80, "decline": 9, "conflict": 3, "no_answer": 4, "hang_up": 2, "wrong_code_once": 2}
"""How often each behaviour occurs among the ordinary ones, in percent."""
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "安邦成达恩方国海嘉康立明宁平清仁善泰文欣雅永泽"


@dataclass(frozen=True)
class Special:
    """A specialty for one way: so many experts of each behaviour, in no order that anybody knows."""

    specialty: str
    behaviours: dict[str, int]


DECLINING = Special("pj11", {"decline": 40, "accept": 6})
"""Two percent of a percent of a percent that nobody declines before five have accepted."""
CONFLICTED = Special("pj12", {"conflict": 40, "accept": 6})
ABSENT = Special("pj13", {"accept": 7})
SCARCE = Special("pj14", {"accept": 4, "decline": 1})
"""Five are needed and one of five declines: the pool is exhausted."""


@dataclass
class Book:
    """What the demonstration knows of its experts and nobody else does: behaviours and codes by telephone number."""

    plan: dict[str, dict[str, object]] = field(default_factory=dict)
    numbers: dict[str, list[str]] = field(default_factory=dict)
    """By specialty."""


def needs(of: str, budget: int) -> list[dict[str, object]]:
    """Whom an ordinary tender asks for: so many as the law wants of its budget, five at least; two of them who reckon."""
    members = max(LEAST, committee.least(pin(regime(of), BASE), budget))
    own = {"gov": "pj02", "property": "pj03", "land": "pj03", "minerals": "pj03"}.get(of, "pj01")
    return [{"specialty": own, "count": members - RECKONING}, {"specialty": ECONOMICS, "count": RECKONING}]


def write_key(cast: Cast, path: Path) -> Vault:
    """The dispatcher's key on its own disk, and its vault."""
    new_vault(path, "dispatcher", ORIGIN, cast.passphrase, iterations=ITERATIONS)
    return Vault([read_vault(path, cast.passphrase, origin=ORIGIN)])


def people(specials: Sequence[Special]) -> tuple[Book, list[NewExpert]]:
    """Everybody there is, and how they behave: the same people in every demonstration."""
    chance = random.Random(20250707)  # whose telephone does what; the draws themselves are drawn by real chance
    book, made = Book(), []
    for n in range(POOL):
        [does] = chance.choices(list(OFTEN), list(OFTEN.values()))
        also = (ECONOMICS,) if n % 2 else ()
        made.append(_somebody(book, n, chance, does, (FIELDS[n // 2 % 3], *also)))
    for special in specials:
        for does, count in special.behaviours.items():
            made += [_somebody(book, len(made) + k, chance, does, (special.specialty,)) for k in range(count)]
    return book, made


async def fill(cast: Cast, vault: Vault, specials: Sequence[Special]) -> Book:
    """Name everybody, and let an authority admit them. The database is connected and the log open."""
    book, made = people(specials)
    async with acting(Actor("dispatcher", "demo")) as act:
        await specialties.learn(act, TREE)
    async with acting(Actor("dispatcher", "demo")) as act:
        await roster.add_people(act, vault, made)
    ids = await admissions.named(pool().fetch)
    authority = cast.authorities[0]
    sig = [authority.signer.sign(record_sig_bytes(admissions.admission(ids, authority.id)))]
    async with acting(Actor("supervisor", authority.id)) as act:
        identities = Identities(Parties.parse(cast.parties))
        await admissions.admit(act, experts=ids, by=authority.id, sig=sig, identities=identities)
    return book


def _somebody(book: Book, n: int, chance: random.Random, does: str, fields: tuple[str, ...]) -> NewExpert:
    body = f"110105{1960 + n % 35}{1 + n % 12:02d}{1 + n % 28:02d}{n % 1000:03d}"
    name = chance.choice(SURNAMES) + chance.choice(GIVEN) + chance.choice(GIVEN)
    person = Person(name, f"+86139{n:08d}", body + ric.calc_check_digit(f"{body}0"))
    book.plan[person.phone] = {"does": does, "code": person.code}
    for one in fields:
        book.numbers.setdefault(one, []).append(person.phone)
    return NewExpert(person, fields, ("110000",), "senior")


def write_plan(book: Book, directory: Path) -> None:
    """Tell the simulated telephones how to behave."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "plan.json").write_text(json.dumps(book.plan), encoding="utf-8")
