"""A centre with its log, one witness, an authority and three custodians; people at their desks, over the real API.

The only fake is the clock, which the test's owner may push forward.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from audit.act import pool
from audit.checkpoint import vkey_of
from audit.genesis import open_log
from audit.logkey import LogKey
from audit.sequencer import Sequencer
from audit.signature import Ed25519Signer
from audit.trust import WITNESS, Parties, Policy, Vkey
from audit.witness import Memory, Probes, Witness, witness_app
from trading import accounts
from trading import holidays as holidays_
from trading.jobs import Timers
from trading.law import calendar
from trading.settings import Settings
from trading.web.app import create_app

sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]
"""Not installed: and httpx would look for it in every folder, at each of some hundred thousand requests."""
SINCE = "2020-01-01T00:00:00.000000Z"
CLOCK = """
CREATE TABLE test_clock (shift interval NOT NULL);
INSERT INTO test_clock VALUES ('0');
GRANT SELECT, UPDATE ON test_clock TO PUBLIC;
CREATE OR REPLACE FUNCTION log_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT clock_timestamp() + (SELECT shift FROM test_clock) $$;
"""
FEASTS = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
ROLES = (
    "bidder", "tenderee", "agency", "operator", "custodian", "supervisor",
    "system_admin", "security_admin", "audit_admin",
)  # fmt: skip


class ShiftedClock:
    """The machine's clock, pushed forward as log time is."""

    factor = 1

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift


