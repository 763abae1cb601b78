"""Each capability is switched off and on while a server is under load: what it does goes, all else stays."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_verein.config import Config
from otel_verein.config.schema import Capabilities, Sampling
from otel_verein.processors import VereinSpanProcessor
from otel_verein.tracing import VereinTracerProvider
from tests import loss, segments
from tests.e2e.config_fleet import LENIENT, SITE, Load, await_in_force, judged, write
from tests.e2e.jobs import QUIET
from tests.e2e.launch import Server, gunicorn
from tests.e2e.robust import faults, settled

ALL_ON = """\
sampling: {ratio: 0}
thresholds:
  {duration_s: 60, duration_critical_s: 90, db_duration_s: 60, db_duration_critical_s: 90, operations: [
    {operation: "*/slow", duration_s: 0.05, duration_critical_s: 60}]}
n_plus_one: {repeats: 5, certain_repeats: 5}
"""
PAGES = {"fine": 8, "loop": 6, "slow": 4, "fail": 2}
"""How often each page is asked for in a phase; they run 2, 6, 1 and 2 queries."""

SUMMARY = "aggregation.is_summary"


@dataclass(frozen=True)
class Figures:
    """What the telemetry says of the requests of one phase; None where it says nothing."""

    started: int | None
    queries: int | None
    breaches: dict[str, int]
    kept: dict[str, int]
    sampled_out: int
    found: int
    """Findings on metrics."""
    traces: int
    alone: int
    """Traces that stand for themselves only."""
    tagged: int
    """Traces with the number of their queries."""
    accused: int
    """Traces with the budgets that they broke."""
    events: int
    """Findings on traces."""
    query_spans: int
    summaries: int


WITH_ALL = Figures(
    started=20,
    queries=8 * 2 + 6 * 6 + 4 * 1 + 2 * 2,
    breaches={"n_plus_one": 6, "duration": 4, "error": 2, "any": 6},
    kept={"n_plus_one": 6, "breach": 4, "error": 2},
    sampled_out=8,
    found=6,
    traces=12,
    alone=12,
    tagged=12,
    accused=12,
    events=6,
    query_spans=6 * 1 + 4 * 1 + 2 * 2,  # of a loop the slowest query stays whole
    summaries=6,
)
NOTHING = Figures(None, None, {}, {}, 0, 0, 0, 0, 0, 0, 0, 0, 0)
WITHOUT = {
    "recording": NOTHING,
    "counting": replace(
        WITH_ALL,
        queries=None,
        breaches={"duration": 4, "error": 2, "any": 6},
        kept={"breach": 4, "error": 2},
        sampled_out=14,
        found=0,
        traces=6,
        alone=6,
        tagged=0,
        accused=6,
        events=0,
        query_spans=0,
        summaries=0,
    ),
    "tagging": replace(WITH_ALL, tagged=0, accused=0, events=0),
    "sampling": replace(
        WITH_ALL,
        kept=WITH_ALL.kept | {"sampled": 8},
        sampled_out=0,
        traces=20,
        alone=20,
        tagged=20,
        query_spans=WITH_ALL.query_spans + 8 * 2,
    ),
    "compression": replace(WITH_ALL, query_spans=6 * 6 + 4 * 1 + 2 * 2, summaries=0),
    "metrics": replace(WITH_ALL, started=None, queries=None, breaches={}, kept={}, sampled_out=0, found=0),
}
"""By capability, what is said while it is off."""

BESIDE = "recording, beside a span processor of the application"
RUNS = {**{name: name for name in WITHOUT}, BESIDE: "recording"}


@dataclass(frozen=True)
class Run:
    """A server whose capability was switched off and on again, and that has ended."""

    directory: Path
    output: str
    statuses: dict[str, Counter[int]]
    """How the application answered, by path."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """All of RUNS, which run side by side."""
    directories = [tmp_path_factory.mktemp("capability") for _ in RUNS]
    with ThreadPoolExecutor(len(RUNS)) as pool:
        return dict(zip(RUNS, pool.map(_run, RUNS, directories), strict=True))


def _run(name: str, directory: Path) -> Run:
    off = f"{ALL_ON}capabilities: {{{RUNS[name]}: false}}\n"
    statuses: dict[str, Counter[int]] = {}
    write(directory / "verein.yaml", ALL_ON)
    command = gunicorn("-w", "1", "--threads", "4", app="config_capabilities:app", runner=QUIET)
    with Server(command, directory, {"BESIDE": "1"} if name == BESIDE else {}) as server:
        _ask(server, "before", statuses)
        _turn(server, directory, off, "turning")
        _ask(server, "without", statuses)
        _turn(server, directory, ALL_ON, "returning")
        _ask(server, "after", statuses)
        server.terminate()
        return Run(directory, server.output, statuses)


def _ask(server: Server, phase: str, statuses: dict[str, Counter[int]]) -> None:
    paths = [f"/{phase}/{page}" for page, times in PAGES.items() for _ in range(times)]
    for answer in server.get_all(paths):
        statuses.setdefault(paths[answer.number], Counter())[answer.status] += 1


def _turn(server: Server, directory: Path, text: str, phase: str) -> None:
    with Load(server, 2, f"/{phase}/slow", f"/{phase}/loop", f"/{phase}/slow", f"/{phase}/fine"):
        write(directory / "verein.yaml", text)
        await_in_force(directory, text, 1)


@pytest.mark.parametrize("name", RUNS)
def test_capability_off_takes_what_it_does_and_nothing_else(name: str, runs: dict[str, Run]) -> None:
    """Before, without and after: exactly the figures that hold then, and the application answers as ever."""
    run = runs[name]

    assert WITH_ALL == _figures(run.directory, "before")
    assert WITHOUT[RUNS[name]] == _figures(run.directory, "without")
    assert WITH_ALL == _figures(run.directory, "after")
    assert _all_answers() == run.statuses, run.output
    assert {} == faults(run.directory)


@pytest.mark.parametrize("name", RUNS)
def test_capability_off_or_on_every_loss_is_told(name: str, runs: dict[str, Run]) -> None:
    """What metrics call exported is in the files, and nothing was dropped, whatever is switched."""
    written = runs[name].directory / ".verein/otlp"
    balance = loss.total(loss.of_files(written))

    assert (loss.roots_of_files(written).total(), 0) == (balance.exported, balance.dropped.total())


def test_span_processor_of_the_application_sees_all_spans_without_recording(runs: dict[str, Run]) -> None:
    """What the application added beside ours goes on, as before and after."""
    names = Counter((runs[BESIDE].directory / "beside.txt").read_text().splitlines())

    for phase in ("before", "without", "after"):
        assert {page: names[f"GET /{phase}/{page}"] for page in PAGES} == PAGES


def _all_answers() -> dict[str, Counter[int]]:
    return {
        f"/{phase}/{page}": Counter({500 if page == "fail" else 200: times})
        for phase in ("before", "without", "after")
        for page, times in PAGES.items()
    }


def _figures(directory: Path, phase: str) -> Figures:
    points = [
        point
        for point in segments.points(directory / ".verein/otlp")
        if str(point.attributes.get("verein.operation.name", "")).startswith(f"GET /{phase}/")
    ]
    traces, queries = _spans(directory, phase)
    summaries = [each for each in queries if each.get(SUMMARY)]
    return Figures(
        started=_count(points, "verein.operation.duration"),
        queries=_sum(points, "verein.operation.db.queries"),
        breaches=_by(points, "verein.operation.breaches", "verein.breach"),
        kept=_by(points, "verein.operation.kept", "verein.keep_reason"),
        sampled_out=sum(_by(points, "verein.operation.sampled_out", "").values()),
        found=sum(_by(points, "verein.findings", "").values()),
        traces=len(traces),
        alone=sum("th:0" in each.get("traceState", "") for each in traces),
        tagged=sum("verein.db.query_count" in segments.attributes(each) for each in traces),
        accused=sum("verein.breach" in segments.attributes(each) for each in traces),
        events=sum(event["name"] == "verein.finding" for each in traces for event in each.get("events", [])),
        query_spans=len(queries) - len(summaries),
        summaries=len(summaries),
    )


def _spans(directory: Path, phase: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The root spans of *phase*, and the attributes of the query spans below them."""
    spans = [span for _, span in segments.spans(directory / ".verein/otlp")]
    roots = [each for each in spans if each["name"].startswith(f"GET /{phase}/") and not each.get("parentSpanId")]
    traces = {each["traceId"] for each in roots}
    below = [segments.attributes(each) for each in spans if each["traceId"] in traces and each.get("parentSpanId")]
    return roots, [each for each in below if "db.system.name" in each]


