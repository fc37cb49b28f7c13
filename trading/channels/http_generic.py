"""A gateway of the centre's own, spoken to by signed JSON (Standard Webhooks): a PBX, another provider, a ministry's system.

    POST {url}/calls            {"id", "number", "ring", "code": bool, "lang", "script": {clip: words}}   → 2xx
    GET  {url}/calls/{id}       → 404 (never heard of) | {"id", "state": "" while it lasts, "keys": ["1", "7301", "1"]}
    POST {url}/messages         {"id", "number", "text"}                                                  → 2xx
    GET  {url}/messages/replies → {"replies": [{"id", "text"}]}

What is posted carries its id as `webhook-id`, so the gateway rings and writes once an id, whatever is repeated; what is
asked carries the path and a nonce. `keys` are the entries as they came: a key, a code, "-" for silence. They are judged
here, by the same dialogue: the gateway is never told whether a code was right. It may call back when something is new
(`POST …/http_generic`, signed, `{"id"}`); what is believed is what it answers when asked.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx

from experts.conversation import REPLIES, STATES, Answer, Conversation, Script, unanswered
from experts.wording import CLIPS, said
from trading.channels import ChannelDown, ChannelNonsense, Said
from trading.channels.acs3 import LARGEST, TIMEOUT, Unsure
from trading.channels.hints import Hints
from trading.channels.notes import Note, Notes, once
from trading.channels.webhook import headers

TALK: Final = 180.0
POLL: Final = 2.0
MOST_KEYS: Final = 40


def reference(key: str) -> str:
    """A key as the gateway sees it."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


