"""`vectors/envelope.json` read by the browser's modules, under Node and in Chromium: the same bytes, the same
verdicts, the same codes; and what the browser seals of them opens in Python."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64, parse, unb64
from audit.refusal import Refused
from audit.trust import verify_signatures
from bidding import keys
from bidding.custody import RELEASE
from bidding.keys import Keyset
from bidding.manifest import PREFIX, Manifest
from bidding.registrations import REGISTRATION, WITHDRAWAL
from bidding.unseal import open_box, unseal
from tests.bidding.test_vectors import OBJECTS, PRIVATE, VECTORS, build
from tests.browser.inchromium import InChromium
from tests.browser.node import Node
from tests.vectors import make_envelope

PREFIXES = {
    "statement": keys.STATEMENT,
    "manifest": PREFIX,
    "registration": REGISTRATION,
    "withdrawal": WITHDRAWAL,
    "release": RELEASE,
}
PEOPLE = VECTORS["people"]
Hands = Node | InChromium


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InChromium]:
    """The modules in Chromium, one page for this file."""
    with InChromium(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture(params=["node", pytest.param("page", marks=pytest.mark.slow)])
def hands(request: pytest.FixtureRequest) -> Hands:
    """Every vector twice: in Node, and in the browser that counts."""
    found: Hands = request.getfixturevalue(request.param)
    return found


def test_the_specifications_own_numbers(hands: Hands) -> None:
    v = VECTORS
    context = parse(v["context"].encode())
    assert hands.ask("ctx", context=context) == v["ctx"]
    assert hands.ask("payload", ck=v["ck"], salt=v["salt"], ctx=v["ctx"], text="hello") == v["payload"]
    assert hands.ask("shares", ck=v["ck"], ctx=v["ctx"], k=3, n=5) == v["shares_3of5"]
    for chosen in ((1, 2, 3), (1, 3, 5), (5, 4, 2)):
        assert hands.ask("combine", shares={str(i): v["shares_3of5"][i - 1] for i in chosen}) == v["ck"]
    assert hands.ask("combine", shares={str(i): v["shares_3of5"][i - 1] for i in (1, 2)}) != v["ck"]
    head = v["payload"][:112]
    assert hands.ask("pair", ikm=v["custodian1_ikm"]) == v["custodian1_pub"]
    assert hands.ask("ephemeral", ck=v["ck"], ctx=v["ctx"], head=head, i=1) == v["ephemeral_ikm_1"]
    box = {"pub": v["custodian1_pub"], "ikm": v["ephemeral_ikm_1"], "ctx": v["ctx"], "i": 1, "head": head}
    assert hands.ask("box", share=v["shares_3of5"][0], **box) == v["box_1"]
    opened = {"ikm": v["custodian1_ikm"], "ctx": v["ctx"], "head": head, "box": v["box_1"]}
    assert hands.ask("unbox", i=1, **opened) == v["shares_3of5"][0]
    with pytest.raises(AssertionError, match="OperationError"):
        hands.ask("unbox", i=2, **opened)  # another custodian's info


@pytest.mark.parametrize(
    "name",
    ["statement", "manifest", "manifest_es256", "registration", "registration_by_key", "withdrawal", "release"],
)
def test_signed_objects(hands: Hands, name: str) -> None:
    found, kind = OBJECTS[name], name.partition("_")[0]
    said = hands.ask("signed", kind=kind, bytes=found["bytes"], sig=found["sig"])
    assert (said["sha256"], said["signed"]) == (found["sha256"], found["signed_bytes_sha256"])
    assert [bytes.fromhex(key) for key in said["keys"]] == [unb64(one["key"]) for one in found["sig"]]
    bent = [{**found["sig"][0], "sig": b64(unb64(found["sig"][0]["sig"])[::-1])}, *found["sig"][1:]]
    with pytest.raises(Refused, match="E-SIG"):
        hands.ask("signed", kind=kind, bytes=found["bytes"], sig=bent)


def test_what_is_signed_here_verifies_there(hands: Hands) -> None:
    text, seed = OBJECTS["manifest"]["bytes"], PEOPLE["bidder_seed"]
    sig = hands.ask("sign", kind="manifest", bytes=text, seed=seed)
    assert sig == OBJECTS["manifest"]["sig"]  # EdDSA has no coins
    verify_signatures(sig, PREFIX + text.encode())


def test_registrations_and_withdrawals_are_the_same_bytes(hands: Hands) -> None:
    made = parse(OBJECTS["registration"]["bytes"].encode())
    about = {"origin": made["origin"], "bidder": made["bidder"], "seed": PEOPLE["bidder_seed"]}
    said = hands.ask("register", by=made["by"], **about)
    assert said["bytes"] == OBJECTS["registration"]["bytes"]
    assert said["sig"][0] == OBJECTS["registration"]["sig"][0]
    again = hands.ask(
        "register", **{**about, "seed": "61" * 32}, earlier=PEOPLE["bidder_seed"], by={"key": made["key"]}
    )
    signers = verify_signatures(again["sig"], REGISTRATION + again["bytes"].encode())
    assert b64(signers[1].key) == made["key"] == parse(again["bytes"].encode())["by"]["key"]
    ended = parse(OBJECTS["withdrawal"]["bytes"].encode())
    lasts = {stage: {"seq": one["seq"] - 1, "hash": one["prev"]} for stage, one in ended["stages"].items()}
    about = {name: ended[name] for name in ("tender", "bidder", "bid")}
    said = hands.ask("withdraw", lasts=lasts, seed=PEOPLE["bidder_seed"], **about)
    assert (said["bytes"], said["sig"]) == (OBJECTS["withdrawal"]["bytes"], OBJECTS["withdrawal"]["sig"])


def test_the_rehearsal(hands: Hands) -> None:
    statement, found = OBJECTS["statement"]["bytes"], OBJECTS["rehearsal"]
    asked = {"statement": statement, "seed": PEOPLE["identity_seeds"][0], "challenge": found["challenge"]}
    said = hands.ask("rehearse", ikm=PEOPLE["box_key_ikm"][0], sealed64=found["sealed"], **asked)
    assert (said["proof"], said["sig"]) == (found["proof"], found["sig"])
    with pytest.raises(Refused, match="not the key of this statement"):
        hands.ask("rehearse", ikm=PEOPLE["box_key_ikm"][1], sealed64=found["sealed"], **asked)
    with pytest.raises(Refused, match="does not open"):
        hands.ask(
            "rehearse", ikm=PEOPLE["box_key_ikm"][0], sealed64=found["sealed"], **asked | {"challenge": "00" * 32}
        )


def test_the_envelope_is_a_function_of_key_and_context(hands: Hands) -> None:
    found = OBJECTS["envelope"]
    given = {"manifest": OBJECTS["manifest"]["bytes"], "keyset": OBJECTS["keyset"]["bytes"]}
    said = hands.ask("envelope", ck=found["ck"], **given)
    assert (said["ctx"], said["keyset"]) == (OBJECTS["context"]["ctx"], OBJECTS["keyset"]["sha256"])
    assert (said["shares"], said["boxes"]) == (found["shares"], found["boxes"])
    for i, ikm in enumerate(PEOPLE["box_key_ikm"], 1):
        ask = {"manifest": given["manifest"], "ikm": ikm}
        assert hands.ask("openBox", i=i, **ask) == found["shares"][i - 1]
        assert hands.ask("openBox", i=i % 3 + 1, **ask) is None  # a neighbour's box
    recipe = found["payload"]
    measured = hands.ask("measure", recipe=recipe)
    manifest = parse(OBJECTS["manifest"]["bytes"].encode())
    assert measured == {name: manifest[name] for name in ("root", "size", "head")}


def test_a_record_and_its_leaf(hands: Hands) -> None:
    found = OBJECTS["record"]
    assert hands.ask("leaf", record=found["record"], nonce=found["nonce"]) == {k: found[k] for k in ("entry", "leaf")}


@pytest.mark.parametrize("back", [False, True])
def test_a_replacement_chain_and_its_closing(hands: Hands, back: bool) -> None:
    chain = {**VECTORS["chain"]}
    if back:
        chain["events"] = chain["events"][::-1]
    expect = {**chain["expect"]}
    vouched = expect.pop("vouched")
    said = hands.ask("chain", chain=chain)
    assert {bid: not doubtful for bid, doubtful in said.pop("unvouched").items()} == vouched
    assert said == expect


@pytest.mark.slow
@pytest.mark.parametrize("found", VECTORS["sizes"], ids=lambda found: str(found["file"]))
def test_sizes(hands: Hands, found: dict[str, Any]) -> None:
    where = make_envelope.context(Keyset.parse(VECTORS["documents_keyset"].encode()))
    recipe = {
        "plain": b64(make_envelope.content(where, {"a": bytes(found["file"])})),
        "pad": "least",
        "ck": make_envelope.CK.hex(),
        "salt": "00" * 24,
        "ctx": where.ctx.hex(),
        "flip": None,
    }
    assert hands.ask("measure", recipe=recipe) == {name: found[name] for name in ("root", "size", "head")}


@pytest.mark.parametrize(
    "found", VECTORS["errors"], ids=lambda found: found["check"] + "-" + (found["code"] or "passes")
)
def test_errors(hands: Hands, found: dict[str, Any]) -> None:
    if not found["code"]:
        return hands.ask("check", **found)
    with pytest.raises(Refused) as no:
        hands.ask("check", **found)
    assert no.value.code == found["code"]
    return None


@pytest.mark.parametrize("found", VECTORS["verdicts"], ids=lambda found: found["name"])
def test_verdicts(hands: Hands, found: dict[str, Any]) -> None:
    stage = parse(found["manifest"].encode())["stage"]
    keyset = VECTORS["keyset" if stage == "form" else "documents_keyset"]
    said = hands.ask("verdict", found=found, keyset=keyset, schema=VECTORS["schema"])
    assert {**said, "unvouched": False} == found["expect"]


def test_the_vectors_have_teeth(hands: Hands) -> None:
    """A verdict that expects otherwise is seen: one wrong byte of a share, one of a payload, one of a box."""
    found = next(one for one in VECTORS["verdicts"] if one["name"] == "opens")
    ask = {"keyset": VECTORS["keyset"], "schema": VECTORS["schema"]}
    flipped = json.loads(json.dumps(found))
    flipped["payload"]["flip"] = 70
    assert hands.ask("verdict", found=flipped, **ask)["verdict"] == "PENDING"
    manifest = parse(found["manifest"].encode())
    other = b64(unb64(manifest["boxes"][0])[:-1] + b"\0")
    boxed = {**found, "manifest": found["manifest"].replace(manifest["boxes"][0], other)}
    assert hands.ask("verdict", found=boxed, **ask)["verdict"] == "X-BOX"
    share = {i: b64(bytes(32)) for i in found["released"]}
    assert hands.ask("verdict", found={**found, "released": share}, **ask)["verdict"] == "PENDING"


GIVEN = [found for found in VECTORS["verdicts"] if found["expect"]["verdict"] == "OK"]


@pytest.mark.parametrize("found", GIVEN, ids=lambda found: found["name"])
def test_what_a_vector_holds_sealed_anew_here_opens_there(hands: Hands, found: dict[str, Any], tmp_path: Path) -> None:
    """The reverse of `test_verdicts`: what Python reads out of a vector, the browser seals, and Python reads the same."""
    manifest = Manifest.parse(found["manifest"].encode())
    guard = Keyset.parse(VECTORS["keyset" if manifest.stage == "form" else "documents_keyset"].encode())
    released = {int(i): None if y is None else unb64(y) for i, y in found["released"].items()}
    (tmp_path / "vector").write_bytes(build(found["payload"]))
    read = unseal(
        manifest, tmp_path / "vector", released, guard, schema=VECTORS["schema"], extract=tmp_path / "held",
        window_ended=found["window_ended"],
    )  # fmt: skip
    assert read.json(unvouched=False) == found["expect"]
    files = [
        {"name": one.name, "media": one.media, "data64": b64((tmp_path / "held" / one.name).read_bytes())}
        for one in read.files
    ]
    again = sealed_by(hands, guard, tmp_path, files, read.opening if manifest.stage == "form" else None)
    assert again.opening == read.opening and list(again.files) == list(read.files)


@pytest.mark.parametrize("size", [found["file"] for found in VECTORS["sizes"]])
def test_a_file_of_every_size_opens_there(hands: Hands, size: int, tmp_path: Path) -> None:
    guard = Keyset.parse(VECTORS["documents_keyset"].encode())
    again = sealed_by(hands, guard, tmp_path, [{"name": "a", "media": "application/pdf", "zeros": size}])
    assert (tmp_path / "again" / "a").read_bytes() == bytes(size) and len(again.files) == 1


def sealed_by(hands: Hands, guard: Keyset, tmp_path: Path, files: list[Any], opening: Any = None) -> Any:
    """Sealed by the modules, opened by Python with the first and the last custodian."""
    where = make_envelope.context(guard)
    names = ("tender", "stage", "keyset", "bidder", "bid", "seq")
    said = hands.ask(
        "sealGiven", out=str(tmp_path / "payload"), context={name: getattr(where, name) for name in names},
        keyset=guard.data.decode(), files=files, opening=opening or {}, schema=VECTORS["schema"],
        created="2026-03-02T04:00:00.000000Z",
    )  # fmt: skip
    manifest = Manifest.parse(said["manifest"].encode(), nfc=True)
    released = {i: open_box(PRIVATE[i - 1], manifest, i) for i in (1, 3)}
    how = {"schema": VECTORS["schema"], "extract": tmp_path / "again"}
    opened = unseal(manifest, tmp_path / "payload", released, guard, **how)
    assert opened.verdict == "OK", opened.why
    return opened
