"""A report over the store says what a report over the segments said, at every stage of their way."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from otel_verein.api.report import Report, report
from otel_verein.config.schema import Config
from otel_verein.errors import SourceError
from otel_verein.sources import OtlpFiles
from otel_verein.sources.store import StoreSource
from otel_verein.store.choose import MINUTE_NS, Bounds
from otel_verein.store.compaction import compact
from otel_verein.store.ingest import ingest
from otel_verein.store.journal import Journal
from otel_verein.store.layout import HOUR_S, NANOSECONDS, Level, Store
from otel_verein.store.rollup import roll
from tests.services.store_load import Load, Traffic
from tests.services.store_truth import Truth
from tests.unit.otlp_lines import (
    START_NS,
    counter,
    finding,
    metric,
    metrics_request,
    operation_metrics,
    series,
    spans_request,
    write,
)

CONFIG = Config()
KEPT = replace(CONFIG.store, keep_segments=True)
DAYS_S = 86_400
EXACT = 1e-9
"""How far sums of seconds may differ, which are added in another order."""
CLOSE = 0.02
"""How far a percentile may be from the one of the spans themselves."""


@dataclass(frozen=True)
class World:
    """A store and the segments that went into it, with their truth."""

    store: Store
    segments: Path
    truth: Truth
    end_s: int

    def source(self) -> StoreSource:
        """The store with what is not stored yet."""
        return StoreSource(self.store, [self.segments], CONFIG.store)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two hours of two measured services and one that is not, some spans sent twice."""
    root = tmp_path_factory.mktemp("world")
    traffic = Traffic(
        operations=2000,
        seconds=2 * HOUR_S,
        seed=5,
        unmeasured=frozenset({"worker"}),
        resend_every=50,
        segment_age_s=HOUR_S,
        interval_s=30,
    )
    truth = Load(traffic).write(root / "otlp")
    return World(Store(root), root / "otlp", truth, traffic.begin_ns // NANOSECONDS + traffic.seconds)


def unstored(world: World) -> None:
    """Nothing is in the store yet."""


def taken(world: World) -> None:
    """Everything is in the store, and the segments stay."""
    ingest(world.store, [world.segments], KEPT)


def compacted(world: World) -> None:
    """The files of each hour are one."""
    compact(world.store, float(world.end_s + DAYS_S))


def rolled(days: int) -> Callable[[World], None]:
    """What rolls up what is due so many days after the last operation."""

    def act(world: World) -> None:
        roll(world.store, CONFIG, float(world.end_s + days * DAYS_S))

    return act


def measured(answer: Report) -> dict[str, Any]:
    """The answer without what is estimated."""
    found = answer.as_dict()
    operations = [each for each in found["operations"] if each["service"] != "worker"]
    return {key: value for key, value in found.items() if key != "health"} | {"operations": operations}


def same(one: Any, other: Any, close: float) -> bool:
    """Whether two JSON values are equal, numbers that are no whole ones within *close* of each other."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], close) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair, close) for pair in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=close)
    return bool(one == other)


def test_every_figure_stays_the_same_on_the_way(world: World):
    """As segments, not stored yet, as detail, compacted, and by hours, days and months the report is the same."""
    with Journal.opened(world.store, create=True):
        pass
    before = measured(report(OtlpFiles(world.segments), CONFIG))
    estimates: list[Any] = []

    for stage in (unstored, taken, compacted, rolled(2), rolled(40)):
        stage(world)
        answer = report(world.source(), CONFIG)
        after = measured(answer)
        assert {key: after[key] for key in before if not same(before[key], after[key], EXACT)} == {}
        estimates.append([each for each in answer.as_dict()["operations"] if each["service"] == "worker"])

    assert [len(each) for each in estimates if not same(each, estimates[0], EXACT)] == []

    with Journal.opened(world.store) as journal:
        assert {Level.HOUR, Level.DAY, Level.MONTH} <= {file.level for file in journal.files()}


def test_estimates_are_what_the_spans_stand_for(world: World):
    """Without metrics an operation is counted by its spans with their weights, and that is said."""
    weights: Counter[tuple[str, str]] = Counter()
    samples = 0
    for ((service, operation, _, status), hour), weight in world.truth.weights.items():
        if service == "worker":
            weights[operation, status] += weight  # type: ignore[assignment]
            samples += world.truth.roots[(service, operation, _, status), hour]
    expected: Counter[str] = Counter()
    for (operation, _), weight in weights.items():
        expected[operation] += round(weight)

    answer = report(world.source(), CONFIG)

    found = {stats.key.operation: stats.count for stats, _ in answer.operations if stats.key.service == "worker"}
    assert found == dict(expected)
    assert answer.notes == (f"worker: hours without metrics are estimated from {samples} sampled operations",)


def made(root: Path) -> Store:
    """An empty store."""
    store = Store(root)
    root.mkdir(parents=True, exist_ok=True)
    with Journal.opened(store, create=True):
        return store


def ingested(root: Path) -> tuple[Store, StoreSource]:
    """A store that holds the segments below ``otlp``, and its source."""
    store = made(root)
    ingest(store, [root / "otlp"], CONFIG.store)
    return store, StoreSource(store, [root / "otlp"], CONFIG.store)


def silent(segment: Path) -> Path:
    """The segment, as one that nobody writes to any more."""
    os.utime(segment, (0, 0))
    return segment


def counts(source: StoreSource) -> dict[str, int]:
    """How many operations of each name there were."""
    found: Counter[str] = Counter()
    for row in source.read().histograms:
        if row.metric == "verein.operation.duration":
            found[row.operation] += row.count
    return dict(found)


def test_growing_segment_counts_from_where_it_was_taken(tmp_path: Path):
    """What came to an open segment after it was taken is counted once, and a line that is not whole yet is not."""
    request = metrics_request(operation_metrics("GET /", duration=[0.1, 0.2]))
    segment = write(tmp_path / "otlp" / "metrics" / "a.jsonl.part", request)
    store, source = ingested(tmp_path)
    before = counts(source)

    with segment.open("a") as file:
        file.write(json.dumps(metrics_request(operation_metrics("GET /", duration=[0.3]))) + "\n")
        file.write(json.dumps(request)[:-20])

    assert (before, counts(source)) == ({"GET /": 2}, {"GET /": 3})
    ingest(store, [tmp_path / "otlp"], CONFIG.store)
    assert counts(source) == {"GET /": 3}


def test_cumulative_counts_go_on_from_the_stored_ones(tmp_path: Path):
    """A point that counts since the start of its process adds what it has more than the last one that was stored."""
    place = tmp_path / "otlp" / "metrics"
    write(place / "a.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1] * 5, temporality=2)))
    _, source = ingested(tmp_path)
    later = operation_metrics("GET /", duration=[0.1] * 8, temporality=2, end_ns=START_NS + 120 * NANOSECONDS)

    write(place / "b.jsonl", metrics_request(later))

    assert counts(source) == {"GET /": 8}


def test_copy_of_a_stored_segment_counts_once(tmp_path: Path):
    """A file with just the content of one that was taken, and has gone since, is not counted again."""
    request = metrics_request(operation_metrics("GET /", duration=[0.1]))
    segment = silent(write(tmp_path / "otlp" / "metrics" / "a.jsonl", request))
    _, source = ingested(tmp_path)
    assert not segment.exists()

    silent(write(tmp_path / "otlp" / "metrics" / "copy.jsonl", request))

    assert counts(source) == {"GET /": 1}


def test_window_is_answered_by_the_minute_while_there_is_detail(tmp_path: Path):
    """Operations of other minutes are left out; the window that was asked for needs no note."""
    for minute in range(3):
        times = {"start_ns": START_NS + minute * MINUTE_NS, "end_ns": START_NS + minute * MINUTE_NS + 1}
        request = metrics_request(operation_metrics(f"GET /{minute}", duration=[0.1], **times))
        write(tmp_path / "otlp" / "metrics" / f"{minute}.jsonl", request)
    store, _ = ingested(tmp_path)

    source = StoreSource(store, window=Bounds(START_NS + MINUTE_NS, START_NS + 2 * MINUTE_NS))

    assert (counts(source), source.read().notes) == ({"GET /1": 1}, ())


def test_late_spans_of_a_measured_service_are_no_estimate(tmp_path: Path):
    """Spans that come after the hour of their service was rolled up by its metrics count nothing more."""
    write(tmp_path / "otlp" / "m.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1])))
    store, source = ingested(tmp_path)
    roll(store, CONFIG, START_NS / NANOSECONDS + 40 * DAYS_S)
    write(tmp_path / "otlp" / "spans" / "late.jsonl", spans_request("GET /", []))

    not_stored = counts(source)
    ingest(store, [tmp_path / "otlp"], CONFIG.store)

    assert (not_stored, counts(source)) == ({"GET /": 1}, {"GET /": 1})


def test_what_was_set_aside_is_said_until_it_is_gone(tmp_path: Path):
    """A line that could not be taken is named, and measured counts may be in it; without its file it is no news."""
    request = metrics_request(operation_metrics("GET /", duration=[0.1]))
    write(tmp_path / "otlp" / "metrics" / "a.jsonl", request, "{oops")
    store, source = ingested(tmp_path)

    tables = source.read()

    assert tables.notes == (f"1 lines in {store.aside}: not OTLP/JSON; not counted",)
    assert tables.metrics_lost
    for file in store.aside.iterdir():
        file.unlink()
    assert (source.read().notes, source.read().metrics_lost) == ((), False)


def test_broken_line_that_is_not_stored_yet_is_said(tmp_path: Path):
    """Segments are judged in the same way before they are taken."""
    write(tmp_path / "otlp" / "metrics" / "a.jsonl", "{oops")
    source = StoreSource(made(tmp_path), [tmp_path / "otlp"])

    tables = source.read()

    assert tables.notes == ("1 lines in segments that are not stored yet: not OTLP/JSON; not counted",)
    assert tables.metrics_lost


def test_processes_are_known_from_the_store_and_beyond(tmp_path: Path):
    """The last word of a process counts, wherever it stands."""

    def told(digest: str, second: int) -> dict[str, Any]:
        own = series(None, verein__config__digest=digest, verein__config__environment="production")
        info = metric("verein.config.info", [(own, {"asInt": "1"})], shape="gauge", end_ns=START_NS + second)
        return metrics_request([info], instance="a")

    write(tmp_path / "otlp" / "metrics" / "a.jsonl", told("one", 1))
    _, source = ingested(tmp_path)
    stored, _ = source.configurations()

    write(tmp_path / "otlp" / "metrics" / "b.jsonl", told("two", 2))
    rows, notes = source.configurations()

    assert [(row.instance, row.digest) for row in stored] == [("a", "one")]
    assert [(row.instance, row.digest, row.seen_ns) for row in rows] == [("a", "two", START_NS + 2)]
    assert notes == ()


def test_findings_of_equal_spans_count_once(tmp_path: Path):
    """A span that is stored and comes again has no second finding."""
    request = spans_request("GET /", [finding(repeats=7)])
    write(tmp_path / "otlp" / "spans" / "a.jsonl", request)
    _, source = ingested(tmp_path)

    write(tmp_path / "otlp" / "spans" / "b.jsonl", request, "")

    assert [(row.events, row.operations, row.repeats_max) for row in source.read().findings] == [(1, 1, 7)]


def test_counters_keep_what_tells_them_apart(tmp_path: Path):
    """A counter of no operation and one of a reason are rows of their own."""
    counters = [
        counter("verein.db.queries.unattributed", 3),
        counter("verein.export.dropped", 2, verein__drop__reason="queue_full"),
    ]
    write(tmp_path / "otlp" / "metrics" / "a.jsonl", metrics_request(counters))
    _, source = ingested(tmp_path)

    rows = {(row.metric, row.operation, row.detail): row.value for row in source.read().counters}

    assert rows == {
        ("verein.db.queries.unattributed", None, None): 3,
        ("verein.export.dropped", None, "queue_full"): 2,
    }


def test_store_that_cannot_be_read_is_a_source_error(tmp_path: Path):
    """A file that the journal has and the disk has not is told, with what looks for the cause."""
    write(tmp_path / "otlp" / "metrics" / "a.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1])))
    store, source = ingested(tmp_path)
    for relative in store.files():
        store.path(relative).unlink()

    with pytest.raises(SourceError, match=r"cannot be read: .*; `otel-verein store verify` tells what is amiss"):
        source.read()
