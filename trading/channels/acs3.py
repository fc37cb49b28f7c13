"""Aliyun's RPC calls under signature version 3, ACS3-HMAC-SHA256: everything in the query, an empty body, POST /.

Two kinds of failure, which is what the drivers need to know: `ChannelDown` and `ChannelNonsense` where the request was
certainly not carried out, `Unsure` where it may have been (it was sent, and no answer of the provider's came back).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from trading.channels import ChannelDown, ChannelUnfit

ALGORITHM: Final = "ACS3-HMAC-SHA256"
TIMEOUT: Final = 10.0
"""Machine seconds for one request."""
LARGEST: Final = 1 << 16
"""Bytes of an answer; more is none."""


def _silent(record: logging.LogRecord) -> bool:
    """httpx tells every address it asks, and the provider wants numbers in its addresses."""
    return record.levelno >= logging.WARNING


logging.getLogger("httpx").addFilter(_silent)


class Unsure(Exception):
    """The request may have been carried out."""


@dataclass(frozen=True)
class Signer:
    """A key of the provider's."""

    key_id: str
    secret: str = field(repr=False)

    def headers(
        self, host: str, action: str, version: str, query: str, body: bytes = b"", *, date: datetime, nonce: str
    ) -> dict[str, str]:
        """The headers of one request: those that are signed, and `Authorization`."""
        signed = {
            "host": host,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-acs-date": f"{date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "x-acs-signature-nonce": nonce,
            "x-acs-version": version,
        }
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        request = "\n".join(["POST", "/", query, lines, names, signed["x-acs-content-sha256"]])
        told = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self.secret.encode(), told.encode(), hashlib.sha256).hexdigest()
        return signed | {
            "Authorization": f"{ALGORITHM} Credential={self.key_id},SignedHeaders={names},Signature={signature}"
        }


def canonical_query(params: Mapping[str, str]) -> str:
    """Parameters in the order of their names, RFC 3986."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(params[name], safe='-_.~')}" for name in sorted(params))


class Aliyun:
    """One product of Aliyun's: `url` is its endpoint, `channel` the driver that asks."""

    def __init__(self, channel: str, url: str, version: str, signer: Signer, region: str) -> None:
        self._channel, self._url, self._version, self._signer = channel, httpx.URL(url), version, signer
        self._region = region

    async def ask(self, action: str, params: Mapping[str, str]) -> tuple[bytes, dict[str, Any]]:
        """The answer as it came, and read. Raises ChannelDown for what was not carried out, `Unsure` for what may have been.

        An answer whose `Code` is not "OK" was not carried out: ChannelDown with the code as `why`.
        """
        query = canonical_query({**params, "RegionId": self._region})
        host = self._url.netloc.decode()
        headers = self._signer.headers(
            host, action, self._version, query, date=datetime.now(UTC), nonce=secrets.token_hex(16)
        )
        url = self._url.copy_with(path="/", query=query.encode())
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
                reply = await client.post(url, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise ChannelDown(self._channel, "unreachable") from None
        except httpx.HTTPError:
            raise Unsure from None
        body = reply.content
        try:
            answer = json.loads(body) if len(body) <= LARGEST else None
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("Code"), str):
            if 400 <= reply.status_code < 500:
                raise ChannelDown(self._channel, "refused")
            raise Unsure
        code = answer["Code"]
        if code != "OK":
            if code == "isv.MOBILE_NUMBER_ILLEGAL":
                raise ChannelUnfit(self._channel, "number")
            word = code if re.fullmatch(r"[A-Za-z_.]{1,60}", code) else "refused"
            raise ChannelDown(self._channel, word, 60.0 if "Throttling" in word or "LIMIT" in word else 0.0)
        if reply.status_code != 200:
            raise Unsure
        return body, answer
