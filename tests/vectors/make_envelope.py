"""Write `envelope.json`: fixed inputs and what follows from them, for every implementation of bidding/envelope.md.

    python -m tests.vectors.make_envelope

Its first keys are the specification's own and never change. A payload stands as a recipe: the plaintext before its
padding, key, salt, and bytes changed afterwards; who can seal can build it, and `root` says whether he did.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from audit.canon import b64, canon, parse, sha256_hex, stamp
from audit.merkle import leaf_hash
from audit.record import entry_of
from audit.trust import ES256Signer, sig_hash
from bidding import hpke, keys, shares
from bidding.custody import RELEASE
from bidding.manifest import Context, Manifest, sign_manifest
from bidding.payload import measure
from bidding.registrations import (
    REGISTRATION,
    WITHDRAWAL,
    Keyring,
    Registration,
    Withdrawal,
    write_registration,
    write_withdrawal,
)
from bidding.tally import SignedAct, tally
from bidding.unseal import open_box, unseal
from tests.bidding.envelopes import (
    BID,
    BIDDER,
    FIRM,
    IDENTITIES,
    NOON,
    OPENING,
    ORIGIN,
    PRIVATE,
    SCHEMA,
    TENDER,
    Envelope,
    content,
    context,
    envelope,
    header,
    keyset,
    padded,
    payload,
    statement,
)

HERE = Path(__file__).parent
TARGET = HERE / "envelope.json"
CK = bytes(range(32))
CLOSED = "c105ed" + "00" * 29
Json = dict[str, Any]

SPECIFIED = {
    "context": '{"bid":"00112233445566778899aabbccddeeff","bidder":"91440000MA00000001","keyset":"abababababababababababab'
    'abababababababababababababababababababab","seq":1,"stage":"single","tender":"T2026-001","type":"trading.envelope/v1"}',
    "ctx": "8746d6d65103163abe24fad9988042f556c17e6f5a41d583a295f4b4b3044a87",
    "ck": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "salt": "000102030405060708090a0b0c0d0e0f1011121314151617",
    "payload": "000102030405060708090a0b0c0d0e0f1011121314151617746bc14bbb053c94d3580108904d2a84a1eff0b010be8b7fcb056bf9b"
    "cdc97cb01f6ae74ee6753a33b86e1476960967077e8aa2c7b",
    "shares_3of5": [
        "8bf490c173b107b3ddf742af817baad357403e5e54d95e889f486bb9fe6c15b7",
        "54e8eed0d4ecaa1fb3320ad8bcf371beddee27e76ff36bed968f7f6739044e71",
        "df1d7c12a358abab66cc427c3185d5629abf0baa2f3f237211de0ec5db7545d9",
        "d7a8a0954792cb804d227c8085a2403e869bd743234d75a945fefa6f93eebd57",
        "5c5d32573026ca3498dc342408d4e4e2c1cafb0e63813d36c2af8bcd719fb6ff",
    ],
    "custodian1_ikm": "00" * 32,
    "custodian1_pub": "04e2753dd60f9ae1856a5d1a7f2c7826c21f59037ff70000e7b97651cb6e8504d829668a62be0af3fd13c9f706a4177527"
    "ff6ded93eda4f87ec4064fdca9bc40ec",
    "ephemeral_ikm_1": "a257eb98275462c5b3628781cde82db1707be4f98150c7364654b665077b207f",
    "box_1": "0444b383b5b67d31e56c78c63fe3bd989e36c3d1cb06e000ed001ae29c39335bd91ee283270aeda23be0318715d0b64e5b96d3c10aa73"
    "0ce7bfd6feb979b67de89135bb2154e7651ffdd28ef4d1f4289c20c1df2873881dcde7167339355834a544639be8cfeeae749eb595c47a5c1aa98",
    "comment": "fixed inputs: ck, salt, context; box_1 is sealed to custodian1_pub (DeriveKeyPair of custodian1_ikm)",
}


class Steady(ES256Signer):
    """ES256 with the nonce of RFC 6979, so that the file is the same each time it is written."""

    def raw(self, message: bytes) -> bytes:
        signature = self.private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = utils.decode_dss_signature(signature)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


ES = Steady(hpke.derive_key_pair(b"bidder's own key, on a P-256 card"))


def build() -> Json:
    """The whole file as a value."""
    guard = keyset()
    return {
        **SPECIFIED,
        "people": {
            "origin": ORIGIN,
            "box_key_ikm": [(bytes([i]) * 32).hex() for i in (1, 2, 3)],
            "identity_keys": [b64(signer.key) for signer in IDENTITIES[:3]],
            "identity_seeds": [(bytes([0x40 + i]) * 32).hex() for i in (1, 2, 3)],
            "bidder_seed": (bytes([0x60]) * 32).hex(),
        },
        "objects": objects(),
        "chain": chain(),
        "sizes": list(sizes()),
        "schema": SCHEMA,
        "keyset": guard.data.decode(),
        "documents_keyset": keyset(stage="documents").data.decode(),
        "errors": list(errors()),
        "verdicts": list(verdicts()),
    }


def signed(data: bytes, prefix: bytes, *signers: Any) -> Json:
    """An object and its signatures; `signed_bytes` are what the signatures are over."""
    return {
        "bytes": data.decode(),
        "sha256": sha256_hex(data),
        "signed_bytes_sha256": sha256_hex(prefix + data),
        "sig": [signer.sign(prefix + data) for signer in signers],
    }


def objects() -> Json:
    """One of each signed object, and a record with its leaf."""
    made, guard = statement(1), keyset()
    draws = iter([b"c" * 32, b"r" * 32, b"e" * 32])
    asked = keys.challenge(made, lambda size: next(draws))
    proof, sig = keys.answer(made, PRIVATE[0], IDENTITIES[0], asked.challenge, asked.sealed)
    bid = envelope(guard)
    registered = write_registration(origin=ORIGIN, bidder=BIDDER, alg="EdDSA", key=FIRM.key)
    next_key = write_registration(origin=ORIGIN, bidder=BIDDER, alg="ES256", key=ES.key, by_key=FIRM.key)
    withdrawal = write_withdrawal(tender=TENDER, bidder=BIDDER, bid=BID, lasts={"form": (1, bid.manifest.hash)})
    y = open_box(PRIVATE[0], bid.manifest, 1)
    release = canon(
        {
            "type": "trading.release/v1",
            "tender": TENDER,
            "stage": "form",
            "keyset": guard.id,
            "i": 1,
            "closed": CLOSED,
            "shares": [{"bid": BID, "seq": 1, "y": b64(y or b"")}, {"bid": "f" * 32, "seq": 2, "y": None}],
        }
    )
    deposited = record("deposited", bid.manifest, sign_manifest(bid.manifest.data, FIRM))
    nonce = b"\x33" * 32
    return {
        "statement": signed(made.data, keys.STATEMENT, IDENTITIES[0]),
        "rehearsal": {
            "challenge": asked.challenge.hex(),
            "r": asked.r.hex(),
            "ikm": (b"e" * 32).hex(),
            "sealed": b64(asked.sealed),
            "proof": proof.hex(),
            "sig": sig,
        },
        "keyset": {"bytes": guard.data.decode(), "sha256": guard.id},
        "context": {"bytes": bid.where.data.decode(), "ctx": bid.where.ctx.hex()},
        "header": {"bytes": header(bid.where).data.decode()},
        "envelope": {
            "ck": CK.hex(),
            "shares": [share.hex() for share in shares.split(CK, bid.where.ctx, 2, 3)],
            "boxes": [b64(box) for box in bid.boxes],
            "payload": recipe(bid, content(bid.where)),
        },
        "manifest": signed(bid.manifest.data, b"trading/bid/v1\n", FIRM),
        "manifest_es256": signed(bid.manifest.data, b"trading/bid/v1\n", ES),
        "registration": signed(registered, REGISTRATION, FIRM),
        "registration_by_key": signed(next_key, REGISTRATION, ES, FIRM),
        "withdrawal": signed(withdrawal, WITHDRAWAL, FIRM),
        "release": signed(release, RELEASE, IDENTITIES[0]),
        "record": {
            "record": deposited.decode(),
            "nonce": b64(nonce),
            "entry": entry_of(deposited, nonce).hex(),
            "leaf": leaf_hash(entry_of(deposited, nonce)).hex(),
            "clear_entry_sha256": sha256(entry_of(deposited, None)).hexdigest(),
        },
    }


def record(name: str, manifest: Manifest, sig: Sequence[Mapping[str, Any]], minute: int = 0) -> bytes:
    """A `deposited` record of a manifest."""
    value = {
        "type": f"trading.{name}/v1",
        "subject": manifest.tender,
        "actor": {"kind": "bidder", "id": manifest.bidder},
        "time": stamp(NOON + timedelta(minutes=minute)),
        "tender": manifest.tender,
        "stage": manifest.stage,
        "bid": manifest.bid,
        "seq": manifest.seq,
        "manifest": manifest.hash,
        "sig_hash": sig_hash(list(sig)),
    }
    return canon(value)


def chain() -> Json:
    """A replacement under a later key, another bid that was withdrawn, a refusal; and the closing that follows."""
    guard = keyset()
    first = envelope(guard)
    second = envelope(guard, ck=CK[::-1], where=context(guard, seq=2), prev=first.manifest.hash)
    other = "91440000MA00000002"
    gone = envelope(guard, ck=b"\7" * 32, where=context(guard, bidder=other, bid="f" * 32))
    registrations = [
        write_registration(origin=ORIGIN, bidder=BIDDER, alg="EdDSA", key=FIRM.key, by_authority="A-1"),
        write_registration(origin=ORIGIN, bidder=BIDDER, alg="ES256", key=ES.key, by_key=FIRM.key),
        write_registration(origin=ORIGIN, bidder=other, alg="EdDSA", key=IDENTITIES[8].key),
    ]
    withdrawal = write_withdrawal(tender=TENDER, bidder=other, bid="f" * 32, lasts={"form": (1, gone.manifest.hash)})
    signers = {first: FIRM, second: ES, gone: IDENTITIES[8]}
    acts: dict[str, SignedAct] = {}
    events = []
    for minute, (made, signer) in enumerate(signers.items()):
        sig = sign_manifest(made.manifest.data, signer)
        acts[made.manifest.hash] = SignedAct(made.manifest, signer.key)
        events.append(record("deposited", made.manifest, sig, minute))
    ended = Withdrawal.parse(withdrawal)
    acts[ended.hash] = SignedAct(ended, IDENTITIES[8].key)
    by = {"kind": "bidder", "id": other}
    common: Json = {"subject": TENDER, "tender": TENDER, "time": stamp(NOON + timedelta(minutes=9))}
    sig = [IDENTITIES[8].sign(WITHDRAWAL + withdrawal)]
    events.append(
        canon(
            {"type": "trading.withdrawn/v1", "actor": by, "bid": "f" * 32, "withdrawal": ended.hash, **common}
            | {"sig_hash": sig_hash(sig)}
        )
    )
    events.append(
        canon(
            {"type": "trading.refused/v1", "actor": by, "stage": "form", "bidder": other, "code": "E-SEQ", **common}
            | {"manifest": gone.manifest.hash}
        )
    )
    for data in registrations:
        value = parse(data)
        events.append(
            canon(
                {
                    "type": "trading.bidder-key-registered/v1",
                    "subject": value["bidder"],
                    "actor": {"kind": "bidder", "id": value["bidder"]},
                    "time": stamp(NOON - timedelta(hours=1)),
                    "bidder": value["bidder"],
                    "key": value["key"],
                    "registration": b64(data),
                    "sig_hash": "00" * 32,
                }
            )
        )
    keyring = Keyring(Registration.parse(data) for data in registrations)
    counted = tally(["form"], events, acts, keyring, tender=TENDER, min_bids=1)
    form = counted.stages["form"]
    return {
        "manifests": [made.manifest.data.decode() for made in signers],
        "signers": [b64(signer.key) for signer in signers.values()],
        "registrations": [data.decode() for data in registrations],
        "withdrawal": {"bytes": withdrawal.decode(), "signer": b64(IDENTITIES[8].key)},
        "events": [event.decode() for event in events],
        "min_bids": 1,
        "expect": {
            "count": form.count,
            "list_root": form.list_root,
            "events": form.events,
            "events_root": form.events_root,
            "opens": counted.opens,
            "listed": [one.manifest.hash for one in form.listed],
            "superseded": sorted(counted.superseded),
            "vouched": {bid: not doubtful for bid, doubtful in counted.unvouched.items()},
        },
    }


def sizes() -> Any:
    """One file of zeros in the stage documents, its size around each border of chunk, padding and segment."""
    guard = keyset(stage="documents")
    where = context(guard)
    over = len(content(where, {"a": bytes(1 << 20)})) - (1 << 20)
    wanted = {0, 1}
    for border in (16_384, 65_536, 131_072, 1 << 20, 2 << 20):
        # a header of six or seven digits differs by a byte or two; both sides of the border are hit all the same
        wanted |= {border - over + around for around in range(-3, 4)}
    for size in sorted(wanted):
        plain = padded(content(where, {"a": bytes(size)}))
        root, length, head = measure(io.BytesIO(payload(where, plain, CK)))
        yield {"file": size, "plaintext": len(plain), "size": length, "root": root, "head": b64(head)}


def recipe(
    made: Envelope, plain: bytes, *, pad: str = "least", flip: int | None = None, under: Context | None = None
) -> Json:
    """How to build a payload: `plain`, then zeros (`least`: up to a multiple of 65,536; `more`: and a block more),
    encrypted under `ctx`, and the lowest bit of byte `flip` changed."""
    root, size, _ = measure(io.BytesIO(made.payload))
    stored: Json = {"ctx": (under or made.where).ctx.hex(), "flip": flip, "root": root, "size": size}
    return {"plain": b64(plain), "pad": pad, "salt": "00" * 24, "ck": made.ck.hex(), **stored}


def errors() -> Any:
    """Each code with the least that calls it up. `check` names the rule of envelope.md §5."""
    guard = keyset()
    good = envelope(guard)
    text, bid = good.manifest.data, good.manifest

    def error(code: str, check: str, **given: Any) -> Json:
        return {"code": code, "check": check, **given}

    yield error("E-LATE", "time", now=stamp(NOON + timedelta(microseconds=1)), deadline=stamp(NOON))
    yield error("", "time", now=stamp(NOON), deadline=stamp(NOON))
    value = parse(text)
    bent: list[bytes] = [
        text + b"\n",
        text.replace(b'"seq":1', b'"seq":1.0'),
        text.replace(b'"seq":1', b'"seq":1,"seq":1'),
        canon({**value, "more": 1}),
        canon({name: item for name, item in value.items() if name != "prev"}),
        canon({**value, "seq": True}),
        canon({**value, "bid": value["bid"].upper()}),
        canon({**value, "root": value["root"][:-1]}),
        canon({**value, "created": "2026-02-30T04:00:00.000000Z"}),
        canon({**value, "head": value["head"][:-2] + "B="}),
        canon({**value, "client": {"name": "e\u0301", "version": "1"}}),
    ]
    for data in bent:
        yield error("E-CANON", "canon", manifest=b64(data))
    yield error("", "canon", manifest=b64(text))
    wanted: Json = {"tender": TENDER, "bid": BID, "keysets": {"form": guard.id}}
    yield error("", "context", manifest=b64(text), **wanted)
    for change in ({"tender": "T@1"}, {"bid": "0" * 32}, {"keysets": {"form": "0" * 64}}, {"keysets": {}}):
        yield error("E-CONTEXT", "context", manifest=b64(text), **wanted | change)
    yield error("", "boxes", manifest=b64(text), n=3)
    yield error("E-BOXES", "boxes", manifest=b64(text), n=4)
    for box in (good.boxes[0][:-1], b"\x04" + bytes(112)):
        yield error("E-BOXES", "boxes", manifest=b64(good.but(boxes=(box, *good.boxes[1:])).manifest.data), n=3)
    stranger = IDENTITIES[7]
    ring = [
        write_registration(origin=ORIGIN, bidder=BIDDER, alg="EdDSA", key=FIRM.key),
        write_registration(origin=ORIGIN, bidder=BIDDER, alg="ES256", key=ES.key, by_key=FIRM.key),
        write_registration(origin=ORIGIN, bidder=BIDDER, alg="EdDSA", key=IDENTITIES[6].key),
    ]
    known = [data.decode() for data in ring]
    for code, signer, last in (
        ("", FIRM, None),
        ("", ES, b64(FIRM.key)),
        ("E-SIGNER", stranger, None),
        ("E-SIGNER", IDENTITIES[6], b64(FIRM.key)),
        ("E-SIGNER", FIRM, b64(ES.key)),
    ):
        yield error(code, "signer", bidder=BIDDER, sig=sign_manifest(text, signer), registrations=known, last=last)
    two = sign_manifest(text, FIRM) + sign_manifest(text, ES)
    yield error("E-SIGNER", "signer", bidder=BIDDER, sig=two, registrations=known, last=None)
    for signer in (FIRM, ES):
        yield error("", "signature", manifest=b64(text), sig=sign_manifest(text, signer))
    right = sign_manifest(text, FIRM)[0]
    # a key of small order verifies anything in some libraries
    small = {"alg": "EdDSA", "key": b64(bytes(32)), "sig": b64(bytes(64))}
    for sig in ([], [{**right, "alg": "SM2-SM3"}], [{**right, "alg": "none"}], [{**right, "more": 1}], [small]):
        yield error("E-SIG", "signature", manifest=b64(text), sig=sig)
    yield error("E-SIG", "signature", manifest=b64(text), sig=sign_manifest(text + b" ", FIRM))
    hashed = bid.hash
    for code, seq, prev, last in (
        ("", 1, None, None),
        ("", 2, hashed, {"seq": 1, "hash": hashed, "withdrawn": False}),
        ("E-SEQ", 2, None, None),
        ("E-SEQ", 1, hashed, None),
        ("E-SEQ", 3, hashed, {"seq": 1, "hash": hashed, "withdrawn": False}),
        ("E-SEQ", 2, "0" * 64, {"seq": 1, "hash": hashed, "withdrawn": False}),
        ("E-SEQ", 2, hashed, {"seq": 1, "hash": hashed, "withdrawn": True}),
    ):
        yield error(code, "sequence", seq=seq, prev=prev, last=last)
    for code, effective in (("", None), ("", BID), ("E-TWICE", "f" * 32)):
        yield error(code, "once", manifest=b64(text), effective=effective)
    for code, seen in (("", []), ("E-DUPHEAD", [b64(bid.head)]), ("E-DUPHEAD", [b64(bid.boxes[2])])):
        yield error(code, "unseen", manifest=b64(text), seen=seen)
    stored: Json = {"head": b64(bid.head), "size": bid.size, "root": bid.root}
    yield error("", "payload", manifest=b64(text), **stored)
    for wrong in ({"head": b64(bytes(56))}, {"size": 72}, {"root": "0" * 64}):
        yield error("E-PAYLOAD", "payload", manifest=b64(text), **stored | wrong)
    both = ["documents", "form"]
    for code, given, first in (
        ("", both, True),
        ("", ["form"], False),
        ("E-STAGES", ["form"], True),
        ("E-STAGES", [], False),
        ("E-STAGES", ["form", "technical"], False),
    ):
        yield error(code, "stages", given=given, announced=both, first=first)
    for change in ({"k": 1}, {"k": 4}, {"n": 4}, {"suite": "SM2"}, {"more": 1}, {"opens_at": "soon"}):
        yield error("E-KEYSET", "keyset", keyset=b64(canon({**parse(guard.data), **change})))
    seats = parse(guard.data)["custodians"]
    twice = [seats[0], {**seats[0], "i": 2}, seats[2]]
    yield error("E-KEYSET", "keyset", keyset=b64(canon({**parse(guard.data), "custodians": twice})))
    yield error("", "keyset", keyset=b64(guard.data))


def verdicts() -> Any:
    """Each row of §7's table, with findings; `released` is {i: y or null}."""
    form, documents = keyset(), keyset(stage="documents")
    honest = envelope(form)
    where = honest.where
    plain = content(where)

    def verdict(name: str, made: Envelope, released: Mapping[int, bytes | None], what: Json | None, **how: Any) -> Json:
        stored: bytes | None = how.pop("stored", made.payload)
        found = unseal(made.manifest, stored, released, made.guard, schema=SCHEMA, **how)
        return {
            "name": name,
            "manifest": made.manifest.data.decode(),
            "payload": what,
            "released": {str(i): None if y is None else b64(y) for i, y in released.items()},
            "window_ended": how.get("window_ended", False),
            "expect": found.json(unvouched=False),
        }

    usual = recipe(honest, plain)
    for chosen in ((1, 2), (1, 3), (2, 3), (1, 2, 3)):
        yield verdict("opens", honest, honest.released(*chosen), usual)
    files = {"方案.txt": "技术方案".encode(), "empty.txt": b""}
    many = envelope(documents, files=files)
    yield verdict("documents, one file empty", many, many.released(1, 3), recipe(many, content(many.where, files)))
    nothing = envelope(documents)
    yield verdict("documents without a file", nothing, nothing.released(2, 3), recipe(nothing, content(nothing.where)))
    yield verdict("one release too few", honest, honest.released(2), usual)
    yield verdict("quorum lost", honest, honest.released(2), usual, window_ended=True)
    yield verdict("bytes gone, window open", honest, honest.released(), None, stored=None)
    yield verdict("bytes gone", honest, honest.released(), None, stored=None, window_ended=True)
    damaged = honest.payload[:1000] + bytes([honest.payload[1000] ^ 1]) + honest.payload[1001:]
    under_root = recipe(honest.but(payload=damaged), plain, flip=1000)
    yield verdict("stored bytes changed", honest, honest.released(), under_root, stored=damaged, window_ended=True)
    over = honest.but(payload=damaged)
    yield verdict("a wrong chunk under the signed root", over, over.released(), under_root)
    head = honest.but(head=bytes([honest.payload[0] ^ 1]) + honest.payload[1:56])
    yield verdict("another head than the payload's", head, {}, usual)
    long = honest.but(size=len(honest.payload) + 65_600)
    yield verdict("another length than the payload's", long, long.released(), usual)
    yield verdict("no subset fits", honest, {1: b"\1" * 32, 2: b"\2" * 32, 3: b"\3" * 32}, usual)
    copied = honest.but(where=context(form, bidder="91440000MA00000002", bid="f" * 32))
    yield verdict("a copied envelope", copied, copied.released(), usual)
    bent = envelope(form, others=(3,))
    yield verdict("a box without its share", bent, bent.released(1, 2), usual)
    yield verdict("a box without its share, all in", bent, bent.released(), usual)
    both = bent.but(payload=damaged)
    yield verdict("a wrong chunk and a wrong box", both, both.released(1, 2), under_root)
    yield verdict("a false share", honest, {**honest.released(), 2: b"\0" * 32}, usual)
    yield verdict("a share held back", honest, {**honest.released(), 1: None}, usual)
    wrong: dict[str, bytes] = {
        "another envelope's ctx": content(context(form, seq=2)),
        "a price below the minimum": content(where, opening={**OPENING, "price": 0}),
        "a key too many": content(where, opening={**OPENING, "discount": 5}),
        "a key missing": content(where, opening={"price": 1}),
        "no such day": content(where, opening={**OPENING, "start": "2026-02-30"}),
        "a text of five code points": content(where, opening={**OPENING, "remark": "一二三四五"}),
        "a file in the form": content(where, {"a.txt": b"a"}, OPENING),
        "more after the files": plain + b"\1",
    }
    for name, data in wrong.items():
        made = envelope(form, plaintext=padded(data))
        yield verdict(name, made, made.released(1, 2), recipe(made, data))
    thick = envelope(form, plaintext=padded(plain) + bytes(65_536))
    yield verdict("a block of padding too many", thick, thick.released(), recipe(thick, plain, pad="more"))
    lying = content(documents_where := context(documents), {"a.txt": b"honest"})[:-1] + b"?"
    liar = envelope(documents, plaintext=padded(lying))
    assert liar.where == documents_where
    yield verdict("a file that its hash does not fit", liar, liar.released(1, 2), recipe(liar, lying))
    for name in ("../up", "a\\b", "", "."):
        escape = content(documents_where, {name: b"x"})
        made = envelope(documents, plaintext=padded(escape))
        yield verdict(f"the file name {name!r}", made, made.released(1, 2), recipe(made, escape))


def text() -> str:
    """The file's text."""
    return json.dumps(build(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
