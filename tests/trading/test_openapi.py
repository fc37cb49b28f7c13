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


async def test_a_statement_comes_as_what_its_description_says(place: Town) -> None:
    """Over the API as JSON, whatever a program would rather have; as a file in the form that its address names."""
    public, paths = place.as_("public"), made()["paths"]

    def described(path: str) -> dict[str, dict[str, object]]:
        return paths[path]["get"]["responses"]["200"]["content"]  # type: ignore[index, no-any-return]

    for accepted in ("*/*", "text/csv", "application/json"):
        answer = await public.get("/api/v1/statements", headers={"Accept": accepted})
        assert answer.status_code == 200 and [answer.headers["content-type"]] == list(described("/api/v1/statements"))
    files, came = described("/statements.{form}"), []
    for form in ("csv", "xlsx", "svg", "png", "pdf"):
        answer = await public.get(f"/statements.{form}", headers={"Accept": "application/json"})
        came.append(answer.headers["content-type"].partition(";")[0])
        assert answer.status_code == 200, form
    assert sorted(came) == sorted(files) and "text/csv" in came
    assert files["text/csv"]["schema"] == {"type": "string"}, "text; the others are bytes"
