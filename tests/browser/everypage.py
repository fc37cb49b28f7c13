"""Every page there is, for everybody who may read it: addresses by route, and a centre in which all have something to show.

A new page is one line in `OPEN` or `DESKS`; a page that stands in neither fails `test_no_page_is_forgotten`. In an address
`{names}` are those of `Centre.names`. Who reads a desk's page is read from roles.toml.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from audit.signature import Ed25519Signer
from tests.listening import listening
from tests.security.browsers import PASSWORD, Browser, Clock, Generator, code_of, come_in, invite
from tests.trading import test_auctions as sale
from tests.trading.desk import Bidder, Desk
from tests.trading.town import Town
from trading import imports, invitations, sessions
from trading.web import app as _app
from trading.web.doors import doors
from trading.web.models import RoleName
from trading.web.roles import ENROLLED, Verdict, matrix, open_routes

assert _app.PAGES
REAL = Path(__file__).parents[2] / "trading/demo/prozorro.json"
OPEN: dict[str, tuple[str, ...]] = {
    "/": ("/", "/?q=桥"),
    "/search": ("/search", "/search?q=道", "/search?q=nowhere"),
    "/p/{project}": ("/p/{project}", "/p/none"),
    "/t/{tender}": (
        "/t/{sealed}",
        "/t/{sold}",
        "/t/{ended}",
        "/t/{shut}",
        "/t/{stayed}",
        "/t/{failed}",
        "/t/{cried}",
        "/t/{hammered}",
        "/t/none@1",
    ),
    "/ledger": ("/ledger",),
    "/statements": ("/statements", "/statements?by=month", "/statements?from=2026-03-01&to=2026-01-01"),
    "/trade-lines": ("/trade-lines", "/trade-lines?key=boats"),
    "/imported": ("/imported",),
    "/proof": ("/proof",),
    "/verify": ("/verify",),
    "/why": ("/why",),
    "/log": ("/log",),
    "/status": ("/status",),
    "/open-data": ("/open-data",),
    "/open-data/api": ("/open-data/api",),
    "/open-data/api/{operation}": ("/open-data/api/get_tender", "/open-data/api/deposit"),
    "/help": ("/help",),
    "/accessibility": ("/accessibility",),
    "/offline": ("/offline",),
}
"""Pages for everybody, by route. They know no caller (`test_an_open_page_is_the_same_for_everybody`)."""

FILES = {
    "/t/{tender}/live", "/t/{tender}/archive",
    "/t/{tender}/papers/{kind}.pdf", "/statements.{form}", "/static/{name}", "/modules/{path:path}",
    "/ocds/releases.jsonl", "/ocds/compiled.jsonl", "/ocds/projects/{project}", "/events", "/disclosures",
    "/log/checkpoint", "/log/tile/{path:path}", "/log/policy.txt", "/log/parties.txt", "/log/genesis", "/log/status",
    "/healthz", "/readyz", "/openapi.json", "/b/receipts/{manifest}", "/b/{tender}/hall/objections/{remedy}",
    "/offline/{page}.html",
}  # fmt: skip
"""Read with GET too, and no pages."""

DESKS: dict[str, tuple[str, ...]] = {
    "signin_page": ("/signin",),
    "signin_second_page": ("/signin/second",),
    "signin_again_page": ("/signin/again",),
    "signout_page": ("/signout",),
    "invited_page": ("/invited",),
    "invited_code_page": ("/invited/{invitation}", "/invited/none"),
    "me": ("/me",),
    "me_password_page": ("/me/password",),
    "me_generator_page": ("/me/generator",),
    "b_bids": ("/b",),
    "b_messages": ("/b/messages",),
    "b_key": ("/b/key",),
    "b_org": ("/b/org",),
    "b_prepare": ("/b/{fresh}/prepare", "/b/{sealed}/prepare"),
    "b_seal": ("/b/{fresh}/seal", "/b/{sealed}/seal", "/b/{sold}/seal"),
    "b_withdraw": ("/b/{sealed}/withdraw", "/b/{fresh}/withdraw", "/b/{gone}/withdraw"),
    "b_hall": ("/b/{sealed}/hall", "/b/{sold}/hall", "/b/{shut}/hall"),
    "b_receipt": ("/b/receipt/{bid_sealed}", "/b/receipt/{bid_sold}", "/b/receipt/{bid_gone}"),
}
"""Pages behind a door, by the door's name."""

