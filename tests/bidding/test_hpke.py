"""HPKE against RFC 9180's own numbers and against the library, in both directions."""

import pytest
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bidding import hpke

SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@pytest.mark.parametrize(
    ("ikm", "secret", "public"),
    [
        # RFC 9180 A.3.1: DHKEM(P-256, HKDF-SHA256), the ephemeral and the recipient's key
        (
            "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e",
            "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
            "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9"
            "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
        ),
        (
            "668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550",
            "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
            "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82"
            "6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
        ),
    ],
)
def test_keys_are_derived_as_the_rfc_says(ikm: str, secret: str, public: str) -> None:
    key = hpke.derive_key_pair(bytes.fromhex(ikm))
    assert key.private_numbers().private_value.to_bytes(32, "big").hex() == secret
    assert hpke.public_bytes(key).hex() == public


def test_the_library_opens_what_we_seal_and_we_open_what_it_seals() -> None:
    key = hpke.derive_key_pair(b"r" * 32)
    for info in (b"", b"trading/box/v1\0" + bytes(97)):
        sealed = hpke.seal(hpke.public_bytes(key), b"e" * 32, info, b"share")
        assert SUITE.decrypt(sealed, key, info=info) == b"share"
        assert hpke.open(key, info, SUITE.encrypt(b"share", key.public_key(), info=info)) == b"share"


def test_a_box_is_a_function_of_its_coins() -> None:
    pub = hpke.public_bytes(hpke.derive_key_pair(b"r" * 32))
    assert hpke.seal(pub, b"e" * 32, b"i", b"x") == hpke.seal(pub, b"e" * 32, b"i", b"x")
    assert hpke.seal(pub, b"f" * 32, b"i", b"x") != hpke.seal(pub, b"e" * 32, b"i", b"x")


def test_asvs_11_2_5_nothing_opens_under_another_key_another_info_or_after_damage() -> None:
    key, other = hpke.derive_key_pair(b"r" * 32), hpke.derive_key_pair(b"s" * 32)
    sealed = hpke.seal(hpke.public_bytes(key), b"e" * 32, b"i", b"share")
    flipped = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    attempts = [(other, b"i", sealed), (key, b"j", sealed), (key, b"i", sealed[:-1]), (key, b"i", b"")]
    for private, info, data in [*attempts, *((key, b"i", data) for data in flipped)]:
        with pytest.raises(hpke.Unopenable):
            hpke.open(private, info, data)


@pytest.mark.parametrize("data", [b"", bytes(65), b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, b"\x02" + bytes(32)])
def test_points_off_the_curve_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"point|EC key"):
        hpke.public_key(data)
