"""From the request to the door: the real web side, the real dispatcher and the parties' own tools, on one tender."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from audit.act import Actor, acting, pool
from audit.clock import MachineClock
from audit.trust import record_sig_bytes
from experts import admissions
from experts.desk import Desk as DispatcherDesk
from experts.dispatcher import Dispatcher
from experts.handed import Lines
from experts.person import Employment, NewExpert, Person
from experts.roster import add_people
from experts.vault import Vault, new_key
from tests.experts.hall import DELAYS, POLICY, Down, Exchange, Post, Unfit, identity_number
from tests.trading.drawing import PARTIES, Drawing, grow_tree, panel_of
from tests.trading.test_journey import check
from tests.trading.test_party_tool import Wire, step, tool
from tests.trading.town import Town
from trading import accounts
from trading.dispatching import CentreMarket
from trading.tools import door
from trading.tools.party import REVEALED
from trading.web.api_panels import BLOCK


class Hall:
    """A roster of the town's authority, a dispatcher, and telephones that are picked up."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing, self.town = drawing, drawing.town
        self.vault, self.exchange, self.post = Vault([new_key()]), Exchange(), Post()
        desk = DispatcherDesk(
            self.vault, Lines([self.exchange], [self.post], (), Down, Unfit), CentreMarket(),
            lambda code: accounts.digest(code).hex(), MachineClock(), POLICY, DELAYS,
        )  # fmt: skip
        self.dispatcher = Dispatcher(desk, (asyncpg.PostgresConnectionError,))

    async def roster(self, specialty: str, first: int, count: int, employer: str = "") -> None:
        people = []
        for n in range(first, first + count):
            work = (Employment(employer, date(2015, 1, 1)),) if employer else ()
            one = Person(f"专家{n}", f"+86138{n:08d}", identity_number(n), employers=work, code=f"{n:04d}")
            self.exchange.codes[one.phone] = one.code
            people.append(NewExpert(one, (specialty,)))
        async with acting(Actor("dispatcher", "operator")) as act:
            ids = sorted(await add_people(act, self.vault, people))
        async with acting(Actor("authority", "A-SUP")) as act:
            sig = [self.town.authority.sign(record_sig_bytes(admissions.admission(ids, "A-SUP")))]
            known = await self.town.platform.identities()
            await admissions.admit(act, experts=ids, by="A-SUP", sig=sig, identities=known)

    async def look(self) -> None:
        await self.dispatcher.run_once()
        await asyncio.wait_for(self.dispatcher.settle(), 20)
        await self.drawing.desk.covered()


async def test_a_panel_is_drawn_and_called_and_its_tender_stays_shut(place: Town, tmp_path: Path) -> None:
    drawing = await panel_of(place, tmp_path / "desk")
    desk, tender = drawing.desk, drawing.desk.tender
    hall = Hall(drawing)
    await grow_tree("a08", "b01")
    await hall.roster("a08", 0, 12)
    await hall.roster("b01", 12, 6)
    await hall.roster("a08", 18, 3, employer=place.codes["tenderee"])  # who works for the tenderee is never called
    await place.push(timedelta(days=8))
    await drawing.convene()
    sizes, told = set(), []

    async def counts() -> Any:
        answer = await place.as_("operator").get(f"/api/v1{drawing.path}")
        sizes.add(len(answer.content))
        told.append(answer.json()["state"])
        return answer.json()

    await counts()
    await hall.look()
    assert (await counts())["state"] == "committed"
    parties = [tool(drawing, id, tmp_path / "tools") for id in PARTIES]
    for _ in range(4):
        states = [(await step(one, tender)).state for one in parties]
        await desk.covered()
        await counts()
    assert states == [REVEALED] * 3
    for _ in range(3):
        await hall.look()
        await counts()
    assert (await counts())["accepted"] == 4 and await pool().fetchval("SELECT count(*) FROM experts_summons") == 4

    # -- nobody bids: the tender stays shut, and what was public of its draw is in the archive, which verifies
    await place.push(desk.deadline + timedelta(hours=1, minutes=32) - await desk.now())
    await place.timers.run_due()
    await desk.covered()
    assert await desk.state() == "shut"
    await hall.look()
    await counts()
    check(desk, await desk.archive())
    await counts()
    assert sizes == {BLOCK} and set(told) >= {"requested", "committed", "calling", "over"}


async def test_names_are_read_at_the_door_and_a_member_is_removed(place: Town, tmp_path: Path) -> None:
    drawing = await panel_of(place, tmp_path / "desk")
    desk, tender = drawing.desk, drawing.desk.tender
    hall = Hall(drawing)
    await grow_tree("a08", "b01")
    await hall.roster("a08", 0, 12)
    await hall.roster("b01", 12, 6)
    await place.push(timedelta(days=8))
    meets = await desk.now() + timedelta(hours=1)
    await drawing.convene()
    await pool().execute("UPDATE experts_panel SET meets = $1", meets)  # so that it meets while bids may still come
    await hall.look()
    parties = [tool(drawing, id, tmp_path / "tools") for id in PARTIES]
    for _ in range(4):
        for one in parties:
            await step(one, tender)
        await desk.covered()
    for _ in range(3):
        await hall.look()
    await place.push(meets - timedelta(minutes=29) - await desk.now())
    supervisor: Any = Wire(place, "supervisor")
    reader = place.codes["supervisor"]
    keys = [await asyncio.to_thread(door.approve, supervisor, tender, reader, drawing.signer(id)) for id in PARTIES[:2]]
    reading = asyncio.create_task(
        asyncio.to_thread(lambda: door.read(supervisor, tender, keys, patience=20, every=0.05))
    )
    while not reading.done():
        await hall.dispatcher.run_once()
        await asyncio.sleep(0.05)
    names = await reading
    assert [one["seat"] for one in names] == [1, 2, 3, 4] and all(one["name"].startswith("专家") for one in names)
    await asyncio.to_thread(door.remove, supervisor, tender, 1, "removed", "A-SUP", place.authority)
    await hall.look()
    states = [row["state"] for row in await pool().fetch("SELECT state FROM experts_summons")]
    assert states.count("removed") == 1 and states.count("accepted") == 4
