"""Where telemetry goes: to the OTLP endpoint that the standard variables name, else to files."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from otel_verein.clock import Clock
from otel_verein.config.schema import Config, Export
from otel_verein.faults import FAULTS

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter

    from otel_verein.exporters.otlp import Channel
    from otel_verein.plain_metrics import AnyMetricExporter

_logger = logging.getLogger("otel_verein")

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
_LEAST_S = 0.2
"""What the metrics of the application get at exit, even if ours have used up all the time."""


def has_endpoint(environ: Mapping[str, str]) -> bool:
    """Whether telemetry goes to an OTLP endpoint; otherwise it goes to files."""
    return any(environ.get(name) for name in _ENDPOINTS)


def exporters(config: Config, environ: Mapping[str, str]) -> tuple[SpanExporter | None, AnyMetricExporter | None, bool]:
    """Span exporter, metric exporter, and whether metrics are cumulative; None where ``OTEL_*_EXPORTER`` is none."""
    wants_spans = environ.get("OTEL_TRACES_EXPORTER", "").strip() != "none"
    wants_metrics = environ.get("OTEL_METRICS_EXPORTER", "").strip() != "none"
    if not has_endpoint(environ):
        from otel_verein.exporters.otlp_file import file_exporters

        spans, metrics = file_exporters(Path(config.export.directory).absolute(), config.export)
        return spans if wants_spans else None, metrics if wants_metrics else None, False
    from otel_verein.exporters.on_demand import MetricsOnDemand, SpansOnDemand

    preference = environ.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative").strip().lower()
    return (
        SpansOnDemand(lambda: _otlp_spans(environ, config.export)) if wants_spans else None,
        MetricsOnDemand(lambda: _otlp_metrics(environ, config.export)) if wants_metrics else None,
        preference not in ("delta", "lowmemory"),
    )


def metrics_every_s(config: Config, environ: Mapping[str, str]) -> float:
    """Seconds between two exports of metrics: to files none, to an endpoint as configured."""
    return config.export.metrics_interval_s if has_endpoint(environ) else 0.0


def export_metrics_of_the_application(
    resource: Resource, environ: Mapping[str, str], options: Export, first: Callable[[], None]
) -> None:
    """Send what the application itself measures to the same endpoint, as under the SDK's own set-up.

    At exit they go after *first*, which exports ours, in what is left of ``export.shutdown_s``.
    """
    if environ.get("OTEL_METRICS_EXPORTER", "").strip() == "none":
        return
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    from otel_verein.exporters.on_demand import MetricsOnDemand, preferences

    exporter = MetricsOnDemand(lambda: _of_application(environ, options), **preferences(environ))
    # Not at exit by itself: the SDK would wait half a minute for an endpoint that does not answer.
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)], resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)

    def at_exit() -> None:
        deadline = Clock.seconds() + options.shutdown_s
        first()
        with FAULTS.guard("export.metrics.application"):
            provider.shutdown(timeout_millis=max(_LEAST_S, deadline - Clock.seconds()) * 1000)

    atexit.register(at_exit)


def _otlp_spans(environ: Mapping[str, str], options: Export) -> SpanExporter:
    from otel_verein.exporters.otlp import OtlpSpans

    return OtlpSpans(_channel(environ, "TRACES"), options.request_bytes)


def _otlp_metrics(environ: Mapping[str, str], options: Export) -> MetricExporter:
    from otel_verein.exporters.otlp import OtlpMetrics

    return OtlpMetrics(_channel(environ, "METRICS"), options.request_bytes)


def _of_application(environ: Mapping[str, str], options: Export) -> MetricExporter:
    from otel_verein.exporters.otlp import ApplicationMetrics

    return ApplicationMetrics(_channel(environ, "METRICS"), options.request_bytes)


def _channel(environ: Mapping[str, str], signal: str) -> Channel:
    """The way of the protocol that the standard variables name."""
    general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    protocol = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", general).strip()
    if protocol == "grpc":
        from otel_verein.exporters.otlp_grpc import GrpcChannel

        return GrpcChannel(environ, signal)
    if protocol != "http/protobuf":
        _logger.warning("otel-verein: OTLP protocol %r is not known, using http/protobuf", protocol)
    from otel_verein.exporters.otlp_http import HttpChannel

    return HttpChannel(environ, signal)
