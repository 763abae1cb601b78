"""The OpenAPI document, made from the tables that the service answers by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from otel_verein.api.convenience import FUNCTIONS, Function
from otel_verein.serving.functions import arguments
from otel_verein.serving.parameters import Parameter
from otel_verein.serving.problems import MEDIA_TYPE
from otel_verein.serving.routes import ROUTES, Route
from otel_verein.version import __version__

CALL: Final = "/api/v1/call/"

_REFUSED: Final = {
    400: "The request is none.",
    401: "A token is needed.",
    403: "It is not allowed from there, or not at all.",
    405: "Not by this method.",
    408: "The body took too long.",
    413: "The body is too large.",
    414: "The URL is too long.",
    415: "The body is no JSON.",
    421: "It is no name of this service.",
    422: "An argument cannot be used; the detail says what is right.",
    429: "Too many requests of one client; Retry-After says when to try again.",
    431: "The headers are too large.",
    500: "A fault of the service.",
    502: "The source cannot be read; the detail says what to check.",
    503: "Too many questions are waiting; Retry-After says when to try again.",
    504: "The answer took too long.",
}


def document(*, token: bool) -> dict[str, Any]:
    """The document of a service that asks for a *token*, or does not."""
    paths: dict[str, Any] = {route.path: {"get": _asked(route)} for route in ROUTES}
    paths |= {CALL + function.name: _called(function) for function in FUNCTIONS}
    paths |= {path: {"get": _health(path, about)} for path, about in _HEALTH.items()}
    components: dict[str, Any] = {
        "schemas": {"Problem": _PROBLEM, "Failure": _FAILURE},
        "responses": {str(status): _problem(about) for status, about in _REFUSED.items()},
    }
    if token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "otel-verein",
            "version": __version__,
            "description": "Queries, database time and N+1 of every operation, as measured. Times are seconds; null is "
            "what is not known.",
        },
        "paths": paths,
        "components": components,
        "security": [{"token": []}] if token else [],
    }


def _asked(route: Route) -> dict[str, Any]:
    content = {"text/html": {"schema": {"type": "string"}}} if route.is_page else _json(_of_keys(route.keys))
    found = {"404": _problem("It is not there.")} if route.name in ("trace", "compare") else {}
    return {
        "operationId": route.name,
        "summary": route.about,
        "parameters": [_parameter(each) for each in route.parameters],
        "responses": {"200": {"description": "The answer.", "content": content}, **found, **_refused()},
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    listed = {"style": "form", "explode": True} if parameter.several else {}
    return {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.help,
        "required": parameter.required,
        "schema": dict(parameter.schema),
        **listed,
    }


def _called(function: Function) -> dict[str, Any]:
    known = arguments(function)
    about = (function.function.__doc__ or "").strip().partition("\n")[0]
    common = {"summary": about, "responses": {"200": _envelope(function), **_refused()}}
    body = {
        "type": "object",
        "properties": {each.name: each.schema() for each in known},
        "required": [each.name for each in known if each.required],
        "additionalProperties": False,
    }
    required = bool(body["required"])
    post = {"operationId": function.name, "requestBody": {"required": required, "content": _json(body)}, **common}
    if function.changes:
        return {"post": post}
    parameters = [
        {"name": each.name, "in": "query", "required": each.required, "schema": each.schema_of_text()} for each in known
    ]
    return {"get": {"operationId": f"get_{function.name}", "parameters": parameters, **common}, "post": post}


def _envelope(function: Function) -> dict[str, Any]:
    found = {
        "type": "object",
        "properties": {"success": {"const": True}, function.payload: {}, "message": {"type": "string"}},
        "required": ["success", function.payload, "message"],
        "additionalProperties": False,
    }
    schema = {"oneOf": [found, {"$ref": "#/components/schemas/Failure"}]}
    return {"description": "What the function says, also that it could not answer.", "content": _json(schema)}


def _of_keys(keys: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": list(words)} for name, words in keys.items()},
        "required": list(keys),
    }


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": dict(schema)}}


def _refused() -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in _REFUSED}


def _problem(about: str) -> dict[str, Any]:
    return {"description": about, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _health(path: str, about: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
    return {
        "operationId": path.strip("/").replace("/", "_"),
        "summary": about,
        "security": [],
        "responses": {"200": {"description": "It does.", "content": _json(schema)}, **_refused()},
    }


_HEALTH: Final = {
    "/health/live": "Whether the service runs.",
    "/health/ready": "Whether it takes questions: a thread is free, and a store can say how it stands.",
}

_PROBLEM: Final = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}
_FAILURE: Final = {
    "type": "object",
    "properties": {
        "success": {"const": False},
        "error": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "member": {"type": "string"},
    },
    "required": ["success", "error", "timestamp"],
    "additionalProperties": False,
}
