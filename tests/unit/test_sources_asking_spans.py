"""Statements, roots, entities, steps and traces: the exact figures of a world that is known, from every source."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest

from otel_verein.errors import SourceError
from otel_verein.sources.base import Ask
from otel_verein.sources.rows import EntityRow, RootRow, StatementRow, StepRow
from otel_verein.sources.viewed import Viewed
from tests.unit.fixed_source import index_of
from tests.unit.otlp_lines import START_NS
from tests.unit.source_world import ALL_REQUESTS, EVERY_SOURCE, MS, SECOND, Made, of_files, query, request, span


@pytest.fixture(scope="module", params=EVERY_SOURCE, ids=lambda made: made.__name__)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Viewed:
    """The world, brought to one kind of source."""
    made: Made = request.param
    return made(tmp_path_factory.mktemp("world"), ALL_REQUESTS)


def row_of(source: Viewed, operation: str, fingerprint: str, ask: Ask = Ask()) -> StatementRow:  # noqa: B008
    """The one row of a statement in an operation that has no call site."""
    found = [row for row in source.statements(ask).rows if (row.operation, row.fingerprint) == (operation, fingerprint)]
    (row,) = (each for each in found if each.file is None)
    return row


def test_a_query_has_the_weight_of_its_root(source: Viewed):
    """What a trace stands for is what its queries stand for; errors, too; rows that were not said are not known."""
    found = row_of(source, "GET /a", "f1")

    assert found == StatementRow(
        service="shop", operation="GET /a", fingerprint="f1", summary="SELECT f1", statement="SELECT f1",
        db_system="sqlite", verb="SELECT", calls=4.0, errors=4.0, total_s=0.08, max_s=0.02, operations=4.0, samples=1,
        rows=0.0, rows_known=0.0, scale=6, buckets=((index_of(0.02), 4.0),), file=None, line=None, function=None,
        trace_id=f"{2:032x}",
    )  # fmt: skip


def test_rows_that_a_driver_said_are_added_up(source: Viewed):
    """They stand beside the number of calls that they are known of; the call site is a part of the key."""
    (found,) = (row for row in source.statements().rows if row.file == "a.py")

    assert (found.calls, found.rows, found.rows_known, found.line, found.total_s) == (1.0, 3.0, 1.0, 9, 0.01)


def test_a_summary_span_stands_for_its_queries(source: Viewed):
    """Its number and sums are exact, each part of its histogram is in the geometric middle of its bounds."""
    found = row_of(source, "GET /a", "f2")

    assert (found.calls, found.samples, found.total_s, found.max_s, found.operations) == (4.0, 4, 0.024, 0.016, 1.0)
    assert found.buckets == ((index_of(math.sqrt(0.002 * 0.004)), 3.0), (index_of(math.sqrt(0.01 * 0.016)), 1.0))


def test_a_query_belongs_to_the_nearest_root(source: Viewed):
    """Its parent if that is one, else the last one of its service and trace that had begun."""
    of_request, of_job = row_of(source, "GET /b", "f3"), row_of(source, "job", "f3")

    assert (of_request.calls, of_request.total_s, of_request.operations) == (2.0, 0.005, 1.0)
    assert (of_job.calls, of_job.total_s, of_job.operations) == (2.0, 0.004, 2.0)  # one that stands for two


@pytest.mark.parametrize(
    ("ask", "traces", "calls"),
    [
        (Ask(), 3, 13.0),
        (Ask(version="1"), 2, 9.0),
        (Ask(version="2"), 1, 4.0),
        (Ask(environment="staging"), 1, 4.0),
        (Ask(operation="GET /*"), 3, 11.0),
        (Ask(operation="job"), 1, 2.0),
        (Ask(service="other"), 0, 0.0),
        (Ask(end_ns=START_NS + 10 * MS), 1, 5.0),  # the second query begins after the window, its root in it
        (Ask(start_ns=START_NS + SECOND), 2, 8.0),
        (Ask(start_ns=START_NS + 500 * SECOND), 0, 0.0),
    ],
)
def test_statements_of_what_is_asked_for(source: Viewed, ask: Ask, traces: int, calls: float):
    """Releases, environments, operations and windows are parts of the whole."""
    found = source.statements(ask)

    assert (found.traces, sum(row.calls for row in found.rows), found.notes) == (traces, calls, ())


def test_roots_by_their_time(source: Viewed):
    """The slowest first, with what tells it apart and without SQL; how many there are is said."""
    found = source.roots(most=1, slowest=True)

    assert (found.kept, found.notes) == (4, ())
    assert found.rows == (
        RootRow(
            trace_id=f"{3:032x}", span_id=f"{6:016x}", service="shop", operation="GET /b", kind="server",
            start_ns=START_NS + SECOND, duration_s=0.5, error=False, weight=1.0, queries=None, db_s=None, breaches=(),
            entity_type=None, entity_id=None, items=None,
            attributes={
                "resource.service.version": "1",
                "resource.deployment.environment.name": "production",
                "resource.service.instance.id": "process of 1",
            },
        ),
    )  # fmt: skip


def test_a_root_says_all_about_itself(source: Viewed):
    """Weight, breaches, entity, items and attributes as texts."""
    by_id = {row.span_id: row for row in source.roots().rows}
    first, second = by_id[f"{1:016x}"], by_id[f"{4:016x}"]

    assert (first.queries, first.db_s, first.entity_type, first.entity_id, first.items) == (5, 0.034, "order", "7", 5)
    assert (second.error, second.weight, second.breaches) == (True, 4.0, ("duration", "error"))
    assert second.attributes["http.route"] == "/a"
    assert second.attributes["verein.breach"] == "duration"
    assert [key for key, value in second.attributes.items() if "SELECT" in value] == []


def test_a_sample_of_roots_is_the_same_everywhere(source: Viewed):
    """It is told by a hash of the trace id alone, so each operation has the same chance, again and again."""
    ids = (f"{number:032x}" for number in (1, 2, 3, 3))
    lowest = sorted(ids, key=lambda trace_id: hashlib.md5(trace_id.encode()).hexdigest())[:3]

    assert [row.trace_id for row in source.roots(most=3).rows] == lowest


def test_entities_add_up_by_operation(source: Viewed):
    """Weights, errors, breaches and time of those that named one; items where they said any."""
    found = {row.entity_id: row for row in source.entities().rows}

    assert list(found) == ["7", "8"]
    assert found["7"] == EntityRow(
        service="shop", operation="GET /a", entity_type="order", entity_id="7", count=1.0, errors=0.0, breached=0.0,
        samples=1, duration_s=0.1, duration_max_s=0.1, scale=6, buckets=((index_of(0.1), 1.0),), queries=5.0,
        queries_max=5, db_s=0.034, items=5.0, items_s=0.1,
    )  # fmt: skip
    second = found["8"]
    assert (second.count, second.errors, second.breached, second.samples) == (4.0, 4.0, 4.0, 1)
    assert (second.duration_s, second.queries, second.items) == (1.6, 20.0, None)


@pytest.mark.parametrize(
    ("ask", "entity", "ids"),
    [
        (Ask(), ("order", None), ["7", "8"]),
        (Ask(), ("order", "8"), ["8"]),
        (Ask(), ("user", None), []),
        (Ask(version="1"), (None, None), ["7"]),
        (Ask(operation="job"), (None, None), []),
        (Ask(start_ns=START_NS + 61 * SECOND), (None, None), ["8"]),
        (Ask(end_ns=START_NS + 61 * SECOND), (None, None), ["7"]),
    ],
)
def test_one_entity_or_type(source: Viewed, ask: Ask, entity: tuple[str | None, str | None], ids: list[str]):
    """As asked for; what is estimated from spans is told by the nanosecond."""
    assert [row.entity_id for row in source.entities(ask, *entity).rows] == ids


def test_steps_hold_what_began_in_them(source: Viewed):
    """Without metrics they are estimated from the weights, and that is said."""
    found = source.steps(60)

    assert {(row.start_ns - START_NS) // SECOND: row.operation for row in found.rows if row.kind == "consumer"} == {
        0: "job"
    }
    (late,) = (row for row in found.rows if row.start_ns > START_NS)
    assert late == StepRow(
        start_ns=START_NS + 60 * SECOND, service="shop", operation="GET /a", kind="server", count=4.0, errors=4.0,
        bad=4.0, duration_s=1.6, queries=20.0, db_s=0.136, scale=6, buckets=((index_of(0.4), 4.0),), estimated=True,
    )  # fmt: skip
    assert found.notes == ("shop: hours without metrics are estimated from 4 sampled operations",)


def test_a_finding_of_a_span_that_came_twice_counts_once(source: Viewed):
    """And only for what is asked for."""
    assert [(row.operation, row.events, row.repeats_sum) for row in source.read().findings] == [("GET /a", 1, 10)]
    assert source.read(Ask(version="2")).findings == ()


def test_estimates_say_how_sure_they_are(source: Viewed):
    """The variance is the sum of w(w - 1), and so many spans were seen."""
    rows = {(row.operation, row.status): row for row in source.read().histograms if row.metric.endswith("n.duration")}

    assert {key: (row.count, row.samples, row.variance) for key, row in rows.items()} == {
        ("GET /a", "ok"): (1, 1, 0.0),
        ("GET /a", "error"): (4, 1, 12.0),
        ("GET /b", "ok"): (1, 1, 0.0),
        ("job", "ok"): (2, 1, 2.0),
    }


def test_a_trace_is_whole_and_in_order(source: Viewed):
    """Each span once; nothing of another trace; upper case is the same id."""
    found = source.trace(f"{1:032X}")

    assert [(span.name, span.start_ns - START_NS) for span in found] == [
        ("GET /a", 0),
        ("SELECT f1", MS),
        ("SELECT f2", 20 * MS),
    ]
    assert source.trace("f" * 32) == ()


@pytest.mark.parametrize("wrong", ["", "12", "g" * 32, "' OR 1=1 --"])
def test_what_is_no_trace_id_is_refused(source: Viewed, wrong: str):
    """Nothing else than an id reaches a database."""
    with pytest.raises(SourceError) as refused:
        source.trace(wrong)

    assert str(refused.value) == f"{wrong!r} is no trace id: it has 32 hexadecimal digits"


def test_names_are_never_sql(source: Viewed):
    """What a name says is compared, not run."""
    hostile = "'; DROP TABLE spans; --"
    ask = Ask(service=hostile, environment=hostile, version=hostile, operation=f"{hostile}[")

    assert source.read(ask).histograms == ()
    assert (source.statements(ask).rows, source.roots(ask).rows) == ((), ())
    assert (source.steps(60, ask).rows, source.entities(ask, hostile, hostile).rows) == ((), ())


def test_a_summary_without_a_histogram_counts_as_its_mean(tmp_path: Path):
    """Whoever wrote it said at least how many there were and how long they took."""
    said = {"aggregation__is_summary": True, "aggregation__span_count": 4, "aggregation__duration_total_ns": 40 * MS}
    root = span(1, 1, "GET /", kind=2, took_ms=100)
    source = of_files(tmp_path, [request([root, query(1, 2, "f1", parent=1, took_ms=60, **said)])])

    (found,) = source.statements().rows

    assert (found.calls, found.total_s, found.buckets) == (4.0, 0.04, ((index_of(0.01), 4.0),))
