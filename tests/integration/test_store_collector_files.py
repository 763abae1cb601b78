"""What a real collector wrote, in each form that it can write, is in the store: every span and every count, once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store.ingest import IngestResult, ingest
from otel_verein.store.layout import Store
from otel_verein.store.lock import held
from otel_verein.store.verify import verify
from tests.conftest import absent
from tests.services.collector import Collector, binary
from tests.services.otlp_load import Load, SpanKey, Traffic
from tests.services.otlp_metric_load import MetricLoad
from tests.services.otlp_sender import Sender, Sending, Sent
from tests.services.ports import LOOPBACK, free_port
from tests.services.process import ServiceAbsent, wait_until

NATIVE = ("exporter.file.nativeCompression",)


@dataclass(frozen=True)
class Form:
    """How the collector is told to write."""

    options: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[str, ...] = ()


FORMS = {
    "plain": Form(),
    "zstd": Form({"compression": "zstd"}),
    "zstd as one stream": Form({"compression": "zstd"}, NATIVE),
    "plain, rotated": Form({"rotation": {"max_megabytes": 1}}),
    "zstd, rotated": Form({"compression": "zstd", "rotation": {"max_megabytes": 1}}),
}


def document(options: Mapping[str, Any]) -> str:
    """A collector that writes spans and metrics to files of their own."""
    exporters = {
        f"file/{name}": {"path": f"otlp/{path}", "create_directory": True, **options}
        for name, path in (("spans", "spans/long.jsonl"), ("metrics", "metrics/metrics.jsonl"))
    }
    return json.dumps(
        {
            "extensions": {"health_check": {"endpoint": f"{LOOPBACK}:{free_port()}"}},
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{LOOPBACK}:{free_port()}"}}}},
            "exporters": exporters,
            "service": {
                "extensions": ["health_check"],
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {
                    "traces": {"receivers": ["otlp"], "exporters": ["file/spans"]},
                    "metrics": {"receivers": ["otlp"], "exporters": ["file/metrics"]},
                },
            },
        }
    )


def send(collector: Collector, load: Load, *, metrics: bool = False) -> Sent:
    """Send the spans or the metrics of *load*, in order where that matters; what came of it."""
    url = f"http://{collector.http_endpoint}"
    if metrics:
        return Sender(url, MetricLoad(load).requests(), Sending(connections=1), path="/v1/metrics").run()
    return Sender(url, load.requests()).run()


def take(directory: Path, load: Load, *, closed: bool = True) -> IngestResult:
    """Ingest what the collector has written so far; *closed* files have the names of such."""
    source, store = directory / "otlp", Store(directory / "store")
    if closed:
        for path in [*source.rglob("long.jsonl"), *source.rglob("metrics.jsonl")]:
            path.rename(path.with_name(f"{path.stem}-2026-11-18T12-00-00.000.jsonl"))
    with held(store, "ingest", 0):
        now_ns = load.traffic.begin_ns + 3_600_000_000_000
        result = ingest(store, [source], StoreConfig(), now_ns=now_ns)
    assert () == verify(store).problems
    return result


def rows(directory: Path, kind: str, columns: str, more: str = "") -> list[tuple[Any, ...]]:
    """Columns of all detail of a kind."""
    return duckdb.sql(
        f"SELECT {columns} FROM read_parquet('{directory}/store/detail/{kind}/**/*.parquet') {more}"
    ).fetchall()


def stored(directory: Path) -> Counter[SpanKey]:
    """How often each span is in the store."""
    return Counter(rows(directory, "spans", "lower(hex(trace_id)), lower(hex(span_id))"))


def tiers(directory: Path) -> dict[str, set[SpanKey]]:
    """The spans of each tier."""
    found: dict[str, set[SpanKey]] = {}
    for tier, *key in rows(directory, "spans", "tier, lower(hex(trace_id)), lower(hex(span_id))"):
        found.setdefault(tier, set()).add((key[0], key[1]))
    return found


@pytest.fixture(autouse=True)
def collector_there() -> None:
    """Without the program there is nothing to test."""
    try:
        binary()
    except ServiceAbsent as missing:
        absent(str(missing))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_file_exporter(tmp_path: Path, form: str) -> None:
    """The spans of each tier, and the operations that cumulative metrics counted, are what was sent."""
    load = Load(Traffic(traces=3000, spans_per_request=200))
    with Collector(document(FORMS[form].options), gates=FORMS[form].gates, directory=tmp_path) as collector:
        sent = send(collector, load)
        send(collector, load, metrics=True)
        collector.stop()

    result = take(tmp_path, load)

    name, counted = "verein.operation.duration", 'operation, sum("count")::BIGINT'
    assert (sent.acknowledged_spans, []) == (result.tallies["spans"], result.asides)
    assert load.truth().spans == tiers(tmp_path)
    assert load.operations().total() == result.tallies["operations"]
    assert load.queries() == result.tallies["queries"]
    assert MetricLoad(load).totals() == dict(rows(tmp_path, "points", counted, f"WHERE metric = '{name}' GROUP BY 1"))


@pytest.mark.parametrize("form", ["plain", "zstd"])
def test_file_is_taken_while_the_collector_writes_it(tmp_path: Path, form: str) -> None:
    """Round after round the rest, until the end; what was taken stays."""
    load = Load(Traffic(traces=3000, spans_per_request=50))
    options = {**FORMS[form].options, "flush_interval": "10ms"}
    with Collector(document(options), directory=tmp_path) as collector:
        sending = threading.Thread(target=send, args=(collector, load))
        sending.start()
        rounds, asides = 0, []
        while sending.is_alive() or not rounds:
            result = take(tmp_path, load, closed=False)
            asides += result.asides
            rounds += result.tallies["spans"] > 0
        collector.stop()
    last = take(tmp_path, load, closed=False)

    assert (True, []) == (rounds >= 1, asides + last.asides)
    assert load.truth().all_spans == set(stored(tmp_path))
    assert {1} == set(stored(tmp_path).values())


def test_stream_of_zstd_waits_until_it_is_closed(tmp_path: Path) -> None:
    """Nobody can go on in the middle of it."""
    load = Load(Traffic(traces=300))
    with Collector(document({"compression": "zstd"}), gates=NATIVE, directory=tmp_path) as collector:
        send(collector, load)
        path = tmp_path / "otlp/spans/long.jsonl"
        wait_until(lambda: path.stat().st_size > 0, 10)
        before = take(tmp_path, load, closed=False).tallies["spans"]
        collector.stop()
    after = take(tmp_path, load).tallies["spans"]

    assert (0, len(load.truth().all_spans)) == (before, after)


@pytest.mark.parametrize("form", ["plain", "zstd", "appended", "zstd as one stream"])
def test_collector_that_is_killed_and_goes_on_in_its_file(tmp_path: Path, form: str) -> None:
    """What it had written counts; of each kill one message may be torn, and costs nothing but itself."""
    options = {"append": True} if form == "appended" else {**FORMS[form].options, "rotation": {"max_megabytes": 1}}
    truth: set[SpanKey] = set()
    acknowledged = 0
    with Collector(document(options), gates=FORMS.get(form, Form()).gates, directory=tmp_path) as collector:
        for seed in range(4):
            if seed:
                collector.start()
            load = Load(Traffic(traces=3000, seed=seed, spans_per_request=5))
            kill = threading.Timer(0.3, collector.kill)
            kill.start()
            acknowledged += send(collector, load).acknowledged_spans
            kill.join()
            truth |= load.truth().all_spans
    result = take(tmp_path, load)

    found = stored(tmp_path)
    assert {1} == set(found.values())
    assert set(found) <= truth
    assert len(result.asides) <= 4
    lost = acknowledged - len(found)
    if form == "appended":  # the only one that holds back what it has acknowledged: up to 4 KiB at each kill
        assert lost <= 4 * 5
    elif form != "zstd as one stream" or not result.asides:  # behind where a stream is torn nothing can be read
        assert lost <= 0
    assert len(found) > 0
