"""Words become sound: by the packaged library, by Debian's program; recordings of any rate come out right."""

from __future__ import annotations

import array
import io
import itertools
import math
import os
import shutil
import wave
from pathlib import Path

import pytest

from audit.refusal import Refused
from tests.channels.calls import SCRIPT
from trading.channels.speech import RATE, Speech, pinyin, read_wav, resample, write_wav

NEEDED = "Debian's synthesiser is not here: apt-get install --no-install-recommends espeak-ng"


def loudness(samples: array.array[int]) -> float:
    return math.sqrt(sum(one * one for one in samples) / max(1, len(samples)))


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_the_library_speaks(lang: str) -> None:
    words = SCRIPT.accepted if lang == "zh-CN" else "You are confirmed. Please be on time."
    said = await Speech(engines=("loader",)).sound(lang, [("accepted", words)])
    assert 1.5 < len(said) / RATE < 12 and loudness(said) > 500


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
async def test_debians_program_speaks(lang: str) -> None:
    if not shutil.which("espeak-ng"):
        pytest.fail(NEEDED) if os.environ.get("CI") == "true" else pytest.skip(NEEDED)
    words = SCRIPT.accepted if lang == "zh-CN" else "You are confirmed. Please be on time."
    said = await Speech(engines=("debian",)).sound(lang, [("accepted", words)])
    assert 1.5 < len(said) / RATE < 12 and loudness(said) > 500


def test_hanzi_as_pinyin() -> None:
    assert pinyin("专家您好") == "zhuan1 jia1 nin2 hao3"
    assert pinyin("再见。") == "zai4 jian4 。"


async def test_clips_follow_one_another_with_a_pause_and_are_made_once() -> None:
    speech = Speech()
    one = await speech.sound("zh-CN", [("again", "按键无效。")])
    two = await speech.sound("zh-CN", [("again", "按键无效。"), ("again", "按键无效。")])
    assert len(two) == 2 * len(one) + int(0.3 * RATE)


def test_nothing_that_speaks_is_a_refusal() -> None:
    with pytest.raises(Refused) as refused:
        Speech(engines=())
    assert refused.value.code == "E-CHANNEL-SPEECH"


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_a_tone_keeps_its_pitch_and_its_length(rate: int) -> None:
    tone = [int(10000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(rate)]
    heard = resample(tone, rate)
    assert len(heard) == pytest.approx(RATE, abs=2)
    crossings = sum(a < 0 <= b for a, b in itertools.pairwise(heard))
    assert crossings == pytest.approx(440, abs=2)
    assert loudness(heard) == pytest.approx(10000 / math.sqrt(2), rel=0.05)


def test_what_a_telephone_cannot_carry_is_told() -> None:
    stereo = io.BytesIO()
    with wave.open(stereo, "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(bytes(400))
    for bad in (stereo.getvalue(), b"", b"RIFF....WAVE", stereo.getvalue()[:30]):
        with pytest.raises(ValueError):
            read_wav(io.BytesIO(bad))


def test_a_wav_is_read_as_it_was_written(tmp_path: Path) -> None:
    samples = array.array("h", range(-1000, 1000))
    write_wav(tmp_path / "a.wav", samples)
    assert read_wav(tmp_path / "a.wav") == samples
