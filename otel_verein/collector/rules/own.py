"""Alerts on the collector itself: whether it runs, what it refuses, what waits in it, and what it loses."""

from __future__ import annotations

from otel_verein.collector.rules.rule import CRITICAL, WARNING, Alert, Group, Recorded, of_option
from otel_verein.collector.rules.series import COLLECTOR_JOB, FIGURES_JOB, increase
from otel_verein.collector.rules.text import SHARE, VALUE
from otel_verein.collector.rules.window import HOUR, SHORT, Window
from otel_verein.config.schema import Config

FILL = "verein:collector:queue_fill"

_JOB = f'{{job="{COLLECTOR_JOB}"}}'
_INSTANCE = "Collector {{ $labels.instance }}"
_WHAT = f"{VALUE} {{{{ $labels.of }}}}"
_MIB = 1024 * 1024

_SPANS, _POINTS = "spans", "points"
_COUNTED = (
    ("refused", _SPANS, "receiver_refused_spans", "instance"),
    ("refused", _POINTS, "receiver_refused_metric_points", "instance"),
    ("failed", _SPANS, "receiver_failed_spans", "instance"),
    ("failed", _POINTS, "receiver_failed_metric_points", "instance"),
    ("sent", _SPANS, "exporter_sent_spans", "instance, exporter"),
    ("sent", _POINTS, "exporter_sent_metric_points", "instance, exporter"),
    ("send_failed", _SPANS, "exporter_send_failed_spans", "instance, exporter"),
    ("send_failed", _POINTS, "exporter_send_failed_metric_points", "instance, exporter"),
    ("enqueue_failed", _SPANS, "exporter_enqueue_failed_spans", "instance, exporter"),
    ("enqueue_failed", _POINTS, "exporter_enqueue_failed_metric_points", "instance, exporter"),
    ("undecided", "too early", "processor_tail_sampling_sampling_trace_dropped_too_early", "instance"),
    ("undecided", "too large", "processor_tail_sampling_traces_dropped_too_large", "instance"),
    ("policy_errors", "", "processor_tail_sampling_sampling_policy_evaluation_error", "instance"),
)
"""Counters of the collector: the recorded increase, its label ``of``, the counter, the labels that are kept."""


def recorded(name: str) -> str:
    """The recorded increase of one of these counters."""
    return f"verein:collector_{name}:increase1m"


def collector(config: Config) -> Group:
    """Whether it runs and takes what comes."""
    away = Window(config.alerts.away_min)
    sums = [
        Recorded(
            recorded(name),
            f"sum by ({labels}) {increase(f'otelcol_{series}{_JOB}', away)}",
            {"of": of} if of else {},
        )
        for name, of, series, labels in _COUNTED
    ]
    return Group(
        "verein-collector",
        "Whether the collector runs, and takes what comes. It has no series of a counter before it first counts.",
        [*sums, *_running(config), *_taking()],
    )


def queues(config: Config) -> Group:
    """What waits in it, and what it loses."""
    fill = f"otelcol_exporter_queue_size{_JOB} / otelcol_exporter_queue_capacity{_JOB}"
    warns = of_option(config, "alerts.queue_share")
    critical = of_option(config, "alerts.queue_critical_share")
    return Group(
        "verein-queues",
        "What waits for backends, and what is lost on the way to them.",
        [
            Recorded(FILL, fill),
            _filling(f"{FILL} > {warns}\nunless {FILL} > {critical}", WARNING),
            _filling(f"{FILL} > {critical}", CRITICAL),
            *_losing(),
            Alert(
                "VereinKafkaLag",
                f"deriv(otelcol_kafka_receiver_offset_lag{_JOB}[{SHORT}]) > 0\n"
                f"and min_over_time(otelcol_kafka_receiver_offset_lag{_JOB}[{SHORT}]) > 0",
                WARNING,
                "Gateway {{ $labels.instance }} falls behind partition {{ $labels.partition }} of Kafka",
                f"What waits there grows by {VALUE} messages a second; beyond the retention of the topic it is lost.",
                "Start another gateway of the same consumer group, if there are partitions for it.",
                wait="15m",
            ),
        ],
    )


