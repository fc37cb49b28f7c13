"""The tools of parties, readers and authorities against the real platform, over the real API."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from audit.act import pool
from audit.canon import canon
from audit.refusal import Refused
from experts.door import info_of
from tests.trading.drawing import PARTIES, Drawing, panel_of, records_of
from tests.trading.town import Town
from trading.client import Answered
from trading.tools import door
from trading.tools.memory import Memory
from trading.tools.party import COMMITTED, REVEALED, WAITING, Party, Standing
from trading.tools.trust import Trust

T = TypeVar("T")
SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class Wire:
    """`trading.client.Platform` for a tool in a thread, over the town's own application."""

    def __init__(self, town: Town, who: str) -> None:
        self.town, self.who, self.loop = town, who, asyncio.get_running_loop()

    def _ask(self, made: Callable[[], Awaitable[T]]) -> T:
        async def asking() -> T:
            return await made()

        return asyncio.run_coroutine_threadsafe(asking(), self.loop).result(60)

    def get(self, path: str, **_: Any) -> Any:
        return self._answer("GET", path)

    def post(self, path: str, body: Any = None, **_: Any) -> Any:
        return self._answer("POST", path, body)

    def _answer(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._ask(lambda: self.town.as_(self.who).request(method, f"/api/v1{path}", json=body))
        if answer.status_code >= 400:
            raise Answered(answer.status_code, answer.json())
        return answer.json()

    def fetch(self, path: str, to: Path | None = None) -> bytes:
        answer = self._ask(lambda: self.town.as_("public").get(path))
        assert answer.status_code == 200, (path, answer.text)
        return answer.content


def tool(drawing: Drawing, id: str, folder: Path) -> Party:
    town = drawing.town
    wire: Any = Wire(town, "operator")
    trust = Trust(town.policy, town.parties)
    return Party(id, drawing.signer(id), trust, Memory(folder / id), wire, clock=town.clock.now)


async def step(party: Party, tender: str) -> Standing:
    return await asyncio.to_thread(party.step, tender)


@pytest.fixture
async def drawing(place: Town, tmp_path: Path) -> Drawing:
    made = await panel_of(place, tmp_path / "desk")
    await made.convene()
    return made


async def test_three_parties_draw_with_their_own_tools(drawing: Drawing, tmp_path: Path) -> None:
    tender = drawing.desk.tender
    parties = [tool(drawing, id, tmp_path / "tools") for id in PARTIES]
    assert [(await step(one, tender)).state for one in parties] == [WAITING] * 3
    await drawing.commit(covered=False)
    assert [(await step(one, tender)).state for one in parties] == [WAITING] * 3
    await drawing.desk.covered()
    assert await asyncio.to_thread(parties[1].duties) == [tender]
    for _ in range(4):
        standings = [await step(one, tender) for one in parties]
        await drawing.desk.covered()
    assert [one.state for one in standings] == [REVEALED] * 3
    assert not await asyncio.to_thread(parties[1].duties)
    for type in ("draw-nonce-committed", "draw-nonce-revealed"):
        assert [one["i"] for one in await records_of(tender, type)] == [1, 2, 3]


async def test_after_a_void_the_same_tools_go_on(drawing: Drawing, tmp_path: Path) -> None:
    tender = drawing.desk.tender
    parties = [tool(drawing, id, tmp_path / "tools") for id in PARTIES]
    await drawing.commit()
    for one in parties[:2]:
        assert (await step(one, tender)).state == COMMITTED
    await drawing.void(3)
    assert (await step(parties[0], tender)).state == WAITING
    await drawing.commit(2, meets=(await records_of(tender, "draw-committed"))[0]["meets"])
    for _ in range(4):
        standings = [await step(one, tender) for one in parties]
        await drawing.desk.covered()
    assert {(one.attempt, one.state) for one in standings} == {(2, REVEALED)}


# ------------------------------------------------------------------------------------------------------------- the door


async def answering(drawing: Drawing, names: list[dict[str, Any]]) -> None:
    """The dispatcher, whose library is another one than the reader's."""
    for _ in range(100):
        row = await pool().fetchrow("SELECT id, reader_key FROM experts_reading WHERE sealed IS NULL")
        if row is not None:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(row["reader_key"]))
            sealed = SUITE.encrypt(canon({"names": names}).ljust(4096), key, info_of(drawing.draw, row["id"]))
            await pool().execute(
                "UPDATE experts_reading SET sealed = $2, answered_at = log_now() WHERE id = $1", row["id"], sealed
            )
            return
        await asyncio.sleep(0.05)


async def test_a_supervisor_reads_the_names_with_two_keys(drawing: Drawing) -> None:
    town, tender = drawing.town, drawing.desk.tender
    await drawing.commit()
    await drawing.set(state="calling", meets=await drawing.desk.now())
    wire: Any = Wire(town, "supervisor")
    reader = town.codes["supervisor"]
    with pytest.raises(Refused) as no:
        await asyncio.to_thread(door.read, wire, tender, (), patience=1)
    assert no.value.code == "E-READING-EARLY"
    public: Any = Wire(town, "public")  # who signs needs no token: the draw is public
    keys = [
        await asyncio.to_thread(door.approve, public, tender, reader, drawing.signer(id)) for id in ("A-SUP", "C-NOT")
    ]
    names = [{"seat": 1, "name": "王专家"}, {"seat": 2, "name": "李专家"}]
    waiting = asyncio.create_task(answering(drawing, names))
    got = await asyncio.to_thread(lambda: door.read(wire, tender, keys, patience=10, every=0.05))
    await waiting
    assert got == names
    with pytest.raises(Refused, match="P-DOOR"):
        await asyncio.to_thread(lambda: door.read(wire, tender, keys, patience=0, every=0.05))


async def test_an_authority_removes_who_sits_in_a_seat(drawing: Drawing) -> None:
    town, tender = drawing.town, drawing.desk.tender
    leaf = secrets.token_hex(32)
    await drawing.commit()
    await drawing.call(leaf, "seated")
    await drawing.seat(1, leaf)
    await pool().execute("UPDATE experts_summons SET seat = 1")
    await drawing.set(state="seated", seated_at=await drawing.desk.now())
    wire: Any = Wire(town, "supervisor")
    with pytest.raises(Refused, match="E-DRAW-MEMBER"):
        await asyncio.to_thread(door.remove, wire, tender, 2, "removed", "A-SUP", town.authority)
    await asyncio.to_thread(door.remove, wire, tender, 1, "conflict", "A-SUP", town.authority)
    (record,) = await records_of(tender, "draw-called")
    assert (record["leaf"], record["outcome"], record["specialty"]) == (leaf, "conflict", "a08")
