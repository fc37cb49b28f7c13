"""Uploads: parallel, resumable, each segment once and for all, and nothing of a refused one stays."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from audit.act import pool
from audit.refusal import Refused
from bidding.payload import payload_root, segment_leaf
from bidding.store import SEGMENT
from bidding.uploads import Limits, Uploads, content_digest, routes
from tests.bidding.town import TENDER, Town, once

SIZE = 72 + 65_600 * 40  # two whole segments and a shorter one


@pytest.fixture
async def town(db: object, owner_dsn: str, tmp_path: Path) -> AsyncIterator[Town]:
    made = await Town(tmp_path).found(owner_dsn)
    await made.announce()
    yield made


@pytest.fixture
def payload() -> bytes:
    return os.urandom(SIZE)


def segments(data: bytes) -> list[bytes]:
    return [data[at : at + SEGMENT] for at in range(0, len(data), SEGMENT)]


async def put(uploads: Uploads, upload: str, n: int, data: bytes, digest: str | None = None) -> None:
    await uploads.put(upload, "91AHUA", n, once(data), content_digest(data) if digest is None else digest)


async def test_segments_in_any_order_at_once(town: Town, payload: bytes) -> None:
    made = await town.uploads.create(TENDER, "91AHUA", SIZE)
    parts = segments(payload)
    assert (made.segments, made.missing, made.complete) == (3, (0, 1, 2), False)
    await asyncio.gather(*(put(town.uploads, made.id, n, parts[n]) for n in (2, 0, 1, 2, 0)))
    state = await town.uploads.status(made.id, "91AHUA")
    assert state.missing == () and state.root == payload_root([segment_leaf(part) for part in parts])
    assert await town.store.read(made.id) == payload
    row = await (await pool()).fetchrow("SELECT head, stored FROM bidding_upload")
    assert (row["head"], row["stored"]) == (payload[:56], 3)


async def test_an_upload_goes_on_after_a_crash(town: Town, payload: bytes) -> None:
    made = await town.uploads.create(TENDER, "91AHUA", SIZE)
    parts = segments(payload)
    await put(town.uploads, made.id, 1, parts[1])
    anew = Uploads(town.store)  # another process, or this one after a restart
    assert (await anew.status(made.id, "91AHUA")).missing == (0, 2)
    for n in (0, 1, 2):
        await put(anew, made.id, n, parts[n])
    assert (await anew.status(made.id, "91AHUA")).complete
    await put(anew, made.id, 0, parts[0])  # a late repetition is harmless
    assert await town.store.read(made.id) == payload


async def test_a_crash_between_the_last_segment_and_the_root(
    town: Town, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await town.uploads.create(TENDER, "91AHUA", SIZE)

    async def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(town.store, "finish", crash)
    with pytest.raises(KeyboardInterrupt):
        for n, part in enumerate(segments(payload)):
            await put(town.uploads, made.id, n, part)
    monkeypatch.undo()
    assert not town.store.holds(made.id)
    assert (await town.uploads.status(made.id, "91AHUA")).complete
    assert await town.store.read(made.id) == payload


async def test_the_database_dies_and_forgets_the_last_segment(town: Town, payload: bytes) -> None:
    made = await town.uploads.create(TENDER, "91AHUA", SIZE)
    parts = segments(payload)
    for n, part in enumerate(parts):
        await put(town.uploads, made.id, n, part)
    rows = await pool()  # what was committed without waiting for the disk may be gone; the file is kept already
    await rows.execute("UPDATE bidding_upload SET root = NULL, stored = 2")
    await rows.execute("DELETE FROM bidding_segment WHERE n = 2")
    assert (await town.uploads.status(made.id, "91AHUA")).missing == (2,)
    await put(town.uploads, made.id, 2, parts[2])
    assert (await town.uploads.status(made.id, "91AHUA")).complete
    assert await town.store.read(made.id) == payload


async def test_a_segment_has_one_hash_for_ever(town: Town, payload: bytes) -> None:
    made = await town.uploads.create(TENDER, "91AHUA", SIZE)
    first = segments(payload)[0]
    other = bytes(SEGMENT)
    await put(town.uploads, made.id, 0, first)
    with pytest.raises(Refused, match="other_bytes"):
        await put(town.uploads, made.id, 0, other)
    both = await asyncio.gather(
        put(town.uploads, made.id, 1, first), put(town.uploads, made.id, 1, other), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["NoneType", "Refused"]
    leaf = await (await pool()).fetchval("SELECT leaf FROM bidding_segment WHERE n = 1")
    written = (town.store.root / "arriving" / made.id).read_bytes()[SEGMENT : 2 * SEGMENT]
    assert segment_leaf(written) == leaf


async def test_what_is_refused_and_leaves_nothing(town: Town, payload: bytes) -> None:
    made = await town.uploads.create(TENDER, "91AHUA", SIZE)
    parts = segments(payload)
    right = content_digest(parts[0])

    async def refused(code: str, *args: Any) -> None:
        with pytest.raises(Refused, match=code):
            await put(town.uploads, *args)

    await refused("too_long", made.id, 0, parts[0] + b"x", right)
    await refused("too_short", made.id, 0, parts[0][:-1], right)
    await refused("too_long", made.id, 2, parts[0], right)
    await refused("number", made.id, 3, parts[0], right)
    await refused("number", made.id, -1, parts[0], right)
    await refused("E-DIGEST", made.id, 0, parts[0], content_digest(parts[1]))
    for malformed in ("", "sha-256=abc", "md5=:AAAA:", "sha-256=:" + "?" * 44 + ":"):
        await refused("E-DIGEST", made.id, 0, parts[0], malformed)
    await refused("E-UPLOAD", "0" * 32, 0, parts[0], right)
    with pytest.raises(Refused, match="E-UPLOAD"):
        await town.uploads.put(made.id, "91THIEF", 0, once(parts[0]), right)
    with pytest.raises(Refused, match="E-UPLOAD"):
        await town.uploads.status(made.id, "91THIEF")
    assert (await town.uploads.status(made.id, "91AHUA")).missing == (0, 1, 2)
    assert not any((town.store.root / "arriving" / made.id).read_bytes())


async def test_a_client_that_goes_away_leaves_nothing(town: Town, payload: bytes) -> None:
    made = await town.uploads.create(TENDER, "91AHUA", SIZE)

    async def cut() -> AsyncIterator[bytes]:
        yield payload[:1000]
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        await town.uploads.put(made.id, "91AHUA", 0, cut(), content_digest(payload[:SEGMENT]))
    assert (await town.uploads.status(made.id, "91AHUA")).missing == (0, 1, 2)
    assert not any((town.store.root / "arriving" / made.id).read_bytes())


async def test_limits_are_asked_before_a_byte_is_taken(town: Town) -> None:
    small = Uploads(town.store, Limits(payload=10 * 65_600, outstanding=3 * 65_672))
    for size in (0, -1, 65_600, 65_671, 72, 11 * 65_600 + 72, 1 << 62):
        with pytest.raises(Refused, match="E-SIZE"):
            await small.create(TENDER, "91AHUA", size)
    with pytest.raises(Refused, match="E-TENDER"):
        await small.create("L-0@0", "91AHUA", 65_672)
    results = await asyncio.gather(*(small.create(TENDER, "91AHUA", 65_672) for _ in range(6)), return_exceptions=True)
    assert sorted(getattr(one, "code", "") for one in results) == ["", "", "", "E-QUOTA", "E-QUOTA", "E-QUOTA"]
    await small.create(TENDER, "91LI", 65_672)
    await town.shift(timedelta(hours=2))
    with pytest.raises(Refused, match="E-LATE"):
        await small.create(TENDER, "91LI", 65_672)


async def test_a_full_disk_leaves_no_row(town: Town) -> None:
    town.store.reserve = 1 << 60
    with pytest.raises(Refused, match="E-FULL"):
        await town.uploads.create(TENDER, "91AHUA", SIZE)
    assert await (await pool()).fetchval("SELECT count(*) FROM bidding_upload") == 0


async def test_abandoned_uploads_expire_and_deposits_do_not(town: Town, payload: bytes) -> None:
    wang = await town.bidder("91WANG")
    await town.hand_in(wang)
    idle = await town.uploads.create(TENDER, "91AHUA", SIZE)
    await put(town.uploads, idle.id, 0, segments(payload)[0])
    assert await town.uploads.expire() == 0
    await (await pool()).execute("UPDATE bidding_upload SET touched_at = touched_at - interval '25 hours'")
    assert await town.uploads.expire() == 1
    with pytest.raises(Refused, match="E-UPLOAD"):
        await put(town.uploads, idle.id, 1, segments(payload)[1])
    assert await (await pool()).fetchval("SELECT count(*) FROM bidding_upload") == 2
    assert list((town.store.root / "arriving").iterdir()) == []


async def test_a_sweep_removes_files_that_no_row_names(town: Town) -> None:
    wang = await town.bidder("91WANG")
    await town.hand_in(wang)
    await town.store.begin("ab" * 16, 10)
    await town.store.begin("cd" * 16, 10)
    await town.store.finish("cd" * 16)
    assert await town.uploads.sweep() == 2
    assert await town.uploads.sweep() == 0
    kept = [row["id"] for row in await (await pool()).fetch("SELECT id FROM bidding_upload")]
    assert all(town.store.holds(name) for name in kept)


async def test_a_plain_sha_256_does_as_well(town: Town, payload: bytes) -> None:
    import base64

    made = await town.uploads.create(TENDER, "91AHUA", SIZE)
    for n, part in enumerate(segments(payload)):
        plain = base64.b64encode(hashlib.sha256(part).digest()).decode()
        with pytest.raises(Refused, match="E-DIGEST"):
            await put(town.uploads, made.id, n, part, f"sha-256=:{'A' * 43}=:")
        await put(town.uploads, made.id, n, part, f"sha-512=:AAAA:, sha-256=:{plain}:")
    assert (await town.uploads.status(made.id, "91AHUA")).complete
    assert await town.store.read(made.id) == payload


async def test_the_same_over_http(town: Town, payload: bytes) -> None:
    async def bidder(request: Request) -> str:
        who = request.headers.get("authorization")
        if who is None:
            raise Refused("W-DENIED")
        return who

    async def problem(_: Request, no: Exception) -> JSONResponse:
        assert isinstance(no, Refused)
        return JSONResponse({"code": no.code}, 409)

    app = Starlette(routes=routes(town.uploads, bidder), exception_handlers={Refused: problem})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://town", headers={"authorization": "91AHUA"}
    ) as client:
        made = (await client.post(f"/tenders/{TENDER}/uploads", json={"size": SIZE})).json()
        assert (made["segment"], made["segments"], made["missing"]) == (SEGMENT, 3, [0, 1, 2])
        for n, part in enumerate(segments(payload)):
            answer = await client.put(
                f"/uploads/{made['id']}/segments/{n}", content=part, headers={"content-digest": content_digest(part)}
            )
            assert answer.status_code == 204
        state = (await client.get(f"/uploads/{made['id']}")).json()
        assert state["complete"] and state["root"] == payload_root([segment_leaf(p) for p in segments(payload)])
        assert (await client.post(f"/tenders/{TENDER}/uploads", json={"size": "1"})).json() == {"code": "E-SIZE"}
        wrong = await client.put(f"/uploads/{made['id']}/segments/0", content=b"x")
        assert wrong.json() == {"code": "E-DIGEST"}
    assert hashlib.sha256(await town.store.read(made["id"])).digest() == hashlib.sha256(payload).digest()
