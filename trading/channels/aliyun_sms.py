"""Short messages by Aliyun (Dysms 2017-05-25): `SendSms` fills a template that the provider approved before.

Where nobody can say whether a message left, `QuerySendDetails` is asked for our OutId before it is sent again. Replies come
by callback (`SmsUp`), unsigned and with nothing but a number to go by: one answers the last message to that number. No query
confirms it, so what a written `1` is worth is the dispatcher's to say: with a personal code it means "ring me now".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any, Final

from experts.conversation import REPLIES, Answer, unanswered
from experts.wording import FIELDS, said
from trading.channels import ChannelDown, ChannelUnfit, Said
from trading.channels.acs3 import Aliyun, Unsure
from trading.channels.hints import Hints
from trading.channels.notes import Note, Notes, once

VERSION: Final = "2017-05-25"
NUMBER: Final = re.compile(r"\+?[0-9]{6,20}")
BEIJING: Final = timezone(timedelta(hours=8))
"""The provider counts days in Beijing."""


def _reference(key: str) -> str:
    """A key as the provider takes it."""
    return sha256(key.encode()).hexdigest()[:32]


class AliyunSms:
    """A text at Aliyun's. `templates` maps texts to the provider's codes; `fields` are what theirs may carry."""

    name = "aliyun_sms"

    def __init__(
        self,
        aliyun: Aliyun,
        sign: str,
        templates: Mapping[str, str],
        notes: Notes,
        hints: Hints,
        words: Said = said,
        fields: Collection[str] = FIELDS,
    ) -> None:
        self._aliyun, self._sign, self._templates, self._notes, self._hints = aliyun, sign, templates, notes, hints
        self._said, self._fields = words, fields
        self._told: set[str] = set()
        self._written: dict[str, tuple[str, str, int]] = {}
        for note in notes.all():
            self._expect(note.key, note.facts["number"], note.facts["at"])

    async def write(self, *, key: str, number: str, template: str, fields: Mapping[str, str]) -> Answer:
        """As `Text.write`."""
        if not NUMBER.fullmatch(number) or template not in self._templates:
            raise ChannelUnfit(self.name, "number" if template in self._templates else "template")
        self._said(template, fields)  # refuses what may not be said
        reference, at = _reference(key), int(time.time() * 1000)
        params = {
            "PhoneNumbers": number,
            "SignName": self._sign,
            "TemplateCode": self._templates[template],
            "TemplateParam": json.dumps({k: v for k, v in fields.items() if k in self._fields}, ensure_ascii=False),
            "OutId": reference,
        }

        async def act() -> Answer:
            self._expect(key, number, at)
            try:
                told, _ = await self._aliyun.ask("SendSms", params)
            except Unsure:
                return await self._found(reference, number)
            return Answer("answered", "no_answer", "", self.name, told)

        async def again(note: Note) -> Answer | None:
            try:
                return await self._found(reference, number)
            except ChannelDown:
                self._notes.withdraw(key)  # the provider has no such message
                raise

        return await once(self._notes, key, self.name, act, again, number=number, at=at)

    async def answers(self) -> Sequence[tuple[str, Answer]]:
        """Delivery failures and replies that callbacks told."""
        came: list[tuple[str, Answer]] = []
        last = {number: key for key, (_, number, _) in sorted(self._written.items(), key=lambda one: one[1][2])}
        for key, (reference, number, _) in self._written.items():
            for kind, of in (("sms", reference), ("up", number)):
                if kind == "up" and last[number] != key:
                    continue  # a reply names no message: it is to the last one that its number got
                for hint in self._hints.came(f"{self.name}/{kind}", of):
                    seen = json.dumps(hint, sort_keys=True)
                    answer = self._meaning(kind, hint, seen.encode())
                    if answer and seen not in self._told:
                        self._told.add(seen)
                        came.append((key, answer))
        return came

    def _meaning(self, kind: str, hint: dict[str, Any], told: bytes) -> Answer | None:
        if kind == "sms":
            return unanswered("failed", self.name, told) if hint.get("success") is False else None
        word = str(hint.get("content", "")).strip()[:1]
        return Answer("answered", REPLIES[word], word, self.name, told) if word in REPLIES else None

    def _expect(self, key: str, number: str, at: int) -> None:
        reference = _reference(key)
        self._written[key] = (reference, number, at)
        self._hints.expect(f"{self.name}/sms", reference)
        self._hints.expect(f"{self.name}/up", number)

    async def _found(self, reference: str, number: str) -> Answer:
        """What the provider has of our OutId. Raises ChannelDown if it has nothing; "failed" if it cannot be asked."""
        day = f"{datetime.now(BEIJING):%Y%m%d}"
        params = {"PhoneNumber": number, "SendDate": day, "PageSize": "50", "CurrentPage": "1"}
        try:
            told, answer = await self._aliyun.ask("QuerySendDetails", params)
        except (ChannelDown, Unsure):
            return unanswered("failed", self.name)
        details = (answer.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
        if any(isinstance(one, dict) and one.get("OutId") == reference for one in details):
            return Answer("answered", "no_answer", "", self.name, told)
        raise ChannelDown(self.name, "unsent")
