"""A provider with faults, over HTTP, that outlives whoever calls it: it fails, hangs, answers late, takes an order and drops
the line. It counts what it was asked to dial, and people behind its telephones do as they please."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.listening import aside


@dataclass
class Call:
    """An order that was taken: dialled once, answered at `ready` (machine time)."""

    number: str
    ready: float
    state: str
    keys: list[str]


@dataclass
class Gateway:
    """`people`: {number: does}: accept, decline, conflict, busy, wrong; `codes`: their personal codes."""

    people: Mapping[str, str]
    codes: Mapping[str, str]
    seed: int
    calls: dict[str, Call] = field(default_factory=dict)
    dialled: Counter[str] = field(default_factory=Counter)
    """How often each order was taken: a second time is a second ring."""
    faults: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        app = Starlette(
            routes=[
                Route("/calls", self._order, methods=["POST"]),
                Route("/calls/{id}", self._tell, methods=["GET"]),
            ]
        )
        self._serving = aside(app, log_level="critical")

    def __enter__(self) -> Gateway:
        self.url = self._serving.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.__exit__(None, None, None)

    async def _order(self, request: Request) -> Response:
        order = json.loads(await request.body())
        fault = self.dice.choices(("", "fails", "hangs", "late", "drops"), (4, 1, 2, 2, 2))[0]
        self.faults[fault] += 1
        if fault == "fails":
            return JSONResponse({"error": "no line"}, 503)
        self.dialled[order["id"]] += 1
        does = self.people[order["number"]]
        late = self.dice.uniform(0.5, 1.5) if fault == "late" else self.dice.uniform(0.0, 0.2)
        code = [self.codes[order["number"]]] if order["code"] else []
        keys = {
            "accept": ["1", *code, "1"], "decline": ["2", "2"], "conflict": ["9", "9"], "wrong": ["5", "7"], "busy": [],
        }[does]  # fmt: skip
        state = "busy" if does == "busy" else "answered"
        self.calls[order["id"]] = Call(order["number"], time.monotonic() + late, state, keys)
        if fault == "hangs":
            await asyncio.sleep(0.7)
        if fault == "drops":
            raise ConnectionResetError  # the line is dead before the order is acknowledged
        return JSONResponse({"id": order["id"]}, 202)

    async def _tell(self, request: Request) -> Response:
        id = request.path_params["id"]
        call = self.calls.get(id)
        if call is None:
            return JSONResponse({"error": "never heard of"}, 404)
        fault = self.dice.choice(("", "", "", "fails"))
        self.faults[f"tell {fault}"] += 1
        if fault:
            return JSONResponse({"error": "busy"}, 500)
        if time.monotonic() < call.ready:
            return JSONResponse({"id": id, "state": "", "keys": []})
        return JSONResponse({"id": id, "state": call.state, "keys": call.keys})


def someone(dice: random.Random) -> str:
    """What a person does when the telephone rings."""
    return dice.choices(("accept", "decline", "conflict", "wrong", "busy"), (60, 22, 6, 4, 8))[0]


def told(value: Any) -> str:
    """As it may stand in a log."""
    return json.dumps(value, ensure_ascii=False)
