"""How the dispatcher reaches people: a voice that rings, a text that is read. Drivers of two small protocols.

What every driver keeps: the same `key` rings or writes once, whatever crashes in between (trading/channels/notes.py);
names and numbers leave it only in the provider's own field for them; no exception and no log line carries either.
`open_channels` makes those that the settings name, in order of preference. Only the
dispatcher's process opens them, and the post's, which writes to bidders' people and has notes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from experts.conversation import Answer, Script

if TYPE_CHECKING:
    from email.message import EmailMessage

    from trading.channels.callbacks import Callbacks
    from trading.channels.settings import ChannelSettings

KEY_LENGTH = 40
"""Most characters of a key, ASCII."""


class ChannelError(Exception):
    """A try did not happen: nobody was rung, nothing was handed over. The same key may be tried again.

    `channel` is the driver's name, `why` a word of ours: neither ever holds a number or what a provider wrote.
    `retry_after` is the least span in machine seconds to wait, where known.
    """

    def __init__(self, channel: str, why: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{channel}: {why}")
        self.channel = channel
        self.why = why
        self.retry_after = retry_after


class ChannelDown(ChannelError):
    """The provider cannot be reached, or says that it cannot now."""


class ChannelLater(ChannelDown):
    """The receiver cannot be reached now, which says nothing about the others."""


class ChannelNonsense(ChannelError):
    """The provider's answer is none, and nobody was rung."""


class ChannelUnfit(ChannelError):
    """This channel cannot do what is asked (ask for a personal code, reach such a number): trying again is no use."""


class Voice(Protocol):
    """Rings somebody and holds the dialogue of experts/conversation.py."""

    name: str

    async def call(
        self, *, key: str, number: str, script: Script, check: Callable[[str], bool] | None, ring: float
    ) -> Answer:
        """What came of ringing `number` for at most `ring` machine seconds.

        `check` compares a personal code (None: none is asked). The same `key` never rings twice: asked again, the
        driver returns what it knows or finds out, or an answer of state "failed". Raises ChannelError only when it
        is certain that nobody was rung.
        """


class Text(Protocol):
    """Writes to somebody, by short message or mail."""

    name: str

    async def write(self, *, key: str, number: str, template: str, fields: Mapping[str, str]) -> Answer:
        """Hands one message over: `template` names a text of experts/wording.py (`invited`, `confirmed`, `released`).

        State "answered": the provider took it; "failed": it refused it, or nobody can say. Outcome "no_answer" unless
        the person has answered since. The same `key` is handed over once. Raises ChannelError as `Voice.call` does.
        """

    async def answers(self) -> Sequence[tuple[str, Answer]]:
        """Replies and bounces that came since, each with the key of its message; after a restart some come again."""


Said = Callable[[str, Mapping[str, str]], str]
"""The text of a name with its fields (`lang` among them). Raises what it raises for what may not be said."""


class Mailer(Protocol):
    """Hands whole mails over; its caller remembers which (trading/outbox.py)."""

    name: str

    @property
    def sender(self) -> str:
        """From whom."""

    async def send(self, mail: EmailMessage) -> Answer:
        """State "answered": taken; "failed": refused for good. Raises ChannelError where it may be tried again."""


@dataclass(frozen=True)
class PostChannels:
    """What letters to bidders' people go out by (trading/posting.py); None: not here."""

    mail: Mailer | None = None
    sms: Text | None = None
    callbacks: Callbacks | None = None


@dataclass(frozen=True)
class Channels:
    """The drivers of this installation, the preferred one first. `mail` writes to addresses instead of numbers.

    `callbacks` is where providers call back, if the settings say so; `await channels.callbacks.serve()` beside the rest.
    """

    voice: Sequence[Voice] = ()
    text: Sequence[Text] = ()
    mail: Sequence[Text] = ()
    callbacks: Callbacks | None = None


def open_channels(settings: ChannelSettings) -> Channels:
    """The channels that the settings name. Raises Refused("E-CHANNEL…") for settings that cannot work."""
    from trading.channels.switchboard import connect  # the drivers, and httpx with them, only where they are wanted

    return connect(settings)


def open_post(settings: ChannelSettings, *, mail: str, sms: str, words: Said, fields: Collection[str]) -> PostChannels:
    """The channels of the post: `mail` one of smtp, eml; `sms` one of aliyun_sms, http_generic, file; "" is none.

    `words` are what a short message says. Raises Refused("E-CHANNEL…") for settings that cannot work.
    """
    from trading.channels.switchboard import connect_post

    return connect_post(settings, mail, sms, words, fields)
