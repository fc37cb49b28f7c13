"""The file channel: simulated people who behave as planned, and a person at `trading phone`."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit.refusal import Broken, Refused
from experts.conversation import Answer
from tests.channels.calls import CODE, SCRIPT, VALUES, knows
from trading.channels import ChannelDown, ChannelNonsense, Channels, open_channels
from trading.channels import file as file_channel
from trading.channels.file import BEHAVIOURS, File
from trading.channels.notes import Notes
from trading.channels.settings import ChannelSettings

WEI, LAN = "13800138001", "13800138002"
SECRET = bytes(32)


def line(tmp_path: Path, plan: object = None, default: str = "accept", pace: float = 0.02) -> File:
    if plan is not None:
        (tmp_path / "plan.json").write_text(json.dumps(plan))
    return File(tmp_path, Notes(tmp_path / "n/calls", SECRET), Notes(tmp_path / "n/texts", SECRET), default, pace)


async def ring(file: File, key: str, number: str = WEI, coded: bool = False) -> Answer:
    return await file.call(key=key, number=number, script=SCRIPT, check=knows() if coded else None, ring=0.3)


COMES = [
    ("accept", "answered", "accepted", "1xxxx1"), ("decline", "answered", "declined", "22"),
    ("conflict", "answered", "conflict", "99"), ("silent", "answered", "no_answer", ""),
    ("hang_up", "hung_up", "no_answer", ""), ("hang_up_late", "hung_up", "no_answer", "1"),
    ("wrong_code", "answered", "invalid", "1xxxxxxxx"), ("wrong_code_once", "answered", "accepted", "1xxxxxxxx1"),
    ("wrong_key", "answered", "invalid", "57"), ("unconfirmed", "answered", "invalid", "1xxxx1"),
    ("replay", "answered", "accepted", "*1xxxx1"), ("slow", "answered", "accepted", "1xxxx1"),
    ("accept_then_decline_late", "answered", "accepted", "1xxxx1"),
    ("busy", "busy", "no_answer", ""), ("no_answer", "no_answer", "no_answer", ""),
    ("voicemail", "voicemail", "no_answer", ""), ("failed", "failed", "no_answer", ""),
]  # fmt: skip


@pytest.mark.parametrize(("does", "state", "outcome", "keys"), COMES)
async def test_what_comes_of_each_behaviour(tmp_path: Path, does: str, state: str, outcome: str, keys: str) -> None:
    answer = await ring(line(tmp_path, {WEI: {"does": does, "code": CODE}}), "k", coded=True)
    assert (answer.state, answer.outcome, answer.keys, answer.channel) == (state, outcome, keys, "file")
    assert WEI.encode() not in answer.provider and answer.provider
    transcript = (tmp_path / "k.txt").read_text()
    assert CODE not in transcript and WEI not in transcript
    if state != "answered":
        assert transcript.startswith("line: ")
    if does == "accept":
        assert transcript.splitlines() == [
            "line: answered",
            f"said: {SCRIPT.invitation}",
            "pressed: 1",
            f"said: {SCRIPT.ask_code}",
            "pressed: xxxx",
            f"said: {SCRIPT.confirm_yes}",
            "pressed: 1",
            f"said: {SCRIPT.accepted}",
            "outcome: accepted",
        ]


def test_every_behaviour_is_tried_above() -> None:
    assert {row[0] for row in COMES} == set(BEHAVIOURS) - {"down", "nonsense", "phone"}


async def test_without_a_code_nobody_is_asked_for_one(tmp_path: Path) -> None:
    assert (await ring(line(tmp_path), "k")).keys == "11"


async def test_a_list_is_one_behaviour_a_try_even_after_a_crash(tmp_path: Path) -> None:
    plan = {WEI: ["no_answer", "busy", "accept"], "*": "decline"}
    assert (await ring(line(tmp_path, plan), "1")).state == "no_answer"
    assert (await ring(line(tmp_path), "2")).state == "busy"
    file = line(tmp_path)
    assert [(await ring(file, key)).outcome for key in "345"] == ["accepted"] * 3
    assert (await ring(file, "6", LAN)).outcome == "declined"


async def test_the_same_key_never_rings_twice(tmp_path: Path) -> None:
    first = await ring(line(tmp_path, {WEI: ["accept", "decline"]}), "k")
    assert await ring(line(tmp_path), "k") == first
    assert len((tmp_path / "calls.jsonl").read_text().splitlines()) == 1


async def test_a_call_cut_short_by_a_crash_is_failed_and_not_made_again(tmp_path: Path) -> None:
    file = line(tmp_path, {WEI: "slow"})
    call = asyncio.create_task(ring(file, "k"))
    await asyncio.sleep(0.05)
    call.cancel()  # as kill -9 leaves it: begun, and nothing more
    again = await ring(line(tmp_path), "k")
    assert (again.state, again.outcome) == ("failed", "no_answer")
    assert len((tmp_path / "calls.jsonl").read_text().splitlines()) == 1


async def test_who_was_not_rung_may_be_rung_under_the_same_key(tmp_path: Path) -> None:
    file = line(tmp_path, {WEI: ["down", "nonsense", "accept"]})
    with pytest.raises(ChannelDown):
        await ring(file, "k")
    with pytest.raises(ChannelNonsense) as error:
        await ring(file, "k")
    assert WEI not in str(error.value)
    assert (await ring(file, "k")).outcome == "accepted"


async def test_a_message_is_written_once_and_a_late_refusal_comes_by_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_channel, "LATE", 1.0)  # nobody is so slow that it has come before we looked
    file = line(tmp_path, {WEI: "accept_then_decline_late"})
    await ring(file, "call")
    for _ in range(2):
        answer = await file.write(key="sms-7", number=WEI, template="confirmed", fields=VALUES)
        assert (answer.state, answer.outcome) == ("answered", "no_answer")
    (written,) = (tmp_path / f"{WEI}.sms.txt").read_text().splitlines()
    assert written.startswith("[sms-7] 您已确认十一月三十日") and "482913" in written
    assert await file.answers() == []
    await asyncio.sleep(1.1)
    ((key, late),) = await file.answers()
    assert (key, late.outcome, late.keys) == ("sms-7", "declined", "2")
    assert await file.answers() == []
    assert len(await line(tmp_path).answers()) == 1, "after a restart it comes again"


async def test_a_call_takes_a_few_milliseconds(tmp_path: Path) -> None:
    file = line(tmp_path)
    start = time.perf_counter()
    for number in range(50):
        await ring(file, f"k{number}", f"138{number}")
    assert (time.perf_counter() - start) / 50 < 0.05


def test_a_plan_nobody_understands_is_refused(tmp_path: Path) -> None:
    for plan in ({WEI: "dance"}, {WEI: ["accept", 7]}, [], "accept"):
        with pytest.raises(Refused) as refused:
            file = line(tmp_path, plan)
            file.behaviour(WEI), file._count(WEI, "accept"), file.behaviour(WEI)
        assert refused.value.code == "E-CHANNEL-PLAN"
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(Refused):
        line(tmp_path).behaviour(WEI)


async def test_settings_open_it_behind_a_circuit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADING_VOICE", "file, file")
    monkeypatch.setenv("TRADING_MAIL", "file")
    monkeypatch.setenv("TRADING_FILE_BEHAVIOUR", "decline")
    channels = open_channels(ChannelSettings(data=tmp_path / "data"))
    assert isinstance(channels, Channels) and len(channels.voice) == 2 and len(channels.text) == len(channels.mail) == 1
    answer = await channels.voice[0].call(key="k", number=WEI, script=SCRIPT, check=None, ring=1)
    assert answer.outcome == "declined"
    assert (tmp_path / "data/keys/channels.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused) as refused:
        open_channels(ChannelSettings(voice=("carrier_pigeon",), data=tmp_path / "data"))
    assert refused.value.code == "E-CHANNEL"


def test_notes_hold_no_number_in_clear_and_cannot_be_changed(tmp_path: Path) -> None:
    notes = Notes(tmp_path, os.urandom(32))
    assert notes.begin("k", number=WEI)
    assert not notes.begin("k")
    notes.tell("k", Answer("answered", "accepted", "11", "sip", f'{{"callee":"{WEI}"}}'.encode()))
    (path,) = tmp_path.iterdir()
    assert WEI.encode() not in path.read_bytes() and path.stat().st_mode & 0o777 == 0o600
    known = notes.known("k")
    assert known and known.answer and WEI.encode() in known.answer.provider and known.facts == {"number": WEI}
    assert [note.key for note in notes.all()] == ["k"]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Broken, match="N-NOTE"):
        notes.known("k")
    for key in ("", "k" * 41, "键"):
        with pytest.raises(ValueError):
            notes.begin(key)


# ---- a person at a telephone


async def test_a_person_picks_up_in_a_terminal_and_accepts(tmp_path: Path) -> None:
    """`trading phone` in a pseudo-terminal: it rings, somebody types."""
    file = line(tmp_path, default="phone", pace=1.0)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "trading", "--lang", "en", "phone", "--directory", tmp_path, "--number", WEI]
    phone = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""

    async def until(words: str) -> None:
        nonlocal seen
        while words.encode() not in seen:
            seen += await asyncio.to_thread(os.read, ours, 65536)

    async def typed(text: str) -> None:
        os.write(ours, text.encode() + b"\n")

    async def person() -> None:
        await until("p picks up")
        await until(f"ringing: {WEI}")
        await typed("p")
        await until("能参加请按1")
        await typed("1")
        await until("个人识别码")
        await typed(CODE)
        await until("确认请再按1")
        await typed("1")
        await until("到时请准时参加")
        await typed("q")

    call = file.call(key="k", number=WEI, script=SCRIPT, check=knows(), ring=20)
    answer, _ = await asyncio.wait_for(asyncio.gather(call, person()), 40)
    assert (answer.outcome, answer.keys) == ("accepted", "1xxxx1")
    assert await asyncio.to_thread(phone.wait, 10) == 0
    os.close(ours)


@pytest.mark.parametrize(
    ("presses", "state", "outcome"),
    [
        (["pick", "2", "2"], "answered", "declined"),
        (["pick", "hang"], "hung_up", "no_answer"),
        (["busy"], "busy", "no_answer"),
        ([], "no_answer", "no_answer"),
        (["pick"], "answered", "no_answer"),
    ],
)
async def test_what_a_person_may_do(tmp_path: Path, presses: list[str], state: str, outcome: str) -> None:
    (tmp_path / "pressed").mkdir()
    (tmp_path / "pressed/k.txt").write_text("".join(press + "\n" for press in presses))
    answer = await ring(line(tmp_path, default="phone", pace=0.01), "k")
    assert (answer.state, answer.outcome) == (state, outcome)
    assert not list((tmp_path / "ringing").iterdir())
