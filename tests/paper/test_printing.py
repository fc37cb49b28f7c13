"""The press behind the web: each paper once, a crowd told to come again, a press that dies or hangs started anew."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from audit.refusal import Refused
from tests.paper.values import AWARD, MARK, PAPERS
from trading import printing
from trading.paper import awards
from trading.printing import Failed, Printer, key

pytestmark = pytest.mark.slow


# What the press is asked to make here is looked up by name in its own process, as the papers are.
def told(folder: str, text: str, seconds: float = 0.0) -> bytes:
    """A paper that leaves a mark each time it is set."""
    time.sleep(seconds)
    with open(os.path.join(folder, "made"), "a") as file:
        file.write(text)
    return text.encode()


def refused() -> bytes:
    raise Refused("PAPER-GLYPH", characters="𠮷 (U+20BB7)")


def broken() -> bytes:
    raise ValueError("a bug of ours")


def dies() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


@pytest.fixture
async def printer(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Printer(tmp_path / "printed")
    yield made
    await made.close()


async def test_the_same_bytes_as_at_the_desk_and_once_for_all(printer: Printer, tmp_path: Path) -> None:
    made = await printer.print(key("award"), awards.award_notice, AWARD, MARK)
    assert made.data == PAPERS["award"]() == (await printer.print(key("award"), broken)).data  # it lies on the shelf
    assert await printer.known([key("award"), key("other")]) == {key("award"): made.sha256}
    await asyncio.gather(*(printer.print(key("crowd"), told, str(tmp_path), "x", 0.2) for _ in range(50)))
    assert (tmp_path / "made").read_text() == "x"


async def test_asvs_15_2_2_a_crowd_is_told_to_come_again_and_the_house_goes_on(
    printer: Printer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "WAITING", 5)
    crowd = [asyncio.create_task(printer.print(key(n), told, str(tmp_path), "x", 0.1)) for n in range(200)]
    longest, last = 0.0, time.monotonic()
    while not all(one.done() for one in crowd):
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    no = [one for one in answers if isinstance(one, Refused)]
    assert {one.code for one in no} == {"W-PRINTING"} and len(no) == 195
    assert longest < 1, "while the press works nobody else waits"
    assert (await printer.print(key(199), told, str(tmp_path), "again")).data == b"again"


async def test_what_cannot_be_printed_is_tried_once(printer: Printer) -> None:
    for _ in range(2):
        with pytest.raises(Refused, match="PAPER-GLYPH") as no:
            await printer.print(key("glyph"), refused)
        assert "U+20BB7" in no.value.facts["characters"]
    with pytest.raises(Failed, match="a bug of ours"):
        await printer.print(key("bug"), broken)


async def test_a_press_that_dies_or_hangs_is_started_anew(
    printer: Printer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Failed):
        await printer.print(key("dies"), dies)
    assert (await printer.print(key(1), told, str(tmp_path), "one")).data == b"one"
    monkeypatch.setattr(printing, "LONGEST", 0.3)
    with pytest.raises(Failed, match="Timeout"):
        await printer.print(key("hangs"), told, str(tmp_path), "never", 60)
    monkeypatch.setattr(printing, "LONGEST", 30)
    assert (await printer.print(key(2), told, str(tmp_path), "two")).data == b"two"


async def test_a_reader_who_leaves_costs_the_others_nothing(printer: Printer, tmp_path: Path) -> None:
    leaving = asyncio.create_task(printer.print(key("slow"), told, str(tmp_path), "slow", 0.3))
    await asyncio.sleep(0.05)
    staying = asyncio.create_task(printer.print(key("slow"), told, str(tmp_path), "slow", 0.3))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).data == b"slow"


async def test_a_file_cut_short_is_none_and_a_secret_leaves_none(printer: Printer, tmp_path: Path) -> None:
    made = await printer.print(key("cut"), told, str(tmp_path), "whole")
    (path,) = (one for one in printer.folder.rglob("*") if one.is_file())
    path.write_bytes(path.read_bytes()[:-1])
    assert (await printer.print(key("cut"), told, str(tmp_path), "whole")).sha256 == made.sha256
    await printer.print(key("secret"), told, str(tmp_path), "a receipt", keep=False)
    assert sum(one.is_file() for one in printer.folder.rglob("*")) == 1


async def test_the_press_knows_no_secret_of_the_house(printer: Printer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_TOKEN_PEPPER", "pepper")
    monkeypatch.setenv("DATABASE_URL", "postgresql://x")
    await printer.print(key("any"), told, str(printer.folder.parent), "x")
    assert printer._press is not None
    seen = Path(f"/proc/{printer._press.pid}/environ").read_bytes()
    assert b"pepper" not in seen and b"postgresql" not in seen


async def test_the_press_ends_with_its_parent(printer: Printer, tmp_path: Path) -> None:
    await printer.print(key("any"), told, str(tmp_path), "x")
    press = printer._press
    assert press is not None and press.stdin is not None
    press.stdin.close()  # as the kernel does when the parent is killed
    assert await asyncio.wait_for(press.wait(), 10) == 0
