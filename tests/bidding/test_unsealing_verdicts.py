"""From the closing to the verdicts: who may release, what opens, whose fault it is when it does not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import trading.records
from audit.act import Actor, acting, pool
from audit.canon import b64, canon, sha256_hex
from audit.refusal import Refused
from audit.trust import Ed25519Signer, record_sig_bytes
from bidding import custodians, unsealing
from bidding.custody import RELEASE
from bidding.manifest import Manifest, sign_manifest
from bidding.unseal import open_box
from tests.bidding.town import TENDER, Bidder, Custodian, Town


@pytest.fixture
async def town(db: object, owner_dsn: str, tmp_path: Path) -> AsyncIterator[Town]:
    made = await Town(tmp_path).found(owner_dsn)
    await made.announce()
    yield made


async def closed(town: Town, *names: str) -> list[Bidder]:
    """Two bidders or more, and the hour has come."""
    bidders = [await town.bidder(name) for name in names or ("91AHUA", "91LI")]
    for number, bidder in enumerate(bidders):
        await town.hand_in(bidder, price=1000 + number, text=f"offer of {bidder.id}".encode())
    await town.shift(timedelta(hours=2))
    await town.close()
    return bidders


async def made(town: Town, custodian: Custodian, stage: str, **lies: Any) -> tuple[bytes, list[dict[str, Any]]]:
    """What a custodian's tool signs for a stage; `lies` are {bid: y}."""
    keyset = town.keysets[stage]
    i = next(seat.i for seat in keyset.custodians if seat.custodian == custodian.id)
    closings = await (await pool()).fetch("SELECT record FROM log_record WHERE type = 'closed'")
    [record] = [row["record"] for row in closings if json.loads(row["record"])["stage"] == stage]
    rows = await (await pool()).fetch(
        "SELECT manifest FROM bidding_deposit WHERE stage = $1 AND ended_at IS NULL ORDER BY bid", stage
    )
    shares = []
    for manifest in (Manifest.parse(row["manifest"]) for row in rows):
        y = lies.get(manifest.bid, open_box(custodian.private, manifest, i))
        shares.append({"bid": manifest.bid, "seq": manifest.seq, "y": None if y is None else b64(y)})
    data = canon(
        {
            "type": "trading.release/v1",
            "tender": TENDER,
            "stage": stage,
            "keyset": keyset.id,
            "i": i,
            "closed": sha256_hex(record),
            "shares": shares,
        }
    )
    return data, [custodian.identity.sign(RELEASE + data)]


async def store_documents(town: Town) -> None:
    async with acting(Actor("supervisor", "A-SUP")) as act:
        await custodians.stored(act, tender=TENDER, stage="documents", missing=[])


async def release(town: Town, who: int, stage: str = "form", **lies: Any) -> None:
    data, sig = await made(town, town.custodians[who], stage, **lies)
    await bring(town, data, sig, stage)


async def bring(town: Town, data: bytes, sig: list[dict[str, Any]], stage: str = "form") -> None:
    async with acting(Actor("custodian", "whoever")) as act:
        await custodians.take_release(
            act, tender=TENDER, stage=stage, release=data, sig=sig, identities=town.identities
        )


async def open_up(town: Town, stage: str = "form") -> dict[str, unsealing.Unsealed]:
    found = await unsealing.unseal(town.store, TENDER, stage)
    if found:
        try:
            async with acting(Actor("timer", "opening")) as act:
                await unsealing.keep(act, found)
        except RuntimeError as nothing_new:
            assert "without a record" in str(nothing_new)
    return {one.bid: one for one in await unsealing.unsealed(TENDER, stage)}


async def end_window(town: Town, *missing: int, stage: str = "form") -> None:
    record = {
        "type": "trading.window-ended/v1",
        "subject": TENDER,
        "tender": TENDER,
        "stage": stage,
        "missing": list(missing),
    }
    sig = [one.sign(record_sig_bytes(record)) for one in (town.authority, town.second)]
    async with acting(Actor("authority", "A-SUP")) as act:
        await custodians.end_window(
            act, tender=TENDER, stage=stage, missing=missing, sig=sig, identities=town.identities
        )


