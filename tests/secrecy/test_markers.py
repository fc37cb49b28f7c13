"""P6: no byte of a bid is anywhere before the opening: database files, WAL, dump, payloads, logs, temporary files, answers.

Markers lie in the documents and in the form of each bid. The search would find them in any of these places, in any of the
forms in which software writes bytes: the controls plant some.
"""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from cryptography.cobblestone import Cobblestone256Decryptor

from audit.archive import Archive
from audit.canon import parse
from audit.refusal import Broken
from bidding.manifest import Manifest
from tests.faults.centre import STAGES, Centre, Firm, centre
from tests.secrecy.crawl import crawl, crawl_log, said
from tests.secrecy.markers import hits, in_files, marker, patterns, stem
from trading.demo.market import SCHEMA
from trading.postgres import OWNER, binaries

FIRMS = 4
SECRET_PRICE = 7_319_028_465_511
FORM = {**SCHEMA, "note": {"kind": "text", "max": 400}}


class Searched:
    """A centre and all the places where a marker could be."""

    def __init__(self, place: Centre, wanted: dict[str, bytes], temporary: Path) -> None:
        self.place, self.wanted, self.temporary = place, wanted, temporary
        self.answers = 0

    def files(self) -> dict[str, list[str]]:
        """Everything below the installation's directory and its directory for temporary files."""
        self.place.database.say("CHECKPOINT")
        home = self.place.story.home
        return {
            str(path.relative_to(home.parent)): found for path, found in in_files(self.wanted, home, self.temporary)
        }

    def dump(self) -> list[str]:
        """pg_dump, as text."""
        command = [str(binaries() / "pg_dump"), "--inserts", self.place.database.dsn(OWNER)]
        dumped = subprocess.run(command, capture_output=True, check=True)
        assert len(dumped.stdout) > 100_000
        return hits(self.wanted, dumped.stdout)

    def http(self, firms: Sequence[Firm]) -> dict[str, list[str]]:
        """Every answer to every role, and to the bidders themselves."""
        return asyncio.run(self._http(firms))

    async def _http(self, firms: Sequence[Firm]) -> dict[str, list[str]]:
        market, tender = self.place.story.market, self.place.tender
        tokens = {"public": "", **market.tokens, **{f"firm {n}": firm.bidder.token for n, firm in enumerate(firms)}}
        seen = market.as_("operator").get(f"/tenders/{tender}")
        receipts = firms[0].taken[-1].receipts
        names = {
            "tender": [tender],
            "project": [seen["project"]],
            "stage": list(STAGES),
            "statement": [self.place.custodians[0].statements()[0].hash],
            "manifest": [str(receipts[stage].manifest) for stage in STAGES],
            "sha256": [str(receipts["form"].manifest)],
            "upload": [path.name for path in sorted((self.place.story.home / "bids" / "kept").glob("??/*"))[:2]],
        }
        async with httpx.AsyncClient(base_url=self.place.story.url, timeout=30) as client:

            async def fetch(role: str, path: str) -> httpx.Response:
                headers = {"Authorization": f"Bearer {tokens[role]}"} if tokens[role] else {}
                return await client.get(path, headers=headers)

            found = {}
            for crawled in (crawl(fetch, list(tokens), names), crawl_log(fetch)):
                async for one in crawled:
                    self.answers += 1
                    where = f"{one.role} {one.path}"
                    if there := hits(self.wanted, said(one.answer)):
                        found[where] = there
            return found


@pytest.fixture
def firms() -> list[Firm]:
    return []


