"""Providers that believe nothing: each recomputes the signature of every request from the published algorithm, over a
real socket, and refuses a wrong one, a wrong host, a body that is not the signed one, a nonce or a message that came before
and a clock that is off by more than fifteen minutes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY_ID, KEY_SECRET = "LTAI-nanchang", "a secret of the centre's"
GATEWAY_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SKEW = timedelta(minutes=15)


class Aliyun:
    """Dyvms and Dysms. `faults` happen to the next requests, in order: "500", "garbage", "throttled", "never" (carries it
    out and does not answer), "never-lost" (does not answer and did nothing); `calls` and `sent` are what was carried out.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.refusals: list[str] = []
        self.calls: dict[str, dict[str, str]] = {}
        self.sent: list[dict[str, str]] = []
        self.state: dict[str, str] = {}
        self.callee: dict[str, str] = {}
        self.now = lambda: datetime.now(UTC)
        self._nonces: set[str] = set()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self._door, methods=["POST"])])

    async def _door(self, request: Request) -> Response:
        body = await request.body()
        wrong = self._wrong(request, body)
        if wrong:
            self.refusals.append(wrong)
            return JSONResponse({"Code": wrong, "Message": wrong, "RequestId": "R"}, 400)
        action = request.headers["x-acs-action"]
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "throttled":
            return JSONResponse({"Code": "Throttling.User", "Message": "slow down", "RequestId": "R"}, 400)
        if fault == "500":
            return JSONResponse({"Code": "ServiceUnavailable", "Message": "…", "RequestId": "R"}, 503)
        if fault == "never-lost":
            await asyncio.sleep(5)
        answer = getattr(self, f"_{action}")(dict(request.query_params))
        if fault == "never":
            await asyncio.sleep(5)
        if fault == "garbage":
            return Response("<html>gateway</html>", 200)
        return JSONResponse(answer)

    def _wrong(self, request: Request, body: bytes) -> str:
        """What a strict provider finds wrong with a request; written from its documentation, not from our signer."""
        head = request.headers
        try:
            scheme, _, rest = head["authorization"].partition(" ")
            given = dict(part.split("=", 1) for part in rest.split(","))
            names = given["SignedHeaders"].split(";")
            date = datetime.strptime(head["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except (KeyError, ValueError):
            return "MissingHeader"
        if scheme != "ACS3-HMAC-SHA256" or given.get("Credential") != KEY_ID:
            return "InvalidAccessKeyId.NotFound"
        needed = {"host", *(name for name in head if name.startswith("x-acs-"))}
        if set(names) != needed or names != sorted(names) or len(needed) != 6:
            return "MissingSignedHeader"
        if head["host"] != f"127.0.0.1:{request.url.port}" or head["x-acs-version"] != "2017-05-25":
            return "InvalidHost"
        if head["x-acs-content-sha256"] != hashlib.sha256(body).hexdigest():
            return "InvalidContentHash"
        if abs(self.now() - date) > SKEW:
            return "InvalidTimeStamp.Expired"
        if head["x-acs-signature-nonce"] in self._nonces:
            return "SignatureNonceUsed"
        pairs = sorted(parse_qsl(request.url.query, keep_blank_values=True))
        query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in pairs)
        lines = "".join(f"{name}:{head[name].strip()}\n" for name in names)
        canonical = f"POST\n{request.url.path}\n{query}\n{lines}\n{';'.join(names)}\n{head['x-acs-content-sha256']}"
        told = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        if hmac.digest(KEY_SECRET.encode(), told.encode(), "sha256").hex() != given.get("Signature"):
            return "SignatureDoesNotMatch"
        self._nonces.add(head["x-acs-signature-nonce"])
        return ""

    def _IvrCall(self, asked: dict[str, str]) -> dict[str, str]:
        if not (1 <= len(asked["OutId"].encode()) <= 15):
            return {"Code": "isv.INVALID_PARAMETERS", "Message": "OutId", "RequestId": "R"}
        call_id = f"{len(self.calls) + 1}^7"
        self.calls[call_id] = asked
        return {"Code": "OK", "Message": "OK", "CallId": call_id, "RequestId": "R"}

    def _QueryCallDetailByCallId(self, asked: dict[str, str]) -> dict[str, str]:
        call = self.calls.get(asked["CallId"])
        if call is None or asked["ProdId"] != "11000000300005":
            return {"Code": "isv.INVALID_PARAMETERS", "Message": "CallId", "RequestId": "R"}
        callee = self.callee.get(asked["CallId"], call["CalledNumber"])
        data = {"callId": asked["CallId"], "callee": callee, "state": self.state.get(asked["CallId"], "200103")}
        return {"Code": "OK", "Message": "OK", "Data": json.dumps(data), "RequestId": "R"}

    def _SendSms(self, asked: dict[str, str]) -> dict[str, str]:
        if asked["PhoneNumbers"].startswith("0"):
            return {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "…", "RequestId": "R"}
        self.sent.append(asked)
        return {"Code": "OK", "Message": "OK", "BizId": f"{len(self.sent)}^0", "RequestId": "R"}

    def _QuerySendDetails(self, asked: dict[str, str]) -> dict[str, Any]:
        found = [
            {"OutId": one["OutId"], "SendStatus": 3, "PhoneNum": one["PhoneNumbers"]}
            for one in self.sent
            if one["PhoneNumbers"] == asked["PhoneNumber"]
        ]
        return {"Code": "OK", "Message": "OK", "RequestId": "R", "SmsSendDetailDTOs": {"SmsSendDetailDTO": found}}


class Gateway:
    """A centre's own gateway. `keys` are the entries that the next call presses; `state` how it ends."""

    def __init__(self, secret: str = GATEWAY_SECRET) -> None:
        self._secret = base64.b64decode(secret.removeprefix("whsec_"))
        self.faults: list[str] = []
        self.refusals: list[str] = []
        self.calls: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        self.replies: list[dict[str, str]] = []
        self.keys: list[str] = ["1", "1"]
        self.state = "answered"
        self.now = lambda: datetime.now(UTC).timestamp()
        self._seen: dict[str, bytes] = {}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/calls", self._door, methods=["POST"]),
                Route("/calls/{id}", self._door, methods=["GET"]),
                Route("/messages", self._door, methods=["POST"]),
                Route("/messages/replies", self._door, methods=["GET"]),
            ]
        )

    async def _door(self, request: Request) -> Response:
        body = await request.body()
        id, at = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "0")
        mac = hmac.digest(self._secret, b".".join([id.encode(), at.encode(), body]), "sha256")
        wrong = ""
        if request.headers.get("webhook-signature") != "v1," + base64.b64encode(mac).decode():
            wrong = "signature"
        elif abs(self.now() - int(at)) > SKEW.total_seconds():
            wrong = "skew"
        elif self._seen.setdefault(id, body) != body or (request.method == "GET" and id in self.refusals):
            wrong = "another body under the same id"
        elif request.method == "GET" and not id.startswith(request.url.path.lstrip("/") + "#"):
            wrong = "another path"
        if wrong:
            self.refusals.append(wrong)
            return JSONResponse({"error": wrong}, 401)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "500":
            return JSONResponse({"error": "…"}, 500)
        if fault == "garbage":
            return Response("<html>", 200)
        order = json.loads(body) if body else {}
        path = request.url.path
        if path == "/calls":
            self.calls.setdefault(order["id"], order)  # rings once an id
        elif path == "/messages":
            self.messages.setdefault(order["id"], order)
        if fault == "never":
            await asyncio.sleep(5)
        if path == "/messages/replies":
            return JSONResponse({"replies": self.replies})
        if request.method == "POST":
            return JSONResponse({"id": order["id"]}, 202)
        id = request.path_params["id"]
        if id not in self.calls:
            return JSONResponse({"error": "unknown"}, 404)
        return JSONResponse({"id": id, "state": self.state, "keys": self.keys})
