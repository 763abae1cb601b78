"""The document: whole, valid in itself, and about everything that is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from otel_verein.api.convenience import FUNCTIONS
from otel_verein.serving.openapi import document
from otel_verein.serving.routes import ROUTES


def _operations() -> dict[tuple[str, str], dict[str, Any]]:
    paths = document(token=False)["paths"]
    return {(path, method): operation for path, methods in paths.items() for method, operation in methods.items()}


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("schema"), dict):
            yield value["schema"]
        for each in value.values():
            yield from _schemas(each)
    elif isinstance(value, list):
        for each in value:
            yield from _schemas(each)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def test_every_route_and_function_is_in_it() -> None:
    """What reads is asked by GET, what changes by POST alone."""
    expected = {(route.path, "get") for route in ROUTES} | {("/health/live", "get"), ("/health/ready", "get")}
    for function in FUNCTIONS:
        expected |= {(f"/api/v1/call/{function.name}", method) for method in ("get", "post")[function.changes :]}

    assert set(_operations()) == expected


def test_every_operation_has_an_id_of_its_own_and_says_what_it_is() -> None:
    """Clients are made from the ids."""
    operations = _operations().values()
    ids = [operation["operationId"] for operation in operations]

    assert (len(set(ids)), [each["operationId"] for each in operations if not each["summary"]]) == (len(ids), [])


def test_every_schema_is_one() -> None:
    """By the draft that OpenAPI 3.1 stands on."""
    found = list(_schemas(document(token=True)))
    for schema in found:
        Draft202012Validator.check_schema(schema)

    assert len(found) > 100


def test_every_reference_leads_somewhere() -> None:
    """Within the document."""
    made = document(token=True)
    dangling = []
    for reference in set(_references(made)):
        at: Any = made
        for part in reference.removeprefix("#/").split("/"):
            at = at.get(part) if isinstance(at, dict) else None
        dangling += [reference] if at is None else []

    assert dangling == []


def test_a_token_is_said_where_one_is_asked_for() -> None:
    """And nothing of it where not; whether it lives takes none."""
    with_token, without = document(token=True), document(token=False)

    assert (with_token["security"], without["security"]) == ([{"token": []}], [])
    assert "securitySchemes" not in without["components"]
    assert with_token["paths"]["/health/live"]["get"]["security"] == []
