"""A number and a name that are looked for wherever a driver could leave them; and found where they must be."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from experts import wording
from tests.channels import providers
from tests.channels.calls import VALUES, knows
from tests.listening import listening
from trading.channels import ChannelDown, acs3
from trading.channels.acs3 import Signer
from trading.channels.aliyun_sms import AliyunSms
from trading.channels.aliyun_voice import AliyunVoice
from trading.channels.hints import Hints
from trading.channels.http_generic import HttpGeneric
from trading.channels.notes import Notes
from trading.channels.smtp import Server, Smtp
from trading.channels.steady import SteadyText, SteadyVoice
from trading.channels.webhook import secret_bytes

NUMBER, NAME, CODE, MAIL = "13866667777", "欧阳静姝", "6049", "ouyang@example.org"
PLANTED = (NUMBER, NAME, CODE, MAIL)


async def test_nothing_planted_is_found_in_logs_errors_notes_and_health(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acs3, "TIMEOUT", 0.3)
    script = wording.CHINESE.script(VALUES | {"salutation": NAME})
    aliyun, gateway = providers.Aliyun(), providers.Gateway()
    gateway.keys = ["1", CODE, "1"]
    seen: list[str] = []
    with caplog.at_level(logging.DEBUG):
        async with listening(aliyun.app()) as cloud, listening(gateway.app()) as own:
            hints = Hints()
            signer = Signer(providers.KEY_ID, providers.KEY_SECRET)
            api = acs3.Aliyun("aliyun", cloud, "2017-05-25", signer, "cn-hangzhou")
            codes = dict.fromkeys(wording.CLIPS, "TTS_1")

            def notes(name: str) -> Notes:
                return Notes(tmp_path / name, bytes(range(32)))

            secret = secret_bytes(providers.GATEWAY_SECRET)
            line = HttpGeneric(own, secret, notes("a"), notes("b"), hints, poll=0.02, talk=0.2)
            voices = [
                SteadyVoice(AliyunVoice(api, "0571", codes, notes("c"), hints, without_code=True, poll=0.02, talk=0.2)),
                SteadyVoice(line),
            ]
            post = Smtp(Server("127.0.0.1", 9, "a@b.example", "none"), notes("d"))
            texts = [
                (NUMBER, SteadyText(AliyunSms(api, "江西交易", {"confirmed": "SMS_1"}, notes("e"), hints))),
                (NUMBER, SteadyText(line)),
                (MAIL, SteadyText(post)),
            ]
            for voice in voices:
                answer = await voice.call(key="k", number=NUMBER, script=script, check=knows(CODE), ring=0.1)
                seen += [replace(answer, provider=b"").__repr__(), repr(voice.health()), repr(voice.driver)]
            for number, text in texts:
                try:
                    await text.write(key="s", number=number, template="confirmed", fields=VALUES)
                except ChannelDown as error:
                    seen += [str(error), repr(error), repr(error.args)]
                seen += [repr(text.health()), repr(text.driver)]
            aliyun.faults = ["garbage", "never"]
            seen.append(repr(await asyncio.gather(*(v.call(key="x", number=NUMBER, script=script, check=None, ring=0.1)
                                                    for v in voices), return_exceptions=True)))  # fmt: skip
    seen += [record.getMessage() for record in caplog.records]
    seen += [str(record.args) for record in caplog.records]
    seen += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*.note")]
    for word in PLANTED:
        assert not any(word in text for text in seen), word
    # the control: the provider got the number in its own field, and the name where it is to be said
    assert any(call["CalledNumber"] == NUMBER for call in aliyun.calls.values())
    (order, _) = gateway.calls.values()
    assert order["number"] == NUMBER and NAME in order["script"]["invitation"]
    assert len(list(tmp_path.rglob("*.note"))) >= 5
