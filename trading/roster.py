"""The roster of experts as the market uses it: imported by the dispatcher's operator, admitted by an authority, counted.

    import FILE -> named        (only where the vault key is: `trading experts`)
    admit       -> admitted     (anywhere: an authority's signature over ids that say nothing)

Web processes count and admit; they hold no key and see no name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.act import Act, Actor, RecordRef, acting, pool
from audit.refusal import Refused
from experts import admissions, intake, roster, rotation
from experts import specialties as tree
from experts.intake import Rejection
from experts.person import Person
from experts.vault import Vault
from trading import accounts, logbook
from trading.accounts import Caller
from trading.installation import Installation
from trading.law import retention

Progress = Callable[[int], None]
_ON_ROSTER = {
    "identity": ("identity", "on-roster"),
    "removed": ("identity", "removed"),
    "phone": ("phone", "phone-taken"),
}


@dataclass(frozen=True)
class Imported:
    """What an import did, or, dry, would have done: how many were taken, and every line that was not, with the reason."""

    taken: int
    rejected: Sequence[Rejection] = field(default=())
    ids: Sequence[str] = field(default=(), repr=False)

    @property
    def known(self) -> int:
        """Lines of people who are on the roster already: all of them where a file is imported again."""
        return sum(one.why == "on-roster" for one in self.rejected)


async def import_experts(
    vault: Vault, actor: Actor, path: Path, *, dry: bool = False, progress: Progress = lambda done: None
) -> Imported:
    """Name the experts of a file, in one act: all of its good lines or, when anything goes wrong, none.

    Refused: as `spreadsheet.lines`, E-TABLE-COLUMNS, E-VAULT-OLD. Nothing to add is no error: `taken` is 0.
    """
    found, rejected = intake.read_experts(path, await roster.tree(pool().fetch), progress)
    people = [one.expert.person for one in found]
    new = []
    for one, clash in zip(found, await roster.on_roster(pool().fetch, vault, people), strict=True):
        if clash:
            rejected.append(Rejection(one.line, *_ON_ROSTER[clash]))
        else:
            new.append(one.expert)
    rejected.sort()
    if dry or not new:
        return Imported(len(new), rejected)
    async with acting(actor) as act:
        ids = await roster.add_people(act, vault, new)
    return Imported(len(ids), rejected, ids)


async def import_specialties(actor: Actor, path: Path, *, dry: bool = False) -> Imported:
    """Take the tree of specialties from a file: new codes, and other names for known ones. Nothing new: `taken` is 0.

    Refused: as `spreadsheet.lines`, E-TABLE-COLUMNS, E-SPECIALTY-CIRCLE. With a rejected line nothing is taken: a tree with
    holes would be worse than none.
    """
    nodes, rejected = intake.read_specialties(path, (await roster.tree(pool().fetch)).parents)
    if dry or rejected:
        return Imported(0 if rejected else len(nodes), rejected)
    try:
        async with acting(actor) as act:
            refs = await tree.learn(act, nodes)
    except Refused as no:
        if no.code != "E-SPECIALTIES-SAME":
            raise
        return Imported(0)
    return Imported(sum(len(ref.body["added"]) + len(ref.body["changed"]) for ref in refs))


async def admit(
    platform: Installation, caller: Caller, experts: Sequence[str], by: str, sig: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Admit named experts. Refused: as `admissions.admit`.

    The actor is the authority that signed; whoever brings it only carries it.
    """
    identities = await platform.identities()
    async with acting(Actor("authority", by)) as act:
        ref = await admissions.admit(act, experts=experts, by=by, sig=sig, identities=identities)
    return logbook.shown(ref)


async def change(actor: Actor, work: Callable[[Act], Awaitable[RecordRef]]) -> dict[str, str]:
    """One change of one expert (experts/standing.py), as an act of its own."""
    async with acting(actor) as act:
        ref = await work(act)
    return logbook.shown(ref) | {"what": str(ref.body["what"])}


async def find(
    actor: Actor, vault: Vault, *, identity: str = "", phone: str = "", show: bool = False
) -> tuple[list[str], list[Person]]:
    """Ids by keyed hash; with `show` who they are as well, each look a record that stands before anything is shown.

    Refused: E-STORAGE-ONLY (one of them asked for deletion: the row is kept and opened for nobody).
    """
    ids = await roster.find(pool().fetch, vault, identity=identity, phone=phone)
    if not ids or not show:
        return ids, []
    for id in ids:
        await accounts.check_use(pool().fetch, id, retention.READ)
    async with acting(actor) as act:
        people = [await roster.read_person(act, vault, id) for id in ids]
    return ids, people


async def rotate(actor: Actor, vault: Vault, progress: Progress = lambda done: None) -> tuple[int, int]:
    """Seal the roster under the vault's current key: how many rows, and how many open draws still need the old one.

    Refused: as `rotation.rotate`.
    """
    async with acting(actor) as act:
        ref = await rotation.rotate(act, vault, progress)
    return int(ref.body["experts"]), await rotation.waiting(pool().fetch, vault)


async def named(limit: int | None = None) -> list[str]:
    """Ids of those who wait for an authority, ascending."""
    return await admissions.named(pool().fetch, limit)


async def statistics() -> dict[str, Any]:
    """Counts of the roster."""
    return await roster.statistics(pool().fetch)
