"""Before the deadline, no bids and some bids look alike to everybody who is not their bidder: statuses, sizes, counts."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx

from audit.canon import stamp
from tests.trading.desk import SCHEMA, Desk
from tests.trading.town import town
from trading import postgres
from trading.settings import Settings

FIRMS = 40
ONLOOKERS = ("public", "tenderee", "operator", "supervisor", "C-SUP", "rival", "sa")
PATHS = (
    "/", "/p/{project}", "/t/{tender}", "/ledger", "/proof", "/log/checkpoint", "/log/status", "/log/tile/0/000.p/{tail}",
    "/log/tile/entries/000.p/{tail}", "/events?after=-1&limit=1000", "/disclosures?after=-1", "/readyz", "/openapi.json",
    "/api/v1/projects", "/api/v1/projects/{project}", "/api/v1/tenders", "/api/v1/tenders/{tender}",
    "/api/v1/tenders/{tender}/timeline", "/api/v1/tenders/{tender}/bids", "/api/v1/tenders/{tender}/sealing-kit",
    "/api/v1/tenders/{tender}/kits/form", "/api/v1/tenders/{tender}/archive/public", "/api/v1/organisations",
    "/api/v1/trades", "/api/v1/custody", "/api/v1/people?limit=100", "/api/v1/tokens?limit=100",
    "/api/v1/tenders/{tender}/documents", "/api/v1/tenders/{tender}/questions", "/api/v1/tenders/{tender}/securities",
    "/api/v1/bans",
)  # fmt: skip
FOR_ANSWERING = ("tenderee /api/v1/tenders/{tender}/questions",)
"""What the one who answers must read: the questions. Who asked them is looked for in test_questions.py."""


async def _looked_at(settings: Settings, owner_dsn: str, tmp: Path, bids: int) -> dict[str, tuple[int, int]]:
    """What each onlooker gets, after the same number of beats, with this many bids in the box."""
    seen: dict[str, tuple[int, int]] = {}
    async with postgres.connected(settings), town(settings, owner_dsn) as place:
        desk = Desk(place, tmp)
        await desk.open(announce=False)
        files = {
            "规格书.pdf": await desk.paper("tenderee", b"spec"),
            "plans.zip": await desk.paper("tenderee", b"plans"),
        }
        notice = {
            "deadline": stamp(desk.deadline), "opening_schema": SCHEMA, "documents": files, "bid_validity_days": 90,
            "security": {"amount": 1, "valid_days": 90},
        }  # fmt: skip
        told = await place.call("tenderee", "POST", f"/tenders/{desk.tender}/announcement", 201, notice)
        desk.documents = told["documents"]
        firms = [await desk.bidder(f"firm{n:02}") for n in range(FIRMS)]
        await place.enrol("rival", "bidder")
        await place.beat()
        for n, firm in enumerate(firms):
            if n < bids:  # who bids has also asked and paid, and its bid will be stale
                await desk.hand_in(firm, 9_000_000 + n)
                path, paid = f"/tenders/{desk.tender}", {"amount": 1 + n, "form": "letter", "account": f"acc {n}"}
                await place.call(firm.name, "POST", f"{path}/questions", 201, {"text": f"{n}?"})
                paid["received"] = stamp(await desk.now())
                await place.call(firm.name, "POST", f"{path}/securities", 201, paid)
            await place.beat()
        files["plans.zip"] = await desk.paper("tenderee", b"plans 2")
        amended = {"files": files, "affects": True, "reason": "图纸"}
        await place.call("tenderee", "POST", f"/tenders/{desk.tender}/amendments", 201, amended)
        if bids:
            items = (await place.call(firms[0].name, "GET", f"/tenders/{desk.tender}/bids", 200))["items"]
            assert all(item["stale"] for item in items)
        await place.beat()
        size = int((await place.as_("public").get("/log/checkpoint")).text.split("\n")[1])
        names = {"tender": desk.tender, "project": desk.tender.rpartition("-")[0], "tail": str(size % 256)}
        for who in ONLOOKERS:
            for path in PATHS:
                answer = await place.as_(who).get(path.format(**names))
                if f"{who} {path}" not in FOR_ANSWERING:
                    seen[f"{who} {path}"] = (answer.status_code, _size(answer))
    return seen


def _size(answer: httpx.Response) -> int:
    """Bytes of an answer. Places in the log are drawn at random within a beat: 9 and 10 count as one."""
    media = answer.headers.get("content-type", "")
    if "json" in media or "html" in media:
        return len(
            re.sub(r'"(?:index|logindex|sequence|id)":"?[^,"]*|(?<=>)[0-9]+(?=</a>)|after=[0-9-]+', "", answer.text)
        )
    if "zip" in media and answer.status_code == 200:
        return _kit_size(answer.content)
    return len(answer.content)


def _kit_size(data: bytes) -> int:
    """Bytes of a kit but for the hashes of its proofs: how many there are follows from a place and the log's size."""
    with zipfile.ZipFile(io.BytesIO(data)) as kit:
        files = {name: kit.read(name) for name in kit.namelist() if name != "MANIFEST"}
    proofs = b"".join(content for name, content in files.items() if name.startswith("proofs/"))
    hashes = re.findall(rb"(?m)^[A-Za-z0-9+/]{43}=\n", proofs)
    assert hashes, "a kit without proofs"
    return sum(len(name) + len(content) for name, content in files.items()) - sum(map(len, hashes))


async def test_no_bids_and_some_bids_look_alike(
    server: postgres.Embedded, clone: Callable[[], AbstractContextManager[str]], tmp_path: Path
) -> None:
    looks = []
    for bids in (0, FIRMS):
        with clone() as name:
            app, owner = server.dsn(postgres.APP, name), server.dsn(postgres.OWNER, name)
            home = tmp_path / f"with {bids} bids"
            settings = Settings(
                data=home / "data", database_url=app, database_owner_url=owner, origin="demo.test/log", token_pepper="p",
                port=8000, witnesses=("w=http://w",),
            )  # fmt: skip
            looks.append(await _looked_at(settings, owner, home / "desk", bids))
    without, with_bids = looks
    assert {status for status, _ in without.values()} <= {200, 401, 403, 404, 409}
    assert sum(status == 200 for status, _ in without.values()) > 80
    # Bodies hold fresh keys, hashes and times of the same lengths; a random-length field would show here.
    # In a kit the places stand in names too, so that a digit more or less counts several times.
    slack = {k: 64 if "kit" in k else 0 for k in without}
    alike = {k: (s, abs(n - with_bids[k][1]) <= slack[k]) == (with_bids[k][0], True) for k, (s, n) in without.items()}
    assert [k for k, same in alike.items() if not same] == []
