"""The OpenAPI 3.1 document, made from the declared calls and their types."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec

from admission.wire import Problem
from admission.wire_outage import NDJSON
from gate_server import __version__
from gate_server.web.operations import JSON, PREFIX, Call, Noun, Operation, Reply
from gate_server.web.problems import KINDS, PROBLEM_JSON

Json: TypeAlias = dict[str, Any]

openapi = Noun("openapi")

_ARGUMENT = re.compile(r"<([a-z_]+)>")
_REF = "#/components/schemas/{name}"
_SECURITY: Json = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks 1.0, with webhook-id and webhook-timestamp beside it",
    },
}
_EPOCH_HEADERS = {
    "X-Gatehouse-Epoch": {"schema": {"type": "string"}},
    "X-Gatehouse-Revision": {"schema": {"type": "integer"}},
}


@openapi.operation("GET", "/openapi.json", public=True)
def show_document(call: Call) -> Reply:
    """Describe every call of this interface."""
    return Reply(call.services.openapi())


def make_document(nouns: Iterable[Noun]) -> bytes:
    """Return the document, JSON."""
    operations = [operation for noun in nouns for operation in noun.operations]
    types = list(dict.fromkeys(_types(operations)))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, Json] = defaultdict(dict)
    for operation in operations:
        path = PREFIX + _ARGUMENT.sub(r"{\1}", operation.rule)
        paths[path][operation.method.lower()] = _describe(operation, schema_of)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatehouse gate server",
            "version": __version__,
            "description": "A refusal is an answer (200), never an HTTP error.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": _SECURITY,
        },
    }
    return msgspec.json.encode(document)


def _types(operations: Iterable[Operation]) -> Iterator[type]:
    yield Problem
    for operation in operations:
        yield from operation.answers
        if operation.body is not None:
            yield operation.body


def slugs_of(operation: Operation) -> list[str]:
    """Return the slugs of every problem that a call can answer with, in the order of KINDS."""
    slugs = {"invalid", "internal", "unavailable", *operation.problems}
    if operation.signed:
        slugs.add("unauthorized")
    elif not operation.public:
        slugs |= {"unauthorized", "device-unknown", "forbidden"}
        slugs |= {"device-revoked", "device-suspended"}
    if operation.password:
        slugs.add("password-needed")
    if operation.body is not None:
        slugs.add("too-large")
    if _ARGUMENT.search(operation.rule):
        slugs.add("not-found")
    return [slug for slug in KINDS if slug in slugs]


def _describe(operation: Operation, schema_of: dict[type, Json]) -> Json:
    summary, _, rest = (operation.view.__doc__ or "").partition("\n")
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.noun],
        "summary": summary,
        "description": _description(operation, " ".join(rest.split())),
        "parameters": [*_arguments(operation), *_parameters(operation)],
        "responses": {**_success(operation, schema_of), **_problems(operation, schema_of[Problem])},
        "security": [{name: []} for name in _security(operation)],
    }
    if operation.body is not None:
        content = {NDJSON if operation.lines else JSON: {"schema": schema_of[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _security(operation: Operation) -> list[str]:
    if operation.signed:
        return ["signature"]
    return [] if operation.public else ["bearer"]


def _description(operation: Operation, rest: str) -> str:
    callers = "anybody" if operation.public else ", ".join(sorted(operation.who))
    if operation.signed:
        callers = "the platform, by its signature"
    return f"{rest} Callers: {callers}.".strip()


def _arguments(operation: Operation) -> Iterator[Json]:
    for name in _ARGUMENT.findall(operation.rule):
        # A slash would be another path.
        schema = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _parameters(operation: Operation) -> Iterator[Json]:
    for parameter in operation.query:
        yield {"name": parameter.name, "in": "query", "schema": parameter.schema}


def _success(operation: Operation, schema_of: dict[type, Json]) -> Json:
    schemas = [schema_of[answer] for answer in operation.answers]
    content: Json = {}
    if schemas:
        content = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
    return {
        str(operation.status): {
            "description": HTTPStatus(operation.status).phrase,
            "headers": _EPOCH_HEADERS,
            "content": {operation.content_type: content, **{t: {} for t in operation.other_types}},
        }
    }


def _problems(operation: Operation, schema: Json) -> Json:
    by_status: dict[int, list[str]] = defaultdict(list)
    for slug in slugs_of(operation):
        by_status[KINDS[slug].status].append(slug)
    return {
        str(status): {
            "description": "; ".join(f"`/problems/{slug}` {KINDS[slug].title}" for slug in slugs),
            "content": {PROBLEM_JSON: {"schema": schema}},
        }
        for status, slugs in sorted(by_status.items())
    }
