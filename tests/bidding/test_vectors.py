"""`vectors/envelope.json` read as another implementation would read it; and it is what its generator writes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64, canon, instant, sha256_hex, unb64
from audit.merkle import leaf_hash
from audit.record import entry_of
from audit.refusal import Refused
from audit.trust import verify_signatures
from bidding import arrival, hpke, keys, shares
from bidding.arrival import Last
from bidding.container import padding
from bidding.custody import RELEASE, Release
from bidding.hpke import expand
from bidding.keys import Keyset, Statement
from bidding.manifest import PREFIX, Manifest
from bidding.payload import measure, meets
from bidding.registrations import REGISTRATION, WITHDRAWAL, Keyring, Registration, Withdrawal
from bidding.stream import SaltedEncryptor
from bidding.tally import SignedAct, tally
from bidding.unseal import box_info, make_boxes, unseal
from tests.vectors import make_envelope

FILE = Path(__file__).parent.parent / "vectors" / "envelope.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
OBJECTS = VECTORS["objects"]
PRIVATE = [hpke.derive_key_pair(bytes.fromhex(ikm)) for ikm in VECTORS["people"]["box_key_ikm"]]


def test_the_file_is_what_the_generator_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == make_envelope.text()


def test_the_specifications_own_numbers() -> None:
    ck, ctx = bytes.fromhex(VECTORS["ck"]), bytes.fromhex(VECTORS["ctx"])
    context = VECTORS["context"].encode()
    assert canon(json.loads(context)) == context
    assert sha256_hex(b"trading/envelope/v1\n" + context) == VECTORS["ctx"]
    encryptor, out = SaltedEncryptor(ck, ctx, bytes.fromhex(VECTORS["salt"])), memoryview(bytearray(1000))
    written = encryptor.update_into(memoryview(b"hello"), out)
    payload = bytes(out[:written]) + encryptor.finalize()
    assert payload.hex() == VECTORS["payload"]
    head = payload[:56]
    assert meets(ck, head, ctx)
    parts = shares.split(ck, ctx, 3, 5)
    assert [part.hex() for part in parts] == VECTORS["shares_3of5"]
    custodian = hpke.derive_key_pair(bytes.fromhex(VECTORS["custodian1_ikm"]))
    assert hpke.public_bytes(custodian).hex() == VECTORS["custodian1_pub"]
    ikm = expand(ck, b"trading/ephemeral/v1\0" + ctx + head + b"\1", 32)
    assert ikm.hex() == VECTORS["ephemeral_ikm_1"]
    info = box_info(ctx, 1, head)
    assert hpke.seal(hpke.public_bytes(custodian), ikm, info, parts[0]).hex() == VECTORS["box_1"]
    assert hpke.open(custodian, info, bytes.fromhex(VECTORS["box_1"])) == parts[0]


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("statement", keys.STATEMENT),
        ("manifest", PREFIX),
        ("manifest_es256", PREFIX),
        ("registration", REGISTRATION),
        ("registration_by_key", REGISTRATION),
        ("withdrawal", WITHDRAWAL),
        ("release", RELEASE),
    ],
)
def test_signed_objects(name: str, prefix: bytes) -> None:
    found = OBJECTS[name]
    data = found["bytes"].encode()
    assert (sha256_hex(data), sha256_hex(prefix + data)) == (found["sha256"], found["signed_bytes_sha256"])
    verify_signatures(found["sig"], prefix + data)
    reader = {
        "statement": Statement.parse,
        "manifest": Manifest.parse,
        "manifest_es256": Manifest.parse,
        "registration": Registration.parse,
        "registration_by_key": Registration.parse,
        "withdrawal": Withdrawal.parse,
        "release": Release.parse,
    }[name]
    reader(data)


def test_the_rehearsal() -> None:
    made, found = Statement.parse(OBJECTS["statement"]["bytes"].encode()), OBJECTS["rehearsal"]
    asked, r = bytes.fromhex(found["challenge"]), bytes.fromhex(found["r"])
    info = keys.rehearsal_info(made.data, asked)
    assert b64(hpke.seal(made.pub, bytes.fromhex(found["ikm"]), info, r)) == found["sealed"]
    assert hpke.open(PRIVATE[0], info, unb64(found["sealed"])) == r
    assert keys.rehearsal_proof(asked, r).hex() == found["proof"]
    message = keys.REHEARSED + bytes.fromhex(made.hash) + asked + bytes.fromhex(found["proof"])
    assert b64(verify_signatures(found["sig"], message)[0].key) == VECTORS["people"]["identity_keys"][0]


def test_the_envelope_is_a_function_of_key_and_context() -> None:
    found, manifest = OBJECTS["envelope"], Manifest.parse(OBJECTS["manifest"]["bytes"].encode())
    assert manifest.context.data.decode() == OBJECTS["context"]["bytes"]
    assert manifest.context.ctx.hex() == OBJECTS["context"]["ctx"]
    guard = Keyset.parse(OBJECTS["keyset"]["bytes"].encode())
    assert guard.id == OBJECTS["keyset"]["sha256"] == manifest.context.keyset
    parts, boxes = make_boxes(bytes.fromhex(found["ck"]), manifest.context.ctx, manifest.head, guard)
    assert [part.hex() for part in parts] == found["shares"]
    assert [b64(box) for box in boxes] == found["boxes"] == [b64(box) for box in manifest.boxes]
    assert measure(io.BytesIO(build(found["payload"]))) == (manifest.root, manifest.size, manifest.head)


def test_a_record_and_its_leaf() -> None:
    found = OBJECTS["record"]
    entry = entry_of(found["record"].encode(), unb64(found["nonce"]))
    assert (entry.hex(), leaf_hash(entry).hex()) == (found["entry"], found["leaf"])
    assert sha256_hex(entry_of(found["record"].encode(), None)) == found["clear_entry_sha256"]


def test_a_replacement_chain_and_its_closing() -> None:
    chain = VECTORS["chain"]
    acts = {}
    for text, key in zip(chain["manifests"], chain["signers"], strict=True):
        manifest = Manifest.parse(text.encode())
        acts[manifest.hash] = SignedAct(manifest, unb64(key))
    ended = Withdrawal.parse(chain["withdrawal"]["bytes"].encode())
    acts[ended.hash] = SignedAct(ended, unb64(chain["withdrawal"]["signer"]))
    keyring = Keyring(Registration.parse(text.encode()) for text in chain["registrations"])
    events = [text.encode() for text in chain["events"]]
    tender = ended.tender
    for order in (events, events[::-1]):
        found = tally(["form"], order, acts, keyring, tender=tender, min_bids=chain["min_bids"])
        form, expect = found.stages["form"], chain["expect"]
        numbers = ("count", "list_root", "events", "events_root")
        assert [getattr(form, name) for name in numbers] == [expect[name] for name in numbers]
        assert (found.opens, [one.manifest.hash for one in form.listed]) == (expect["opens"], expect["listed"])
        assert sorted(found.superseded) == expect["superseded"]
        assert {bid: not doubtful for bid, doubtful in found.unvouched.items()} == expect["vouched"]


@pytest.mark.parametrize("found", VECTORS["sizes"], ids=lambda found: str(found["file"]))
def test_sizes(found: dict[str, Any]) -> None:
    guard = Keyset.parse(VECTORS["documents_keyset"].encode())
    where = make_envelope.context(guard)
    plain = make_envelope.padded(make_envelope.content(where, {"a": bytes(found["file"])}))
    assert len(plain) == found["plaintext"]
    payload = make_envelope.payload(where, plain, make_envelope.CK)
    root, size, head = measure(io.BytesIO(payload))
    assert (root, size, b64(head)) == (found["root"], found["size"], found["head"])
    assert (size - 72) % 65_600 == 0


def check_error(found: dict[str, Any]) -> None:
    """Run the check an error vector names."""
    check = found["check"]
    if check == "time":
        return arrival.check_time(instant(found["now"]), instant(found["deadline"]))
    if check == "canon":
        arrival.check_canon(unb64(found["manifest"]))
        return None
    if check == "sequence":
        last = found["last"] and Last(found["last"]["seq"], found["last"]["hash"], b"", "", found["last"]["withdrawn"])
        return arrival.check_sequence(found["seq"], found["prev"], last)
    if check == "stages":
        return arrival.check_stages(found["given"], found["announced"], first=found["first"])
    if check == "keyset":
        Keyset.parse(unb64(found["keyset"]))
        return None
    if check == "signer":
        keyring = Keyring(Registration.parse(text.encode()) for text in found["registrations"])
        lasts = [] if found["last"] is None else [Last(1, "", unb64(found["last"]), found["bidder"])]
        arrival.check_signer(found["bidder"], found["sig"], keyring, lasts)
        return None
    manifest = Manifest.parse(unb64(found["manifest"]))
    if check == "context":
        return arrival.check_context(manifest, tender=found["tender"], bid=found["bid"], keysets=found["keysets"])
    if check == "boxes":
        return arrival.check_boxes(manifest, found["n"])
    if check == "signature":
        return arrival.check_signature(manifest, found["sig"])
    if check == "once":
        return arrival.check_once(manifest, found["effective"])
    if check == "unseen":
        return arrival.check_unseen(manifest, {unb64(item) for item in found["seen"]})
    assert check == "payload"
    return arrival.check_payload(manifest, head=unb64(found["head"]), size=found["size"], root=found["root"])


@pytest.mark.parametrize(
    "found", VECTORS["errors"], ids=lambda found: found["check"] + "-" + (found["code"] or "passes")
)
def test_errors(found: dict[str, Any]) -> None:
    if not found["code"]:
        return check_error(found)
    with pytest.raises(Refused) as no:
        check_error(found)
    assert no.value.code == found["code"]
    return None


def build(recipe: dict[str, Any]) -> bytes:
    """The payload a recipe describes."""
    ctx, plain = bytes.fromhex(recipe["ctx"]), unb64(recipe["plain"])
    plain += bytes(padding(len(plain)) + (65_536 if recipe["pad"] == "more" else 0))
    encryptor = SaltedEncryptor(bytes.fromhex(recipe["ck"]), ctx, bytes.fromhex(recipe["salt"]))
    out = memoryview(bytearray(2 * len(plain) + 1000))
    payload = bytearray(out[: encryptor.update_into(memoryview(plain), out)]) + encryptor.finalize()
    if recipe["flip"] is not None:
        payload[recipe["flip"]] ^= 1
    assert measure(io.BytesIO(payload))[:2] == (recipe["root"], recipe["size"])
    return bytes(payload)


@pytest.mark.parametrize("found", VECTORS["verdicts"], ids=lambda found: found["name"])
def test_verdicts(found: dict[str, Any]) -> None:
    manifest = Manifest.parse(found["manifest"].encode())
    keyset = VECTORS["keyset" if manifest.stage == "form" else "documents_keyset"]
    released = {int(i): None if y is None else unb64(y) for i, y in found["released"].items()}
    stored = None if found["payload"] is None else build(found["payload"])
    opened = unseal(
        manifest,
        stored,
        released,
        Keyset.parse(keyset.encode()),
        schema=VECTORS["schema"],
        window_ended=found["window_ended"],
    )
    assert opened.json(unvouched=False) == found["expect"]
