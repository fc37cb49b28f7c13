"""From the environment to open channels; what is missing is named before anybody is rung."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import httpx
import pytest

from audit.refusal import Refused
from tests.channels.providers import GATEWAY_SECRET
from trading.channels import open_channels
from trading.channels.baresip import free_port
from trading.channels.settings import ChannelSettings
from trading.channels.sip import closed

CLIPS = dict.fromkeys(["invitation", "confirm_yes", "confirm_no", "confirm_conflict", "goodbye"], "TTS_1")
ALL = {
    "TRADING_VOICE": "aliyun_voice,http_generic,file",
    "TRADING_TEXT": "aliyun_sms,http_generic,file",
    "TRADING_MAIL": "smtp,file",
    "TRADING_ALIYUN_KEY_ID": "LTAI", "TRADING_ALIYUN_KEY_SECRET": "hush-aliyun", "TRADING_ALIYUN_SHOW_NUMBER": "0571",
    "TRADING_ALIYUN_VOICE_TEMPLATES": json.dumps(CLIPS), "TRADING_ALIYUN_SMS_SIGN": "江西交易",
    "TRADING_ALIYUN_SMS_TEMPLATES": '{"invited": "SMS_1", "confirmed": "SMS_2", "released": "SMS_3"}',
    "TRADING_SMTP_FROM": "a@ggzy.example",
    "TRADING_SMTP_PASSWORD": "hush-smtp", "TRADING_GATEWAY_URL": "https://gateway.example",
    "TRADING_GATEWAY_SECRET": GATEWAY_SECRET, "TRADING_CALLBACK_PORT": "8099", "TRADING_CALLBACK_TOKEN": "hush" * 8,
}  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in ALL.items():
        monkeypatch.setenv(name, value)


def test_the_order_of_the_names_is_the_order_of_preference() -> None:
    channels = open_channels(ChannelSettings())
    assert [one.name for one in channels.voice] == ["aliyun_voice", "http_generic", "file"]
    assert [one.name for one in channels.text] == ["aliyun_sms", "http_generic", "file"]
    assert [one.name for one in channels.mail] == ["smtp", "file"]
    assert channels.callbacks is not None


def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(ChannelSettings())
    assert "hush" not in shown and GATEWAY_SECRET not in shown and "LTAI" in shown


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("ALIYUN_KEY_ID", "", "ALIYUN_KEY_ID"),
        ("ALIYUN_KEY_SECRET", "", "ALIYUN_KEY_SECRET"),
        ("ALIYUN_SHOW_NUMBER", "", "ALIYUN_SHOW_NUMBER"),
        ("ALIYUN_VOICE_TEMPLATES", '{"invitation": "TTS_1"}', "ALIYUN_VOICE_TEMPLATES"),
        ("CALLBACK_PORT", "0", "CALLBACK_PORT"),
        ("CALLBACK_TOKEN", "short", "CALLBACK_TOKEN"),
        ("ALIYUN_SMS_TEMPLATES", '{"confirmed": "SMS_2"}', "ALIYUN_SMS_TEMPLATES"),
        ("SMTP_FROM", "nobody", "SMTP_FROM"),
        ("SMTP_SECURITY", "maybe", "SMTP_SECURITY"),
        ("SMTP_SECURITY", "none", "SMTP_SECURITY"),  # and a password in clear
        ("GATEWAY_URL", "http://gateway.example", "GATEWAY_URL"),
        ("GATEWAY_SECRET", "whsec_" + base64.b64encode(bytes(8)).decode(), "GATEWAY_SECRET"),
    ],
)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, setting: str) -> None:
    monkeypatch.setenv(f"TRADING_{name}", value)
    with pytest.raises(Refused) as refused:
        open_channels(ChannelSettings())
    assert (refused.value.code, refused.value.facts["setting"]) == ("E-CHANNEL-SETTING", f"TRADING_{setting}")
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"SIP_ACCOUNT": ""}, "E-CHANNEL-SETTING"),
        ({"SIP_ACCOUNT": "centre@trunk.example"}, "E-CHANNEL-SETTING"),
        ({"SIP_ACCOUNT": "sip:centre@trunk.example\nsip:x@y"}, "E-CHANNEL-SETTING"),
        ({"SIP_PASSWORD": "a;regint=3600"}, "E-CHANNEL-SETTING"),
        ({"SIP_TARGET": "sip:everybody@trunk.example"}, "E-CHANNEL-SETTING"),
        ({"SIP_BARESIP": "no-such-program"}, "E-CHANNEL-BARESIP"),
    ],
)
def test_a_telephone_line_that_cannot_work(monkeypatch: pytest.MonkeyPatch, change: dict[str, str], code: str) -> None:
    monkeypatch.setenv("TRADING_VOICE", "sip")
    good = {"SIP_ACCOUNT": "sip:centre@trunk.example;transport=tls", "SIP_PASSWORD": "hush", "SIP_BARESIP": "true"}
    for name, value in (good | change).items():
        monkeypatch.setenv(f"TRADING_{name}", value)
    with pytest.raises(Refused) as refused:
        open_channels(ChannelSettings())
    assert refused.value.code == code


def test_a_telephone_line_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_VOICE", "sip")
    monkeypatch.setenv("TRADING_SIP_ACCOUNT", "sip:centre@trunk.example;transport=tls")
    monkeypatch.setenv("TRADING_SIP_PASSWORD", "hush")
    monkeypatch.setenv("TRADING_SIP_BARESIP", "true")
    Path("data/channels/under-way/words-1").mkdir(parents=True)  # a crash left it
    (voice,) = open_channels(ChannelSettings()).voice
    trunk = voice.driver._trunk  # type: ignore[attr-defined]
    assert trunk.target == "sip:{number}@trunk.example;transport=tls"
    assert trunk.account == ("<sip:centre@trunk.example;transport=tls>;regint=0;audio_codecs=pcma,pcmu;auth_pass=hush")
    assert "hush" not in repr(trunk)
    assert list(Path("data/channels/under-way").iterdir()) == [], "a voice that says a name does not outlive a crash"


async def test_callbacks_are_heard_on_their_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("TRADING_CALLBACK_PORT", str(port))
    callbacks = open_channels(ChannelSettings()).callbacks
    assert callbacks
    serving = asyncio.create_task(callbacks.serve())
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(200):
            try:
                reply = await client.post(f"http://127.0.0.1:{port}/{'hush' * 8}/aliyun/voice", content=b"[]")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
    assert (reply.status_code, reply.json()["code"]) == (400, "E-CALLBACK-MALFORMED")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


@pytest.mark.parametrize(
    ("reason", "rang", "state"),
    [
        ("486 Busy Here", True, "busy"), ("486 Busy Here", False, "busy"), ("603 Decline", True, "busy"),
        ("480 Temporarily Unavailable", True, "no_answer"), ("408 Request Timeout", False, "no_answer"),
        ("404 Not Found", False, "failed"), ("404 Not Found", True, "failed"), ("Connection timed out", False, "failed"),
        ("", True, "no_answer"), ("503 Service Unavailable", True, "failed"),
        ("503 Service Unavailable", False, "down"), ("403 Forbidden", False, "down"), ("407 Proxy", False, "down"),
        ("Connection refused", False, "down"), ("No route to host", False, "down"),
    ],
)  # fmt: skip
def test_how_a_call_ended_that_nobody_answered(reason: str, rang: bool, state: str) -> None:
    from trading.channels import ChannelDown

    if state == "down":
        with pytest.raises(ChannelDown):
            closed(reason, rang)
    else:
        assert closed(reason, rang) == state
