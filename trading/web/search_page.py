"""The page of a search: what was found, and by which facets it can be narrowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from trading import searching
from trading.law.regimes import REGIMES
from trading.law.regions import REGIONS
from trading.web import live_pages

if TYPE_CHECKING:
    from trading.web.screen import Screen

ROWS = 30
"""Tenders on a page."""
SHOWN = 12
"""Values of a facet that are offered, the most frequent ones."""


async def found(request: Request, screen: Screen) -> Response:
    """`/search?q=…&kind=…&region=…&stage=…&year=…`."""
    said = request.query_params.get("q", "").strip()[: searching.LONGEST]
    chosen = _chosen(request)
    cursor = request.query_params.get("cursor") or None
    rows, following = await searching.search(said, chosen, cursor, ROWS)
    total, counted = await searching.facets(said, chosen)
    for row in rows:
        row["regime"] = _name("kind", row["kind"], screen)
    facets = [
        {
            "name": screen.text(f"search.{facet}"),
            "chosen": chosen[facet] is not None,
            "offers": [
                {
                    "name": _name(facet, value, screen), "count": count,
                    "path": _path(said, chosen | {facet: None if chosen[facet] is not None else value}),
                }
                for value, count in counted[facet][:SHOWN]
            ],
        }
        for facet in searching.FACETS
        if counted[facet]
    ]  # fmt: skip
    further = _path(said, chosen | {"cursor": following}) if following else None
    return live_pages.show(screen, "search.html", said=said, rows=rows, following=further, total=total, facets=facets)


def _chosen(request: Request) -> dict[str, Any]:
    asked = request.query_params
    chosen: dict[str, Any] = {
        name: asked[name][:40].replace("\0", "") if name in asked else None for name in searching.FACETS
    }
    year = chosen["year"]
    chosen["year"] = int(year) if year and year.isdecimal() and len(year) == 4 else None
    return chosen


def _path(said: str, asked: dict[str, Any]) -> str:
    kept = {name: value for name, value in {"q": said, **asked}.items() if value is not None}
    return f"/search?{urlencode(kept)}"


def _name(facet: str, value: Any, screen: Screen) -> str:
    if facet == "kind":
        return REGIMES[value].name(screen.lang) if value in REGIMES else str(value)
    if facet == "region":
        return REGIONS[value].name(screen.lang) if value in REGIONS else str(value) or screen.text("search.nowhere")
    return screen.named("state", value) if facet == "stage" else str(value)
