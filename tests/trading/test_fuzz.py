"""schemathesis over the whole API, with the token of every role: whatever is sent, no answer is a 5xx."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypotheses
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.listening import listening
from tests.trading.desk import Desk
from tests.trading.town import ROLES, Town, town
from trading import postgres
from trading.settings import Settings
from trading.web.api import operations
from trading.web.app import create_app
from trading.web.openapi import document
from trading.web.roles import callers

EXAMPLES = 5
"""Of each operation with each role; `.ci/run` has no time for more, a long night has."""

CONFORMING = [status_code_conformance, content_type_conformance, response_schema_conformance]


class Served:
    """The town behind a real socket, in a thread with a loop of its own."""

    def __init__(self, settings: Settings, owner_dsn: str, tmp: Path) -> None:
        self.settings, self.owner_dsn, self.tmp = settings, owner_dsn, tmp
        self.town: Town
        self.url = ""
        self._ready, self._stop = threading.Event(), threading.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(60), self._trouble
        if self._trouble:
            raise self._trouble
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    async def _run(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(postgres.connected(self.settings))
                self.town = await stack.enter_async_context(town(self.settings, self.owner_dsn))
                desk = Desk(self.town, self.tmp)
                await desk.open()  # so that there is something to be found
                await desk.hand_in(await desk.bidder("bidder"), 9_000_000)
                await self.town.everybody(desk.tender)
                self.url = await stack.enter_async_context(listening(self.town.app, log_level="critical"))
                self._ready.set()
                while not self._stop.is_set():
                    await asyncio.sleep(0.05)
        except BaseException as error:
            self._trouble = error
            self._ready.set()
            raise


@pytest.fixture
def served(settings: Settings, owner_dsn: str, tmp_path: Path) -> Iterator[Served]:
    with Served(settings, owner_dsn, tmp_path / "desk") as running:
        yield running


@pytest.fixture(scope="module")
def cases() -> list[schemathesis.Case]:
    """What is sent, the same for every role: to think it up takes twice as long as to ask."""
    made: list[schemathesis.Case] = []
    whole = document(operations.values(), {name: callers(name) for name in operations})
    for result in schemathesis.openapi.from_dict(whole).get_all_operations():

        @seed(20260302)
        @hypotheses(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=result.ok().as_strategy())
        def keep(case: schemathesis.Case) -> None:
            made.append(case)

        keep()
    assert len(made) > 4 * len(operations)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("role", ["public", "expert", *ROLES])
def test_no_answer_is_a_5xx(served: Served, cases: list[schemathesis.Case], role: str) -> None:
    headers = {} if role == "public" else {"Authorization": f"Bearer {served.town.tokens[role]}"}
    begun = time.process_time()
    for case in cases:
        answer = case.call(base_url=served.url, headers=headers, timeout=60)
        told = (
            f"{case.method} {case.path} as {role}: {answer.status_code} {answer.content[:300].decode(errors='replace')}"
        )
        # 503 is an answer too: a key whose first request still runs
        assert answer.status_code < 500 or answer.status_code == 503, told
        kind = answer.headers.get("content-type", [""])[0]
        if answer.status_code < 300 and kind == "application/json":  # what is answered is what the description says
            case.validate_response(answer, checks=CONFORMING)
        if answer.status_code >= 400:
            assert answer.headers["content-type"][0].startswith("application/problem+json"), told
    assert time.process_time() - begun < 60  # of this process, server and all: others on the machine do not count


assert create_app
