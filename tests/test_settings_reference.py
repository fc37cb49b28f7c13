"""`trading settings`: every setting is in it, in both languages, and no secret ever is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from trading.channels.settings import ChannelSettings
from trading.cli import reference as r
from trading.dispatching import DispatchSettings
from trading.messages import catalogue
from trading.settings import Settings

ROOT = Path(__file__).parent.parent
CLASSES = {"platform": Settings, "dispatch": DispatchSettings, "channels": ChannelSettings}
PLANTED = {
    "DATABASE_URL": "postgresql://trading_app:9fKq-app@db.example/trading",
    "DATABASE_OWNER_URL": "postgresql://trading:9fKq-owner@db.example/trading",
    "TRADING_TOKEN_PEPPER": "9fKq-pepper",
    "TRADING_SIP_PASSWORD": "9fKq-sip",
    "TRADING_ALIYUN_KEY_SECRET": "9fKq-aliyun",
    "TRADING_SMTP_PASSWORD": "9fKq-smtp",
    "TRADING_GATEWAY_SECRET": "9fKq-gateway",
    "TRADING_CALLBACK_TOKEN": "9fKq-callback",
    "TRADING_PASSPHRASE": "9fKq-passphrase",
    "TRADING_SEAL_PASSPHRASE": "9fKq-seal",
    "TRADING_TOKEN": "9fKq-token",
}
"""Every secret there is; they begin alike, so that one search finds any."""


def test_every_field_of_every_class_is_in_the_reference_and_nothing_else() -> None:
    listed = r.reference()
    for room, model in CLASSES.items():
        assert [one.code.rpartition(".")[2] for one in listed if one.room == room] == list(model.model_fields)
    assert {one.name for one in listed if one.room == "shell"} == set(r.SHELL)
    told = {code for code in catalogue() if code.startswith("setting.")}
    assert {one.code for one in listed} == told, "a sentence for each, and none left over"


def test_what_commands_read_beside_the_classes_is_listed() -> None:
    """Found in the sources, so that a new option with an environment variable cannot be forgotten."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "trading").rglob("*.py"))
    read = set(re.findall(r'envvar="(TRADING_[A-Z_]+)"', text))
    read |= set(re.findall(r'environ(?:ment)?\.get\("(TRADING_[A-Z_]+)"', text))
    assert len(read) > 6
    assert read <= {name for one in r.reference() for name in (one.name, *one.aliases)}


def test_the_secrets_are_those_we_know_of() -> None:
    assert {one.name for one in r.reference() if one.secret} == set(PLANTED)
    for model in CLASSES.values():  # whatever is called like one is one
        for field, info in model.model_fields.items():
            if re.search(r"password|secret|pepper|passphrase|_url$", field) and field.startswith(
                ("database", "token", "s")
            ):
                assert not info.repr or info.annotation is SecretStr, field


@pytest.mark.parametrize("flags", [["--markdown"], ["--json"], ["--lang", "en"], ["--lang", "zh"]])
def test_asvs_13_3_1_no_secret_is_ever_printed(flags: list[str], tmp_path: Path) -> None:
    environment = {
        **PLANTED,
        "TRADING_DATA": str(tmp_path),
        "TRADING_BEAT": "7.25",
        "TRADING_ORIGN": "a.b/log",
        "PATH": "",
    }
    command = [sys.executable, "-m", "trading", "settings", *flags]
    ran = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)}
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert "9fKq" not in said and "DATABASE_OWNER_URL" in said
    if "--markdown" not in flags:
        assert "7.25" in said, "the control: what is no secret is shown as it is here"
        assert "TRADING_ORIGN" in said, "a misspelt name is told"
    if "--json" in flags:
        told = json.loads(ran.stdout)
        kept = {one["name"]: one for one in told["settings"] if one["secret"]}
        assert all(one["set"] and "value" not in one for one in kept.values()) and len(kept) == len(PLANTED)
        assert told["unknown"] == ["TRADING_ORIGN"]
        assert all(one["zh"] and one["en"] for one in told["settings"])


def test_no_secret_is_in_a_settings_own_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    for model in CLASSES.values():
        assert "9fKq" not in repr(model()) + str(model())
    assert Settings().token_pepper == "9fKq-pepper"


def test_a_name_in_the_env_file_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# TRADING_NOTE=1\nexport TRADING_PUBLIC_ULR=https://x\nTRADING_PORT=1\nPATH=x\n")
    assert r.misspelt(["TRADING_DATABASE_URL", "trading_beat", "HOME"], tmp_path / ".env") == ["TRADING_PUBLIC_ULR"]


def test_the_page_has_a_row_for_each_in_both_languages() -> None:
    for lang in ("zh", "en"):
        page = r.markdown(r.reference(), lang)
        rows = re.findall(r"^\| `([A-Z_]+)` \|.*\|$", page, re.M)
        assert rows == [one.name for one in r.reference()]
        assert all(line.count("|") - line.count("\\|") == 5 for line in page.splitlines() if line.startswith("| `"))
