"""A real Jaeger as a source: what was sent to it is what is read from it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_verein import semconv
from otel_verein.api.places import source_of
from otel_verein.config.schema import Config
from otel_verein.errors import SourceError
from otel_verein.sources.backend import Backend
from otel_verein.sources.base import Ask
from otel_verein.sources.jaeger import Jaeger as JaegerSource
from otel_verein.sources.messages import Messages
from tests.services.jaeger import Jaeger
from tests.services.ports import LOOPBACK
from tests.services.process import wait_until
from tests.services.same_answers import figures, ordered, runs, said
from tests.services.store_load import Load, Traffic
from tests.services.traces_drawn import n_plus_one, trace

Json = dict[str, Any]
BEGIN = 1_764_072_000_000_000_000
SECOND = 1_000_000_000
MANY = 700
WINDOW = Ask(start_ns=BEGIN, end_ns=BEGIN + 3600 * SECOND)
SHOP, STOCK = "shop", "läger/b 😀"
HUGE, EDGE = 900_001, 900_002
HUGE_AT, EDGE_AT = BEGIN + 7200 * SECOND, BEGIN + 10_800 * SECOND + 123_456_789


def many() -> list[Json]:
    """More than an answer holds: of two services, some that stand for two, some failed, some with an N+1."""
    return [
        trace(
            number,
            BEGIN + number * 2 * SECOND + number * 1001,
            service=STOCK if number % 3 == 0 else SHOP,
            operation=f"GET /größe/{number % 4}",
            threshold="8" if number % 5 == 0 else "0",
            failed=number % 7 == 0,
            version="2.0" if number > MANY / 2 else "1.0",
            finding=n_plus_one(BEGIN + number * 2 * SECOND, 10 + number % 3) if number % 10 == 0 else None,
        )
        for number in range(1, MANY + 1)
    ]


def others() -> list[Json]:
    """Apart from them in time: a huge trace, and one whose begin is known to the nanosecond."""
    return [trace(HUGE, HUGE_AT, service="huge", queries=4999), trace(EDGE, EDGE_AT, service="edge")]


def send(jaeger: Jaeger, requests: Iterable[Json]) -> None:
    """Send them as OTLP/JSON, several to a request."""
    waiting: list[Any] = []
    for request in (*requests, None):
        waiting += [] if request is None else request["resourceSpans"]
        if waiting and (request is None or len(waiting) >= 200):
            body = json.dumps({"resourceSpans": waiting}).encode()
            headers = {"Content-Type": "application/json"}
            asked = urllib.request.Request(f"http://{jaeger.http_endpoint}/v1/traces", body, headers)
            with urllib.request.urlopen(asked, timeout=60) as answer:
                assert 200 == answer.status
            waiting = []


@pytest.fixture(scope="module")
def jaeger() -> Iterator[Jaeger]:
    """A Jaeger that holds all traces."""
    with Jaeger() as server:
        send(server, (*many(), *others()))
        ends = ((MANY, SHOP if MANY % 3 else STOCK), (HUGE, "huge"), (EDGE, "edge"))
        assert wait_until(lambda: all(server.trace(f"{number:032x}") is not None for number, _ in ends), 30)
        yield server


@pytest.fixture(scope="module")
def source(jaeger: Jaeger) -> JaegerSource:
    """The source under test."""
    return JaegerSource(Backend(jaeger.query_url))


@pytest.fixture(scope="module")
def files() -> Messages:
    """The same traces as files would have them."""
    return Messages([json.dumps(each).encode() for each in (*many(), *others())], "files")


def test_all_traces_are_read_though_they_are_more_than_an_answer_holds(source: JaegerSource) -> None:
    """Each once, and without a note that any is missing."""
    roots = source.roots(WINDOW, most=10_000)

    assert list(range(1, MANY + 1)) == sorted(int(each.trace_id, 16) for each in roots.rows)
    assert (MANY, ()) == (roots.kept, roots.notes)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(WINDOW, id="all"),
        pytest.param(replace(WINDOW, service=STOCK), id="service"),
        pytest.param(replace(WINDOW, version="2.0", operation="GET /größe/[12]"), id="version-and-operation"),
        pytest.param(replace(WINDOW, start_ns=BEGIN + 607 * SECOND, end_ns=BEGIN + 1301 * SECOND + 5), id="time"),
    ],
)
def test_figures_are_those_of_files(source: JaegerSource, files: Messages, ask: Ask) -> None:
    """Estimated from the same traces by the same weights; findings with all that is known of them."""
    assert figures(files.read(ask)) == figures(source.read(ask))
    assert ordered(files.statements(ask).rows) == ordered(source.statements(ask).rows)
    assert ordered(files.entities(ask).rows) == ordered(source.entities(ask).rows)
    assert ordered(files.steps(60, ask).rows) == ordered(source.steps(60, ask).rows)
    assert files.roots(ask, 50).rows == source.roots(ask, 50).rows


def test_counts_are_by_weight(source: JaegerSource) -> None:
    """Every fifth trace stands for two."""
    tables = source.read(WINDOW)

    durations = [each for each in tables.histograms if each.metric == semconv.METRIC_DURATION]
    assert MANY + MANY // 5 == sum(each.count for each in durations)
    assert MANY == sum(each.samples for each in durations)
    assert {True} == {each.estimated for each in durations}


def test_findings_have_their_stack(source: JaegerSource) -> None:
    """A list, though Jaeger's storage makes a text of it."""
    findings = source.read(WINDOW).findings

    assert MANY // 10 == sum(each.events for each in findings)
    assert {("/srv/app/views.py:42 in index", "/srv/app/urls.py:7 in route")} == {each.stack for each in findings}


