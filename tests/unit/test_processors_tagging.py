"""Budgets: past them an operation breaches, at them it does not."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, Status, StatusCode

from otel_verein.config.schema import Thresholds
from otel_verein.ledger.operation import Totals
from otel_verein.processors.tagging import failed, tag

BUDGETS = Thresholds(
    queries=10, queries_critical=20, duration_s=1, duration_critical_s=2, db_duration_s=0.5, db_duration_critical_s=1
)


@pytest.mark.parametrize(
    ("queries", "duration_s", "db_s", "error", "breaches", "severity"),
    [
        (10, 1.0, 0.5, False, (), "ok"),
        (0, 0.0, 0.0, False, (), "ok"),
        (11, 1.0, 0.5, False, ("queries",), "warning"),
        (21, 1.0, 0.5, False, ("queries",), "critical"),
        (10, 1.1, 0.5, False, ("duration",), "warning"),
        (10, 1.0, 1.1, False, ("db_duration",), "critical"),
        (11, 3.0, 0.6, False, ("duration", "queries", "db_duration"), "critical"),
        (0, 0.1, 0.0, True, ("error",), "critical"),
    ],
)
def test_breaches_and_severity(
    queries: int, duration_s: float, db_s: float, error: bool, breaches: tuple[str, ...], severity: str
) -> None:
    """Each budget is held against its own figure; the worst one gives the severity."""
    tags = tag(Totals(queries=queries, db_duration_ns=int(db_s * 1e9)), duration_s, error, (), BUDGETS)

    assert (tags.breaches, tags.severity) == (breaches, severity)
    assert tags.over_budget == bool(breaches)


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        (SpanKind.SERVER, 500, True),
        (SpanKind.SERVER, 404, False),
        (SpanKind.SERVER, None, True),
        (SpanKind.CONSUMER, 404, True),
    ],
)
def test_a_client_error_is_no_failure(kind: SpanKind, code: int | None, expected: bool) -> None:
    """A server that answers 4xx has not failed, whatever exception its instrumentation recorded."""
    attributes = {} if code is None else {"http.status_code": code}
    span = ReadableSpan("GET /", kind=kind, attributes=attributes, status=Status(StatusCode.ERROR))

    assert failed(span) == expected
