"""OpenAPI 3.1 from the operations: what is validated and what is documented are the same models."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from trading import __version__
from trading.publishing import FORMS
from trading.web.api import Operation
from trading.web.models import Problem
from trading.web.models_statements import Period
from trading.web.roles import matrix

REF = "#/components/schemas/{model}"
PARAMETER_PATTERNS = {
    "tender": r"^[A-Za-z0-9._-]{1,64}@[0-9]{1,16}$",
    "bid": r"^[0-9a-f]{32}$",
    "manifest": r"^[0-9a-f]{64}$",
    "statement": r"^[0-9a-f]{64}$",
    "stage": r"^[a-z][a-z0-9_]{0,31}$",
    "n": r"^[0-9]{1,7}$",
    "sha256": r"^[0-9a-f]{64}$",
    "question": r"^[0-9a-f]{32}$",
    "ban": r"^[0-9a-f]{32}$",
    "remedy": r"^[0-9a-f]{32}$",
    "label": r"^[A-Z]{1,4}$",
    "seat": r"^[1-9][0-9]{0,2}$",
    "reading": r"^[0-9a-f]{32}$",
}


_AFTER: dict[str, Any] = {
    "name": "after",
    "in": "query",
    "schema": {"type": "string", "pattern": r"^(-1|[0-9]{1,18})(\.[0-9]{1,18})?$", "default": "-1"},
}
_LIMIT: dict[str, Any] = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
}


def _path(name: str, pattern: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}


_TILE: list[dict[str, Any]] = [_path("level", "^(entries|[0-9]{1,2})$"), _path("number", "^[0-9]{3}$")]
# Formats of others (C2SP tlog-tiles, CloudEvents), open to everyone at their own addresses: operationId, path, what it is,
# types of the answer, parameters.
_LOG: tuple[tuple[str, str, str, str | Collection[str], list[dict[str, Any]]], ...] = (
    ("events", "/events", "Public records by log index, as a CloudEvents 1.0 batch; server-sent events to whoever accepts "
     "text/event-stream.", "application/cloudevents-batch+json", [_AFTER, _LIMIT]),
    ("disclosures", "/disclosures", "Records that a later one disclosed.", "application/json", [_AFTER, _LIMIT]),
    ("checkpoint", "/log/checkpoint", "The newest cosigned checkpoint (C2SP signed note).", "text/plain", []),
    ("tile", "/log/tile/{level}/{number}", "A tile of hashes or entries; above 999, and partial ones, at the longer paths "
     "of C2SP tlog-tiles.", "application/octet-stream", _TILE),
    ("policy", "/log/policy.txt", "The trust file that names the log and its witnesses.", "text/plain", []),
    ("parties", "/log/parties.txt", "The trust file that names authorities, custodians and CAs.", "text/plain", []),
    ("genesis", "/log/genesis", "Record 0.", "application/json", []),
    ("status", "/log/status", "Sizes committed and published, and each witness's last cosignature.", "application/json", []),
    ("ocds_releases", "/ocds/releases.jsonl", "OCDS releases in the order of the log, one a line.", "application/jsonl", [
        {"name": "after", "in": "query", "schema": {"type": "string", "pattern": "^(-1|[0-9]{1,15})$"},
         "description": "an index of the log; the header Ocds-Next names the one to come back with"}]),
    ("ocds_compiled", "/ocds/compiled.jsonl", "Compiled OCDS releases, one a line.", "application/jsonl", []),
    ("ocds_project", "/ocds/projects/{project}", "The OCDS record package of a project.", "application/json", [
        {"name": "project", "in": "path", "required": True,
         "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}}]),
    ("tender_paper", "/t/{tender}/papers/{kind}.pdf", "A paper of a tender as PDF/A, once its record is there; the same "
     "bytes as `trading paper` makes of the archive.", "application/pdf", [
        _path("tender", PARAMETER_PATTERNS["tender"]), _path("kind", "^(opening|candidates|award|contract)$")]),
    ("statement_file", "/statements.{form}", "A statement as a file.", FORMS.values(), [
        _path("form", f"^({'|'.join(FORMS)})$"), *(
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in Period.model_json_schema()["properties"].items())]),
    ("alive", "/healthz", "Whether the process answers.", "application/json", []),
    ("ready", "/readyz", "Whether database, keys and trust files are there.", "application/json", []),
)  # fmt: skip


@lru_cache(maxsize=2)
def _schemas(taken: frozenset[type[BaseModel]], given: frozenset[type[BaseModel]]) -> dict[str, Any]:
    """What bodies and answers look like: a tenth of a second's work, the same for every application of a process."""
    wanted: list[tuple[type[BaseModel], Any]] = [(m, "validation") for m in sorted(taken, key=lambda m: m.__name__)]
    wanted += [(m, "serialization") for m in sorted(given, key=lambda m: m.__name__)]
    _, schemas = models_json_schema(wanted, ref_template=REF)
    defined: dict[str, Any] = schemas.get("$defs", {})
    return defined


