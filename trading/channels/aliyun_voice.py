"""Calls by Aliyun (Dyvms 2017-05-25): `IvrCall` rings, its menu plays templates that the provider approved before.

The provider holds the dialogue, so no personal code can be asked: a call with a `check` is ChannelUnfit, unless the centre
has decided otherwise in its settings (`aliyun_without_code`). Keys come by callback alone (`VoiceReport`), which nobody
signs: they count only where the callback's secret path, our OutId and the provider's CallId agree, and a query
(`QueryCallDetailByCallId`) says that this very number answered this very call. Without callbacks the channel hears no key.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from base64 import b32encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from experts.conversation import Answer, Conversation, Script, unanswered
from trading.channels import ChannelDown, ChannelUnfit
from trading.channels.acs3 import Aliyun, Unsure
from trading.channels.hints import Hints
from trading.channels.notes import Note, Notes, once

VERSION: Final = "2017-05-25"
IVR: Final = "11000000300005"
"""The provider's number for this product, in queries."""
TALK: Final = 180.0
"""Machine seconds after the ringing until a call must be over."""
POLL: Final = 5.0
HEARD, HUNG_UP = "200000", "200001"
STATES: Final[Mapping[str, str]] = {
    HEARD: "answered", HUNG_UP: "answered", "200008": "answered", "200002": "busy", "200003": "no_answer",
    "200004": "failed", "200005": "no_answer", "200006": "failed", "200007": "no_answer", "200010": "no_answer",
    "200011": "failed", "200105": "failed", "200117": "failed", "200118": "failed", "200121": "failed",
}  # fmt: skip
"""What the provider's state of a call means here; others are states of a call that is not over."""
NUMBER: Final = re.compile(r"(?:\+?86)?(1[0-9]{10}|0[0-9]{9,11})")


def out_id(key: str) -> str:
    """A key as the provider takes it: 15 bytes at most."""
    return b32encode(hashlib.sha256(key.encode()).digest())[:15].decode().lower()


class AliyunVoice:
    """A voice at Aliyun's. `templates` maps the clips of a script to the provider's codes."""

    name = "aliyun_voice"

    def __init__(
        self,
        aliyun: Aliyun,
        show_number: str,
        templates: Mapping[str, str],
        notes: Notes,
        hints: Hints,
        *,
        without_code: bool = False,
        poll: float = POLL,
        talk: float = TALK,
    ) -> None:
        self._aliyun, self._show, self._templates = aliyun, show_number, templates
        self._notes, self._hints, self._without_code = notes, hints, without_code
        self._poll, self._talk = poll, talk
        for note in notes.all():  # what a crash left open may still be told by callback
            if note.answer is None:
                hints.expect(self.name, out_id(note.key))

    async def call(
        self, *, key: str, number: str, script: Script, check: Callable[[str], bool] | None, ring: float
    ) -> Answer:
        """As `Voice.call`; ChannelUnfit for a personal code, and for numbers outside the mainland."""
        if check is not None and not self._without_code:
            raise ChannelUnfit(self.name, "code")
        local = NUMBER.fullmatch(number)
        if not local:
            raise ChannelUnfit(self.name, "number")
        reference = out_id(key)

        async def act() -> Answer:
            self._hints.expect(self.name, reference)
            try:
                told, answer = await self._aliyun.ask("IvrCall", self._request(local[1], script, reference))
                call_id = answer.get("CallId")
            except Unsure:
                told, call_id = b"", None
            if isinstance(call_id, str) and call_id:
                self._notes.tell(key, call_id=call_id)
            else:
                call_id = None  # it may ring: only a callback can tell which call it was
            return await self._outcome(reference, call_id, local[1], script, told, ring + self._talk)

        async def again(note: Note) -> Answer | None:
            call_id = note.facts.get("call_id")
            if call_id is None and not self._hints.came(self.name, reference):
                return None
            return await self._outcome(reference, call_id, local[1], script, b"", self._poll)

        return await once(self._notes, key, self.name, act, again, begun=int(time.time() * 1000))

    def _request(self, number: str, script: Script, reference: str) -> dict[str, str]:
        values = json.dumps(dict(script.values), ensure_ascii=False)
        menu = {"1": "confirm_yes", "2": "confirm_no", "9": "confirm_conflict"}
        params = {
            "CalledShowNumber": self._show,
            "CalledNumber": number,
            "StartCode": self._templates["invitation"],
            "StartTtsParams": values,
            "ByeCode": self._templates["goodbye"],
            "PlayTimes": "3",
            "Timeout": "8000",
            "OutId": reference,
        }
        for place, (key, clip) in enumerate(menu.items(), 1):
            params |= {f"MenuKeyMap.{place}.Key": key, f"MenuKeyMap.{place}.Code": self._templates[clip]}
        return params

    async def _outcome(
        self, reference: str, call_id: str | None, number: str, script: Script, told: bytes, seconds: float
    ) -> Answer:
        """Waits for the call's end: a callback wakes the query, which alone is believed."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await self._hints.wait(self.name, reference, min(self._poll, left))
            call_id = call_id or self._hinted_call(reference)
            if call_id is None:
                continue
            detail = await self._detail(call_id)
            if detail is None:
                continue
            told, state, callee = detail
            if state not in STATES or not NUMBER.fullmatch(callee) or not callee.endswith(number):
                continue
            if STATES[state] != "answered":
                self._hints.forget(self.name, reference)
                return unanswered(STATES[state], self.name, told)
            keys = self._keys(reference, call_id)
            if keys is None and left > self._poll:
                continue  # the report with the keys is on its way: 1, 5 and 10 minutes at worst
            self._hints.forget(self.name, reference)
            return self._heard(script, keys or "", state, told)
        return unanswered("failed", self.name, told)

    def _heard(self, script: Script, keys: str, state: str, told: bytes) -> Answer:
        talk = Conversation(script)
        for key in keys:
            talk.hear(key)
        if not talk.over:
            if state == HUNG_UP:
                talk.hung_up()
            else:
                while not talk.over:
                    talk.silence()
        return talk.answer(self.name, told)

    def _hinted_call(self, reference: str) -> str | None:
        calls = {str(hint.get("call_id", "")) for hint in self._hints.came(self.name, reference)} - {""}
        return calls.pop() if len(calls) == 1 else None

    def _keys(self, reference: str, call_id: str) -> str | None:
        """Keys that callbacks reported of this call: the final report's, or those told one by one (status 300000)."""
        final, single = None, []
        for hint in self._hints.came(self.name, reference):
            if hint.get("call_id") != call_id:
                continue
            dtmf = re.sub(r"[^0-9*#]", "", str(hint.get("dtmf") or ""))
            if hint.get("status_code") == "300000":
                single.append((str(hint.get("status_time", "")), dtmf))
            else:
                final = dtmf
        if final is None:
            return None
        one_by_one = "".join(dtmf for _, dtmf in sorted(single, key=lambda one: one[0]))
        return max(final, one_by_one, key=len)

    async def _detail(self, call_id: str) -> tuple[bytes, str, str] | None:
        """The provider's own account of a call: as it came, its state, who was called; None while it has none."""
        params = {"CallId": call_id, "ProdId": IVR, "QueryDate": str(int(time.time() * 1000))}
        try:
            told, answer = await self._aliyun.ask("QueryCallDetailByCallId", params)
        except (ChannelDown, Unsure):
            await asyncio.sleep(0)
            return None
        try:
            data: Any = json.loads(answer.get("Data") or "{}")
        except (ValueError, TypeError):
            return None
        if not isinstance(data, dict):
            return None
        return told, str(data.get("state", "")), str(data.get("callee", ""))
