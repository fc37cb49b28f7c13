"""The custodian's side of an opening: compute everything, refuse unless it fits, release once (envelope.md §6.2).

The kit is the platform's and none of it is believed. What the tool brings: its trust files, its clock, the checkpoint
it kept, its own statements and private key, what it has released before, and receipts that bidders showed it.

    view = look(kit, policy, parties, kept=…)
    checked = check_kit(view, kit, tender=…, stage=…, own=statements, receipts=…)
    check_once(released_before, checked)
    release, sig = make_release(checked, private, identity)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from audit import wire
from audit.canon import b64, canon, instant, parse, sha256_hex
from audit.receipt import BEATS, Receipt, check_receipt
from audit.refusal import Broken, Refused
from audit.trust import BadSignature, Identities, Signer, record_sig_bytes, sig_hash, verify_by
from bidding import hpke
from bidding.arrival import verify
from bidding.keys import Keyset, Statement, check_custodian
from bidding.manifest import FORM, PREFIX, Manifest
from bidding.payload import measure
from bidding.records import (
    ABANDONED,
    BIDDER_KEY_REGISTERED,
    CLOSED,
    DEPOSITED,
    REFUSED,
    STAGE_SETTLED,
    STORED,
    WITHDRAWN,
)
from bidding.registrations import WITHDRAWAL, Keyring, Withdrawal, acting_key, check_registration
from bidding.sealing import ANNOUNCED, MOVED, guarding
from bidding.tally import GIVEN_UP, SignedAct, Tally, tally
from bidding.unseal import open_box
from bidding.view import Files, Shown, Unproven, View, born, signed

RELEASE = b"trading/release/v1\n"


@dataclass(frozen=True)
class CheckedClosing:
    """A closing that a custodian's own computation confirmed: for `listed`, ascending by bid, it may release."""

    keyset: Keyset
    i: int
    closed: str
    listed: tuple[Manifest, ...]
    tally: Tally
    hour: datetime
    findings: tuple[str, ...]
    """Wrong signatures and receipts that prove nothing: to be told, and stopping nothing."""


def check_kit(
    view: View,
    files: Files,
    *,
    tender: str,
    stage: str,
    own: Collection[Statement],
    receipts: Iterable[bytes] = (),
    unattended: bool = False,
    since: datetime | None = None,
    without: Collection[str] = (),
) -> CheckedClosing:
    """Everything of §6.2 for one stage; `view` is this kit looked at.

    `own`: this custodian's statements. `receipts`: those anybody has shown it. `without`: hashes of manifests whose
    payload this custodian was told, by name, to release without (form stage). `since`: when an unattended tool first
    saw this closing, by its own clock; bidders have four beats from then, whatever the closing says of itself.
    Raises `Refused`: C-LOG, C-SECOND, C-KEYSET, C-EVENTS, C-MANIFEST, C-LIST, C-OPENS, C-SHUT, C-TIME, C-WAIT,
    C-RECEIPT, C-PAYLOAD, C-STORED, C-SETTLED, C-ABANDONED.
    """
    with _refusing("C-LOG"):
        born(tender)
    notice, closings = _announced(view, tender)
    stages = sorted(notice.record["keysets"])
    if stage not in stages or set(closings) != set(stages):
        raise Refused("C-LOG", why="not every announced stage is closed")
    keysets = _keysets(view, files, tender, notice)
    keyset = keysets[stage]
    i = _seat(keyset, own, view)
    closed = closings[stage]
    _check_given_up(view, tender, closings)
    hours = _check_time(view, tender, notice, keysets, closings, stage)
    if unattended:
        _check_wait(view, closed, since)

    findings: list[str] = []
    counted = _tally(view, files, tender, notice, closings, keysets, findings)
    for name, closing in closings.items():
        if closing.record["keyset"] != keysets[name].id:
            raise Refused("C-KEYSET", why=f"the closing of {name} names another key set")
        _compare(name, closing.record, counted)
    _check_receipts(view, tender, stage, counted, receipts, findings)
    if not closed.record["opens"]:
        raise Refused("C-SHUT", tender=tender, reason=closed.record["reason"])

    listed = tuple(one.manifest for one in counted.stages[stage].listed)
    if stage == FORM:
        _check_payloads(files, listed, without)
    elif not view.of(STORED.type, tender=tender, stage=stage):
        raise Refused("C-STORED", stage=stage)
    if keyset.opens_at > min(one.opens_at for one in keysets.values()):
        admitted = _settled(view, tender, stage, notice)
        listed = tuple(manifest for manifest in listed if manifest.bid in admitted)
    return CheckedClosing(keyset, i, sha256_hex(closed.data), listed, counted, hours[stage], tuple(findings))


