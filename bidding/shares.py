"""Shamir's shares of the content key over GF(2^8), with coefficients derived from it (envelope.md §4).

Nothing here is secret from timing: shares are combined after the hour, when they are about to be published, and split
on the bidder's own machine, once.
"""

from __future__ import annotations

from collections.abc import Mapping

from bidding.hpke import expand

LENGTH = 32
"""Bytes of the content key and of every share."""


def _tables() -> tuple[list[int], list[int]]:
    # 3 generates the multiplicative group of GF(2^8) modulo 0x11B
    exponentials, logarithms, x = [0] * 510, [0] * 256, 1
    for power in range(255):
        exponentials[power] = exponentials[power + 255] = x
        logarithms[x] = power
        x ^= (x << 1) ^ (0x11B if x & 0x80 else 0)
        x &= 0xFF
    return exponentials, logarithms


_EXP, _LOG = _tables()


def multiply(a: int, b: int) -> int:
    """The product in GF(2^8) modulo 0x11B."""
    return _EXP[_LOG[a] + _LOG[b]] if a and b else 0


def divide(a: int, b: int) -> int:
    """a / b in the same field; ZeroDivisionError for b = 0."""
    if not b:
        raise ZeroDivisionError("division by zero in GF(2^8)")
    return _EXP[_LOG[a] - _LOG[b] + 255] if a else 0


_TIMES = [bytes(multiply(a, b) for b in range(256)) for a in range(256)]
"""Multiplication by a constant as a translation table: 32 bytes in one C call."""


def coefficients(ck: bytes, ctx: bytes, k: int) -> tuple[bytes, ...]:
    """a_0 = CK, a_j = HKDF-Expand-SHA512(CK, "trading/share/v1\\0" || ctx || u8(j), 32)."""
    return (ck, *(expand(ck, b"trading/share/v1\0" + ctx + bytes([j]), LENGTH) for j in range(1, k)))


def split(ck: bytes, ctx: bytes, k: int, n: int) -> tuple[bytes, ...]:
    """y_1 … y_n, any k of which give CK back: y_i = XOR_j a_j · i^j."""
    parts = coefficients(ck, ctx, k)
    shares = []
    for i in range(1, n + 1):
        # Horner from the highest coefficient down
        total = parts[-1]
        for part in reversed(parts[:-1]):
            total = _xor(total.translate(_TIMES[i]), part)
        shares.append(total)
    return tuple(shares)


def combine(shares: Mapping[int, bytes]) -> bytes:
    """The value at x = 0 of the polynomial through {i: y_i}.

    It is CK if the shares are true and at least k of them; only the commitment says whether they were (§7).
    """
    secret = bytes(LENGTH)
    for i, share in shares.items():
        weight = 1
        for j in shares:
            if j != i:
                weight = multiply(weight, divide(j, i ^ j))
        secret = _xor(secret, share.translate(_TIMES[weight]))
    return secret


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(LENGTH, "big")