def _running(config: Config) -> list[Alert]:
    memory, traces = of_option(config, "collector.memory_mib", _MIB), of_option(config, "collector.traces")
    return [
        Alert(
            "VereinCollectorDown",
            f'up{{job=~"{FIGURES_JOB}|{COLLECTOR_JOB}"}} == 0',
            CRITICAL,
            f"{_INSTANCE} ({{{{ $labels.job }}}}) does not answer",
            "Traces and figures wait in the queues of the processes, which are short; no other alert can be relied on.",
            "Look at its log (`journalctl -u otel-verein-collector`), and start it: `otel-verein collector run`.",
            wait="2m",
        ),
        Alert(
            "VereinCollectorUnwatched",
            f'absent(up{_JOB}) or absent(up{{job="{FIGURES_JOB}"}})',
            CRITICAL,
            "Prometheus scrapes no collector as {{ $labels.job }}",
            "None of the other alerts of this job can fire.",
            "Compare scrape_configs with deploy/prometheus/prometheus.yml.",
            wait="5m",
        ),
        Alert(
            "VereinCollectorRestarts",
            f"resets(otelcol_process_uptime{_JOB}[{HOUR}]) >= {of_option(config, 'alerts.restarts')}",
            WARNING,
            f"{_INSTANCE} has started {VALUE} times more within {HOUR}",
            "With each start, what waited for a decision on its trace is lost.",
            "Look for the reason in its log; of a lack of memory the kernel's log tells.",
        ),
        Alert(
            "VereinCollectorMemory",
            f"otelcol_process_runtime_total_sys_memory_bytes{_JOB} > {memory}",
            WARNING,
            f"{_INSTANCE} takes {{{{ $value | humanize1024 }}}}B, more than collector.memory_mib",
            "It refuses what comes once its heap is there; the kernel may end it before.",
            "Fewer traces at a time (collector.traces, collector.decision_wait_s), or more memory.",
            wait="10m",
        ),
        Alert(
            "VereinDecisionsFull",
            f"otelcol_processor_tail_sampling_sampling_traces_on_memory{_JOB} >= {traces}",
            WARNING,
            f"{_INSTANCE} has {VALUE} traces that wait for a decision, as many as it may",
            "Senders wait; a trace whose spans come late for that reason can be decided on before its error is there.",
            "Raise collector.traces, with the memory it needs, or add a gateway.",
            wait="5m",
        ),
    ]


def _taking() -> list[Alert]:
    return [
        _counted(
            "VereinCollectorRefuses",
            "refused",
            WARNING,
            f"{_INSTANCE} has refused {_WHAT}",
            "It is out of memory, or a queue is full. Senders try again, and drop what finds no room in their queues.",
            "See VereinQueueFilling and VereinCollectorMemory for which; add memory, or another collector.",
        ),
        _counted(
            "VereinCollectorFails",
            "failed",
            CRITICAL,
            f"{_INSTANCE} could not process {_WHAT}",
            "They are lost, unless their senders try again.",
            "Its log names the processor; run `otel-verein collector validate` on its configuration.",
        ),
    ]


def _losing() -> list[Alert]:
    backend = "for {{ $labels.exporter }}"
    return [
        Alert(
            "VereinBackendAway",
            f"sum without (data_type) (otelcol_exporter_queue_size{_JOB}) > 0\n"
            f"unless on (instance, exporter) sum_over_time({recorded('sent')}[5m]) > 0",
            WARNING,
            f"{_INSTANCE} sends nothing {backend}, and its queue is not empty",
            "Nothing is lost while the queue on disk has room.",
            "Does the backend run and answer? The log of the collector has its answers.",
            wait="5m",
        ),
        _counted(
            "VereinCollectorLoses",
            "send_failed",
            CRITICAL,
            f"{_INSTANCE} has given up {_WHAT} {backend}",
            "The backend refused them for good, or was away for longer than they are tried for.",
            "The log of the collector has the answer of the backend.",
        ),
        _counted(
            "VereinQueueFull",
            "enqueue_failed",
            CRITICAL,
            f"{_INSTANCE} found no room for {_WHAT} {backend}",
            "They were refused to their senders, which try again while they have room.",
            "Bring the backend back, or raise collector.queue_mib where there is disk.",
        ),
        _counted(
            "VereinTracesUndecided",
            "undecided",
            CRITICAL,
            f"{_INSTANCE} has dropped {VALUE} traces undecided ({{{{ $labels.of }}}})",
            "They are missing, errors among them.",
            "Raise collector.traces, lower collector.decision_wait_s, or add a gateway.",
        ),
        _counted(
            "VereinPolicyErrors",
            "policy_errors",
            WARNING,
            f"{_INSTANCE} could not hold {VALUE} traces against a policy",
            "What no policy keeps is dropped.",
            "Its log names the policy; run `otel-verein collector validate`.",
        ),
    ]


def _filling(expression: str, severity: str) -> Alert:
    return Alert(
        "VereinQueueFilling",
        expression,
        severity,
        f"{_INSTANCE}: its queue for {{{{ $labels.exporter }}}} is filled to {SHARE}",
        "Once it is full, the collector refuses what comes.",
        "Does the backend run and keep up? Its queue is bounded by collector.queue_mib.",
        wait="5m",
    )


def _counted(name: str, counter: str, severity: str, summary: str, description: str, action: str) -> Alert:
    expression = f"sum_over_time({recorded(counter)}[{SHORT}]) > 0"
    return Alert(name, expression, severity, f"{summary} within {SHORT}", description, action)
