"""Who may call back, and what comes of it: a hint at most, a name and a count for everything else."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest

from audit.refusal import Refused
from tests.channels.providers import GATEWAY_SECRET
from trading.channels import webhook
from trading.channels.callbacks import Callbacks
from trading.channels.hints import Hints

TOKEN = "t" * 32
WEI = "13800138000"
SECRET = webhook.secret_bytes(GATEWAY_SECRET)
REPORT = {"call_id": "1^7", "status_code": "200000", "dtmf": "11", "out_id": "ours", "callee": WEI}


class Desk:
    def __init__(self) -> None:
        self.hints = Hints()
        for channel, reference in (
            ("aliyun_voice", "ours"), ("aliyun_sms/sms", "ours"), ("aliyun_sms/up", WEI), ("http_generic", "ours"),
        ):  # fmt: skip
            self.hints.expect(channel, reference)
        self.callbacks = Callbacks(self.hints, TOKEN, SECRET)

    async def post(self, path: str, body: Any, token: str = TOKEN, **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.callbacks.app())
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with httpx.AsyncClient(transport=transport, base_url="http://dispatcher") as client:
            return await client.post(f"/{token}/{path}", content=raw, headers=headers)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_report_of_ours_is_kept_as_a_hint_without_its_number(desk: Desk) -> None:
    reply = await desk.post("aliyun/voice", [REPORT])
    assert (reply.status_code, reply.json()["code"]) == (200, 0), "or the provider sends it again"
    (hint,) = desk.hints.came("aliyun_voice", "ours")
    assert hint == {"call_id": "1^7", "status_code": "200000", "dtmf": "11", "status_time": ""}
    assert (
        await desk.post("aliyun/sms", [{"out_id": "ours", "success": False, "phone_number": WEI}])
    ).status_code == 200
    assert (await desk.post("aliyun/sms", [{"phone_number": WEI, "content": "2"}])).status_code == 200
    assert desk.callbacks.counts == {"taken": 3}


async def test_the_same_report_again_is_answered_and_not_kept_twice(desk: Desk) -> None:
    for _ in range(3):
        assert (await desk.post("aliyun/voice", [REPORT])).status_code == 200
    assert len(desk.hints.came("aliyun_voice", "ours")) == 1
    assert desk.callbacks.counts == {"taken": 1, "E-CALLBACK-REPLAYED": 2}


@pytest.mark.parametrize(
    ("path", "body", "token", "status", "code"),
    [
        ("aliyun/voice", [REPORT], "x" * 32, 404, "E-CALLBACK-FORGED"),
        ("aliyun/voice", [REPORT], "ü" * 32, 404, "E-CALLBACK-FORGED"),
        ("aliyun/voice", [REPORT | {"out_id": "theirs"}], TOKEN, 404, "E-CALLBACK-UNKNOWN"),
        ("aliyun/voice", [REPORT | {"out_id": None}], TOKEN, 404, "E-CALLBACK-UNKNOWN"),
        ("aliyun/sms", [{"phone_number": "13900139000", "content": "2"}], TOKEN, 404, "E-CALLBACK-UNKNOWN"),
        ("aliyun/voice", b"<xml/>", TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", b"[" * 5000, TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", b"\xff", TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", REPORT, TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", [], TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", ["x"], TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", [REPORT | {"dtmf": ["1"]}], TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", [REPORT | {"dtmf": "1" * 201}], TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", [REPORT] * 201, TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("aliyun/voice", b" " * 70_000, TOKEN, 400, "E-CALLBACK-MALFORMED"),
        ("http_generic", {"id": "ours"}, TOKEN, 404, "E-CALLBACK-FORGED"),
    ],
)
async def test_what_is_not_believed_has_a_name_and_leaves_no_trace_of_its_content(
    desk: Desk, caplog: pytest.LogCaptureFixture, path: str, body: Any, token: str, status: int, code: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = await desk.post(path, body, token)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert desk.callbacks.counts == {code: 1}
    assert caplog.messages[0] == f"callback: {code}"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("trading")]
    for secret in (WEI, TOKEN, "1^7"):
        assert not any(secret in line for line in ours) and secret not in reply.text


async def test_the_gateways_own_callbacks_are_signed(desk: Desk) -> None:
    body = b'{"id": "ours"}'
    good = webhook.headers(SECRET, "m1", body)
    for _ in range(2):
        assert (await desk.post("http_generic", body, **good)).status_code == 200
    assert desk.callbacks.counts == {"taken": 1, "E-CALLBACK-REPLAYED": 1}
    assert (await desk.post("http_generic", b'{"id": "ours" }', **good)).json()["code"] == "E-CALLBACK-FORGED"
    old = webhook.headers(SECRET, "m2", body, at=1_700_000_000)
    reply = await desk.post("http_generic", body, **old)
    assert (reply.status_code, reply.json()["code"]) == (401, "E-CALLBACK-SKEW")


async def test_after_the_answer_a_late_report_changes_nothing(desk: Desk) -> None:
    desk.hints.forget("aliyun_voice", "ours")
    assert (await desk.post("aliyun/voice", [REPORT])).status_code == 200
    assert desk.hints.came("aliyun_voice", "ours") == [] and desk.callbacks.counts == {"E-CALLBACK-REPLAYED": 1}


async def test_only_posts_and_only_these_paths(desk: Desk) -> None:
    assert (await desk.post("elsewhere", [REPORT])).status_code == 404
    transport = httpx.ASGITransport(app=desk.callbacks.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://dispatcher") as client:
        assert (await client.get(f"/{TOKEN}/aliyun/voice")).status_code == 405


def test_a_token_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        Callbacks(Hints(), "short")
    assert refused.value.code == "E-CHANNEL-SETTING"
