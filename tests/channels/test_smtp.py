"""Mail through a server that hesitates, drops and refuses; bounces that come back."""

from __future__ import annotations

import asyncio
import email
import email.message
import email.policy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import Envelope, Session

from tests.channels.calls import VALUES
from trading.channels import ChannelDown, ChannelUnfit
from trading.channels import smtp as driver
from trading.channels.notes import Notes
from trading.channels.smtp import Smtp, bounced

LAN = "lan@example.org"


class Post:
    """A mail server with knobs: `says` is what it answers to the next mails, "drop" takes one and hangs up."""

    def __init__(self) -> None:
        self.says: list[str] = []
        self.took: list[bytes] = []
        self.port = 0

    async def handle_RCPT(
        self, server: Server, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        says = self.says.pop(0) if self.says else "250 taken"
        if says.startswith("250") or says == "drop":
            assert isinstance(envelope.content, bytes)
            self.took.append(envelope.content)
        if says == "drop":
            server.transport.abort()  # type: ignore[union-attr]
        return says


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    made = Post()
    server = await asyncio.get_running_loop().create_server(lambda: Server(made, enable_SMTPUTF8=True), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


def mailer(post: Post, folder: Path) -> Smtp:
    server = driver.Server("127.0.0.1", post.port, "zhuanjia@ggzy.example", security="none")
    return Smtp(server, Notes(folder / "notes", bytes(32)), folder / "Maildir")


async def write(smtp: Smtp, key: str = "m", to: str = LAN) -> Any:
    return await smtp.write(key=key, number=to, template="confirmed", fields=VALUES)


async def test_twice_not_now_once_dropped_then_taken_is_one_mail(post: Post, tmp_path: Path) -> None:
    post.says = ["451 later", "451 later", "drop", "250 taken"]
    for _ in range(3):
        with pytest.raises(ChannelDown) as error:
            await write(mailer(post, tmp_path))
        assert LAN not in str(error.value)
    answer = await write(mailer(post, tmp_path))
    assert (answer.state, answer.outcome, answer.channel) == ("answered", "no_answer", "smtp")
    assert await write(mailer(post, tmp_path)) == answer
    mails = [email.message_from_bytes(raw, policy=email.policy.default) for raw in post.took]
    assert len(mails) == 2 and len({mail["Message-ID"] for mail in mails}) == 1, "the receiver sees one mail"
    assert (
        mails[0]["Subject"] == "江西省南昌市公共资源交易中心专家通知" and mails[0]["Auto-Submitted"] == "auto-generated"
    )
    assert "482913" in mails[0].get_content()  # type: ignore[attr-defined]


async def test_a_mail_that_is_refused_for_good_has_failed(post: Post, tmp_path: Path) -> None:
    answer = await write(mailer(post, tmp_path), to="nobody@example.org")
    assert answer.state == "failed" and b"550" in answer.provider
    post.says = ["554 no"]
    assert (await write(mailer(post, tmp_path), "n")).state == "failed"
    assert post.took == []


async def test_a_server_that_is_not_there(post: Post, tmp_path: Path) -> None:
    post.port = 9
    with pytest.raises(ChannelDown, match="unreachable"):
        await write(mailer(post, tmp_path))
    for address in ("lan", "lan@example.org\r\nBcc: all@example.org", "<lan@example.org>", ""):
        with pytest.raises(ChannelUnfit):
            await write(mailer(post, tmp_path), to=address)


def report(message_id: str, action: str = "failed", original: str = "text/rfc822-headers") -> bytes:
    """A delivery report as RFC 3464 has it."""
    head = f"Message-ID: {message_id}\r\nSubject: x\r\nTo: {LAN}\r\n"
    return (
        "From: MAILER-DAEMON@example.org\r\nTo: zhuanjia@ggzy.example\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; {LAN}\r\nAction: {action}\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: {original}\r\n\r\n{head}\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize("original", ["text/rfc822-headers", "message/rfc822"])
async def test_a_bounce_is_told_with_the_key_of_its_mail(post: Post, tmp_path: Path, original: str) -> None:
    await write(mailer(post, tmp_path))
    smtp = mailer(post, tmp_path)  # after a restart
    inbox = tmp_path / "Maildir/new"
    inbox.mkdir(parents=True)
    (inbox / "1").write_bytes(report(smtp.message_id("m"), original=original))
    (inbox / "2").write_bytes(report("<stranger@example.org>"))
    (inbox / "3").write_bytes(report(smtp.message_id("m"), "delayed"))
    (inbox / "4").write_bytes(b"\xff\xfe nothing that is a mail")
    (inbox / "5").write_bytes(f"Subject: hello\r\n\r\nMessage-ID: {smtp.message_id('m')}\r\n".encode())
    ((key, answer),) = await smtp.answers()
    assert (key, answer.state, answer.outcome) == ("m", "failed", "no_answer")
    assert await smtp.answers() == []


@pytest.mark.parametrize(
    "raw", [b"", b"\x00" * 100, report("<a@b>")[:300], report("<a@b>").replace(b"text/rfc822", b"x/y")]
)
def test_what_is_no_bounce_is_none(raw: bytes) -> None:
    assert bounced(raw) == ""
