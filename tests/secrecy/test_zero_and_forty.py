"""No bids and forty bids look alike to everybody else, before the deadline (log.md §3).

Two centres live through the same days; in one of them forty firms hand in, some twice, and one withdraws; some ask, keep a
proof and pay security; and an amendment makes their bids stale. Everything that each role can fetch has the same statuses,
headers, sizes, counts and beats; random values aside. The tenderee alone reads questions, whose askers nobody knows.

The rates are those of a real closing: as many as a beat can hold, or twice that for once. A burst beyond 2w widens the
beat for the whole log, which everybody may see; so says the text.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.act import pool
from audit.canon import sha256_hex, stamp
from audit.trust import NOTE, Ed25519Signer, Vkey, record_sig_bytes
from tests.conftest import Cloner
from tests.secrecy.crawl import Seen, crawl, crawl_log, shape
from tests.trading.desk import SCHEMA, STAGES, Bidder, Desk
from tests.trading.town import ROLES, SINCE, Town, town
from trading import postgres
from trading.settings import Settings

FIRMS = 40
PER_BEAT = (3, 3, 0, 7, 0, 0, 3, 0, 3, 1, 3, 3, 3, 3, 3, 3, 3, 2)
"""Bids in each beat of the last hour: 7 leaves hold three; 7 make fourteen records wait; beyond sixteen the beat widens."""
PAYING = {2: (0, 1, 2), 4: (3, 4, 5), 5: (0, 1)}
"""Who pays and asks in a beat without bids: two records each."""
AMENDED = 9
PROOF = b"a bank's proof of payment"
LOOKS = (1, 6, 17)
"""After these beats everything is looked at as every role; the log is looked at after each."""
assert sum(PER_BEAT) == FIRMS + 3


class Centre:
    """One of the two centres: the town, its desk, and forty firms that have registered their keys."""

    def __init__(self, place: Town, desk: Desk) -> None:
        self.town, self.desk = place, desk
        self.firms: list[Bidder] = []
        self.keys = Ed25519Signer.generate()
        self.names: dict[str, list[str]] = {}

    async def begin(self) -> None:
        """The same days for both, up to the hour before the deadline."""
        await self.town.beat()
        for who in (*ROLES, *self.town.custodians):
            custodian = who in self.town.custodians
            await self.town.enrol(who, "custodian" if custodian else who, identity=who if custodian else None)
            await self.town.beat()
        await self.desk.open(announce=False)
        self.files = {name: await self.desk.paper("tenderee", name) for name in ("规格书", "图纸")}
        notice = {
            "deadline": stamp(self.desk.deadline), "opening_schema": SCHEMA, "documents": self.files,
            "security": {"amount": 1, "valid_days": 90}, "bid_validity_days": 90,
        }  # fmt: skip
        told = await self.town.call("tenderee", "POST", f"/tenders/{self.desk.tender}/announcement", 201, notice)
        self.desk.documents = told["documents"]
        for number in range(FIRMS):
            self.firms.append(await self.desk.bidder(f"第{number}建筑公司"))
            await self.town.beat()
        await self.town.beat()
        project = (await self.town.call("tenderee", "GET", f"/tenders/{self.desk.tender}", 200))["project"]
        statement = self.desk.custodians[0].statement
        assert statement is not None
        self.names = {
            "tender": [self.desk.tender],
            "project": [project],
            "stage": list(STAGES),
            "statement": [statement.hash],
            "manifest": [secrets.token_hex(32)],
            "upload": [secrets.token_hex(16)],
            "sha256": [sha256_hex(PROOF)],
        }

    async def hand_in(self, number: int) -> None:
        """The next bid of forty; three firms hand in again, and one of them withdraws."""
        firm = self.firms[number % FIRMS]
        told = await self.desk.hand_in(firm, 9_000_000 + number)
        if number == 10:  # strangers ask for what is really there, not for what is nowhere
            self.names["manifest"] = [told["receipts"]["form"]["manifest"]]
            self.names["upload"] = [str(await pool().fetchval("SELECT upload_id FROM bidding_deposit LIMIT 1"))]
        if number == 41:
            await self.desk.withdraw(firm)

    async def pay_and_ask(self, number: int) -> None:
        """One of the forty keeps its proof, pays, and asks something."""
        who, path = self.firms[number].name, f"/tenders/{self.desk.tender}"
        proof = await self.desk.paper(who, PROOF)
        paid = {"amount": 100 + number, "form": "letter", "account": "6222", "proof": proof}
        paid["received"] = stamp(await self.desk.now())
        await self.town.call(who, "POST", f"{path}/securities", 201, paid)
        await self.town.call(who, "POST", f"{path}/questions", 201, {"text": f"{number}?"})

    async def amend(self) -> None:
        """New documents for everybody; whoever has handed in has a stale bid now."""
        self.files["图纸"] = await self.desk.paper("tenderee", "图纸二")
        body = {"files": self.files, "affects": True, "reason": "图纸"}
        await self.town.call("tenderee", "POST", f"/tenders/{self.desk.tender}/amendments", 201, body)

    async def public_act(self, beat: int) -> None:
        """Something public happens in both: an authority vouches for a key."""
        said = {
            "id": f"C-{beat}", "role": "custodian", "vkey": str(Vkey(f"C-{beat}", NOTE, self.keys.key)),
            "from": SINCE, "until": None, "by": "A-SUP",
        }  # fmt: skip
        signer = self.town.authority
        signed = record_sig_bytes({"type": "trading.identity-vouched/v1", "subject": said["id"], **said})
        await self.town.call("supervisor", "POST", "/identities", 201, {**said, "sig": [signer.sign(signed)]})

    async def log(self) -> list[Any]:
        """What the log shows after a beat."""
        seen = []
        for path in ("/log/checkpoint", "/log/status", "/events?limit=1000", "/disclosures"):
            answer = await self.fetch("public", path)
            seen.append((path, _aside(answer, path)))
        return seen

    async def everything(self) -> list[Any]:
        """What everybody sees now. Refused readings are records too, more than fit into one beat: two follow each role's."""
        found = []
        for role in ("public", *ROLES, "C-SUP"):
            async for seen in crawl(self.fetch, [role], self.names):
                if (role, seen.path.rpartition("/")[2]) != ("tenderee", "questions"):
                    found.append((role, self._plain(seen.path), shape(seen)))
            await self.town.beat()
            await self.town.beat()
        found += [("public", seen.path, shape(seen)) async for seen in crawl_log(self.fetch)]
        return found

    def _plain(self, path: str) -> str:
        for name in ("manifest", "upload", "statement"):
            path = path.replace(self.names[name][0], "{" + name + "}")
        return path

    async def fetch(self, role: str, path: str) -> httpx.Response:
        return await self.town.as_(role).get(path)


