"""Verification of an archive, V6: which checkpoints it shows, and that what happened lies where its time says.

Which times are bounded by what is the business of the floors above; they hand in values. Checkpoints have the time of
their quorum, records have the database's; only the first is believed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.canon import b64, parse_object, sha256_hex, unb64
from audit.canon import instant as instant_of
from audit.clock import clock_from
from audit.refusal import Broken
from audit.replay import Replay
from audit.report import Found
from audit.signature import verify_signatures
from audit.verify import Held, Log

PROBE = b"trading/probe/v1\n"
BEATS = 4
SLACK = 30  # seconds by which records may be out of order (log.md §1)


@dataclass(frozen=True)
class Pace:
    """Spans of this log in log time: ``beats`` is four beats, ``span`` what a record's time may differ (V6)."""

    beats: timedelta
    span: timedelta


@dataclass(frozen=True)
class Outage:
    """A logged outage: named by ``probes``, or declared (its record carries the signatures of two authorities)."""

    at: str
    start: datetime
    end: datetime
    probes: tuple[str, ...]
    declared: bool

    def covers(self, time: datetime, over: datetime, pace: Pace) -> bool:
        """Whether it explains that a record of ``time`` came under a checkpoint only at ``over``."""
        return self.start - pace.span <= time and over <= self.end + pace.span


@dataclass(frozen=True)
class Bound:
    """What a record's own time and the time of the first checkpoint over it may be; both ends included."""

    index: int
    code: str
    time_from: datetime | None = None
    time_to: datetime | None = None
    over_from: datetime | None = None
    over_to: datetime | None = None

    def broken(self, time: datetime, over: datetime | None) -> bool:
        """Whether one of the two lies outside."""
        return _outside(time, self.time_from, self.time_to) or (
            over is not None and _outside(over, self.over_from, self.over_to)
        )


def _outside(moment: datetime, low: datetime | None, high: datetime | None) -> bool:
    return (low is not None and moment < low) or (high is not None and moment > high)


def read_pace(log: Log, found: Found) -> Pace:
    """The beat of record 0 in log time. A fault, and a beat of 30 s, when the record does not say."""
    record = log.held.get(0)
    seconds, factor = 30, 1
    if record is None:
        found.fault("record 0", "V-MISSING")
    else:
        with found.at("record 0"):
            if record.body.get("origin") != log.about.origin:
                raise Broken("V-ORIGIN", origin=str(record.body.get("origin")), expected=log.about.origin)
            beat = record.body.get("beat")
            if not isinstance(beat, int) or isinstance(beat, bool) or not 1 <= beat <= 86_400:  # log.md §3: seconds
                raise Broken("V-RECORD", why="beat")
            seconds = beat
            factor = clock_from(record.body.get("clock"), log.about.origin).factor
    beats = timedelta(seconds=BEATS * seconds * factor)
    return Pace(beats, beats + timedelta(seconds=SLACK * factor))


def neighbours(tree: Replay, times: Mapping[int, datetime], outage: Outage) -> tuple[int | None, int | None]:
    """The checkpoints on both sides of an outage: the last known one not after its start, and the next beat's."""
    before = max((size for size, time in times.items() if time <= outage.start and size >= tree.first), default=None)
    return before, None if before is None else tree.next_beat(before)


def owed_checkpoints(
    tree: Replay,
    times: Mapping[int, datetime],
    shown: Iterable[int],
    created: int | None,
    closing: int | None,
    outages: Iterable[Outage],
) -> set[int]:
    """The sizes of ``checkpoints/`` (log.md §7).

    ``shown``: indexes of the records that need the first checkpoint over them; ``created``: the ``@<size>`` if it is
    owed; ``closing``: the index of the tender's first closing.
    """
    owed = {tree.over(index) for index in shown if index >= tree.first}
    if created is not None:
        owed.add(created)
    if closing is not None:
        before = tree.last_before(closing)
        owed |= set() if before is None else {before}
    for outage in outages:
        owed |= {size for size in neighbours(tree, times, outage) if size is not None}
    return owed


def check_times(
    log: Log,
    pace: Pace,
    owed: Collection[int],
    bounds: Iterable[Bound],
    near: Collection[int],
    mine: Iterable[Held],
    outages: Collection[Outage],
    found: Found,
) -> None:
    """V6. ``near``: indexes whose time must fit its checkpoint; of the others in ``mine`` the excess is a note."""
    present = {int(path.rpartition("/")[2]) for path in log.files.under("checkpoints/")}
    for size in sorted(present ^ set(owed)):
        found.fault(f"checkpoints/{size}", "V-MISSING" if size in owed else "V-STRAY")
    last: datetime | None = None
    for size, time in sorted(log.times.items()):
        if last is not None and time < last:
            found.fault(f"checkpoints/{size}", "V-BACKWARDS", time=time, before=last)
        last = time
    for bound in bounds:
        record, over = log.held[bound.index], log.time_over(bound.index)
        if bound.broken(record.time, over):
            found.fault(record.at, bound.code, time=record.time, checkpoint=over)
    for record in mine:
        over = log.time_over(record.index)
        if over is None or abs(over - record.time) <= pace.span:
            continue
        if any(outage.covers(record.time, over, pace) for outage in outages):
            continue
        (found.fault if record.index in near else found.note)(record.at, "V-APART", time=record.time, checkpoint=over)
    for outage in outages:
        with found.at(outage.at):
            _check_outage(log, pace, outage)
    named = {probe for outage in outages for probe in outage.probes}
    for path in log.files.under("probes/"):
        if path[len("probes/") : -len(".json")] not in named:
            found.fault(path, "V-STRAY")


def _check_outage(log: Log, pace: Pace, outage: Outage) -> None:
    """A gap of more than four beats between checkpoints, seen by a witness or declared by two authorities."""
    before, after = neighbours(log.tree, log.times, outage)
    if before is None or after is None or after not in log.times or outage.end < outage.start:
        raise Broken("V-OUTAGE", why="neighbours")
    if log.times[after] - log.times[before] <= pace.beats or log.times[after] < outage.end:
        raise Broken("V-OUTAGE", why="gap")
    for probe in outage.probes:
        _check_probe(log, outage, probe)
    if not outage.probes and not outage.declared:
        raise Broken("V-OUTAGE", why="unconfirmed")


def _check_probe(log: Log, outage: Outage, name: str) -> None:
    path = f"probes/{name}.json"
    if path not in log.files:
        raise Broken("V-MISSING", path=path)
    value = log.files.value(path)
    data = unb64(value["probe"])
    if sha256_hex(data) != name:
        raise Broken("V-HASH", path=path)
    probe = parse_object(data, ("type", "origin", "from", "to", "seen"))
    witnesses = {b64(vkey.public) for vkey in log.trust.policy.witnesses.values()}
    signers = verify_signatures(value["sig"], PROBE + data)
    if any(signer.alg != "EdDSA" or b64(signer.key) not in witnesses for signer in signers):
        raise Broken("V-PROBE", path=path, why="witness")
    if (probe["type"], probe["origin"], probe["seen"]) != ("trading.probe/v1", log.about.origin, False):
        raise Broken("V-PROBE", path=path, why="form")
    if not (instant_of(probe["from"]) <= outage.end and outage.start <= instant_of(probe["to"])):
        raise Broken("V-PROBE", path=path, why="elsewhere")
