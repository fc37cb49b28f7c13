"""Letters to bidders' people: once, to whoever follows, with nothing in them; and what does not arrive is shown."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP as Server

from audit.act import pool
from audit.canon import stamp
from tests.security.browsers import Browser, Clock, come_in
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading import letters, outbox
from trading.channels.settings import ChannelSettings
from trading.posting import Post, open_channels
from trading.settings import Settings

MARKERS = ("安和建筑", "宏远路桥", "9123456", "91234.56", "52870000")
"""Names of bidders and figures of their bids: in no letter."""


class Killed(BaseException):
    """The process dies here: nothing of it runs any more."""


class Postoffice:
    """A mail server at the border, with knobs. `says`: what it answers next; `nobody…` has no mailbox, `later` not yet."""

    def __init__(self) -> None:
        self.took: list[bytes] = []
        self.says: list[str] = []
        self.later: set[str] = set()
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if address in self.later:
            self.later.discard(address)
            return "450 4.2.0 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        says = self.says.pop(0) if self.says else "250 taken"
        if says.startswith("250"):
            self.took.append(envelope.content)
        return says

    def mails(self, to: str = "") -> list[Any]:
        read = [email.message_from_bytes(raw, policy=email.policy.default) for raw in self.took]
        return [mail for mail in read if to in mail["To"]]

    def subjects(self, to: str) -> list[str]:
        return [str(mail["Subject"]).partition(":")[0] for mail in self.mails(to)]


@pytest.fixture
async def office() -> AsyncIterator[Postoffice]:
    made = Postoffice()
    server = await asyncio.get_running_loop().create_server(lambda: Server(made), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
def settings(database: str, owner_dsn: str, tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path / "data", database_url=database, database_owner_url=owner_dsn, origin="demo.test/log",
        token_pepper="pepper", witnesses=("w=http://w",), post_mail="smtp", post_sms="file",
    )  # fmt: skip


class Street:
    """The town, its post, and people who sit at browsers."""

    def __init__(self, place: Town, office: Postoffice, tmp: Path) -> None:
        self.town, self.office, self.tmp = place, office, tmp
        self.desk = Desk(place, tmp / "desk")
        self.clock = Clock(place)

    def post(self) -> Post:
        """A post that has just been started."""
        drivers = ChannelSettings(
            data=self.town.settings.data, smtp_host="127.0.0.1", smtp_port=self.office.port, smtp_security="none",
            smtp_from="post@centre.example",
        )  # fmt: skip
        return Post(self.town.settings, open_channels(self.town.settings, drivers))

    async def look(self) -> None:
        """A run of the post, after what waits for its next try may be tried."""
        await pool().execute("UPDATE trading_letter SET next_at = clock_timestamp() WHERE state = 'queued'")
        await self.post().look()

    async def person(self, name: str, follows: str = "") -> Browser:
        browser, _ = await come_in(self.town, name, "bidder", self.clock)
        if follows:
            await browser.get("/b/messages")
            await browser.submit("/b/messages/following", tender=follows, follow="yes")
        return browser

    async def confirmed(self, browser: Browser, address: str, kind: str = "mail") -> None:
        """Type an address, read the code that comes there, type it."""
        await browser.get("/b/messages")
        fields = {"form_token": browser.token, "kind": kind, "address": address}
        assert (await browser.post("/b/messages/address", fields)).status_code == 303
        await self.look()
        if kind == "mail":
            code = self.office.mails(address)[-1].get_content().partition("code: ")[2][:8]
        else:
            line = next((self.town.settings.data / "post" / "sms").glob("*.sms.txt")).read_text().splitlines()[-1]
            code = line.partition("code is ")[2][:8]
        await browser.get("/b/messages")
        wrong = {"form_token": browser.token, "kind": kind, "code": "x"}
        assert (await browser.post("/b/messages/confirmation", wrong)).status_code == 422
        right = await browser.post("/b/messages/confirmation", {**wrong, "code": f"{code[:4]} {code[4:]}"})
        assert right.status_code == 303, right.text
        self.office.took.clear()


@pytest.fixture
async def street(place: Town, office: Postoffice, tmp_path: Path) -> Street:
    return Street(place, office, tmp_path)


async def forged(about: str, event: str, tender: str) -> None:
    """A letter that no code of ours would queue."""
    await pool().execute(
        f"""INSERT INTO trading_letter (id, event, about, person_id, channel, tender_id, address_id, state, made_at, next_at)
            SELECT 'x', $1, ({about}), person_id, kind, $2, id, 'queued', asked_at, asked_at FROM trading_address LIMIT 1""",
        event, tender,
    )  # fmt: skip


AN, HONG = "an@anhe.example", "hong@hongyuan.example"


async def test_three_reminders_exactly_once_though_the_post_was_killed(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, town, office = street.desk, street.town, street.office
    await desk.open(regime="works", description="—")
    an = await street.person("安和建筑", desk.tender)
    await street.confirmed(an, AN)
    await street.look()
    assert office.subjects(AN) == []

    await town.push(timedelta(days=24, minutes=1))  # less than a day is left

    async def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying:  # after its row was written and claimed, before anything was handed over
        dying.setattr(Post, "_hand_over", killed)
        with pytest.raises(Killed):
            await street.post().look()
    await street.post().look()
    assert office.subjects(AN) == [], "what a dead process holds is let go by its lease alone"
    await street.look()
    await street.look()
    assert office.subjects(AN) == ["Closing soon"]

    await town.push(timedelta(hours=22))
    with monkeypatch.context() as dying:  # between the server's word and the row
        dying.setattr(outbox, "settle", killed)
        with pytest.raises(Killed):
            await street.post().look()
    await street.look()
    assert len({mail["Message-ID"] for mail in office.mails(AN)}) == 2, "one more mail to its reader"
    assert len(office.mails(AN)) == 3, "which the server was handed twice: one a crash"

    await town.push(timedelta(minutes=90))
    await asyncio.gather(street.look(), street.look())  # two processes at once
    await street.look()
    assert len({mail["Message-ID"] for mail in office.mails(AN)}) == 3 and len(office.mails(AN)) == 4
    await town.push(timedelta(hours=2))
    await street.look()
    assert len(office.mails(AN)) == 4, "after the deadline nobody is reminded"
    letter = office.mails(AN)[0]
    assert letter["Auto-Submitted"] == "auto-generated" and f"/t/{desk.tender}" in letter.get_content()
    with pytest.raises(asyncpg.UniqueViolationError):
        await forged("SELECT about FROM trading_letter WHERE event = 'deadline' LIMIT 1", "deadline", desk.tender)
    with pytest.raises(asyncpg.CheckViolationError):
        await pool().execute("UPDATE trading_letter SET state = 'queued', ended_at = NULL WHERE state = 'sent'")


async def test_a_moved_deadline_has_reminders_of_its_own(street: Street) -> None:
    desk, town, office = street.desk, street.town, street.office
    await desk.open()  # an hour
    an = await street.person("安和建筑", desk.tender)
    await street.confirmed(an, AN)
    await town.push(timedelta(minutes=40))
    await outbox.write()  # queued, and not yet handed over when the deadline moves
    moved = desk.deadline + timedelta(hours=3)
    body = {"deadline": stamp(moved), "reason": "clarification"}
    await town.call("tenderee", "POST", f"/tenders/{desk.tender}/deadline", 200, body)
    await town.beat()
    await street.look()
    assert office.subjects(AN) == ["Documents or times have changed"]
    await town.push(timedelta(minutes=81))  # within two hours of the new one
    await street.look()
    assert office.subjects(AN) == ["Documents or times have changed", "Closing soon"]
    assert letters.moment(moved, "en") in office.mails(AN)[-1].get_content()


async def test_before_the_opening_a_bid_leaves_no_trace_in_the_post(street: Street) -> None:
    """Hand in, replace, withdraw, ask: no row of the post changes; only who follows is written to, with or without a bid."""
    desk, town, office = street.desk, street.town, street.office
    await desk.open()
    an, watcher = await street.person("安和建筑", desk.tender), await street.person("看客", desk.tender)
    await street.confirmed(an, AN)
    await street.confirmed(watcher, HONG)
    anhe = await _bidder(desk, "安和建筑", street)
    others = [await desk.bidder(name) for name in ("宏远路桥", "第三家")]

    async def rows() -> list[int]:
        tables = ("following", "letterbox", "address", "letter")
        return [await pool().fetchval(f"SELECT count(*) FROM trading_{table}") for table in tables]

    await town.beat()
    await street.look()
    before = await rows()
    for bidder, price in zip((anhe, *others), (9_123_456, 9_200_000, 9_300_000), strict=True):
        await desk.hand_in(bidder, price)
    await desk.hand_in(anhe, 9_123_456)
    await desk.withdraw(others[1])
    await town.call("安和建筑", "POST", f"/tenders/{desk.tender}/questions", 201, {"text": "安和建筑问：能否延期？"})
    for _ in range(3):
        await town.beat()
    await street.look()
    assert await rows() == before and office.took == []
    page = await an.get("/b/messages")
    assert "Bid handed in" in page.text, "its own page says it at once"
    assert "Bid handed in" not in (await watcher.get("/b/messages")).text

    with pytest.raises(asyncpg.CheckViolationError, match="before the opening"):  # and no other code could
        await forged("SELECT 'x'", "receipt", desk.tender)
    await town.push(timedelta(minutes=31))
    await street.look()
    mails = {mail["To"]: mail.get_content() for mail in office.mails()}
    assert mails.keys() == {AN, HONG} and mails[AN] == mails[HONG], "with a bid or without: the same words"

    await town.push(timedelta(minutes=30))
    await town.timers.run_due()
    await town.beat()
    await desk.open_boxes()
    office.took.clear()
    await street.look()
    assert sorted(office.subjects(AN)) == ["Opened", "Your receipt"] and office.subjects(HONG) == ["Opened"]
    await street.look()
    assert len(office.took) == 3, "a second run writes nothing"
    whole = "".join(f"{mail.as_string()}{mail['Subject']}{mail.get_content()}" for mail in office.mails())
    assert not [one for one in (*MARKERS, anhe.bid, anhe.code) if one in whole]
    assert "新建大道改造工程" in whole, "the control: what is public is found by the same search"


async def _bidder(desk: Desk, name: str, street: Street) -> Any:
    """The desk's bidder of somebody who is enrolled already."""
    enrol = street.town.enrol

    async def known(name: str, role: str, **_: Any) -> str:
        return street.town.codes[name]

    street.town.enrol = known  # type: ignore[method-assign, assignment]
    try:
        return await desk.bidder(name)
    finally:
        street.town.enrol = enrol  # type: ignore[method-assign]


