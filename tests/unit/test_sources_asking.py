"""Counts, steps and entities of a store and of files: parts add up to the whole, whatever is asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from otel_verein import semconv
from otel_verein.config.schema import Config
from otel_verein.errors import MissingExtraError
from otel_verein.sources import asking_spans
from otel_verein.sources.base import Ask, Steps, Tables
from otel_verein.sources.messages import Messages
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.sources.store import StoreSource
from otel_verein.sources.viewed import Needs, Viewed
from otel_verein.store.ingest import ingest
from otel_verein.store.journal import Journal
from otel_verein.store.layout import HOUR_S, NANOSECONDS, Level, Store
from otel_verein.store.rollup import roll
from tests.services.store_load import Load, Traffic
from tests.services.store_truth import Truth
from tests.unit.otlp_lines import START_NS, counter, metrics_request, operation_metrics, write
from tests.unit.source_world import ALL_REQUESTS, CONFIG, MS, SECOND, request, span
from tests.unit.store_rolling import expire

HOURS = 2
TRAFFIC = Traffic(
    operations=600, seconds=HOURS * HOUR_S, seed=7, unmeasured=frozenset({"worker"}), segment_age_s=HOUR_S,
    interval_s=60,
)  # fmt: skip
END_S = TRAFFIC.begin_ns // NANOSECONDS + TRAFFIC.seconds
DAY_S = 86_400


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, Path]:
    """Two hours of two measured services and one that is not."""
    root = tmp_path_factory.mktemp("traffic")
    return Load(TRAFFIC).write(root / "otlp"), root


@pytest.fixture(scope="module", params=["files", "detail", "rolled"])
def source(
    request: pytest.FixtureRequest, truth: tuple[Truth, Path], tmp_path_factory: pytest.TempPathFactory
) -> Viewed:
    """The same, as files, as detail in a store, and rolled up."""
    _, root = truth
    if request.param == "files":
        return OtlpFiles(root / "otlp")
    store = Store(tmp_path_factory.mktemp("store"))
    with Journal.opened(store, create=True):
        pass
    ingest(store, [root / "otlp"], replace(CONFIG.store, keep_segments=True))
    if request.param == "rolled":
        roll(store, CONFIG, float(END_S + 2 * DAY_S))
    return StoreSource(store, (), CONFIG.store)


def operations_of(tables: Tables) -> Counter[str]:
    """How many there were, by service."""
    found: Counter[str] = Counter()
    for row in tables.histograms:
        if row.metric == semconv.METRIC_DURATION:
            found[row.service] += row.count
    return found


@pytest.mark.parametrize("step_s", [300, 7200])
def test_steps_add_up_to_the_whole(source: Viewed, step_s: int):
    """Counts, errors, bad ones, queries and times of all steps are those of one reading."""
    whole, steps = source.read(), source.steps(step_s)

    counted: Counter[str] = Counter()
    for row in steps.rows:
        counted[row.service] += row.count  # type: ignore[assignment]
    assert {service: round(count) for service, count in counted.items()} == pytest.approx(operations_of(whole), abs=20)
    measured = [row for row in steps.rows if row.service != "worker"]
    assert sum(row.count for row in measured) == sum(
        row.count for row in whole.histograms if row.metric == semconv.METRIC_DURATION and row.service != "worker"
    )
    assert sum(row.errors for row in measured) == sum(
        row.count
        for row in whole.histograms
        if row.metric == semconv.METRIC_DURATION and row.service != "worker" and row.status == "error"
    )
    assert sum(row.bad for row in measured) == sum(
        row.value
        for row in whole.counters
        if row.metric == semconv.METRIC_BREACHES and row.detail == "any" and row.service != "worker"
    )
    assert sum(row.queries or 0 for row in measured) == sum(
        row.total or 0 for row in whole.histograms if row.metric == semconv.METRIC_QUERIES and row.service != "worker"
    )
    assert all(sum(number for _, number in row.buckets) <= row.count * (1 + 1e-9) for row in steps.rows)
    assert {row.start_ns % (step_s * NANOSECONDS) for row in steps.rows} == {0}
    assert not steps.mixed


def test_steps_are_of_their_time(source: Viewed):
    """Every hour has what its own window has."""
    begin = TRAFFIC.begin_ns
    by_hour: Counter[int] = Counter()
    for row in source.steps(HOUR_S).rows:
        if row.service == "shop":
            by_hour[(row.start_ns - begin) // (HOUR_S * NANOSECONDS)] += round(row.count)

    windows = {
        hour: operations_of(
            source.read(Ask(begin + hour * HOUR_S * NANOSECONDS, begin + (hour + 1) * HOUR_S * NANOSECONDS))
        )["shop"]
        for hour in range(HOURS)
    }

    assert dict(by_hour) == windows


@pytest.mark.parametrize(
    "parts",
    [
        [Ask(service=name) for name in ("shop", "worker", "payments")],
        [Ask(version="2026.3"), Ask(version="none such")],
        [Ask(environment="production"), Ask(environment="staging")],
        [Ask(operation="GET *"), Ask(operation="POST *"), Ask(operation="[!GP]*"), Ask(operation="P[!O]*")],
    ],
    ids=["services", "versions", "environments", "operations"],
)
def test_parts_are_the_whole(source: Viewed, parts: list[Ask]):
    """What is asked for in parts adds up; findings and entities, too."""
    whole, read = source.read(), [source.read(ask) for ask in parts]

    assert sum(operations_of(each).total() for each in read) == operations_of(whole).total()
    assert sum(row.events for each in read for row in each.findings) == sum(row.events for row in whole.findings)
    entities = [row.count for ask in parts for row in source.entities(ask).rows]
    assert sum(entities) == pytest.approx(sum(row.count for row in source.entities().rows))


def test_findings_and_roots_are_those_of_the_truth(source: Viewed, truth: tuple[Truth, Path]):
    """Each finding event counts; each kept operation is a root with its weight."""
    known, _ = truth

    roots = source.roots(most=100_000)

    assert sum(row.events for row in source.read().findings) == known.totals["events"]
    assert roots.kept == len(roots.rows) == sum(known.roots.values())
    assert sum(row.weight for row in roots.rows) == pytest.approx(sum(known.weights.values()))
    assert sum(row.count for row in source.entities().rows) == pytest.approx(
        sum(row.weight for row in roots.rows if row.entity_type is not None)
    )


def test_one_entity_is_the_row_of_all(source: Viewed):
    """However it is asked for."""
    rows = source.entities().rows
    chosen = rows[len(rows) // 2]

    found = source.entities(Ask(), chosen.entity_type, chosen.entity_id).rows

    assert chosen in found
    assert list(found) == [
        row for row in rows if (row.entity_type, row.entity_id) == (chosen.entity_type, chosen.entity_id)
    ]


def test_of_many_spans_a_sample_of_traces_is_taken(source: Viewed):
    """Whole traces, with as much more weight; the note says how many. The sum is unbiased: here within 4 sigma."""
    whole = source.statements()
    total = sum(row.calls for row in whole.rows)
    question: Callable[..., asking_spans.Statements] = lambda reading: asking_spans.statements(reading, Ask(), 200)  # noqa: E731

    found = source._answered(question, Needs(("copies",), roots=False))

    (note,) = found.notes
    assert note.startswith(f"statements are estimated from a sample of {found.traces} traces: one in ")
    every = int(note.split("one in ")[1].split()[0])
    assert found.traces < whole.traces / 2
    assert sum(row.samples for row in found.rows) < sum(row.samples for row in whole.rows)
    largest = max(row.calls / row.samples * every for row in whole.rows) * 60  # queries of one operation
    assert abs(sum(row.calls for row in found.rows) - total) <= 4 * (total * largest) ** 0.5


def test_coarser_figures_stand_at_their_beginning(tmp_path: Path):
    """Where detail has gone its hour is one row of finer steps, and a note and a field say so."""
    store = Store(tmp_path)
    with Journal.opened(store, create=True):
        pass
    for minute in (5, 50):
        times = {"start_ns": START_NS + minute * 60 * SECOND, "end_ns": START_NS + minute * 60 * SECOND + 1}
        requests = metrics_request(operation_metrics("GET /", duration=[0.1], **times))
        write(tmp_path / "otlp" / "metrics" / f"{minute}.jsonl", requests)
    ingest(store, [tmp_path / "otlp"], CONFIG.store)
    roll(store, CONFIG, START_NS / NANOSECONDS + 2 * DAY_S)
    before = shown(StoreSource(store).steps(60))

    with Journal.opened(store) as journal:
        expire(store, [file.id for file in journal.files(level=Level.DETAIL)])
    after = StoreSource(store).steps(60)

    assert before == [(300, 1.0), (3000, 1.0)]
    assert (shown(after), after.mixed) == ([(0, 2.0)], True)
    assert after.notes == (
        "of a part of the time only figures by the hour are kept; they stand at the beginning of it",
    )


def shown(steps: Steps) -> list[tuple[int, float]]:
    """Seconds after START_NS and count of each row."""
    return [((row.start_ns - START_NS) // SECOND, row.count) for row in steps.rows]


def test_counters_of_no_operation_belong_to_the_service(tmp_path: Path):
    """They stay when an operation is asked for, and go with another service."""
    lost = counter("verein.export.dropped", 3, verein__drop__reason="queue_full")
    kept = [*operation_metrics("GET /", duration=[0.1], kept=1), *operation_metrics("POST /", duration=[0.1], kept=1)]
    write(tmp_path / "m.jsonl", metrics_request([lost, *kept]))
    source = OtlpFiles(tmp_path)

    def counted(ask: Ask) -> list[tuple[str, str | None, int]]:
        return [(row.metric, row.operation, row.value) for row in source.read(ask).counters]

    assert counted(Ask(operation="GET /")) == [
        ("verein.export.dropped", None, 3),
        ("verein.operation.kept", "GET /", 1),
    ]
    assert counted(Ask(service="other")) == []


def test_a_client_that_was_blamed_is_no_error_of_an_operation(tmp_path: Path):
    """As in the metrics: the span of a 404 may have the status of an error, that of a 500 is one."""
    blamed = span(1, 1, "GET /", kind=2, failed=True, http__response__status_code=404)
    broken = span(2, 2, "GET /", kind=2, failed=True, http__response__status_code=500)
    write(tmp_path / "spans" / "a.jsonl", request([blamed, broken]))
    source = OtlpFiles(tmp_path)

    tables = source.read()

    statuses = {row.status: row.count for row in tables.histograms if row.metric == semconv.METRIC_DURATION}
    assert statuses == {"ok": 1, "error": 1}
    assert {row.detail: row.value for row in tables.counters} == {"any": 1, "error": 1}
    assert sorted((row.error, row.breaches) for row in source.roots().rows) == [(False, ()), (True, ("error",))]


def test_a_window_of_estimates_is_told_by_the_nanosecond(tmp_path: Path):
    """Operations count by their start."""
    spans = [span(number, number, "GET /", kind=2, at_ms=number) for number in (1, 2, 3)]
    write(tmp_path / "spans" / "a.jsonl", request(spans))

    found = OtlpFiles(tmp_path).read(Ask(START_NS + 2 * MS, START_NS + 3 * MS))

    assert operations_of(found) == {"shop": 1}


def test_state_is_the_same_until_something_comes(tmp_path: Path):
    """Of a store and of files; new telemetry, and having stored it, are other states."""
    store = Store(tmp_path)
    with Journal.opened(store, create=True):
        pass
    place = tmp_path / "otlp"
    write(place / "spans" / "a.jsonl", *ALL_REQUESTS[:1])
    of_store, of_files = StoreSource(store, [place]), OtlpFiles(place)
    states = [(of_store.state(), of_files.state())]
    assert states[0] == (of_store.state(), of_files.state())

    write(place / "spans" / "b.jsonl", *ALL_REQUESTS[1:])
    states.append((of_store.state(), of_files.state()))
    ingest(store, [place], replace(Config().store, keep_segments=True))
    states.append((of_store.state(), of_files.state()))

    assert len({state for state, _ in states}) == 3
    assert len({state for _, state in states}) == 2


def test_messages_say_what_could_not_be_taken():
    """With the reason; the others count."""
    good = json.dumps(ALL_REQUESTS[0]).encode()

    found = Messages([b"{oops", good, b""], "backend").read()

    assert operations_of(found) == {"shop": 1}
    assert found.notes == (
        "1 lines of what was answered: not OTLP/JSON; not counted",
        "shop: hours without metrics are estimated from 1 sampled operations",
    )


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    """Messages need what files need."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(MissingExtraError) as missing:
        Messages([], "backend").statements()

    assert str(missing.value) == "report needs pyarrow, which is not installed: pip install 'otel-verein[report]'"
