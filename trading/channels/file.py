"""The channel of development: people are files. Every call leaves a transcript, every message a line; nobody is rung.

In its directory: `plan.json` says how each number behaves, `<key>.txt` is what was said and pressed in a call (a personal
code as x's), `<number>.sms.txt` what was written to a number, `calls.jsonl` which try of a number each call was.

`plan.json` maps a number (or "*" for all others) to a behaviour, a list of behaviours (one a try, the last one repeats),
or `{"does": behaviour or list, "code": "7301"}` where a personal code will be asked for. With the behaviour `phone` a person
answers with `trading phone` (trading/channels/phone.py): the call lies in `ringing/`, what is pressed comes in `pressed/`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from audit.refusal import Refused
from experts.conversation import REPLIES, Answer, Conversation, Script, unanswered
from experts.wording import said
from trading.channels import ChannelDown, ChannelNonsense, Said
from trading.channels.notes import Notes, once

PRESSES: Final[Mapping[str, tuple[str, ...]]] = {
    "accept": ("1", "code", "1"),
    "decline": ("2", "2"),
    "conflict": ("9", "9"),
    "silent": ("-", "-"),
    "hang_up": ("!",),
    "hang_up_late": ("1", "!"),
    "wrong_code": ("1", "badcode", "badcode"),
    "wrong_code_once": ("1", "badcode", "code", "1"),
    "wrong_key": ("5", "7"),
    "unconfirmed": ("1", "code", "-", "1", "-"),
    "replay": ("*", "1", "code", "1"),
    "slow": ("~", "1", "code", "~", "1"),
    "accept_then_decline_late": ("1", "code", "1"),
}
"""What a behaviour presses once it has picked up: `-` silence, `!` hangs up, `~` takes its time."""
LINES: Final = ("busy", "no_answer", "voicemail", "failed")
"""Behaviours of a line that nobody answers."""
ERRORS: Final = ("down", "nonsense")
"""Behaviours of a provider; nobody is rung."""
PHONE: Final = "phone"
BEHAVIOURS: Final = (*PRESSES, *LINES, *ERRORS, PHONE)
SLOW: Final = 0.25
LATE: Final = 0.05
"""Machine seconds that `slow` takes, and after which a late reply comes."""
POLL: Final = 0.02


class File:
    """A voice and a text. `pace` shortens the waits of the interactive phone for tests."""

    name = "file"

    def __init__(
        self,
        directory: Path,
        calls: Notes,
        texts: Notes,
        default: str = "accept",
        pace: float = 1.0,
        words: Said = said,
    ) -> None:
        """Raises Refused("E-CHANNEL-PLAN") for a default that is no behaviour."""
        self._said = words
        self._directory, self._calls, self._texts = directory, calls, texts
        self._default, self._pace = _behaviour(default), pace
        directory.mkdir(parents=True, exist_ok=True)
        self._tries: dict[str, int] = {}
        self._late: dict[str, bool] = {}
        self._told: set[tuple[str, str]] = set()
        self._plan: dict[str, Any] = {}
        self._plan_read = -1.0
        for line in self._lines("calls.jsonl"):
            self._count(line["number"], line["does"])

    async def call(
        self, *, key: str, number: str, script: Script, check: Callable[[str], bool] | None, ring: float
    ) -> Answer:
        """Plays what the plan has for this try of the number. Raises ChannelError where the plan says so."""

        async def act() -> Answer:
            does, code = self.behaviour(number)
            self._count(number, does)
            self._append("calls.jsonl", {"key": key, "number": number, "does": does})
            if does == "down":
                raise ChannelDown(self.name, "plan")
            if does == "nonsense":
                raise ChannelNonsense(self.name, "plan")
            transcript = Transcript(self._directory / f"{safe(key)}.txt")
            if does in LINES:
                transcript.write(f"line: {does}")
                return unanswered(does, self.name, self._provider(key, does))
            talk = Conversation(script, check)
            if does == PHONE:
                return await self._by_phone(key, number, talk, transcript, ring)
            transcript.write("line: answered")
            await self._play(talk, PRESSES[does], code, transcript)
            transcript.write(f"outcome: {talk.outcome}")
            return talk.answer(self.name, self._provider(key, talk.state))

        return await once(self._calls, key, self.name, act)

    async def write(self, *, key: str, number: str, template: str, fields: Mapping[str, str]) -> Answer:
        """Appends the message to the number's file. Raises Refused("E-WORDING…") for values that may not be said."""
        text = self._said(template, fields)

        async def act() -> Answer:
            if self.behaviour(number)[0] == "down":
                raise ChannelDown(self.name, "plan")
            self._append(f"{safe(number)}.sms.txt", f"[{key}] {text}")
            if self._late.get(number):
                self._append("replies.jsonl", {"key": key, "text": "2", "due": time.time() + LATE})
            return Answer("answered", "no_answer", "", self.name, self._provider(key, "taken"))

        return await once(self._texts, key, self.name, act)

    async def answers(self) -> Sequence[tuple[str, Answer]]:
        """Replies that the plan or `trading phone` sent, each once in the life of this process."""
        came = []
        for line in self._lines("replies.jsonl"):
            key = line.get("key") or self._last_written(line.get("number", ""))
            if key and line.get("due", 0) <= time.time() and (key, line["text"]) not in self._told:
                self._told.add((key, line["text"]))
                outcome = REPLIES.get(line["text"], "invalid")
                came.append((key, Answer("answered", outcome, line["text"], self.name, self._provider(key, "reply"))))
        return came

    def behaviour(self, number: str) -> tuple[str, str]:
        """What the next call to a number meets, and the code that is pressed. Raises Refused("E-CHANNEL-PLAN")."""
        path = self._directory / "plan.json"
        if path.exists() and (stamp := path.stat().st_mtime_ns) != self._plan_read:
            self._plan, self._plan_read = read_plan(path), stamp
        entry = self._plan.get(number, self._plan.get("*", self._default))
        code = ""
        if isinstance(entry, dict):
            code, entry = str(entry.get("code", "")), entry.get("does", self._default)
        if isinstance(entry, list):
            entry = entry[min(self._tries.get(number, 0), len(entry) - 1)]
        return _behaviour(entry), code

    # ---- how a call goes

    async def _play(self, talk: Conversation, presses: Sequence[str], code: str, transcript: Transcript) -> None:
        coming = list(presses)
        transcript.said(talk)
        while not talk.over:
            press = coming.pop(0) if coming else "-"
            if press == "~":
                await asyncio.sleep(SLOW)
                continue
            if press == "code" and talk.digits == 1:
                continue  # none is asked for
            if press == "badcode":
                press = "0000" if code != "0000" else "1111"
            _press(talk, code or "0000" if press == "code" else press, transcript)
            if talk.clips:
                transcript.said(talk)

    async def _by_phone(self, key: str, number: str, talk: Conversation, transcript: Transcript, ring: float) -> Answer:
        """A person in another terminal: the call lies there as a file, what is pressed comes line by line."""
        ringing = self._directory / "ringing" / f"{safe(key)}.json"
        pressed = self._directory / "pressed" / f"{safe(key)}.txt"
        for path in (ringing, pressed):
            path.parent.mkdir(exist_ok=True)
        read = 0

        async def next_line(wait: float) -> str:
            nonlocal read
            end = time.monotonic() + wait
            while time.monotonic() < end:
                lines = pressed.read_text(encoding="utf-8").splitlines() if pressed.exists() else []
                if len(lines) > read:
                    read += 1
                    return lines[read - 1].strip()
                await asyncio.sleep(POLL)
            return "-"

        def show(state: str) -> None:
            shown = {"number": number, "state": state, "say": talk.say if state != "ringing" else ""}
            fresh = ringing.with_suffix(".new")
            fresh.write_text(json.dumps(shown, ensure_ascii=False), encoding="utf-8")
            fresh.replace(ringing)

        show("ringing")
        try:
            if (first := await next_line(ring)) != "pick":
                line = {"busy": "busy"}.get(first, "no_answer")
                transcript.write(f"line: {line}")
                return unanswered(line, self.name, self._provider(key, line))
            transcript.write("line: answered")
            while not talk.over:
                show("talking")
                transcript.said(talk)
                _press(talk, await next_line(self._pace * (talk.wait + len(talk.say) * 0.1)), transcript)
            if talk.clips:
                transcript.said(talk)
                show("over")
                await asyncio.sleep(self._pace)
        finally:
            ringing.unlink(missing_ok=True)
        transcript.write(f"outcome: {talk.outcome}")
        return talk.answer(self.name, self._provider(key, talk.state))

    # ---- what lies in the directory

    def _count(self, number: str, does: str) -> None:
        self._tries[number] = self._tries.get(number, 0) + 1
        self._late[number] = does == "accept_then_decline_late"

    def _last_written(self, number: str) -> str:
        lines = self._lines(f"{safe(number)}.sms.txt", plain=True) if number else []
        return lines[-1]["key"] if lines else ""

    def _provider(self, key: str, line: str) -> bytes:
        return json.dumps({"call": key, "line": line}, sort_keys=True).encode()

    def _append(self, name: str, line: dict[str, Any] | str) -> None:
        with (self._directory / name).open("a", encoding="utf-8") as out:
            out.write((line if isinstance(line, str) else json.dumps(line)) + "\n")

    def _lines(self, name: str, plain: bool = False) -> list[dict[str, Any]]:
        path = self._directory / name
        whole = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if plain:
            return [{"key": found[1]} for line in whole if (found := re.match(r"\[([^\]]+)\] ", line))]
        return [json.loads(line) for line in whole if line.endswith("}")]  # a crash may have cut the last one short


