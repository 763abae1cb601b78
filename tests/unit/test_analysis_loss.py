"""Loss: the account of all operations, and whose figures are incomplete."""

from __future__ import annotations

import pytest

from otel_verein.analysis.loss import Loss, is_measured, loss, lossy_services
from otel_verein.sources.base import Tables
from otel_verein.sources.rows import CounterRow
from tests.unit.fixed_source import breaches, series


def counter(metric: str, value: int, detail: str | None = None, service: str = "shop") -> CounterRow:
    """A counter of a process."""
    return CounterRow(metric, service, None, None, detail, value)


MEASURED = Tables(
    histograms=(series("duration", [0.1] * 10),),
    counters=(
        counter("verein.operation.kept", 4, "sampled"),
        counter("verein.operation.sampled_out", 6),
        counter("verein.export.dropped", 1, "queue_full"),
    ),
)
SPANS = Tables(
    histograms=(series("duration", [0.1] * 3, weight=10, estimated=True),), counters=breaches(any=1, error=1)
)
QUERIES_ONLY = Tables(counters=(counter("verein.db.queries", 50, service="unwatched"),))


def test_the_account_adds_up():
    """started = kept + sampled out, kept = exported + dropped."""
    assert loss(MEASURED) == Loss(started=10, kept=4, sampled_out=6, exported=3, dropped={"queue_full": 1})


@pytest.mark.parametrize("tables", [SPANS, QUERIES_ONLY, Tables()], ids=["spans", "queries by a collector", "nothing"])
def test_what_was_not_counted_is_unknown(tables: Tables):
    """Spans, and the queries that a collector counts for others, say nothing of what was lost: unknown, not 0."""
    assert loss(tables) == Loss(None, None, None, None, {})
    assert not is_measured(tables)


@pytest.mark.parametrize("metric", ["verein.export.dropped", "verein.export.spans_lost", "verein.metrics.lost"])
def test_each_loss_makes_its_service_lossy(metric: str):
    """Operations, parts of them, or figures: whatever did not arrive."""
    tables = Tables(counters=(counter(metric, 1, "queue_full"), counter(metric, 0, "queue_full", "whole")))

    assert lossy_services(tables) == {"shop"}


def test_counters_of_what_is_kept_are_no_loss():
    """What was left out on purpose is not lost."""
    assert lossy_services(Tables(counters=(counter("verein.operation.sampled_out", 6),))) == frozenset()


def test_figures_that_cannot_be_read_make_all_lossy():
    """A line of metrics that is broken may be of any service."""
    tables = Tables(histograms=MEASURED.histograms, metrics_lost=True)

    assert lossy_services(tables) == {"shop"}
