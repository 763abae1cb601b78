"""OTLP files: what the tables hold for segments whose content is known."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from otel_verein.errors import MissingExtraError, SourceError
from otel_verein.sources import CounterRow, OtlpFiles, Source, Window
from tests.unit.otlp_lines import (
    END_NS,
    START_NS,
    counter,
    finding,
    histogram_point,
    metric,
    metrics_request,
    operation_metrics,
    series,
    spans_request,
    write,
)

DURATION = "verein.operation.duration"


def counts(source: Source) -> dict[tuple[str, str], int]:
    """The number of values by metric and operation."""
    found: dict[tuple[str, str], int] = {}
    for row in source.read().histograms:
        key = (row.metric, row.operation)
        found[key] = found.get(key, 0) + row.count
    return found


def test_closed_and_open_segments_are_one_series(tmp_path: Path):
    """Segments of one service add up, whether they are closed or still written to."""
    first = metrics_request(operation_metrics("GET /", duration=[0.1, 0.2]))
    second = metrics_request(operation_metrics("GET /", duration=[0.4]), instance="2")
    write(tmp_path / "metrics" / "a.jsonl", first)
    write(tmp_path / "metrics" / "b.jsonl.part", second)

    tables = OtlpFiles(tmp_path).read()

    (row,) = tables.histograms
    assert (row.metric, row.service, row.operation, row.kind, row.status) == (
        DURATION,
        "shop",
        "GET /",
        "server",
        "ok",
    )
    assert (row.count, row.minimum, row.maximum) == (3, 0.1, 0.4)
    assert row.total == pytest.approx(0.7)
    assert sum(amount for _, amount in row.buckets) == 3
    assert tables.window == Window(START_NS, END_NS)
    assert (tables.notes, tables.metrics_lost) == ((), False)


def test_zero_is_measured_and_in_no_bucket(tmp_path: Path):
    """Operations without a query are values of 0, not missing values."""
    write(
        tmp_path / "metrics" / "a.jsonl",
        metrics_request(operation_metrics("GET /", duration=[1.0], queries=[0, 0])),
    )

    rows = {row.metric: row for row in OtlpFiles(tmp_path).read().histograms}

    queries = rows["verein.operation.db.queries"]
    assert (queries.count, queries.total, queries.maximum, queries.buckets) == (2, 0.0, 0.0, ())


def test_numbers_as_numbers_and_unknown_keys(tmp_path: Path):
    """64-bit numbers may be strings or numbers, and keys that are not known are passed over."""
    request = metrics_request(operation_metrics("GET /", duration=[0.5] * 3))
    text = json.dumps(request).replace('"count": "3"', '"count": 3').replace('["3"]', "[3]")
    assert text != json.dumps(request)
    write(tmp_path / "m.jsonl", text[:-1] + ', "later": {"a": [1]}}')

    assert counts(OtlpFiles(tmp_path)) == {(DURATION, "GET /"): 3}


def test_cut_off_end_of_an_open_segment_is_skipped_and_counted(tmp_path: Path):
    """What a killed process left half written costs that line only, and is no loss of measured counts."""
    whole = metrics_request(operation_metrics("GET /", duration=[0.1]))
    write(tmp_path / "metrics" / "a.jsonl.part", whole, json.dumps(whole)[:-20], end="")

    tables = OtlpFiles(tmp_path).read()

    assert [row.count for row in tables.histograms] == [1]
    assert tables.notes == ("1 open segment(s) end in a line that is not complete; it is skipped",)
    assert not tables.metrics_lost


@pytest.mark.parametrize("broken", ["{oops", "[1, 2]", "7", '{"resourceMetrics": 5}', "\0\0\0", '{"other": 1}'])
def test_broken_line_is_skipped_and_named(tmp_path: Path, broken: str):
    """A line that is no OTLP/JSON is named with its file and number, and those around it count."""
    whole = metrics_request(operation_metrics("GET /", duration=[0.1]))
    path = write(tmp_path / "metrics" / "a.jsonl", whole, "", broken, whole)

    tables = OtlpFiles(tmp_path).read()

    assert [row.count for row in tables.histograms] == [2]
    assert tables.notes == (f"{path}:3: not OTLP/JSON; skipped",)
    assert tables.metrics_lost


def test_misshapen_request_is_counted(tmp_path: Path):
    """A line of the right outline whose parts have the wrong type is reported, not silently passed over."""
    whole = metrics_request(operation_metrics("GET /", duration=[0.1]))
    path = write(tmp_path / "metrics" / "a.jsonl", whole, '{"resourceMetrics": [4]}')

    tables = OtlpFiles(tmp_path).read()

    assert [row.count for row in tables.histograms] == [1]
    assert tables.notes == (f"{path}: 1 metrics: a resource or scope is not one; not counted",)


def test_broken_span_line_loses_no_metrics(tmp_path: Path):
    """Only lines with metrics make the counts incomplete."""
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1])))
    path = write(tmp_path / "spans" / "a.jsonl", "{oops", spans_request("GET /", [finding()]))

    tables = OtlpFiles(tmp_path).read()

    assert tables.notes == (f"{path}:1: not OTLP/JSON; skipped",)
    assert not tables.metrics_lost
    assert [row.events for row in tables.findings] == [1]


def test_mixed_file_of_a_collector(tmp_path: Path):
    """One file with all signals, as the collector may write it, is read for both of ours."""
    path = write(
        tmp_path / "telemetry.json",
        metrics_request(operation_metrics("GET /", duration=[0.1])),
        spans_request("GET /", [finding()]),
        {"resourceLogs": [{"scopeLogs": []}]},
    )

    for place in (tmp_path, path):
        tables = OtlpFiles(place).read()
        assert (len(tables.histograms), len(tables.findings), tables.notes) == (1, 1, ())


def test_metrics_of_other_scopes_are_not_ours(tmp_path: Path):
    """An application's own metric of the same name does not mix in."""
    own = metrics_request(operation_metrics("GET /", duration=[0.1]))
    other = metrics_request(operation_metrics("GET /", duration=[0.1]), scope="shop.metrics")
    write(tmp_path / "metrics" / "a.jsonl", other, own, other)

    assert counts(OtlpFiles(tmp_path)) == {(DURATION, "GET /"): 1}


