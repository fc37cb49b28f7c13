"""Where providers call back: a small web server inside the dispatcher's process, on a port of its own.

Never in the web process, because the bodies carry numbers. What comes is a hint (trading/channels/hints.py): the driver asks
the provider before it believes anything. A call must know the secret part of the path; it must name a reference that a
driver expects; what came before is answered and not kept again. Every refusal has a name, is counted and logged by that
name, and nothing of a body is ever logged or answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from audit.refusal import Refused
from trading.channels.hints import Hints
from trading.channels.webhook import verify

LARGEST: Final = 1 << 16
"""Bytes of a callback."""
ITEMS: Final = 200
TOKEN_LENGTH: Final = 32
STATUS: Final = {
    "E-CALLBACK-FORGED": 404, "E-CALLBACK-SKEW": 401, "E-CALLBACK-UNKNOWN": 404, "E-CALLBACK-MALFORMED": 400,
}  # fmt: skip
REPLAYED: Final = "E-CALLBACK-REPLAYED"
logger = logging.getLogger("trading.channels")


class _Server(uvicorn.Server):
    """Signals belong to the dispatcher, whose process this is."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Callbacks:
    """The receiving end. `counts` is for the metrics: how many of each name, "taken" for what was kept."""

    def __init__(
        self, hints: Hints, token: str, gateway_secret: bytes | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        """Raises Refused("E-CHANNEL-SETTING") for a token that could be guessed."""
        if len(token) < TOKEN_LENGTH:
            raise Refused("E-CHANNEL-SETTING", name="callbacks", setting="TRADING_CALLBACK_TOKEN")
        self._hints, self._token, self._gateway = hints, token, gateway_secret
        self._host, self._port = host, port
        self.counts: Counter[str] = Counter()

    def app(self) -> Starlette:
        """The server's application."""
        routes = [
            Route("/{token}/aliyun/voice", self._door(self._aliyun_voice), methods=["POST"]),
            Route("/{token}/aliyun/sms", self._door(self._aliyun_sms), methods=["POST"]),
            Route("/{token}/http_generic", self._door(self._http_generic), methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def serve(self) -> None:
        """Listens until cancelled. No access log: its lines would hold the path, and with it the token.

        Raises OSError if the port is taken.
        """
        config = uvicorn.Config(self.app(), access_log=False, log_config=None, lifespan="off", server_header=False)
        server = _Server(config)
        with socket.create_server((self._host, self._port)) as listener:
            task = asyncio.create_task(server.serve([listener]))
            try:
                await asyncio.shield(task)
            finally:
                server.should_exit = True
                await task

    def _door(self, take: Callable[[Request, bytes], None]) -> Callable[[Request], Any]:
        async def door(request: Request) -> Response:
            try:
                if not hmac.compare_digest(request.path_params["token"].encode(), self._token.encode()):
                    raise Refused("E-CALLBACK-FORGED")
                take(request, await _body(request))
            except Refused as refused:
                self._count(refused.code)
                return JSONResponse({"code": refused.code, "msg": "refused"}, STATUS[refused.code])
            return JSONResponse({"code": 0, "msg": "OK"})

        return door

    def _aliyun_voice(self, request: Request, body: bytes) -> None:
        """VoiceReport and VoiceCallReport: [{call_id, status_code, dtmf, out_id, …}]."""
        for item in _items(body):
            kept = {name: _word(item, name) for name in ("call_id", "status_code", "status_time", "dtmf")}
            self._arrive("aliyun_voice", _word(item, "out_id"), kept)

    def _aliyun_sms(self, request: Request, body: bytes) -> None:
        """SmsReport: [{success, err_code, biz_id, out_id, …}], and SmsUp: [{phone_number, content, sequence_id, …}]."""
        for item in _items(body):
            if "content" in item:
                kept: dict[str, Any] = {name: _word(item, name) for name in ("content", "sequence_id", "send_time")}
                self._arrive("aliyun_sms/up", _word(item, "phone_number"), kept)
            else:
                kept = {"success": item.get("success") is not False, "err_code": _word(item, "err_code")}
                self._arrive("aliyun_sms/sms", _word(item, "out_id"), kept)

    def _http_generic(self, request: Request, body: bytes) -> None:
        if self._gateway is None:
            raise Refused("E-CALLBACK-FORGED")
        message = verify(self._gateway, request.headers, body)
        (item,) = _items(b"[" + body + b"]") or [{}]
        self._arrive("http_generic", _word(item, "id"), {"message": message})

    def _arrive(self, channel: str, reference: str, hint: dict[str, Any]) -> None:
        if not self._hints.known(channel, reference):
            raise Refused("E-CALLBACK-UNKNOWN")
        self._count("taken" if self._hints.arrive(channel, reference, hint) else REPLAYED)

    def _count(self, name: str) -> None:
        self.counts[name] += 1
        if name != "taken":
            logger.warning("callback: %s", name)


async def _body(request: Request) -> bytes:
    whole = b""
    try:
        async for chunk in request.stream():
            whole += chunk
            if len(whole) > LARGEST:
                raise Refused("E-CALLBACK-MALFORMED")
    except ClientDisconnect:
        raise Refused("E-CALLBACK-MALFORMED") from None
    return whole


def _items(body: bytes) -> list[dict[str, Any]]:
    try:
        items = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("E-CALLBACK-MALFORMED") from None
    if not isinstance(items, list) or not 0 < len(items) <= ITEMS or not all(isinstance(one, dict) for one in items):
        raise Refused("E-CALLBACK-MALFORMED")
    return items


def _word(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int) or len(str(value)) > 200:
        raise Refused("E-CALLBACK-MALFORMED")
    return str(value)
