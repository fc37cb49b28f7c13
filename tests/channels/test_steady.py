"""A provider that fails rests for longer and longer; one try finds out whether it is back."""

from __future__ import annotations

import asyncio
import random
from dataclasses import asdict

import pytest

from experts.conversation import Answer, unanswered
from tests.channels.calls import SCRIPT
from trading.channels import ChannelDown, ChannelError, ChannelUnfit
from trading.channels.steady import Circuit, SteadyVoice


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Line:
    """A line with knobs."""

    name = "line"

    def __init__(self) -> None:
        self.error: ChannelError | None = None
        self.rung = 0
        self.gate: asyncio.Event | None = None

    async def call(self, **what: object) -> Answer:
        self.rung += 1
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise type(self.error)(self.error.channel, self.error.why, self.error.retry_after)
        return unanswered("busy", "line")


def made(chance: float = 0.5) -> tuple[Clock, Line, SteadyVoice]:
    clock, line = Clock(), Line()
    return clock, line, SteadyVoice(line, Circuit("line", clock, lambda: chance))  # type: ignore[arg-type]


async def ring(voice: SteadyVoice) -> Answer:
    return await voice.call(key="k", number="13800138000", script=SCRIPT, check=None, ring=1)


@pytest.mark.parametrize(("chance", "share"), [(0.5, 1.0), (0.0, 0.8), (0.999999, 1.2)])
async def test_rests_double_from_five_seconds_to_ten_minutes(chance: float, share: float) -> None:
    clock, line, voice = made(chance)
    line.error = ChannelDown("line", "gone")
    rests = []
    for _ in range(10):
        with pytest.raises(ChannelDown) as error:
            await ring(voice)
        rests.append(error.value.retry_after)
        clock.seconds += error.value.retry_after
    expected = [min(600.0, 5 * 2**n * share if 5 * 2**n < 600 else 600 * share) for n in range(10)]
    assert rests == pytest.approx(expected, rel=1e-4)


async def test_while_it_rests_nobody_is_rung_and_then_one_try_alone() -> None:
    clock, line, voice = made()
    line.error = ChannelDown("line", "gone")
    for _ in range(3):
        with pytest.raises(ChannelDown):
            await ring(voice)
        with pytest.raises(ChannelDown, match="resting"):
            await ring(voice)
        clock.seconds += voice.health().rest
    assert line.rung == 3 and voice.health().state == "open"
    line.error, line.gate = None, asyncio.Event()
    probe = asyncio.create_task(ring(voice))
    await asyncio.sleep(0)
    with pytest.raises(ChannelDown):
        await ring(voice)
    line.gate.set()
    assert (await probe).state == "busy"
    assert line.rung == 4 and voice.health().state == "up"
    await ring(voice)


async def test_a_cancelled_probe_does_not_shut_the_line_for_ever() -> None:
    clock, line, voice = made()
    line.error = ChannelDown("line", "gone")
    for _ in range(3):
        with pytest.raises(ChannelDown):
            await ring(voice)
        clock.seconds += 100
    line.error, line.gate = None, asyncio.Event()
    probe = asyncio.create_task(ring(voice))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    line.gate = None
    assert (await ring(voice)).state == "busy"


async def test_tries_that_fail_together_count_once() -> None:
    _, line, voice = made()
    line.error, line.gate = ChannelDown("line", "gone"), asyncio.Event()
    calls = [asyncio.create_task(ring(voice)) for _ in range(5)]
    await asyncio.sleep(0)
    line.gate.set()
    assert all(isinstance(e, ChannelDown) for e in await asyncio.gather(*calls, return_exceptions=True))
    health = voice.health()
    assert (health.failures, health.tries, health.done, health.state, health.rest) == (1, 5, 0, "resting", 5.0)


async def test_a_provider_may_ask_for_more_but_not_for_ever() -> None:
    _, line, voice = made()
    line.error = ChannelDown("line", "throttled", 90)
    with pytest.raises(ChannelDown) as error:
        await ring(voice)
    assert error.value.retry_after == 90
    _, line, voice = made()
    line.error = ChannelDown("line", "throttled", 90_000)
    with pytest.raises(ChannelDown):
        await ring(voice)
    assert voice.health().rest == 600


async def test_what_a_channel_cannot_do_says_nothing_about_the_line() -> None:
    _, line, voice = made()
    line.error = ChannelUnfit("line", "code")
    with pytest.raises(ChannelUnfit):
        await ring(voice)
    assert voice.health().state == "up"


async def test_health_has_no_number_and_no_key() -> None:
    _, _, voice = made()
    await ring(voice)
    assert asdict(voice.health()) == {
        "channel": "line", "state": "up", "failures": 0, "rest": 0.0, "tries": 1, "done": 1,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
async def test_after_half_an_hour_without_the_provider_it_is_reached_within_the_longest_rest(seed: int) -> None:
    """Ten minutes at most, by the cap; and half an hour of silence costs the provider a dozen tries, no storm."""
    clock, line = Clock(), Line()
    voice = SteadyVoice(line, Circuit("line", clock, random.Random(seed).random))  # type: ignore[arg-type]
    begun = clock.seconds
    while True:
        line.error = ChannelDown("line", "gone") if clock.seconds - begun < 1800 else None
        try:
            await ring(voice)
            break
        except ChannelDown as error:
            clock.seconds += error.retry_after
    assert clock.seconds - begun - 1800 <= 600
    assert line.rung <= 12
