"""Compression for any operation: nothing is lost or told twice, folded or not, whatever the limits."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.trace import StatusCode

from otel_verein import semconv
from otel_verein.config import Config
from otel_verein.config.schema import Compression, Limits
from otel_verein.ledger.spread import BOUNDS_S, cumulative
from otel_verein.ledger.verdict import find
from otel_verein.processors.compression import SpanBuilder
from tests.unit.operations import a_record, a_span, an_operation, ended

EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PARENTS = [None, *(a_span(name) for name in ("item", "item", "item", "other"))]
NEVER = 1_000_000


@dataclass(frozen=True)
class Query:
    """One query of a made-up operation."""

    statement: int
    parent: Span | None
    took_ns: int
    error: str | None
    parameters: int | None


QUERIES = st.lists(
    st.builds(
        Query,
        statement=st.integers(0, 30) | st.just(0),
        parent=st.sampled_from(PARENTS),
        took_ns=st.integers(0, 20 * 10**9),
        error=st.sampled_from([None, None, None, "IntegrityError", "DataError"]),
        parameters=st.integers(0, 3) | st.none(),
    ),
    max_size=200,
)
OPTIONS = st.builds(Compression, repeats=st.integers(2, 6), slowest=st.integers(0, 3), failed=st.integers(0, 3))


@dataclass
class Told:
    """What came of an operation."""

    spans: list[ReadableSpan]
    groups: list[tuple[object, ...]]
    findings: list[tuple[object, ...]]


def told(queries: list[Query], options: Compression, *, records: int, groups: int) -> Told:
    """Run *queries* and end the operation."""
    config = Config(compression=options, limits=Limits(records_per_operation=records, groups_per_operation=groups))
    operation = an_operation(config)
    for number, query in enumerate(queries):
        operation.append(
            a_record(
                operation,
                f"select c{query.statement} from t where id = ?",
                at_ns=number * 10**9,
                took_ns=query.took_ns,
                error=query.error,
                parent=query.parent,
                parameters=query.parameters,
            )
        )
    operation.close()
    found = operation.groups()
    findings = [(finding.kind, finding.repeats, finding.queries) for finding in find(found, config.n_plus_one)]
    facts: list[tuple[object, ...]] = [
        (
            *(
                group.fingerprint.key,
                group.path,
                group.count,
                group.errors,
                group.total_ns,
                group.first_ns,
                group.last_ns,
            ),
            *(group.overlapping, group.comparable, group.comparable and len(group.identities), group.first_values()),
        )
        for group in found
    ]
    builder = SpanBuilder(operation, Resource.get_empty(), lambda parent: parent, "medium")
    return Told(list(builder.spans(found, options)), facts, findings)


def figures(span: ReadableSpan) -> tuple[int, int, float, float, tuple[int, ...]]:
    """Number of queries of *span*, and sum, least, most and buckets of their durations."""
    said = dict(span.attributes or {})
    if semconv.AGG_IS_SUMMARY not in said:
        took_ns = (span.end_time or 0) - (span.start_time or 0)
        return 1, took_ns, took_ns, took_ns, cumulative([took_ns])
    return tuple(  # type: ignore[return-value]
        said[key]
        for key in (
            semconv.AGG_SPAN_COUNT,
            semconv.AGG_DURATION_TOTAL_NS,
            semconv.AGG_DURATION_MIN_NS,
            semconv.AGG_DURATION_MAX_NS,
            semconv.AGG_BUCKET_COUNTS,
        )
    )


def summed(spans: list[ReadableSpan]) -> tuple[int, int, float, float, list[int]]:
    """The figures of all *spans* together."""
    each = [figures(span) for span in spans]
    buckets = [sum(one[4][index] for one in each) for index in range(len(BOUNDS_S) + 1)]
    return (
        sum(one[0] for one in each),
        sum(one[1] for one in each),
        min((one[2] for one in each), default=inf),
        max((one[3] for one in each), default=0),
        buckets,
    )


def expected(queries: list[Query]) -> tuple[int, int, float, float, list[int]]:
    """The figures of *queries*, by adding them up."""
    took = [query.took_ns for query in queries]
    return len(took), sum(took), min(took, default=inf), max(took, default=0), list(cumulative(took))


@EXAMPLES
@given(queries=QUERIES, options=OPTIONS, records=st.sampled_from([10, 37, NEVER]), groups=st.sampled_from([10, 500]))
def test_spans_add_up_to_the_queries(queries: list[Query], options: Compression, records: int, groups: int) -> None:
    """Number, sum, extremes and distribution of all spans are those of the queries, and so for the failed ones."""
    spans = told(queries, options, records=records, groups=groups).spans

    failed = [span for span in spans if span.status.status_code is StatusCode.ERROR]
    assert expected(queries) == summed(spans)
    assert expected([query for query in queries if query.error]) == summed(failed)


@EXAMPLES
@given(queries=QUERIES, options=OPTIONS, records=st.sampled_from([10, 37]))
def test_folding_changes_nothing_but_the_median(queries: list[Query], options: Compression, records: int) -> None:
    """Groups and spans of an operation whose records were folded are those of one that held them all."""
    folded = told(queries, options, records=records, groups=500)
    held = told(queries, options, records=NEVER, groups=500)

    assert held.groups == folded.groups
    assert sorted(map(_shown, held.spans)) == sorted(map(_shown, folded.spans))


@EXAMPLES
@given(queries=QUERIES, records=st.sampled_from([10, 37]))
def test_folding_hides_no_finding(queries: list[Query], records: int) -> None:
    """What repeats is found with as many repeats; only strict turns are no longer told to be one loop."""
    folded = told(queries, Compression(), records=records, groups=500)
    held = told(queries, Compression(), records=NEVER, groups=500)

    assert sum(int(str(finding[2])) for finding in held.findings) == sum(
        int(str(finding[2])) for finding in folded.findings
    )


def _shown(span: ReadableSpan) -> tuple[str, ...]:
    said = dict(span.attributes or {})
    said.pop(semconv.AGG_DURATION_MEDIAN_NS, None)
    parent = span.parent.span_id if span.parent is not None and span.parent.span_id in _IDS else 0
    start_ns, end_ns = span.start_time or 0, span.end_time or 0
    return span.name, str(end_ns - start_ns), str(parent), span.status.status_code.name, str(sorted(said.items()))


_IDS = {parent.get_span_context().span_id for parent in PARENTS if parent is not None}


@EXAMPLES
@given(queries=QUERIES, options=OPTIONS)
def test_no_more_stays_whole_than_the_options_say(queries: list[Query], options: Compression) -> None:
    """Beside the summaries of a statement under one span there are the slowest and the first failed, no more."""
    spans = told(queries, options, records=10, groups=500).spans

    by_place: dict[tuple[object, ...], list[ReadableSpan]] = {}
    for span in spans:
        text = (span.attributes or {})[semconv.DB_QUERY_TEXT]
        by_place.setdefault((text, span.parent and span.parent.span_id), []).append(span)
    for theirs in by_place.values():
        singles = sum(semconv.AGG_IS_SUMMARY not in (span.attributes or {}) for span in theirs)
        few = sum(figures(span)[0] for span in theirs) < options.repeats
        assert few or singles <= options.slowest + options.failed
        assert len(theirs) - singles <= 2


@EXAMPLES
@given(queries=QUERIES)
def test_totals_are_those_of_the_queries(queries: list[Query]) -> None:
    """What the root says is the same however often records were folded."""
    config = Config(limits=Limits(records_per_operation=10, groups_per_operation=10))
    operation = an_operation(config)
    for query in queries:
        operation.append(
            a_record(
                operation,
                f"select c{query.statement} from t",
                took_ns=query.took_ns,
                error=query.error,
                parent=query.parent,
            )
        )

    totals = ended(operation).totals()

    assert (
        len(queries),
        len({query.statement for query in queries}),
        sum(query.error is not None for query in queries),
        sum(query.took_ns for query in queries),
    ) == (totals.queries, totals.distinct, totals.errors, totals.db_duration_ns)
