"""Jobs of very many queries against a database in memory, which counts what it runs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from otel_verein import semconv
from tests.integration.harness import Watched

Work = Callable[["Job", int], None]


class Job:
    """A database in memory that counts for itself what it runs."""

    def __init__(self, watched: Watched) -> None:
        self.tracer = watched.tracer
        self.connection = sqlite3.connect(":memory:", cached_statements=8)  # which hold the texts
        self.connection.executescript(
            "create table author (id integer primary key, name text); create table book (id integer, stars integer);"
        )
        self.seen = Counter[str]()
        self.connection.set_trace_callback(self._witness)

    def _witness(self, statement: str) -> None:
        verb = statement.split(None, 1)[0].upper()
        if verb not in ("BEGIN", "COMMIT"):
            self.seen[verb] += 1

    def run(self, statement: str, *parameters: object) -> None:
        """One query, which may fail, with its rows."""
        with suppress(sqlite3.Error):
            self.connection.execute(statement, parameters).fetchall()

    def batch(self, rows: list[tuple[int, int]]) -> None:
        """One batch: of its rows the witness sees each, and we count the batch."""
        self.connection.executemany("insert into book values (?, ?)", rows)
        self.seen["INSERT"] -= len(rows) - 1


def turns(job: Job, many: int) -> None:
    """A, B, A, B: two statements that take turns."""
    for number in range(many // 2):
        job.run("select name from author where id = ?", number)
        job.run("select stars from book where id = ? limit 1", number)


def some_fail(job: Job, many: int) -> None:
    """One insert in a thousand breaks the key."""
    for number in range(many):
        job.run("insert into author (id, name) values (?, ?)", number - (number % 1000 == 999), "x")


def all_fail(job: Job, many: int) -> None:
    """A job that goes on although nothing works."""
    job.run("insert into author (id, name) values (?, ?)", 1, "x")
    for _ in range(many - 1):
        job.run("insert into author (id, name) values (?, ?)", 1, "x")


def many_statements(job: Job, many: int) -> None:
    """Seven hundred statements, each of which repeats."""
    for number in range(many):
        job.run(f"select id as column_{number % 700} from author where id = ?", number)


def unique_statements(job: Job, many: int) -> None:
    """Statements that hardly ever come again, and one that does in between."""
    for number in range(many // 2):
        job.run(f"select id as column_{number} from author where id = ?", number)
        job.run("select name from author where id = ?", number)


def batches(job: Job, many: int) -> None:
    """Batches of three rows."""
    for number in range(many):
        job.batch([(number, stars) for stars in range(3)])


def under_many_spans(job: Job, many: int) -> None:
    """A span for each item, with three queries in it."""
    for number in range(many // 3):
        with job.tracer.start_as_current_span("item"):
            for _ in range(3):
                job.run("select name from author where id = ?", number)


WORK = (turns, some_fail, all_fail, many_statements, unique_statements, batches, under_many_spans)


def finished(watched: Watched, job: Job, work: Work, many: int) -> tuple[ReadableSpan, list[ReadableSpan]]:
    """Run *work* in one operation; its root and the other spans of the trace."""
    with watched.tracer.start_as_current_span("job") as span:
        span.set_status(StatusCode.ERROR)  # kept, whatever it is
        work(job, many)
    assert watched.processor.force_flush()
    exported = watched.exporter.get_finished_spans()
    (root,) = [span for span in exported if span.parent is None]
    return root, [span for span in exported if span.parent is not None]


def queries(span: ReadableSpan) -> int:
    """How many queries *span* stands for."""
    attributes = span.attributes or {}
    return int(attributes.get(semconv.AGG_SPAN_COUNT, semconv.DB_SYSTEM_NAME in attributes))  # type: ignore[arg-type]


def is_summary(span: ReadableSpan) -> bool:
    """Whether *span* stands for several queries."""
    return semconv.AGG_IS_SUMMARY in (span.attributes or {})
