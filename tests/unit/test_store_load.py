"""Segments with known truth: what the files hold is what the truth says, whoever reads them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_verein.sources.otlp_files import OtlpFiles
from tests.segments import attributes, lines
from tests.services.store_load import Load, Traffic
from tests.services.store_truth import Truth, hour_of

TRAFFIC = Traffic(operations=3_000, seconds=7_200, interval_s=60, processes=1, seed=3)


def _spans(directory: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    for request in lines(directory, "spans"):
        for entry in request["resourceSpans"]:
            for scope in entry["scopeSpans"]:
                for span in scope["spans"]:
                    yield attributes(entry["resource"]), span


def _points(directory: Path) -> Iterator[tuple[str, Any]]:
    for request in lines(directory, "metrics"):
        for entry in request["resourceMetrics"]:
            for metric in entry["scopeMetrics"][0]["metrics"]:
                data = metric.get("exponentialHistogram") or metric.get("sum") or metric["gauge"]
                for point in data["dataPoints"]:
                    yield metric["name"], point


def _counted(directory: Path) -> Counter[tuple[str, str, int]]:
    seen: set[tuple[str, str]] = set()
    found: Counter[tuple[str, str, int]] = Counter()
    for resource, span in _spans(directory):
        if (span["traceId"], span["spanId"]) not in seen:
            seen.add((span["traceId"], span["spanId"]))
            hour = hour_of(int(span["startTimeUnixNano"]))
            found[resource["service.name"], attributes(span)["verein.tier"], hour] += 1
    return found


def test_spans_are_those_of_the_truth(tmp_path):
    """The truth counts every span by service, tier and the hour in which it begins."""
    truth = Load(TRAFFIC).write(tmp_path)

    assert truth.spans == _counted(tmp_path)
    assert len({hour for _, _, hour in truth.spans}) >= 2


def test_what_is_read_from_the_files_is_the_truth(tmp_path):
    """The report's reader finds the operations, queries and findings that the truth counted."""
    truth = Load(TRAFFIC).write(tmp_path)

    tables = OtlpFiles(tmp_path).read()

    read = {(row.metric, row.service, row.operation, row.status): (row.count, row.total) for row in tables.histograms}
    operations: Counter[tuple[str, str, str]] = Counter()
    queries: Counter[tuple[str, str, str]] = Counter()
    for ((service, operation, _, status), hour), count in truth.operations.items():
        operations[service, operation, status] += count
        queries[service, operation, status] += truth.queries[(service, operation, _, status), hour]
    found: Counter[tuple[str, str, str]] = Counter()
    for row in tables.histograms:
        if row.metric == "verein.operation.duration":
            found[row.service, row.operation, row.status] += row.count
    assert operations == found
    assert {key: float(count) for key, count in queries.items()} == {
        key[1:]: total for key, (_, total) in read.items() if key[0] == "verein.operation.db.queries"
    }
    assert truth.totals["repeats"] == sum(row.repeats_sum for row in tables.findings)
    assert truth.totals["events"] == sum(row.events for row in tables.findings)
    assert sum(finding.wasted for finding in truth.findings.values()) == sum(
        row.wasted_queries for row in tables.findings
    )


def test_totals_are_those_of_the_lines(tmp_path):
    """What a store conserves is summed from the points: counts of histograms, counters, seconds."""
    truth = Load(TRAFFIC).write(tmp_path)

    sums: Counter[str] = Counter()
    for name, point in _points(tmp_path):
        if "count" in point:
            sums["observations"] += int(point["count"])
            sums[name] += point["sum"]
        elif name != "verein.config.info":
            sums["values"] += int(point["asInt"])
    totals = truth.totals
    assert totals["observations"] == sums["observations"]
    assert totals["values"] == sums["values"]
    assert totals["queries"] == sums["verein.operation.db.queries"]
    assert math.isclose(totals["seconds"], sums["verein.operation.duration"], rel_tol=1e-9)


