"""What processes and collectors report of themselves, and the alerts that fire for it; each with a silent twin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.integration.rule_cases import OF_SHOP, OWN, SHOP, Case, Fires

_WAITING = "otelcol_processor_tail_sampling_sampling_traces_on_memory"
_OF_OWN = {"job": "otel-verein-collector", "instance": "127.0.0.1:8888"}
_INSTANCE = {"instance": "127.0.0.1:8888"}
_TO = {**_INSTANCE, "exporter": "otlp_grpc/long"}
_EXPORTER = f'{OWN},exporter="otlp_grpc/long"'

_LOST = (
    ("VereinTracesDropped", "warning", f'verein_export_dropped_total{{{SHOP},verein_drop_reason="queue_full"}}',
     {**OF_SHOP, "verein_drop_reason": "queue_full"}),
    ("VereinSpansLost", "warning", f'verein_export_spans_lost_total{{{SHOP},verein_drop_reason="rejected"}}',
     {**OF_SHOP, "verein_drop_reason": "rejected"}),
    ("VereinMetricsLost", "warning", f'verein_metrics_lost_total{{{SHOP},verein_drop_reason="rejected"}}',
     {**OF_SHOP, "verein_drop_reason": "rejected"}),
    ("VereinFaults", "warning", f'verein_internal_errors_total{{{SHOP},verein_internal_site="ledger.append"}}',
     {**OF_SHOP, "verein_internal_site": "ledger.append"}),
    ("VereinNamesOverflow", "warning", f"verein_metrics_overflow_total{{{SHOP}}}", OF_SHOP),
    ("VereinCollectorRefuses", "warning", f"otelcol_receiver_refused_spans{{{OWN}}}", {**_INSTANCE, "of": "spans"}),
    ("VereinCollectorFails", "critical", f"otelcol_receiver_failed_metric_points{{{OWN}}}",
     {**_INSTANCE, "of": "points"}),
    ("VereinCollectorLoses", "critical", f"otelcol_exporter_send_failed_spans{{{_EXPORTER}}}", {**_TO, "of": "spans"}),
    ("VereinQueueFull", "critical", f"otelcol_exporter_enqueue_failed_spans{{{_EXPORTER}}}", {**_TO, "of": "spans"}),
    ("VereinTracesUndecided", "critical",
     f"otelcol_processor_tail_sampling_sampling_trace_dropped_too_early{{{OWN}}}", {**_INSTANCE, "of": "too early"}),
    ("VereinPolicyErrors", "warning",
     f"otelcol_processor_tail_sampling_sampling_policy_evaluation_error{{{OWN}}}", _INSTANCE),
)  # fmt: skip
"""Counters of which one is too many: alert, severity, series, labels of the alert."""


def _losses() -> Iterator[tuple[str, Case]]:
    for alert, severity, series, labels in _LOST:
        fires = [Fires(alert, severity, labels)]
        yield f"{alert}: the first that is counted", Case({series: "_x20 3x20"}, 25, fires)
        yield f"{alert}: more than before", Case({series: "3x30 5x10"}, 35, fires)
        yield f"{alert}: long ago", Case({series: "3x60"}, 30)
        yield f"{alert}: away for a while, and as before", Case({series: "3x20 _x15 3x20"}, 40)


def config(state: str, digest: str, instance: str = "web-1") -> str:
    """The series of one process that runs a configuration."""
    return (
        f'verein_config_info{{job="shop",instance="{instance}",deployment_environment_name="production",'
        f'verein_config_digest="{digest}",verein_config_environment="production",verein_config_state="{state}"}}'
    )


CONFIGURATION = {
    "one is refused": Case(
        {config("invalid", "aa"): "1x20"}, 10, [Fires("VereinConfigurationRefused", "warning", OF_SHOP)]
    ),
    "one is in force": Case({config("in_force", "aa"): "1x20"}, 10),
    "two for an hour": Case(
        {config("in_force", "aa"): "1x70", config("in_force", "bb", "web-2"): "1x70"},
        65,
        [Fires("VereinConfigurationDiffers", "warning", OF_SHOP)],
    ),
    "two during a roll-out": Case({config("in_force", "aa"): "1x20", config("in_force", "bb", "web-2"): "1x70"}, 65),
    "a restart is needed for a day": Case(
        {config("restart_needed", "aa"): "1x1500"},
        1450,
        [Fires("VereinRestartNeeded", "warning", OF_SHOP)],
        ["verein-configuration"],
    ),
    "a restart is needed for an hour": Case({config("restart_needed", "aa"): "1x60"}, 59),
}

UP_FIGURES = 'up{job="otel-verein",instance="127.0.0.1:9464"}'
UP_OWN = f"up{{{OWN}}}"
DOWN = Fires("VereinCollectorDown", "critical", {"job": "otel-verein", "instance": "127.0.0.1:9464"})

RUNNING = {
    "down": Case({UP_FIGURES: "1x5 0x10", UP_OWN: "1x20"}, 10, [DOWN], up=False),
    "down for a moment": Case({UP_FIGURES: "1x5 0 1x10", UP_OWN: "1x20"}, 10, up=False),
    "not scraped": Case(
        {UP_FIGURES: "1x20"},
        10,
        [Fires("VereinCollectorUnwatched", "critical", {"job": "otel-verein-collector"})],
        up=False,
    ),
    "three restarts": Case(
        {f"otelcol_process_uptime{{{OWN}}}": "0+60x10 0+60x10 0+60x10 0+60x10"},
        43,
        [Fires("VereinCollectorRestarts", "warning", _OF_OWN)],
    ),
    "two restarts": Case({f"otelcol_process_uptime{{{OWN}}}": "0+60x10 0+60x10 0+60x20"}, 40),
    "too large": Case(
        {f"otelcol_process_runtime_total_sys_memory_bytes{{{OWN}}}": "600000000x20"},
        15,
        [Fires("VereinCollectorMemory", "warning", _OF_OWN)],
    ),
    "full of traces": Case(
        {f"{_WAITING}{{{OWN}}}": "50000x20"}, 15, [Fires("VereinDecisionsFull", "warning", _OF_OWN)]
    ),
    "nearly full of traces": Case({f"{_WAITING}{{{OWN}}}": "49999x20"}, 15),
    "not too large": Case({f"otelcol_process_runtime_total_sys_memory_bytes{{{OWN}}}": "500000000x20"}, 15),
}


def queue(size: str, sent: str) -> dict[str, str]:
    """A queue for 1000, and what has left it."""
    return {
        f"otelcol_exporter_queue_size{{{_EXPORTER}}}": size,
        f"otelcol_exporter_queue_capacity{{{_EXPORTER}}}": "1000x40",
        f"otelcol_exporter_sent_spans{{{_EXPORTER}}}": sent,
    }


_FILLING = {**_OF_OWN, "exporter": "otlp_grpc/long"}
LAG = f'otelcol_kafka_receiver_offset_lag{{{OWN},topic="verein-spans",partition="0"}}'

QUEUES = {
    "more than half": Case(queue("600x20", "0+10x20"), 15, [Fires("VereinQueueFilling", "warning", _FILLING)]),
    "nearly full": Case(queue("900x20", "0+10x20"), 15, [Fires("VereinQueueFilling", "critical", _FILLING)]),
    "less than half": Case(queue("400x20", "0+10x20"), 15),
    "nothing is sent": Case(queue("100x40", "500x40"), 20, [Fires("VereinBackendAway", "warning", _FILLING)]),
    "nothing is to be sent": Case(queue("0x40", "500x40"), 20),
    "a backlog that grows": Case(
        {LAG: "0+100x40"},
        35,
        [Fires("VereinKafkaLag", "warning", {**_OF_OWN, "topic": "verein-spans", "partition": "0"})],
    ),
    "a backlog that shrinks": Case({LAG: "9000-100x40"}, 35),
}

_GROUPS = ("verein-losses", "verein-configuration", "verein-collector", "verein-queues")

_ALL = {
    **dict(_losses()),
    **{f"configuration: {name}": case for name, case in CONFIGURATION.items()},
    **{f"running: {name}": case for name, case in RUNNING.items()},
    **{f"queue: {name}": case for name, case in QUEUES.items()},
}

CASES = {name: case if case.groups else replace(case, groups=_GROUPS) for name, case in _ALL.items()}
