"""The end of an operation as a whole: what is marked, kept by hand, left to a collector, and which tier it gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from otel_verein import keep
from otel_verein.config import Config
from otel_verein.config.schema import Sampling, SamplingRule
from otel_verein.faults import Faults
from otel_verein.processors import VereinSpanProcessor
from otel_verein.processors.compression import SpanBuilder
from otel_verein.tracing import VereinTracerProvider
from tests.unit.measures import Collected

RULES = (SamplingRule("GET /health*", 0.0), SamplingRule("POST *", 1.0))


def ended(sampling: Sampling, name: str = "GET /", *, fails: bool = False, by_hand: bool = False) -> Any:
    """The exported root of one operation; None if it was let go."""
    exporter = InMemorySpanExporter()
    provider = VereinTracerProvider(VereinSpanProcessor(exporter, Config(sampling=sampling)), shutdown_on_exit=False)
    with provider.get_tracer("test").start_as_current_span(name) as span:
        if fails:
            span.set_status(StatusCode.ERROR)
        if by_hand:
            keep()
    provider.shutdown()
    return next(iter(exporter.get_finished_spans()), None)


def marks(root: Any) -> tuple[Any, ...]:
    """Reason, what would have been, tier and weight of an exported root."""
    attributes: Mapping[str, Any] = root.attributes
    names = ("verein.keep_reason", "verein.sampling.would", "verein.tier")
    return (*(attributes.get(name) for name in names), root.context.trace_state.get("ot"))


@pytest.mark.parametrize(
    ("sampling", "given", "expected"),
    [
        (Sampling(ratio=1.0), {}, ("sampled", None, "short", "th:0")),
        (Sampling(ratio=0.0), {"fails": True}, ("error", None, "long", "th:0")),
        (Sampling(ratio=0.0), {"by_hand": True}, ("forced", None, "medium", "th:0")),
        (Sampling(ratio=0.0, dry_run=True), {}, ("dry_run", "sampled_out", "short", "th:0")),
        (Sampling(ratio=0.0, dry_run=True), {"fails": True}, ("error", "error", "long", "th:0")),
        (Sampling(ratio=0.0, decide="collector"), {}, ("collector", "sampled_out", "short", "th:0")),
        (Sampling(ratio=0.0, decide="collector"), {"fails": True}, ("collector", "error", "long", "th:0")),
        (Sampling(ratio=0.0, operations=RULES), {"name": "POST /order"}, ("sampled", None, "short", "th:0")),
    ],
    ids=["coin", "error", "by hand", "dry run", "dry run, error", "collector", "collector, error", "rule"],
)
def test_what_is_kept_says_why(sampling: Sampling, given: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Reason, tier and weight stand on the root; where the process only marks, what it would have decided, too."""
    assert marks(ended(sampling, **given)) == expected


@pytest.mark.parametrize(
    ("sampling", "name"),
    [(Sampling(ratio=0.0), "GET /"), (Sampling(ratio=1.0, operations=RULES), "GET /health/db")],
    ids=["coin", "rule"],
)
def test_what_is_sampled_out_is_not_exported(sampling: Sampling, name: str) -> None:
    """The silent twins: by the ratio, and by the ratio of its name."""
    assert ended(sampling, name) is None


def test_an_operation_that_cannot_be_built_is_counted_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours costs the trace, not the count: kept = dropped, with the reason."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(SpanBuilder, "spans", fail)
    faults, exporter, metrics = Faults(lambda *_: None), InMemorySpanExporter(), Collected()
    processor = VereinSpanProcessor(exporter, Config(sampling=Sampling(ratio=1.0)), metrics, faults=faults)
    provider = VereinTracerProvider(processor, shutdown_on_exit=False, faults=faults)
    provider.get_tracer("test").start_span("GET /").end()
    provider.shutdown()

    assert (len(exporter.get_finished_spans()), dict(faults.counts)) == (0, {"processor.build": 1})
    assert metrics.counters() == {"verein.operation.kept": 1, "verein.export.dropped": 1, "verein.internal.errors": 1}


def test_a_child_that_ends_while_its_root_is_judged_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the end of the root and the decision nothing is lost: the child waits for the decision."""
    exporter = InMemorySpanExporter()
    processor = VereinSpanProcessor(exporter, Config(sampling=Sampling(ratio=1.0)))
    provider = VereinTracerProvider(processor, shutdown_on_exit=False)
    root = provider.get_tracer("test").start_span("page")
    child = provider.get_tracer("test").start_span("part", trace.set_span_in_context(root))
    decide = processor.edition.policy.at_end
    monkeypatch.setattr(processor.edition.policy, "at_end", lambda *given: (child.end(), decide(*given))[1])
    root.end()
    provider.shutdown()

    assert sorted(span.name for span in exporter.get_finished_spans()) == ["page", "part"]
