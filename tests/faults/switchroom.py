"""The real `trading dispatch` as a process of its own, in a town whose people convene, commit and reveal over the API."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from stdnum.cn import ric

from audit.act import Actor, acting, pool
from audit.clock import MachineClock
from audit.trust import record_sig_bytes
from experts import admissions
from experts.desk import Desk as DispatcherDesk
from experts.desk import Drawn
from experts.handed import Lines
from experts.person import NewExpert, Person
from experts.roster import add_people
from experts.vault import Vault
from tests.experts.hall import Exchange, Market
from tests.faults.centre import BUSY
from tests.trading.drawing import Drawing
from tests.trading.town import Town
from trading import keyfiles

PASSPHRASE = "correct horse"


@dataclass
class Switchroom:
    """The dispatcher's machine in a town."""

    town: Town
    more: Mapping[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = self.town.settings.vault_key_path
        keyfiles.new_vault(path, "dispatcher", self.town.settings.origin, PASSPHRASE, iterations=1000)
        key = keyfiles.read_vault(path, PASSPHRASE, origin=self.town.settings.origin)
        self.vault = Vault([key])
        self.log = self.town.settings.data / "dispatch.log"
        self.process: subprocess.Popen[bytes] | None = None

    async def roster(self, count: int, *specialties: str) -> None:
        """So many experts, admitted by the authority eight days ago."""
        for code in specialties:
            await pool().execute(
                "INSERT INTO experts_specialty (code, zh) VALUES ($1, $1) ON CONFLICT DO NOTHING", code
            )
        made = []
        for n in range(len(self.people), len(self.people) + count):
            day = date(1970, 1, 1) + timedelta(days=n)
            body = f"110101{day:%Y%m%d}{n % 1000:03d}"
            number = body + ric.calc_check_digit(body + "0")
            made.append(Person(f"抽到的人{n:03d}", f"+86139{n:08d}", number, code=f"{7 * n % 10000:04d}"))
        async with acting(Actor("dispatcher", "operator")) as act:
            ids = await add_people(act, self.vault, [NewExpert(one, specialties) for one in made])
        value = admissions.admission(sorted(ids), "A-SUP")
        sig = [self.town.authority.sign(record_sig_bytes(value))]
        async with acting(Actor("authority", "A-SUP")) as act:
            await admissions.admit(
                act, experts=sorted(ids), by="A-SUP", sig=sig, identities=await self.town.platform.identities()
            )
        self.people |= dict(zip(ids, made, strict=True))
        await self.town.push(timedelta(days=8))

    @property
    def environment(self) -> dict[str, str]:
        settings = self.town.settings
        return {
            **os.environ, "TRADING_DATA": str(settings.data), "DATABASE_URL": str(settings.database_url),
            "TRADING_ORIGIN": settings.origin, "TRADING_PASSPHRASE": PASSPHRASE, "TRADING_TOKEN_PEPPER": "pepper",
            "TRADING_DISPATCH_LOOK_MACHINE": "0.1", "TRADING_DISPATCH_REST_MACHINE": "0.2", **self.more,
        }  # fmt: skip

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trading", "dispatch", *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
            )  # fmt: skip
        return self.process

    def start_beside(self) -> subprocess.Popen[bytes]:
        """Start one more, which waits until the one before it, given back, is gone."""
        before = self.process
        assert before is not None
        self.start()
        return before

    async def says(self, what: str, after: int) -> bool:
        """Whether its log says something, from a byte on."""
        return what.encode() in self.log.read_bytes()[after:]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def __enter__(self) -> Switchroom:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def check(self) -> None:
        """It has not died by itself."""
        assert self.process is not None and self.process.poll() is None, self.log.read_text()[-2000:]

    async def until(self, look: Any, patience: float, what: str) -> Any:
        end = time.monotonic() + BUSY * patience
        while not (found := await look()):
            self.check()
            assert time.monotonic() < end, f"waited for {what}\n{self.log.read_text()[-2000:]}"
            await asyncio.sleep(0.03)
        return found

    async def parties(self, *drawings: Drawing) -> None:
        """Of each panel the dispatcher's commitment is waited for; then all commit, and all reveal."""
        for drawing in drawings:

            async def committed(drawing: Drawing = drawing) -> Any:
                return await pool().fetchrow(
                    "SELECT attempt, record, reveal_by FROM experts_attempt WHERE panel_id = $1 AND record IS NOT NULL",
                    drawing.draw,
                )

            row = await self.until(committed, 30, "the commitment")
            drawing.record, drawing.attempt, drawing.reveal_by = bytes(row["record"]), row["attempt"], row["reveal_by"]
        await drawings[0].desk.covered()
        for drawing in drawings:
            for i in range(1, len(drawing.parties) + 1):
                await drawing.say(i)
        await drawings[0].desk.covered()
        for drawing in drawings:
            for i in range(1, len(drawing.parties) + 1):
                await drawing.say(i, reveals=True)

    async def drawn(self, draw: str) -> Drawn:
        """The order, as the test may know it: it has the key."""
        lines = Lines([Exchange(), Exchange("other")])
        desk = DispatcherDesk(self.vault, lines, Market(), lambda code: secrets.token_hex(32), MachineClock())
        return await desk.drawn(await desk.panel(draw))
