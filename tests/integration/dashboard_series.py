"""An hour of a service under our SDK, of one without it, and of the collector between, as Prometheus has it."""

from __future__ import annotations

MINUTES = 60

_SHOP = 'job="shop",deployment_environment_name="production"'
_OP = _SHOP + ',instance="shop-1",verein_operation_name="GET /orders",verein_operation_kind="server"'
_OK = f'{_OP},verein_operation_status="ok"'
_CALL = 'span_name="POST /book",span_kind="SPAN_KIND_SERVER",status_code="STATUS_CODE_UNSET"'
_LEDGER = f'job="ledger",instance="collector-1",{_CALL}'
_OWN = 'job="otel-verein-collector",instance="127.0.0.1:8888"'


def _each_minute(number: float) -> str:
    """A counter that grows by *number* a minute."""
    return f"0+{number}x{MINUTES}"


def _histogram(name: str, labels: str, buckets: dict[str, float], total: float) -> dict[str, str]:
    """A histogram that gets as many values a minute as the last bucket says, and *total* in sum."""
    series = {f'{name}_bucket{{{labels},le="{bound}"}}': _each_minute(count) for bound, count in buckets.items()}
    count = list(buckets.values())[-1]
    return {**series, f"{name}_sum{{{labels}}}": _each_minute(total), f"{name}_count{{{labels}}}": _each_minute(count)}


SERIES = {
    # 15 operations a minute, of half a second and 8 queries each.
    **_histogram("verein_operation_duration_seconds", _OK, {"0.25": 0, "0.5": 15, "+Inf": 15}, 7.5),
    **_histogram("verein_operation_db_duration_seconds", _OK, {"0.05": 0, "0.1": 15, "+Inf": 15}, 1.5),
    **_histogram("verein_operation_db_queries", _OK, {"5.5": 0, "10.5": 15, "+Inf": 15}, 120),
    f'verein_operation_breaches_total{{{_OK},verein_breach="any"}}': _each_minute(0.5),
    f'verein_operation_breaches_total{{{_OK},verein_breach="queries"}}': _each_minute(0.5),
    f'verein_operation_breaches_total{{{_OK},verein_breach="n_plus_one"}}': _each_minute(1),
    f'verein_findings_total{{{_OK},verein_finding_kind="n_plus_one"}}': _each_minute(2),
    f'verein_operation_kept_total{{{_OK},verein_keep_reason="n_plus_one"}}': _each_minute(1),
    f"verein_operation_sampled_out_total{{{_OK}}}": _each_minute(14),
    f'verein_export_dropped_total{{{_SHOP},instance="shop-1",verein_drop_reason="queue_full"}}': _each_minute(0.2),
    f'verein_export_spans_lost_total{{{_SHOP},instance="shop-1",verein_drop_reason="rejected"}}': _each_minute(3),
    f'verein_metrics_lost_total{{{_SHOP},instance="shop-1",verein_drop_reason="rejected"}}': _each_minute(1),
    f'verein_internal_errors_total{{{_SHOP},instance="shop-1",verein_internal_site="export"}}': _each_minute(1),
    f'verein_config_info{{{_SHOP},instance="shop-1",verein_config_digest="a1",verein_config_environment="production",'
    'verein_config_state="in_force"}': f"1x{MINUTES}",
    **_histogram("traces_span_metrics_duration_seconds", _LEDGER, {"0.5": 0, "1": 30, "+Inf": 30}, 20),
    f"traces_span_metrics_calls_total{{{_LEDGER}}}": _each_minute(30),
    'verein_db_queries_total{job="ledger",instance="collector-1"}': _each_minute(90),
    **{
        f"otelcol_{name}{{{_OWN}{labels}}}": values
        for name, labels, values in (
            ("receiver_accepted_spans", ',receiver="otlp",transport="grpc"', _each_minute(300)),
            ("receiver_refused_spans", ',receiver="otlp",transport="grpc"', _each_minute(5)),
            ("exporter_sent_spans", ',exporter="file/long"', _each_minute(200)),
            ("exporter_send_failed_spans", ',exporter="otlp_grpc/jaeger-long"', _each_minute(4)),
            ("exporter_enqueue_failed_spans", ',exporter="otlp_grpc/jaeger-long"', _each_minute(4)),
            ("exporter_queue_size", ',exporter="otlp_grpc/jaeger-long"', f"10x{MINUTES}"),
            ("exporter_queue_capacity", ',exporter="otlp_grpc/jaeger-long"', f"1000x{MINUTES}"),
            ("processor_tail_sampling_sampling_trace_dropped_too_early", "", _each_minute(1)),
            ("processor_tail_sampling_sampling_traces_on_memory", "", f"40x{MINUTES}"),
            ("kafka_receiver_offset_lag", ',topic="verein-spans",partition="0"', f"7x{MINUTES}"),
            ("process_memory_rss", "", f"100000000x{MINUTES}"),
            ("process_cpu_seconds", "", _each_minute(6)),
            ("process_uptime", "", _each_minute(60)),
        )
    },
    f"up{{{_OWN}}}": f"1x{MINUTES}",
    'up{job="otel-verein",instance="127.0.0.1:9464"}': f"1x{MINUTES}",
}
"""Series by name and labels, with their values minute by minute, in the notation of promtool."""