def test_only_the_last_of_cumulative_points_counts(tmp_path: Path):
    """Cumulative points of one start repeat what came before; a new start or process adds to it."""

    def line(count: int, start: int, end: int, instance: str) -> dict[str, object]:
        times = {"temporality": 2, "start_ns": START_NS + start, "end_ns": START_NS + end}
        metrics = operation_metrics("GET /", duration=[0.1] * count, sampled_out=count, **times)
        return metrics_request(metrics, instance=instance)

    write(
        tmp_path / "metrics" / "a.jsonl",
        line(2, 0, 10, "1"),
        line(5, 0, 20, "1"),
        line(1, 20, 30, "1"),
        line(4, 0, 20, "2"),
    )

    tables = OtlpFiles(tmp_path).read()

    assert sum(row.count for row in tables.histograms) == 5 + 1 + 4
    assert sum(row.value for row in tables.counters) == 5 + 1 + 4


def test_explicit_buckets_are_refused(tmp_path: Path):
    """A histogram whose percentiles would be wrong is an error that names the file and the cure."""
    points = [(series("GET /"), histogram_point([0.1]))]
    path = write(tmp_path / "metrics" / "a.jsonl", metrics_request([metric(DURATION, points, shape="histogram")]))

    with pytest.raises(SourceError) as refused:
        OtlpFiles(tmp_path).read()

    assert str(refused.value) == (
        f"{path}: no exponential histogram, which percentiles need; remove the view or "
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION that changes it"
    )


def test_counters_keep_their_detail(tmp_path: Path):
    """Counters add up by operation and by the attribute that tells their series apart."""
    dropped = [counter("verein.export.dropped", 3, verein__drop__reason="queue_full")] * 2
    breach = counter("verein.operation.breaches", 1, "GET /", verein__breach="queries")
    write(tmp_path / "metrics" / "a.jsonl", metrics_request([*dropped, breach]))

    rows = sorted(OtlpFiles(tmp_path).read().counters, key=lambda row: row.metric)

    assert rows == [
        CounterRow("verein.export.dropped", "shop", None, None, "queue_full", 6),
        CounterRow("verein.operation.breaches", "shop", "GET /", "server", "queries", 1),
    ]


def test_findings_are_summed_by_call_site(tmp_path: Path):
    """Events of one statement at one line are one row; another line is another row."""
    write(
        tmp_path / "spans" / "a.jsonl",
        spans_request("GET /", [finding(repeats=10, total_ms=20.0)], number=1),
        spans_request("GET /", [finding(repeats=5, total_ms=10.0, verein__finding__statements=2)], number=2),
        spans_request("GET /", [finding(code__line__number=99)], number=3),
        spans_request("GET /about", [], number=4),
    )

    rows = {row.line: row for row in OtlpFiles(tmp_path).read().findings}

    assert sorted(rows) == [42, 99]
    row = rows[42]
    assert (row.events, row.operations, row.repeats_sum, row.repeats_max) == (2, 2, 15, 10)
    assert row.wasted_queries == 1 * 9 + 2 * 4
    assert row.wasted_ms == pytest.approx(18.0 + 8.0)
    assert row.stack == ("/srv/app/views.py:42 in index", "/srv/app/urls.py:7 in route")
    assert row.trace_id == f"{1:032x}"