def _count(points: list[segments.Point], metric: str) -> int | None:
    return sum(int(point.data["count"]) for point in points if point.metric == metric) or None


def _sum(points: list[segments.Point], metric: str) -> int | None:
    return round(sum(float(point.data["sum"]) for point in points if point.metric == metric)) or None


def _by(points: list[segments.Point], metric: str, attribute: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for point in points:
        if point.metric == metric:
            found[str(point.attributes.get(attribute))] += int(point.data["asInt"])
    return dict(found)


def test_process_that_starts_without_recording_can_be_switched_on(tmp_path: Path) -> None:
    """It looks at the configuration although no operation begins, and from then on all is recorded."""
    write(tmp_path / "verein.yaml", f"{LENIENT}capabilities: {{recording: false}}\n")
    with Server(gunicorn("-w", "1", app=SITE, runner=QUIET), tmp_path) as server:
        assert server.get(0, "/busy/2/0").status == 200
        with Load(server, 1, "/busy/5/5"):
            write(tmp_path / "verein.yaml", LENIENT)
            await_in_force(tmp_path, LENIENT, 1)
        recorded = server.get_all(["/busy/3/0"] * 5)
        server.terminate()

    found = settled(tmp_path)
    assert {200} == {answer.status for answer in recorded}
    assert found.started == len(judged(tmp_path)[recorded[0].pid])
    of_the_load = found.started - len(recorded)
    assert len(recorded) * 3 + of_the_load * 5 == found.queries


def test_what_began_without_recording_stays_unrecorded_with_all_below_it() -> None:
    """No part of it becomes an operation of its own, whatever is switched on before it ends."""
    exporter = InMemorySpanExporter()
    on = Config(sampling=Sampling(ratio=1.0))
    processor = VereinSpanProcessor(exporter, replace(on, capabilities=Capabilities(recording=False)))
    tracer = VereinTracerProvider(processor, shutdown_on_exit=False).get_tracer("test")

    with tracer.start_as_current_span("GET /"):
        with tracer.start_as_current_span("before"):
            processor.reconfigure(on)
            tracer.start_span("below").end()
        tracer.start_span("beside").end()
    tracer.start_span("GET /next").end()
    processor.shutdown()

    assert ["GET /next"] == [span.name for span in exporter.get_finished_spans()]