def test_what_the_sdk_writes_is_the_same_from_files_and_from_jaeger(jaeger: Jaeger, tmp_path: Path) -> None:
    """Operations as our SDK exports them: summary spans, entities, errors and findings."""
    traffic = Traffic(operations=1500, seconds=600, services=2, begin_ns=BEGIN + 40 * 3600 * SECOND)
    Load(traffic).write(tmp_path)
    lines = [line for file in sorted(tmp_path.glob("spans/**/*")) if file.is_file() for line in file.open("rb")]
    send(jaeger, map(json.loads, lines))
    ask = Ask(start_ns=traffic.begin_ns, end_ns=traffic.begin_ns + 700 * SECOND)
    files = Messages(lines, "files")
    source = JaegerSource(Backend(jaeger.query_url, traces=10_000))

    expected = files.roots(ask, 10_000)
    assert wait_until(lambda: source.roots(ask, 10_000).kept == expected.kept, 30)

    tables = source.read(ask)
    assert expected.kept > 200
    assert figures(files.read(ask)) == figures(tables)
    assert len(tables.findings) > 3
    assert runs(files.statements(ask).rows) == runs(source.statements(ask).rows)
    assert len(source.entities(ask).rows) > 10
    assert {each.trace_id for each in expected.rows} == {each.trace_id for each in source.roots(ask, 10_000).rows}


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "found"),
    [
        pytest.param(EDGE_AT, EDGE_AT + 1, 1, id="its-nanosecond"),
        pytest.param(EDGE_AT - 1, EDGE_AT, 0, id="the-one-before"),
        pytest.param(EDGE_AT + 1, EDGE_AT + SECOND, 0, id="the-one-after"),
        pytest.param(EDGE_AT - SECOND, EDGE_AT + SECOND, 1, id="around"),
    ],
)
def test_the_window_is_exact_to_the_nanosecond(source: JaegerSource, start_ns: int, end_ns: int, found: int) -> None:
    """Jaeger knows microseconds, and gives traces of which any span is within."""
    roots = source.roots(Ask(start_ns=start_ns, end_ns=end_ns))

    assert found == len(roots.rows)


