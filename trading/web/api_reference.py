"""The API for people who write programs: the pages of `/openapi.json`, written by the server from the same document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from audit.refusal import Refused

if TYPE_CHECKING:
    from trading.web.screen import Screen

METHODS = ("get", "post", "put", "patch", "delete")
REF = "#/components/schemas/"


async def listed(request: Request, screen: Screen) -> Response:
    """`/open-data/api`: every operation in a line, what everybody may read first."""
    found = list(operations(request.app.state.openapi))
    groups = {
        "open": [row for row in found if row[1] == "get" and _open(row[2])],
        "signed": [row for row in found if not (row[1] == "get" and _open(row[2]))],
    }
    return screen.show("api.html", groups=groups)


async def one(request: Request, screen: Screen) -> Response:
    """`/open-data/api/{operation}`: parameters, body, answer. Refused: W-UNKNOWN."""
    document = request.app.state.openapi
    asked = request.path_params["operation"]
    found = [row for row in operations(document) if row[2]["operationId"] == asked]
    if not found:
        raise Refused("W-UNKNOWN")
    path, method, operation = found[0]
    schemas = document["components"]["schemas"]
    body = _content(operation.get("requestBody", {}))
    status, answer = next((s, a) for s, a in operation["responses"].items() if s.startswith("2"))
    told = _content(answer)
    sent = within(schemas, [body[1]])
    models = [(name, name in sent, fields(schemas[name])) for name in within(schemas, [body[1], told[1]])]
    return screen.show(
        "operation.html", address=path, method=method, name=asked, summary=operation["summary"], body=body, success=status,
        answer=told, models=models, roles=[] if _open(operation) else operation["x-roles"],
        two="202" in operation["responses"] and status != "202",
        parameters=[
            (p["name"], p["in"], p.get("required", False), kind(p["schema"]), p.get("description", ""))
            for p in operation["parameters"]
        ],
    )  # fmt: skip


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(path, method, operation), in the document's order."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def _open(operation: Mapping[str, Any]) -> bool:
    return {} in operation["security"]


def _content(part: Mapping[str, Any]) -> tuple[str, str]:
    """(media types, name of the model or ""); ("", "") where there is nothing."""
    content = part.get("content", {})
    models = [told["schema"].get("$ref", "").removeprefix(REF) for told in content.values()]
    return ", ".join(content), next(iter(models), "")


def within(schemas: Mapping[str, Any], names: list[str]) -> list[str]:
    """The models of these names and all that stand in them, each once, those nearer first."""
    found: list[str] = []
    waiting = [name for name in names if name]
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found.append(name)
        waiting += sorted(_named(schemas[name]))
    return found


def _named(schema: Any) -> set[str]:
    if isinstance(schema, Mapping):
        own = {schema["$ref"].removeprefix(REF)} if "$ref" in schema else set()
        return own.union(*(_named(part) for part in schema.values()))
    return set().union(*(_named(part) for part in schema)) if isinstance(schema, list) else set()


def fields(schema: Mapping[str, Any]) -> list[tuple[str, str, bool, str]]:
    """(name, kind, whether it must be given, what it means) of a model's fields; of an enumeration its words alone."""
    if "properties" not in schema:
        return [("", kind(schema), True, schema.get("description", ""))]
    needed = schema.get("required", ())
    return [
        (name, kind(field), name in needed, field.get("description", ""))
        for name, field in schema["properties"].items()
    ]


def kind(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: `string ≤ 200`, `integer ≥ 0 | null`, `Award[]`, `"buy" | "sell"`."""
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(REF))
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "enum" in schema:
        return " | ".join(f'"{word}"' for word in schema["enum"])
    for of in ("anyOf", "oneOf"):
        if of in schema:
            return " | ".join(kind(part) for part in schema[of])
    if "allOf" in schema:
        return " & ".join(kind(part) for part in schema["allOf"])
    named = str(schema.get("type", "any"))
    if named == "array":
        item = kind(schema.get("items", {}))
        return f"({item})[]" if " " in item else f"{item}[]"
    if named == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"{{…: {kind(schema['additionalProperties'])}}}"
    bounds = [f"{sign} {schema[word]}" for word, sign in BOUNDS.items() if word in schema]
    return " ".join([str(schema.get("format", named)), *bounds])


BOUNDS = {
    "minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<", "minLength": "≥", "maxLength": "≤",
    "pattern": "~",
}  # fmt: skip
"""Limits of a value as they are shown; of a text, of its length."""
