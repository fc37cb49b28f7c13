"""The seal behind a paper: whose it is, and that not one byte was changed after it. The authority is made here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from audit.refusal import Broken, Refused
from tests.paper.values import PAPERS
from trading.paper import seals

pytestmark = pytest.mark.slow

SECRET = b"seal"


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test, and what it issues."""

    key: ec.EllipticCurvePrivateKey
    cert: x509.Certificate

    @classmethod
    def made(cls, called: str) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, cls._signed(key, name(called), key.public_key(), name(called), ca=True))

    @staticmethod
    def _signed(
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        public: ec.EllipticCurvePublicKey,
        of: x509.Name,
        *,
        ca: bool,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        usage = dict.fromkeys(
            ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
        )
        made = (
            x509.CertificateBuilder()
            .subject_name(of).issuer_name(issuer).public_key(public).serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=not ca, content_commitment=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )  # fmt: skip
        return made.sign(key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.cert.public_bytes(Encoding.PEM)

    def pkcs12(self, called: str) -> bytes:
        """Certificate and key of an organisation, as its authority hands them over."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._signed(self.key, self.cert.subject, key.public_key(), name(called), ca=False)
        return pkcs12.serialize_key_and_certificates(b"seal", key, cert, [self.cert], BestAvailableEncryption(SECRET))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.made("示范电子认证服务机构")


@pytest.fixture(scope="module")
def sealed(authority: Authority) -> bytes:
    signer = seals.pkcs12(authority.pkcs12("安平县教育局"), SECRET)
    return seals.seal(PAPERS["award"](), signer, reason="中标通知书")


def test_a_sealed_paper_says_whose_seal_it_carries(authority: Authority, sealed: bytes) -> None:
    (found,) = seals.check(sealed, [authority.pem])
    assert "安平县教育局" in found.name and found.at is not None


def test_the_paper_stands_unchanged_before_its_seal(sealed: bytes) -> None:
    assert sealed.startswith(PAPERS["award"]())


def test_one_changed_byte_breaks_it(authority: Authority, sealed: bytes) -> None:
    """Anywhere: in the paper, in what was added with the seal, in the seal itself."""
    size = len(PAPERS["award"]())
    seal = sealed.index(b"/Contents <") + 200
    for at in (9, size // 3, size // 2, size - 40, size + 40, seal, len(sealed) - 12):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises((Broken, Refused)) as no:
            seals.check(bytes(changed), [authority.pem])
        assert no.value.code in ("PAPER-SEAL-BROKEN", "PAPER-UNSEALED"), at


def test_what_is_added_behind_the_seal_is_not_covered_by_it(authority: Authority, sealed: bytes) -> None:
    from io import BytesIO

    from pyhanko.pdf_utils.generic import pdf_name, pdf_string
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(BytesIO(sealed))
    writer.root[pdf_name("/Another")] = pdf_string("price")
    writer.update_root()
    out = BytesIO()
    writer.write(out)
    assert out.getvalue().startswith(sealed)
    with pytest.raises(Broken, match="PAPER-SEAL-BROKEN"):
        seals.check(out.getvalue(), [authority.pem])
    with pytest.raises(Broken, match="PAPER-SEAL-BROKEN"):
        seals.check(sealed + b"\n%% a word more\n", [authority.pem])


def test_a_seal_of_an_authority_nobody_trusts_does_not_hold(sealed: bytes) -> None:
    with pytest.raises(Broken, match="PAPER-SEAL-BROKEN"):
        seals.check(sealed, [Authority.made("示范电子认证服务机构").pem])


def test_a_certificate_that_has_run_out_does_not_hold(authority: Authority, sealed: bytes) -> None:
    with pytest.raises(Broken, match="PAPER-SEAL-BROKEN"):
        seals.check(sealed, [authority.pem], now=datetime.now(UTC) + timedelta(hours=3))


def test_both_parties_seal_a_contract(authority: Authority, sealed: bytes) -> None:
    twice = seals.seal(sealed, seals.pkcs12(authority.pkcs12("石家庄张氏建筑工程有限公司"), SECRET))
    first, second = seals.check(twice, [authority.pem])
    assert "安平县教育局" in first.name and "张氏" in second.name
    changed = bytearray(twice)
    changed[len(PAPERS["award"]()) // 2] ^= 1
    with pytest.raises((Broken, Refused)):
        seals.check(bytes(changed), [authority.pem])


def test_a_paper_without_a_seal_is_told_apart(authority: Authority) -> None:
    with pytest.raises(Refused, match="PAPER-UNSEALED"):
        seals.check(PAPERS["award"](), [authority.pem])


def test_a_wrong_passphrase_and_a_file_that_is_no_paper_are_refused(authority: Authority) -> None:
    held = authority.pkcs12("安平县教育局")
    with pytest.raises(Refused, match="PAPER-SEAL"):
        seals.pkcs12(held, b"another")
    with pytest.raises(Refused, match="PAPER-SEAL"):
        seals.seal(b"no paper at all", seals.pkcs12(held, SECRET))


def test_pem_files_seal_as_well(authority: Authority, tmp_path: Path) -> None:
    key, cert, _ = pkcs12.load_key_and_certificates(authority.pkcs12("安平县教育局"), SECRET)
    assert key is not None and cert is not None
    (tmp_path / "cert.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signer = seals.pem(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"), [], None)
    assert seals.check(seals.seal(PAPERS["receipt"](), signer), [authority.pem])
