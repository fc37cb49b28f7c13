"""From words to sound a telephone carries: 8000 samples a second, 16 bit, one channel.

In this order: the operator's own recording `<clip>.wav`; the espeak-ng library of `espeakng-loader` (reads Hanzi); Debian's
`espeak-ng`, which gets pinyin. Programs of others run as processes of their own. A recording is played for the words it
was made for: `<clip>.txt` beside it holds them. The invitation names a day, so it needs that file; the other clips may
go without, and are then taken at the operator's word.
"""

from __future__ import annotations

import array
import asyncio
import importlib.util
import io
import itertools
import shutil
import subprocess
import sys
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from audit.refusal import Refused
from trading.channels import ChannelDown

RATE: Final = 8000
SPEED: Final = 180
"""Words a minute, in espeak's counting: about four Hanzi a second."""
GAP: Final = 0.3
"""Machine seconds of silence between two clips."""
REMEMBERED: Final = 128
"""Sounds kept in memory; never on disk, because a salutation may hold a name."""
MOST_SECONDS: Final = 120
PATIENCE: Final = 20.0
"""Machine seconds a synthesiser may take."""


def resample(samples: Sequence[int], rate: int) -> array.array[int]:
    """16-bit samples of any rate as 8000 a second; each is the mean of the span it stands for, so nothing folds back."""
    if rate == RATE:
        return array.array("h", samples)
    sums = list(itertools.accumulate(samples, initial=0))
    step = rate / RATE

    def area(place: float) -> float:
        whole = min(int(place), len(samples) - 1)
        return sums[whole] + (place - whole) * samples[whole]

    count = int(len(samples) / step)
    edges = [area(n * step) for n in range(count + 1)]
    return array.array("h", [int((b - a) / step) for a, b in itertools.pairwise(edges)])


def read_wav(source: io.BytesIO | Path) -> array.array[int]:
    """A WAV as telephone samples. Raises ValueError for one that is not 16-bit mono PCM of at most two minutes."""
    try:
        with wave.open(str(source) if isinstance(source, Path) else source, "rb") as wav:
            if (wav.getnchannels(), wav.getsampwidth()) != (1, 2):
                raise ValueError("a recording is 16 bit and mono")
            rate, frames = wav.getframerate(), wav.readframes(MOST_SECONDS * 48_000)
    except (wave.Error, EOFError) as error:
        raise ValueError("no WAV") from error
    samples = array.array("h", frames[: len(frames) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples or len(samples) > MOST_SECONDS * rate:
        raise ValueError("an empty recording, or one that is too long")
    return resample(samples, rate)


def write_wav(path: Path, samples: array.array[int]) -> None:
    """Telephone samples as a WAV."""
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(samples.tobytes())


class Speech:
    """The voice of an installation. `recordings` is the operator's directory."""

    def __init__(
        self, recordings: Path | None = None, engines: Sequence[str] = ("loader", "debian"), speed: int = SPEED
    ) -> None:
        """Raises Refused("E-CHANNEL-SPEECH") if nothing here can speak; recordings alone never can, they have no day."""
        self._recordings, self._speed = recordings, str(speed)
        here = {"loader": _has("espeakng_loader"), "debian": bool(shutil.which("espeak-ng")) and _has("pypinyin")}
        self.engine = next((engine for engine in engines if here[engine]), "")
        if not self.engine:
            raise Refused("E-CHANNEL-SPEECH")
        self._said: dict[tuple[str, str], array.array[int]] = {}

    async def sound(self, lang: str, clips: Sequence[tuple[str, str]]) -> array.array[int]:
        """The clips, each (name, words), one after the other. Raises ChannelDown if the synthesiser fails."""
        whole = array.array("h")
        for name, words in clips:
            if whole:
                whole.extend([0] * int(GAP * RATE))
            whole.extend(self._recorded(name, words) or await self._synthesised(lang, words))
        return whole

    def _recorded(self, name: str, words: str) -> array.array[int] | None:
        path = self._recordings / f"{name}.wav" if self._recordings else None
        if path is None or not path.exists():
            return None
        text = path.with_suffix(".txt")
        if text.exists():
            if text.read_text(encoding="utf-8").strip() != words:
                return None
        elif name == "invitation":
            return None
        try:
            return read_wav(path)
        except ValueError:
            return None

    async def _synthesised(self, lang: str, words: str) -> array.array[int]:
        if (lang, words) not in self._said:
            chinese = lang.startswith("zh")
            if self.engine == "loader":
                command = [sys.executable, "-I", str(Path(__file__).with_name("espeak.py")), "cmn" if chinese else "en"]
                command.append(self._speed)
                spoken = words
            else:
                command = ["espeak-ng", "-v", "cmn-latn-pinyin" if chinese else "en", "-s", self._speed, "-b", "1"]
                command += ["--stdin", "--stdout"]
                spoken = pinyin(words) if chinese else words
            try:
                out = await asyncio.to_thread(_run, command, spoken.encode())
                said = read_wav(io.BytesIO(_sized(out)))
            except (ValueError, OSError, subprocess.SubprocessError):
                raise ChannelDown("sip", "speech") from None
            while len(self._said) >= REMEMBERED:
                del self._said[next(iter(self._said))]
            self._said[lang, words] = said
        return self._said[lang, words]


def pinyin(words: str) -> str:
    """Hanzi as pinyin with tone numbers, as espeak's voice cmn-latn-pinyin reads it: 专家 → `zhuan1 jia1`."""
    from pypinyin import Style, lazy_pinyin

    return " ".join(lazy_pinyin(words, style=Style.TONE3, neutral_tone_with_five=True))


def _run(command: Sequence[str], text: bytes) -> bytes:
    """What a program says to its input. In a thread: a cancelled `create_subprocess_exec` may wait for ever (3.11)."""
    done = subprocess.run(command, input=text, capture_output=True, timeout=PATIENCE, check=True)
    return done.stdout


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _sized(wav: bytes) -> bytes:
    """A WAV written to a pipe does not know its own length: its data chunk is all that follows."""
    place = wav.find(b"data")
    if wav[:4] != b"RIFF" or place < 0:
        return wav
    size = len(wav) - place - 8
    return (
        wav[:4]
        + (len(wav) - 8).to_bytes(4, "little")
        + wav[8 : place + 4]
        + size.to_bytes(4, "little")
        + wav[place + 8 :]
    )
