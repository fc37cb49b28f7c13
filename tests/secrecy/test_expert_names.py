"""P11: nobody's name or number is anywhere before the evaluation ends: database files, WAL, dump, logs, temporary files,
tools' own disks, transcripts of calls, answers to every role, an expert's seat among them.

Everybody on the roster bears the same two rare characters in his name; thirty are looked for by their numbers as well. Only
the file channel, which is the provider here, knows whom it rang: its directory is searched for names alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.secrecy.crawl import crawl, crawl_log, said
from tests.secrecy.markers import hits, in_files
from trading.cli.screen import Screen
from trading.demo import roster, wares
from trading.demo.market import Run
from trading.demo.otherwise import Scored
from trading.demo.processes import free_port
from trading.demo.story import Story
from trading.postgres import OWNER, binaries, embedded
from trading.settings import Settings

pytestmark = pytest.mark.slow

STEM = "䶮甪"
PLANTED = 30


def forms(name: str, text: str) -> Iterator[tuple[str, bytes]]:
    """A text as software writes it: in UTF-8 and UTF-16, escaped in JSON, in base64 at each alignment, in hexadecimal."""
    data = text.encode()
    yield name, data
    yield f"{name} in UTF-16", text.encode("utf-16-le")
    yield f"{name} in hex", data.hex().encode()
    if not text.isascii():
        yield f"{name} escaped", json.dumps(text)[1:-1].encode()
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data + bytes(3))
        yield f"{name} in base64+{before}", coded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]


class Searched(Scored):
    """A rated tender whose panel is watched: everything is searched when all have scored, before the report is received."""

    def __init__(self, wanted: dict[str, bytes], names: dict[str, bytes], temporary: Path) -> None:
        self.wanted, self.names, self.temporary = wanted, names, temporary
        self.found: dict[str, Any] = {}
        self.answers = 0

    def score(self, story: Story, run: Run) -> None:
        super().score(story, run)
        self.found = self.everything(story, run)
        self.control(story, run)

    def everything(self, story: Story, run: Run) -> dict[str, Any]:
        """Every place with a hit."""
        dump = self.dump(story)
        found: dict[str, Any] = {"dump": dump} if dump else {}
        calls = story.home / "calls"
        for path, there in in_files(self.wanted, story.home, self.temporary):
            if not path.is_relative_to(calls):
                found[str(path.relative_to(story.home.parent))] = there
        found |= {str(path): there for path, there in in_files(self.names, calls)}
        return found | asyncio.run(self.http(story, run))

    def dump(self, story: Story) -> list[str]:
        """pg_dump, as text; and what lies in memory goes to the files that are searched next."""
        database = embedded(Settings(data=story.home))
        command = [str(binaries() / "pg_dump"), "--inserts", database.dsn(OWNER)]
        dumped = subprocess.run(command, capture_output=True, check=True).stdout
        assert len(dumped) > 100_000 and b"experts_expert" in dumped
        return hits(self.wanted, dumped)

    async def http(self, story: Story, run: Run) -> dict[str, list[str]]:
        """Every answer to every role, and to a member of the panel."""
        seat = story.panels.seats[run.tender][1]
        tokens = {"public": "", **story.market.tokens, "expert": seat.place["token"]}
        nobody = "0" * 64
        names = {
            "tender": [run.tender], "project": [run.project], "stage": ["form", "documents"], "upload": [nobody[:32]],
            "manifest": [nobody], "statement": [nobody], "sha256": [nobody],
        }  # fmt: skip
        found = {}
        async with httpx.AsyncClient(base_url=story.url, timeout=60) as client:

            async def fetch(role: str, path: str) -> httpx.Response:
                headers = {"Authorization": f"Bearer {tokens[role]}"} if tokens[role] else {}
                return await client.get(path, headers=headers)

            for crawled in (crawl(fetch, list(tokens), names), crawl_log(fetch)):
                async for one in crawled:
                    self.answers += 1
                    if there := hits(self.wanted, said(one.answer)):
                        found[f"{one.role} {one.path}"] = there
        return found

    def control(self, story: Story, run: Run) -> None:
        """Planted in a row, in a log and in a transcript, it is found in each."""
        body = {"title": f"示范：{STEM}", "regime": "source-law", "direction": "buy", "currency": "CNY"}
        story.market.as_("tenderee").post("/projects", body)
        for path, text in (("logs/dispatcher.log", STEM), ("calls/planted.txt", STEM), ("log/planted", self.number)):
            with (story.home / path).open("ab") as file:
                file.write(text.encode() + b"\n")
        found = self.everything(story, run)
        (story.home / "calls/planted.txt").unlink()
        (story.home / "log/planted").unlink()
        assert "name" in found["dump"] and "name" in found["tenderee /api/v1/projects"], found
        for place in ("logs/dispatcher.log", "calls/planted.txt", "log/planted"):
            assert any(where.endswith(place) for where in found), place
        assert any("/cluster/" in where for where in found), found

    @property
    def number(self) -> str:
        return self.wanted["number 0"].decode()


def test_no_name_and_no_number_is_anywhere_before_the_evaluation_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "installation" / "tmp"
    temporary.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(roster, "SURNAMES", STEM[0])
    monkeypatch.setattr(roster, "GIVEN", STEM[1])
    people = roster.people([])[1]
    names = dict(forms("name", STEM))
    wanted = dict(names)
    for n, one in enumerate(people[:PLANTED]):
        wanted |= dict(forms(f"number {n}", one.person.phone[-11:])) | dict(forms(f"identity {n}", one.person.identity))
    way = Searched(wanted, names, temporary)
    run = Run(wares.SCORED, "gov", way)
    with ExitStack() as stack:
        story = Story(Screen("zh-CN", as_json=True), tmp_path / "installation" / "a centre", free_port(), [run])
        stack.callback(story.close)
        story.begin(stack)
        assert set(story.book.plan) >= {one.person.phone for one in people}
        story.play()
        assert way.found == {}
        assert way.answers > 500
        members = story.market.as_("operator").get(f"/tenders/{run.tender}/panel/members")["items"]
        assert len(members) == 5 and all(one["name"].startswith(STEM) for one in members), "published with the result"
        assert all(proof.code == 0 for proof in story.prove(tmp_path / "out"))
    print(f"{way.answers} answers, {len(wanted)} forms of {PLANTED} people: nothing before the evaluation ended")