def document(operations: Iterable[Operation], roles: dict[str, list[str]]) -> dict[str, Any]:
    """The OpenAPI 3.1 document. `roles`: operation name → who may call it, shown as `x-roles`."""
    listed = sorted(operations, key=lambda o: (o.path, o.method))
    taken = {o.body for o in listed if o.body} | {o.query for o in listed if o.query}
    given = {o.answer for o in listed if o.answer} | {Problem}
    schemas = _schemas(frozenset(taken), frozenset(given - taken))
    paths: dict[str, dict[str, Any]] = {}
    for o in listed:
        paths.setdefault(o.path, {})[o.method.lower()] = _operation(o, roles.get(o.name, []))
    for name, path, summary, media, parameters in _LOG:
        paths[path] = {"get": _reading(name, summary, media, parameters)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "public-resource-trading",
            "version": __version__,
            "description": "Sealed public bidding nobody can open early, on a log nobody can rewrite.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_PROBLEM: dict[str, Any] = {
    "description": "RFC 9457 problem document",
    "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
}


_PROPOSED: dict[str, Any] = {
    "description": "It takes two people: kept until another one approves it (approve_proposal)",
    "content": {"application/json": {"schema": {"$ref": REF.format(model="Proposal")}}},
}


def _reading(name: str, summary: str, media: str | Collection[str], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    content = {one: {"schema": _written(one)} for one in ([media] if isinstance(media, str) else media)}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": {"description": summary, "content": content}, "4XX": _PROBLEM, "503": _PROBLEM},
        "security": [{}],
    }


def _written(media: str) -> dict[str, Any]:
    """What an answer of this type is, where no model says it."""
    if media.endswith("json"):
        return {}
    return {"type": "string"} if media.startswith("text/") else {"type": "string", "format": "binary"}


def _operation(o: Operation, roles: list[str]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": PARAMETER_PATTERNS.get(name, r"^[A-Za-z0-9._-]{1,64}$")},
        }
        for name in re.findall(r"{(\w+)}", o.path)
    ]
    if o.query is not None:
        for name, schema in o.query.model_json_schema()["properties"].items():
            parameters.append({"name": name, "in": "query", "required": False, "schema": schema})
    parameters.append({"name": "Accept-Language", "in": "header", "schema": {"type": "string"}})
    if o.keyed:
        parameters.append(
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"}}
        )
    if o.method == "PATCH":
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
            }
        )
    if o.raw:
        other = "(rfc6962-)?" if o.method == "PUT" else ""
        parameters.append(
            {
                "name": "Content-Digest",
                "in": "header",
                "required": o.method == "PUT",
                "schema": {"type": "string", "pattern": f"^{other}sha-256=:[A-Za-z0-9+/]{{43}}=:$"},
            }
        )
    value: dict[str, Any] = {"description": o.summary}
    if o.answer is not None:
        value["content"] = {"application/json": {"schema": {"$ref": REF.format(model=o.answer.__name__)}}}
    elif o.media != "application/json":
        value["content"] = {o.media: {"schema": {"type": "string", "format": "binary"}}}
    if o.etag:
        value["headers"] = {"ETag": {"schema": {"type": "string"}}}
    out: dict[str, Any] = {
        "operationId": o.name,
        "summary": o.summary,
        "parameters": parameters,
        "responses": {str(o.status): value, "4XX": _PROBLEM, "503": _PROBLEM},
        "x-roles": roles,
    }
    if matrix()[o.name].two:
        out["responses"]["202"] = _PROPOSED
    if o.body is not None:
        out["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": REF.format(model=o.body.__name__)}}},
        }
    elif o.raw:
        out["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    if "requestBody" in out:
        out["x-max-body-bytes"] = o.limit
    out["security"] = ([{}] if "public" in roles else []) + [{"token": []}]
    return out
