"""Which channels the dispatcher opens and how: `TRADING_<NAME>` in its own environment. The post reads of them how mail and
short messages leave (`TRADING_POST_MAIL`, `TRADING_POST_SMS` of the platform say by which); no other process does.

`TRADING_VOICE`, `TRADING_TEXT` and `TRADING_MAIL` list drivers, the preferred one first: `sip,aliyun_voice`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: object) -> object:
    return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class ChannelSettings(BaseSettings):
    """The channels of one installation. Spans are seconds of the machine's clock."""

    model_config = SettingsConfigDict(env_prefix="TRADING_", env_file=".env", extra="ignore", frozen=True)

    voice: Names = ("file",)
    """Of: sip, aliyun_voice, http_generic, file."""
    text: Names = ("file",)
    """Of: aliyun_sms, http_generic, file."""
    mail: Names = ()
    """Of: smtp, file."""
    data: Path = Path("data")
    note_key: Path | None = None
    """32 bytes under which notes of calls are sealed; None: `data/keys/channels.key`, made on first use."""

    # -- file: development, nobody is rung ------------------------------------------------------------------------------
    file_directory: Path | None = None
    """None: `data/calls`."""
    file_behaviour: str = "accept"
    """Of everybody who is not in `plan.json`; `phone`: a person at `trading phone`."""
    file_pace: float = 1.0
    """Shortens or stretches the waits of `trading phone`."""

    # -- sip: a baresip process for each call -----------------------------------------------------------------------------
    sip_account: str = ""
    """`sip:user@trunk.example;transport=tls`: who calls, in baresip's words. Its password stands in `sip_password`."""
    sip_password: SecretStr = SecretStr("")
    sip_target: str = ""
    """What is dialled, with `{number}`: `sip:{number}@trunk.example`. Empty: the account's own host."""
    sip_interface: str = ""
    """Interface or address that calls leave by; empty: baresip's choice."""
    sip_baresip: str = "baresip"
    sip_modules: Path = Path("/usr/lib/baresip/modules")
    sip_codecs: str = "pcma,pcmu"
    voice_recordings: Path | None = None
    """The operator's own recordings, `<clip>.wav` (invitation, confirm_yes, …): they go before any synthesised voice."""

    # -- aliyun -------------------------------------------------------------------------------------------------------------
    aliyun_key_id: str = ""
    aliyun_key_secret: SecretStr = SecretStr("")
    aliyun_region: str = "cn-hangzhou"
    aliyun_voice_url: str = "https://dyvmsapi.aliyuncs.com"
    aliyun_sms_url: str = "https://dysmsapi.aliyuncs.com"
    aliyun_show_number: str = ""
    """The number that called people see."""
    aliyun_voice_templates: dict[str, str] = Field(default_factory=dict)
    """The provider's code of each clip: {"invitation": "TTS_1", "confirm_yes": "TTS_2", …, "goodbye": "TTS_9"}."""
    aliyun_sms_templates: dict[str, str] = Field(default_factory=dict)
    """The same of each text: {"invited": "SMS_1", "confirmed": "SMS_2", "released": "SMS_3"}."""
    aliyun_post_templates: dict[str, str] = Field(default_factory=dict)
    """The same of each message to bidders' people (trading/letters.py): {"deadline": "SMS_4", …, "confirm": "SMS_13"}."""
    aliyun_sms_sign: str = ""
    """The signature that stands before every short message."""
    aliyun_without_code: bool = False
    """Let a call of Aliyun accept without the personal code, which it cannot ask. The centre answers for it."""

    # -- smtp ---------------------------------------------------------------------------------------------------------------
    smtp_host: str = "localhost"
    smtp_port: int = 587
    smtp_security: str = "starttls"
    """starttls, tls, or none (a relay on this machine)."""
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = ""
    smtp_bounces: Path | None = None
    """A Maildir in which replies and bounces to `smtp_from` arrive."""

    # -- gateway: the centre's own, by signed webhook ---------------------------------------------------------------------
    gateway_url: str = ""
    gateway_secret: SecretStr = SecretStr("")
    """`whsec_…`, Standard Webhooks."""

    # -- callbacks (trading/channels/callbacks.py) ------------------------------------------------------------------------
    callback_host: str = "127.0.0.1"
    callback_port: int = 0
    """0: no callbacks are listened for; answers are polled."""
    callback_token: SecretStr = SecretStr("")
    """The secret part of the callbacks' path, 32 characters at least."""

    @property
    def key_path(self) -> Path:
        """Where the key of the notes lies."""
        return self.note_key or self.data / "keys" / "channels.key"

    @property
    def file_path(self) -> Path:
        """The directory of the file channel."""
        return self.file_directory or self.data / "calls"

    @property
    def notes_path(self) -> Path:
        """The directory of the drivers' notes."""
        return self.data / "channels"
