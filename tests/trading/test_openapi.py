"""The API describes itself truthfully: what is validated is what is documented."""

from __future__ import annotations

import json

import httpx
import jsonschema_rs
import schemathesis
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.trading.town import Town
from trading.web import app as _app
from trading.web.api import operations
from trading.web.openapi import document
from trading.web.roles import callers, open_routes

assert _app.DESKS


def made() -> dict[str, object]:
    return json.loads(json.dumps(document(operations.values(), {name: callers(name) for name in operations})))


def test_every_reference_resolves_and_every_schema_is_one() -> None:
    whole = made()
    schemas = whole["components"]["schemas"]  # type: ignore[index]
    for name, schema in schemas.items():
        jsonschema_rs.meta.validate({**schema, "$defs": {}})
        assert name
    text = json.dumps(whole)
    for wanted in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert wanted in schemas


def test_schemathesis_reads_it() -> None:
    schema = schemathesis.openapi.from_dict(made())
    assert isinstance(schema, OpenApiSchema)
    assert len(list(schema.get_all_operations())) > len(operations)


def test_every_route_for_machines_is_documented() -> None:
    pages = {
        "/",
        "/search",
        "/p/{project}",
        "/t/{tender}",
        "/t/{tender}/live",
        "/t/{tender}/archive",
        "/ledger",
        "/statements",
        "/trade-lines",
        "/imported",
        "/proof",
        "/static/{name}",
        "/verify",
        "/modules/{path:path}",
        "/why",
        "/log",
        "/status",
        "/open-data",
        "/open-data/api",
        "/open-data/api/{operation}",
        "/help",
        "/accessibility",
        "/offline",
        "/offline/{page}.html",
    }
    wanted = {path.replace("{path:path}", "{level}/{number}") for path in open_routes() - pages - {"/openapi.json"}}
    documented = set(made()["paths"])  # type: ignore[call-overload]
    assert documented == wanted | {o.path for o in operations.values()}


async def test_the_document_is_served(place: Town) -> None:
    answer: httpx.Response = await place.as_("public").get("/openapi.json")
    assert answer.status_code == 200 and answer.json()["openapi"] == "3.1.0"
