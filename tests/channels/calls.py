"""What the tests of the channels share: one script, one code, and what is pressed told as a dialogue."""

from __future__ import annotations

from collections.abc import Callable

from experts import wording
from experts.conversation import Conversation

VALUES = {
    "salutation": "专家", "centre": "江西省南昌市公共资源交易中心", "date": "十一月三十日星期一上午", "time": "九点三十分",
    "duration": "半天", "city": "南昌", "code": "482913", "contact": "0791-86000000",
}  # fmt: skip
SCRIPT = wording.CHINESE.script(VALUES)
CODE = "7301"


def knows(code: str = CODE) -> Callable[[str], bool]:
    return lambda pressed: pressed == code


def played(presses: str, check: Callable[[str], bool] | None = None) -> Conversation:
    """A dialogue of words: a key or a code, `-` silence, `!` hung up."""
    talk = Conversation(SCRIPT, check)
    for word in presses.split():
        if word == "-":
            talk.silence()
        elif word == "!":
            talk.hung_up()
        else:
            talk.hear(word)
    return talk