async def test_a_bounce_is_shown_in_plain_words_and_nothing_more_goes_there(street: Street) -> None:
    desk, town = street.desk, street.town
    await desk.open()
    an = await street.person("安和建筑", desk.tender)
    await street.confirmed(an, AN)
    await pool().execute("UPDATE trading_address SET address = 'nobody@anhe.example'")  # the mailbox is closed since
    await town.push(timedelta(minutes=31))
    await street.look()
    page = await an.get("/b/messages")
    assert "The mailbox refused what was sent to nobody@anhe.example" in page.text and "bounced" in page.text
    assert "Less than 30 minutes" in page.text, "the message itself is there"
    await town.call("tenderee", "GET", f"/tenders/{desk.tender}", 200)
    letters_ = await pool().fetch("SELECT state FROM trading_letter WHERE event = 'deadline'")
    assert [one["state"] for one in letters_] == ["bounced"]
    await street.confirmed(an, HONG)
    assert "refused" not in (await an.get("/b/messages")).text, "a new address, and it is forgotten"


async def test_a_mailbox_that_hesitates_is_tried_again_and_holds_up_nobody(street: Street) -> None:
    desk, town, office = street.desk, street.town, street.office
    await desk.open()
    for name, address in (("安和建筑", AN), ("宏远路桥", HONG)):
        await street.confirmed(await street.person(name, desk.tender), address)
    await town.push(timedelta(minutes=31))
    office.later = {AN}
    await street.look()
    assert office.subjects(HONG) == ["Closing soon"] and office.subjects(AN) == []
    waits = await pool().fetchval(
        "SELECT extract(epoch FROM next_at - clock_timestamp()) FROM trading_letter WHERE state = 'queued'"
    )
    assert 2 < waits < 7
    await street.look()
    assert office.subjects(AN) == ["Closing soon"]


