"""Whether a party joins a draw, and when it reveals: draw.md §2.2, on the party's own machine. Pure.

    joined = judge(told, me, tender=…, now=…, parties=…, kept=…)     Refused with a P- code: the tool does nothing
    joined.commits                                                   make a nonce, keep it, commit
    joined.reveals                                                   all commitments lie under the checkpoint: reveal

`told` are records proved to lie in the log under a checkpoint with quorum, `kept` what this tool signed before. A platform
that wants another result than chance gives must show somebody two draws, two pools, or an attempt too many:

1. the tender has one draw, and another only when its owner agrees that the first was exhausted          P-SECOND
2. one record for each attempt, and the party stands in it under its own number                          P-OTHER, P-PARTY
3. attempt a+1 comes after the logged void of a, which names somebody who did not reveal in time          P-VOID
4. need, pool, roster, hour and parties are the first attempt's, the secret is new                        P-CHANGED
5. from the third attempt on an authority has approved                                                    P-UNAPPROVED
6. nobody has spoken in the party's name, and there is still time                                         P-FORGED, P-LATE
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from audit.canon import NotCanonical, instant, sha256_hex, unb64
from audit.refusal import Refused
from audit.signature import BadSignature
from audit.trust import Parties
from audit.wire import Malformed
from experts import records
from experts.approvals import APPROVED, APPROVED_FROM, approved_by
from experts.draw import Said, draw_ctx, nonce_commit, read_said

SAME: Final = (
    "need", "representatives", "meets", "pool_root", "pool_size", "leaves", "roster_root", "roster_size", "excluded",
    "parties",
)  # fmt: skip
"""Fields of draw-committed that stay through all attempts of a draw."""
TYPES: Final = frozenset(
    one.type
    for one in (
        records.DRAW_COMMITTED, records.DRAW_NONCE_COMMITTED, records.DRAW_NONCE_REVEALED, records.DRAW_VOIDED,
    )
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A record that was proved to lie in the log."""

    index: int
    data: bytes
    record: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, Any, Any]:
        """Which fact of which attempt it is."""
        return self.record["type"], self.record["draw"], self.record["attempt"]


@dataclass(frozen=True)
class Kept:
    """What a party's tool keeps of an attempt it joined, before anybody hears of it: the record's bytes, and the nonce."""

    draw: str
    attempt: int
    record: bytes
    nonce: bytes


@dataclass(frozen=True)
class Joined:
    """An attempt that a party may take part in, and how far it is."""

    tender: str
    draw: str
    attempt: int
    i: int
    reveal_by: datetime
    record: bytes
    committed: frozenset[int] = field(default_factory=frozenset)
    revealed: frozenset[int] = field(default_factory=frozenset)
    parties: int = 0

    @property
    def commits(self) -> bool:
        """Whether this party's commitment is missing."""
        return self.i not in self.committed

    @property
    def reveals(self) -> bool:
        """Whether all have committed, and this party has not revealed."""
        return len(self.committed) == self.parties and self.i not in self.revealed

    @property
    def done(self) -> bool:
        """Whether nothing is left to do for this party."""
        return self.i in self.revealed

    def said(self, nonce: bytes, *, reveals: bool) -> Said:
        """What the party signs."""
        value = nonce if reveals else nonce_commit(draw_ctx(self.draw, self.tender), self.i, nonce)
        record = sha256_hex(self.record)
        return Said(self.draw, self.tender, self.attempt, self.i, record, value, reveals)


def judge(
    told: Sequence[Told],
    me: str,
    *,
    tender: str,
    now: datetime,
    parties: Parties,
    kept: Sequence[Kept] = (),
    replaced: str = "",
) -> Joined | None:
    """The attempt that waits for this party, if it may join; None: there is none yet.

    `replaced`: a draw that was exhausted, as the party's owner has been shown. Raises Refused with the codes above, and
    E-NONCE-FORM for a record that is none.
    """
    try:
        return _judge(sorted(told, key=lambda one: one.index), me, tender, now, parties, kept, replaced)
    except (KeyError, TypeError, AttributeError, NotCanonical) as why:
        raise Refused("E-NONCE-FORM", why=str(why)) from None


