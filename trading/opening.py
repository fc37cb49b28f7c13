"""From the deadline to the opening record: close for ever, take releases, unseal, end the window.

Closing and opening are timers' work (jobs.py); a person may only ask for what the clock already allows. Nothing here
decides who is listed or what opens: `bidding` computes it, custodians compute it again, and so does `verify`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from audit.act import Act, acting, pool
from audit.refusal import Refused
from bidding import closing, releases, unsealing
from bidding.keys import Keyset
from trading import ledger, lives, logbook, reserves, tenders
from trading.accounts import Caller
from trading.installation import Installation
from trading.tenders import arm, expect, loaded, locked

Sig = Sequence[Mapping[str, Any]]


class _Nothing(Exception):
    """Leaves an act that turned out to have nothing to record."""


async def close(platform: Installation, tender: str) -> bool:
    """Close the tender's boxes at its deadline, once and for ever; whether they open.

    While the tender is suspended they stay as they are: sealed, and shut to every further bid. Refused: E-EARLY, E-SUSPENDED
    (closed when it is resumed), E-STAGE.
    """
    async with acting(platform.centre) as act:
        row = await locked(act, tender)
        opens = await _close(act, row)
        reserve = await reserves.waiting(act, row)
        if reserve is not None and opens:
            await _close(act, reserve)
        elif reserve is not None:
            await reserves.give_up(act, row, reserves.SHUT)
    return opens


async def _close(act: Act, row: Any) -> bool:
    """Close one box whose row is locked, and arm what follows; whether it opens."""
    tender = row["id"]
    await lives.expect(act, tender, "close", row=row, move=False)
    closings = await closing.close(act, tender=tender)
    opens = all(c.opens for c in closings)
    now = await act.clock()
    await lives.expect(act, tender, "close" if opens else "leave-shut", row=row)
    await act.query("UPDATE trading_tender SET opens = $2 WHERE id = $1", tender, opens)
    if not opens:
        await ledger.book_failure(act, tender, "shut")
    window = now + timedelta(seconds=loaded(row["terms"])["window"])
    if opens:
        await arm(act, "open", tender, row["hour"])
        await arm(act, "window", tender, window)
    if not opens or row["kind"] == reserves.KIND:  # nothing follows its reading: it is archived by itself
        await arm(act, "archive", tender, window)
    return opens


# ------------------------------------------------------------------------------------------------------------ releases


_keysets: dict[str, Keyset] = {}  # by id, which is a hash: they never change


async def _keyset(tender: str, stage: str, keyset_id: str) -> Keyset:
    if keyset_id not in _keysets:
        if len(_keysets) > 10_000:
            _keysets.clear()
        _keysets[keyset_id] = await releases.keyset(tender, stage)
    return _keysets[keyset_id]


async def custody(caller: Caller) -> list[dict[str, Any]]:
    """The boxes a custodian guards, with what is due now; archived ones are history and left out."""
    due, unsettled = set(await releases.due(caller.party)), set(await releases.unsettled())
    rows = await pool().fetch(
        """SELECT id, state, keysets, deadline, opens, log_now() AS now FROM trading_tender
           WHERE state NOT IN ('named', 'archived') ORDER BY number"""
    )
    items = []
    for row in rows:
        for stage, keyset_id in (loaded(row["keysets"]) or {}).items():
            keyset = await _keyset(row["id"], stage, keyset_id)
            mine = [seat.i for seat in keyset.custodians if seat.custodian == caller.party]
            if not mine:
                continue
            hour = max(keyset.opens_at, row["deadline"] or keyset.opens_at)
            if row["state"] in ("keyed", "announced"):
                state = "waiting"
            elif row["opens"] is False:  # too few bids, or given up
                state = "shut"
            elif (row["id"], stage) in unsettled:
                state = "waiting"
            elif (row["id"], stage) in due:
                if row["state"] not in ("closed", "opened"):
                    continue  # evaluated without this release: nothing is due any more
                state = "due" if row["now"] >= hour else "waiting"
            else:
                state = "released"
            items.append(
                {"tender": row["id"], "stage": stage, "keyset": keyset_id, "i": mine[0],
                 "opens_at": keyset.opens_at, "hour": hour, "state": state}
            )  # fmt: skip
    return items


async def release(
    platform: Installation, caller: Caller, tender: str, stage: str, release: bytes, sig: Sig
) -> dict[str, str]:
    """Take a release. Refused: E-IDENTITY, E-SIG, E-LIST, E-HOUR, E-RELEASED, E-STAGE.

    The same bytes again are answered as the first time.
    """
    identities = await platform.identities()
    try:
        async with acting(caller.actor) as act:
            row, _ = await expect(act, tender, "release")
            ref = await releases.take_release(
                act, tender=tender, stage=stage, release=release, sig=sig, identities=identities
            )
            # A later release may end a PENDING or be a finding: look again, now.
            await arm(act, "open", tender, max(row["hour"], act.now))
    except Refused as no:
        if no.code != "E-REPEATED":
            raise
        return {"record": str(no.facts["record"]), "type": "trading.released/v1"}
    return logbook.shown(ref)


async def stored(caller: Caller, tender: str, stage: str, missing: Sequence[str]) -> dict[str, str]:
    """The supervisor's store holds a larger stage's payloads but for `missing`. Refused: E-STAGE."""
    async with acting(caller.actor) as act:
        await expect(act, tender, "store")
        ref = await releases.stored(act, tender=tender, stage=stage, missing=missing)
    return logbook.shown(ref)


async def settle(
    platform: Installation,
    caller: Caller,
    tender: str,
    stage: str,
    admitted: Sequence[str],
    sheets: Sequence[str],
    sig: Sig,
) -> dict[str, str]:
    """Admit bids to a later stage, by the tenderee's and an authority's signatures; its window begins at its hour.

    Refused: E-SIG, E-IDENTITY, E-LIST, E-SETTLED, E-UNOPENED, E-STAGE.
    """
    identities = await platform.identities()
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        await lives.expect(act, tender, "settle-stage", {"stage": stage}, row=row)
        ref = await releases.settle(
            act, tender=tender, stage=stage, admitted=admitted, sheets=sheets, sig=sig, identities=identities
        )
        hour = max((await releases.closed_stage(act.query, tender, stage)).hour, act.now)
        await arm(act, "open", tender, hour)
        await arm(act, "window", tender, hour + timedelta(seconds=loaded(row["terms"])["window"]))
    return logbook.shown(ref)


async def end_window(
    platform: Installation, caller: Caller, tender: str, stage: str, missing: Sequence[int], sig: Sig
) -> dict[str, str]:
    """Two authorities end the window: these custodians can release no more. Refused: E-SIG, E-IDENTITY."""
    identities = await platform.identities()
    async with acting(caller.actor) as act:
        row, _ = await expect(act, tender, "end-window")
        ref = await releases.end_window(
            act, tender=tender, stage=stage, missing=missing, sig=sig, identities=identities
        )
        await arm(act, "open", tender, max(row["hour"], act.now))
    return logbook.shown(ref)


# ------------------------------------------------------------------------------------------------------------- opening


async def open_boxes(platform: Installation, tender: str) -> bool:
    """Unseal whatever k releases allow, and record the verdicts; whether every envelope has its final one.

    May be asked any number of times, by several processes at once. Refused: E-RELEASES (too few), E-STAGE.
    """
    stages = await pool().fetchval("SELECT keysets FROM trading_tender WHERE id = $1", tender)
    if stages is None:
        raise Refused("W-UNKNOWN")
    names, waiting = list(loaded(stages)), 0
    for stage in names:
        try:
            found = await unsealing.unseal(platform.store, tender, stage)  # outside any act: reads and computes
        except Refused as no:
            if no.code not in ("E-RELEASES", "E-SETTLED"):  # a later stage waits for its hour and its settlement
                raise
            waiting += 1
            continue
        if found:
            try:
                async with acting(platform.centre) as act:
                    await lives.expect(act, tender, "unseal", move=False)
                    if not await unsealing.keep(act, found):
                        raise _Nothing
            except _Nothing:
                pass
    if waiting == len(names):
        raise Refused("E-RELEASES", tender=tender)
    return await _conclude(tender)


async def _conclude(tender: str) -> bool:
    """closed → opened, once no envelope of the stages that are no later ones is pending: the technical bids are evaluated
    while the prices are still shut. The verdicts are the record; the state only follows.

    Whether every envelope that is to be opened has its final verdict.
    """
    if not await pool().fetchval("SELECT opens FROM trading_tender WHERE id = $1", tender):
        return False
    try:
        await releases.check_opened(pool().fetch, tender, first=True)
    except Refused:
        return False
    await pool().execute(
        "UPDATE trading_tender SET state = 'opened', version = version + 1 WHERE id = $1 AND state = 'closed'", tender
    )
    try:
        await releases.check_opened(pool().fetch, tender)
    except Refused:
        return False
    await tenders.rearm("archive", tender)  # of a reserve box that was opened after its window
    return True
