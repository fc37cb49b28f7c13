"""Papers on the web: there when their record is, the same bytes as from the archive, and a bidder's own for the bidder."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from urllib.parse import unquote

import httpx
import pypdf
import pytest

from audit.canon import canon, sha256_hex
from audit.receipt import Receipt, check_receipt
from tests.trading.desk import Desk
from tests.trading.town import Town
from trading.paper import receipts
from trading.paper.press import Mark
from trading.paper.source import KINDS, Story, make

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(place: Town, tmp_path: Path) -> Desk:
    return Desk(place, tmp_path / "desk")


async def get(desk: Desk, kind: str, who: str = "public", **headers: str) -> httpx.Response:
    return await desk.town.as_(who).get(f"/t/{desk.tender}/papers/{kind}.pdf", headers=headers)


async def there(desk: Desk) -> set[str]:
    """The papers that can be had; every other is refused with a page that says so, whoever asks."""
    found = set()
    for kind in KINDS:
        for who in ("public", "tenderee", "operator", "supervisor"):
            answer = await get(desk, kind, who)
            if answer.status_code == 200:
                found.add(kind)
            else:
                assert answer.status_code == 409
                assert answer.json()["code"] in ("PAPER-NOT-YET", "E-UNOPENED", "E-OPEN"), answer.text
                page = await get(desk, kind, who, Accept="text/html,*/*")
                assert page.status_code == 409 and answer.json()["code"] in page.text and "<main" in page.text
    return found


def text(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages))


async def test_each_paper_comes_with_its_record_and_is_the_same_out_of_the_archive(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江", "博远")]
    for firm, price in zip(firms, (9_200_000, 8_800_000, 9_900_000), strict=True):
        await desk.hand_in(firm, price)
    assert await there(desk) == set()
    assert "/papers/" not in (await desk.town.as_("public").get(f"/t/{desk.tender}")).text
    await desk.wait()
    assert await there(desk) == set()
    await desk.store()
    for one in desk.custodians:
        await desk.release(one, "form")
    await desk.town.timers.run_due()
    assert await there(desk) == set(), "half of the envelopes are still shut"
    await desk.open_boxes()
    assert await there(desk) == {"opening"}
    record = text(await get(desk, "opening"))
    assert all(f"{firm.name}公司" in record for firm in firms) and "88,000.00" in record
    await desk.post("tenderee", "candidates")
    assert await there(desk) == {"opening", "candidates"}
    await desk.post("tenderee", "award", 201, {})
    assert await there(desk) == {"opening", "candidates", "award"}
    before = {kind: (await get(desk, kind)).content for kind in ("opening", "candidates", "award")}
    letter = await get(desk, "award")
    assert "赣江公司" in text(letter)
    (link,) = re.findall(r"http://127\.0\.0\.1:8000(/t/[0-9@-]+)", text(letter))
    assert (await desk.town.as_("public").get(link)).status_code == 200, "what is printed leads somewhere"
    edition = (await desk.archive())["public"]
    story = Story(edition, url=desk.town.settings.base_url)
    for kind, data in before.items():
        assert make(story, kind) == data == (await get(desk, kind)).content, kind
    page = (await desk.town.as_("public").get(f"/t/{desk.tender}")).text
    for kind, data in before.items():
        assert f"/t/{desk.tender}/papers/{kind}.pdf" in page and sha256_hex(data) in page


async def test_what_a_paper_is_called_and_which_bytes_it_has_stands_in_the_headers(desk: Desk) -> None:
    await desk.open()
    await desk.hand_in(await desk.bidder("安和"), 9_200_000)
    await desk.wait()
    await desk.open_boxes()
    answer = await get(desk, "opening")
    sha, headers = sha256_hex(answer.content), answer.headers
    assert headers["content-type"] == "application/pdf" and headers["etag"] == f'"{sha}"'
    assert base64.b64decode(headers["repr-digest"].split(":")[1]).hex() == sha
    plain, called = re.fullmatch(
        r"inline; filename=\"([\x20-\x7e]+)\"; filename\*=UTF-8''(\S+)", headers["content-disposition"]
    ).groups()  # type: ignore[union-attr]
    bare = desk.tender.partition("@")[0]
    assert plain == f"{bare}.opening.pdf" and unquote(called) == f"{bare} 开标记录.pdf"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    again = await get(desk, "opening", **{"If-None-Match": f'W/"x", W/"{sha}"'})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == f'"{sha}"'
    assert (await get(desk, "opening", **{"If-None-Match": '"other"'})).status_code == 200
    for path in (
        f"/t/{desk.tender}/papers/evaluation.pdf",
        f"/t/{desk.tender}/papers/..%2f.pdf",
        "/t/none/papers/award.pdf",
    ):
        assert (await desk.town.as_("public").get(path)).status_code == 404


async def test_a_receipt_is_a_paper_of_its_bidder_alone(desk: Desk) -> None:
    await desk.open()
    firms = [await desk.bidder(name) for name in ("安和", "赣江")]
    for firm in firms:
        await desk.hand_in(firm, 9_000_000)
    await desk.town.beat()
    manifest = firms[0].receipts["form"]["manifest"]
    path = f"/api/v1/receipts/{manifest}/paper"
    answer = await desk.town.as_("安和").get(path)
    assert "投标文件已递交" in text(answer) and answer.headers["cache-control"] == "no-store"
    held = await desk.town.call("安和", "GET", f"/receipts/{manifest}", 200)
    data, policy = canon(held), desk.town.policy
    mark = Mark(sha256_hex(data), "receipt", f"{desk.town.settings.base_url}/t/{desk.tender}")
    parsed = Receipt.parse(data)
    assert receipts.receipt(parsed, mark, policy.origin, check_receipt(parsed, policy)) == answer.content
    assert (await desk.town.as_("赣江").get(path)).status_code == 404
    for who in ("tenderee", "operator", "supervisor"):
        assert (await desk.town.as_(who).get(path)).status_code == 403
    assert (await desk.town.as_("public").get(path)).status_code == 401
    printed = desk.town.settings.printed_dir
    assert not printed.exists() or not any(one.is_file() for one in printed.rglob("*")), "nothing of it is left"
