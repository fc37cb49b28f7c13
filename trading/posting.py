"""`trading post`: letters to bidders' people leave the house, by mail and by short message.

A process of its own: it has no log key, no vault, and of the settings of channels only what it sends with. A letter is its
row (trading/outbox.py). Killed before it was handed over, it is handed over by the next process; killed between the
server's word and the row, a mail goes out again under the same Message-ID, which makes one of two, and a short message
does not (trading/channels/notes.py). Nothing written here to a log names a person, an address, a tender or a number.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import Final

from audit.refusal import Refused
from experts.conversation import Answer
from trading import accounts, letters, logs, mailbox, outbox, postgres
from trading.channels import ChannelDown, ChannelError, ChannelUnfit, PostChannels, open_post
from trading.channels.settings import ChannelSettings
from trading.channels.steady import Circuit, rest_after
from trading.dispatching import listening
from trading.settings import Settings
from trading.stopping import stopping

logger = logging.getLogger("trading.post")
LOOK: Final = 2.0
"""Machine seconds between two looks at the log."""
AT_ONCE: Final = 4
"""Letters under way together."""
LONGEST: Final = outbox.LEASE * 2 / 3
"""Machine seconds for one: shorter than a claim, so that nobody else takes it up meanwhile."""
BOUNCED: Final = "bounced"


def open_channels(settings: Settings, drivers: ChannelSettings) -> PostChannels:
    """The channels that the settings name. Raises Refused("E-CHANNEL…") for what cannot work."""
    return open_post(
        drivers, mail=settings.post_mail, sms=settings.post_sms, words=letters.short, fields=letters.FIELDS
    )


class Post:
    """One process's post."""

    def __init__(self, settings: Settings, channels: PostChannels, chance: random.Random | None = None) -> None:
        self.settings, self.channels = settings, channels
        self._line = Circuit("mail")
        self._chance = chance or random.SystemRandom()
        self._open = [kind for kind in letters.CHANNELS if getattr(channels, kind) is not None]

    async def look(self) -> None:
        """Once: queue what is due, hand over what waits, hear of what came back."""
        await outbox.write()
        await asyncio.gather(*(self._drain() for _ in range(AT_ONCE)))
        if self.channels.sms is not None:
            for key, answer in await self.channels.sms.answers():
                if answer.state == "failed":
                    await outbox.bounced(key)

    async def _drain(self) -> None:
        while (letter := await outbox.claim(self._open)) is not None:
            try:
                async with asyncio.timeout(LONGEST):
                    state = await self._hand_over(letter)
            except TimeoutError:
                await self._again(letter, ChannelDown(letter.channel, "slow"))
            except ChannelUnfit:
                await outbox.bounced(letter.id)
            except ChannelError as no:
                await self._again(letter, no)
            except Refused as no:  # words that may not be said: ours, and it would be refused again
                logger.error("a letter cannot be written: %s", no.code)
                await outbox.settle(letter.id, "failed")
            else:
                await (outbox.bounced(letter.id) if state == BOUNCED else outbox.settle(letter.id, state))

    async def _again(self, letter: outbox.Claimed, no: ChannelError) -> None:
        if no.why == "resting":
            await outbox.later(letter.id, max(no.retry_after, 1.0), again=True)
            return
        logger.warning("the channel %s: %s", no.channel, no.why)
        if letter.tries >= outbox.TRIES:
            await outbox.settle(letter.id, "failed")
            return
        rest = rest_after(letter.tries, self._chance.random())
        await outbox.later(letter.id, max(rest, no.retry_after))

    async def _hand_over(self, letter: outbox.Claimed) -> str:
        """What became of it. Raises ChannelError as the drivers do."""
        lang, base = letter.lang, self.settings.base_url
        fields = {
            "title": letter.title,
            "tender": letter.tender.rpartition("@")[0],
            "link": f"{base}/t/{letter.tender}",
        }
        if letter.deadline is not None:
            fields["time"] = letters.moment(letter.deadline, lang)
        if letter.event == letters.CONFIRM:
            fields = {"code": mailbox.code_of(letter.address_id)}
        if letter.channel == letters.SMS:
            assert self.channels.sms is not None
            answer = await self.channels.sms.write(
                key=letter.id, number=letter.address, template=letter.event, fields={**fields, "lang": lang}
            )
            return _state(answer)
        mailer = self.channels.mail
        assert mailer is not None
        made = letters.mail(
            letter.event, lang, fields, sender=mailer.sender, to=letter.address, id=letter.id, settings=f"{base}/b/messages"
        )  # fmt: skip
        answer = await self._line.through(lambda: mailer.send(made))
        return _state(answer)


def _state(answer: Answer) -> str:
    """Refused for good is a bounce; where nobody can say whether it left, it has failed and no address is blamed."""
    return "sent" if answer.state == "answered" else BOUNCED if answer.provider else "failed"


async def run(settings: Settings, drivers: ChannelSettings, *, once: bool = False) -> None:
    """Write until SIGTERM, or (`once`) what is due now. Refused: E-CHANNEL-…"""
    logs.speak(settings, drivers)
    accounts.use_pepper(accounts.pepper_of(settings))
    channels = open_channels(settings, drivers)
    stop = stopping()
    post = Post(settings, channels)
    async with listening(channels):
        while not stop.is_set():
            try:
                async with postgres.connected(settings):
                    while not stop.is_set():
                        await post.look()
                        if once:
                            return
                        await _rest(stop, LOOK)
            except postgres.AWAY as gone:
                logger.warning("the database is away: %s", type(gone).__name__)
                if once:
                    raise
                await _rest(stop, LOOK)
    logger.info("stopped")


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
