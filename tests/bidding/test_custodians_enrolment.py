"""Custodians: one key for one custodian, a rehearsal that proves it opens, key sets of those who have rehearsed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from audit.act import Actor, acting
from audit.refusal import Refused
from audit.trust import Ed25519Signer
from bidding import boxes, custodians, hpke, keys, signers
from bidding.keys import Statement
from bidding.registrations import REGISTRATION, write_registration
from tests.bidding.town import ORIGIN, SCHEMA, TENDER, Custodian, Town


@pytest.fixture
async def town(db: object, owner_dsn: str, tmp_path: Path) -> AsyncIterator[Town]:
    yield await Town(tmp_path).found(owner_dsn)


def statement(custodian: Custodian, *, origin: str = ORIGIN, tender: str | None = None) -> bytes:
    now = datetime.now(UTC)
    return keys.write_statement(
        origin=origin,
        custodian=custodian.id,
        name=custodian.id,
        pub=hpke.public_bytes(custodian.private),
        valid_from=now - timedelta(days=1),
        valid_to=now + timedelta(days=30),
        tender=tender,
    )


async def enrol(town: Town, data: bytes, signer: Ed25519Signer) -> None:
    async with acting(Actor("custodian", "x")) as act:
        sig = [signer.sign(keys.STATEMENT + data)]
        await custodians.enrol(act, statement=data, sig=sig, identities=town.identities, origin=ORIGIN)


async def test_enrolled_and_rehearsed(town: Town) -> None:
    enrolled = await custodians.statements()
    assert [(one.statement.custodian, one.rehearsed) for one in enrolled] == [
        ("C-SUP", True),
        ("C-TEN", True),
        ("C-NOT", True),
    ]
    [rehearsed, *_] = await town.records("rehearsed")
    proof = keys.rehearsal_proof(bytes.fromhex(rehearsed["challenge"]), bytes.fromhex(rehearsed["r"]))
    assert rehearsed["proof"] == proof.hex()
    assert (await custodians.statement(rehearsed["statement"])).rehearsed


async def test_a_statement_that_is_refused(town: Town) -> None:
    sup, ten = town.custodians[0], town.custodians[1]
    fresh = replace(sup, private=ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(Refused, match="E-STATEMENT"):
        await enrol(town, statement(fresh, origin="real.example/log"), sup.identity)
    with pytest.raises(Refused, match="E-IDENTITY"):
        await enrol(town, statement(fresh), ten.identity)
    with pytest.raises(Refused, match="E-IDENTITY"):
        await enrol(town, statement(replace(fresh, id="C-NOBODY")), sup.identity)
    with pytest.raises(Refused, match="E-PUB-TWICE"):  # somebody else's public key under my name
        await enrol(town, statement(replace(ten, private=sup.private)), ten.identity)
    with pytest.raises(Refused, match="E-STATEMENT"):
        await custodians.statement("0" * 64)


async def test_a_rehearsal_that_proves_nothing(town: Town) -> None:
    sup = town.custodians[0]
    fresh = replace(sup, private=ec.generate_private_key(ec.SECP256R1()))
    data = statement(fresh)
    await enrol(town, data, sup.identity)
    made = Statement.parse(data)
    asked = await custodians.challenge(made.hash)

    async def rehearse(challenge: bytes, proof: bytes, sig: list[dict[str, object]]) -> None:
        async with acting(Actor("custodian", "C-SUP")) as act:
            await custodians.rehearse(
                act, sha=made.hash, challenge=challenge, proof=proof, sig=sig, identities=town.identities
            )

    proof, sig = keys.answer(made, fresh.private, sup.identity, asked.challenge, asked.sealed)
    with pytest.raises(Refused, match="E-REHEARSAL"):
        await rehearse(bytes(32), proof, sig)
    with pytest.raises(Refused, match="E-REHEARSAL"):
        await rehearse(asked.challenge, bytes(32), sig)
    with pytest.raises(Refused, match="E-SIG"):
        await rehearse(asked.challenge, proof, [sup.identity.sign(proof)])
    with pytest.raises(Refused, match="E-KEYSET"):
        await custodians.build_keyset(
            tender=TENDER, stage="form", k=2, opens_at=datetime.now(UTC), statements=[made.hash], origin=ORIGIN
        )
    await rehearse(asked.challenge, proof, sig)
    with pytest.raises(Refused, match="E-REHEARSAL"):  # a challenge is answered once
        await rehearse(asked.challenge, proof, sig)
    with pytest.raises(Refused, match="E-STATEMENT"):
        await custodians.challenge("0" * 64)


async def test_a_key_set_is_made_once_and_of_the_rehearsed(town: Town) -> None:
    await town.announce()
    assert {r["stage"]: r["keyset"] for r in await town.records("keyset-made")} == {
        stage: keyset.id for stage, keyset in town.keysets.items()
    }
    form = town.keysets["form"]
    with pytest.raises(Refused, match="E-KEYSET"):
        await town.announce()
    for tender, origin in (("L-2@9", ORIGIN), (TENDER, "real.example/log")):
        with pytest.raises(Refused, match="E-KEYSET"):
            async with acting(Actor("operator", "centre")) as act:
                await custodians.make_keyset(act, tender=tender, stage="form", keyset=form.data, origin=origin)
    hashes = [seat.statement for seat in form.custodians]
    for wrong in (
        {"k": 1},
        {"k": 4},
        {"statements": [hashes[0], hashes[0]]},
        {"statements": hashes[:1]},
        {"statements": ["0" * 64, hashes[0]]},
        {"opens_at": datetime.now(UTC) + timedelta(days=60)},
    ):
        given = {"k": 2, "statements": hashes, "opens_at": form.opens_at} | wrong
        with pytest.raises(Refused, match="E-KEYSET"):
            await custodians.build_keyset(tender="L-2@9", stage="form", origin=ORIGIN, **given)  # type: ignore[arg-type]
    assert (await custodians.keyset(TENDER, "form")).id == form.id
    with pytest.raises(Refused, match="E-KEYSET"):
        await custodians.keyset(TENDER, "technical")


async def test_a_box_needs_the_key_sets_that_were_made(town: Town) -> None:
    await town.announce()
    form = town.keysets["form"]
    good = {"deadline": form.opens_at, "min_bids": 2, "opening_schema": SCHEMA}

    async def make(tender: str, keysets: dict[str, str], **changes: object) -> None:
        async with acting(Actor("operator", "centre")) as act:
            await boxes.make(act, tender=tender, keysets=keysets, **(good | changes))  # type: ignore[arg-type]

    with pytest.raises(Refused, match="E-KEYSET"):
        await make("L-2@9", {"form": form.id})
    with pytest.raises(Refused, match="E-KEYSET"):
        await make(TENDER, {"form": "0" * 64})
    with pytest.raises(Refused, match="E-KEYSET"):
        await make(TENDER, {})
    with pytest.raises(Refused, match="E-KEYSET"):
        await make(TENDER, {"form": form.id}, deadline=form.opens_at + timedelta(hours=1))
    with pytest.raises(Refused, match="E-MADE"):
        await make(TENDER, {"form": form.id})


async def test_a_bidder_s_keys_hang_together(town: Town) -> None:
    first, second, third = (Ed25519Signer.generate() for _ in range(3))
    await town.register("91HE", first, by=town.authority)
    await town.register("91HE", second, by=first, authority=False)
    known = await signers.registered("91HE")
    assert [one.registration.key for one in known] == [first.key, second.key]
    owed = signers.chains(known, [known[1].registration.hash])
    assert [one.registration.key for one in owed] == [first.key, second.key]
    with pytest.raises(Refused, match="E-KEY-TWICE"):
        await town.register("91HE", second)
    with pytest.raises(Refused, match="E-REGISTRATION"):  # by a key that nobody registered
        await town.register("91HE", third, by=Ed25519Signer.generate(), authority=False)
    data = write_registration(origin=ORIGIN, bidder="91OTHER", alg="EdDSA", key=third.key)
    with pytest.raises(Refused, match="E-REGISTRATION"):
        async with acting(Actor("bidder", "91HE")) as act:
            await signers.register(
                act,
                bidder="91HE",
                registration=data,
                sig=[third.sign(REGISTRATION + data)],
                parties=town.parties,
                origin=ORIGIN,
            )
    [record, _] = await town.records("bidder-key-registered")
    assert (record["bidder"], record["subject"]) == ("91HE", "91HE")
