"""Two real telephones: the `sip` channel rings a baresip process over loopback, which answers, listens and presses keys.

What is checked is sound: what the called telephone recorded is the wording, by length, loudness and wave form.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
import os
import shutil
import socket
import wave
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from experts.conversation import Answer, Script
from tests.channels.calls import CODE, SCRIPT, knows
from trading.channels import ChannelDown
from trading.channels.baresip import Baresip, free_port
from trading.channels.notes import Notes
from trading.channels.sip import Sip, Trunk
from trading.channels.speech import RATE, Speech, read_wav, write_wav

pytestmark = pytest.mark.slow
NEEDED = "two real telephones need the program baresip: apt-get install --no-install-recommends baresip"
WEI = "13800138000"

SHORT = replace(SCRIPT, invitation="能参加请按1。")
"""The same dialogue with a short invitation: most calls here are about keys."""


@pytest.fixture(autouse=True, scope="module")
def telephones() -> None:
    if not shutil.which("baresip"):
        pytest.fail(NEEDED) if os.environ.get("CI") == "true" else pytest.skip(NEEDED)


@dataclass
class Phone:
    """An expert's telephone: what it does when it rings, and what it heard."""

    folder: Path
    port: int
    presses: Sequence[tuple[float, str]] = ()
    """(seconds after picking up or the last press, key); `!` hangs up, `busy` refuses the call, `ring` lets it ring."""
    rung: int = 0
    ended: list[str] = field(default_factory=list)

    async def live(self, line: Baresip) -> None:
        while True:
            event, param = await line.events.get()
            if event == "CALL_INCOMING":
                self.rung += 1
                if self.presses and self.presses[0][1] == "busy":
                    await line.command("hangup")
                elif not (self.presses and self.presses[0][1] == "ring"):
                    await line.command("accept")
            elif event == "CALL_ESTABLISHED":
                asyncio.get_running_loop().create_task(self.press(line))
            elif event in ("CALL_CLOSED", "EXIT"):
                self.ended.append(param)

    async def press(self, line: Baresip) -> None:
        for wait, key in self.presses:
            await asyncio.sleep(wait)
            if key == "!":
                await line.command("hangup")
            else:
                await line.command("sndcode", key)

    def heard(self) -> array.array[int]:
        """What the telephone's own recording has of the centre's voice."""
        (recording,) = self.folder.glob("*-dec.wav")
        with wave.open(str(recording)) as wav:
            assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (RATE, 1, 2)
            return array.array("h", wav.readframes(wav.getnframes()))


@contextlib.asynccontextmanager
async def phone(tmp_path: Path, presses: Sequence[tuple[float, str]]) -> AsyncIterator[Phone]:
    folder = tmp_path / "phone"
    folder.mkdir()
    write_wav(folder / "quiet.wav", array.array("h", bytes(2 * RATE * 120)))
    wei = Phone(folder, free_port(socket.SOCK_DGRAM), presses)
    account = f"<sip:{WEI}@127.0.0.1:{wei.port}>;regint=0;answermode=manual;audio_codecs=pcma"
    async with Baresip(
        account, folder / "quiet.wav", interface="127.0.0.1", listen=f"127.0.0.1:{wei.port}", record=folder
    ) as line:
        living = asyncio.create_task(wei.live(line))
        try:
            yield wei
            await asyncio.sleep(0.3)  # the recording is closed
        finally:
            living.cancel()


SPEED = 280
"""The synthesiser speaks fast here, so that the whole invitation takes half the time."""


def centre(tmp_path: Path, port: int, transport: str = "udp") -> Sip:
    account = "<sip:centre@127.0.0.1>;regint=0;audio_codecs=pcma"
    trunk = Trunk(
        account,
        f"sip:{{number}}@127.0.0.1:{port};transport={transport}",
        interface="127.0.0.1",
        under_way=tmp_path / "under way",
    )
    return Sip(trunk, Speech(speed=SPEED), Notes(tmp_path / "notes", bytes(32)))


@dataclass(frozen=True)
class Case:
    presses: Sequence[tuple[float, str]]
    state: str
    outcome: str
    keys: str
    coded: bool = False
    ring: float = 10
    script: Script = SHORT


def typed(keys: str, gap: float = 0.35) -> list[tuple[float, str]]:
    return [(gap, key) for key in keys]


CASES = {
    "2-2 declines": Case(typed("22"), "answered", "declined", "22"),
    "9-9 declares a conflict": Case(typed("99"), "answered", "conflict", "99"),
    "the code and 1-1 accept": Case(typed("1" + CODE + "1"), "answered", "accepted", "1xxxx1", coded=True),
    "a wrong code twice": Case(typed("100001111"), "answered", "invalid", "1xxxxxxxx", coded=True),
    "wrong keys": Case(typed("*57"), "answered", "invalid", "*57"),
    "hanging up": Case([*typed("1"), (0.6, "!")], "hung_up", "no_answer", "1"),
    "silence": Case([], "answered", "no_answer", ""),
    "nobody picks up": Case([(0, "ring")], "no_answer", "no_answer", "", ring=1.5),
    "busy": Case([(0, "busy")], "busy", "no_answer", ""),
}


async def call(folder: Path, case: Case) -> tuple[Answer, Phone]:
    folder.mkdir()
    async with phone(folder, case.presses) as wei:
        answer = await centre(folder, wei.port).call(
            key="k", number=WEI, script=case.script, check=knows() if case.coded else None, ring=case.ring
        )
    return answer, wei


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Answer, Phone]]:
    """Every call at once, each with its own pair of telephones: a call takes its own time and little of the machine's."""
    folder = tmp_path_factory.mktemp("calls")

    async def all_of_them() -> list[tuple[Answer, Phone]]:
        seconds = len(await invitation()) / RATE
        heard = Case([(seconds + 0.5, "1"), (2.0, "1")], "answered", "accepted", "11", script=SCRIPT)
        cases = [heard, *CASES.values()]
        return await asyncio.gather(*(call(folder / str(n), case) for n, case in enumerate(cases)))

    return dict(zip(["1-1 accepts", *CASES], asyncio.run(all_of_them()), strict=True))


