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
from otel_verein.ledger.record import add_fetch
from otel_verein.processors.compression import SpanBuilder
from tests.unit.operations import a_record, a_span, an_operation, ended, run

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
    assert summary[semconv.AGG_BUCKET_COUNTS] == (count - 1,) * 14  # cumulative, as the collector has them


def test_failed_queries_stay_whole() -> None:
    """One failure of many is a span of its own with its error type; the summary is no error."""
    operation = run(an_operation(), [QUERY] * 20)
    operation.append(a_record(operation, QUERY, error="IntegrityError"))

    spans = built(operation)

    failed = [span for span in spans if span.status.status_code is StatusCode.ERROR]
    assert [span.attributes[semconv.ERROR_TYPE] for span in failed if span.attributes] == ["IntegrityError"]
    assert queries(spans) == 21


def test_failures_past_the_number_are_a_failed_summary() -> None:
    """The first ones stay whole; the others are a summary with status ERROR, apart from that of the good ones."""
    operation = run(an_operation(), [QUERY] * 20)
    for number in range(6):
        operation.append(a_record(operation, QUERY, at_ns=number, took_ns=number, error="IntegrityError"))

    spans = built(operation, Compression(slowest=0, failed=2))

    told = [
        (queries([span]), span.status.status_code, semconv.AGG_IS_SUMMARY in (span.attributes or {})) for span in spans
    ]
    assert [
        (1, StatusCode.ERROR, False),
        (1, StatusCode.ERROR, False),
        (20, StatusCode.UNSET, True),
        (4, StatusCode.ERROR, True),
    ] == told
    assert [(span.attributes or {}).get(semconv.ERROR_TYPE) for span in spans[2:]] == [None, "IntegrityError"]


def test_failures_of_several_kinds_are_called_other() -> None:
    """A summary of different errors names none of them."""
    operation = run(an_operation(), [])
    for number in range(12):
        operation.append(a_record(operation, QUERY, at_ns=number, error=("IntegrityError", "DataError")[number % 2]))

    (summary,) = built(operation, Compression(slowest=0, failed=0))

    assert (summary.attributes or {})[semconv.ERROR_TYPE] == "_OTHER"


def test_folded_operation_still_accounts_for_all() -> None:
    """Past the caps count, sum, extremes and buckets are exact, and the median is nearly."""
    operation = an_operation(Config(limits=Limits(records_per_operation=50)))
    for number in range(5000):
        operation.append(a_record(operation, QUERY, at_ns=number * 10**9, took_ns=(number % 1000 + 1) * 1000))
    operation.append(a_record(operation, QUERY, at_ns=10**15, took_ns=2 * 10**9))

    slowest, summary = built(operation)

    said = dict(summary.attributes or {})
    assert semconv.AGG_IS_SUMMARY not in (slowest.attributes or {})
    assert [5000, 1000, 10**6, 5 * 500_500_000, 500_500] == [
        said[semconv.AGG_SPAN_COUNT],
        said[semconv.AGG_DURATION_MIN_NS],
        said[semconv.AGG_DURATION_MAX_NS],
        said[semconv.AGG_DURATION_TOTAL_NS],
        said[semconv.AGG_DURATION_AVG_NS],
    ]
    assert said[semconv.AGG_BUCKET_COUNTS] == (500, *[5000] * 13)
    assert said[semconv.AGG_DURATION_MEDIAN_NS] == pytest.approx(500_500, rel=0.05)


def test_fetches_of_a_folded_query_are_its_time() -> None:
    """Rows that are still fetched when their query was folded long ago lengthen its span."""
    operation = an_operation(Config(limits=Limits(records_per_operation=50)))
    stream = a_record(operation, "select all_of_it from big", took_ns=10)
    operation.append(stream)
    for _ in range(10):
        run(operation, [QUERY] * 100)
        add_fetch(stream, 1000)

    (single,) = [span for span in built(operation) if span.name == "SELECT big"]

    assert (single.end_time or 0) - (single.start_time or 0) == 10_010


