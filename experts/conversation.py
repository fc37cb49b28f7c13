"""One call as a dialogue, whatever carries it: what is said, for how long a key is awaited, what came of it.

1 I can come, 2 I cannot, 9 I must recuse myself, * again (three times at most). The same key pressed again confirms. Where
a personal code is asked for it is asked after the first 1, so that nobody else in the house can accept; it is compared by
the `check` handed down and never kept: `keys` shows x's in its place. A driver plays `say`, then tells what it heard:
`hear`, `silence` or `hung_up`. Pure: no clock, no line; every dialogue ends, whatever is pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

OUTCOMES: Final = ("accepted", "declined", "conflict", "invalid", "no_answer")
STATES: Final = ("answered", "no_answer", "busy", "hung_up", "voicemail", "failed")

KEY_WAIT: Final = 8.0
"""Machine seconds after the last word within which a key counts."""
CODE_WAIT: Final = 12.0
"""The same for the four digits of a code."""
CODE_DIGITS: Final = 4
REPLAYS: Final = 3
WRONG_CODES: Final = 2
REPLIES: Final[Mapping[str, str]] = {"1": "accepted", "2": "declined", "9": "conflict"}
"""What a person means by a key, or by the same character written back."""
_CONFIRM: Final = {"1": "confirm_yes", "2": "confirm_no", "9": "confirm_conflict"}


@dataclass(frozen=True)
class Script:
    """What one call says; `experts/wording.py` renders it. Each member but `lang` and `values` is a clip of its own.

    `values` are the fields it was made of, for providers that fill in templates of their own.
    """

    lang: str
    invitation: str
    confirm_yes: str
    confirm_no: str
    confirm_conflict: str
    accepted: str
    declined: str
    conflict: str
    ask_code: str
    again: str
    goodbye: str
    values: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Answer:
    """What came of one try; the same for every channel.

    `state` is what the line did, `outcome` what the person said, `keys` what was pressed with x's for the personal code,
    `channel` the driver's name, `provider` the provider's own answer as it came (its SHA-256 goes into the record).
    """

    state: str
    outcome: str
    keys: str
    channel: str
    provider: bytes

    def __post_init__(self) -> None:
        """ValueError (our bug) for a state or an outcome nobody knows, and for an answer of who did not answer."""
        if self.state not in STATES or self.outcome not in OUTCOMES:
            raise ValueError((self.state, self.outcome))
        if self.outcome != "no_answer" and self.state != "answered":
            raise ValueError((self.state, self.outcome))


def unanswered(state: str, channel: str, provider: bytes = b"", keys: str = "") -> Answer:
    """An answer of a try that reached nobody who chose something."""
    return Answer(state, "no_answer", keys, channel, provider)


class Conversation:
    """The dialogue of one call.

    `say` is to be said now (`clips` names its parts, members of the script); then up to `digits` keys are awaited for
    `wait` seconds, unless it is `over`. Keys may come while something is said.
    """

    def __init__(self, script: Script, check: Callable[[str], bool] | None = None) -> None:
        self._script = script
        self._check = check
        self._stage = "choose"  # → code → confirm → over
        self._chosen = ""
        self._replays = self._slips = self._silences = self._wrong = 0
        self._known = check is None
        self.keys = ""
        self.state = "answered"
        self.outcome = "no_answer"
        self.clips: tuple[str, ...] = ("invitation",)

    @property
    def say(self) -> str:
        """The words to say now."""
        gap = "" if self._script.lang.startswith("zh") else " "
        return gap.join(str(getattr(self._script, clip)) for clip in self.clips)

    @property
    def wait(self) -> float:
        """Machine seconds to wait for a key after the last word; 0 when it is over."""
        return {"over": 0.0, "code": CODE_WAIT}.get(self._stage, KEY_WAIT)

    @property
    def digits(self) -> int:
        """How many keys are awaited."""
        return {"over": 0, "code": CODE_DIGITS}.get(self._stage, 1)

    @property
    def over(self) -> bool:
        """Whether nothing but the last words is left."""
        return self._stage == "over"

    def hear(self, keys: str) -> None:
        """Keys were pressed: one, or what came of a code within its wait. More than `digits` are one wrong entry."""
        if self.over or not keys:
            return
        if self._stage == "code" and keys != "*":
            self._heard_code(keys)
            return
        key = keys if len(keys) == 1 and keys in "0123456789*#" else "?"
        self.keys += key
        if key == "*":
            self._replay()
        elif self._stage == "choose" and key in REPLIES:
            self._choose(key)
        elif self._stage == "confirm" and key == self._chosen:
            self._end(REPLIES[key], (REPLIES[key],))
        else:
            self._slip()

    def silence(self) -> None:
        """The wait ran out and nothing was pressed."""
        if self.over:
            return
        if self._stage == "confirm":
            self._slip()
            return
        self._silences += 1
        if self._silences > 1:
            self._end("no_answer", ("goodbye",))

    def hung_up(self) -> None:
        """The person hung up. What was confirmed before stands."""
        if not self.over:
            self.state = "hung_up"
            self._end("no_answer", ())

    def answer(self, channel: str, provider: bytes = b"") -> Answer:
        """What came of the call, for a driver to return."""
        return Answer(self.state, self.outcome, self.keys, channel, provider)

    # ---- what follows on what

    def _choose(self, key: str) -> None:
        self._chosen = key
        if key == "1" and not self._known:
            self._stage, self.clips = "code", ("ask_code",)
        else:
            self._stage, self.clips = "confirm", (_CONFIRM[key],)

    def _heard_code(self, keys: str) -> None:
        self.keys += "x" * min(len(keys), CODE_DIGITS)
        if self._check is not None and len(keys) == CODE_DIGITS and keys.isdecimal() and self._check(keys):
            self._known = True
            self._stage, self.clips = "confirm", (_CONFIRM["1"],)
            return
        self._wrong += 1
        if self._wrong >= WRONG_CODES:
            self._end("invalid", ("goodbye",))
        else:
            self.clips = ("again", "ask_code")

    def _replay(self) -> None:
        self._replays += 1
        if self._replays > REPLAYS:
            self._end("invalid", ("goodbye",))

    def _slip(self) -> None:
        """Another key than could be: everything once more from the beginning, and then no more."""
        self._slips += 1
        if self._slips > 1:
            self._end("invalid", ("goodbye",))
        else:
            self._stage, self._chosen, self.clips = "choose", "", ("again", "invitation")

    def _end(self, outcome: str, clips: tuple[str, ...]) -> None:
        self._stage, self.outcome, self.clips = "over", outcome, clips
