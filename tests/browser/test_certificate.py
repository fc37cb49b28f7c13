"""A certificate vouches for a key that a browser made: what JavaScript registers Python takes, byte for byte what
the command line would have registered. The other way round for whatever a certificate may not do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from audit.canon import b64, unb64
from audit.refusal import Refused
from audit.trust import Ed25519Signer, Parties
from bidding.registrations import check_registration
from tests.browser.certificates import DER, NOW, Authority, chain_file, key_file, token
from tests.browser.node import Node
from trading.accounts import demo_code
from trading.tools import registration

CODE, ORIGIN, SEED = demo_code(7), "demo.test/log", "5e" * 32
OURS = Authority()
PARTIES = Parties.parse(f"ca CA-1 {OURS.digest} 2020-01-01T00:00:00.000000Z -\n".encode())
NEW = Ed25519Signer(ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SEED)))


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node() as made:
        yield made


def ask(node: Node, chain: bytes, key: bytes | None = None, passphrase: str = "", **more: Any) -> dict[str, Any]:
    given = {"bidder": CODE, "origin": ORIGIN, "seed": SEED, "roots": [OURS.digest], "passphrase": passphrase, **more}
    time = int(NOW.timestamp() * 1_000_000)
    made = node.ask("certified", file64=b64(chain), key64=b64(key) if key else None, time=time, **given)
    return dict(made)


def taken(made: dict[str, Any]) -> Any:
    """What the server and every verifier say of it."""
    return check_registration(unb64(made["registration"]), made["sig"], origin=ORIGIN, parties=PARTIES, at=NOW)


@pytest.mark.parametrize("how", ["plain", "locked", "old", "der", "ed25519", "shuffled"])
def test_what_the_browser_registers_the_command_line_would_have(node: Node, tmp_path: Path, how: str) -> None:
    key, chain = OURS.firm(CODE, ed25519.Ed25519PrivateKey.generate() if how == "ed25519" else None)
    encoding = {"encoding": DER} if how == "der" else {}
    phrase = "正确的马" if how == "locked" else ""
    files = key_file(key, phrase, old=how == "old", **encoding)
    shown = random.sample(chain, 3) if how == "shuffled" else chain
    made = ask(node, chain_file(shown, **encoding), files, phrase)
    found = taken(made)
    assert found.rooted and found.key == NEW.key and found.bidder == CODE
    (tmp_path / "chain.pem").write_bytes(chain_file(chain))
    (tmp_path / "key.pem").write_bytes(key_file(key))
    same, _ = registration.by_certificate(ORIGIN, CODE, NEW, tmp_path / "chain.pem", tmp_path / "key.pem", lambda: "")
    assert same == unb64(made["registration"])


@pytest.mark.parametrize("spelling", ["der", "raw", "base64", "hex"])
def test_a_token_signs_elsewhere_and_its_signature_is_brought(node: Node, spelling: str) -> None:
    """The private key never comes here: bytes go to the token, a signature comes back as its tool writes it."""
    key, chain = OURS.firm(CODE)
    request = ask(node, chain_file(chain))
    made, _ = registration.request_of(registration.canon(request), ORIGIN)  # as an authority's request: the same file
    with pytest.raises(Refused, match="E-REGISTRATION"):
        taken(request)  # alone it registers nothing
    signed = token(key, unb64(node.ask("toSign", request=request)))
    r, s = decode_dss_signature(signed)
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    given = {"der": signed, "raw": raw, "base64": b64(signed).encode() + b"\n", "hex": raw.hex().upper().encode()}[
        spelling
    ]
    whole = node.ask("signedElsewhere", request=request, signature64=b64(given))
    assert taken(whole).hash == made.hash


def test_what_a_certificate_may_not_do(node: Node) -> None:
    key, chain = OURS.firm(CODE)
    other = Authority("外省CA")
    cases: list[tuple[str, bytes]] = [
        ("unreadable", b"not a certificate"),
        ("owner", chain_file(OURS.firm(demo_code(8))[1])),  # another firm's
        ("incomplete", chain_file(chain[:2])),
        ("incomplete", chain_file([chain[0], chain[2]])),
        ("algorithm", chain_file(OURS.firm(CODE, rsa.generate_private_key(65537, 2048))[1])),
        ("algorithm", chain_file(OURS.firm(CODE, ec.generate_private_key(ec.SECP384R1()))[1])),
        ("chain", chain_file(OURS.firm(CODE, since=NOW - timedelta(days=400))[1])),  # over
        ("chain", chain_file(OURS.firm(CODE, since=NOW + timedelta(days=1))[1])),  # not yet
        ("chain", chain_file([OURS.issue(chain[0].subject, key.public_key(), by=(OURS.middle.subject, key)), *chain[1:]])),
        ("root", chain_file(other.firm(CODE)[1])),
    ]  # fmt: skip
    for why, file in cases:
        with pytest.raises(Refused) as no:
            ask(node, file, key_file(key))
        assert (no.value.code, no.value.facts["why"]) == ("K-CERT", f"certificate: {why}")
    elsewhere = ask(node, chain_file(other.firm(CODE)[1]), roots=None)  # whoever gets past the browser meets the server
    with pytest.raises(Refused):
        taken(elsewhere)
    for why, file, phrase in (
        ("passphrase", key_file(key, "richtig"), "falsch"), ("unreadable", b"nothing", ""),
        ("unreadable", key_file(ed25519.Ed25519PrivateKey.generate()), ""),
    ):  # fmt: skip
        with pytest.raises(Refused) as no:
            ask(node, chain_file(chain), file, phrase)
        assert (no.value.code, no.value.facts["why"]) == ("K-CERT-KEY", f"key: {why}")
    with pytest.raises(Refused, match="K-CERT-SIG"):  # a key that is another's
        ask(node, chain_file(chain), key_file(ec.generate_private_key(ec.SECP256R1())))


def test_a_signature_over_something_else_is_none(node: Node) -> None:
    key, chain = OURS.firm(CODE)
    request = ask(node, chain_file(chain))
    message = unb64(node.ask("toSign", request=request))
    stranger = ec.generate_private_key(ec.SECP256R1())
    wrong_hash = key.sign(message, ec.ECDSA(hashes.SHA384()))
    for given in (b"", b"x" * 64, token(key, message + b"\n"), token(stranger, message), wrong_hash):
        with pytest.raises(Refused, match="K-CERT-SIG"):
            node.ask("signedElsewhere", request=request, signature64=b64(given))
    by_authority, sig = registration.by_authority(ORIGIN, CODE, NEW, "A-SUP", Ed25519Signer.generate())
    for broken in ({"registration": b64(by_authority), "sig": sig}, {**request, "registration": b64(b"{}")}):
        with pytest.raises(Refused, match="E-REGISTRATION"):
            node.ask("toSign", request=broken)
    with pytest.raises(Refused, match="E-SIG"):  # the new key's own signature was exchanged
        node.ask("signedElsewhere", request={**request, "sig": sig[:1]}, signature64=b64(token(key, message)))
    assert taken(
        node.ask("signedElsewhere", request=request, signature64=b64(token(key, message)))
    ).rooted  # the control