def test_no_byte_of_a_bid_is_anywhere_before_the_opening(
    tmp_path: Path, firms: list[Firm], monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "installation" / "tmp"
    temporary.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(temporary))
    root = stem()
    wanted = patterns(root) | {"price": str(SECRET_PRICE).encode()}
    with centre(tmp_path / "installation" / "a centre") as place:
        place.announce(12, FORM)
        for n in range(FIRMS):
            firms.append(place.firm(f"第{n}建筑公司", tmp_path / f"firm {n}"))
            _write_offer(firms[n], root)
            for text in (marker(root).hex(), base64.b64encode(marker(root)).decode()):  # the second replaces the first
                place.hand_in(firms[n], SECRET_PRICE, note=f"付款条件 {text}")
        search = Searched(place, wanted, temporary)
        assert dict(in_files(wanted, tmp_path / "firm 0")), "the bidder's own desk has it"

        # before the deadline, and after the closing while nobody has released
        for moment in ("before the deadline", "before the first release"):
            if moment != "before the deadline":
                place.wait_for("closed", patience=place.left() + 60)
                place.story.until(lambda: place.story.market.as_("C-JIANDU").fetch(_kit(place)), "E-PENDING")
            assert search.files() == {}, moment
            assert search.dump() == [], moment
            assert search.http(firms) == {}, moment
        assert search.answers > 800

        # the controls: each place is searched, each form is found
        home = place.story.home
        title = f"工程 {marker(root).hex()}"
        body = {"title": title, "regime": "source-law", "direction": "buy", "currency": "CNY"}
        place.story.market.as_("tenderee").post("/projects", body)
        assert "hex" in search.dump()
        assert "hex" in search.http(firms)["tenderee /api/v1/projects"]
        in_rows = search.files()
        assert any("/cluster/base/" in path for path in in_rows) and any("/pg_wal/" in path for path in in_rows)
        for planted, form, data in (
            (home / "logs" / "server.log", "base64+0", base64.b64encode(root)),
            (home / "log" / "tile" / "a tile", "raw", b"\0" * 5 + marker(root)),
            (home / "bids" / "kept" / "half", "hex in UTF-16", marker(root).hex().encode("utf-16-le")),
            (temporary / "spilled", "raw in base64+1", base64.b64encode(b"x" + marker(root))),
        ):
            with planted.open("ab") as file:
                file.write(b"\n" + data + b"\n")
            found = search.files()[str(planted.relative_to(home.parent))]
            assert found == [form] or form in found, (planted, found)
            if planted.name != "server.log":
                planted.unlink()

        # after the opening it is where it should be
        opened = place.close_and_open()
        assert all(base64.b64encode(root)[:20].decode() in bid["opening"]["note"] for bid in opened["bids"])
        paper = httpx.get(f"{place.story.url}/t/{place.tender}/papers/opening.pdf", timeout=60)
        assert "base64+0" in hits(wanted, said(paper)) and "base64+0" not in hits(wanted, paper.content)
        public, supervision = (Archive.open(path) for path in place.archive(tmp_path))
        for bid in (one["bid"] for one in opened["bids"]):
            form = f"bids/{bid}/form/2/opened.json"
            assert all("base64+0" in hits(wanted, edition.read(form)) for edition in (public, supervision))
            assert {"raw", "hex", "base64+0", "hex in UTF-16"} <= set(hits(wanted, _document(supervision, bid)))
            with pytest.raises(Broken, match="A-MISSING"):
                _document(public, bid)
        print(f"{search.answers} answers, {FIRMS * 2} bids, {len(wanted)} forms: nothing before the opening")


def _write_offer(firm: Firm, root: bytes) -> None:
    """The document of a bid: markers raw, in hexadecimal, in base64 and in UTF-16, among other text."""
    text = marker(root).hex()
    forms = (marker(root), text.encode(), base64.b64encode(marker(root)), text.encode("utf-16-le"))
    (firm.desk / "offer.txt").write_bytes(b"\n".join(("技术方案\n" * 50).encode() + form for form in forms))


def _kit(place: Centre) -> str:
    return f"/api/v1/tenders/{place.tender}/kits/form"


def _document(edition: Archive, bid: str) -> bytes:
    """The plaintext of a bid's documents, as whoever holds the supervision edition reads it."""
    at = f"bids/{bid}/documents/2"
    ck, payload = parse(edition.read(f"{at}/opened.json"))["ck"], edition.read(f"{at}/payload")
    ctx = Manifest.parse(edition.read(f"{at}/manifest.json")).context.ctx
    decryptor = Cobblestone256Decryptor(bytes.fromhex(ck), ctx)
    return decryptor.update(payload) + decryptor.finalize()


def test_every_form_is_found_in_any_place() -> None:
    """The search itself, over random surroundings."""
    root = stem()
    wanted = patterns(root)
    for before in range(4):
        whole = bytes(before) + marker(root)
        for name, written in (
            ("raw", whole),
            ("hex", whole.hex().encode()),
            ("HEX", whole.hex().upper().encode()),
            ("base64", base64.b64encode(whole)),
            ("hex in UTF-16", whole.hex().encode("utf-16-le")),
            ("hex in hex", whole.hex().encode().hex().encode()),
            ("hex in base64", base64.b64encode(bytes(before) + whole.hex().encode())),
            ("base64", base64.urlsafe_b64encode(whole).replace(b"-", b"+").replace(b"_", b"/")),
        ):
            assert any(found.startswith(name) for found in hits(wanted, written)), (name, before)
    assert not hits(wanted, b"\0" * 1000 + stem())
