"""Mail, by the centre's own server. The same key always makes the same Message-ID, so a mail sent twice is one.

What the server refuses for now (4xx), or drops, is tried again under the same key; what it refuses for good is "failed".
Replies and bounces come back to the sender's address later: a Maildir that they arrive in is read. A failed delivery is told
with the key of its mail (RFC 3464); so is a reply that begins with 1, 2 or 9. Mail proves nobody's identity: whoever replies
knew a Message-ID that only its receiver was sent, and what a written `1` is worth is the dispatcher's to say.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import aiosmtplib

from experts.conversation import REPLIES, Answer, unanswered
from experts.wording import WORDINGS, render, said
from trading.channels import ChannelDown, ChannelLater, ChannelUnfit
from trading.channels.notes import Notes, once

TIMEOUT: Final = 20.0
"""Machine seconds for a server's answer."""
LARGEST: Final = 1 << 20
ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True)
class Server:
    """Where mail goes out. `security`: starttls, tls, or none."""

    host: str
    port: int
    sender: str
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


class Smtp:
    """A text by mail. `bounces` is a Maildir."""

    name = "smtp"

    def __init__(self, server: Server, notes: Notes, bounces: Path | None = None) -> None:
        self._server, self._notes, self._bounces = server, notes, bounces
        self._keys = {self.message_id(note.key): note.key for note in notes.all()}
        self._read: set[str] = set()

    def message_id(self, key: str) -> str:
        """The Message-ID that a key always makes."""
        domain = self._server.sender.rpartition("@")[2]
        return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"

    async def write(self, *, key: str, number: str, template: str, fields: Mapping[str, str]) -> Answer:
        """As `Text.write`; `number` is an address."""
        if not ADDRESS.fullmatch(number):
            raise ChannelUnfit(self.name, "address")
        wording = WORDINGS[fields.get("lang", "zh-CN")]
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"] = self._server.sender, number
        mail["Subject"] = render(wording.subject, fields)
        mail["Message-ID"] = self.message_id(key)
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(said(template, fields))

        async def act() -> Answer:
            self._keys[self.message_id(key)] = key
            return await hand_over(self._server, mail)

        return await once(self._notes, key, self.name, act, lambda note: act())

    async def answers(self) -> Sequence[tuple[str, Answer]]:
        """What is in the Maildir, each once in the life of this process. Other people's mail is left alone."""
        came = []
        for path in sorted(self._bounces.glob("[nc]*/*")) if self._bounces else ():
            if path.name in self._read or not path.is_file():
                continue
            self._read.add(path.name)
            if path.stat().st_size <= LARGEST:
                told = path.read_bytes()
                if key := self._keys.get(bounced(told)):
                    came.append((key, unanswered("failed", self.name, told)))
                    continue
                to, word = replied(told)
                if word in REPLIES and (key := self._keys.get(to)):
                    came.append((key, Answer("answered", REPLIES[word], word, self.name, told)))
        return came


async def hand_over(server: Server, mail: EmailMessage) -> Answer:
    """One try to hand a mail to the server: "answered", or "failed" where it refuses the receiver or the mail for good.

    Raises ChannelLater where the receiver cannot be reached now (4xx), ChannelDown where the server cannot.
    """
    try:
        _, told = await aiosmtplib.send(
            mail,
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            timeout=TIMEOUT,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [(one.code, one.message) for one in error.recipients]
        if all(500 <= code < 600 for code, _ in codes):
            return unanswered("failed", Smtp.name, "; ".join(f"{c} {m}" for c, m in codes).encode())
        raise ChannelLater(Smtp.name, f"status {codes[0][0]}") from None
    except aiosmtplib.SMTPAuthenticationError:
        raise ChannelDown(Smtp.name, "login") from None
    except aiosmtplib.SMTPResponseException as error:
        if isinstance(error, aiosmtplib.SMTPDataError) and 500 <= error.code < 600:
            return unanswered("failed", Smtp.name, f"{error.code} {error.message}".encode())
        raise ChannelDown(Smtp.name, f"status {error.code}") from None
    except (aiosmtplib.SMTPException, OSError, ValueError):
        raise ChannelDown(Smtp.name, "unreachable") from None  # or dropped: the Message-ID makes two of them one
    return Answer("answered", "no_answer", "", Smtp.name, told.encode())


@dataclass(frozen=True)
class Sending:
    """A mailer: whole mails, whose caller remembers what was handed over. The same Message-ID may be handed over again."""

    server: Server
    name = "smtp"

    @property
    def sender(self) -> str:
        """From whom mails are."""
        return self.server.sender

    async def send(self, mail: EmailMessage) -> Answer:
        """As `hand_over`."""
        return await hand_over(self.server, mail)


@dataclass(frozen=True)
class Folder:
    """The mailer of development: a mail is a file `<its id>.eml`, so one handed over again is the same file."""

    path: Path
    sender: str
    name = "eml"

    async def send(self, mail: EmailMessage) -> Answer:
        """Whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self.path / f"{hashlib.sha256(mail['Message-ID'].encode()).hexdigest()[:32]}.eml"
        fresh = made.with_suffix(".new")
        fresh.write_bytes(mail.as_bytes())
        fresh.replace(made)
        return Answer("answered", "no_answer", "", self.name, b"")


def bounced(raw: bytes) -> str:
    """The Message-ID of the mail that a delivery report says has failed; "" for anything else."""
    try:
        report = email.message_from_bytes(raw, policy=email.policy.default)
        if report.get_content_type() != "multipart/report":
            return ""
        failed, found = False, ""
        for part in report.walk():
            kind = part.get_content_type()
            if kind == "message/delivery-status":
                blocks = part.get_payload()
                failed = any(str(block.get("Action", "")).strip().lower() == "failed" for block in blocks)  # type: ignore[union-attr]
            elif kind in ("message/rfc822", "text/rfc822-headers"):
                inner = part.get_payload()
                text = inner[0].as_string() if isinstance(inner, list) else str(part.get_content())  # type: ignore[union-attr]
                if match := re.search(r"^Message-ID:\s*(<[^>\s]+>)", text, re.I | re.M):
                    found = match[1]
        return found if failed else ""
    except Exception:  # a stranger's mail: whatever is wrong with it, it is no bounce of ours
        return ""


def replied(raw: bytes) -> tuple[str, str]:
    """The Message-ID that a mail answers, and the first word of its text; ("", "") for machines' and unreadable mail."""
    try:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        body = mail.get_body(("plain",))
        if body is None or str(mail.get("Auto-Submitted", "no")).strip().lower() != "no":
            return "", ""
        words = str(body.get_content()).split()
        return str(mail.get("In-Reply-To", "")).strip(), words[0][:1] if words and len(words[0]) <= 2 else ""
    except Exception:  # as above
        return "", ""