@contextmanager
def _refusing(code: str) -> Iterator[None]:
    """What a kit fails to show becomes this refusal; our own refusals pass."""
    try:
        yield
    except Unproven as why:
        raise Refused(code, why=str(why)) from why
    except (Broken, ValueError, KeyError, TypeError, AttributeError, OSError) as why:
        raise Refused(code, why=str(why)) from why


def _announced(view: View, tender: str) -> tuple[Shown, dict[str, Shown]]:
    """The one announcement and the one closing of each stage, every entry since the key sets having been seen."""
    notices = view.of(ANNOUNCED, tender=tender)
    if len(notices) > 1:
        raise Refused("C-SECOND", what="announcement", tender=tender)
    closings: dict[str, Shown] = {}
    for one in view.of(CLOSED.type, tender=tender):
        if one.record["stage"] in closings:
            raise Refused("C-SECOND", what="closing", tender=tender)
        closings[one.record["stage"]] = one
    if not notices:
        raise Refused("C-LOG", why=f"no announcement of {tender}")
    return notices[0], closings


def _check_given_up(view: View, tender: str, closings: Mapping[str, Shown]) -> None:
    """C-SHUT for a tender that was given up; C-ABANDONED if its closing would open all the same, or came before."""
    given_up = view.of(ABANDONED.type, tender=tender)
    if given_up:
        before = all(given_up[0].index < one.index for one in closings.values())
        if before and not any(one.record["opens"] for one in closings.values()):
            raise Refused("C-SHUT", tender=tender, reason=GIVEN_UP)
        raise Refused("C-ABANDONED", tender=tender)


def _keysets(view: View, files: Files, tender: str, notice: Shown) -> dict[str, Keyset]:
    found = {}
    for stage, keyset_id in notice.record["keysets"].items():
        made = view.of("trading.keyset-made/v1", tender=tender, stage=stage)
        if len(made) > 1:
            raise Refused("C-SECOND", what="keyset", tender=tender)
        if made and made[0].index < view.first:
            raise Refused("C-LOG", why="the log was not followed from the key set on")
        with _refusing("C-KEYSET"):
            found[stage] = guarding(view, files, tender, stage, keyset_id, notice)
    return found


def _seat(keyset: Keyset, own: Collection[Statement], view: View) -> int:
    """This custodian's index: its own key, from its own statement, made for this log."""
    for statement in own:
        for seat in keyset.custodians:
            if (seat.pub, seat.custodian, seat.statement) == (statement.pub, statement.custodian, statement.hash):
                if statement.origin != view.policy.origin or statement.scope not in (None, keyset.tender):
                    raise Refused("C-KEYSET", why="this key was made for another log or tender")
                return seat.i
    raise Refused("C-KEYSET", why="none of my keys guards this stage")


def _check_time(
    view: View,
    tender: str,
    notice: Shown,
    keysets: Mapping[str, Keyset],
    closings: Mapping[str, Shown],
    stage: str,
) -> dict[str, datetime]:
    """The hour of every stage; C-TIME unless clock, cosignatures and closing are past this one's."""
    with _refusing("C-LOG"):
        deadlines = [instant(notice.record["deadline"])]
        deadlines += [instant(one.record["deadline"]) for one in view.of(MOVED, tender=tender)]
        stated = instant(closings[stage].record["deadline"])
    hours = {name: max([keyset.opens_at, *deadlines]) for name, keyset in keysets.items()}
    if stated != max(deadlines) or closings[stage].time < stated:
        raise Refused("C-TIME", hour=max(deadlines), now=stated)
    for moment in (view.now, view.earliest_cosignature()):
        if moment < hours[stage]:
            raise Refused("C-TIME", hour=hours[stage], now=moment)
    return hours