async def test_two_of_three_open_prices_and_documents(town: Town) -> None:
    anhua, li = await closed(town)
    await store_documents(town)
    for stage in town.keysets:
        await release(town, 0, stage)
        with pytest.raises(Refused, match="E-RELEASES"):
            await unsealing.unseal(town.store, TENDER, stage)
        await release(town, 2, stage)
    prices = await open_up(town)
    assert {bid: (one.verdict, one.opening) for bid, one in prices.items()} == {
        anhua.bid: ("OK", {"price": 1000}),
        li.bid: ("OK", {"price": 1001}),
    }
    [file] = (await open_up(town, "documents"))[li.bid].files
    path = await unsealing.document(town.store, tender=TENDER, stage="documents", bid=li.bid, sha256=file["sha256"])
    assert path.read_bytes() == b"offer of 91LI"
    with pytest.raises(Refused, match="E-FILE"):
        await unsealing.document(town.store, tender=TENDER, stage="documents", bid=anhua.bid, sha256=file["sha256"])
    assert len(await town.records("unsealed")) == 4
    assert await unsealing.unseal(town.store, TENDER, "form") == []
    assert await custodians.due("C-TEN") == [(TENDER, "documents"), (TENDER, "form")]
    assert await custodians.due("C-SUP") == []


async def test_what_is_no_release(town: Town) -> None:
    await closed(town)
    data, sig = await made(town, town.custodians[0], "form")
    for changed, code in (
        (data + b" ", "E-RELEASE"),
        (data.replace(b'"stage":"form"', b'"stage":"documents"'), "E-RELEASE"),
        (canon(json.loads(data) | {"shares": json.loads(data)["shares"][:1]}), "E-RELEASE"),
        (canon(json.loads(data) | {"closed": "0" * 64}), "E-RELEASE"),
    ):
        with pytest.raises(Refused, match=code):
            await bring(town, changed, sig)
    with pytest.raises(Refused, match="E-IDENTITY"):
        await bring(town, data, [town.custodians[1].identity.sign(RELEASE + data)])
    with pytest.raises(Refused, match="E-SIG"):
        await bring(town, data, [town.custodians[0].identity.sign(data)])
    documents, its_sig = await made(town, town.custodians[0], "documents")
    with pytest.raises(Refused, match="E-STORED"):
        await bring(town, documents, its_sig, "documents")
    await bring(town, data, sig)
    with pytest.raises(Refused, match="E-REPEATED") as again:
        await bring(town, data, sig)
    [released] = await (await pool()).fetch("SELECT record FROM log_record WHERE type = 'released'")
    assert again.value.facts["record"] == sha256_hex(released["record"])
    other, its_sig = await made(town, town.custodians[0], "form", **{json.loads(data)["shares"][0]["bid"]: None})
    with pytest.raises(Refused, match="E-RELEASED"):
        await bring(town, other, its_sig)


async def test_a_box_left_shut_takes_no_release(town: Town) -> None:
    await closed(town, "91ALONE")
    data, sig = await made(town, town.custodians[0], "form")
    with pytest.raises(Refused, match="E-SHUT"):
        await bring(town, data, sig)
    with pytest.raises(Refused, match="E-SHUT"):
        await unsealing.unseal(town.store, TENDER, "form")
    assert await custodians.due("C-SUP") == []


async def test_a_lying_custodian_is_found_and_stops_nothing(town: Town) -> None:
    anhua, li = await closed(town)
    await release(town, 0, **{li.bid: bytes(32)})
    await release(town, 1)
    pending = await open_up(town)
    assert (pending[anhua.bid].verdict, pending[li.bid].verdict) == ("OK", "PENDING")
    assert (await open_up(town))[li.bid].verdict == "PENDING"  # asked again: nothing new, and no second record
    await release(town, 2)
    opened = await open_up(town)
    assert (opened[li.bid].verdict, opened[li.bid].findings, opened[li.bid].opening) == ("OK", (1,), {"price": 1001})
    assert [r["verdict"] for r in await town.records("unsealed") if r["bid"] == li.bid] == ["PENDING", "OK"]


async def test_missing_custodians_and_the_end_of_the_window(town: Town) -> None:
    anhua, li = await closed(town)
    await release(town, 0)
    with pytest.raises(Refused, match="E-RELEASES"):
        await unsealing.unseal(town.store, TENDER, "form")
    with pytest.raises(Refused, match="E-LIST"):
        await end_window(town, 1, 2)
    await end_window(town, 2, 3)
    opened = await open_up(town)
    assert {(one.verdict, one.at) for one in opened.values()} == {("X-QUORUM", (2, 3))}
    with pytest.raises(Refused, match="E-WINDOW"):
        await release(town, 1)
    with pytest.raises(Refused, match="E-WINDOW"):
        await end_window(town, 2, 3)
    assert {anhua.bid, li.bid} == set(opened)