def _judge(
    told: Sequence[Told],
    me: str,
    tender: str,
    now: datetime,
    parties: Parties,
    kept: Sequence[Kept],
    replaced: str,
) -> Joined | None:
    draws = [
        one for one in told if one.record["type"] == records.DRAW_COMMITTED.type and one.record["tender"] == tender
    ]
    if not draws:
        return None
    last = draws[-1]
    draw, attempt = last.record["draw"], last.record["attempt"]
    mine = {one.attempt: one for one in kept if one.draw == draw}
    attempts = [one for one in draws if one.record["draw"] == draw]
    others = {one.record["draw"] for one in draws} | {one.draw for one in kept}
    others -= {draw}
    if others and (replaced != attempts[0].record.get("replaces") or others - _replaced(draws, draw)):
        raise Refused("P-SECOND", draw=draw, other=sorted(others)[0])
    if [one.record["attempt"] for one in attempts] != list(range(1, attempt + 1)):
        raise Refused("P-OTHER", attempt=attempt)
    for one in attempts:
        before = mine.get(one.record["attempt"])
        if before is not None and before.record != one.data:
            raise Refused("P-OTHER", attempt=one.record["attempt"])
    i = _number(last.record, me)
    for earlier, later in pairwise(attempts):
        _voided(told, earlier, later)
    _unchanged(attempts)
    if attempt >= APPROVED_FROM:
        try:
            approved_by(parties, last.record, last.record[APPROVED], instant(last.record["time"]))
        except BadSignature:
            raise Refused("P-UNAPPROVED", attempt=attempt) from None
    if any(one.key == (records.DRAW_VOIDED.type, draw, attempt) for one in told):
        return None  # the next attempt is on its way
    committed = _spoken(told, last, reveals=False)
    revealed = _spoken(told, last, reveals=True)
    joined = Joined(
        tender, draw, attempt, i, instant(last.record["reveal_by"]), last.data, frozenset(committed), frozenset(revealed),
        len(last.record["parties"]),
    )  # fmt: skip
    own = mine.get(attempt)
    for found, reveals in ((committed, False), (revealed, True)):
        if i in found and (own is None or joined.said(own.nonce, reveals=reveals).data != found[i]):
            raise Refused("P-FORGED", attempt=attempt)
    if now >= joined.reveal_by and not joined.done:
        raise Refused("P-LATE", latest=joined.reveal_by, now=now)
    return joined


def _replaced(draws: Sequence[Told], draw: str) -> set[str]:
    """The draws that this one replaces, by what the first record of each says."""
    first = {one.record["draw"]: one.record.get("replaces") for one in reversed(draws)}
    found: set[str] = set()
    while (draw := first.get(draw) or "") and draw not in found:
        found.add(draw)
    return found


def _number(record: Mapping[str, Any], me: str) -> int:
    numbers = [one["i"] for one in record["parties"]]
    ids = [one["id"] for one in record["parties"]]
    if me not in ids or numbers != list(range(1, len(ids) + 1)) or len(set(ids)) != len(ids) or len(ids) < 2:
        raise Refused("P-PARTY", id=me)
    return ids.index(me) + 1


def _voided(told: Sequence[Told], earlier: Told, later: Told) -> None:
    """A void of the earlier attempt lies between the two, after its time, and names somebody who had not revealed."""
    draw, attempt = earlier.record["draw"], earlier.record["attempt"]
    voids = [one for one in told if one.key == (records.DRAW_VOIDED.type, draw, attempt)]
    if len(voids) != 1 or not earlier.index < voids[0].index < later.index:
        raise Refused("P-VOID", attempt=attempt)
    (void,) = voids
    reveal_by = instant(earlier.record["reveal_by"])
    in_time = {
        one.record["i"]
        for one in told
        if one.key == (records.DRAW_NONCE_REVEALED.type, draw, attempt) and instant(one.record["time"]) <= reveal_by
    }
    known = {one["i"] for one in earlier.record["parties"]}
    if instant(void.record["time"]) <= reveal_by or void.record["culprit"] not in known - in_time:
        raise Refused("P-VOID", attempt=attempt)


def _unchanged(attempts: Sequence[Told]) -> None:
    first = attempts[0].record
    for one in attempts[1:]:
        for name in SAME:
            if one.record[name] != first[name]:
                raise Refused("P-CHANGED", field=name)
    if len({one.record["secret_commit"] for one in attempts}) != len(attempts):
        raise Refused("P-CHANGED", field="secret_commit")


def _spoken(told: Sequence[Told], last: Told, *, reveals: bool) -> dict[int, bytes]:
    """{i: object} of what was committed or revealed in an attempt; each names this attempt and this record."""
    type = (records.DRAW_NONCE_REVEALED if reveals else records.DRAW_NONCE_COMMITTED).type
    draw, attempt = last.record["draw"], last.record["attempt"]
    found: dict[int, bytes] = {}
    for one in told:
        if one.key != (type, draw, attempt) or one.index < last.index:
            continue
        try:
            data = unb64(one.record["object"])
            said = read_said(data, reveals=reveals)
        except Malformed as why:
            raise Refused("E-NONCE-FORM", why=str(why)) from None
        fits = (draw, attempt, one.record["i"], sha256_hex(last.data), last.record["tender"])
        if (said.draw, said.attempt, said.i, said.draw_record, said.tender) != fits or said.i in found:
            raise Refused("P-OTHER", attempt=attempt)
        found[said.i] = data
    return found