class HttpGeneric:
    """A voice and a text over a gateway."""

    name = "http_generic"

    def __init__(
        self,
        url: str,
        secret: bytes,
        calls: Notes,
        texts: Notes,
        hints: Hints,
        *,
        poll: float = POLL,
        talk: float = TALK,
        words: Said = said,
    ) -> None:
        self._said = words
        self._url, self._secret, self._calls, self._texts, self._hints = url.rstrip("/"), secret, calls, texts, hints
        self._poll, self._talk = poll, talk
        self._keys = {reference(note.key): note.key for note in texts.all()}
        self._told: set[tuple[str, str]] = set()

    async def call(
        self, *, key: str, number: str, script: Script, check: Callable[[str], bool] | None, ring: float
    ) -> Answer:
        """As `Voice.call`."""
        id = reference(key)
        words = {clip: getattr(script, clip) for clip in CLIPS}
        order = {
            "id": id, "number": number, "ring": ring, "code": check is not None, "lang": script.lang, "script": words,
        }  # fmt: skip

        async def act() -> Answer:
            self._hints.expect(self.name, id)
            try:
                await self._post("calls", id, order)
            except Unsure:
                if await self._look(id) == "unknown":
                    raise ChannelDown(self.name, "unsent") from None
            return await self._outcome(id, script, check, ring + self._talk)

        async def again(note: Note) -> Answer | None:
            if await self._look(id) == "unknown":  # it never got our order: nobody was rung
                self._calls.withdraw(key)
                raise ChannelDown(self.name, "unsent")
            self._hints.expect(self.name, id)
            return await self._outcome(id, script, check, self._poll)

        return await once(self._calls, key, self.name, act, again)

    async def write(self, *, key: str, number: str, template: str, fields: Mapping[str, str]) -> Answer:
        """As `Text.write`; after a crash the same id is posted again, and the gateway knows it."""
        text = self._said(template, fields)
        id = reference(key)

        async def act() -> Answer:
            try:
                told = await self._post("messages", id, {"id": id, "number": number, "text": text})
            except Unsure:
                raise ChannelDown(self.name, "unsure") from None  # the gateway writes once an id
            self._keys[id] = key
            return Answer("answered", "no_answer", "", self.name, told)

        return await once(self._texts, key, self.name, act, lambda note: act())

    async def answers(self) -> Sequence[tuple[str, Answer]]:
        """Replies that the gateway has, each once in the life of this process."""
        try:
            status, body, told = await self._send("GET", "messages/replies")
        except Unsure:
            raise ChannelDown(self.name, "unreachable") from None
        replies = told.get("replies") if status == 200 and told else None
        if not isinstance(replies, list):
            raise ChannelNonsense(self.name, "replies")
        came = []
        for one in replies:
            id, text = (str(one.get("id", "")), str(one.get("text", "")).strip()) if isinstance(one, dict) else ("", "")
            if id in self._keys and (id, text) not in self._told:
                self._told.add((id, text))
                outcome = REPLIES.get(text, "invalid")
                came.append((self._keys[id], Answer("answered", outcome, text[:1], self.name, body)))
        return came

    # ---- what goes over the wire

    async def _outcome(self, id: str, script: Script, check: Callable[[str], bool] | None, seconds: float) -> Answer:
        end = time.monotonic() + seconds
        while True:
            looked = await self._look(id)
            if isinstance(looked, tuple) and looked[1] in STATES:
                body, state, entries = looked
                self._hints.forget(self.name, id)
                if state != "answered" and state != "hung_up":
                    return unanswered(state, self.name, body)
                talk = Conversation(script, check)
                for entry in entries:
                    talk.silence() if entry == "-" else talk.hear(entry)
                if not talk.over:
                    talk.hung_up()
                return talk.answer(self.name, masked(body, entries))
            left = end - time.monotonic()
            if left <= 0:
                return unanswered("failed", self.name)
            await self._hints.wait(self.name, id, min(self._poll, left))

    async def _look(self, id: str) -> tuple[bytes, str, list[str]] | str:
        """What the gateway says of a call: (as it came, state, entries), "unknown", or "" where it says nothing usable."""
        try:
            status, body, told = await self._send("GET", f"calls/{id}")
        except (ChannelDown, Unsure):
            return ""
        if status == 404 and told is not None:
            return "unknown"
        keys = told.get("keys", []) if told else None
        if status != 200 or not told or told.get("id") != id or not isinstance(keys, list) or len(keys) > MOST_KEYS:
            return ""
        if not all(isinstance(entry, str) and re.fullmatch(r"-|[0-9*#]{1,8}", entry) for entry in keys):
            return ""
        return body, str(told.get("state", "")), keys

    async def _post(self, path: str, id: str, order: Mapping[str, Any]) -> bytes:
        """Raises ChannelDown where the gateway refused or cannot be reached, `Unsure` where nobody can say."""
        status, body, _ = await self._send("POST", path, id, json.dumps(order, ensure_ascii=False).encode())
        if 200 <= status < 300:
            return body
        if status < 500:
            raise ChannelDown(self.name, f"status {status}")
        raise Unsure

    async def _send(
        self, method: str, path: str, id: str = "", body: bytes = b""
    ) -> tuple[int, bytes, dict[str, Any] | None]:
        id = id or f"{path}#{secrets.token_hex(16)}"
        sent = headers(self._secret, id, body) | {"content-type": "application/json"}
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
                reply = await client.request(method, f"{self._url}/{path}", content=body, headers=sent)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise ChannelDown(self.name, "unreachable") from None
        except httpx.HTTPError:
            raise Unsure from None
        try:
            told = json.loads(reply.content) if len(reply.content) <= LARGEST else None
        except ValueError:
            told = None
        return reply.status_code, reply.content[:LARGEST], told if isinstance(told, dict) else None


def masked(body: bytes, entries: Sequence[str]) -> bytes:
    """The gateway's answer without what may be a personal code: entries of several digits become x's."""
    for entry in {entry for entry in entries if len(entry) > 1}:
        body = body.replace(b'"%b"' % entry.encode(), b'"%b"' % (b"x" * len(entry)))
    return body
