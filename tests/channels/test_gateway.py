"""The centre's own gateway, by signed JSON: it rings and writes once an id, and is judged by what it answers when asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.refusal import Refused
from experts.conversation import Answer
from tests.channels import providers
from tests.channels.calls import CODE, SCRIPT, VALUES, knows
from tests.listening import listening
from trading.channels import ChannelDown, ChannelNonsense, http_generic
from trading.channels.hints import Hints
from trading.channels.http_generic import HttpGeneric, reference
from trading.channels.notes import Notes
from trading.channels.webhook import secret_bytes

WEI = "13800138000"


@dataclass
class Office:
    gateway: providers.Gateway
    url: str
    folder: Path
    secret: str = providers.GATEWAY_SECRET

    def line(self, poll: float = 0.03, talk: float = 0.4) -> HttpGeneric:
        notes = Notes(self.folder / "calls", bytes(32)), Notes(self.folder / "texts", bytes(32))
        return HttpGeneric(self.url, secret_bytes(self.secret), *notes, Hints(), poll=poll, talk=talk)


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(http_generic, "TIMEOUT", 0.4)
    gateway = providers.Gateway()
    async with listening(gateway.app()) as url:
        yield Office(gateway, url, tmp_path)


async def ring(line: HttpGeneric, key: str = "k", coded: bool = False) -> Answer:
    return await line.call(key=key, number=WEI, script=SCRIPT, check=knows() if coded else None, ring=0.3)


@pytest.mark.parametrize(
    ("state", "keys", "coded", "expected"),
    [
        ("answered", ["1", "1"], False, ("answered", "accepted", "11")),
        ("answered", ["2", "2"], False, ("answered", "declined", "22")),
        ("answered", ["9", "9"], True, ("answered", "conflict", "99")),
        ("answered", ["1", CODE, "1"], True, ("answered", "accepted", "1xxxx1")),
        ("answered", ["1", "0000", "1"], True, ("answered", "invalid", "1xxxxx")),
        ("answered", ["1", "1"], True, ("hung_up", "no_answer", "1x")),
        ("answered", ["-", "-"], False, ("answered", "no_answer", "")),
        ("hung_up", ["1"], False, ("hung_up", "no_answer", "1")),
        ("busy", [], False, ("busy", "no_answer", "")),
        ("voicemail", [], False, ("voicemail", "no_answer", "")),
        ("", [], False, ("failed", "no_answer", "")),
        ("dancing", ["1", "1"], False, ("failed", "no_answer", "")),
        ("answered", ["one"], False, ("failed", "no_answer", "")),
        ("answered", ["1"] * 41, False, ("failed", "no_answer", "")),
    ],
)
async def test_what_comes_of_a_call(office: Office, state: str, keys: list[str], coded: bool, expected: object) -> None:
    office.gateway.state, office.gateway.keys = state, keys
    answer = await ring(office.line(), coded=coded)
    assert (answer.state, answer.outcome, answer.keys) == expected
    assert CODE.encode() not in answer.provider and WEI.encode() not in answer.provider
    assert office.gateway.refusals == []
    (order,) = office.gateway.calls.values()
    assert order["script"]["invitation"] == SCRIPT.invitation and order["code"] is coded
    assert await ring(office.line(), coded=coded) == answer and len(office.gateway.calls) == 1


async def test_a_lost_reply_rings_nobody_twice(office: Office) -> None:
    office.gateway.faults = ["never"]
    assert (await ring(office.line())).outcome == "accepted"
    office.gateway.faults = ["500"]
    with pytest.raises(ChannelDown, match="unsent"):
        await ring(office.line(), "b")
    assert reference("b") not in office.gateway.calls
    assert (await ring(office.line(), "b")).outcome == "accepted"


async def test_after_a_crash_the_gateway_is_asked(office: Office) -> None:
    office.gateway.state = ""
    call = asyncio.create_task(ring(office.line(talk=9)))
    while not office.gateway.calls:
        await asyncio.sleep(0.01)
    call.cancel()
    office.gateway.state = "answered"
    assert (await ring(office.line())).outcome == "accepted"
    assert len(office.gateway.calls) == 1
    office.line()._calls.begin("early")  # as a crash before the order went out leaves it
    with pytest.raises(ChannelDown, match="unsent"):
        await ring(office.line(), "early")
    assert (await ring(office.line(), "early")).outcome == "accepted"


async def test_the_strict_gateway_has_teeth(office: Office) -> None:
    office.secret = "whsec_" + "A" * 32
    with pytest.raises(ChannelDown, match="status 401"):
        await ring(office.line())
    office.secret = providers.GATEWAY_SECRET
    now = office.gateway.now
    office.gateway.now = lambda: now() + 16 * 60
    with pytest.raises(ChannelDown, match="status 401"):
        await ring(office.line())
    assert office.gateway.refusals == ["signature", "skew"] and office.gateway.calls == {}


async def test_messages_and_replies(office: Office) -> None:
    line = office.line()
    for _ in range(2):
        answer = await line.write(key="s", number=WEI, template="confirmed", fields=VALUES)
        assert answer.state == "answered"
    (message,) = office.gateway.messages.values()
    assert message["text"].startswith("您已确认") and message["number"] == WEI
    office.gateway.replies = [{"id": reference("s"), "text": "2"}, {"id": "stranger", "text": "1"}, "nonsense"]  # type: ignore[list-item]
    ((key, reply),) = await line.answers()
    assert (key, reply.outcome) == ("s", "declined") and await line.answers() == []
    office.gateway.faults = ["garbage"]
    with pytest.raises(ChannelNonsense):
        await line.answers()
    office.gateway.faults = ["never"]
    with pytest.raises(ChannelDown, match="unsure"):
        await line.write(key="t", number=WEI, template="confirmed", fields=VALUES)
    assert (await line.write(key="t", number=WEI, template="confirmed", fields=VALUES)).state == "answered"
    assert len(office.gateway.messages) == 2, "posted twice under one id, written once"
    with pytest.raises(Refused):
        await line.write(key="u", number=WEI, template="confirmed", fields=VALUES | {"contact": "http://x.cn"})


async def test_a_gateway_that_is_not_there_rang_nobody(office: Office) -> None:
    office.url = "http://127.0.0.1:9"
    with pytest.raises(ChannelDown, match="unreachable"):
        await ring(office.line())
    assert office.line()._calls.known("k") is None