async def test_what_one_does_not_want_is_not_written(street: Street) -> None:
    desk, town, office = street.desk, street.town, street.office
    await desk.open()
    an = await street.person("安和建筑", desk.tender)
    await street.confirmed(an, AN)
    await street.confirmed(an, "13800138000", "sms")
    await an.get("/b/messages")
    await an.post("/b/messages/wishes", {"form_token": an.token, "mail.opening": "yes", "sms.deadline": "yes"})
    await town.push(timedelta(minutes=31))
    await street.look()
    told = next((town.settings.data / "post" / "sms").glob("*.sms.txt")).read_text()
    assert office.took == [] and told.count("takes bids until") == 1
    assert "Less than 30 minutes" in (await an.get("/b/messages")).text, "here it is always told"
    await street.look()
    assert told == next((town.settings.data / "post" / "sms").glob("*.sms.txt")).read_text()


async def test_who_asked_for_deletion_or_stopped_it_is_written_to_no_more(street: Street) -> None:
    desk, town, office = street.desk, street.town, street.office
    await desk.open()
    an, hong = await street.person("安和建筑", desk.tender), await street.person("宏远路桥", desk.tender)
    await street.confirmed(an, AN)
    await street.confirmed(hong, HONG)
    await town.push(timedelta(minutes=31))
    await outbox.write()
    await hong.get("/b/messages")
    await hong.post("/b/messages/stop", {"form_token": hong.token, "kind": "mail"})
    from trading import retention

    person = await pool().fetchval("SELECT person_id FROM trading_address WHERE address = $1", AN)
    await retention.restrict(person)
    await street.look()
    assert office.took == []