class Transcript:
    """What was said and pressed in one call, a line each."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: str) -> None:
        with self._path.open("a", encoding="utf-8") as out:
            out.write(line + "\n")

    def said(self, talk: Conversation) -> None:
        self.write(f"said: {talk.say}")


def _press(talk: Conversation, press: str, transcript: Transcript) -> None:
    before = len(talk.keys)
    if press == "-":
        talk.silence()
        transcript.write("silence")
    elif press in ("!", "hang"):
        talk.hung_up()
        transcript.write("hung up")
    else:
        talk.hear(press)
        transcript.write(f"pressed: {talk.keys[before:]}")


def read_plan(path: Path) -> dict[str, Any]:
    """A plan as it stands in its file. Raises Refused("E-CHANNEL-PLAN") for one that cannot be read."""
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise Refused("E-CHANNEL-PLAN", what="plan.json", known=BEHAVIOURS) from None
    if not isinstance(plan, dict):
        raise Refused("E-CHANNEL-PLAN", what="plan.json", known=BEHAVIOURS)
    return plan


def _behaviour(name: Any) -> str:
    if name not in BEHAVIOURS:
        raise Refused("E-CHANNEL-PLAN", what=str(name)[:20], known=BEHAVIOURS)
    return str(name)


def safe(name: str) -> str:
    """A key or a number as a file's name."""
    if re.fullmatch(r"[A-Za-z0-9+_-][A-Za-z0-9+._-]{0,63}", name):
        return name
    return sha256(name.encode()).hexdigest()[:32]
