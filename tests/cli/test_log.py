"""Anybody at a shell: follow the log, prove an entry, verify an archive, notice damage."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import asyncpg

from audit.canon import sha256
from audit.merkle import bundles, entries_path, tile_path
from audit.report import Fault, Status, Step
from audit.tiles import Published
from tests.cli.platform import Platform, trading
from trading import postgres
from trading.accounts import demo_code
from trading.cli.verify import said, sentence
from trading.messages import say
from trading.settings import Settings


def test_tail_and_prove(running: Platform, tmp_path: Path) -> None:
    told = trading("log", "tail", "--url", running.url)
    events = [json.loads(line) for line in told.out.splitlines()]
    assert told.code == 0 and events[0]["logindex"] == 0
    assert len({event["logindex"] for event in events}) == len(events)
    places = [tuple(map(int, event["sequence"].split("."))) for event in events]
    assert places == sorted(places)
    some = events[3]["logindex"]
    proved = trading("log", "prove", some, "--policy", running.policy, "--url", running.url, "--out", tmp_path / "p")
    assert proved.code == 0, proved.err
    assert (tmp_path / "p").read_bytes().startswith(b"c2sp.org/tlog-proof@v1\nindex ")
    beyond = trading("log", "prove", 10**9, "--policy", running.policy, "--url", running.url)
    assert beyond.code == 1 and "L-INDEX" in beyond.err


def test_a_tender_nobody_bids_for_is_archived_and_verified(running: Platform, tmp_path: Path) -> None:
    tender = running.announce(2)
    running.until(tender, "shut")
    running.archive(tender)
    out = tmp_path / "archive.zip"
    fetched = trading("archive", tender, "--out", out, "--url", running.url)
    assert fetched.code == 0, fetched.err
    alone = trading("verify", out)
    assert alone.code == 0 and not alone.value["archives"][0]["trusted"]
    trusted = trading("verify", out, *running.trust)
    assert trusted.code == 0, trusted.out
    assert trusted.value["archives"][0]["trusted"]
    data = out.read_bytes()
    (tmp_path / "truncated.zip").write_bytes(data[: len(data) // 2])
    damaged = trading("verify", tmp_path / "truncated.zip")
    assert damaged.code == 3 and damaged.value["archives"][0]["failed"] == "V1"


def test_the_doctor_finds_the_platform_well(running: Platform) -> None:
    examined = trading("doctor", "--data", running.story.home, env=running.story.environment)
    findings = {one["what"]: one for one in examined.value["findings"]}
    assert {"fsync", "keys", "database", "clock", "grants", "trust", "beat", "witness"} <= set(findings)
    assert [one for one in findings.values() if not one["well"] and one["what"] not in ("room", "fsync")] == []


async def every_tile_comes_again(home: Path, size: int) -> None:
    """What the sequencer does next: it publishes from where the directory stands, and tiles did not travel."""
    settings = Settings(data=home)
    with postgres.running(settings):
        rows = await asyncpg.connect(postgres.dsn(settings))
        try:
            published = Published(settings.log_dir)
            await published.write(rows, published.size(), size)
        finally:
            await rows.close()
    for number, width in bundles(0, size):
        assert (settings.log_dir / tile_path(0, number, width).lstrip("/")).exists()
        assert (settings.log_dir / entries_path(number, width).lstrip("/")).exists()


def test_rows_older_than_what_was_published_are_no_restored_log(running: Platform, tmp_path: Path) -> None:
    """Yesterday's dump beside today's checkpoint: each file fits the manifest, the log does not."""
    env = {**running.story.environment, "TRADING_DATA": str(running.story.home)}
    source = tmp_path / "backup"
    assert trading("backup", source, env=env).code == 0
    old = (source / "checkpoint").read_bytes()
    time.sleep(3)  # three beats
    new = (running.story.home / "log" / "checkpoint").read_bytes()
    assert new != old
    (source / "checkpoint").write_bytes(new)
    was, now = (f"{sha256(note).hex()} {len(note)} checkpoint" for note in (old, new))
    manifest = source / "MANIFEST"
    manifest.write_text(manifest.read_text().replace(was, now))
    behind = trading("restore", source, env={**env, "TRADING_DATA": str(tmp_path / "home")})
    assert behind.code == 3 and "B-FOREIGN" in behind.err


def test_backup_and_restore(running: Platform, tmp_path: Path) -> None:
    env = {**running.story.environment, "TRADING_DATA": str(running.story.home)}
    made = trading("backup", tmp_path / "backup", env=env)
    assert made.code == 0, made.err
    assert not list((tmp_path / "backup").rglob("log.pem"))
    elsewhere = {**running.story.environment, "TRADING_DATA": str(tmp_path / "new home")}
    restored = trading("restore", tmp_path / "backup", env=elsewhere)
    assert restored.code == 0, restored.err
    assert restored.value["size"] > 0
    asyncio.run(every_tile_comes_again(tmp_path / "new home", restored.value["size"]))
    again = trading("restore", tmp_path / "backup", env=elsewhere)
    assert again.code == 1, again.out
    trust = tmp_path / "backup" / "data" / "trust" / "policy.txt"
    trust.write_bytes(trust.read_bytes() + b"\n")
    spoilt = trading("restore", tmp_path / "backup", env={**elsewhere, "TRADING_DATA": str(tmp_path / "third")})
    assert spoilt.code == 3 and "B-DIGEST" in spoilt.err


def test_an_operator_opens_a_log_and_replaces_its_key(tmp_path: Path) -> None:
    """Migrate, key, trust files, record 0; then the key is stolen, and a new one takes its place."""
    from audit.trust import Vkey
    from trading.demo.cast import make_cast

    env = {"TRADING_DATA": str(tmp_path / "data"), "TRADING_ORIGIN": "demo.trading.example/2026"}
    assert trading("migrate", env=env).code == 0
    made = trading("log", "key", env=env)
    assert made.code == 0, made.err
    assert trading("log", "key", env=env).code == 1, "a key is never overwritten"
    closed = trading("log", "open", env=env)
    assert closed.code == 1 and "T-TRUST" in closed.err
    cast = make_cast(Vkey.parse(made.value["vkey"]))
    (tmp_path / "data" / "trust").mkdir()
    (tmp_path / "data" / "trust" / "policy.txt").write_bytes(cast.policy)
    (tmp_path / "data" / "trust" / "parties.txt").write_bytes(cast.parties)
    opened = trading("log", "open", "--factor", "10", env=env)
    assert opened.code == 0, opened.err
    assert trading("log", "open", env=env).code == 0, "opening again changes nothing"
    first = trading("token", "--organisation", demo_code(1), "--name", "中心", "--person", "王", env=env)
    rotated = trading("log", "key", "--rotate", env=env)
    assert rotated.code == 0 and rotated.value["vkey"] != made.value["vkey"]
    assert len(list((tmp_path / "data" / "keys").glob("log.pem*"))) >= 2, "the old key is kept"
    assert trading("log", "publish-trust", env=env).code == 0
    assert first.code == 0 and first.value["token"].startswith("trd_"), first.err


def test_where_no_panel_was_drawn_the_verifier_says_so_in_words() -> None:
    assert say(said(Step(13, Status.ABSENT)), "zh-CN").startswith("未抽取评标专家")
    assert say(said(Step(5, Status.ABSENT)), "zh-CN") == say("verify.absent", "zh-CN")
    assert say(said(Step(13, Status.UNCHECKED)), "en") == say("verify.unchecked", "en")


def test_a_broken_rule_is_told_with_its_article() -> None:
    told = sentence(Fault("records/1.json", "V-PERIOD", {"rule": "WK-38", "days": 3}))
    assert "第五十四条" in told or "art. 54" in told
