"""Comparisons of what a source says, by release, window and baseline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otel_verein.analysis.snapshots import Snapshot
from otel_verein.api.compare import called, compare, side
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL, Ask
from otel_verein.sources.otlp_files import OtlpFiles
from tests.unit.otlp_lines import START_NS, finding, metrics_request, operation_metrics, spans_request, write

CONFIG = Config()
MINUTE_NS = 60_000_000_000
DAY_NS = 24 * 60 * MINUTE_NS
NEXT = {"start_ns": START_NS + DAY_NS, "end_ns": START_NS + DAY_NS + MINUTE_NS}


def two_days(folder: Path) -> OtlpFiles:
    """A hundred operations of twelve queries, with an N+1, and a day later two hundred of three."""
    write(
        folder / "metrics" / "a.jsonl",
        metrics_request(operation_metrics("GET /", duration=[0.2] * 100, queries=[12] * 100)),
        metrics_request(operation_metrics("GET /", duration=[0.1] * 200, queries=[3] * 200, **NEXT)),
        metrics_request(operation_metrics("job", duration=[0.1] * 40, queries=[1] * 40)),
    )
    requests = [spans_request("GET /", [finding(repeats=10)], number=number) for number in range(1, 101)]
    write(folder / "spans" / "a.jsonl", *requests)
    return OtlpFiles(folder)


BEFORE, AFTER = Ask(end_ns=START_NS + DAY_NS // 2), Ask(start_ns=START_NS + DAY_NS // 2)


def test_windows_of_one_source(tmp_path: Path):
    """The finding is gone, and just its repeats were removed, in the traffic of the second day."""
    found = compare(two_days(tmp_path), CONFIG, BEFORE, AFTER)

    assert (found.verdict, found.queries_removed) == ("better", 1800.0)
    assert [(each.status, each.queries_removed) for each in found.findings] == [("gone", 1800.0)]
    assert [each.key.operation for each in found.only_before] == ["job"]


def test_operation_that_is_asked_for(tmp_path: Path):
    """What is asked for limits operations and findings on both sides."""
    found = compare(two_days(tmp_path), CONFIG, replace(BEFORE, operation="j*"), replace(AFTER, operation="j*"))

    assert (found.operations, found.findings, found.verdict) == ((), (), "unknown")
    assert [each.key.operation for each in found.only_before] == ["job"]


def test_two_sources(tmp_path: Path):
    """What came before may be elsewhere."""
    write(
        tmp_path / "new" / "metrics" / "a.jsonl",
        metrics_request(operation_metrics("GET /", duration=[0.2] * 100, queries=[15] * 100)),
    )

    found = compare(OtlpFiles(tmp_path / "new"), CONFIG, BEFORE, before_source=two_days(tmp_path / "old"))

    assert (found.verdict, found.queries_removed) == ("worse", -300.0)


def test_baseline_limits_what_comes_after(tmp_path: Path):
    """A baseline of one operation is compared with that operation."""
    source = two_days(tmp_path)
    ask = replace(BEFORE, operation="GET /")
    taken = Snapshot("nightly", 4, START_NS, "files", ask, side(source, ask))

    found = compare(source, CONFIG, taken, ALL)

    assert (found.before.name, found.after.name) == ("baseline nightly, version 4", "operation GET /")
    assert [each.key.operation for each in (*found.operations, *found.only_after)] == ["GET /"]


def test_loss_of_a_service_is_unknown(tmp_path: Path):
    """A line of metrics that cannot be read makes the counts of that side incomplete."""
    good = two_days(tmp_path / "good")
    write(tmp_path / "bad" / "metrics" / "a.jsonl", "no json",
          metrics_request(operation_metrics("GET /", duration=[0.2] * 100, queries=[12] * 100)))  # fmt: skip

    assert compare(OtlpFiles(tmp_path / "bad"), CONFIG, ALL, before_source=good).verdict == "unknown"


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (ALL, "all"),
        (Ask(version="1.2", environment="staging"), "environment staging, version 1.2"),
        (
            Ask(start_ns=START_NS, end_ns=START_NS + DAY_NS),
            "from 2025-11-25T12:00:00.000Z, until 2025-11-26T12:00:00.000Z",
        ),
    ],
    ids=["all", "release", "window"],
)
def test_side_is_called_by_its_limits(ask: Ask, name: str):
    """So that a person knows what was compared."""
    assert called(ask) == name