def test_fetches_of_a_summarised_query_are_in_the_sum() -> None:
    """A fetch of a query that is no longer held by itself still is time of the summary."""
    operation = an_operation(Config(limits=Limits(records_per_operation=50)))
    first = a_record(operation, QUERY, took_ns=1)
    operation.append(first)
    run(operation, [QUERY] * 500, took_ns=1000)
    for number in range(100):
        operation.append(a_record(operation, QUERY, at_ns=number, took_ns=10, error="DataError"))
    add_fetch(first, 5_000)

    totals = ended(operation).totals()
    spans = built(operation)

    summed = sum(
        int((span.attributes or {}).get(semconv.AGG_DURATION_TOTAL_NS, (span.end_time or 0) - (span.start_time or 0)))  # type: ignore[arg-type]
        for span in spans
    )
    assert 506_001 == totals.db_duration_ns == summed


def test_statements_without_group_are_one_summary() -> None:
    """Past the limit of groups statements that do not repeat are summed up under one name; the trace adds up."""
    operation = run(
        an_operation(Config(limits=Limits(groups_per_operation=10))), [f"select c{n} from t" for n in range(100)]
    )

    spans = built(operation)

    (rest,) = [span for span in spans if span.name == "other statements"]
    assert 100 == queries(spans)
    assert 89 == queries([rest])
    assert semconv.DB_QUERY_TEXT not in (rest.attributes or {})


def test_the_slowest_of_the_rest_is_told_as_what_it_is() -> None:
    """What stays whole of the statements without group has its own text."""
    operation = run(
        an_operation(Config(limits=Limits(groups_per_operation=10))), [f"select c{n} from t" for n in range(100)]
    )
    operation.append(a_record(operation, "select slow from snail", at_ns=10**12, took_ns=10**9))

    (slowest,) = [span for span in built(operation) if span.name == "SELECT snail"]

    assert (slowest.attributes or {})[semconv.DB_QUERY_TEXT] == "select slow from snail"


def test_a_statement_under_too_many_spans_hangs_under_the_root() -> None:
    """Past the limit one group is for all spans of one name, and its spans are children of the root."""
    operation = an_operation(Config(limits=Limits(groups_per_operation=10)))
    parents = [a_span("item") for _ in range(30)]
    for number, parent in enumerate(parents):
        for turn in range(3):
            operation.append(a_record(operation, QUERY, at_ns=number * 10 + turn, parent=parent))

    spans = built(operation)

    (summary,) = [span for span in spans if semconv.AGG_IS_SUMMARY in (span.attributes or {})]
    ids = [span.parent.span_id for span in spans if span.parent is not None]
    assert {parent.get_span_context().span_id for parent in parents[:10]} | {operation.root_id} == set(ids)
    assert summary.parent is not None
    assert (59, operation.root_id) == (queries([summary]), summary.parent.span_id)


def test_spans_hang_where_they_are_told_to() -> None:
    """A parent that is not exported is replaced by the one that the caller names."""
    operation = an_operation()
    lost, kept = a_span("lost"), a_span("kept")
    operation.append(a_record(operation, QUERY, parent=lost))

    (span,) = SpanBuilder(
        operation, Resource.get_empty(), lambda parent: parent, "medium", lambda _: kept.get_span_context()
    ).spans(ended(operation).groups(), OPTIONS)

    assert span.parent == kept.get_span_context()


def test_single_spans_have_a_limit() -> None:
    """Past ``limits.spans_per_operation`` nothing stays whole beside its summary, and the trace still adds up."""
    operation = an_operation(Config(limits=Limits(spans_per_operation=3)))
    for number in range(10):
        run(operation, [f"select c{number} from t"] * 5)

    spans = built(operation)

    assert [3, 10] == [
        sum(semconv.AGG_IS_SUMMARY not in (span.attributes or {}) for span in spans),
        sum(semconv.AGG_IS_SUMMARY in (span.attributes or {}) for span in spans),
    ]
    assert 50 == queries(spans)
