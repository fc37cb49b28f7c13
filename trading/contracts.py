"""The contract: signed at the price of the award, published, filed. What the regime asks for after it, the archive awaits.

The paper is kept here before anything names it; it is everybody's to read once it is published, secrets struck out by
whoever publishes (政府采购法实施条例 50). What comes late comes all the same, and an alert says by which rule.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from audit.act import acting, pool
from audit.canon import stamp
from audit.refusal import Refused
from trading import lives, logbook, papers
from trading.accounts import Caller
from trading.tenders import finish, locked


async def sign(
    caller: Caller, tender: str, *, contract: str, amount: int, performance: int | None, signed: datetime | None
) -> dict[str, Any]:
    """Record the signed contract. `amount` and `performance` (security) in fen; `signed`: when, default now.

    Refused: E-NO-LETTER, E-CONTRACT-PRICE, E-PERFORMANCE-OVER, E-SIGNED, E-SUSPENDED (实施条例 54), T-PAPER, E-STAGE.
    """
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        at = signed or act.now
        facts: dict[str, Any] = {
            "contract": contract, "amount": amount, "performance": performance, "signed": stamp(at),
        }  # fmt: skip
        await lives.expect(act, tender, "sign-contract", facts, row=row)
        await papers.held(act, caller, contract)
        await act.query(
            """INSERT INTO trading_contract (tender_id, sha256, amount, performance, signed_at, recorded_at)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            tender, contract, amount, performance, at, act.now,
        )  # fmt: skip
        ref = act.record("contract-signed", subject=tender, tender=tender, **facts)
        await finish(act, tender)
    return logbook.shown(ref)


async def publish(caller: Caller, tender: str) -> dict[str, str]:
    """Publish the contract (GP-17): from now on everybody may read the paper. Refused: T-NO-CONTRACT, E-DONE, E-STAGE."""
    return await _further(caller, tender, "publish-contract", "published_at")


async def file(caller: Caller, tender: str) -> dict[str, str]:
    """File a copy with the authority (GP-16). Refused: T-NO-CONTRACT, E-DONE, E-STAGE."""
    return await _further(caller, tender, "file-contract", "filed_at")


async def _further(caller: Caller, tender: str, what: str, column: str) -> dict[str, str]:
    async with acting(caller.actor) as act:
        row = await locked(act, tender)
        rows = await act.query("SELECT sha256 FROM trading_contract WHERE tender_id = $1 FOR UPDATE", tender)
        if not rows:
            raise Refused("T-NO-CONTRACT")
        facts = {"contract": rows[0]["sha256"]}
        await lives.expect(act, tender, what, facts, row=row)
        await act.query(f"UPDATE trading_contract SET {column} = $2 WHERE tender_id = $1", tender, act.now)
        if what == "publish-contract":
            await papers.name(act, caller, tender, {"合同": facts["contract"]})
        ref = act.record(lives.RECORDS[what], subject=tender, tender=tender, contract=facts["contract"])
        await finish(act, tender)
        await lives.told(act, tender)
    return logbook.shown(ref)


async def of(tender: str) -> dict[str, Any] | None:
    """The contract of a tender; None while there is none."""
    row = await pool().fetchrow(
        """SELECT sha256 AS contract, amount, performance, signed_at AS signed, published_at AS published, filed_at AS filed
           FROM trading_contract WHERE tender_id = $1""",
        tender,
    )
    return dict(row) if row else None