async def test_one_authority_alone_ends_no_window(town: Town) -> None:
    await closed(town)
    town.second = town.authority
    with pytest.raises(Refused, match="E-SIG"):
        await end_window(town, 1, 2, 3)


async def test_a_lost_payload_waits_until_somebody_brings_it(town: Town) -> None:
    anhua, li = await closed(town)
    name = await unsealing.payload_name(li.last["form"].hash)
    copy = town.store.path(name).read_bytes()
    town.store.path(name).write_bytes(copy[:-1] + b"?")
    await release(town, 0)
    await release(town, 1)
    assert (await open_up(town))[li.bid].verdict == "PENDING"
    with town.store.draft() as draft:
        draft.write_bytes(copy + b"x")
        assert not await unsealing.bring(town.store, tender=TENDER, stage="form", bid=li.bid, payload=draft)
    with town.store.draft() as draft:
        draft.write_bytes(copy)
        assert await unsealing.bring(town.store, tender=TENDER, stage="form", bid=li.bid, payload=draft)
    assert {one.verdict for one in (await open_up(town)).values()} == {"OK"}
    assert anhua.bid in await open_up(town)


async def test_a_payload_nobody_brings_is_the_operator_s_fault(town: Town) -> None:
    _, li = await closed(town)
    await town.store.erase(await unsealing.payload_name(li.last["form"].hash))
    await release(town, 0)
    await release(town, 1)
    assert (await open_up(town))[li.bid].verdict == "PENDING"
    await end_window(town, 3)
    assert (await open_up(town))[li.bid].verdict == "X-STORE"


async def test_a_copied_envelope_fails_its_commitment(town: Town) -> None:
    zhu, thief, third = [await town.bidder(name) for name in ("91ZHU", "91THIEF", "91THIRD")]
    parcels = {stage: town.seal(zhu, stage) for stage in town.keysets}
    await town.submit(zhu, await town.parcels(zhu, parcels))
    for parcel in parcels.values():
        parcel.manifest = canon(json.loads(parcel.manifest) | {"bidder": thief.id, "bid": thief.bid})
        parcel.sig = sign_manifest(parcel.manifest, thief.signer)
    await town.submit(thief, await town.parcels(thief, parcels))
    await town.hand_in(third)
    await town.shift(timedelta(hours=2))
    await town.close()
    for who in range(3):
        await release(town, who)
    opened = await open_up(town)
    assert {bid: one.verdict for bid, one in opened.items()} == {
        zhu.bid: "OK",
        thief.bid: "X-COMMIT",
        third.bid: "OK",
    }


async def test_an_unvouched_bid_is_opened_and_marked(town: Town) -> None:
    ghost = await town.bidder("91GHOST", vouched=False)
    await town.hand_in(ghost)
    await closed(town)
    await release(town, 0)
    await release(town, 1)
    opened = await open_up(town)
    assert {bid for bid, one in opened.items() if one.unvouched} == {ghost.bid}
    assert all(one.verdict == "OK" for one in opened.values())


