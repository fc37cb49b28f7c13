"""OCDS as real publishers send it: used as far as it can be, and of the rest it is said where and why."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Refused
from trading.ocds_reading import Found, Trade, amount, read, read_bytes, when

REAL = Path(__file__).parents[1] / "trading/demo/prozorro.json"


def release(ocid: str | None = "ocds-1-a", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ocid": ocid,
        "id": f"{ocid}-1",
        "date": "2024-05-01T00:00:00Z",
        "tag": ["award"],
        "tender": {"id": "t", "title": "桥梁", "value": {"amount": 100, "currency": "EUR"}},
        "awards": [award(value={"amount": 90.5, "currency": "EUR"}, suppliers=[{"name": "S"}])],
    }  # fmt: skip
    return {k: v for k, v in (made | more).items() if v is not None}


def award(**more: Any) -> dict[str, Any]:
    return {"id": "1", "status": "active", "value": {"amount": 90, "currency": "EUR"}, **more}


def taken(*values: Any, lines: bool = False) -> tuple[list[Trade], list[tuple[str, str]]]:
    found = Found()
    text = "\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    read_bytes(found, "f.json", text.encode())
    trades = found.trades()
    return trades, [(one.where, one.why) for one in found.remarks]


def test_a_plain_release() -> None:
    [trade], remarks = taken(release())
    assert remarks == []
    assert (trade.price, trade.baseline, trade.currency, trade.supplier) == (Decimal("90.5"), 100, "EUR", "S")
    assert (trade.at, trade.status, trade.direction) == (datetime(2024, 5, 1, tzinfo=UTC), "deal", "buy")


@pytest.mark.parametrize("shape", ["package", "records", "list", "pages", "gz", "indented", "bom", "several"])
def test_every_shape_gives_the_same(shape: str) -> None:
    one = release()
    record = {"ocid": one["ocid"], "releases": [release(awards=[])], "compiledRelease": one}
    value: Any = {
        "package": {"uri": "x", "publisher": {"name": "P"}, "releases": [one, release("ocds-1-b")]},
        "records": {"records": [record, {"ocid": "ocds-1-b", "releases": [release("ocds-1-b")]}]},
        "pages": {"results": [{"releases": [one]}, {"releases": [release("ocds-1-b")]}]},
    }.get(shape, [one, release("ocds-1-b")])
    data = json.dumps(value, indent=2 if shape in ("indented", "package") else None).encode()
    if shape == "several":
        data = b"\n".join(json.dumps({"releases": [r]}, indent=1).encode() for r in value)
    data = gzip.compress(data) if shape == "gz" else b"\xef\xbb\xbf" + data if shape == "bom" else data
    found = Found()
    read_bytes(found, "f", data)
    assert [(t.ocid, t.price) for t in found.trades()] == [("ocds-1-a", Decimal("90.5")), ("ocds-1-b", Decimal("90.5"))]
    assert found.remarks == []


def test_releases_of_one_process_add_up_wherever_they_lie() -> None:
    first = release(awards=None, date="2024-01-01", id="1")
    second = {"ocid": "ocds-1-a", "id": "2", "date": "2024-02-01", "awards": [award(suppliers=[{"id": "P"}])]}
    third = {"ocid": "ocds-1-a", "id": "3", "date": "2024-03-01", "parties": [{"id": "P", "name": "安和"}]}
    [trade], _ = taken(third, second, first, second)
    assert (trade.baseline, trade.price, trade.supplier, trade.title) == (100, 90, "安和", "桥梁")


@pytest.mark.parametrize(
    ("value", "count", "why"),
    [
        (release(None), 1, "no-ocid"),
        (release(awards=[award(status="cancelled")]), 0, "award-not-active"),
        (release(awards=[award(status=None, suppliers=[{"name": "S"}])]), 1, "no-status"),
        (release(awards=[award(value=None)]), 0, "amount"),
        (release(awards=[award(value={"amount": "90,5", "currency": "EUR"})]), 0, "amount"),
        (release(awards=[award(value={"amount": -1, "currency": "EUR"})]), 0, "amount"),
        (release(awards=[award(value={"amount": True, "currency": "EUR"})]), 0, "amount"),
        (release(awards=[award(value={"amount": 1, "currency": "euros"})]), 0, "currency"),
        (release(awards=[award(value={"amount": 1, "currency": "KES"})]), 1, "other-currency"),
        (release(awards=[award(), award(id="2")]), 2, "several-awards"),
        (release(awards=[award(suppliers=[{"name": "S"}, {"name": "T"}])]), 1, None),  # shared: one award, one trade
        (release(tender={"pricing": "unit"}, awards=[award()]), 0, "no-sum"),
        (release(tender={"pricing": "rate"}, awards=[award(value=None)]), 0, "no-sum"),
        (release(awards=[award(pricing="unit-price")]), 0, "no-sum"),
        (release(awards=[award(date="31/12/2024")]), 1, "date"),
        (release(awards=None), 0, "no-award"),
        ({"ocid": "x", "versionedRelease": {}}, 0, "versioned"),
        ({"url": "https://x", "date": "2024-01-01", "tag": ["award"]}, 0, "linked"),
        ({"hello": 1}, 0, "no-release"),
        (17, 0, "no-release"),
        (release(tender=[], awards=[award()]), 1, None),
        (release(tender="t", awards={"id": 1}), 0, "no-award"),
    ],
)
def test_what_is_odd_is_told_with_its_line(value: Any, count: int, why: str | None) -> None:
    trades, remarks = taken(release("ocds-1-z"), value)
    assert len(trades) == count + 1
    assert {w for _, w in remarks} == ({why} if why else set())
    assert all(where.startswith("2") for where, _ in remarks)


def test_a_process_that_came_to_nothing_counts_as_that() -> None:
    tender = {"status": "unsuccessful", "value": {"amount": 5, "currency": "EUR"}}
    [trade], remarks = taken(release(awards=None, tender=tender))
    assert (trade.status, trade.price, trade.baseline, remarks) == ("failed", None, 5, [])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (json.dumps(release()).encode()[:-1], "json"),
        (json.dumps(release()).encode() + b'\n{"ocid": ', "json"),
        (json.dumps([release()], indent=1).encode()[:-3], "json"),
        (gzip.compress(json.dumps(release()).encode())[:-9], "gzip"),
        (b"\x1f\x8bnothing", "gzip"),
        (b'{"ocid":\n "\xff"}', "utf-8"),
        (b"[" * 100_000, "json"),
        (b"<html>", "json"),
    ],
)
def test_a_broken_file_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Refused) as no:
        read_bytes(Found(), "f", data)
    assert (no.value.code, no.value.facts["why"]) == ("O-BROKEN", why)


def test_real_tenders() -> None:
    found = Found()
    read_bytes(found, "prozorro.json", REAL.read_bytes())
    trades = found.trades()
    assert len(trades) == 5 and all(t.currency == "UAH" and t.at for t in trades)
    assert {one.why for one in found.remarks} == {"award-not-active"}  # the bids that were rejected
    assert (trades[0].baseline, trades[0].price, trades[0].supplier) == (3000, 2910, "Tenderer 1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-06-13T11:18:30.208207+03:00", "2016-06-13T08:18:30+00:00"), ("2016-06-13", "2016-06-13T00:00:00+00:00"),
        ("20160613", "2016-06-13T00:00:00+00:00"), ("2016-06-13 11:18", "2016-06-13T11:18:00+00:00"),
        ("2016-06-13T11:18:30+0300", "2016-06-13T08:18:30+00:00"), ("2016-06-13T00:00:00z", "2016-06-13T00:00:00+00:00"),
        ("13.06.2016", None), ("06/07/2016", None), ("2016-13-01", None), ("0000-00-00T00:00:00Z", None), ("", None),
        (None, None), (20160613, "2016-06-13T00:00:00+00:00"), ("0001-01-01T00:00:00+14:00", None),
    ],
)  # fmt: skip
def test_dates_as_they_come(text: Any, expected: str | None) -> None:
    found = when(text)
    assert (found.isoformat() if found else None) == expected


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """JSON Lines are read one by one, however many there are; the control holds them all, and it shows."""

    def most(count: int, keep: bool) -> int:
        file, kept, met = tmp_path / f"{count}.jsonl", [], 0
        with file.open("w", encoding="utf-8") as out:
            for n in range(count):
                out.write(json.dumps(release(f"ocds-1-{n}", description="长" * 500)) + "\n")
        tracemalloc.start()
        found = Found()
        with file.open("rb") as data:
            read(found, file.name, data)
        for trade in found.each():
            met += 1
            if keep:
                kept.append(json.dumps(release(trade.ocid)))
        assert met == count
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    few, many, held = most(100, False), most(1000, False), most(1000, True)
    assert many < few + 100_000 < held, (few, many, held)


def test_one_process_in_several_files_is_one_trade() -> None:
    """The same release in another file is no news; a later one in a third takes the award back."""
    found = Found()
    both = json.dumps({"releases": [release(), release("ocds-1-b")]}).encode()
    later = release(id="later", date="2024-06-01", awards=[award(status="cancelled")])
    for name, data in (("a", both), ("b", gzip.compress(both)), ("c", json.dumps(later).encode())):
        read_bytes(found, name, data)
    assert [one.ocid for one in found.trades()] == ["ocds-1-b"]
    assert [(one.file, one.why, one.id) for one in found.remarks] == [("a", "award-not-active", "ocds-1-a 1")]


KEYS = (
    "ocid", "tender", "awards", "value", "amount", "status", "releases", "records", "date", "suppliers", "contracts",
    "parties", "id", "buyer", "currency", "compiledRelease", "direction",
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["active", "cancelled", "EUR"])
)
ANY = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)


@given(ANY)
def test_nothing_that_is_json_breaks_the_reader(value: Any) -> None:
    found = Found()
    read_bytes(found, "f", json.dumps(value).encode())
    for trade in found.trades():
        assert trade.status in ("deal", "failed") and (trade.price is not None) == (trade.status == "deal")


def test_amounts_stay_exact() -> None:
    assert amount(Decimal("0.1")) == Decimal("0.1") and amount("12.50") == Decimal("12.5")
    for wrong in ("1e999999", "-1", "NaN", "12,50", "0.00001", True, None, [], 10**18, "", Decimal("1E-99999")):
        assert amount(wrong) is None, wrong
