"""The roadmap: what to mend first, and what all up to there saves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_verein.analysis.findings import Finding, Saving, findings
from otel_verein.analysis.operations import OperationStats, operations
from otel_verein.analysis.roadmap import roadmap
from otel_verein.config.schema import NPlusOne
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import FindingRow
from tests.unit.fixed_source import series

ROW = FindingRow(
    "shop", "GET /", "n_plus_one", "f1", None, None, None, 2, 2, 30, 20, 28, 1000.0, "SELECT t", None, "SELECT", None,
    (), None,
)  # fmt: skip
STATS = operations(
    Tables(histograms=(series("duration", [1.0] * 4), series("duration", [3.0] * 2, operation="GET /other")))
)


def found(*rows: FindingRow) -> tuple[Finding, ...]:
    """The findings of these rows."""
    return findings(rows, NPlusOne())


def test_most_waste_comes_first_and_savings_add_up():
    """Each step says what it saves, of its operation and of all, and what all steps up to it save."""
    rows = (ROW, replace(ROW, fingerprint="f2", operation="GET /other", wasted_ms=2500.0, wasted_queries=5))

    first, second = roadmap(reversed(found(*rows)), STATS)

    assert [(step.rank, step.finding.fingerprint) for step in (first, second)] == [(1, "f2"), (2, "f1")]
    assert (first.share_of_operation, first.share_of_all) == (pytest.approx(2.5 / 6), pytest.approx(0.25))
    assert (second.share_of_operation, second.share_of_all) == (pytest.approx(0.25), pytest.approx(0.1))
    assert (second.cumulative_queries, second.cumulative_time_s) == (33, pytest.approx(3.5))
    assert second.cumulative_share == pytest.approx(0.35)


def test_unknown_savings_are_last_and_add_nothing():
    """What cannot be told is unknown in its step, and no zero in the sums before it."""
    unknown = replace(found(ROW)[0], kind="chatty", time_wasted_s=None, saving=Saving(None, None, "unknown"))

    steps = roadmap([unknown, *found(ROW)], STATS)

    assert [step.finding.kind for step in steps] == ["n_plus_one", "chatty"]
    assert (steps[1].share_of_operation, steps[1].share_of_all) == (None, None)
    assert steps[1].cumulative_time_s == steps[0].cumulative_time_s == 1.0


def test_queries_side_by_side_have_no_share_of_the_wall():
    """Queries that ran at the same time can take more than passed; that is no share."""
    (step,) = roadmap(found(replace(ROW, wasted_ms=5000.0)), STATS)

    assert (step.share_of_operation, step.share_of_all) == (None, pytest.approx(0.5))


@pytest.mark.parametrize("stats", [(), STATS[1:]], ids=["nothing measured", "the operation was not"])
def test_without_its_operation_there_is_no_share(stats: tuple[OperationStats, ...]):
    """A finding of an operation that was not measured has its saving, and no share of what is not known."""
    (step,) = roadmap(found(replace(ROW, operation="GET /none")), stats)

    assert step.share_of_operation is None
    assert step.cumulative_time_s == 1.0


def test_json_tells_the_finding():
    """A step stands for itself in JSON."""
    (step,) = roadmap(found(ROW), STATS)

    told = step.as_dict()

    assert (told["rank"], told["kind"], told["operation"], told["fingerprint"]) == (1, "n_plus_one", "GET /", "f1")
    assert told["saving"] == {
        "queries": 28,
        "time_s": 1.0,
        "how": step.finding.saving.how,
        "time_error_s": 0.0,
    }
