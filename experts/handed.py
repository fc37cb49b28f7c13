"""What the dispatcher is handed from above: the law and the life of a tender, the lines it speaks over, how it may fail.

Experts knows no tender and no provider. `Market` answers for the one (trading/dispatching.py), `Lines` holds the drivers of
the other (trading/channels), by the two protocols below, which are theirs as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from audit.refusal import Refused
from experts.conversation import Answer, Script
from experts.draw import Need, read_need


@dataclass(frozen=True)
class Asked:
    """A panel that was asked for, as its row has it (tables.Panel)."""

    draw: str
    tender: str
    need: tuple[Need, ...]
    representatives: int
    region: str
    meets: datetime
    parties: tuple[Mapping[str, Any], ...]
    reveal_within: timedelta
    wording: Mapping[str, str]
    recuse: frozenset[str]
    after_opening: bool
    replaces: str | None
    attempt: int
    state: str

    @property
    def seats(self) -> int:
        """Seats that are drawn."""
        return sum(one.count for one in self.need)

    @property
    def count(self) -> Mapping[str, int]:
        """{specialty: seats}."""
        return {one.specialty: one.count for one in self.need}


def read_panel(row: Any) -> Asked:
    """A panel's row as a value."""
    return Asked(
        draw=row["draw"],
        tender=row["tender"],
        need=read_need(plain(row["need"])),
        representatives=row["representatives"],
        region=row["region"],
        meets=row["meets"],
        parties=tuple(plain(row["parties"])),
        reveal_within=timedelta(microseconds=row["reveal_within"]),
        wording=plain(row["wording"]),
        recuse=frozenset(plain(row["recuse"])),
        after_opening=row["after_opening"],
        replaces=row["replaces"],
        attempt=row["attempt"],
        state=row["state"],
    )


def plain(value: Any) -> Any:
    """A JSON column, whichever way the driver hands it over."""
    return json.loads(value) if isinstance(value, str | bytes) else value


@dataclass(frozen=True)
class Terms:
    """What the law says of one draw. Days and years are numbers of the rulebook; `earliest` is log time."""

    earliest: datetime
    """Nothing is drawn before."""
    admitted_days: int
    """So long an expert must have been admitted (draw.md §1)."""
    employer_years: int
    """So long an employment recuses after its end."""
    bidders: frozenset[str] = frozenset()
    """Their credit codes, where the draw follows the opening."""
    supervisors: frozenset[str] = frozenset()
    """Credit codes of the bodies that supervise: their own staff does not sit."""


@dataclass(frozen=True)
class Bidders:
    """Who bids, once everybody knows: credit codes, and for how many years an employment recuses."""

    codes: frozenset[str]
    employer_years: int


RUNNING, CLOSED, GIVEN_UP = "running", "closed", "given_up"


class Market(Protocol):
    """What trading tells of a tender."""

    async def terms(self, asked: Asked, now: datetime) -> Terms | None:
        """What the law says of this draw; None: not yet, for a reason that is no hour (the bids are not listed). Raises
        Refused where it may not be made at all."""

    async def bidders(self, tender: str) -> Bidders | None:
        """The bidders once they are known to everybody (the opening); None before."""

    async def stage(self, tender: str) -> str:
        """`running`, `closed` (an `evaluation-closed` is recorded) or `given_up` (it ended without one)."""

    async def names_due(self, tenders: Sequence[str]) -> Collection[str]:
        """Of these tenders those whose members' names are to be published now (政府采购法实施条例 43)."""


# --------------------------------------------------------------------------------------------------------------- the lines


class Voice(Protocol):
    """Rings somebody; trading/channels has the contract."""

    name: str

    async def call(
        self, *, key: str, number: str, script: Script, check: Callable[[str], bool] | None, ring: float
    ) -> Answer:
        """What came of it; the same key never rings twice."""


class Text(Protocol):
    """Writes to somebody; trading/channels has the contract."""

    name: str

    async def write(self, *, key: str, number: str, template: str, fields: Mapping[str, str]) -> Answer:
        """Handed over or not; the same key once."""

    async def answers(self) -> Sequence[tuple[str, Answer]]:
        """Replies since the last look, each with the key of its message."""


class _Never(Exception):
    """What no driver raises."""


@dataclass(frozen=True)
class Lines:
    """The drivers, preferred ones first. A channel's name in records is its driver's; `-text` and `-mail` after it where
    it writes, so that one driver that does both counts as two channels."""

    voices: Sequence[Voice]
    texts: Sequence[Text] = ()
    mails: Sequence[Text] = ()
    down: type[Exception] = _Never
    """What a driver raises when it is certain that nobody was rung; may have `retry_after` machine seconds."""
    unfit: type[Exception] = _Never
    """The same where trying again is no use."""
    ask_code: bool = True
    """Whether whoever accepts is asked for the personal code. Without it a written `1` accepts."""

    def voice(self, channel: str) -> Voice | None:
        """The voice of that name; None: it is not here any more."""
        return next((one for one in self.voices if one.name == channel), None)

    def text(self, channel: str) -> Text | None:
        """The driver behind a channel that writes."""
        among = self.mails if channel.endswith("-mail") else self.texts
        return next((one for one in among if one.name == channel.removesuffix("-mail").removesuffix("-text")), None)

    @property
    def rung(self) -> list[str]:
        """Channels that ring."""
        return [one.name for one in self.voices]

    @property
    def channels(self) -> list[str]:
        """By which somebody is tried: those that ring, then those that write; mail where there is no other."""
        written = [f"{one.name}-text" for one in self.texts] or [f"{one.name}-mail" for one in self.mails]
        return [*self.rung, *written]

    def check(self) -> None:
        """Refused("P-CHANNELS"): nobody could be proved unreachable, which takes a voice and a second channel."""
        if not self.voices or len(set(self.channels)) < 2:
            raise Refused("P-CHANNELS", channels=self.channels)


Digest = Callable[[str], str]
"""HMAC under the pepper of the web side: what a one-time code is kept as."""

PURPOSE: Final = "draw"
"""What a draw's secrets are sealed for in the vault, under `<draw>/<attempt>`."""


@dataclass(frozen=True)
class Delays:
    """The dispatcher's own pace, in machine seconds: settings."""

    look: float = 0.5
    """Between two looks at the rows."""
    calls: int = 64
    """Tries under way at a time."""
    panels: int = 8
    """Panels looked after at a time."""
    rest: float = 5.0
    """After a refusal or an error before a panel is looked at again; doubled each time, a minute at most."""
    approval: float = 4 * 3600.0
    """How long the draft of a third attempt may wait for its approval before it is made anew."""
    retry: float = 1.0
    """The least pause before a try that reached nobody's line is made again."""
    longest_retry: float = 600.0
