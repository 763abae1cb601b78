"""Trend, slow operations, differences and entities of a real source."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.api.differs import differs
from otel_verein.api.entity import entities
from otel_verein.api.slow import slowest
from otel_verein.api.trend import step_for, trend
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL, Ask
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.sources.rows import Window
from tests.unit.otlp_lines import START_NS, finding, metrics_request, operation_metrics, spans_request, write

CONFIG = Config()
HOUR_NS = 3_600_000_000_000


@pytest.fixture
def source(tmp_path: Path) -> OtlpFiles:
    """Forty hours of one operation, which runs five times as many queries from the twentieth on; one kept trace."""
    hours = [
        operation_metrics(
            "GET /",
            duration=[0.1] * 50,
            queries=[2 if hour < 20 else 10] * 50,
            start_ns=START_NS + hour * HOUR_NS,
            end_ns=START_NS + hour * HOUR_NS + 60_000_000_000,
        )
        for hour in range(40)
    ]
    write(tmp_path / "metrics" / "a.jsonl", *(metrics_request(metrics) for metrics in hours))
    write(tmp_path / "spans" / "a.jsonl", spans_request("GET /", [finding()], number=1))
    return OtlpFiles(tmp_path)


def test_trend_tells_when_queries_changed(source: OtlpFiles):
    """To the hour, from two to ten."""
    found = trend(source, CONFIG, step_s=3600)

    (change,) = [each for each in found.total.changes if each.figure == "queries_mean"]
    assert (found.step_s, len(found.total.points)) == (3600, 40)
    assert (change.at_ns, change.level.before, change.level.after) == (START_NS + 20 * HOUR_NS, 2.0, 10.0)


def test_step_suits_the_window():
    """Not more than 240 of them; of nothing, the shortest."""
    hours = [step_for(Window(0, hours * HOUR_NS)) for hours in (1, 12, 240, 1000, 10_000, 100_000)]

    assert hours == [60, 300, 3600, 21_600, 604_800, 604_800]
    assert step_for(None) == 60


def test_step_suits_what_the_source_has(source: OtlpFiles):
    """Where no window is asked for."""
    found = trend(source, CONFIG)

    assert found.step_s == 900


def test_slowest_operation_has_its_trace_and_finding(source: OtlpFiles):
    """The trace id leads to it, and the finding of that very trace is a reason."""
    (found,) = slowest(source, CONFIG).operations

    assert (found.root.trace_id, found.root.duration_s, found.times_median) == (f"{1:032x}", 60.0, 600.0)
    assert [reason.text for reason in found.reasons] == ["n_plus_one: SELECT author, 10 times in this trace"]


def test_differences_need_an_operation(source: OtlpFiles):
    """Bad arguments are told; one trace is too little to tell anything."""
    with pytest.raises(ValueError) as caught:
        differs(source, CONFIG, ALL)
    assert str(caught.value) == "no operation: which one has a slow part to explain?"
    with pytest.raises(ValueError) as caught:
        differs(source, CONFIG, Ask(operation="GET /"), "mean")
    assert str(caught.value) == "by 'mean': it has to be one of p95, budget"
    assert differs(source, CONFIG, Ask(operation="GET /")).differences == ()


def test_step_has_to_be_one(source: OtlpFiles):
    """Seconds are the smallest steps."""
    with pytest.raises(ValueError) as caught:
        trend(source, CONFIG, step_s=0)
    assert str(caught.value) == "a step of 0 s: it has to be a second at least"


def test_entities_of_a_source_without_any(source: OtlpFiles):
    """It is said how there would be some."""
    assert entities(source, CONFIG).notes[-1] == "no operation said what it is about; `otel_verein.entity` does"