def _check_wait(view: View, closed: Shown, since: datetime | None) -> None:
    """C-WAIT: bidders still have this long to show a receipt that the list does not honour.

    The closing's own time is the platform's to write: kept back for four beats, it would leave them nothing.
    """
    if view.now < (until := max(closed.time, since or closed.time) + BEATS * view.beat):
        raise Refused("C-WAIT", until=until)


def _tally(
    view: View,
    files: Files,
    tender: str,
    notice: Shown,
    closings: Mapping[str, Shown],
    keysets: Mapping[str, Keyset],
    findings: list[str],
) -> Tally:
    first = min(one.index for one in closings.values())
    events = [
        one
        for one in view.shown
        if one.index < first
        and (
            one.type == BIDDER_KEY_REGISTERED.type
            or (
                one.type in (DEPOSITED.type, WITHDRAWN.type, REFUSED.type)
                and one.record.get("tender") == tender
                and one.index >= born(tender)
            )
        )
    ]
    keyring = Keyring()
    acts: dict[str, SignedAct] = {}
    for event in events:
        if event.type == BIDDER_KEY_REGISTERED.type:
            _register(view, files, event, keyring, findings)
        elif event.type == DEPOSITED.type:
            act = _deposit(files, event, keysets, findings)
            acts[event.record["manifest"]] = act
        elif event.type == WITHDRAWN.type:
            acts[event.record["withdrawal"]] = _withdrawal(files, event, findings)
    with _refusing("C-EVENTS"):
        return tally(
            sorted(keysets),
            [event.data for event in events],
            acts,
            keyring,
            tender=tender,
            min_bids=notice.record["min_bids"],
            unvouched=notice.record.get("unvouched", []),
        )


def _register(view: View, files: Files, event: Shown, keyring: Keyring, findings: list[str]) -> None:
    try:
        with _refusing("C-EVENTS"):
            name = sha256_hex(wire.base64()(event.record["registration"]))
            data, sigs = signed(files, f"registrations/{name}.json", "registration")
            if sig_hash(sigs) != event.record["sig_hash"]:
                raise Unproven("another signature than the one recorded")
            origin, parties = view.policy.origin, view.parties
            made = check_registration(data, sigs, origin=origin, parties=parties, at=event.time)
            if (made.hash, made.bidder, b64(made.key)) != (name, event.record["bidder"], event.record["key"]):
                raise Unproven("not what its record says")
    except Refused as why:
        # a registration that does not hold vouches for nothing; its record is an event all the same
        findings.append(f"registration in record {event.index}: {why}")
        return
    keyring.add(made)


def _deposit(files: Files, event: Shown, keysets: Mapping[str, Keyset], findings: list[str]) -> SignedAct:
    with _refusing("C-EVENTS"):
        record = event.record
        place = f"bids/{record['bid']}/{record['stage']}/{record['seq']}/"
        data, sigs = files.read(place + "manifest.json"), parse(files.read(place + "sig.json"))
        if sha256_hex(data) != record["manifest"] or sig_hash(sigs) != record["sig_hash"]:
            raise Unproven(f"{place} is not what record {event.index} names")
    try:
        manifest = Manifest.parse(data)
    except Refused as why:
        raise Refused("C-MANIFEST", manifest=record["manifest"], why=str(why)) from why
    keyset = keysets.get(manifest.stage)
    if keyset is None or (manifest.tender, manifest.context.keyset) != (keyset.tender, keyset.id):
        raise Refused("C-MANIFEST", manifest=manifest.hash, why="of another tender, stage or key set")
    return _act(manifest, sigs, PREFIX + data, manifest.bidder, findings)


