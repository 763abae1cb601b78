"""Operations of very many queries: every count right, a trace that adds up and can be read, and little memory."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from otel_verein import semconv
from otel_verein.config.schema import Compression, Limits
from otel_verein.instrumentation import instrument, uninstrument
from tests.integration.harness import Watched
from tests.integration.huge import (
    WORK,
    Job,
    finished,
    is_summary,
    queries,
    some_fail,
    turns,
    under_many_spans,
    unique_statements,
)

MOST_BYTES = 8_000_000
OPTIONS = Compression()


@dataclass
class Outcome:
    """What came of one huge operation."""

    root: ReadableSpan
    others: list[ReadableSpan]
    seen: int
    peak_bytes: int


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((work, many), id=f"{work.__name__.replace('_', ' ')}, {many}", marks=marks)
        for work in WORK
        for many, marks in ((20_000, ()), (1_000_000, (pytest.mark.soak,)))
    ],
)
def outcome(request: pytest.FixtureRequest) -> Iterator[Outcome]:
    """One kind of work in one operation, and the most memory that was allocated until it was exported."""
    work, many = request.param
    instrument()
    watched = Watched()
    job = Job(watched)
    finished(watched, job, work, 2000)  # what is made once
    watched.exporter.clear()
    job.seen.clear()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        root, others = finished(watched, job, work, many)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    yield Outcome(root, others, job.seen.total(), peak - before)
    job.connection.close()
    watched.shutdown()
    uninstrument()


@pytest.fixture
def job(watched: Watched, no_faults: None) -> Iterator[Job]:
    """A job whose queries we record and its database counts."""
    job = Job(watched)
    yield job
    job.connection.close()


def test_a_huge_operation_is_counted_exactly(outcome: Outcome) -> None:
    """The root says what the database saw."""
    assert outcome.root.attributes is not None
    assert outcome.seen == outcome.root.attributes[semconv.DB_QUERY_COUNT]


def test_the_trace_of_a_huge_operation_adds_up(outcome: Outcome) -> None:
    """Single spans and what summaries stand for are as many as the queries; the root says how many are in summaries."""
    merged = sum(queries(span) for span in outcome.others if is_summary(span))

    assert outcome.seen == sum(map(queries, outcome.others))
    assert merged == (outcome.root.attributes or {})[semconv.SPANS_MERGED]


def test_the_trace_of_a_huge_operation_hangs_together(outcome: Outcome) -> None:
    """A few thousand spans at most, and each hangs under one that is exported."""
    ids = {span.context.span_id for span in (outcome.root, *outcome.others) if span.context is not None}

    assert {span.parent.span_id for span in outcome.others if span.parent is not None} <= ids
    assert len(ids) == len(outcome.others) + 1
    assert len(ids) < 4000


def test_a_huge_operation_takes_little_memory(outcome: Outcome) -> None:
    """The most that is allocated at any time of the operation, its export included, is a few megabytes."""
    assert outcome.peak_bytes < MOST_BYTES


@pytest.mark.parametrize("many", [50_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_the_process_stays_small(many: int, watched: Watched, job: Job) -> None:
    """The memory of the process, as the kernel has it, does not grow with the queries of an operation."""
    sizes: list[int] = []

    def measured(job: Job, many: int) -> None:
        for _ in range(10):
            turns(job, many // 10)
            sizes.append(_resident_bytes())

    finished(watched, job, measured, many)

    assert len(sizes) == 10
    assert max(sizes) - sizes[0] < MOST_BYTES


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def test_failures_stay_whole_up_to_a_number(watched: Watched, job: Job) -> None:
    """Of fifty failures of fifty thousand the first ten are spans; the others are a failed summary of their own."""
    _, others = finished(watched, job, some_fail, 50_000)

    failed = [span for span in others if span.status.status_code is StatusCode.ERROR]
    assert [False] * OPTIONS.failed + [True] == sorted(is_summary(span) for span in failed)
    assert sum(map(queries, failed)) == 50
    assert {(span.attributes or {})[semconv.ERROR_TYPE] for span in failed} == {"IntegrityError"}


def test_the_slowest_stays_whole(watched: Watched, job: Job) -> None:
    """A query that was folded long ago is still a span of its own if none was slower."""
    counting = "with recursive c(n) as (select 1 union all select n + 1 from c where n < ?) select max(n) from c"

    def one_is_slow(job: Job, many: int) -> None:
        job.run(counting, 500_000)
        for number in range(many):
            job.run(counting, number % 9)

    _, others = finished(watched, job, one_is_slow, 5000)

    slowest, summary = sorted(others, key=is_summary)
    assert [1, 5000] == [queries(slowest), queries(summary)]
    assert _duration_ns(slowest) > (summary.attributes or {})[semconv.AGG_DURATION_MAX_NS]  # type: ignore[operator]


def _duration_ns(span: ReadableSpan) -> int:
    return (span.end_time or 0) - (span.start_time or 0)


def test_a_loop_after_very_many_statements_is_found(watched: Watched, job: Job) -> None:
    """Thousands of different statements take no room from one that repeats: it has its group and its finding."""
    root, others = finished(watched, job, unique_statements, 10_000)

    (finding,) = [event for event in root.events if event.name == semconv.FINDING_EVENT]
    assert (finding.attributes or {})[semconv.FINDING_REPEATS] == 5000
    (rest,) = [span for span in others if span.name == "other statements"]
    assert queries(rest) > 4000


def test_turns_under_thousands_of_spans_are_one_finding(watched: Watched, job: Job) -> None:
    """Past the limit a statement has one group for all spans of one name, under the root, with its line of code."""
    root, others = finished(watched, job, under_many_spans, 15_000)

    (finding,) = [event for event in root.events if event.name == semconv.FINDING_EVENT]
    assert (finding.attributes or {})[semconv.FINDING_REPEATS] == 15_000
    (summary,) = [span for span in others if is_summary(span)]
    assert root.context is not None
    assert summary.parent is not None
    assert summary.parent.span_id == root.context.span_id
    assert str((summary.attributes or {})[semconv.CODE_FILE_PATH]).endswith("huge.py")


def test_queries_of_spans_that_are_left_out_hang_under_one_that_is_there(watched: Watched, job: Job) -> None:
    """Spans past the limit are not exported; their queries, whose parent they were, hang together all the same."""

    def after_many_spans(job: Job, many: int) -> None:
        for _ in range(many):
            with job.tracer.start_as_current_span("empty"):
                pass
        with job.tracer.start_as_current_span("left out"):
            job.run("select name from author")

    root, others = finished(watched, job, after_many_spans, Limits().spans_per_operation)

    (query,) = [span for span in others if queries(span)]
    assert "left out" not in {span.name for span in others}
    assert (root.attributes or {})[semconv.SPANS_DROPPED] == 1
    assert query.parent is not None
    assert root.context is not None
    assert query.parent.span_id == root.context.span_id


def test_long_statements_are_not_held(watched: Watched, job: Job) -> None:
    """A thousand different statements of a megabyte each wait for the end of their operation as their beginnings."""

    def long_ones(job: Job, many: int) -> None:
        for number in range(many):
            job.run(f"select {number} /* {'x' * 1_000_000} */")

    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        root, _ = finished(watched, job, long_ones, 1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (root.attributes or {})[semconv.DB_QUERY_COUNT] == 1000
    assert peak - before < 64_000_000


def test_long_statements_are_told_apart(watched: Watched, job: Job) -> None:
    """Statements that differ past what a record holds of them are no duplicates."""

    def long_ones(job: Job, many: int) -> None:
        for number in range(many):
            job.run(f"select name from author where name in ('{'x' * 20_000}', '{number}')")

    root, _ = finished(watched, job, long_ones, 12)

    (finding,) = [event for event in root.events if event.name == semconv.FINDING_EVENT]
    assert (finding.attributes or {})[semconv.FINDING_KIND] == "n_plus_one"
    assert (finding.attributes or {})[semconv.FINDING_PARAMETERS] == 12


def test_a_long_statement_of_an_asynchronous_driver_counts_once(watched: Watched, no_faults: None) -> None:
    """The call in the thread of aiosqlite is known as the one that was asked for, though only its beginning is held."""
    aiosqlite = pytest.importorskip("aiosqlite")

    async def ask() -> None:
        async with aiosqlite.connect(":memory:") as connection:
            await connection.execute(f"select '{'x' * 20_000}'")

    assert watched.count_of(lambda: asyncio.run(ask())) == 1
