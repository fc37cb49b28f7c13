"""A telephone line of the centre's own: SIP, by baresip, without any cloud between the centre and its experts.

Rings, plays the wording, hears keys (RFC 4733 or SIP INFO) and hangs up. Nothing of a call is recorded. After a crash of
ours a key that was begun is never dialled again: the answer is "failed". Who speaks cannot be told from a machine that
answers: an answering machine presses no key and ends as silence. Over TCP or TLS a trunk that is gone is known to have rung
nobody (ChannelDown); over UDP silence may mean anything, so the try is used up ("failed"): prefer `;transport=tls`.
"""

from __future__ import annotations

import array
import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from experts.conversation import Answer, Conversation, Script, unanswered
from trading.channels import ChannelDown, ChannelUnfit
from trading.channels.baresip import Baresip
from trading.channels.notes import Notes, once
from trading.channels.speech import RATE, Speech, write_wav

TAIL: Final = 75.0
"""Machine seconds of silence after the words of every WAV: where it ends baresip ends the call, also when we are gone."""
LAST_WORDS: Final = 0.4
"""Machine seconds between the last word and hanging up."""
NUMBER: Final = re.compile(r"\+?[0-9]{3,20}")
BUSY: Final = (486, 600, 603)
NO_ANSWER: Final = (408, 480, 487)
DOORS: Final = (401, 403, 407, 429)
"""What a trunk says that does not let us in."""
UNSENT: Final = ("refused", "unreachable", "No route", "Destination address required")
"""What the machine says when nothing left it."""


@dataclass(frozen=True)
class Trunk:
    """Who calls and over what; `account` is a line of baresip's accounts file, `target` has `{number}`."""

    account: str = field(repr=False)
    target: str
    program: str = "baresip"
    modules: Path = Path("/usr/lib/baresip/modules")
    interface: str = ""
    under_way: Path | None = None
    """Where the files of calls lie while they last (a password, a voice that may say a name), absolute; one process's,
    emptied at every start, so that nothing outlives a crash for long. None: the system's temporary directory."""


class Sip:
    """A voice over a trunk."""

    name = "sip"

    def __init__(self, trunk: Trunk, speech: Speech, notes: Notes) -> None:
        self._trunk, self._speech, self._notes = trunk, speech, notes
        if trunk.under_way:
            shutil.rmtree(trunk.under_way, ignore_errors=True)
            trunk.under_way.mkdir(parents=True, mode=0o700)

    async def call(
        self, *, key: str, number: str, script: Script, check: Callable[[str], bool] | None, ring: float
    ) -> Answer:
        """As `Voice.call`. Raises ChannelUnfit for what is no number, ChannelDown if baresip or the trunk fail before it
        rings.
        """
        if not NUMBER.fullmatch(number):
            raise ChannelUnfit(self.name, "number")

        async def act() -> Answer:
            folder = Path(tempfile.mkdtemp(prefix="words-", dir=self._trunk.under_way))
            try:
                return await _Call(self._trunk, self._speech, folder, Conversation(script, check), script).made(
                    number, ring
                )
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        return await once(self._notes, key, self.name, act)


class _Call:
    """One call from dialling to hanging up."""

    def __init__(self, trunk: Trunk, speech: Speech, folder: Path, talk: Conversation, script: Script) -> None:
        self._trunk, self._speech, self._folder, self._talk, self._script = trunk, speech, folder, talk, script
        self._went: list[str] = []
        self._files = 0

    async def made(self, number: str, ring: float) -> Answer:
        source, length = await self._words()
        trunk = self._trunk
        async with Baresip(
            trunk.account,
            source,
            program=trunk.program,
            modules=trunk.modules,
            interface=trunk.interface,
            under_way=trunk.under_way,
        ) as line:
            if not await line.command("dial", trunk.target.replace("{number}", number)):
                raise ChannelDown("sip", "dial")
            state = await self._ringing(line, ring)
            if state != "answered":
                return unanswered(state, "sip", self._record())
            await self._talking(line, length)
            await line.command("hangup")
        return self._talk.answer("sip", self._record())

    async def _ringing(self, line: Baresip, ring: float) -> str:
        """What the line does: "answered", or how nobody answered. Raises ChannelDown if it never came to ringing."""
        rang = False
        try:
            async with asyncio.timeout(ring):
                while True:
                    event, param = await self._next(line)
                    if event in ("CALL_RINGING", "CALL_PROGRESS"):
                        rang = True
                    elif event == "CALL_ESTABLISHED":
                        return "answered"
                    elif event == "CALL_CLOSED":
                        return closed(param, rang)
                    elif event == "EXIT":
                        return "failed"
        except TimeoutError:
            if not rang:
                # The trunk said nothing at all: it may still be looking for the person, so this key is used up.
                await line.command("hangup")
                return "failed"
            await line.command("hangup")
            return "no_answer"

    async def _talking(self, line: Baresip, length: float) -> None:
        talk, now = self._talk, asyncio.get_running_loop().time
        end, pressed = now() + length + talk.wait, ""
        while not talk.over:
            try:
                async with asyncio.timeout_at(end):
                    event, param = await self._next(line)
            except TimeoutError:
                talk.hear(pressed) if pressed else talk.silence()
            else:
                if event in ("CALL_CLOSED", "EXIT"):
                    talk.hung_up()
                    return
                if event != "CALL_DTMF_START" or len(param) != 1:
                    continue
                if talk.digits > 1 and param != "*" and not (param == "#" and pressed):
                    pressed += param
                    if len(pressed) < talk.digits:
                        end = now() + talk.wait
                        continue
                talk.hear(pressed or param)
            pressed = ""
            if talk.clips:
                source, length = await self._words()
                await line.play(source)
            end = now() + length + talk.wait
        # The last words are said to the end, unless the person hangs up before.
        try:
            async with asyncio.timeout(length + LAST_WORDS):
                while (await self._next(line))[0] not in ("CALL_CLOSED", "EXIT"):
                    pass
        except TimeoutError:
            pass

    async def _next(self, line: Baresip) -> tuple[str, str]:
        event, param = await line.events.get()
        if event in ("CALL_RINGING", "CALL_PROGRESS", "CALL_ESTABLISHED", "EXIT"):
            self._went.append(event)
        elif event == "CALL_CLOSED":  # its reason is the trunk's answer; the other events hold numbers or keys
            self._went.append(f"{event} {param if '@' not in param else ''}".strip())
        return event, param

    async def _words(self) -> tuple[Path, float]:
        """What is to be said now as a WAV, and how many seconds its words take."""
        clips = [(clip, str(getattr(self._script, clip))) for clip in self._talk.clips]
        samples = await self._speech.sound(self._script.lang, clips)
        self._files += 1
        path = self._folder / f"{self._files}.wav"
        whole = samples + array.array("h", bytes(2 * int(TAIL * RATE)))
        await asyncio.to_thread(write_wav, path, whole)
        return path, len(samples) / RATE

    def _record(self) -> bytes:
        return json.dumps({"events": self._went}).encode()


def closed(reason: str, rang: bool) -> str:
    """What a call that ended unanswered comes to. Raises ChannelDown where the trunk refused before anybody was rung."""
    found = re.match(r"(\d{3})\b", reason)
    code = int(found[1]) if found else 0
    if code in BUSY:
        return "busy"
    if rang:
        return "no_answer" if code in NO_ANSWER or not code else "failed"
    if code in NO_ANSWER:
        return "no_answer"
    if code >= 500 or code in DOORS or any(word in reason for word in UNSENT):
        raise ChannelDown("sip", "trunk")
    return "failed"  # no such number, or nobody can say
