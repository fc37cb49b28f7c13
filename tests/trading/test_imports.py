"""Trades of elsewhere: what we publish comes back with the figures of the ledger, and nothing of it touches the ledger."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from audit.act import pool
from tests.cli.platform import trading
from tests.trading.desk import Desk
from tests.trading.test_ocds import bid, fetch
from tests.trading.test_pages import _read
from tests.trading.town import Town
from trading import imports

REAL = Path(__file__).parents[2] / "trading/demo/prozorro.json"


async def sold(place: Town, home: Path) -> None:
    """A purchase, a sale, and a tender that stayed shut."""
    bought, brought, shut = (Desk(place, home / name) for name in ("bought", "brought", "shut"))
    for desk, more in ((bought, {}), (brought, {"regime": "property", "direction": "sell", "baseline": 5_000_000})):
        await desk.open(**more)  # type: ignore[arg-type]
    await shut.open()
    await bid(bought)
    await bid(brought, 乐安=6_000_000, 浔阳=7_500_001)
    for desk in (bought, brought, shut):
        await desk.wait()
    for desk in (bought, brought):
        await desk.open_boxes()
        await desk.candidates()
        await desk.award()
    await shut.covered()


async def test_what_we_publish_comes_back_with_the_figures_of_the_ledger(place: Town, tmp_path: Path) -> None:
    await sold(place, tmp_path)
    ledger = (await place.call("public", "GET", "/trades", 200))["sums"]
    files = []
    for name in ("releases", "compiled"):
        files.append(tmp_path / f"{name}.jsonl.gz")
        files[-1].write_bytes(gzip.compress(await fetch(place, f"/ocds/{name}.jsonl")))
    for number, file in enumerate(files):  # the compiled file says the same as the releases: nothing new in it
        done = await imports.take([file])
        assert (done.taken, done.known, done.remarks) == ((3, 0, ()) if number == 0 else (0, 3, ())), done
    told = await place.call("public", "GET", "/imported", 200)
    assert all(one["imported"] for one in told["items"]) and len(told["items"]) == 3
    ours = {(s["currency"], s["direction"]): (s["trades"], s["price"], s["baseline"], s["gain"]) for s in ledger}
    theirs = {
        (s["currency"], s["direction"]): (s["compared"], *(_fen(s[k]) for k in ("price", "baseline", "gain")))
        for s in told["sums"]
        if s["trades"]
    }
    assert theirs == ours and set(ours) == {("CNY", "buy"), ("CNY", "sell")}
    assert sum(s["failed"] for s in told["sums"]) == 1
    assert (await place.call("public", "GET", "/trades", 200))["sums"] == ledger, "the ledger knows nothing of it"
    with pytest.raises(asyncpg.PostgresError):
        await pool().execute("UPDATE trading_imported SET price = 1")


def _fen(amount: str) -> int:
    whole, _, parts = amount.partition(".")
    assert parts.rstrip("0")[2:] == ""
    return int(whole) * 100 + int(parts[:2].ljust(2, "0") or 0)


async def test_real_tenders_by_the_command_and_on_the_page(place: Town, tmp_path: Path) -> None:
    data = place.settings
    env = {
        "DATABASE_URL": str(data.database_url), "TRADING_ORIGIN": data.origin, "TRADING_DATA": str(data.data),
        "TRADING_TOKEN_PEPPER": "pepper",
    }  # fmt: skip
    report = tmp_path / "left.csv"

    def typed(*command: Any, code: int = 0) -> Any:
        said = trading("import-ocds", *command, env=env)
        assert said.code == code, said.err
        return json.loads(said.out if code == 0 else said.err)

    assert typed(REAL, "--dry-run")["taken"] == 5
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(REAL.read_bytes()[:-40])
    told = typed(REAL, broken, code=1)
    assert told["code"] == "O-BROKEN" and "broken.jsonl" in told["message"]
    assert await pool().fetchval("SELECT count(*) FROM trading_imported") == 0, "a broken file brings in nothing"
    first = typed(REAL, "--report", report)
    assert (first["taken"], first["known"]) == (5, 0)
    assert {one["why"] for one in first["remarks"]} == {"award-not-active"}
    assert len(report.read_text("utf-8-sig").splitlines()) == len(first["remarks"]) + 1
    again = typed(REAL)
    assert (again["taken"], again["known"]) == (0, 5)
    for lang in ("en", "zh-CN"):
        text = await _read(place, "/imported", lang)
        assert "UAH" in text and "Tenderer 1" in text and "page." not in text
    assert "UAH" not in await _read(place, "/ledger")
    assert (await place.call("public", "GET", "/trades", 200))["sums"] == []


async def test_a_file_that_dies_half_way_leaves_nothing(
    place: Town, tmp_path: Path, owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction, however many chunks; the database stops at the last line, then no more (the control)."""
    monkeypatch.setattr(imports, "CHUNK", 2)
    deal = {"id": "1", "status": "active", "value": {"amount": 1, "currency": "EUR"}}
    lines = [{"ocid": f"o-{n}", "tender": {"title": f"\ud800{n}"}, "awards": [deal]} for n in range(10)]
    file = tmp_path / "f.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    owner = await asyncpg.connect(owner_dsn)
    await owner.execute("ALTER TABLE trading_imported ADD CONSTRAINT stop CHECK (ocid <> 'o-9')")
    with pytest.raises(asyncpg.CheckViolationError):
        await imports.take([file])
    assert await pool().fetchval("SELECT count(*) FROM trading_imported") == 0
    await owner.execute("ALTER TABLE trading_imported DROP CONSTRAINT stop")
    await owner.close()
    assert (await imports.take([file])).taken == 10
