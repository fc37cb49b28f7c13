"""Before sealing: whose keys will open this, and when, shown from the log and not from the page (envelope.md §2a).

Nothing is sealed unless all of it holds. The kit is the platform's; trust files, clock and the checkpoint kept from last
time are the tool's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.canon import instant, sha256_hex, unhex
from audit.checkpoint import Checkpoint
from audit.refusal import Broken, Refused
from audit.trust import sig_hash
from bidding.container import check_schema
from bidding.keys import Keyset, Statement, check_keyset, check_rehearsal, check_statement
from bidding.manifest import FORM
from bidding.records import ABANDONED, CUSTODIAN_KEY_REGISTERED, KEYSET_MADE, REHEARSED
from bidding.view import Files, Shown, Unproven, View, signed

ANNOUNCED = "trading.project-announced/v1"
MOVED = "trading.deadline-moved/v1"
USUAL = (2, 3)
"""k of n that tools take without being told."""


@dataclass(frozen=True)
class Guard:
    """Who guards one stage and until when; `hour` is the opening hour as far as the log shows it."""

    keyset: Keyset
    custodians: tuple[Statement, ...]
    hour: datetime


@dataclass(frozen=True)
class Sealable:
    """A tender one may seal for: what the tool shows, and keeps, before it seals."""

    tender: str
    announcement: Mapping[str, Any]
    guards: Mapping[str, Guard]
    deadline: datetime
    checkpoint: Checkpoint

    @property
    def keysets(self) -> dict[str, Keyset]:
        """{stage: key set}."""
        return {stage: guard.keyset for stage, guard in self.guards.items()}

    @property
    def schema(self) -> Mapping[str, Mapping[str, Any]]:
        """The notice's `opening_schema`."""
        found: Mapping[str, Mapping[str, Any]] = self.announcement["opening_schema"]
        return found


def check_before_sealing(
    view: View, files: Files, *, tender: str, accept: Collection[str] = (), operators: Collection[str] = ()
) -> Sealable:
    """Everything of §2a; `view` is the same kit looked at, with quorum, freshness and the checkpoint kept.

    `accept`: ids of key sets taken by name although they are not 2 of 3. `operators`: custodians known to be run by
    whoever runs the platform; with one of them k >= 3. Raises `Refused("E-KEYSET", why=…)` and nothing is sealed.
    """
    try:
        announced = view.only(ANNOUNCED, tender=tender)
        notice = announced.record
        if view.of(ABANDONED.type, tender=tender):
            raise Unproven("the tender was given up: nothing is taken any more")
        deadline = instant(notice["deadline"])
        deadlines = [deadline, *(instant(one.record["deadline"]) for one in view.of(MOVED, tender=tender))]
        if FORM not in notice["keysets"]:
            raise Unproven("no stage form")
        check_schema(notice["opening_schema"])
        guards = {}
        for stage, keyset_id in notice["keysets"].items():
            keyset = guarding(view, files, tender, stage, keyset_id, announced)
            if (keyset.k, keyset.n) != USUAL and keyset.id not in accept:
                raise Unproven(f"{keyset.k} of {keyset.n} custodians, not named as accepted")
            if keyset.k < 3 and any(seat.custodian in operators for seat in keyset.custodians):
                raise Unproven("whoever runs the platform is a custodian, and k is below 3")
            if keyset.opens_at < deadline:
                raise Unproven(f"{stage} may open before the deadline")
            statements = rehearsed(view, files, keyset)
            guards[stage] = Guard(keyset, statements, max([keyset.opens_at, *deadlines]))
    except Refused as why:
        raise Refused("E-KEYSET", why=str(why)) from why
    except (Broken, ValueError, KeyError, TypeError, AttributeError) as why:
        raise Refused("E-KEYSET", why=str(why)) from why
    return Sealable(tender, notice, guards, max(deadlines), view.checkpoint)


def guarding(view: View, files: Files, tender: str, stage: str, keyset_id: str, announced: Shown) -> Keyset:
    """The one key set of a stage: its bytes hash to its id, it was made once and before the announcement.

    Raises `Unproven`, `Refused("E-KEYSET")`.
    """
    unhex(keyset_id)
    data = files.read(f"keysets/{keyset_id}.json")
    if sha256_hex(data) != keyset_id:
        raise Unproven(f"the key set of {stage} is not the one announced")
    keyset = Keyset.parse(data)
    if (keyset.origin, keyset.tender, keyset.stage) != (view.policy.origin, tender, stage):
        raise Unproven(f"the key set of {stage} is for {keyset.origin}, {keyset.tender}, {keyset.stage}")
    made = view.only(KEYSET_MADE.type, tender=tender, stage=stage)
    if made.record["keyset"] != keyset_id or made.index >= announced.index:
        raise Unproven(f"the key set of {stage} was not made before it was announced")
    return keyset


def rehearsed(view: View, files: Files, keyset: Keyset) -> tuple[Statement, ...]:
    """The statements of a key set, each registered, signed under an identity key, and rehearsed before it was made.

    Raises `Unproven`, `Refused`.
    """
    made = view.only(KEYSET_MADE.type, tender=keyset.tender, stage=keyset.stage)
    statements = []
    for seat in keyset.custodians:
        data, sigs = signed(files, f"statements/{seat.statement}.json", "statement")
        if sha256_hex(data) != seat.statement:
            raise Unproven(f"another statement of {seat.custodian}")
        registered = view.only(CUSTODIAN_KEY_REGISTERED.type, statement=seat.statement)
        if registered.record["sig_hash"] != sig_hash(sigs) or registered.index >= made.index:
            raise Unproven(f"the statement of {seat.custodian} is not the one registered")
        statement = check_statement(data, sigs, view.identities, origin=view.policy.origin, at=view.moment(registered))
        trials = [one for one in view.of(REHEARSED.type, statement=seat.statement) if one.index < made.index]
        if not trials:
            raise Unproven(f"{seat.custodian} has not rehearsed")
        trial = trials[0]
        check_rehearsal(
            statement,
            challenge=unhex(trial.record["challenge"], 32),
            r=unhex(trial.record["r"], 32),
            proof=unhex(trial.record["proof"], 32),
            sig=trial.record["sig"],
            identities=view.identities,
            at=view.moment(trial),
        )
        statements.append(statement)
    check_keyset(keyset, {statement.hash: statement for statement in statements})
    return tuple(statements)
