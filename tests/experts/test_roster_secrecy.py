"""A planted name and number are looked for everywhere the roster leaves a trace; they rest in `sealed`, and only sealed."""

from __future__ import annotations

import base64
import logging
import secrets
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from audit.act import acting, pool
from audit.refusal import Broken, Refused
from experts import roster, rotation, standing
from experts.person import Unfit
from experts.vault import Vault, new_key
from tests.experts.people import CENTRE, Office, firm, identity, new_expert
from tests.experts.test_import import HEAD, table
from tests.secrecy import markers
from trading import postgres
from trading import roster as desk


class Planted:
    """Somebody with a name, numbers, firms and a personal code nobody else has."""

    def __init__(self) -> None:
        place = 100_000 + secrets.randbelow(10_000)
        self.name, self.phone = "王" + secrets.token_hex(8), f"139{secrets.randbelow(10**8):08d}"
        self.identity, self.firm, self.kin = identity(place), firm(place), firm(place + 20_000)
        self.line = [self.name, self.phone, self.identity, "a0801", f"{self.firm} 2010-01-01~", self.kin]

    def patterns(self) -> dict[str, bytes]:
        found = {}
        for what in (self.name, self.phone, self.identity, self.firm, self.kin):
            found |= {f"{what} {form}": value for form, value in markers.patterns(what.encode()).items()}
        return found


async def _rows(owner_dsn: str) -> dict[str, bytes]:
    """Every row of every table, as text, and without what is sealed."""
    owner = await asyncpg.connect(owner_dsn)
    try:
        names = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        found = {}
        for (table_,) in names:
            rows = await owner.fetch(f"SELECT (to_jsonb(t) - 'sealed')::text AS row FROM \"{table_}\" t")
            found[table_] = "\n".join(row["row"] for row in rows).encode()  # bytes stand there as hex
        records = await owner.fetch("SELECT record FROM log_record")
        found["records"] = b"\n".join(row["record"] for row in records)
        return found
    finally:
        await owner.close()


async def test_a_planted_name_and_number_are_in_no_row_no_record_no_log_no_error(
    db: object, owner_dsn: str, tmp_path: Path, server: postgres.Embedded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    office, wang = await Office().open(), Planted()
    vault = office.vault
    file = table(tmp_path / "a.csv", wang.line, ["", *wang.line[1:]], head=[*HEAD, "亲属任职单位"])
    done = await desk.import_experts(vault, CENTRE, file)
    assert done.taken == 1 and [one.why for one in done.rejected] == ["missing"]
    (id,) = done.ids
    errors: list[str] = [repr(done)]

    async def fails(work: Any, *kinds: type[Exception]) -> None:
        with pytest.raises(kinds or (Refused,)) as no:
            async with acting(CENTRE) as act:
                await work(act)
        errors.append("".join(traceback.format_exception(no.value)) + repr(getattr(no.value, "facts", "")))

    again = await desk.import_experts(vault, CENTRE, file)
    errors.append(repr(again))
    same = new_expert(7, name=wang.name, identity=wang.identity, phone="+86" + wang.phone)
    await fails(lambda act: roster.add_people(act, vault, [same]))
    await fails(lambda act: roster.add_person(act, vault, same.person, ["zz"]))
    await fails(lambda act: standing.correct(act, vault, id, phone=wang.phone + "9"), Unfit)
    await fails(lambda act: standing.correct(act, vault, id, identity=wang.identity[::-1]), Unfit)
    await fails(lambda act: standing.correct(act, Vault([new_key()]), id, name="某"))
    await office.admit([id])
    async with acting(CENTRE) as act:
        assert (await roster.read_person(act, vault, id)).name == wang.name
        await standing.correct(act, vault, id, second_phone="0574-87654321")
        await standing.leave(act, id, act.now)
    (row,) = await roster.roster_at(pool().fetch, await pool().fetchval("SELECT log_now()"))
    errors.append(repr(row) + repr(roster.person_of(vault, row)))
    both = Vault([new_key(), office.key])
    async with acting(CENTRE) as act:
        await rotation.rotate(act, both)
    await pool().execute("UPDATE experts_expert SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1)")
    await fails(lambda act: roster.read_person(act, both, id), Broken)
    errors.append(repr(await roster.statistics(pool().fetch)))

    wanted = wang.patterns()
    traces = {**await _rows(owner_dsn), "errors": "\n".join(errors).encode(), "logs": caplog.text.encode()}
    assert len(traces["records"]) > 500 and len(traces["experts_expert"]) > 200  # something was looked at
    hits = {where: found for where, data in traces.items() if (found := markers.hits(wanted, data))}
    assert hits == {}

    # The control: the same search finds what lies open.
    await pool().execute(
        "INSERT INTO experts_specialty (code, zh) VALUES ('leak', $1), ('leak2', $2)",
        wang.name, base64.b64encode(b"x" + wang.phone.encode()).decode(),
    )  # fmt: skip
    leaked = markers.hits(wanted, (await _rows(owner_dsn))["experts_specialty"])
    assert {one.split()[0] for one in leaked} == {wang.name, wang.phone}
    # And in the files of the database, WAL and log of the server included.
    await asyncpg_checkpoint(server)
    found = list(
        markers.in_files(
            {
                k: v
                for k, v in wanted.items()
                if k in (f"{wang.identity} raw", f"{wang.firm} raw", f"{wang.identity} hex")
            },
            server.directory,
        )
    )
    assert found == []
    assert list(markers.in_files({k: v for k, v in wanted.items() if k == f"{wang.name} raw"}, server.directory))


async def asyncpg_checkpoint(server: postgres.Embedded) -> None:
    connection = await asyncpg.connect(server.dsn(postgres.SUPERUSER))
    await connection.execute("CHECKPOINT")
    await connection.close()


@pytest.mark.slow
def test_no_other_process_reads_the_vault_key() -> None:
    """Web and jobs hold no key: only the command line of the operator (and the dispatcher) opens the file."""
    root = Path(__file__).parent.parent.parent
    readers = {
        str(path.relative_to(root))
        for package in ("audit", "bidding", "experts", "trading")
        for path in (root / package).rglob("*.py")
        if "read_vault" in path.read_text(encoding="utf-8") or "vault_key_path" in path.read_text(encoding="utf-8")
    }
    # The demonstration plays every part, the dispatcher's too; it is no process of an installation.
    readers = {one for one in readers if not one.startswith("trading/demo/")}
    allowed = {"trading/keyfiles.py", "trading/settings.py", "trading/cli/keys.py", "trading/cli/experts.py"}
    assert readers == allowed  # `trading dispatch` opens it by the function of trading/cli/experts.py
    program = "import sys, trading.web.app, trading.jobs\nprint('trading.keyfiles' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root)
    assert said.stdout.strip() == "False", said.stdout + said.stderr