async def test_the_process_itself_writes_files_where_there_is_no_server(street: Street) -> None:
    """`trading post --once`, as a demonstration has it; twice, it leaves one mail, and no word of it in its output."""
    desk, town = street.desk, street.town
    await desk.open()
    an = await street.person("安和建筑", desk.tender)
    await street.confirmed(an, AN)
    await town.push(timedelta(minutes=31))
    environment = {
        **os.environ, "DATABASE_URL": town.settings.database_url or "", "TRADING_DATA": str(town.settings.data),
        "TRADING_ORIGIN": town.settings.origin, "TRADING_TOKEN_PEPPER": "pepper", "TRADING_POST_MAIL": "eml",
    }  # fmt: skip
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "trading", "post", "--once", env=environment, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        assert AN.encode() not in said and desk.tender.encode() not in said
    (path,) = (town.settings.data / "post" / "mail").glob("*.eml")
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert mail["To"] == AN and str(mail["Subject"]).startswith("Closing soon")


async def test_the_page_is_ones_own(street: Street) -> None:
    desk, town = street.desk, street.town
    await desk.open()
    an = await street.person("安和建筑")
    page = await an.get("/b/messages")
    assert "No messages yet" in page.text and "You follow no tender yet" in page.text
    await an.get(f"/b/{desk.tender}/prepare")
    await an.submit("/b/messages/following")
    assert an.answer.url.path == f"/b/{desk.tender}/prepare" and "Remind me" not in an.page
    await town.push(timedelta(minutes=31))
    assert "1 unread" in (await an.get("/b")).text
    await an.get("/b/messages")
    await an.submit("/b/messages/read")
    assert "1 unread" not in an.page and "1 unread" not in (await an.get("/b")).text
    await an.get("/b/messages")
    token = an.token
    for path, fields, status in (
        ("following", {"tender": "L-9@1", "follow": "yes"}, 404), ("address", {"kind": "fax", "address": "1"}, 404),
        ("address", {"kind": "mail", "address": "an@x.example\r\nBcc: b@x.example"}, 422),
        ("confirmation", {"kind": "mail", "code": "1"}, 422), ("read", {"until": "never"}, 422),
    ):  # fmt: skip
        answer = await an.post(f"/b/messages/{path}", {"form_token": token, **fields})
        assert answer.status_code == status, (path, answer.status_code)
    assert (await an.post("/b/messages/stop", {"kind": "mail"})).status_code == 403, "without the form's token"
    assert (await town.as_("tenderee").get("/b/messages")).status_code == 403
    for _ in range(21):
        answer = await an.post("/b/messages/address", {"form_token": token, "kind": "mail", "address": AN})
    assert answer.status_code == 429, "nobody floods a stranger's mailbox"
    codes = [
        await an.post("/b/messages/confirmation", {"form_token": token, "kind": "mail", "code": "1"}) for _ in range(6)
    ]
    assert {one.status_code for one in codes} == {422}
    assert await pool().fetchval("SELECT max(guesses) FROM trading_address WHERE state = 'asked'") == 5


