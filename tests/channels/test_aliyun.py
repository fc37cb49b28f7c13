"""Aliyun's voice and short messages, against a provider that recomputes every signature."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.refusal import Refused
from experts.conversation import Answer
from tests.channels import providers
from tests.channels.calls import SCRIPT, VALUES, knows
from tests.listening import listening
from trading.channels import ChannelDown, ChannelError, ChannelUnfit, acs3
from trading.channels.acs3 import Signer
from trading.channels.aliyun_sms import AliyunSms
from trading.channels.aliyun_voice import AliyunVoice, out_id
from trading.channels.hints import Hints
from trading.channels.notes import Notes

WEI = "13800138000"
CODES = {
    "invitation": "TTS_1",
    "confirm_yes": "TTS_2",
    "confirm_no": "TTS_3",
    "confirm_conflict": "TTS_4",
    "goodbye": "TTS_9",
}


@dataclass
class Office:
    """A centre with its provider."""

    provider: providers.Aliyun
    url: str
    folder: Path
    hints: Hints
    secret: str = providers.KEY_SECRET

    def aliyun(self, name: str) -> acs3.Aliyun:
        return acs3.Aliyun(name, self.url, "2017-05-25", Signer(providers.KEY_ID, self.secret), "cn-hangzhou")

    def voice(self, **options: Any) -> AliyunVoice:
        notes = Notes(self.folder / "voice", bytes(32))
        options = {"poll": 0.03, "talk": 0.6} | options
        return AliyunVoice(self.aliyun("aliyun_voice"), "05711234", CODES, notes, self.hints, **options)

    def sms(self) -> AliyunSms:
        notes = Notes(self.folder / "sms", bytes(32))
        return AliyunSms(self.aliyun("aliyun_sms"), "江西交易", {"confirmed": "SMS_1"}, notes, self.hints)

    async def reports(self, key: str, state: str, dtmf: str = "", **also: Any) -> None:
        """The person picks up; a little later the provider knows, and says so."""
        while not self.provider.calls:
            await asyncio.sleep(0.01)
        call_id = list(self.provider.calls)[-1]
        self.provider.state[call_id] = state
        hint = {"call_id": call_id, "status_code": state, "dtmf": dtmf, "status_time": ""} | also
        self.hints.arrive("aliyun_voice", out_id(key), hint)


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(acs3, "TIMEOUT", 0.4)
    provider = providers.Aliyun()
    async with listening(provider.app()) as url:
        yield Office(provider, url, tmp_path, Hints())


async def ring(voice: AliyunVoice, key: str = "k", number: str = WEI) -> Answer:
    return await voice.call(key=key, number=number, script=SCRIPT, check=None, ring=0.4)


@pytest.mark.parametrize(
    ("state", "dtmf", "expected"),
    [
        ("200000", "11", ("answered", "accepted", "11")),
        ("200000", "2,2", ("answered", "declined", "22")),
        ("200000", "99", ("answered", "conflict", "99")),
        ("200000", "1", ("answered", "no_answer", "1")),
        ("200001", "1", ("hung_up", "no_answer", "1")),
        ("200001", "11", ("answered", "accepted", "11")),
        ("200000", "", ("answered", "no_answer", "")),
        ("200002", "", ("busy", "no_answer", "")),
        ("200003", "", ("no_answer", "no_answer", "")),
        ("200010", "", ("no_answer", "no_answer", "")),
        ("200004", "", ("failed", "no_answer", "")),
    ],
)
async def test_what_comes_of_a_call(office: Office, state: str, dtmf: str, expected: tuple[str, str, str]) -> None:
    answer, _ = await asyncio.gather(ring(office.voice()), office.reports("k", state, dtmf))
    assert (answer.state, answer.outcome, answer.keys) == expected
    assert json.loads(answer.provider)["Code"] == "OK", "the provider's own answer, as it came"
    assert office.provider.refusals == []
    (call,) = office.provider.calls.values()
    assert (call["CalledNumber"], call["OutId"], call["MenuKeyMap.3.Key"]) == (WEI, out_id("k"), "9")
    told = json.loads(call["StartTtsParams"])
    assert told["city"] == "南昌" and set(told) <= set(VALUES)
    assert await ring(office.voice()) == answer and len(office.provider.calls) == 1


async def test_keys_told_one_by_one_count_in_their_order(office: Office) -> None:
    async def reports() -> None:
        while not office.provider.calls:
            await asyncio.sleep(0.01)
        for at, key in (("10:00:05", "2"), ("10:00:01", "2")):
            hint = {"call_id": "1^7", "status_code": "300000", "dtmf": key, "status_time": at}
            assert office.hints.arrive("aliyun_voice", out_id("k"), hint)
        await office.reports("k", "200000", "2")

    answer, _ = await asyncio.gather(ring(office.voice()), reports())
    assert (answer.outcome, answer.keys) == ("declined", "22")


async def test_a_callback_alone_is_not_believed(office: Office) -> None:
    """Whoever knows the secret path and our OutId, but not the provider: the query says that nobody answered."""

    async def forged() -> None:
        while not office.provider.calls:
            await asyncio.sleep(0.01)
        hint = {"call_id": "1^7", "status_code": "200000", "dtmf": "11", "status_time": ""}
        office.hints.arrive("aliyun_voice", out_id("k"), hint)
        await asyncio.sleep(0.1)
        office.provider.state["1^7"] = "200003"

    answer, _ = await asyncio.gather(ring(office.voice()), forged())
    assert (answer.state, answer.outcome) == ("no_answer", "no_answer")
    for change in ({"call_id": "99^7"}, {"out_id": "other"}):  # keys of another call are not this call's
        office.provider.calls.clear()
        key = str(change)
        answer, _ = await asyncio.gather(
            ring(office.voice(), key[:30]), office.reports(key[:30], "200000", "11", **{"call_id": "99^7"} | change)
        )
        assert answer.outcome != "accepted"


async def test_an_answer_about_another_number_is_not_believed(office: Office) -> None:
    office.provider.callee["1^7"] = "13900139000"
    answer, _ = await asyncio.gather(ring(office.voice()), office.reports("k", "200000", "11"))
    assert (answer.state, answer.outcome) == ("failed", "no_answer")


async def test_who_was_certainly_not_rung_may_be_rung_again(office: Office) -> None:
    office.provider.faults = ["throttled", "500"]
    for why in ("Throttling.User", "ServiceUnavailable"):
        with pytest.raises(ChannelDown, match=why) as error:
            await ring(office.voice())
        assert WEI not in str(error.value)
    assert error.value.retry_after == 0
    answer, _ = await asyncio.gather(ring(office.voice()), office.reports("k", "200000", "11"))
    assert answer.outcome == "accepted" and len(office.provider.calls) == 1


@pytest.mark.parametrize("fault", ["never", "garbage"])
async def test_who_may_have_been_rung_is_not_rung_again(office: Office, fault: str) -> None:
    """The order was carried out and the answer got lost: a callback finds the call, or the key is used up."""
    office.provider.faults = [fault]
    answer, _ = await asyncio.gather(ring(office.voice()), office.reports("k", "200000", "11"))
    assert answer.outcome == "accepted", "the callback told which call it was, the query what came of it"
    office.provider.faults = [fault]
    lost = await ring(office.voice(), "lost")
    assert (lost.state, lost.outcome) == ("failed", "no_answer")
    assert await ring(office.voice(), "lost") == lost
    assert len(office.provider.calls) == 2


async def test_after_a_crash_the_provider_is_asked_and_nobody_is_rung(office: Office) -> None:
    call = asyncio.create_task(ring(office.voice()))
    while not office.provider.calls:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    call.cancel()
    office.hints = Hints()
    voice = office.voice(poll=0.3)
    assert office.hints.known("aliyun_voice", out_id("k")), "a callback is known again after the restart"
    await office.reports("k", "200000", "22")
    answer = await ring(voice)
    assert (answer.outcome, len(office.provider.calls)) == ("declined", 1)


async def test_what_it_cannot_do_is_told_before_anybody_is_rung(office: Office) -> None:
    voice = office.voice()
    for number in ("+85212345678", "110", "13800138000;ext=1", ""):
        with pytest.raises(ChannelUnfit):
            await ring(voice, "k", number)
    with pytest.raises(ChannelUnfit, match="code"):
        await voice.call(key="k", number=WEI, script=SCRIPT, check=knows(), ring=1)
    assert office.provider.calls == {}
    free = office.voice(without_code=True)
    call = free.call(key="k", number="+8613800138000", script=SCRIPT, check=knows(), ring=1)
    answer, _ = await asyncio.gather(call, office.reports("k", "200000", "11"))
    assert answer.outcome == "accepted"


async def test_the_strict_provider_has_teeth(office: Office) -> None:
    """Each thing it is strict about, tried: a wrong secret, a clock that is off, a nonce used twice."""
    office.secret = "another"
    with pytest.raises(ChannelDown, match="SignatureDoesNotMatch"):
        await ring(office.voice())
    office.secret = providers.KEY_SECRET
    for minutes in (16, -16):
        office.provider.now = lambda minutes=minutes: datetime.now(UTC) + timedelta(minutes=minutes)
        with pytest.raises(ChannelDown, match="InvalidTimeStamp"):
            await ring(office.voice())
    office.provider.now = lambda: datetime.now(UTC) + timedelta(minutes=14)
    fixed = pytest.MonkeyPatch()
    fixed.setattr("secrets.token_hex", lambda size: "0" * 32)
    asked = {"PhoneNumber": WEI, "SendDate": "20261130", "PageSize": "50", "CurrentPage": "1"}
    try:
        await office.aliyun("aliyun_sms").ask("QuerySendDetails", asked)
        with pytest.raises(ChannelDown, match="SignatureNonceUsed"):
            await office.aliyun("aliyun_sms").ask("QuerySendDetails", asked)
    finally:
        fixed.undo()
    elsewhere = acs3.Aliyun(
        "x",
        office.url.replace("127.0.0.1", "localhost"),
        "2017-05-25",
        Signer(providers.KEY_ID, providers.KEY_SECRET),
        "x",
    )
    with pytest.raises(ChannelDown, match="InvalidHost"):
        await elsewhere.ask("QuerySendDetails", asked)
    assert office.provider.calls == {}


async def test_a_provider_that_is_not_there_rang_nobody(office: Office) -> None:
    office.url = "http://127.0.0.1:9"
    with pytest.raises(ChannelDown, match="unreachable"):
        await ring(office.voice())


# ---- short messages


async def write(sms: AliyunSms, key: str = "s", number: str = WEI) -> Answer:
    return await sms.write(key=key, number=number, template="confirmed", fields=VALUES)


async def test_a_message_goes_out_once_in_the_providers_template(office: Office) -> None:
    first = await write(office.sms())
    assert (first.state, first.outcome) == ("answered", "no_answer")
    assert await write(office.sms()) == first
    (sent,) = office.provider.sent
    assert (sent["PhoneNumbers"], sent["TemplateCode"], sent["SignName"]) == (WEI, "SMS_1", "江西交易")
    assert json.loads(sent["TemplateParam"])["code"] == "482913"


async def test_a_lost_answer_is_looked_up_before_it_is_sent_again(office: Office) -> None:
    office.provider.faults = ["never"]
    assert (await write(office.sms())).state == "answered"
    assert len(office.provider.sent) == 1
    office.provider.faults = ["never-lost"]
    task = asyncio.create_task(write(office.sms(), "t"))
    with pytest.raises(ChannelError, match="unsent"):
        await task
    assert (await write(office.sms(), "t")).state == "answered"
    assert [one["PhoneNumbers"] for one in office.provider.sent].count(WEI) == 2


async def test_after_a_crash_a_message_is_looked_up_too(office: Office) -> None:
    office.provider.faults = ["never"]
    task = asyncio.create_task(write(office.sms()))
    while not office.provider.sent:
        await asyncio.sleep(0.01)
    task.cancel()
    assert (await write(office.sms())).state == "answered"
    assert len(office.provider.sent) == 1


async def test_a_reply_answers_the_last_message_to_its_number(office: Office) -> None:
    sms = office.sms()
    await write(sms, "first")
    await asyncio.sleep(0.01)
    await write(sms, "second")
    for content in (" 2 ", "hello", "1"):
        office.hints.arrive("aliyun_sms/up", WEI, {"content": content, "sequence_id": content})
    came = await sms.answers()
    assert [(key, answer.outcome, answer.keys) for key, answer in came] == [
        ("second", "declined", "2"), ("second", "accepted", "1"),
    ]  # fmt: skip
    assert await sms.answers() == []


async def test_a_message_that_did_not_arrive_is_told(office: Office) -> None:
    sms = office.sms()
    await write(sms)
    reference = office.provider.sent[0]["OutId"]
    office.hints.arrive("aliyun_sms/sms", reference, {"success": True, "err_code": "DELIVERED"})
    assert await sms.answers() == []
    office.hints.arrive("aliyun_sms/sms", reference, {"success": False, "err_code": "MOBILE_NOT_ON_SERVICE"})
    assert [(key, answer.state) for key, answer in await sms.answers()] == [("s", "failed")]


async def test_what_may_not_be_said_is_not_sent(office: Office) -> None:
    with pytest.raises(Refused):
        await office.sms().write(
            key="s", number=WEI, template="confirmed", fields=VALUES | {"city": "x", "date": "项目"}
        )
    for number, template in (("no number", "confirmed"), (WEI, "unknown")):
        with pytest.raises(ChannelUnfit):
            await office.sms().write(key="s", number=number, template=template, fields=VALUES)
    with pytest.raises(ChannelUnfit):
        await write(office.sms(), number="013800138000")
    assert office.provider.sent == []
