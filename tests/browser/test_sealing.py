"""Sealed in the browser's module, opened in Python, and the reverse; with the same coins, the same bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from audit.canon import b64
from audit.merkle import root
from audit.refusal import Refused
from audit.trust import verify_signatures
from bidding import hpke
from bidding.envelope import Source, seal_envelope
from bidding.keys import Keyset
from bidding.manifest import Context, Manifest
from bidding.payload import measure
from bidding.unseal import open_box, unseal
from tests.bidding.envelopes import NOON, OPENING, PRIVATE, SCHEMA, context, envelope, keyset
from tests.browser.node import Node
from trading import keyfiles
from trading.keyfiles import KeyFile

CREATED = "2026-03-02T04:00:00.000000Z"
MIB = 1 << 20


def plain(where: Context) -> dict[str, Any]:
    """A context as JSON."""
    return {name: getattr(where, name) for name in ("tender", "stage", "keyset", "bidder", "bid", "seq")}


def documents(folder: Path, sizes: dict[str, int]) -> list[dict[str, Any]]:
    folder.mkdir()
    for name, size in sizes.items():
        (folder / name).write_bytes(os.urandom(size))
    return [{"path": str(folder / name), "name": name, "media": "application/pdf"} for name in sizes]


def seal(node: Node, guard: Keyset, out: Path, where: Context | None = None, **how: Any) -> dict[str, Any]:
    said: dict[str, Any] = node.ask(
        "seal", context=plain(where or context(guard)), keyset=guard.data.decode(), out=str(out), created=CREATED, **how
    )
    return said


def check(said: dict[str, Any], payload: Path, guard: Keyset, **how: Any) -> Any:
    """Python opens it: OK, and what manifest and segments say is what lies there."""
    manifest = Manifest.parse(said["manifest"].encode(), nfc=True)
    assert manifest.hash == said["hash"] and said["inOrder"]
    assert measure(payload) == (manifest.root, manifest.size, manifest.head)
    assert root([bytes.fromhex(leaf) for leaf in said["leaves"]]).hex() == manifest.root == said["root"]
    released = {i: open_box(PRIVATE[i - 1], manifest, i) for i in (1, 3)}
    return unseal(manifest, payload, released, guard, schema=SCHEMA, **how)


def test_documents_sealed_in_the_browser_open_in_python(node: Node, tmp_path: Path) -> None:
    guard = keyset(stage="documents")
    files = documents(tmp_path / "in", {"商务标.pdf": 3 * MIB + 17, "empty.txt": 0, "one.bin": 1})
    said = seal(node, guard, tmp_path / "out", files=files)
    found = check(said, tmp_path / "out", guard, extract=tmp_path / "opened")
    assert found.verdict == "OK" and not found.findings
    for one in files:
        assert (tmp_path / "opened" / one["name"]).read_bytes() == Path(one["path"]).read_bytes()


def test_a_large_file_is_hashed_as_it_passes(node: Node, tmp_path: Path) -> None:
    """Above 16 MiB the file's hash is ours and not WebCrypto's, which cannot go on with one."""
    guard = keyset(stage="documents")
    files = documents(tmp_path / "in", {"a": 16 * MIB + 1})
    said = seal(node, guard, tmp_path / "out", files=files)
    found = check(said, tmp_path / "out", guard)
    assert found.files[0].sha256 == hashlib.sha256((tmp_path / "in" / "a").read_bytes()).hexdigest()


def test_a_form_sealed_in_the_browser_opens_in_python(node: Node, tmp_path: Path) -> None:
    guard = keyset()
    said = seal(node, guard, tmp_path / "out", opening=OPENING, schema=SCHEMA)
    assert check(said, tmp_path / "out", guard).opening == OPENING


def test_the_same_coins_give_the_same_bytes(node: Node, tmp_path: Path) -> None:
    guard = keyset(3, 5, stage="documents")
    files = documents(tmp_path / "in", {"a.pdf": 2 * MIB, "b.pdf": 12345})
    coins = [bytes([7]) * 32, bytes([9]) * 24]
    left = list(coins)
    ours = seal_envelope(
        context(guard), guard, tmp_path / "ours",
        files=[Source(Path(one["path"]), one["name"], one["media"]) for one in files],
        created=NOON, client=("trading", "1"), entropy=lambda count: left.pop(0),
    )  # fmt: skip
    ask = {"files": files, "client": {"name": "trading", "version": "1"}, "coins": [coin.hex() for coin in coins]}
    said = seal(node, guard, tmp_path / "theirs", **ask)
    assert said["manifest"].encode() == ours.manifest
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "ours").read_bytes()
    other = seal(node, guard, tmp_path / "other", **ask | {"coins": [coins[0].hex(), "08" * 24]})
    assert other["hash"] != said["hash"]


def test_sealed_in_python_opens_in_the_browser(node: Node, tmp_path: Path) -> None:
    guard = keyset(stage="documents")
    made = envelope(guard, files={"方案.txt": os.urandom(5 * MIB), "empty": b""})
    (tmp_path / "payload").write_bytes(made.payload)
    released = {str(i): y and b64(y) for i, y in made.released(1, 2).items()}
    ask = {"manifest": made.manifest.data.decode(), "keyset": guard.data.decode(), "schema": SCHEMA}
    said = node.ask("unseal", payload=str(tmp_path / "payload"), released=released, **ask)
    ours = unseal(made.manifest, made.payload, made.released(1, 2), guard, schema=SCHEMA)
    assert {**said, "unvouched": False} == ours.json(unvouched=False) and ours.verdict == "OK"
    bent = bytearray(made.payload)
    bent[3 * MIB] ^= 1
    (tmp_path / "payload").write_bytes(bent)
    assert node.ask("unseal", payload=str(tmp_path / "payload"), released=released, **ask)["verdict"] == "PENDING"


def test_two_sealings_share_nothing(node: Node, tmp_path: Path) -> None:
    guard = keyset(stage="documents")
    files = documents(tmp_path / "in", {"a": 1000})
    first, second = (seal(node, guard, tmp_path / name, files=files) for name in ("x", "y"))
    assert first["root"] != second["root"]
    assert not set(Manifest.parse(first["manifest"].encode()).boxes) & set(
        Manifest.parse(second["manifest"].encode()).boxes
    )


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("E-OPENING", {"opening": {"price": 0, "days": 80}}),
        ("E-OPENING", {"opening": {"price": 1}}),
        ("E-OPENING", {"opening": {**OPENING, "more": 1}}),
        ("E-OPENING", {"opening": {**OPENING, "start": "2026-02-30"}}),
        ("E-OPENING", {"opening": {**OPENING, "remark": "e\u0301"}}),
        ("E-OPENING", {"opening": {**OPENING, "price": True}}),
    ],
)
def test_a_form_that_would_be_void_is_refused_while_it_can_be_mended(
    node: Node, tmp_path: Path, code: str, how: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as no:
        seal(node, keyset(), tmp_path / "out", schema=SCHEMA, **how)
    assert no.value.code == code


@pytest.mark.parametrize("name", ["../up", "a\\b", "e\u0301.pdf", "标" * 86, "."])
def test_names_that_would_be_void(node: Node, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(Refused) as no:
        seal(node, keyset(stage="documents"), tmp_path / "out", files=[{"path": str(tmp_path / "x"), "name": name}])
    assert no.value.code == "E-FILES"


def test_a_key_set_of_another_stage(node: Node, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="E-CONTEXT"):
        seal(node, keyset(stage="documents"), tmp_path / "out", where=context(keyset()))


# --- HPKE, SHA-256, keys ---------------------------------------------------------------------------------------------


def test_hpke_between_the_two(node: Node) -> None:
    ikm, info, text = "11" * 32, "22" * 40, "33" * 32
    pub = hpke.public_bytes(PRIVATE[0]).hex()
    sealed = node.ask("hpkeSeal", pub=pub, ikm=ikm, info=info, plain=text)
    assert bytes.fromhex(sealed) == hpke.seal(
        bytes.fromhex(pub), bytes.fromhex(ikm), bytes.fromhex(info), bytes.fromhex(text)
    )
    assert node.ask("hpkeOpen", ikm="01" * 32, info=info, sealed=sealed) == text


@pytest.mark.parametrize("pieces", [[0], [3], [55], [56], [63, 1], [64], [65, 200], [1000, 24, 7], [4096, 1, 8191]])
def test_sha256_piece_by_piece(node: Node, pieces: list[int]) -> None:
    data = [os.urandom(size) for size in pieces]
    assert node.ask("sha256", pieces64=[b64(one) for one in data]) == hashlib.sha256(b"".join(data)).hexdigest()


@pytest.mark.parametrize("algorithm", ["Ed25519", "P256"])
def test_a_key_file_of_either_opens_in_the_other(node: Node, tmp_path: Path, algorithm: str) -> None:
    about = {"kind": "bidder", "id": "91440000MA00000001", "origin": "demo.trading.example"}
    ours = KeyFile("bidder", about["id"], about["origin"], keyfiles.generate("bidder", algorithm=algorithm))
    keyfiles.write(tmp_path / "ours.key", ours, "correct horse", iterations=1000)
    text = (tmp_path / "ours.key").read_text()
    said = node.ask("openKey", file=text, passphrase="correct horse", message="hello", kind="bidder")
    assert bytes.fromhex(said["pub"]) == ours.public == verify_signatures([said["sig"]], b"hello")[0].key
    made = node.ask("makeKey", about={**about, "algorithm": algorithm}, passphrase="另一个口令", iterations=1000)
    (tmp_path / "theirs.key").write_text(made["bytes"])
    read = keyfiles.read(tmp_path / "theirs.key", "另一个口令", kind="bidder", origin=about["origin"])
    assert (read.public.hex(), read.id, read.algorithm) == (made["pub"], about["id"], algorithm)
    assert node.ask("openKey", file=made["bytes"], passphrase="另一个口令")["pub"] == made["pub"]
    refusals = [
        ("K-PASSPHRASE", {"file": text, "passphrase": "wrong"}),
        ("K-PASSPHRASE", {"file": text.replace(about["id"], "91440000MA00000002"), "passphrase": "correct horse"}),
        ("K-ORIGIN", {"file": text, "passphrase": "correct horse", "origin": "trading.example"}),
        ("K-KIND", {"file": text, "passphrase": "correct horse", "kind": "custodian"}),
        ("K-FILE", {"file": text[:-1], "passphrase": "correct horse"}),
        ("K-FILE", {"file": text.replace(":1000,", ":20000001,"), "passphrase": "correct horse"}),
    ]
    for code, how in refusals:
        with pytest.raises(Refused) as no:
            node.ask("openKey", **how)
        assert no.value.code == code
    with pytest.raises(Refused, match="K-PASSPHRASE-EMPTY"):
        node.ask("makeKey", about=about, passphrase="", iterations=1000)


def test_a_custodians_key_file_opens_boxes(node: Node, tmp_path: Path) -> None:
    ours = KeyFile("custodian", "C-1", "demo.trading.example", PRIVATE[0])
    keyfiles.write(tmp_path / "c.key", ours, "correct horse", iterations=1000)
    said = node.ask("openKey", file=(tmp_path / "c.key").read_text(), passphrase="correct horse", kind="custodian")
    assert bytes.fromhex(said["pub"]) == hpke.public_bytes(PRIVATE[0])
