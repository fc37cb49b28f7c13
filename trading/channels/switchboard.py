"""From settings to open channels: each driver in its place, with its notes, behind its circuit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final, TypeVar

from audit.refusal import Refused
from experts.wording import FIELDS, said
from trading.channels import Channels, Mailer, PostChannels, Said, Text, Voice, aliyun_sms, aliyun_voice
from trading.channels.acs3 import Aliyun, Signer
from trading.channels.callbacks import Callbacks
from trading.channels.file import File
from trading.channels.hints import Hints
from trading.channels.http_generic import HttpGeneric
from trading.channels.notes import Notes, secret_at
from trading.channels.settings import ChannelSettings
from trading.channels.sip import Sip, Trunk
from trading.channels.smtp import ADDRESS, Folder, Sending, Server, Smtp
from trading.channels.speech import Speech
from trading.channels.steady import SteadyText, SteadyVoice
from trading.channels.webhook import secret_bytes
from trading.letters import CONFIRM, EVENTS

TEXT_TEMPLATES: Final = {"invited", "confirmed", "released"}
SECURITY: Final = ("starttls", "tls", "none")

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
        callbacks=board.callbacks(),
    )


def connect_post(settings: ChannelSettings, mail: str, sms: str, words: Said, fields: Collection[str]) -> PostChannels:
    """The channels of letters to bidders' people. Raises Refused as `connect` does."""
    board = _Board(settings, settings.data / "post", words, fields, settings.aliyun_post_templates)
    return PostChannels(
        mail=board.made(mail, MAILERS, "TRADING_POST_MAIL") if mail else None,
        sms=SteadyText(board.made(sms, TEXTS, "TRADING_POST_SMS")) if sms else None,
        callbacks=board.callbacks() if sms else None,
    )