def _aside(answer: httpx.Response, path: str) -> Any:
    return shape(Seen("public", path, answer))


@asynccontextmanager
async def founded(clone: Cloner, server: postgres.Embedded, home: Path) -> AsyncIterator[Centre]:
    with clone() as name:
        app = server.dsn(postgres.APP, name)
        owner = server.dsn(postgres.OWNER, name)
        configured = Settings(
            data=home / "data", database_url=app, database_owner_url=owner, origin="demo.test/log",
            token_pepper="pepper",
        )  # fmt: skip
        async with postgres.connected(configured), town(configured, owner) as place:
            made = Centre(place, Desk(place, home / "desk"))
            await made.begin()
            yield made


async def live(centre: Centre, bids: bool, beats: int = len(PER_BEAT)) -> list[Any]:
    """The last hour: what was seen after each beat."""
    seen, number = [], 0
    for beat, count in enumerate(PER_BEAT[:beats]):
        if beat in (0, 2, 6, 9, 13):
            await centre.public_act(beat)
        for _ in range(count if bids else 0):
            await centre.hand_in(number)
            number += 1
        for payer in PAYING.get(beat, ()) if bids else ():
            await centre.pay_and_ask(payer)
        if beat == AMENDED:
            await centre.amend()
        await centre.town.beat()
        seen.append((f"beat {beat}", await centre.log()))
        if beat in LOOKS:
            seen.append((f"everything after beat {beat}", await centre.everything()))
    if bids:
        widths = {row["width"] for row in await pool().fetch("SELECT width FROM log_checkpoint")}
        assert widths == {8}, "at these rates the beat is never widened"
        held = await pool().fetchval("SELECT count(*) FROM log_record WHERE type = 'deposited'")
        assert held == 2 * number
    if bids and beats > AMENDED:
        own = await centre.town.call(centre.firms[0].name, "GET", f"/tenders/{centre.desk.tender}/bids", 200)
        assert own["items"][0]["stale"], "the bidder itself is told"
    return seen


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two sightings differ."""
    if type(one) is type(other) and isinstance(one, list | tuple) and len(one) == len(other):
        label = one[0] if one and isinstance(one[0], str) else None
        return [
            found
            for n, (a, b) in enumerate(zip(one, other, strict=True))
            for found in differences(a, b, f"{at}/{label or n}")
        ]
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [found for key in one for found in differences(one[key], other[key], f"{at}/{key}")]
    return [] if one == other else [f"{at}: {_brief(one, other)} | {_brief(other, one)}"]


def _brief(value: Any, other: Any) -> str:
    text, against = repr(value), repr(other)
    begin = next((n for n, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), 0)
    return f"…{text[max(0, begin - 60) : begin + 120]}… ({len(text)})"


_kept: list[Any] = []


@pytest.fixture
async def nobody(clone: Cloner, server: postgres.Embedded, tmp_path: Path) -> list[Any]:
    """What is seen where nobody bids; lived once."""
    if not _kept:
        async with founded(clone, server, tmp_path / "nobody") as centre:
            _kept.extend(await live(centre, bids=False))
    return _kept


async def test_no_bids_and_forty_bids_look_alike(
    nobody: list[Any], clone: Cloner, server: postgres.Embedded, tmp_path: Path
) -> None:
    async with founded(clone, server, tmp_path / "forty") as centre:
        forty = await live(centre, bids=True)
    answers = sum(len(seen) for what, seen in nobody if what.startswith("everything"))
    assert answers > 500
    found = differences(nobody, forty)
    assert not found, "\n".join(found[:20])
    print(f"{answers} answers to {len(ROLES) + 2} roles, {len(PER_BEAT)} beats: alike")


async def test_covers_that_can_be_told_from_bids_are_noticed(
    nobody: list[Any], clone: Cloner, server: postgres.Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: covers one byte short. (Beats without covers the database itself does not take: they have a width.)"""
    async with founded(clone, server, tmp_path / "bare") as centre:
        monkeypatch.setattr("audit.sequencer.entry_cover", lambda: b"\x01" + secrets.token_bytes(31))
        seen = await live(centre, bids=True, beats=2)
    found = differences(nobody[: len(seen)], seen)
    assert found and all("everything after beat 1" in line and "public" in line for line in found)