def _withdrawal(files: Files, event: Shown, findings: list[str]) -> SignedAct:
    with _refusing("C-EVENTS"):
        data, sigs = signed(files, f"bids/{event.record['bid']}/withdrawal.json", "withdrawal")
        if sha256_hex(data) != event.record["withdrawal"] or sig_hash(sigs) != event.record["sig_hash"]:
            raise Unproven(f"the withdrawal is not what record {event.index} names")
    made = Withdrawal.parse(data)
    return _act(made, sigs, WITHDRAWAL + data, made.bidder, findings)


def _act(
    made: Manifest | Withdrawal, sigs: Sequence[Mapping[str, Any]], message: bytes, who: str, findings: list[str]
) -> SignedAct:
    """A wrong signature is a finding and stops nothing: ctx already binds the box."""
    try:
        key = acting_key(sigs)
    except Refused as why:
        findings.append(f"{made.hash}: {why}")
        return SignedAct(made, b"", False)
    try:
        verify(sigs, message, who)
    except Refused as why:
        findings.append(f"{made.hash}: {why}")
        return SignedAct(made, key, False)
    return SignedAct(made, key)


def _compare(stage: str, record: Mapping[str, Any], counted: Tally) -> None:
    found = counted.stages[stage]
    if (record["events"], record["events_root"]) != (found.events, found.events_root):
        raise Refused("C-EVENTS", why=f"{stage}: {found.events} events, {record['events']} in the closing")
    if (record["count"], record["list_root"]) != (found.count, found.list_root):
        raise Refused("C-LIST", stage=stage, found=found.count, stated=record["count"])
    if record["opens"] is not counted.opens:
        raise Refused("C-OPENS", stage=stage, found=len(counted.counting))


def _check_receipts(
    view: View, tender: str, stage: str, counted: Tally, receipts: Iterable[bytes], findings: list[str]
) -> None:
    listed = {one.manifest.hash for one in counted.stages[stage].listed}
    for data in receipts:
        try:
            record = check_receipt(Receipt.parse(data), view.policy).record
        except (Broken, ValueError) as why:
            findings.append(f"a receipt that proves nothing: {why}")
            continue
        if (record["type"], record.get("tender"), record.get("stage")) != (DEPOSITED.type, tender, stage):
            continue
        if record["manifest"] not in listed | counted.superseded:
            raise Refused("C-RECEIPT", manifest=record["manifest"])


def _check_payloads(files: Files, listed: Iterable[Manifest], without: Collection[str]) -> None:
    """Nobody may lose a payload after its price can be read; so it is there before, or its loss is known before."""
    for manifest in listed:
        if manifest.hash in without:
            continue
        try:
            with files.opened(f"bids/{manifest.bid}/{manifest.stage}/{manifest.seq}/payload") as stream:
                found = measure(stream)[:2]
        except (KeyError, OSError, Broken):
            found = ("", 0)
        if found != (manifest.root, manifest.size):
            raise Refused("C-PAYLOAD", manifest=manifest.hash, bid=manifest.bid)


def _settled(view: View, tender: str, stage: str, notice: Shown) -> frozenset[str]:
    """Who is admitted to a later stage, by the tenderee's and one authority's word."""
    with _refusing("C-SETTLED"):
        settled = view.only(STAGE_SETTLED.type, tender=tender, stage=stage)
        try:
            check_settled(settled.record, view.identities, tenderee=notice.record["actor"]["id"])
        except Refused as why:
            raise Unproven(str(why)) from why
        return frozenset(settled.record["admitted"])


def check_settled(record: Mapping[str, Any], identities: Identities, *, tenderee: str) -> None:
    """A `stage-settled` record is signed by the tenderee's and exactly one authority's key in force at its time.

    Raises `Refused("E-SIG")`, `Refused("E-IDENTITY")`.
    """
    at = instant(record["time"])
    own = identities.key(tenderee, "tenderee", at)
    message = record_sig_bytes(record)
    for line in identities.parties.lines:
        if line.kind == "authority" and line.in_force(at):
            try:
                return verify_by(record["sig"], message, own, line.public)
            except BadSignature:
                continue
    raise Refused("E-SIG", who=tenderee, why="two_keys")


