"""Handing in, replacing and withdrawing: what is accepted, what is refused and why, and what is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from audit.act import pool
from audit.canon import b64, canon, parse, sha256_hex
from audit.refusal import Refused
from audit.trust import Ed25519Signer
from bidding import boxes, refusals
from bidding.envelope import new_bid
from bidding.manifest import PREFIX
from bidding.payload import measure
from tests.bidding.town import TENDER, Town


@pytest.fixture
async def town(db: object, owner_dsn: str, tmp_path: Path) -> AsyncIterator[Town]:
    made = await Town(tmp_path).found(owner_dsn)
    await made.announce()
    yield made


async def test_a_bid_is_deposited_with_all_its_stages(town: Town) -> None:
    anhua = await town.bidder("91AHUA")
    made = await town.hand_in(anhua, price=880_000)
    assert [(d.stage, d.seq) for d in made] == [("documents", 1), ("form", 1)]
    recorded = await town.records("deposited")
    assert [(r["stage"], r["bid"], r["seq"]) for r in recorded] == [
        ("documents", anhua.bid, 1),
        ("form", anhua.bid, 1),
    ]
    assert [r["manifest"] for r in recorded] == [d.manifest for d in made]
    assert all(d.record.id and d.record.nonce for d in made)


async def test_a_late_bid_is_refused_with_a_signed_refusal(town: Town) -> None:
    li = await town.bidder("91LI")
    parcels = await town.parcels(li, {stage: town.seal(li, stage) for stage in town.keysets})
    await town.shift(timedelta(hours=2))
    with pytest.raises(Refused, match="E-LATE"):
        await town.submit(li, parcels)
    [refused] = await town.records("refused")
    assert (refused["code"], refused["bidder"], refused["stage"]) == ("E-LATE", "91LI", "documents")
    assert refused["manifest"] == sha256_hex(parcels["documents"].manifest)
    assert await town.records("deposited") == []


async def test_a_late_bid_under_a_stranger_s_name_is_only_counted(town: Town) -> None:
    li = await town.bidder("91LI")
    parcels = {stage: town.seal(li, stage, signer=Ed25519Signer.generate()) for stage in town.keysets}
    given = await town.parcels(li, parcels)
    await town.shift(timedelta(hours=2))
    with pytest.raises(Refused, match="E-LATE"):
        await town.submit(li, given)
    assert await town.records("refused") == []
    assert await (await pool()).fetchval("SELECT counted FROM bidding_refusals WHERE bidder = '91LI'") == 1


async def test_no_late_row_can_exist_whoever_writes_it(town: Town, owner_dsn: str) -> None:
    zhou = await town.bidder("91ZHOU")
    await town.hand_in(zhou)
    owner = await asyncpg.connect(owner_dsn)
    columns = "tender, deadline, stage, bid, bidder, hash, manifest, sig, sig_hash, signer_id, root, size, upload_id"
    late = (
        f"INSERT INTO bidding_deposit ({columns}, seq, received_at, ended_at) SELECT tender, {{}}, stage, bid, bidder, "
        "repeat('0', 64), manifest, sig, sig_hash, signer_id, root, size, '{}', 9, deadline + interval '1s', deadline "
        "FROM bidding_deposit LIMIT 1"
    )
    spare = (await town.uploads.create(TENDER, zhou.id, 65_672)).id
    with pytest.raises(asyncpg.CheckViolationError, match="bidding_deposit_in_time"):
        await owner.execute(late.format("deadline", spare))
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="bidding_deposit_box"):
        await owner.execute(late.format("deadline + interval '1h'", spare))
    for sql in (
        "UPDATE bidding_deposit SET received_at = received_at - interval '1s'",
        "UPDATE bidding_deposit SET manifest = ''",
        "DELETE FROM bidding_deposit",
        "UPDATE bidding_box SET deadline = deadline - interval '10s'",
        "DELETE FROM bidding_box",
        "UPDATE bidding_registration SET key = ''",
    ):
        with pytest.raises(asyncpg.RaiseError):
            await owner.execute(sql)
    await owner.close()


async def test_a_stage_is_missing(town: Town) -> None:
    wu = await town.bidder("91WU")
    with pytest.raises(Refused, match="E-STAGES"):
        await town.hand_in(wu, "form")
    assert await town.records("refused") == []


async def test_each_refusal_has_its_code_and_leaves_nothing(town: Town) -> None:
    qian = await town.bidder("91QIAN")
    stranger = Ed25519Signer.generate()
    good = {stage: town.seal(qian, stage) for stage in town.keysets}
    given = await town.parcels(qian, good)
    form, documents = given["form"], given["documents"]

    async def refused(code: str, **changes: boxes.Submission) -> None:
        with pytest.raises(Refused, match=code):
            await town.submit(qian, given | changes)

    await refused("E-CANON", form=replace(form, manifest=form.manifest + b" "))
    await refused("E-CONTEXT", form=documents)
    other = town.seal(qian, "form", bidder="91SUN")
    await refused("E-CONTEXT", form=replace(form, manifest=other.manifest, sig=other.sig))
    other = town.seal(qian, "form", bid=new_bid())
    await refused("E-CONTEXT", form=replace(form, manifest=other.manifest, sig=other.sig))
    other = town.seal(qian, "form", signer=stranger)
    await refused("E-SIGNER", form=replace(form, manifest=other.manifest, sig=other.sig))
    await refused("E-SIG", form=replace(form, sig=documents.sig))
    assert await town.records("refused") == []  # until E-SIG has passed nobody knows who asks
    other = town.seal(qian, "form", seq=2)
    await refused("E-SEQ", form=replace(form, manifest=other.manifest, sig=other.sig))
    await refused("E-PAYLOAD", form=replace(form, upload=documents.upload))
    await refused("E-PAYLOAD", form=replace(form, upload="0" * 32))
    half = await town.uploads.create(TENDER, qian.id, good["form"].payload.stat().st_size)
    await refused("E-PAYLOAD", form=replace(form, upload=half.id))
    codes = [r["code"] for r in await town.records("refused")]
    assert codes == ["E-SEQ", "E-PAYLOAD", "E-PAYLOAD", "E-PAYLOAD"]
    assert await (await pool()).fetchval("SELECT count(*) FROM bidding_bid") == 0
    assert len(await town.submit(qian, given)) == 2  # and the good one goes in after all of that


async def test_an_unknown_tender(town: Town) -> None:
    he = await town.bidder("91HE")
    given = await town.parcels(he, {stage: town.seal(he, stage) for stage in town.keysets})
    with pytest.raises(Refused, match="E-TENDER"):
        await town.submit(he, given, tender="L-9@1")


async def test_the_twenty_first_refusal_of_an_hour_is_counted_only(town: Town) -> None:
    feng = await town.bidder("91FENG")
    other = {stage: town.seal(feng, stage, seq=5) for stage in town.keysets}
    given = await town.parcels(feng, other)
    for _ in range(23):
        with pytest.raises(Refused, match="E-SEQ"):
            await town.submit(feng, given)
    assert len(await town.records("refused")) == refusals.MOST
    counts = await (await pool()).fetchrow("SELECT sum(counted) AS c, sum(recorded) AS r FROM bidding_refusals")
    assert (counts["c"], counts["r"]) == (23, 20)


async def test_a_replacement_erases_what_it_replaces(town: Town) -> None:
    chen = await town.bidder("91CHEN")
    await town.hand_in(chen)
    first = await (await pool()).fetchrow("SELECT upload_id, root FROM bidding_deposit WHERE stage = 'form'")
    assert town.store.holds(first["upload_id"])
    [second] = await town.hand_in(chen, "form", price=90)
    assert second.seq == 2
    assert not town.store.holds(first["upload_id"])
    [erased] = await town.records("erased")
    assert (erased["stage"], erased["seq"], erased["root"]) == ("form", 1, first["root"])


async def test_an_erasure_survives_a_crash_after_the_commit(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    wei = await town.bidder("91WEI")
    await town.hand_in(wei)
    first = await (await pool()).fetchval("SELECT upload_id FROM bidding_deposit WHERE stage = 'form'")

    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(town.store, "erase", crash)
    with pytest.raises(KeyboardInterrupt):
        await town.hand_in(wei, "form", price=90)
    monkeypatch.undo()
    assert town.store.holds(first)
    assert await boxes.erase_due(town.store) == 1
    assert not town.store.holds(first)
    assert await boxes.erase_due(town.store) == 0
    assert len(await town.records("erased")) == 1


async def test_a_withdrawal_ends_the_bid_and_a_new_one_may_follow(town: Town) -> None:
    jiang = await town.bidder("91JIANG")
    await town.hand_in(jiang)
    stored = [r["upload_id"] for r in await (await pool()).fetch("SELECT upload_id FROM bidding_deposit")]
    await town.withdraw(jiang)
    assert not any(town.store.holds(name) for name in stored)
    assert [(r["stage"], r["seq"]) for r in await town.records("erased")] == [("documents", 1), ("form", 1)]
    with pytest.raises(Refused, match="E-SEQ"):
        await town.hand_in(jiang, "form")
    with pytest.raises(Refused, match="E-SEQ"):
        await town.withdraw(jiang)
    jiang.bid, jiang.last = new_bid(), {}
    assert len(await town.hand_in(jiang)) == 2


async def test_a_second_bid_beside_the_first(town: Town) -> None:
    shen = await town.bidder("91SHEN")
    await town.hand_in(shen)
    shen.bid, shen.last = new_bid(), {}
    with pytest.raises(Refused, match="E-TWICE"):
        await town.hand_in(shen)


async def test_a_key_the_operator_registered_replaces_nothing(town: Town) -> None:
    han = await town.bidder("91HAN")
    await town.hand_in(han)
    planted, own = Ed25519Signer.generate(), Ed25519Signer.generate()
    await town.register(han.id, planted)
    await town.register(han.id, own, by=han.signer, authority=False)
    with pytest.raises(Refused, match="E-SIGNER"):
        await town.hand_in(han, "form", signer=planted)
    with pytest.raises(Refused, match="E-SIGNER"):
        await town.withdraw(han, planted)
    await town.hand_in(han, "form", signer=own)
    await town.withdraw(han, own)


async def test_a_head_seen_before_from_the_same_bidder(town: Town) -> None:
    yang = await town.bidder("91YANG")
    await town.hand_in(yang)
    await town.withdraw(yang)
    old = dict(yang.last)
    yang.bid, yang.last = new_bid(), {}
    again = {stage: town.seal(yang, stage) for stage in town.keysets}
    import json

    from audit.canon import canon
    from bidding.manifest import sign_manifest

    value = json.loads(again["form"].manifest) | {"head": json.loads(old["form"].data)["head"]}
    again["form"].manifest = canon(value)
    again["form"].sig = sign_manifest(again["form"].manifest, yang.signer)
    with pytest.raises(Refused, match="E-DUPHEAD"):
        await town.submit(yang, await town.parcels(yang, again))


async def test_a_copied_envelope_is_accepted_from_another(town: Town) -> None:
    zhu, thief = await town.bidder("91ZHU"), await town.bidder("91THIEF")
    original = {stage: town.seal(zhu, stage) for stage in town.keysets}
    await town.submit(zhu, await town.parcels(zhu, original))
    import json

    from audit.canon import canon
    from bidding.manifest import sign_manifest

    for parcel in original.values():  # he has seen everything on the wire and puts his own name on it
        parcel.manifest = canon(json.loads(parcel.manifest) | {"bidder": thief.id, "bid": thief.bid})
        parcel.sig = sign_manifest(parcel.manifest, thief.signer)
    assert len(await town.submit(thief, await town.parcels(thief, original))) == 2


async def test_one_request_sent_twice_at_once_is_deposited_once(town: Town) -> None:
    qin = await town.bidder("91QIN")
    given = await town.parcels(qin, {stage: town.seal(qin, stage) for stage in town.keysets})
    results = await asyncio.gather(*(town.submit(qin, given) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(r, list) for r in results) == 1
    assert {r.code for r in results if isinstance(r, Refused)} == {"E-SEQ"}
    assert len(await town.records("deposited")) == 2


async def test_two_bids_of_one_bidder_at_once(town: Town) -> None:
    you = await town.bidder("91YOU")
    twin = replace(you, bid=new_bid(), last={})
    requests = []
    for one in (you, twin):
        requests.append((one, await town.parcels(one, {stage: town.seal(one, stage) for stage in town.keysets})))
    results = await asyncio.gather(*(town.submit(who, what) for who, what in requests), return_exceptions=True)
    assert sorted(type(r).__name__ for r in results) == ["Declined", "list"]
    assert {r.code for r in results if isinstance(r, Refused)} == {"E-TWICE"}


async def test_a_deadline_moves_later_and_its_deposits_follow(town: Town) -> None:
    from audit.act import Actor, acting

    xu = await town.bidder("91XU")
    await town.hand_in(xu)
    later = town.deadline + timedelta(hours=1)
    async with acting(Actor("tenderee", "P-TEN")) as act:
        await boxes.move_deadline(act, tender=TENDER, deadline=later, reason="clarification")
    rows = await (await pool()).fetch("SELECT DISTINCT deadline FROM bidding_deposit")
    assert [row["deadline"] for row in rows] == [later]
    [moved] = await town.records("deadline-moved")
    assert moved["outage"] is None and moved["serial"] >= 1
    await town.shift(timedelta(hours=1, minutes=30))
    await town.hand_in(xu, "form")
    for deadline, code in ((town.deadline, "E-EARLIER"), (later + timedelta(hours=1), "E-LATE")):
        if code == "E-LATE":
            await town.shift(timedelta(hours=1))
        with pytest.raises(Refused, match=code):
            async with acting(Actor("tenderee", "P-TEN")) as act:
                await boxes.move_deadline(act, tender=TENDER, deadline=deadline, reason="clarification")
    async with acting(Actor("operator", "centre")) as act:
        outage = {"from": "2026-01-01T00:00:00.000000Z", "to": "2026-01-01T01:00:00.000000Z", "probes": []}
        await boxes.move_deadline(
            act, tender=TENDER, deadline=later + timedelta(hours=5), reason="outage", outage=outage
        )
    await town.hand_in(xu, "form")


async def test_a_form_is_no_heap(town: Town) -> None:
    """Every custodian carries every form payload before the opening: one of a gigabyte would stop them all."""
    heap = await town.bidder("91HEAP")
    good = {stage: town.seal(heap, stage) for stage in town.keysets}
    for blocks, refused in ((18, True), (17, False)):
        payload = town.tmp / f"{blocks}.payload"
        payload.write_bytes(bytes(72 + 65_600 * blocks))
        root, size, head = measure(payload)
        value = {**parse(good["form"].manifest), "root": root, "size": size, "head": b64(head)}
        data = canon(value)
        form = replace(good["form"], manifest=data, sig=[heap.signer.sign(PREFIX + data)], payload=payload)
        given = await town.parcels(heap, good | {"form": form})
        if refused:
            with pytest.raises(Refused, match="E-PAYLOAD"):
                await town.submit(heap, given)
        else:
            await town.submit(heap, given)