def test_weights_stand_for_all_operations(tmp_path):
    """What was sampled is weighted with 1/p, so that the kept operations stand for about all."""
    truth = Load(replace(TRAFFIC, operations=20_000)).write(tmp_path)

    estimated = sum(truth.weights.values())

    assert sum(truth.roots.values()) < 6_000
    assert abs(estimated / truth.totals["operations"] - 1) < 0.1


@pytest.mark.parametrize("cumulative", [False, True])
def test_a_collector_writes_the_same(tmp_path, cumulative):
    """In a collector's layout the same spans stand by tier, and the metrics add up to the same."""
    ours = Load(TRAFFIC).write(tmp_path / "ours")

    truth = Load(TRAFFIC).write_collector(tmp_path / "theirs", cumulative=cumulative, rotate_bytes=200_000)

    assert ours.totals == truth.totals
    assert truth.spans == _counted(tmp_path / "theirs")
    read = OtlpFiles(tmp_path / "theirs").read()
    assert truth.totals["operations"] == sum(
        row.count for row in read.histograms if row.metric == "verein.operation.duration"
    )
    names = sorted(path.name for path in (tmp_path / "theirs" / "spans").iterdir())
    assert {"long.jsonl", "medium.jsonl", "short.jsonl"} <= set(names)
    assert any(name.startswith("long-2026-03-01T") for name in names)


def test_the_same_traffic_is_the_same_bytes(tmp_path):
    """Nothing but the traffic decides what is written; another seed writes something else."""
    written = []
    for name, traffic in (("one", TRAFFIC), ("two", TRAFFIC), ("three", replace(TRAFFIC, seed=4))):
        Load(traffic).write(tmp_path / name)
        written.append(b"".join(path.read_bytes() for path in sorted((tmp_path / name).rglob("*.jsonl"))))

    assert written[0] == written[1]
    assert written[0] != written[2]


def test_copies_are_counted_apart(tmp_path):
    """A line that is written twice adds to the copies and to nothing else."""
    once = Load(TRAFFIC).write(tmp_path / "once")

    truth = Load(replace(TRAFFIC, resend_every=4)).write(tmp_path / "twice")

    assert once.totals == truth.totals
    assert truth.resent == sum(1 for _ in _spans(tmp_path / "twice")) - truth.totals["spans"]
    assert truth.resent > 0


def test_pieces_add_up(tmp_path):
    """Truths of two stretches of time add up to what both wrote."""
    pieces = [Load(replace(TRAFFIC, piece=piece)).write(tmp_path) for piece in (0, 1)]

    truth = Truth()
    for piece in pieces:
        truth.merge(piece)

    assert truth.spans == _counted(tmp_path)
    assert truth.totals["operations"] == 2 * TRAFFIC.operations


def test_a_service_without_metrics_is_in_spans_alone(tmp_path):
    """Operations of an unmeasured service are weighted roots, and on no point."""
    truth = Load(replace(TRAFFIC, unmeasured=frozenset({"worker"}))).write(tmp_path)

    assert "worker" not in {series[0] for series, _ in truth.operations}
    assert "worker" in {series[0] for series, _ in truth.roots}
    services = {
        attributes(entry["resource"])["service.name"]
        for request in lines(tmp_path, "metrics")
        for entry in request["resourceMetrics"]
    }
    assert services == {"shop", "payments"}


def test_percentiles_are_those_of_the_durations(tmp_path):
    """With ``exact`` the truth knows percentiles, which the histograms of the lines come near."""
    truth = Load(replace(TRAFFIC, operations=6_000, exact=True)).write(tmp_path)

    series = max(truth.durations, key=lambda one: len(truth.durations[one]))
    assert len(truth.durations[series]) == sum(count for (one, _), count in truth.operations.items() if one == series)
    assert truth.percentile(series, 0.5) <= truth.percentile(series, 0.95) <= max(truth.durations[series])


def test_the_last_segment_may_stay_open(tmp_path):
    """With ``open_last`` the last segment of each process keeps the name of one that is being written."""
    Load(TRAFFIC).write(tmp_path, open_last=True)

    assert len(list((tmp_path / "spans").glob("*.part"))) == 3