def test_a_span_that_was_sent_twice_counts_once(tmp_path: Path):
    """Whoever gets no answer sends again; two findings of one span, equal in everything, stay two."""
    twice = spans_request("GET /", [finding(), finding()], number=1)
    write(tmp_path / "spans" / "long.jsonl", twice, spans_request("GET /", [finding()], number=2))
    write(tmp_path / "spans" / "short.jsonl", twice)

    (row,) = OtlpFiles(tmp_path).read().findings

    assert (row.events, row.operations, row.repeats_sum) == (3, 2, 30)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("metrics.jsonl", "1 open segment(s) end in a line that is not complete; it is skipped"),
        ("metrics-2026-11-27T10-00-00.000.jsonl", "{path}:2: not OTLP/JSON; skipped"),
    ],
)
def test_the_open_file_of_a_collector_may_end_in_a_part_of_a_line(tmp_path: Path, name: str, note: str):
    """As an open segment of ours may; in a closed file the same is a broken line, and figures may be missing."""
    path = tmp_path / "metrics" / name
    write(path, metrics_request(operation_metrics("GET /", duration=[0.1])), '{"resourceMetrics":[', end="")

    tables = OtlpFiles(tmp_path).read()

    assert tables.notes == (note.format(path=path),)
    assert tables.metrics_lost is (name != "metrics.jsonl")


def test_an_empty_request_is_no_broken_line(tmp_path: Path):
    """A collector that had nothing to say writes one."""
    write(
        tmp_path / "metrics" / "metrics.jsonl", "{}", metrics_request(operation_metrics("GET /", duration=[0.1])), "{}"
    )

    tables = OtlpFiles(tmp_path).read()

    assert (tables.notes, tables.metrics_lost) == ((), False)


def test_finding_without_repeats_is_noted(tmp_path: Path):
    """An event that cannot be counted is said, and the others stand."""
    events = [finding(verein__finding__repeats=None), finding("f2")]
    write(tmp_path / "spans" / "a.jsonl", spans_request("GET /", events))

    tables = OtlpFiles(tmp_path).read()

    assert [row.fingerprint for row in tables.findings] == ["f2"]
    assert tables.notes == (
        "1 finding event(s) lack a kind, fingerprint or number of repeats; skipped",
        "shop: hours without metrics are estimated from 1 sampled operations",
    )


def test_unknown_place_and_time_stay_unknown(tmp_path: Path):
    """What an event does not say reads None, not 0 and not an empty text."""
    event = finding(
        code__file__path=None, code__line__number=None, code__function__name=None, verein__finding__total_ms=None
    )
    write(tmp_path / "spans" / "a.jsonl", spans_request("GET /", [event]))

    (row,) = OtlpFiles(tmp_path).read().findings

    assert (row.file, row.line, row.function, row.wasted_ms) == (None, None, None, None)


def test_directory_whose_name_looks_like_a_pattern(tmp_path: Path):
    """Brackets, stars and quotes in a path are characters, not a pattern."""
    place = tmp_path / "it's [a] *?"
    write(place / "metrics" / "a.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1])))

    assert counts(OtlpFiles(place)) == {(DURATION, "GET /"): 1}


def test_absent_and_empty_places_are_refused(tmp_path: Path):
    """Nothing to read is an error that says what was looked for, where, and what to do."""
    cure = "record some first with `otel-verein run -- COMMAND`, or name the directory with --from DIR"

    with pytest.raises(SourceError) as absent:
        OtlpFiles(tmp_path / "no").read()
    with pytest.raises(SourceError) as empty:
        OtlpFiles(tmp_path).read()

    assert str(absent.value) == f"no telemetry: {tmp_path / 'no'} does not exist; {cure}"
    assert str(empty.value) == f"no telemetry: no *.jsonl or *.jsonl.part file under {tmp_path}; {cure}"


def test_missing_duckdb_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without DuckDB the error holds the command that installs it."""
    monkeypatch.setitem(sys.modules, "duckdb", None)

    with pytest.raises(MissingExtraError) as missing:
        OtlpFiles(tmp_path).read()

    assert str(missing.value) == "report needs duckdb, which is not installed: pip install 'otel-verein[report]'"
