"""Alerts on what processes report of themselves: losses, faults, configuration, and services that fall silent."""

from __future__ import annotations

from otel_verein import semconv
from otel_verein.collector.rules import text
from otel_verein.collector.rules.counting import SERVICE_OPERATIONS, service_total
from otel_verein.collector.rules.rule import CRITICAL, WARNING, Alert, Group, Recorded, of_option
from otel_verein.collector.rules.series import (
    CONFIG_INFO,
    DIGEST,
    DURATION,
    FIGURES_JOB,
    REASON,
    SERVICE_LABELS,
    SITE,
    STATE,
    counter,
    increase,
)
from otel_verein.collector.rules.window import DAY, HOUR, SHORT, Window
from otel_verein.config.schema import Config

PROCESSES = "verein:service:processes"
STEADY = "verein:service:steady"

_LOST = (
    (semconv.METRIC_EXPORT_DROPPED, "verein:export_dropped:increase1m", REASON),
    (semconv.METRIC_SPANS_LOST, "verein:spans_lost:increase1m", REASON),
    (semconv.METRIC_POINTS_LOST, "verein:metrics_lost:increase1m", REASON),
    (semconv.METRIC_INTERNAL_ERRORS, "verein:internal_errors:increase1m", SITE),
    (semconv.METRIC_OVERFLOW, "verein:metrics_overflow:increase1m", ""),
)
"""Counters of what went wrong in a process: the recorded increase, and the label that says why."""


def losses(config: Config) -> Group:
    """What processes lost, and faults of otel-verein itself."""
    away = Window(config.alerts.away_min)
    recorded = [
        Recorded(series, f"sum by ({SERVICE_LABELS}{f', {why}' if why else ''}) {increase(counter(metric), away)}")
        for metric, series, why in _LOST
    ]
    return Group(
        "verein-losses",
        "What went wrong in processes within the last quarter of an hour.",
        [
            *recorded,
            _lost(
                "VereinTracesDropped",
                "verein:export_dropped:increase1m",
                "operations that were to be kept as traces were dropped ({{ $labels.verein_drop_reason }})",
                "Figures on metrics are complete; these traces are missing, and the report calls health unknown.",
                "docs/how-to/losses.md says what helps against each reason.",
            ),
            _lost(
                "VereinSpansLost",
                "verein:spans_lost:increase1m",
                "spans of kept operations were lost ({{ $labels.verein_drop_reason }})",
                "Their traces are there, with gaps.",
                "docs/how-to/losses.md says what helps against each reason.",
            ),
            _lost(
                "VereinMetricsLost",
                "verein:metrics_lost:increase1m",
                "points of metrics were not taken ({{ $labels.verein_drop_reason }})",
                "Cumulative sums come again with the next export; deltas are gone.",
                "Look for what the endpoint of the metrics rejects; its log and ours name it.",
            ),
            _lost(
                "VereinFaults",
                "verein:internal_errors:increase1m",
                "faults of otel-verein itself ({{ $labels.verein_internal_site }})",
                "The application is not affected; its figures may be.",
                "The log of the process has one line for each kind of fault; please report it.",
            ),
            _lost(
                "VereinNamesOverflow",
                "verein:metrics_overflow:increase1m",
                "operations read `other`: there are more names than limits.operation_names",
                "They are in all totals, and cannot be told apart.",
                "Look for names that hold an id (`otel-verein report`), or raise limits.operation_names.",
            ),
        ],
    )


def _lost(name: str, series: str, what: str, meaning: str, action: str) -> Alert:
    return Alert(
        name,
        f"sum_over_time({series}[{SHORT}]) > 0",
        WARNING,
        f"{text.SERVICE}: {text.VALUE} {what}",
        f"Within {SHORT}. {meaning}",
        action,
    )


def configuration() -> Group:
    """Alerts on configurations that processes cannot use, or do not share."""
    refused = f'sum by ({SERVICE_LABELS}) ({CONFIG_INFO}{{{STATE}="invalid"}})'
    waiting = f'sum by ({SERVICE_LABELS}) ({CONFIG_INFO}{{{STATE}="restart_needed"}})'
    differing = f"count by ({SERVICE_LABELS}) (count by ({SERVICE_LABELS}, {DIGEST}) ({CONFIG_INFO}))"
    check = "Run `otel-verein config validate` where the service runs, and `otel-verein config status`."
    return Group(
        "verein-configuration",
        "Which configuration processes run.",
        [
            Alert(
                "VereinConfigurationRefused",
                f"{refused} > 0",
                WARNING,
                f"{text.SERVICE}: {text.VALUE} processes refuse the changed configuration",
                "They go on with the one before.",
                check,
                wait="5m",
            ),
            Alert(
                "VereinConfigurationDiffers",
                f"{differing} > 1",
                WARNING,
                f"{text.SERVICE}: its processes run {text.VALUE} different configurations",
                "Their figures are judged by different budgets; during a roll-out that is over after a while.",
                check,
                wait="1h",
            ),
            Alert(
                "VereinRestartNeeded",
                f"{waiting} > 0",
                WARNING,
                f"{text.SERVICE}: {text.VALUE} processes wait for a restart to follow the configuration",
                "A part of the change takes effect at the next start only.",
                "Restart them; `otel-verein config status` says which part.",
                wait="1d",
            ),
        ],
    )


def silence(config: Config) -> Group:
    """Alerts on services that are no longer heard of: no figures are not good figures."""
    usual = service_total(SERVICE_OPERATIONS, SHORT)
    minimum = of_option(config, "health.minimum_operations")
    steady = of_option(config, "alerts.steady_min")
    return Group(
        "verein-silence",
        "A service counts as steady once it was there for an hour; one that runs now and then is not waited for.",
        [
            Recorded(
                PROCESSES,
                f"count by ({SERVICE_LABELS}) (\n  group by ({SERVICE_LABELS}, instance) ({DURATION}_count)\n)",
            ),
            Recorded(STEADY, f"count_over_time({PROCESSES}[{HOUR}]) >= {steady}"),
            Alert(
                "VereinServiceGone",
                f'last_over_time({STEADY}[{DAY}])\nunless {PROCESSES}\nand on () max(up{{job="{FIGURES_JOB}"}}) == 1',
                CRITICAL,
                f"{text.SERVICE}: nothing is heard of it any more",
                f"It was there steadily within the last {DAY}. Its health is unknown, not good.",
                "Is it running, and does it reach the collector? Its log has a line when telemetry cannot leave. "
                "If it was retired, silence this alert for a day.",
                wait="5m",
            ),
            Alert(
                "VereinNoOperations",
                f"min_over_time({usual}[{HOUR}] offset {SHORT}) >= {minimum}\n"
                f"and count_over_time({usual}[{HOUR}] offset {SHORT}) >= {steady}\n"
                f"unless {usual} > 0",
                WARNING,
                f"{text.SERVICE}: no operation for {SHORT}",
                f"Before, each {SHORT} had at least {text.VALUE}. Its health is unknown, not good.",
                "Look at what is in front of it (load balancer, queue), then at its log.",
            ),
        ],
    )
