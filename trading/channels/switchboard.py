"""From settings to open channels: each driver in its place, with its notes, behind its circuit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from audit.refusal import Refused
from trading.channels import Channels, Text, Voice
from trading.channels.file import File
from trading.channels.notes import Notes, secret_at
from trading.channels.settings import ChannelSettings
from trading.channels.sip import Sip, Trunk
from trading.channels.speech import Speech
from trading.channels.steady import SteadyText, SteadyVoice

T = TypeVar("T")


def connect(settings: ChannelSettings) -> Channels:
    """The channels of these settings. Raises Refused: E-CHANNEL for a driver nobody knows, E-CHANNEL-SETTING for a setting
    that a driver needs and is not there.
    """
    board = _Board(settings)
    return Channels(
        voice=[SteadyVoice(board.made(name, VOICES, "TRADING_VOICE")) for name in settings.voice],
        text=[SteadyText(board.made(name, TEXTS, "TRADING_TEXT")) for name in settings.text],
        mail=[SteadyText(board.made(name, MAILS, "TRADING_MAIL")) for name in settings.mail],
    )


class _Board:
    def __init__(self, settings: ChannelSettings) -> None:
        self.settings = settings
        self._secret = secret_at(settings.key_path)
        self._file: File | None = None

    def notes(self, name: str) -> Notes:
        return Notes(self.settings.notes_path / name, self._secret)

    def made(self, name: str, known: Mapping[str, Callable[[_Board], T]], setting: str) -> T:
        if name not in known:
            raise Refused("E-CHANNEL", name=name, setting=setting, known=sorted(known))
        return known[name](self)

    def file(self) -> File:
        """One for calls, messages and mail: a late reply follows a call."""
        if self._file is None:
            s = self.settings
            self._file = File(
                s.file_path, self.notes("file-calls"), self.notes("file-texts"), s.file_behaviour, s.file_pace
            )
        return self._file

    def sip(self) -> Voice:
        s = self.settings
        account = re.fullmatch(r"(sips?:[^\s<>;@]+@[^\s<>;]+)((?:;[^\s<>]+)?)", s.sip_account)
        password = s.sip_password.get_secret_value()
        if not account:
            raise Refused("E-CHANNEL-SETTING", name="sip", setting="TRADING_SIP_ACCOUNT")
        if re.search(r"[\s;\"<>]", password):
            raise Refused("E-CHANNEL-SETTING", name="sip", setting="TRADING_SIP_PASSWORD")
        target = s.sip_target or f"sip:{{number}}@{account[1].partition('@')[2]}"
        if "{number}" not in target:
            raise Refused("E-CHANNEL-SETTING", name="sip", setting="TRADING_SIP_TARGET")
        if not shutil.which(s.sip_baresip):
            raise Refused("E-CHANNEL-BARESIP", program=s.sip_baresip)
        line = f"<{s.sip_account}>;regint=0;audio_codecs={s.sip_codecs}" + (
            f";auth_pass={password}" if password else ""
        )
        trunk = Trunk(line, target, s.sip_baresip, s.sip_modules, s.sip_interface)
        return Sip(trunk, Speech(s.voice_recordings), self.notes("sip"))


VOICES: Final[Mapping[str, Callable[[_Board], Voice]]] = {"file": _Board.file, "sip": _Board.sip}
TEXTS: Final[Mapping[str, Callable[[_Board], Text]]] = {"file": _Board.file}
MAILS: Final[Mapping[str, Callable[[_Board], Text]]] = {"file": _Board.file}