async def test_a_later_stage_opens_for_the_admitted_only(db: object, owner_dsn: str, tmp_path: Path) -> None:
    town = await Town(tmp_path).found(owner_dsn)
    await town.announce(stages=("technical", "form"), later={"form": timedelta(hours=5)})
    async with acting(Actor("tenderee", "P-TEN")) as act:
        notice = dict.fromkeys(trading.records.PROJECT_ANNOUNCED.fields, "")
        act.record("project-announced", subject=TENDER, **(notice | {"tender": TENDER}))
    anhua, li = await closed(town)
    with pytest.raises(Refused, match="E-HOUR"):
        await release(town, 0)
    await town.shift(timedelta(hours=5))
    with pytest.raises(Refused, match="E-SETTLED"):
        await release(town, 0)

    async def settle(stage: str, admitted: list[str], *signers: Ed25519Signer) -> None:
        record = {
            "type": "trading.stage-settled/v1",
            "subject": TENDER,
            "tender": TENDER,
            "stage": stage,
            "admitted": admitted,
            "sheets": ["0" * 64],
        }
        async with acting(Actor("tenderee", "P-TEN")) as act:
            await custodians.settle(
                act,
                tender=TENDER,
                stage=stage,
                admitted=admitted,
                sheets=["0" * 64],
                sig=[one.sign(record_sig_bytes(record)) for one in signers],
                identities=town.identities,
            )

    both = (town.tenderee, town.authority)
    with pytest.raises(Refused, match="E-UNOPENED"):  # nobody is admitted before the technical bids are read
        await settle("form", [li.bid], *both)
    async with acting(Actor("supervisor", "A-SUP")) as act:
        await custodians.stored(act, tender=TENDER, stage="technical", missing=[])
    for who in (0, 1):
        await release(town, who, "technical")
    assert {one.verdict for one in (await open_up(town, "technical")).values()} == {"OK"}
    for stage, admitted, signers, code in (
        ("technical", [li.bid], both, "E-SETTLED"),
        ("form", ["0" * 32], both, "E-LIST"),
        ("form", [li.bid], (town.tenderee,), "E-SIG"),
        ("form", [li.bid], (town.authority, town.second), "E-SIG"),
    ):
        with pytest.raises(Refused, match=code):
            await settle(stage, admitted, *signers)
    await settle("form", [li.bid], *both)
    with pytest.raises(Refused, match="E-SETTLED"):
        await settle("form", [li.bid, anhua.bid], *both)
    with pytest.raises(Refused, match="E-RELEASE"):  # a release for somebody who was not admitted
        await release(town, 0)
    for who in (0, 1):
        data, _ = await made(town, town.custodians[who], "form")
        value = json.loads(data)
        data = canon(value | {"shares": [share for share in value["shares"] if share["bid"] == li.bid]})
        await bring(town, data, [town.custodians[who].identity.sign(RELEASE + data)])
    assert {bid: one.opening for bid, one in (await open_up(town)).items()} == {li.bid: {"price": 1001}}


async def test_a_verdict_that_a_release_has_overtaken_is_computed_again(town: Town) -> None:
    _, li = await closed(town)
    await release(town, 0, **{li.bid: bytes(32)})
    await release(town, 1)
    stale = await unsealing.unseal(town.store, TENDER, "form")
    await release(town, 2)
    with pytest.raises(RuntimeError, match="without a record"):
        async with acting(Actor("timer", "opening")) as act:
            assert await unsealing.keep(act, stale) == []
    assert {one.verdict for one in (await open_up(town)).values()} == {"OK"}
    assert len(await town.records("unsealed")) == 2


async def test_kits_and_archive_files_hold_what_is_owed_and_nothing_early(town: Town) -> None:
    with pytest.raises(Refused, match="E-OPEN"):
        await custodians.kit(town.store, TENDER, "form")
    with pytest.raises(Refused, match="E-OPEN"):
        await unsealing.archive_files(town.store, TENDER, "public")
    anhua, li = await closed(town)
    kit = dict(await custodians.kit(town.store, TENDER, "form"))
    place = f"bids/{li.bid}/form/1/"
    assert kit[place + "manifest.json"] == li.last["form"].data
    assert kit[place + "payload"] == town.store.path(await unsealing.payload_name(li.last["form"].hash))
    assert f"bids/{li.bid}/documents/1/payload" not in kit
    assert sum(path.startswith("statements/") for path in kit) == 3
    assert sum(path.startswith("registrations/") for path in kit) == 2
    await store_documents(town)
    for stage in town.keysets:
        await release(town, 0, stage)
        await release(town, 1, stage)
        await open_up(town, stage)
    public = dict(await unsealing.archive_files(town.store, TENDER, "public"))
    supervision = dict(await unsealing.archive_files(town.store, TENDER, "supervision"))
    assert public.keys() < supervision.keys()
    assert {path.split("/")[2] for path in supervision.keys() - public.keys() if path.startswith("bids/")} == {
        "documents"
    }
    opened = json.loads(public[place + "opened.json"])  # type: ignore[arg-type]
    assert (opened["verdict"], opened["opening"], len(opened["ck"])) == ("OK", {"price": 1001}, 64)
    assert anhua.bid != li.bid


async def test_a_shut_box_shows_the_public_nothing_of_its_bids(town: Town) -> None:
    await closed(town, "91ALONE")
    assert {path.split("/")[0] for path, _ in await unsealing.archive_files(town.store, TENDER, "public")} == {
        "keysets",
        "statements",
    }
    supervision = dict(await unsealing.archive_files(town.store, TENDER, "supervision"))
    assert any(path.endswith("manifest.json") for path in supervision)
    assert not any(path.endswith("payload") for path in supervision)
