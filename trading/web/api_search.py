"""Search over announced lots."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from trading import searching
from trading.web.api import Call, operation
from trading.web.models import Model, Page

Chosen = Annotated[str, StringConstraints(max_length=40, pattern=r"^[^\x00]*$")]


class Sought(Page):
    """`q`: words; of Chinese any part of a name, of other scripts words from their beginning. The rest are facets."""

    q: Annotated[str, StringConstraints(max_length=searching.LONGEST, pattern=r"^[^\x00]*$")] = ""
    kind: Chosen | None = None
    region: Chosen | None = None
    stage: Chosen | None = None
    year: Annotated[int, Field(ge=1900, le=9999)] | None = None


class Hit(Model):
    """A lot as a list shows it. `price` in fen, once it is awarded."""

    project: str
    project_title: str
    lot: str
    title: str
    tender: str
    kind: str
    region: str
    stage: str
    year: int
    organisation: str
    organisation_name: str
    currency: str
    deadline: datetime
    price: int | None


class Facet(Model):
    """How many lots have this value."""

    value: str
    count: int


class Hits(Model):
    """`total` and `facets` count all that was found, not this page."""

    items: list[Hit]
    next: str | None
    total: int
    facets: dict[str, list[Facet]]


@operation("GET", "/search", query=Sought, answer=Hits)
async def search(call: Call) -> Hits:
    """Search announced lots, the newest first, with counts by kind, region, stage and year."""
    asked = call.query
    assert isinstance(asked, Sought)
    chosen = {name: getattr(asked, name) for name in searching.FACETS}
    items, following = await searching.search(asked.q, chosen, asked.cursor, asked.limit)
    total, counted = await searching.facets(asked.q, chosen)
    facets = {name: [Facet(value=str(v), count=n) for v, n in values] for name, values in counted.items()}
    return Hits(items=[Hit(**one) for one in items], next=following, total=total, facets=facets)