ANYBODY = ("public", "bidder")
"""As whom a page is looked at that is open to whoever comes, signed in or not."""


def pages() -> set[str]:
    """Every route that answers GET with a page: open paths, and names of doors. (A demonstration's page is looked at where
    there is one: tests/cli/test_guided.py.)"""
    told = [one for one in doors.values() if one.method == "GET" and not one.machine and not one.demo]
    behind = {one.name for one in told if one.path not in FILES}
    return (open_routes() - FILES) | behind


def readers(name: str) -> tuple[str, ...]:
    """Who reads a door's page: every role whose cell allows it; of pages that are everybody's, two stand for all."""
    row = matrix()[name]
    if row.judge(RoleName.PUBLIC) is Verdict.ALLOW:
        return ANYBODY
    return tuple(role.value for role in ENROLLED if row.judge(role) is Verdict.ALLOW)


@dataclass
class Centre:
    """A running centre: who is signed in with which cookie, and what things are called in addresses."""

    address: str
    place: Town
    cookies: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def looks(self) -> Iterator[tuple[str, str, str]]:
        """Everything that is looked at: (route, as whom, address)."""
        for route, addresses in OPEN.items():
            for address in addresses:
                yield route, "public", self.named(address)
        for name, addresses in DESKS.items():
            for who in readers(name):
                for address in addresses:
                    yield name, who, self.named(address)
        yield "problem", "tenderee", "/b"  # what is refused is a page too
        yield "b_bids", "newcomer", "/b"
        yield "b_key", "newcomer", "/b/key"
        yield "b_org", "newcomer", "/b/org"
        yield "b_prepare", "newcomer", self.named("/b/{sealed}/prepare")
        yield "b_seal", "newcomer", self.named("/b/{sealed}/seal")
        yield "me", "colleague", "/me"  # for whom a proposal waits
        yield "signin_second_page", "halfway", "/signin/second"

    def named(self, address: str) -> str:
        """With the names in their places."""
        for name, value in self.names.items():
            address = address.replace(f"{{{name}}}", value)
        return address

    async def come(self, who: str, name: str, role: str) -> None:
        """Give somebody of the town a session (a demonstration's: nothing is typed)."""
        person = (await self.place.call(name, "GET", "/whoami", 200))["person"]
        await invitations.stand_in(self.place.settings, person)
        opened = await sessions.open_(self.place.settings, person, role, "demo", agent="Firefox · Linux")
        self.cookies[who] = opened.secret


EMPTY = (
    "/",
    "/search?q=桥",
    "/ledger",
    "/statements",
    "/trade-lines",
    "/imported",
    "/proof",
    "/log",
    "/status",
    "/why",
    "/open-data",
)
"""Looked at before anything has happened, too."""


@asynccontextmanager
async def centre(place: Town) -> AsyncIterator[Centre]:
    """Running, and empty; a browser may think for a minute between two requests on one connection."""
    async with listening(place.app, timeout_keep_alive=75) as address:
        yield Centre(address, place)


async def fill(made: Centre, tmp: Path) -> None:
    """One tender sold and archived, one that waits for its custodians; then one sealed, one ended, one whose bid Wang took
    back, one that is new and that somebody proposes to end. And what `elsewhere` tells."""
    place = made.place
    await elsewhere(made, tmp)
    sold, shut, sealed, ended, gone, fresh = desks = [Desk(place, tmp / str(n)) for n in range(6)]
    await sold.open()
    await shut.open()
    wang = await sold.bidder("wang")
    bids = [Bidder(wang.name, wang.code, wang.signer) for _ in desks]
    for desk, price in ((sold, 8_000_000), (shut, 8_100_000)):
        await desk.hand_in(bids[desks.index(desk)], price)
    for name, price in (("赣江第一工程有限公司", 9_000_000), ("安和建设有限公司", 8_500_000)):
        await sold.hand_in(await sold.bidder(name), price)
    await sold.settle()
    for desk in (sealed, ended, gone, fresh):
        await desk.open()
    for desk in (sealed, gone):
        await desk.hand_in(bids[desks.index(desk)], 7_900_000)
    await gone.withdraw(bids[desks.index(gone)])
    ending = {"reason": "tenderee"}
    await place.call("tenderee", "POST", f"/tenders/{ended.tender}/termination", 201, ending)
    await place.call("tenderee", "POST", f"/tenders/{fresh.tender}/termination", 202, ending)
    await place.beat()
    names = ("sold", "shut", "sealed", "ended", "gone", "fresh")
    made.names |= {name: desk.tender for name, desk in zip(names, desks, strict=True)}
    made.names |= {f"bid_{name}": bid.bid for name, bid in zip(names, bids, strict=True)}
    made.names["project"] = sealed.tender.rpartition("-")[0]


