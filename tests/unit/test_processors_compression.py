"""Query spans of a kept operation: singles and summaries together account for every query."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from otel_verein import semconv
from otel_verein.config import Config
from otel_verein.config.schema import Compression, Limits
from otel_verein.ledger import Operation
from otel_verein.processors.compression import SpanBuilder
from tests.unit.operations import a_record, an_operation, ended, run

QUERY = "select a from t where b = ?"
OPTIONS = Compression(repeats=5, slowest=1)


def built(operation: Operation, options: Compression = OPTIONS) -> list[ReadableSpan]:
    """The query spans of *operation*."""
    return list(
        SpanBuilder(operation, Resource.get_empty(), lambda parent: parent, "medium").spans(
            ended(operation).groups(), options
        )
    )


def queries(spans: list[ReadableSpan]) -> int:
    """Queries that *spans* stand for."""
    return sum(int((span.attributes or {}).get(semconv.AGG_SPAN_COUNT, 1)) for span in spans)  # type: ignore[arg-type]


def test_few_queries_stay_single() -> None:
    """Below the limit each query is a span of its own, with the text sanitised."""
    spans = built(run(an_operation(), ["select a from t where b = 'secret'"] * 4))

    assert [span.attributes[semconv.DB_QUERY_TEXT] for span in spans if span.attributes] == [QUERY] * 4


@pytest.mark.parametrize("count", [5, 6, 100])
def test_repeats_are_one_summary_beside_the_slowest(count: int) -> None:
    """From the limit on there is one summary and the slowest query, and they add up."""
    operation = run(an_operation(), [QUERY] * (count - 1))
    operation.append(a_record(operation, QUERY, at_ns=10**12, took_ns=5_000_000))

    spans = built(operation)

    assert len(spans) == 2
    assert queries(spans) == count
    (summary,) = [dict(span.attributes or {}) for span in spans if semconv.AGG_IS_SUMMARY in (span.attributes or {})]
    assert summary[semconv.AGG_DURATION_MAX_NS] == 1000
    assert summary[semconv.AGG_DURATION_TOTAL_NS] == 1000 * (count - 1)
    assert sum(summary[semconv.AGG_BUCKET_COUNTS]) == count - 1  # type: ignore[arg-type]


def test_failed_queries_stay_whole() -> None:
    """One failure of many is a span of its own with its error type; the summary is no error."""
    operation = run(an_operation(), [QUERY] * 20)
    operation.append(a_record(operation, QUERY, error="IntegrityError"))

    spans = built(operation)

    failed = [span for span in spans if span.status.status_code is StatusCode.ERROR]
    assert [span.attributes[semconv.ERROR_TYPE] for span in failed if span.attributes] == ["IntegrityError"]
    assert queries(spans) == 21


def test_folded_operation_still_accounts_for_all() -> None:
    """Past the caps the summary counts every query, and says nothing of what is no longer known."""
    config = Config(limits=Limits(records_per_operation=50))
    spans = built(run(an_operation(config), [QUERY] * 5000))

    assert queries(spans) == 5000
    assert not any(semconv.AGG_DURATION_MEDIAN_NS in (span.attributes or {}) for span in spans)
