"""An organisation's seal on a finished paper: a PAdES signature over every byte of it, by a certificate it holds.

The seal is added behind the paper (an incremental update), so the bytes whose hash is stable stand unchanged before it. It
is no proof of what the log says; it says who stands behind this file, to people who trust certificates.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

from audit.refusal import Broken, Refused

FIELD = "Seal"


@dataclass(frozen=True)
class Seal:
    """Who sealed, and when by the sealer's own clock."""

    name: str
    at: datetime | None


def seal(paper: bytes, signer: signers.Signer, *, reason: str = "") -> bytes:
    """The sealed paper; a second organisation may seal what the first has. Refused: PAPER-SEAL (no PDF, no such key)."""
    try:
        number = len(PdfFileReader(io.BytesIO(paper)).embedded_signatures) + 1
        meta = signers.PdfSignatureMetadata(
            field_name=f"{FIELD}{number}",
            md_algorithm="sha256",
            subfilter=fields.SigSeedSubFilter.PADES,
            reason=reason or None,
        )
        out = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(paper)), meta, signer=signer, output=io.BytesIO())
    except (PdfError, SigningError, ValueError) as why:
        raise Refused("PAPER-SEAL", why=str(why)[:200]) from None
    return bytes(out.getvalue())


def pkcs12(data: bytes, passphrase: bytes | None) -> signers.Signer:
    """A signer from a PKCS#12 file. Refused: PAPER-SEAL."""
    try:
        found: signers.Signer = signers.SimpleSigner.load_pkcs12_data(data, other_certs=[], passphrase=passphrase)
    except ValueError:
        raise Refused("PAPER-SEAL", why=UNOPENED) from None
    return found


def pem(cert: str, key: str, chain: Sequence[str], passphrase: bytes | None) -> signers.Signer:
    """A signer from the paths of PEM files: certificate, key, certificates of the authorities. Refused: PAPER-SEAL."""
    load: Callable[..., signers.Signer | None] = signers.SimpleSigner.load
    found = load(key, cert, ca_chain_files=tuple(chain), key_passphrase=passphrase)
    if found is None:
        raise Refused("PAPER-SEAL", why=UNOPENED)
    return found


UNOPENED = "the key file cannot be opened"


def check(paper: bytes, roots: Sequence[bytes], now: datetime | None = None) -> tuple[Seal, ...]:
    """Who sealed this paper, in their order, trusting these authorities (PEM or DER); `now`: another time than now.

    Every seal must hold, and nothing but further seals may follow one. Refused: PAPER-UNSEALED. Broken: PAPER-SEAL-BROKEN.
    """
    trusted = [cert for root in roots for cert in load_certs_from_pemder_data(root)]
    context = ValidationContext(trust_roots=trusted, allow_fetching=False, moment=now)
    try:
        found = PdfFileReader(io.BytesIO(paper)).embedded_signatures
        told = [validate_pdf_signature(one, context) for one in found]
    except (PdfError, SignatureValidationError, ValueError) as why:
        raise Broken("PAPER-SEAL-BROKEN", why=str(why)[:200]) from None
    if not told:
        raise Refused("PAPER-UNSEALED")
    for status in told:
        if not status.intact or not status.valid:
            raise Broken("PAPER-SEAL-BROKEN", why="the file is not the one that was sealed")
        if not status.trusted:
            raise Broken("PAPER-SEAL-BROKEN", why="the certificate is of no authority you trust")
        if not status.bottom_line:
            raise Broken("PAPER-SEAL-BROKEN", why=ADDED)
    if told[-1].coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        raise Broken("PAPER-SEAL-BROKEN", why=ADDED)
    return tuple(Seal(str(one.signing_cert.subject.human_friendly), one.signer_reported_dt) for one in told)


ADDED = "something was added after the seal"