def test_of_more_traces_than_may_be_fetched_the_newest_count(jaeger: Jaeger) -> None:
    """Nothing of the older ones is in the figures, and it is said since when."""
    source = JaegerSource(Backend(jaeger.query_url, traces=100))

    roots = source.roots(WINDOW, most=1000)

    numbers = sorted(int(each.trace_id, 16) for each in roots.rows)
    assert list(range(MANY + 1 - len(numbers), MANY + 1)) == numbers
    assert 90 <= len(numbers) <= 100
    (note,) = roots.notes
    assert note.startswith(
        f"{source.name}: there are more traces than 100; figures are of the newest {len(numbers)}, since 2025-11-25 12:"
    )


def test_without_a_time_all_of_the_last_year_is_read(jaeger: Jaeger) -> None:
    """The machine's clock tells what that is; these traces are of its last hour."""
    import time

    now_ns = time.time_ns()
    send(jaeger, [trace(800_000 + each, now_ns - each * SECOND, service="recent") for each in range(1, 30)])
    source = JaegerSource(Backend(jaeger.query_url))
    ask = Ask(service="recent")

    assert wait_until(lambda: source.roots(ask).kept == 29, 30)

    assert (f"{source.name}: looked back 366 days; what is older has to be asked for by its time",) == source.roots(
        ask
    ).notes


def test_a_huge_trace_is_read_whole(source: JaegerSource) -> None:
    """5,000 spans, by its id and in the figures."""
    spans = source.trace(f"{HUGE:032x}")
    statements = source.statements(Ask(start_ns=HUGE_AT, end_ns=HUGE_AT + SECOND, service="huge"))

    assert 5000 == len(spans)
    assert [4999] == [each.samples for each in statements.rows]


def test_a_trace_by_its_id_is_that_of_files(source: JaegerSource, files: Messages) -> None:
    """Every span with its times, status, attributes and events; none of a trace that is not there."""
    for number in (1, 10, 70, EDGE):
        expected, actual = files.trace(f"{number:032x}"), source.trace(f"{number:032X}")

        assert [said(each) for each in expected] == [said(each) for each in actual]
    assert () == source.trace("f" * 32)


def test_the_address_leads_to_it(jaeger: Jaeger) -> None:
    """As ``--source`` and ``source.address`` say it."""
    found = source_of(Config(), f"jaeger:{jaeger.query_url}/")

    assert f"jaeger:{jaeger.query_url}" == found.name
    assert 1 == len(found.roots(Ask(start_ns=EDGE_AT, end_ns=EDGE_AT + 1)).rows)


def test_the_port_that_takes_spans_is_told_from_that_of_questions(jaeger: Jaeger) -> None:
    """It answers HTTP, too, but knows no such path."""
    with pytest.raises(SourceError) as caught:
        JaegerSource(Backend(f"http://{jaeger.http_endpoint}")).read(WINDOW)

    assert str(caught.value) == (
        f"jaeger:http://{jaeger.http_endpoint}: answers 404 (404 page not found); is this the port of its query "
        "service (16686), not one that takes spans (4318)? And is a path before `/api` missing in the address?"
    )


def test_a_port_of_grpc_is_told_from_that_of_questions(jaeger: Jaeger) -> None:
    """It breaks the connection."""
    with pytest.raises(SourceError) as caught:
        JaegerSource(Backend(f"http://{jaeger.grpc_endpoint}")).read(WINDOW)

    assert str(caught.value).endswith(
        "; is this the port of its query service (16686), not one that takes spans (4318)?"
    )


def test_a_path_that_is_not_its_own_is_an_error(jaeger: Jaeger) -> None:
    """Its user interface answers to every path, with a page."""
    with pytest.raises(SourceError) as caught:
        JaegerSource(Backend(f"{jaeger.query_url}/jaeger")).read(WINDOW)

    assert "answers with a web page in place of JSON" in str(caught.value)


def test_a_jaeger_that_is_down_is_an_error() -> None:
    """After it ended; a new one of its own, since the others' is needed."""
    with Jaeger() as server:
        source = JaegerSource(Backend(server.query_url))
        before = source.read(WINDOW)
        server.kill()
        with pytest.raises(SourceError) as caught:
            source.read(WINDOW)

    assert () == before.histograms
    assert str(caught.value).startswith(f"{source.name}: cannot be reached (Connection refused); is Jaeger running?")
    assert LOOPBACK in source.name