async def elsewhere(made: Centre, tmp: Path) -> None:
    """One tender that failed; two sales: one whose hammer fell, one in which bids are being cried; one that is suspended;
    and what another publisher said."""
    place = made.place
    failed, hammered, cried, stayed = desks = [
        Desk(place, tmp / name) for name in ("failed", "hammered", "cried", "stayed")
    ]
    rooms: dict[str, dict[str, sale.Crier]] = {}
    await failed.open()
    await hammered.open(**sale.SALE)
    await cried.open(**sale.SALE)
    firms = [await failed.bidder(name) for name in ("城投资产", "赣昌实业", "安和置业")]
    for desk in (failed, hammered, cried):
        for firm, price in zip(firms, sale.PRICES.values(), strict=True):
            one = Bidder(firm.name, firm.code, firm.signer)
            rooms.setdefault(desk.tender, {})[firm.name] = sale.Crier(one, Ed25519Signer.generate())
            await place.beat()
            await desk.hand_in(one, price)
    await cried.wait()
    for desk in (failed, hammered, cried):
        await desk.open_boxes()
    for crier in rooms[failed.tender].values():
        body = {"bid": crier.one.bid, "reason": "qualification", "article": "招标投标法实施条例 51"}
        await failed.post("tenderee", "rejections", 201, body)
    await failed.report()
    await failed.fail("all_rejected")
    for desk in (hammered, cried):
        room = rooms[desk.tender]
        for crier in room.values():
            await crier.join(desk)
        await sale._begin(desk, 60 if desk is hammered else 600)
        await sale._numbers(desk, room)
        for crier, price in zip((*room.values(), *room.values()), range(9_400_000, 9_700_000, 50_000), strict=True):
            await crier.cry(desk, price)
    await sale._pass(hammered, timedelta(minutes=61))
    await place.timers.run_due()
    await stayed.open(regime="works")
    await stayed.post("supervisor", "suspensions", 201, {"order": "赣招监〔2026〕1号", "ground": "supervision"})
    await imports.take([REAL])
    await place.beat()
    names = ("failed", "hammered", "cried", "stayed")
    made.names |= {name: desk.tender for name, desk in zip(names, desks, strict=True)}


async def people(made: Centre) -> None:
    """Everybody is signed in: Wang and Ren by password and code, the others as a demonstration lets them; Ren stands at the
    second step, a guest has an invitation, a newcomer has done nothing yet."""
    place, clock = made.place, Clock(made.place)
    _, code = await code_of(place, "wang")
    wang = Browser(place)
    await wang.get(f"/invited/{code}")
    typed = Generator(wang.page).code(clock())
    await wang.submit("/invited/password", login="wang@example.cn", password=PASSWORD, typed=typed)
    made.cookies["bidder"] = wang.session
    for role in ENROLLED:
        if role is not RoleName.BIDDER:
            name = "sa" if role is RoleName.SECURITY_ADMIN else role.value
            if name not in place.tokens:
                await place.enrol(name, role.value)
            await made.come(role.value, name, role.value)
    await place.enrol("新来", "bidder")
    await made.come("newcomer", "新来", "bidder")
    await made.come("colleague", await place.deputy("tenderee"), "tenderee")
    ren, _ = await come_in(place, "ren", "bidder", clock)
    await ren.submit("/signout", status=200)
    await ren.get("/signin")
    await ren.submit("/signin", login="ren@example.cn", password=PASSWORD)
    made.cookies["halfway"] = ren.session
    _, made.names["invitation"] = await invite(place, "客人", "operator")
