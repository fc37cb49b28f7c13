"""The API's operations: one value each, from which routing, guarding, validation and `/openapi.json` all follow.

An operation without a row in `roles.toml` does not start (guard.py) and fails a test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from trading.web.models import Page

if TYPE_CHECKING:
    from trading.accounts import Caller
    from trading.installation import Installation
    from trading.web.guard import Ground

SMALL = 64 * 1024
LARGE = 4 * 1024 * 1024
PREFIX = "/api/v1"

M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True)
class Call:
    """One request after the guard: who asks, for what, with a body that has been validated."""

    request: Request
    platform: Installation
    caller: Caller
    ground: Ground | None
    path: Mapping[str, str]
    body: Any = None
    query: Any = None
    lang: str = "zh-CN"

    def taken(self, model: type[M]) -> M:
        """The body as the model the operation declared."""
        assert isinstance(self.body, model)
        return self.body

    @property
    def page(self) -> Page:
        """The cursor and limit of a list operation."""
        assert isinstance(self.query, Page)
        return self.query


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back: a model, or a ready response; headers such as ETag or Location beside it."""

    value: BaseModel | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    response: Response | None = None


Handler = Callable[[Call], Awaitable[Answer | BaseModel]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path. `limit` is the largest body in bytes; `media` the answer's type when it is no JSON.

    `keyed`: an Idempotency-Key is honoured, which is so for every POST but those that are repeatable by nature and those
    whose answer must not be kept (a new token).
    """

    name: str
    method: str
    path: str
    handler: Handler
    summary: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: type[BaseModel] | None
    status: int
    media: str
    limit: int
    raw: bool
    etag: bool
    keyed: bool


operations: dict[str, Operation] = {}


def operation(
    method: str,
    path: str,
    *,
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    answer: type[BaseModel] | None = None,
    status: int = 200,
    media: str = "application/json",
    limit: int = SMALL,
    raw: bool = False,
    etag: bool = False,
    keyed: bool = True,
) -> Callable[[Handler], Handler]:
    """Declare the decorated coroutine as an operation; its name is the operationId and its row in `roles.toml`."""

    def declare(handler: Handler) -> Handler:
        name = handler.__name__
        assert name not in operations, f"two operations are called {name}"
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        operations[name] = Operation(
            name, method, PREFIX + path, handler, summary, body, query, answer, status, media, limit, raw, etag,
            keyed and method == "POST" and not raw,
        )  # fmt: skip
        return handler

    return declare
