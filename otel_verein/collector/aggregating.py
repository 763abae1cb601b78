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
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of times on Prometheus, after the semantic conventions for HTTP; the budgets in force come to them."""
COUNTS = (0.5, 1.5, 2.5, 5.5, 10.5, 20.5, 50.5, 100.5, 200.5, 500.5, 1000.5)
"""Bounds of query counts on Prometheus. An exponential bucket holds a whole number a little below its upper end, so a
bound between two whole numbers tells them apart: exactly up to 20, within 2.2 % above."""

_TIMES = (semconv.METRIC_DURATION, semconv.METRIC_DB_DURATION)


def seconds(plan: Plan) -> tuple[float, ...]:
    """The bounds of times with every budget among them, so that the share past a budget is exact."""
    limits = plan.config.thresholds
    names = ("duration_s", "duration_critical_s", "db_duration_s", "db_duration_critical_s")
    budgets = {getattr(limits, name) for name in names}
    budgets |= {rule.given[name] for rule in limits.operations for name in names if name in rule.given}
    return tuple(sorted({*SECONDS, *(float(each) for each in budgets)}))


def span_metrics(plan: Plan) -> Node:
    """Calls and durations of the spans of other services."""
    return Noted(
        {
            "namespace": "traces.span.metrics",
            "histogram": {"unit": "s", "explicit": {"buckets": [_duration(each) for each in seconds(plan)]}},
            "dimensions": [{"name": semconv.ENVIRONMENT}],
            "exclude_dimensions": Noted(["collector.instance.id"], "A random one at each start: all series anew."),
            "aggregation_temporality": "AGGREGATION_TEMPORALITY_DELTA",
            "metrics_flush_interval": f"{FLUSH_S}s",
            "aggregation_cardinality_limit": From(plan.config.collector.series, "collector.series"),
            "resource_metrics_key_attributes": ["service.name", semconv.ENVIRONMENT],
        },
        "A span with a sampling threshold (ot=th) counts for all that it stands for, one without for itself.\n"
        "What it counted since the last flush is lost if the collector is killed.",
    )


def queries(plan: Plan) -> Node:
    """Queries in the database spans of other services."""
    named = {
        "name": semconv.METRIC_DB_QUERIES,
        "description": "Queries in the database spans of services without otel-verein",
        "unit": "{query}",
    }
    by = {
        "attributes": [
            {"key": "db.system.name", "optional": True},
            {"key": "db.system", "optional": True},
            {"key": "db.operation.name", "optional": True},
        ],
        "include_resource_attributes": [{"key": "service.name"}, {"key": semconv.ENVIRONMENT, "optional": True}],
    }
    is_query = '(span.attributes["db.system.name"] != nil or span.attributes["db.system"] != nil)'
    members = f'span.attributes["{semconv.AGG_SPAN_COUNT}"]'
    single = {"conditions": [f"{is_query} and {members} == nil"], **by}
    summary = {"conditions": [f"{is_query} and {members} != nil"], **by}
    return Noted(
        {
            "error_mode": "ignore",
            "spans": [
                {**named, **single, "sum": {"value": "AdjustedCount()", "monotonic": True}},
                {**named, **summary, "sum": {"value": f"Double({members}) * AdjustedCount()", "monotonic": True}},
            ],
        },
        "Each as many as its sampling threshold says, and a summary span as many as its members.",
    )


def to_cumulative(plan: Plan) -> Node:
    """Adds deltas up, which Prometheus cannot; what is cumulative passes."""
    return Noted(
        {
            "max_stale": From(f"{plan.config.collector.series_idle_s}s", "collector.series_idle_s"),
            "max_streams": From(plan.config.collector.series, "collector.series"),
        },
        "Prometheus knows totals only: without this, the last delta would be all that is left.",
    )


def to_classic(plan: Plan) -> Node:
    """Exponential histograms as classic buckets, which every Prometheus and dashboard reads.

    The conversion of the collector's v0.155 counts what lies between two bounds for the lower one and wants one bound
    less than the format does; "midpoint" with a 0 in front, and the bounds named anew, is right. Source: its
    ``func_convert_exponential_hist_to_explicit_hist.go``, and a comparison of known numbers in our tests.
    """
    ways = ((seconds(plan), _TIMES), (COUNTS, (semconv.METRIC_QUERIES,)))
    named = f'metric.name == "{semconv.METRIC_CONFIG_INFO}"'
    environment = f'resource.attributes["{semconv.ENVIRONMENT}"]'
    converted = [
        f'convert_exponential_histogram_to_histogram("midpoint", [0.0, {_list(bounds)}]) where {_any(names)}'
        for bounds, names in ways
    ]
    short = "Len(datapoint.bucket_counts) == Len(datapoint.explicit_bounds)"
    bounded = [
        f"set(datapoint.explicit_bounds, [{_list(bounds)}]) where ({_any(names)}) and {short}" for bounds, names in ways
    ]
    labelled = f'set(datapoint.attributes["{semconv.ENVIRONMENT}"], {environment}) where {environment} != nil'
    statements = [
        {"context": "metric", "statements": [*converted, f'set(metric.unit, "") where {named}']},
        {"context": "datapoint", "statements": [*bounded, labelled]},
    ]
    return Noted(
        {"error_mode": "ignore", "metric_statements": statements},
        "Prometheus' text format has no exponential histograms; these are cut at the bounds below. At v0.155 the "
        "conversion gives one bound too many: the second list takes it away, and does nothing where it is not so.",
    )


def prometheus(plan: Plan) -> Node:
    """Where the figures are scraped."""
    collector = plan.config.collector
    return Noted(
        {
            "endpoint": From(collector.prometheus_endpoint, "collector.prometheus_endpoint"),
            **guarded(plan),
            "metric_expiration": From(f"{collector.series_idle_s}s", "collector.series_idle_s"),
            "enable_open_metrics": True,
            "without_scope_info": True,
        },
        "service.name is the label job, service.instance.id is instance: scrape with honor_labels.",
    )


def instance(plan: Plan) -> Node:
    """The resource of the collector's own figures: the same after each start, another one on each host."""
    return {"attributes": [{"name": "service.instance.id", "value": _instance(plan)}]}


def gathered() -> Node:
    """Hands on what was counted from one place: of points that overtake each other, the later would be dropped."""
    return Noted(
        {"timeout": "200ms", "send_batch_size": 1000},
        "Requests are counted side by side; one after the other, and timed anew below, none of their points is late.",
    )


def timed_anew() -> Node:
    """The time of what was counted span by span: when it is handed on, so that it never goes back."""
    statement = f'set(datapoint.time, Now()) where metric.name == "{semconv.METRIC_DB_QUERIES}"'
    return {"error_mode": "propagate", "metric_statements": [{"context": "datapoint", "statements": [statement]}]}


def nonempty() -> Node:
    """Ends what a flush of nothing sends: a request without a figure, which files would keep as an empty line."""
    return {"error_mode": "propagate", "metrics": {"metric": ["metric.type == METRIC_DATA_TYPE_NONE"]}}


def as_counted_here(plan: Plan) -> Node:
    """Whose series those of other services are: this collector's, since another one may count the same service."""
    return {"attributes": [{"key": "service.instance.id", "value": _instance(plan), "action": "upsert"}]}


def _instance(plan: Plan) -> Env:
    return Env("COLLECTOR_INSTANCE", f"otel-verein-{plan.topology.value}")


def _any(names: Iterable[str]) -> str:
    return " or ".join(f'metric.name == "{name}"' for name in names)


def _list(bounds: Iterable[float]) -> str:
    return ", ".join(repr(float(bound)) for bound in bounds)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"
