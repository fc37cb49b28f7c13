"""Envelopes that are wrong: what can be seen without a key is refused by name, the rest is a verdict with its proof."""

from __future__ import annotations

import json
import secrets
from typing import Any

from audit.act import pool
from audit.canon import b64, canon
from bidding.manifest import Context, sign_manifest
from tests.bidding.envelopes import Envelope, envelope, padded
from tests.journeys.court import judge, member, records, verdicts
from tests.trading.desk import Bidder, Desk


def sealed(desk: Desk, one: Bidder, **parts: Any) -> Envelope:
    """A form sealed by the bidder's own hand, wrong in one part."""
    guard = desk.keysets["form"]
    where = Context(desk.tender, "form", guard.id, one.code, one.bid, 1)
    opening = {"price": 5_000_000, "days": 90}
    return envelope(guard, where=where, opening=opening, ck=secrets.token_bytes(32), **parts)


async def hand_in(desk: Desk, one: Bidder, form: Envelope) -> None:
    """Hand in the form as it is, with honest documents."""
    body = await desk.body(one, 5_000_000, ("documents",))
    payload = desk.tmp / f"{secrets.token_hex(4)}.payload"
    payload.write_bytes(form.payload)
    one.last["form"] = form.manifest
    body["stages"]["form"] = {
        "manifest": b64(form.manifest.data),
        "sig": sign_manifest(form.manifest.data, one.signer),
        "upload": await desk.upload(one, payload),
    }
    told = await desk.town.call(one.name, "POST", f"/tenders/{desk.tender}/bids/{one.bid}", 201, body)
    one.receipts.update(told["receipts"])


async def test_whoever_sealed_wrongly_is_out_by_proof_and_the_others_go_on(desk: Desk) -> None:
    await desk.open()
    firms = {name: await desk.bidder(name) for name in ("安和", "赣江", "博远", "石城")}
    await desk.hand_in(firms["安和"], 9_000_000)
    # a box that only two of the three custodians can open: a withdrawal nobody was to see
    await hand_in(desk, firms["赣江"], sealed(desk, firms["赣江"], others=(3,)))
    # a payload that is no container
    await hand_in(desk, firms["博远"], sealed(desk, firms["博远"], plaintext=padded(b"\0\0\0\2{}")))
    # a byte of the ciphertext turned round before the manifest was made
    spoiled = sealed(desk, firms["石城"])
    broken = spoiled.payload[:-20] + bytes([spoiled.payload[-20] ^ 1]) + spoiled.payload[-19:]
    await hand_in(desk, firms["石城"], spoiled.but(payload=broken))

    assert await desk.wait() == "closed"
    opened = await desk.open_boxes()
    assert opened["state"] == "opened"
    assert verdicts(opened, firms) == {"安和": "OK", "赣江": "X-BOX", "博远": "X-CONTAINER", "石城": "X-PAYLOAD"}
    [box] = [r for r in await records("unsealed") if r["verdict"] == "X-BOX"]
    assert (box["bid"], box["at"], box["findings"]) == (firms["赣江"].bid, [3], [])
    assert all(bid["price"] is None for bid in opened["bids"] if bid["bid"] != firms["安和"].bid)

    ranked = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    assert ranked["ranking"] == [firms["安和"].bid]
    won = await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    assert won["price"] == 9_000_000
    paths = await judge(desk, *firms.values())
    told = member(paths["public"], f"bids/{firms['赣江'].bid}/form/1/opened.json")
    assert (told["verdict"], told["at"], told["opening"]) == ("X-BOX", [3], None)


async def test_what_can_be_seen_without_a_key_is_refused_by_name_and_leaves_nothing(desk: Desk) -> None:
    await desk.open()
    firm, rival = await desk.bidder("安和"), await desk.bidder("赣江")
    path = f"/tenders/{desk.tender}/bids/{firm.bid}"
    honest = await desk.body(firm, 9_000_000)

    def but(**form: Any) -> dict[str, Any]:
        return {"stages": {**honest["stages"], "form": honest["stages"]["form"] | form}}

    manifest = firm.last["form"].data
    short = canon(json.loads(manifest) | {"boxes": json.loads(manifest)["boxes"][:2]})
    elsewhere = canon(json.loads(manifest) | {"tender": "2026-000009-01@8"})
    skipped = canon(json.loads(manifest) | {"seq": 2, "prev": "0" * 64})
    longer = canon(json.loads(manifest) | {"size": json.loads(manifest)["size"] + 1})

    def signed(data: bytes, one: Bidder = firm) -> dict[str, Any]:
        return {"manifest": b64(data), "sig": sign_manifest(data, one.signer)}

    wrong = {
        "E-STAGES": {"stages": {"form": honest["stages"]["form"]}},
        "E-CANON": but(manifest=b64(manifest[:-1])),
        "E-CONTEXT": but(**signed(elsewhere)),
        "E-BOXES": but(**signed(short)),
        "E-SIGNER": but(**signed(manifest, rival)),
        "E-SIG": but(sig=sign_manifest(manifest + b" ", firm.signer)),
        "E-SEQ": but(**signed(skipped)),
        "E-PAYLOAD": but(**signed(longer)),
    }
    recorded = {"E-SEQ", "E-PAYLOAD"}  # after E-SIG it is known who asks: the refusal is signed, and provable
    for code, body in wrong.items():
        for language, word in (("zh-CN", "。"), ("en", ".")):
            answer = await desk.town.as_("安和").post(
                f"/api/v1{path}", json=body, headers={"Accept-Language": language}
            )
            told = answer.json()
            assert (told["code"], answer.status_code // 100) == (code, 4), told
            assert told["detail"].endswith(word) and told["detail"] != code
            assert bool(told.get("receipt")) == (code in recorded), code
    assert {r["code"] for r in await records("refused")} == recorded
    assert await pool().fetchval("SELECT count(*) FROM bidding_deposit") == 0

    # None of it stands in the way of the honest one.
    told = await desk.town.call("安和", "POST", path, 201, honest)
    firm.receipts.update(told["receipts"])
    await desk.wait()
    await desk.open_boxes()
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/candidates", 201)
    await desk.town.call("tenderee", "POST", f"/tenders/{desk.tender}/award", 201, {})
    await judge(desk, firm)