async def invitation() -> array.array[int]:
    return await Speech(speed=SPEED).sound("zh-CN", [("invitation", SCRIPT.invitation)])


def command_lines() -> list[str]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if line.startswith("baresip")]


def loudness(samples: Sequence[int]) -> float:
    return math.sqrt(sum(one * one for one in samples) / max(1, len(samples)))


def correlation(a: Sequence[int], b: Sequence[int]) -> float:
    count = min(len(a), len(b))
    top = sum(a[n] * b[n] for n in range(count))
    return top / math.sqrt(sum(one * one for one in a[:count]) * sum(one * one for one in b[:count]) or 1)


def likeness(said: array.array[int], heard: array.array[int]) -> float:
    """How much of the wave form arrived: the best correlation of each second of what was said, on the mean."""
    found = []
    for start in range(0, len(said) - RATE, 2 * RATE):
        piece = said[start : start + RATE]
        if loudness(piece) < 300:
            continue
        coarse = max(
            range(max(0, start - RATE // 2), min(len(heard) - RATE, start + RATE), 4),
            key=lambda at: abs(sum(piece[n] * heard[at + n] for n in range(0, RATE, 16))),
        )
        found.append(max(correlation(piece, heard[at : at + RATE]) for at in range(max(0, coarse - 12), coarse + 12)))
    return sum(found) / len(found)


async def test_who_picks_up_hears_the_wording_and_1_1_accepts(calls: dict[str, tuple[Answer, Phone]]) -> None:
    answer, wei = calls["1-1 accepts"]
    assert (answer.state, answer.outcome, answer.keys, answer.channel) == ("answered", "accepted", "11", "sip")
    assert WEI.encode() not in answer.provider and b"CALL_ESTABLISHED" in answer.provider
    said, heard = await invitation(), wei.heard()
    assert len(heard) > len(said) + 2.5 * RATE, "the whole invitation, the confirmation and the last words"
    assert loudness(heard[: len(said)]) == pytest.approx(loudness(said), rel=0.25)
    assert likeness(said, heard) > 0.9
    # the control: another wording is not found in it
    other = await Speech(speed=SPEED).sound("zh-CN", [("declined", SCRIPT.declined * 3)])
    assert likeness(other[: len(said)], heard) < 0.6
    last = await Speech(speed=SPEED).sound("zh-CN", [("accepted", SCRIPT.accepted)])
    tail = heard[-len(last) - RATE :]
    assert likeness(last, tail) > 0.85, "the last words were said to the end"


@pytest.mark.parametrize("name", CASES)
def test_what_comes_of_a_call(name: str, calls: dict[str, tuple[Answer, Phone]]) -> None:
    case, (answer, wei) = CASES[name], calls[name]
    assert (answer.state, answer.outcome, answer.keys) == (case.state, case.outcome, case.keys)
    assert wei.rung == 1 and WEI.encode() not in answer.provider


async def test_the_same_key_rings_once_and_after_a_crash_not_again(tmp_path: Path) -> None:
    async with phone(tmp_path, [(0.3, "2"), (0.3, "2")]) as wei:
        sip = centre(tmp_path, wei.port)
        first = await sip.call(key="k", number=WEI, script=SHORT, check=None, ring=10)
        assert await sip.call(key="k", number=WEI, script=SHORT, check=None, ring=10) == first
        assert wei.rung == 1
        cut = asyncio.create_task(sip.call(key="crash", number=WEI, script=SHORT, check=None, ring=10))
        while wei.rung < 2:
            await asyncio.sleep(0.02)
        ours = [line for line in command_lines() if str(tmp_path / "under way") in line]
        assert ours and not any(WEI in line or "参加" in line for line in ours), "others on the machine can read these"
        cut.cancel()
        again = await centre(tmp_path, wei.port).call(key="crash", number=WEI, script=SHORT, check=None, ring=10)
        assert (again.state, again.outcome, wei.rung) == ("failed", "no_answer", 2)


async def test_a_trunk_that_is_not_there_rang_nobody(tmp_path: Path) -> None:
    sip = centre(tmp_path, free_port(), "tcp")
    for _ in range(2):
        with pytest.raises(ChannelDown) as error:
            await sip.call(key="k", number=WEI, script=SHORT, check=None, ring=5)
        assert WEI not in str(error.value)


async def test_an_operators_recording_goes_first_but_never_with_another_day(tmp_path: Path) -> None:
    tone = array.array("h", [int(8000 * math.sin(n / 5)) for n in range(RATE)])
    write_wav(tmp_path / "confirm_yes.wav", tone)
    write_wav(tmp_path / "invitation.wav", tone)
    speech = Speech(tmp_path)
    assert await speech.sound("zh-CN", [("confirm_yes", "一")]) == tone
    assert await speech.sound("zh-CN", [("invitation", "一")]) != tone
    (tmp_path / "invitation.txt").write_text("一\n")
    assert await speech.sound("zh-CN", [("invitation", "一")]) == tone
    assert await speech.sound("zh-CN", [("invitation", "二")]) != tone
    (tmp_path / "confirm_yes.wav").write_bytes(b"no sound")
    assert len(await speech.sound("zh-CN", [("confirm_yes", "一")])) > 100
    with pytest.raises(ValueError):
        read_wav(tmp_path / "confirm_yes.wav")