# --- release ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Release:
    """One custodian's shares of one list; `shares` is {bid: (seq, y)}, y None where the box does not open."""

    tender: str
    stage: str
    keyset: str
    i: int
    closed: str
    shares: Mapping[str, tuple[int, bytes | None]]
    data: bytes

    @property
    def hash(self) -> str:
        """SHA-256 of the bytes, hex."""
        return sha256_hex(self.data)

    @staticmethod
    def parse(data: bytes) -> Release:
        """Read the bytes. Raises `Refused("E-RELEASE", why=…)`: also if shares do not ascend by bid."""
        try:
            found = wire.read(data, "trading.release/v1", _RELEASE)
        except wire.Malformed as why:
            raise Refused("E-RELEASE", why=str(why)) from why
        bids = [share["bid"] for share in found["shares"]]
        if bids != sorted(set(bids)):
            raise Refused("E-RELEASE", why="shares do not ascend by bid")
        shares = {share["bid"]: (share["seq"], share["y"]) for share in found.pop("shares")}
        return Release(data=data, shares=shares, **found)


_RELEASE: dict[str, wire.Reader] = {
    "tender": wire.text,
    "stage": wire.name,
    "keyset": wire.HASH,
    "i": wire.integer(1),
    "closed": wire.HASH,
    "shares": wire.listed(wire.nested({"bid": wire.BID, "seq": wire.integer(1), "y": wire.maybe(wire.base64(32))})),
}


def check_once(released: Mapping[str, str], checked: CheckedClosing) -> None:
    """One closing per key set, ever: `released` is {keyset_id: closed} of what this custodian has signed.

    Raises `Refused("C-ONCE")`. A repetition with the same closing is answered with the bytes that were kept.
    """
    before = released.get(checked.keyset.id)
    if before is not None and before != checked.closed:
        raise Refused("C-ONCE", keyset=checked.keyset.id, closed=before)


def make_release(
    checked: CheckedClosing, private: ec.EllipticCurvePrivateKey, identity: Signer
) -> tuple[bytes, list[dict[str, Any]]]:
    """(release bytes, signatures). Keep both before sending them. Raises `Refused("C-KEYSET")` for another key."""
    keyset, i = checked.keyset, checked.i
    if hpke.public_bytes(private) != keyset.seat(i).pub:
        raise Refused("C-KEYSET", why="not the key of this seat")
    shares = []
    for manifest in checked.listed:
        y = open_box(private, manifest, i)
        shares.append({"bid": manifest.bid, "seq": manifest.seq, "y": None if y is None else b64(y)})
    data = canon(
        {
            "type": "trading.release/v1",
            "tender": keyset.tender,
            "stage": keyset.stage,
            "keyset": keyset.id,
            "i": i,
            "closed": checked.closed,
            "shares": shares,
        }
    )
    return data, [identity.sign(RELEASE + data)]


def check_release(
    data: bytes,
    sigs: Sequence[Mapping[str, Any]],
    *,
    keyset: Keyset,
    closed: str,
    listed: Mapping[str, int],
    identities: Identities,
    at: datetime,
) -> Release:
    """A release of this closing for exactly this list, {bid: seq}, under its custodian's identity key (§6).

    Raises `Refused`: `E-RELEASE`, `E-IDENTITY`, `E-SIG`.
    """
    release = Release.parse(data)
    wanted = (keyset.tender, keyset.stage, keyset.id, closed)
    if (release.tender, release.stage, release.keyset, release.closed) != wanted or release.i > keyset.n:
        raise Refused("E-RELEASE", why="of another closing or key set")
    if {bid: seq for bid, (seq, _) in release.shares.items()} != dict(listed):
        raise Refused("E-RELEASE", why="not exactly the list")
    check_custodian(sigs, RELEASE + data, identities, keyset.seat(release.i).custodian, at)
    return release


def released_shares(releases: Iterable[Release], bid: str, seq: int) -> dict[int, bytes | None]:
    """{i: y} of one envelope, as `unseal` takes them."""
    return {one.i: one.shares[bid][1] for one in releases if one.shares.get(bid, (0, None))[0] == seq}
