"""The least that each job costs, written with other people's libraries alone: nothing of ours is imported here.

A limit does what cannot be left out (hash these bytes, encrypt them, sync them, commit these rows) in as few lines as it
takes, with the same threads and the same batches as the code beside it; it checks nothing, knows no format and keeps no
promise. `Row`s and `Sealed` envelopes come in as plain values.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

MIB = 1 << 20
THREADS = os.cpu_count() or 2

# ---------------------------------------------------------------------------------------------------------------- seal


def seal(source: Path, out: Path) -> str:
    """Cobblestone from file to file, SHA-256 over the same bytes: the document's, for a header, before its encryption,
    because the key is bound to them; the payload's beside it, in a second thread."""
    with source.open("rb", buffering=0) as file:
        key = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]
    encryptor = Cobblestone256Encryptor(key, b"context")
    digest = hashlib.sha256()
    buffers = [memoryview(bytearray(MIB + MIB // 512)) for _ in range(2)]
    plain = memoryview(bytearray(MIB))
    with source.open("rb", buffering=0) as file, out.open("xb", buffering=0) as sealed, ThreadPoolExecutor(1) as other:
        hashing, turn = other.submit(digest.update, b""), 0
        while count := file.readinto(plain):
            written = buffers[turn][: encryptor.update_into(plain[:count], buffers[turn])]
            sealed.write(written)
            hashing.result()
            hashing, turn = other.submit(digest.update, written), 1 - turn
        last = encryptor.finalize()
        sealed.write(last)
        hashing.result()
        digest.update(last)
    return digest.hexdigest()


# -------------------------------------------------------------------------------------------------------------- upload


def upload(folder: Path, payloads: Sequence[bytes]) -> None:
    """Write, sync and hash payloads side by side, every MiB on the disk before the next; then a name that lasts."""

    def one(number: int) -> None:
        data, path = memoryview(payloads[number]), folder / f"{number}.part"
        leaves = []
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.posix_fallocate(file, 0, len(data))
        for start in range(0, len(data), MIB):
            segment = data[start : start + MIB]
            leaves.append(hashlib.sha256(segment).digest())
            os.pwrite(file, segment, start)
            os.fdatasync(file)
        os.fsync(file)
        os.close(file)
        os.rename(path, path.with_suffix(""))
        directory = os.open(folder, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    with ThreadPoolExecutor(len(payloads)) as threads:
        list(threads.map(one, range(len(payloads))))


# ------------------------------------------------------------------------------------------------------------ finalise


def bare() -> Starlette:
    """`uvicorn --factory tests.bench.limits:bare`: a request's body in two rows of one durable transaction, and an
    answer; or a page of the market. The databases' addresses are in BENCH_DSN and BENCH_SHOWN."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["BENCH_DSN"], min_size=16, max_size=16) as app.state.pool:
            await app.state.pool.execute(
                "CREATE TABLE IF NOT EXISTS bench_row (id bigserial PRIMARY KEY, bid text NOT NULL, body bytea NOT NULL)"
            )
            async with asyncpg.create_pool(os.environ["BENCH_SHOWN"], min_size=4, max_size=16) as app.state.shown:
                yield

    async def finalise(request: Request) -> JSONResponse:
        body, bid = await request.body(), request.path_params["bid"]
        half = len(body) // 2
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO bench_row (bid, body) VALUES ($1, $2)", bid, body[:half])
            await connection.execute("INSERT INTO bench_row (bid, body) VALUES ($1, $2)", bid, body[half:])
        return JSONResponse({"bid": bid}, 201)

    routes = [
        Route("/bids/{bid}", finalise, methods=["POST"]), Route("/", listed), Route("/p/{project}", project)
    ]  # fmt: skip
    return Starlette(routes=routes, lifespan=lifespan)


# --------------------------------------------------------------------------------------------------------------- pages

_SHOWN = """SELECT p.id, p.title, p.description, p.regime, p.currency, p.created_at, o.code, o.name,
    l.title AS lot, l.baseline, t.id AS tender, t.state, t.deadline, d.price
    FROM {} p JOIN trading_organisation o ON o.code = p.organisation_id
    JOIN trading_lot l ON l.project_id = p.id JOIN trading_tender t ON t.lot_id = l.id AND t.announced_at IS NOT NULL
    LEFT JOIN trading_line d ON d.tender_id = t.id AND d.status = 'concluded' ORDER BY p.number DESC, l.id"""
LISTED = _SHOWN.format("(SELECT * FROM trading_project ORDER BY number DESC LIMIT 31)")
PROJECT = _SHOWN.format("(SELECT * FROM trading_project WHERE id = $1)")


def _cell(value: Any) -> str:
    return f"<td>{html.escape(str(value))}</td>"


def _table(title: str, rows: Sequence[Any]) -> HTMLResponse:
    lines = "".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>" for row in rows)
    return HTMLResponse(f"<!doctype html><title>{html.escape(title)}</title><table>{lines}</table>")


async def listed(request: Request) -> HTMLResponse:
    """Thirty projects with their lots, newest first."""
    return _table("projects", await request.app.state.shown.fetch(LISTED))


async def project(request: Request) -> HTMLResponse:
    """One project."""
    rows = await request.app.state.shown.fetch(PROJECT, request.path_params["project"])
    return _table(rows[0]["title"], rows)


# ----------------------------------------------------------------------------------------------------------------- log


async def copy(connection: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """One batch of rows, committed."""
    async with connection.transaction():
        await connection.copy_records_to_table(table, records=rows, columns=columns)


# ------------------------------------------------------------------------------------------------- opening and verify


@dataclass(frozen=True)
class Sealed:
    """One envelope as those who open it have it: k shares by their x, everybody's point and box, its ciphertext."""

    ctx: bytes
    head: bytes
    shares: dict[int, bytes]
    pubs: tuple[bytes, ...]
    boxes: tuple[bytes, ...]
    payload: Callable[[], bytes]


def open_envelopes(envelopes: Iterable[Sealed]) -> list[bytes]:
    """Combine, recompute every box, decrypt, hash ciphertext and document; the content keys."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(open_envelope, envelopes))


def open_envelope(one: Sealed) -> bytes:
    """The cryptography of one opening."""
    ck = _combine(one.shares)
    k = len(one.shares)
    secrets = [ck, *(_expand(ck, b"trading/share/v1\0" + one.ctx + bytes([j]), 32) for j in range(1, k))]
    if [_box(ck, one, i, _share(secrets, i)) for i in range(1, len(one.pubs) + 1)] != list(one.boxes):
        raise ValueError("a box is wrong")
    data = one.payload()
    for start in range(0, len(data), MIB):
        hashlib.sha256(data[start : start + MIB]).digest()
    decryptor = Cobblestone256Decryptor(ck, one.ctx)
    plain = decryptor.update(data) + decryptor.finalize()
    hashlib.sha256(plain).digest()
    return ck


def _box(ck: bytes, one: Sealed, i: int, share: bytes) -> bytes:
    """HPKE (RFC 9180) with an ephemeral key derived from the content key."""
    kem, suite = b"KEM\0\x10", b"HPKE\0\x10\0\x01\0\x02"
    ikm = _expand(ck, b"trading/ephemeral/v1\0" + one.ctx + one.head + bytes([i]), 32)
    scalar = _labeled(kem, _extract(kem, b"", b"dkp_prk", ikm), b"candidate", b"\0", 32)
    private = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    enc = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    pub = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), one.pubs[i - 1])
    prk = _extract(kem, b"", b"eae_prk", private.exchange(ec.ECDH(), pub))
    secret = _labeled(kem, prk, b"shared_secret", enc + one.pubs[i - 1], 32)
    info = b"trading/box/v1\0" + one.ctx + bytes([i]) + one.head
    context = b"\0" + _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
    prk = _extract(suite, secret, b"secret", b"")
    key, nonce = _labeled(suite, prk, b"key", context, 32), _labeled(suite, prk, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, share, None)


def _expand(key: bytes, info: bytes, length: int, name: str = "sha512") -> bytes:
    return hmac.digest(key, info + b"\x01", name)[:length]


def _extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def _labeled(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return _expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length, "sha256")


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = (a << 1) ^ (0x11B if a & 0x80 else 0), b >> 1
    return product


_TIMES = [bytes(_times(a, b) for b in range(256)) for a in range(256)]
_INVERSE = [row.find(1) for row in _TIMES]


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(32, "big")


def _combine(shares: dict[int, bytes]) -> bytes:
    secret = bytes(32)
    for i, share in shares.items():
        weight = 1
        for j in shares.keys() - {i}:
            weight = _TIMES[weight][_TIMES[j][_INVERSE[i ^ j]]]
        secret = _xor(secret, share.translate(_TIMES[weight]))
    return secret


def _share(secrets: Sequence[bytes], i: int) -> bytes:
    total = secrets[-1]
    for secret in reversed(secrets[:-1]):
        total = _xor(total.translate(_TIMES[i]), secret)
    return total


def verify_signatures(signed: Iterable[tuple[bytes, bytes, bytes]]) -> None:
    """Ed25519 over (key, signature, message)."""
    for key, signature, message in signed:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)


def hash_members(members: Iterable[Callable[[], bytes]]) -> None:
    """SHA-256 of every file of an archive."""
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda read: hashlib.sha256(read()).digest(), members))


# ---------------------------------------------------------------------------------------------------------------- draw


def draw(seed: bytes, salted: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The least a pool costs: a hash a leaf, one a pair of the tree, and an HMAC a leaf; nothing is sorted or chosen."""
    sha256, digest = hashlib.sha256, hmac.digest
    leaves = [sha256(b"\0trading/expert/v1\0" + salt + expert).digest() for salt, expert in salted]
    row = leaves
    while len(row) > 1:
        row = [sha256(b"\1" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
    for leaf in leaves:
        digest(seed, leaf, "sha256")
    return row[0]


# ---------------------------------------------------------------------------------------------------------- verify_log


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """The root of RFC 6962: one hash an entry, one a pair."""
    sha256 = hashlib.sha256
    row = [sha256(b"\0" + entry).digest() for entry in entries]
    whole: list[bytes] = []
    while row:
        if len(row) & 1:
            whole.append(row.pop())
        row = [sha256(b"\1" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
    root, *wider = whole
    for subtree in wider:
        root = sha256(b"\1" + subtree + root).digest()
    return root
