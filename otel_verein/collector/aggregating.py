"""Figures of all operations, taken before anything is dropped.

Our SDK's metrics pass through. For services without it, figures come from their spans, each weighted by the sampling
threshold in its tracestate (``ot=th``).
"""

from __future__ import annotations

from collections.abc import Iterable

from otel_verein import semconv
from otel_verein.collector.document import Env, From, Node, Noted
from otel_verein.collector.plan import Plan
from otel_verein.collector.receiving import guarded

SPAN_METRICS = "span_metrics"
QUERIES = "signal_to_metrics"
CUMULATIVE = "deltatocumulative"
CLASSIC = "transform/classic_buckets"
PROMETHEUS = "prometheus"

FLUSH_S = 5
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of times on Prometheus, after those of the semantic conventions for HTTP."""
COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Bounds of query counts on Prometheus."""


def span_metrics(plan: Plan) -> Node:
    """Calls and durations of the spans of other services."""
    return Noted(
        {
            "namespace": "traces.span.metrics",
            "histogram": {"unit": "s", "explicit": {"buckets": [_duration(each) for each in SECONDS]}},
            "dimensions": [{"name": semconv.ENVIRONMENT}],
            "aggregation_temporality": "AGGREGATION_TEMPORALITY_DELTA",
            "metrics_flush_interval": f"{FLUSH_S}s",
            "aggregation_cardinality_limit": From(plan.config.collector.series, "collector.series"),
            "resource_metrics_key_attributes": ["service.name", semconv.ENVIRONMENT],
        },
        "A span with a sampling threshold (ot=th) counts for all that it stands for, one without for itself.\n"
        "What it counted since the last flush is lost if the collector is killed.",
    )


def queries(plan: Plan) -> Node:
    """Queries in the database spans of other services; a summary span counts for its members."""
    from_spans = {
        "name": semconv.METRIC_DB_QUERIES,
        "description": "Queries in the database spans of services without otel-verein",
        "unit": "{query}",
        "conditions": ['span.attributes["db.system.name"] != nil', 'span.attributes["db.system"] != nil'],
        "attributes": [
            {"key": "db.system.name", "optional": True},
            {"key": "db.system", "optional": True},
            {"key": "db.operation.name", "optional": True},
        ],
        "include_resource_attributes": [{"key": "service.name"}, {"key": semconv.ENVIRONMENT, "optional": True}],
        "sum": {"value": "AdjustedCount()", "monotonic": True},
    }
    return Noted(
        {"error_mode": "ignore", "spans": [from_spans]},
        "Each as many as its sampling threshold says; whatever is no span of a database is not counted.",
    )


def to_cumulative(plan: Plan) -> Node:
    """Adds deltas up, which Prometheus cannot; what is cumulative passes."""
    return Noted(
        {
            "max_stale": From(f"{plan.config.collector.series_idle_s:g}s", "collector.series_idle_s"),
            "max_streams": From(plan.config.collector.series, "collector.series"),
        },
        "Prometheus knows totals only: without this, the last delta would be all that is left.",
    )


def to_classic() -> Node:
    """Exponential histograms as classic buckets, which every Prometheus and dashboard reads."""
    times = [semconv.METRIC_DURATION, semconv.METRIC_DB_DURATION]
    statements = [_convert(SECONDS, times), _convert(COUNTS, [semconv.METRIC_QUERIES])]
    return Noted(
        {"metric_statements": [{"context": "metric", "statements": statements}]},
        "Prometheus' text format has no exponential histograms; these buckets are cut at the bounds below.",
    )


def prometheus(plan: Plan) -> Node:
    """Where the figures are scraped."""
    collector = plan.config.collector
    return Noted(
        {
            "endpoint": From(collector.prometheus_endpoint, "collector.prometheus_endpoint"),
            **guarded(plan),
            "metric_expiration": From(f"{collector.series_idle_s:g}s", "collector.series_idle_s"),
            "without_scope_info": True,
            "resource_to_telemetry_conversion": {"enabled": False},
        },
        "service.name is the label job, service.instance.id is instance: scrape with honor_labels.",
    )


def instance(plan: Plan) -> dict[str, Node]:
    """The resource of the collector's own figures: the same after each start, another one on each host."""
    return {"service.instance.id": Env("COLLECTOR_INSTANCE", f"otel-verein-{plan.topology.value}")}


def _convert(bounds: Iterable[float], names: list[str]) -> str:
    which = " or ".join(f'metric.name == "{name}"' for name in names)
    listed = ", ".join(f"{bound:.6g}" if bound % 1 else f"{bound:.1f}" for bound in bounds)
    return f'convert_exponential_histogram_to_histogram("upper", [{listed}]) where {which}'


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"