class Town:
    """Tokens by name; `as_("wang")` is an HTTP client with that token, `as_("public")` one without."""

    seats: tuple[str, ...] = ("C-SUP", "C-TEN", "C-NOT")
    cas: Mapping[str, str] = {}
    """Certificate authorities of parties.txt: the SHA-256 of each root's DER."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        data: Path = settings.data
        self.key = LogKey.generate(settings.log_key_path, settings.origin)
        witness, self.authority, self.second = (Ed25519Signer.generate() for _ in range(3))
        self.custodians = {name: Ed25519Signer.generate() for name in self.seats}
        policy = f"log {self.key.vkey}\nwitness w {vkey_of(witness, 'w.example', WITNESS)}\nquorum w\n"
        lines = [f"authority {n} {Vkey(n, 1, s.key)} {SINCE} -" for n, s in self._authorities()]
        lines += [f"custodian {n} {Vkey(n, 1, s.key)} {SINCE} -" for n, s in self.custodians.items()]
        lines += [f"ca {name} {digest} {SINCE} -" for name, digest in self.cas.items()]
        later = max(calendar.BUILT_IN) + 1  # whenever the tests run, the next holidays have been announced
        for year in range(later, later + 3):
            holidays = calendar.Year(year, "示范", frozenset(date(year, m, d) for m, d in FEASTS), frozenset())
            path = data / holidays_.FOLDER / f"{year}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(holidays.bytes())
        settings.policy_path.parent.mkdir(parents=True)
        settings.policy_path.write_text(policy)
        settings.parties_path.write_text("\n".join(lines) + "\n")
        self.policy = Policy.parse(policy.encode())
        self.parties = Parties.parse(settings.parties_path.read_bytes())
        self.memory = Memory(data / "witness")
        self.clock = ShiftedClock()
        self.probes = Probes(data / "witness" / "probes", witness, settings.origin, self.clock)
        self.witness = witness_app(Witness(self.memory, witness, "w.example", [self.policy], self.clock), self.probes)
        self.sequencer: Sequencer
        self.app: Any
        self.clients: dict[str, httpx.AsyncClient] = {}
        self.tokens: dict[str, str] = {}
        self.codes: dict[str, str] = {}

    def _authorities(self) -> list[tuple[str, Ed25519Signer]]:
        return [("A-SUP", self.authority), ("A-AUD", self.second)]

    async def found(self, owner_dsn: str) -> Town:
        """Open the log, start the application, give everybody a token."""
        owner = await asyncpg.connect(owner_dsn)
        await owner.execute(CLOCK)
        await owner.close()
        await open_log(self.settings.origin, beat=1, width=8, policy=self.policy, parties=self.parties)
        self.sequencer = Sequencer(
            self.settings.database_url or "",
            self.key,
            self.settings.log_dir,
            self.policy,
            [("w", "http://w")],
            transport=httpx.ASGITransport(app=self.witness),
        )
        self.app = create_app(self.settings, connected=True)
        accounts.use_pepper(b"pepper")
        code = self.codes["sa"] = accounts.demo_code(1)
        self.tokens["sa"] = (await accounts.found("安全管理员", code, "示范中心"))["token"]
        return self

    @property
    def platform(self) -> Any:
        return self.app.state.platform

    @property
    def timers(self) -> Timers:
        return Timers(self.platform, httpx.ASGITransport(app=self.witness))

    def as_(self, name: str) -> httpx.AsyncClient:
        if name not in self.clients:
            headers = {"Accept-Language": "en"}
            if name != "public":
                headers["Authorization"] = f"Bearer {self.tokens[name]}"
            transport = httpx.ASGITransport(app=self.app)
            self.clients[name] = httpx.AsyncClient(transport=transport, base_url="http://centre", headers=headers)
        return self.clients[name]

    async def call(self, name: str, method: str, path: str, expect: int, body: Any = None, **more: Any) -> Any:
        """One request that must have this status; the JSON of its answer."""
        answer = await self.as_(name).request(method, f"/api/v1{path}", json=body, **more)
        if answer.status_code == 202 and expect != 202:  # it takes two people: another one of the same office approves
            approval = f"/api/v1/proposals/{answer.json()['id']}/approval"
            answer = await self.as_(await self.deputy(name)).post(approval)
            if answer.status_code == 201 and 200 <= expect < 300:
                return answer.json()["answer"]
        assert answer.status_code == expect, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def enrol(self, name: str, role: str, identity: str | None = None, code: str | None = None) -> str:
        """Give a person a token; the organisation's code."""
        if code is None:
            code = accounts.demo_code(len(self.codes) + 1)
            await self.call(
                "sa", "POST", "/organisations", 201, {"code": code, "name": f"{name}公司", "identity": identity}
            )
        self.codes[name] = code
        person = await self.call("sa", "POST", "/people", 201, {"name": name, "organisation": code, "roles": [role]})
        token = await self.call("sa", "POST", "/tokens", 201, {"person": person["id"], "role": role})
        self.tokens[name] = token["token"]
        return code

    async def everybody(self, tender: str = "2026-000001-01@16") -> None:
        """Each role has somebody with a token under its name; the expert's is a seat of this tender's panel."""
        for role in ROLES:
            if role not in self.tokens and role != "security_admin":
                await self.enrol(role, role)
        self.tokens["security_admin"] = self.tokens["sa"]
        await self.take_seat("expert", tender)

    async def deputy(self, name: str) -> str:
        """Another person of the same organisation in the same role."""
        other = f"{name}'s deputy"
        if other not in self.tokens:
            role = (await self.call(name, "GET", "/whoami", 200))["role"]
            await self.enrol(other, role, code=self.codes[name])
        return other

    async def take_seat(self, name: str, tender: str) -> None:
        """Give somebody the token of a seat of a panel of this tender, as a check-in would."""
        draw, token = secrets.token_hex(16), accounts.new_token(accounts.SEAT)
        await pool().execute(
            """INSERT INTO experts_panel (draw, tender, need, representatives, meets, parties, reveal_within, wording,
                   recuse, after_opening, attempt, state, asked_at)
               VALUES ($1, $2, '[{"specialty":"a08","count":5}]', 0, log_now(), '[]', 1, '{}', '[]', true, 1, 'calling',
                   log_now())""",
            draw, tender,
        )  # fmt: skip
        await pool().execute(
            """INSERT INTO experts_seat (panel_id, seat, leaf, token, key, keyed_at)
               VALUES ($1, 1, $3, $2, decode(repeat('00', 32), 'hex'), log_now())""",
            draw, accounts.digest(token).hex(), draw + draw,
        )  # fmt: skip
        self.tokens[name] = token

    async def beat(self) -> None:
        assert await self.sequencer.lead()
        await self.sequencer.beat()

    async def push(self, span: timedelta) -> None:
        """Move log time forward, and the witness's clock with it."""
        span = max(span, timedelta())  # a busy machine may be there already: time goes back for nobody
        self.clock.shift += span
        db = await asyncpg.connect(self.settings.database_url)
        await db.execute("UPDATE test_clock SET shift = shift + $1", span)
        await db.close()

    async def close(self) -> None:
        for client in self.clients.values():
            await client.aclose()
        await self.sequencer.close()
        self.memory.close()


@asynccontextmanager
async def town(settings: Settings, owner_dsn: str) -> AsyncIterator[Town]:
    """A town whose application runs."""
    made = Town(settings)
    await made.found(owner_dsn)
    async with made.app.router.lifespan_context(made.app):
        accounts.use_pepper(b"pepper")
        made.tokens["sa"] = made.tokens["sa"]
        yield made
        await made.close()