class _Board:
    def __init__(
        self,
        settings: ChannelSettings,
        own: Path | None = None,
        words: Said = said,
        fields: Collection[str] = FIELDS,
        templates: Mapping[str, str] | None = None,
    ) -> None:
        """`own`: a directory for the notes of a process that is not the dispatcher."""
        self.settings, self._own, self._words, self._fields = settings, own, words, fields
        self._templates = settings.aliyun_sms_templates if templates is None else templates
        self._wanted = TEXT_TEMPLATES if templates is None else {*EVENTS, CONFIRM}
        self._secret = secret_at(own / "notes.key" if own else settings.key_path)
        self._file: File | None = None
        self._gateway: HttpGeneric | None = None
        self._hints = Hints()

    def notes(self, name: str) -> Notes:
        return Notes((self._own / "notes" if self._own else self.settings.notes_path) / name, self._secret)

    def made(self, name: str, known: Mapping[str, Callable[[_Board], T]], setting: str) -> T:
        if name not in known:
            raise Refused("E-CHANNEL", name=name, setting=setting, known=sorted(known))
        return known[name](self)

    def file(self) -> File:
        """One for calls, messages and mail: a late reply follows a call."""
        if self._file is None:
            s = self.settings
            behaviour, pace = ("accept", 1.0) if self._own else (s.file_behaviour, s.file_pace)
            folder = self._own / "sms" if self._own else s.file_path
            self._file = File(folder, self.notes("file-calls"), self.notes("file-texts"), behaviour, pace, self._words)
        return self._file

    def sip(self) -> Voice:
        s = self.settings
        account = re.fullmatch(r"(sips?:[^\s<>;@]+@[^\s<>;]+)((?:;[^\s<>]+)?)", s.sip_account)
        password = s.sip_password.get_secret_value()
        if not account:
            raise Refused("E-CHANNEL-SETTING", name="sip", setting="TRADING_SIP_ACCOUNT")
        if re.search(r"[\s;\"<>]", password):
            raise Refused("E-CHANNEL-SETTING", name="sip", setting="TRADING_SIP_PASSWORD")
        transport = re.search(r";transport=\w+", account[2])
        target = s.sip_target or f"sip:{{number}}@{account[1].partition('@')[2]}{transport[0] if transport else ''}"
        if "{number}" not in target:
            raise Refused("E-CHANNEL-SETTING", name="sip", setting="TRADING_SIP_TARGET")
        if not shutil.which(s.sip_baresip):
            raise Refused("E-CHANNEL-BARESIP", program=s.sip_baresip)
        line = f"<{s.sip_account}>;regint=0;audio_codecs={s.sip_codecs}" + (
            f";auth_pass={password}" if password else ""
        )
        under_way = s.notes_path.absolute() / "under-way"
        trunk = Trunk(line, target, s.sip_baresip, s.sip_modules, s.sip_interface, under_way)
        return Sip(trunk, Speech(s.voice_recordings), self.notes("sip"))

    def aliyun_voice(self) -> Voice:
        s = self.settings
        aliyun = self._aliyun("aliyun_voice", s.aliyun_voice_url, aliyun_voice.VERSION)
        self._need("aliyun_voice", aliyun_show_number=s.aliyun_show_number, callback_port=s.callback_port)
        wanted = {"invitation", "confirm_yes", "confirm_no", "confirm_conflict", "goodbye"}
        self._need("aliyun_voice", aliyun_voice_templates=wanted <= s.aliyun_voice_templates.keys())
        return aliyun_voice.AliyunVoice(
            aliyun, s.aliyun_show_number, s.aliyun_voice_templates, self.notes("aliyun-voice"), self._hints,
            without_code=s.aliyun_without_code,
        )  # fmt: skip

    def aliyun_sms(self) -> Text:
        s = self.settings
        aliyun = self._aliyun("aliyun_sms", s.aliyun_sms_url, aliyun_sms.VERSION)
        self._need("aliyun_sms", aliyun_sms_sign=s.aliyun_sms_sign)
        self._need("aliyun_sms", **{
            "aliyun_post_templates" if self._own else "aliyun_sms_templates": self._templates.keys() >= self._wanted
        })  # fmt: skip
        return aliyun_sms.AliyunSms(
            aliyun, s.aliyun_sms_sign, self._templates, self.notes("aliyun-sms"), self._hints, self._words, self._fields
        )

    def smtp(self) -> Text:
        return Smtp(self._server(), self.notes("smtp"), self.settings.smtp_bounces)

    def sending(self) -> Mailer:
        return Sending(self._server())

    def folder(self) -> Mailer:
        assert self._own is not None
        return Folder(self._own / "mail", self.settings.smtp_from or "post@centre.example")

    def _server(self) -> Server:
        s = self.settings
        self._need("smtp", smtp_from=ADDRESS.fullmatch(s.smtp_from), smtp_security=s.smtp_security in SECURITY)
        password = s.smtp_password.get_secret_value()
        self._need("smtp", smtp_security=s.smtp_security != "none" or not password)
        return Server(s.smtp_host, s.smtp_port, s.smtp_from, s.smtp_security, s.smtp_user, password)

    def http_generic(self) -> HttpGeneric:
        """One for calls and messages."""
        s = self.settings
        if self._gateway is None:
            self._need("http_generic", gateway_url=s.gateway_url.startswith(("https://", "http://127.0.0.1")))
            secret = secret_bytes(s.gateway_secret.get_secret_value())
            self._gateway = HttpGeneric(
                s.gateway_url,
                secret,
                self.notes("gateway-calls"),
                self.notes("gateway-texts"),
                self._hints,
                words=self._words,
            )
        return self._gateway

    def callbacks(self) -> Callbacks | None:
        s = self.settings
        if not s.callback_port:
            return None
        secret = secret_bytes(s.gateway_secret.get_secret_value()) if self._gateway else None
        token = s.callback_token.get_secret_value()
        return Callbacks(self._hints, token, secret, s.callback_host, s.callback_port)

    def _aliyun(self, name: str, url: str, version: str) -> Aliyun:
        s = self.settings
        secret = s.aliyun_key_secret.get_secret_value()
        self._need(name, aliyun_key_id=s.aliyun_key_id, aliyun_key_secret=secret)
        return Aliyun(name, url, version, Signer(s.aliyun_key_id, secret), s.aliyun_region)

    def _need(self, name: str, **values: object) -> None:
        for setting, value in values.items():
            if not value:
                raise Refused("E-CHANNEL-SETTING", name=name, setting=f"TRADING_{setting.upper()}")


VOICES: Final[Mapping[str, Callable[[_Board], Voice]]] = {
    "sip": _Board.sip, "aliyun_voice": _Board.aliyun_voice, "http_generic": _Board.http_generic, "file": _Board.file,
}  # fmt: skip
TEXTS: Final[Mapping[str, Callable[[_Board], Text]]] = {
    "aliyun_sms": _Board.aliyun_sms, "http_generic": _Board.http_generic, "file": _Board.file,
}  # fmt: skip
MAILS: Final[Mapping[str, Callable[[_Board], Text]]] = {"smtp": _Board.smtp, "file": _Board.file}
MAILERS: Final[Mapping[str, Callable[[_Board], Mailer]]] = {"smtp": _Board.sending, "eml": _Board.folder}
