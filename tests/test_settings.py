"""One installation's settings: from the environment, once; the database's names are those other tools use."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from trading import postgres
from trading.settings import Settings

APP, OWNER = "postgresql://trading_app@db.example/trading", "postgresql://trading@db.example/trading"


def test_the_environment_names_things(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env of ours
    for name, value in {
        "TRADING_DATA": str(tmp_path), "TRADING_BEAT": "30", "TRADING_PORT": "8080", "DATABASE_URL": APP,
        "DATABASE_OWNER_URL": OWNER, "PG_BIN": "/opt/pg/bin",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.data, settings.beat, settings.base_url) == (tmp_path, 30.0, "http://127.0.0.1:8080")
    assert settings.pg_bin == Path("/opt/pg/bin")
    assert postgres.dsn(settings) == APP
    assert postgres.dsn(settings, postgres.OWNER) == OWNER
    assert postgres.dsn(Settings(database_owner_url=None), postgres.OWNER) == APP


def test_without_an_address_the_database_is_our_own(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "PG_BIN"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(data=tmp_path / "with space")
    assert postgres.dsn(settings).startswith("postgresql://trading_app@/trading?host=%2F")
    credentials = postgres.configuration(postgres.dsn(settings))["connections"]["default"]["credentials"]
    assert credentials["host"] == str(postgres.embedded(settings).sockets)
    assert (credentials["user"], credentials["database"], credentials["password"]) == ("trading_app", "trading", None)


def test_an_address_with_a_password_and_tls_reaches_the_pool() -> None:
    address = "postgresql://trading_app:p%40ss@db.example:6543/prod?sslmode=require"
    credentials = postgres.configuration(address)["connections"]["default"]["credentials"]
    assert credentials["password"] == "p@ss" and credentials["ssl"] == "require"
    assert (credentials["host"], credentials["port"], credentials["database"]) == ("db.example", 6543, "prod")


def test_settings_are_a_value() -> None:
    with pytest.raises(ValidationError):
        Settings().beat = 2.0  # type: ignore[misc]
