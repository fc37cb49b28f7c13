"""The rounds of audit/browser/sha256.js are what FIPS 180-4 says, line by line; and they give its numbers."""

from __future__ import annotations

import hashlib
from itertools import count, islice
from pathlib import Path

from audit.canon import b64
from tests.browser.node import Node

FILE = Path(__file__).parents[2] / "audit" / "browser" / "sha256.js"


def constants() -> list[int]:
    """The first 32 bits of the fractions of the cube roots of the first 64 primes (§4.2.2)."""
    primes = islice((n for n in count(2) if all(n % p for p in range(2, int(n**0.5) + 1))), 64)
    return [_cube_root(prime << 96) & 0xFFFFFFFF for prime in primes]


def _cube_root(wanted: int) -> int:
    low = 0
    for bit in reversed(range(41)):
        if (low + (1 << bit)) ** 3 <= wanted:
            low += 1 << bit
    return low


def _sum(x: str, first: int, second: int, third: int, *, shift: bool = False) -> str:
    """Three rotations of x, the third a shift in the small sums (§4.1.2)."""
    rotated = [f"({x} >>> {n} | {x} << {32 - n})" for n in (first, second, third)]
    return "(" + " ^ ".join([*rotated[:2], f"{x} >>> {third}" if shift else rotated[2]]) + ")"


def rounds() -> list[str]:
    """§6.2.2 as JavaScript: the schedule in sixteen words that are used again, the eight variables renamed each round."""
    names, lines = list("abcdefgh"), []
    for t, constant in enumerate(constants()):
        a, b, c, d, e, f, g, h = names
        w, x, y = f"w{t % 16}", f"w{(t + 1) % 16}", f"w{(t + 14) % 16}"
        if t >= 16:
            small = f"{_sum(x, 7, 18, 3, shift=True)} + {_sum(y, 17, 19, 10, shift=True)}"
            lines.append(f"    {w} = ({w} + w{(t + 9) % 16} + {small}) | 0;")
        choice, majority = f"({g} ^ {e} & ({f} ^ {g}))", f"({a} & {b} | {c} & ({a} | {b}))"
        lines.append(f"    {h} = ({h} + {_sum(e, 6, 11, 25)} + {choice} + 0x{constant:08x} + {w}) | 0;")
        lines.append(f"    {d} = ({d} + {h}) | 0;")
        lines.append(f"    {h} = ({h} + {_sum(a, 2, 13, 22)} + {majority}) | 0;")
        names = [names[-1], *names[:-1]]
    return lines


def test_the_rounds_are_the_standards() -> None:
    text = FILE.read_text("utf-8").splitlines()
    begin = next(n for n, line in enumerate(text) if line.startswith("    h = (h + ((e"))
    assert text[begin : begin + len(rounds())] == rounds()
    loads = [line for line in text if "getInt32" in line]
    assert ", ".join(part for line in loads for part in line.strip()[4:-1].split(", ")) == ", ".join(
        f"w{i} = view.getInt32(at + {4 * i})" for i in range(16)
    )


def test_its_numbers(node: Node) -> None:
    for text, digest in (
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ):
        assert node.ask("sha256", pieces64=[b64(text)]) == digest
    million = [b64(b"a" * 1000)] * 1000
    assert node.ask("sha256", pieces64=million) == hashlib.sha256(b"a" * 1_000_000).hexdigest()
    assert node.ask("sha256", pieces64=million)[:16] == "cdc76e5c9914fb92"
