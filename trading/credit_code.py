"""The unified social credit code, taken apart: what each part says and how its last character follows from the others. Pure.

GB 32100-2015: seventeen characters of an alphabet of 31 (no I, O, S, V, Z), each worth its place in it, weighed with the
powers of 3 modulo 31; the eighteenth makes the sum a multiple of 31. It catches every single wrong character and every two
neighbours exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
PARTS = (("authority", 0, 1), ("kind", 1, 2), ("region", 2, 8), ("subject", 8, 17), ("check", 17, 18))
"""Its parts: who registers it, of what kind it is, where it was registered, which one it is, and the check character."""


@dataclass(frozen=True)
class Counted:
    """How the check character was found: the weighed sum, what is left of it, and the character that fills it up."""

    total: int
    rest: int
    value: int
    character: str


def parts(code: str) -> tuple[tuple[str, str], ...]:
    """Each part and its characters."""
    return tuple((name, code[start:end]) for name, start, end in PARTS)


def count(code: str) -> Counted:
    """The check character that the first seventeen ask for. Raises ValueError for a character that no code has."""
    total = sum(ALPHABET.index(one) * weight for one, weight in zip(code[:17], WEIGHTS, strict=True))
    value = -total % 31
    return Counted(total, total % 31, value, ALPHABET[value])
