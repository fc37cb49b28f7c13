"""The roster over the API: an authority's signature admits, whoever brings it, and everybody else gets counts at most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.act import acting, pool
from audit.signature import Ed25519Signer
from audit.trust import record_sig_bytes
from experts import admissions, roster, standing
from tests.experts.people import CENTRE, Office, new_expert
from tests.trading.town import Town


def _signed(ids: Sequence[str], signer: Ed25519Signer, by: str = "A-SUP") -> dict[str, Any]:
    return {"experts": list(ids), "by": by, "sig": [signer.sign(record_sig_bytes(admissions.admission(ids, by)))]}


async def test_an_admission_counts_by_its_signature_alone(place: Town) -> None:
    office = await Office().open()
    ids = sorted(await office.name(*(new_expert(number) for number in range(3))))
    for role in ("operator", "supervisor", "tenderee"):
        await place.enrol(role, role)
    good = _signed(ids[:2], place.authority)
    await place.call("tenderee", "POST", "/roster/admissions", 403, good)
    await place.call("public", "POST", "/roster/admissions", 401, good)

    async def no(code: str, body: dict[str, Any], status: int = 409) -> None:
        answer = await place.call("operator", "POST", "/roster/admissions", status, body)
        assert answer["code"] == code, answer

    await no("E-SIG", _signed(ids[:2], place.second))  # A-AUD's key under A-SUP's name
    await no("E-IDENTITY", _signed(ids[:2], place.authority, "C-SUP"))  # a custodian is no authority
    await no("E-ADMISSION", _signed(ids[1::-1], place.authority))
    await no("E-EXPERT-UNKNOWN", _signed(["0" * 32], place.authority), 404)
    await no("W-BODY", {**good, "experts": ["王小明"]}, 422)
    admitted = await place.call("operator", "POST", "/roster/admissions", 201, good)
    assert admitted["type"] == "trading.expert-admitted/v1"
    await no("E-EXPERT-ADMITTED", _signed(ids[:1], place.authority))
    rows = await roster.roster_at(pool().fetch, await pool().fetchval("SELECT log_now()"))
    assert [row.id for row in rows] == ids[:2]
    await place.beat()
    events = (await place.as_("public").get("/events?after=-1&limit=1000")).text
    assert "expert-admitted" not in events and ids[0] not in events  # for supervisors alone


async def test_counts_for_operator_and_supervisor_and_nothing_for_others(place: Town) -> None:
    office = await Office().open()
    ids = sorted(await office.name(*(new_expert(number) for number in range(4))))
    for role in ("operator", "supervisor", "bidder", "tenderee"):
        await place.enrol(role, role)
    await place.call("supervisor", "POST", "/roster/admissions", 201, _signed(ids[:3], place.authority))
    async with acting(CENTRE) as act:
        await standing.suspend(act, ids[0], act.now)
        await standing.remove(act, ids[1])
    for who in ("operator", "supervisor"):
        found = await place.call(who, "GET", "/roster/statistics", 200)
        assert [found[name] for name in ("named", "admitted", "removed", "on_leave", "suspended")] == [1, 2, 1, 0, 1]
        assert {one["code"]: one["experts"] for one in found["specialties"]}["a08"] == 2
        assert not any(id in str(found) for id in ids)
    for who in ("public", "bidder", "tenderee", "sa"):
        answer = await place.as_(who).get("/api/v1/roster/statistics")
        assert answer.status_code in (401, 403)