async def test_the_desk_counts_what_the_page_of_messages_shows_as_new(street: Street) -> None:
    """Nothing, a reminder, a bid, an opening, a security that came back in two parts, some of it read, all of it read."""
    desk, town = street.desk, street.town
    asked = {"amount": 200_000, "valid_days": 90, "accounts": "basic"}
    await desk.open(terms={"security": asked, "bid_validity_days": 90})
    an = await street.person("安和建筑", desk.tender)
    anhe, zhao = await _bidder(desk, "安和建筑", street), await desk.bidder("宏远路桥")

    async def unread() -> int:
        """As the desk says it and as the page does, and so many rows are marked."""
        told = []
        for path in ("/b", "/b/messages"):
            found = re.search(r"(\d+) unread", (await an.get(path)).text)
            told.append(int(found[1]) if found else 0)
        told.append(an.page.count('<span class="chip live">new</span>'))
        assert len(set(told)) == 1, told
        return told[0]

    assert await unread() == 0
    for one, price in ((anhe, 9_123_456), (zhao, 9_200_000)):
        await desk.hand_in(one, price)
        paid = {
            "amount": 200_000,
            "form": "transfer",
            "account": "62220000",
            "basic": True,
            "received": stamp(await desk.now()),
        }
        await town.call(one.name, "POST", f"/tenders/{desk.tender}/securities", 201, paid)
    assert await unread() == 1
    await town.push(timedelta(minutes=31))
    assert await unread() == 2
    await an.get("/b/messages")
    await an.submit("/b/messages/read")
    assert await unread() == 0
    await town.push(timedelta(minutes=30))
    await town.timers.run_due()
    await town.beat()
    await desk.open_boxes()
    assert await unread() == 1
    path = f"/tenders/{desk.tender}/securities/returns"
    for one, amount in ((anhe, 150_000), (zhao, 200_000), (anhe, 50_000)):
        await town.call("tenderee", "POST", path, 201, {"bidder": one.code, "amount": amount, "reason": "lost"})
    assert await unread() == 3, "what went back to another is no news of one's own"