@pytest.mark.parametrize("leak", ["header", "count", "length"])
async def test_a_desk_that_counts_the_bids_is_noticed(
    leak: str, nobody: list[Any], clone: Cloner, server: postgres.Embedded, tmp_path: Path
) -> None:
    """The control: one answer of one desk that grows, counts, or is marked with each bid, in the least conspicuous way."""
    async with founded(clone, server, tmp_path / leak) as centre:
        honest = centre.fetch

        async def leaking(role: str, path: str) -> httpx.Response:
            answer = await honest(role, path)
            if role != "operator" or path != f"/api/v1/tenders/{centre.desk.tender}":
                return answer
            held = await pool().fetchval("SELECT count(*) FROM bidding_deposit")
            body, headers = answer.json(), {"content-type": "application/json"}
            if leak == "count":
                body["version"] = body.get("version", 0) + held
            elif leak == "length":
                body["title"] += " " * held
            else:
                headers = {**answer.headers, "etag": f'"{held}"'}
            return httpx.Response(200, json=body, headers=headers)

        centre.fetch = leaking  # type: ignore[method-assign]
        seen = await live(centre, bids=True, beats=2)
    found = differences(nobody[: len(seen)], seen)
    assert found and all("operator" in line for line in found)


async def test_a_burst_beyond_two_widths_is_seen_as_the_text_says(
    clone: Cloner, server: postgres.Embedded, tmp_path: Path
) -> None:
    """The limit of the promise (log.md §3): more than 2w waiting records widen the beat, by a public record."""
    async with founded(clone, server, tmp_path / "burst") as centre:
        for number in range(9):  # eighteen records, and w is eight
            await centre.hand_in(number)
        await centre.town.beat()
        answer = await centre.fetch("public", "/events?limit=1000")
        assert [event["data"]["width"] for event in answer.json() if event["type"].startswith("trading.width")] == [32]
