"""The platform as a tool sees it from outside: HTTP, a token, and sentences for whatever goes wrong.

Used by the command line and the demonstration. It trusts nothing it receives: what must hold is checked by the pure
functions that read the bytes (`bidding.keys`, `bidding.custody`, `audit.receipt`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import httpx

from audit.canon import b64, sha256
from audit.refusal import Refused
from bidding.payload import segment_leaf

PREFIX = "/api/v1"
SEGMENT = 1 << 20
"""Payloads travel in segments of 1 MiB, envelope.md §3."""
PATIENCE = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between tries when the network or the server stumbles; a refusal is never tried again."""
STUMBLES = frozenset({429, 502, 503, 504})


class Answered(Refused):
    """The platform said no: its own sentence in the language asked for, and the signed refusal if there is one."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        facts = {"status": status, "sentence": problem.get("detail") or problem.get("title") or str(status)}
        super().__init__(str(problem.get("code") or f"HTTP-{status}"), problem.get("article"), **facts)
        self.status = status
        self.problem = problem

    @property
    def receipt(self) -> Mapping[str, Any]:
        """The receipt of a recorded refusal (log.md §6); empty if the refusal was not recorded."""
        return self.problem.get("receipt") or {}

    @property
    def slip(self) -> Mapping[str, Any]:
        """The signed slip of a refusal that was not recorded (envelope.md §5); empty if there is none."""
        return self.problem.get("slip") or {}


class Payload(Protocol):
    """Something to upload that can be read from any place by several threads."""

    @property
    def size(self) -> int:
        """In bytes."""

    def read(self, at: int, length: int) -> bytes:
        """`length` bytes from position `at`, fewer at the end."""


class Platform:
    """One platform, one token, one language. Thread-safe; close it, or use it as a context."""

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        lang: str = "zh",
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Accept-Language": "en" if lang.startswith("en") else "zh-CN"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=timeout, follow_redirects=False, transport=transport
        )

    def authorize(self, token: str) -> None:
        """Speak for this token from now on: a seat's, which the check-in gave."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Platform:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request, tried again while the network or the server stumbles.

        Every request of this client may be repeated: reads by nature, segments by their hash, acts by their
        Idempotency-Key. Raises `Answered` for a refusal, `Refused("N-UNREACHABLE")` when patience ends.
        """
        for wait in (*PATIENCE, None):
            try:
                response = self._http.request(method, path, **arguments)
            except httpx.TransportError as error:
                if wait is None:
                    raise Refused("N-UNREACHABLE", url=self.url, why=type(error).__name__) from error
            else:
                if response.status_code < 400:
                    return response
                if response.status_code not in STUMBLES or wait is None:
                    raise Answered(response.status_code, _problem(response))
            time.sleep(wait)
        raise AssertionError("the last wait is None")

    def get(self, path: str, **query: Any) -> Any:
        """A JSON answer of the API."""
        return self.request("GET", PREFIX + path, params=query or None).json()

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> Any:
        """An act. `key` makes a repetition harmless; by default it is the hash of what is asked."""
        content = httpx.Request("POST", self.url, json=body or {}).content
        key = key or sha256(path.encode() + b"\0" + content).hex()
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return self.request("POST", PREFIX + path, content=content, headers=headers).json()

    def fetch(self, path: str, to: Path | None = None) -> bytes:
        """Raw bytes (a kit, an archive, a tile); written to `to` as well if given, whole or not at all."""
        content = self.request("GET", path).content
        if to is not None:
            part = to.with_name(to.name + ".part")
            part.write_bytes(content)
            part.replace(to)
        return content

    def upload(
        self,
        tender: str,
        payload: Payload,
        *,
        resume: str = "",
        streams: int = 4,
        progress: Callable[[int], None] = lambda done: None,
        begun: Callable[[str], None] = lambda upload: None,
    ) -> str:
        """Send one sealed payload in parallel segments and return the upload's id.

        `resume` continues an earlier upload: only what the platform lacks is sent. `begun` is told the id before the
        first byte leaves, so that a tool that dies in between can go on. Nothing here submits a bid.
        Raises Refused("U-RESUME") when the upload to resume is of another size.
        """
        if resume:
            state = self.get(f"/uploads/{resume}")
            if state["size"] != payload.size:
                raise Refused("U-RESUME", upload=resume, size=state["size"], wanted=payload.size)
        else:
            key = secrets.token_hex(16)  # two uploads of one size are two uploads
            state = self.post(f"/tenders/{tender}/uploads", {"size": payload.size}, key=key)
        upload = str(state["id"])
        begun(upload)
        lock, sent = Lock(), payload.size - _outstanding(state, payload.size)

        def send(number: int) -> None:
            nonlocal sent
            segment = payload.read(number * SEGMENT, SEGMENT)
            headers = {"Content-Digest": f"rfc6962-sha-256=:{b64(segment_leaf(segment))}:"}  # bidding/uploads.py
            self.request("PUT", f"{PREFIX}/uploads/{upload}/segments/{number}", content=segment, headers=headers)
            with lock:
                sent += len(segment)
                progress(sent)

        progress(sent)
        while not state["complete"]:
            with ThreadPoolExecutor(max_workers=streams) as pool:
                list(pool.map(send, state["missing"]))  # the list is capped at a thousand: ask again until none is left
            state = self.get(f"/uploads/{upload}")
        return upload


def _outstanding(state: Mapping[str, Any], size: int) -> int:
    lacking = int(state["segments"]) - int(state["held"])
    return min(size, lacking * SEGMENT)


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
