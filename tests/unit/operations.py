"""Builders of operations and records for unit tests: known times, no database."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from opentelemetry.sdk.trace import Span, TracerProvider

from otel_verein.config import Config
from otel_verein.ledger import FINGERPRINTS, Ledger, Operation
from otel_verein.ledger.record import ConnectionTarget, RecordFields

ROOTS: WeakKeyDictionary[Operation, Span] = WeakKeyDictionary()
"""The root spans: an operation does not hold its own."""

SQLITE = ConnectionTarget("sqlite")


def a_span(name: str = "GET /") -> Span:
    """A live span that nothing processes."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span(name)
    assert isinstance(span, Span)
    return span


def an_operation(config: Config | None = None) -> Operation:
    """An open operation without queries."""
    span = a_span()
    operation = Operation(span, Ledger(config or Config()))
    ROOTS[operation] = span
    return operation


def a_record(
    operation: Operation,
    statement: str,
    *,
    at_ns: int = 0,
    took_ns: int = 1000,
    error: str | None = None,
    parameters: int | None = 0,
    parent: Span | None = None,
    target: ConnectionTarget = SQLITE,
) -> RecordFields:
    """One query record of *operation*."""
    found = FINGERPRINTS.of(statement, target.system)
    return [found, at_ns, took_ns, error, parent or ROOTS[operation], parameters, 0, target, statement]


def ended(operation: Operation) -> Operation:
    """*operation*, closed, so that its figures can be read."""
    operation.close()
    return operation


def run(operation: Operation, statements: Sequence[str], took_ns: int = 1000) -> Operation:
    """Append *statements* one after the other, each with parameters of its own."""
    for index, statement in enumerate(statements):
        operation.append(
            a_record(operation, statement, at_ns=index * 10_000_000, took_ns=took_ns, parameters=index + 1)
        )
    return operation
