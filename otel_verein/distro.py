"""What ``opentelemetry-instrument`` and ``otel-verein run`` start: the one place that wires the write side.

The entry points ``opentelemetry_distro`` and ``opentelemetry_configurator`` lead here, so installing the package is
enough. Nothing here may keep the application from starting: every step stands under the guard.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]
from wrapt import register_post_import_hook

from otel_verein.config import Config, load
from otel_verein.errors import ConfigError
from otel_verein.faults import FAULTS
from otel_verein.instrumentation.drivers.registry import REPLACED_INSTRUMENTORS
from otel_verein.instrumentation.jobs import REPLACED_INSTRUMENTORS as JOB_SYSTEMS

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_logger = logging.getLogger("otel_verein")

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


class VereinDistro(BaseDistro):  # type: ignore[misc]
    """Loads the upstream instrumentations, but for the drivers that otel-verein hooks itself."""

    def _configure(self, **kwargs: Any) -> None:
        """Nothing to preset: what differs from the SDK's defaults is done by the configurator."""

    def load_instrumentor(self, entry_point: Any, **kwargs: Any) -> None:
        """Load one upstream instrumentation; a framework's when the framework is imported and set up."""
        if entry_point.name in REPLACED_INSTRUMENTORS or entry_point.name in JOB_SYSTEMS:
            return
        from otel_verein.instrumentation.web.frameworks import load_in_time

        if load_in_time(entry_point.name, lambda: super(VereinDistro, self).load_instrumentor(entry_point, **kwargs)):
            return
        super().load_instrumentor(entry_point, **kwargs)


class VereinConfigurator:
    """Sets up provider, processor, exporters and driver hooks of the process."""

    def configure(self, **_: Any) -> None:
        """Set all up; a fault is one log line, and the application starts without us."""
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return
        with FAULTS.guard("distro.configure"):
            set_up(os.environ)


def set_up(environ: Mapping[str, str]) -> TracerProvider:
    """Make the process record: returns the global tracer provider it has set."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from otel_verein.instrumentation import instrument
    from otel_verein.instrumentation.jobs import instrument_jobs
    from otel_verein.instrumentation.script.command import begin_command
    from otel_verein.instrumentation.script.exit import restore_interrupt
    from otel_verein.processors import VereinSampler, VereinSpanProcessor

    atexit.register(restore_interrupt)  # first to be registered, so last to run
    config = usable_config(environ)
    resource = Resource.create(_defaults(environ))
    provider = TracerProvider(sampler=VereinSampler(config.sampling), resource=resource)
    spans, metrics, cumulative = exporters(config, environ)
    provider.add_span_processor(VereinSpanProcessor(spans, config, metrics, resource=resource, cumulative=cumulative))
    trace.set_tracer_provider(provider)
    if has_endpoint(environ):
        _export_metrics_of_the_application(resource, environ)
    instrument()
    instrument_jobs(provider.shutdown)
    begin_command(environ, provider)
    flush_on_sigterm(provider.shutdown)
    flush_in_forked_children(provider)
    return provider


def usable_config(environ: Mapping[str, str]) -> Config:
    """The configuration in force, or the defaults and one log line when it is broken."""
    try:
        return load(environ)
    except ConfigError as fault:
        _logger.warning(
            "otel-verein: the configuration is not usable, defaults are in force: %s",
            "; ".join(str(problem) for problem in fault.problems),
        )
        return Config()


def has_endpoint(environ: Mapping[str, str]) -> bool:
    """Whether telemetry goes to an OTLP endpoint; otherwise it goes to files."""
    return any(environ.get(name) for name in _ENDPOINTS)


def exporters(config: Config, environ: Mapping[str, str]) -> tuple[SpanExporter | None, MetricExporter | None, bool]:
    """Span exporter, metric exporter, and whether metrics are cumulative; None where ``OTEL_*_EXPORTER`` is none."""
    wants_spans = environ.get("OTEL_TRACES_EXPORTER", "").strip() != "none"
    wants_metrics = environ.get("OTEL_METRICS_EXPORTER", "").strip() != "none"
    if not has_endpoint(environ):
        from otel_verein.exporters import file_exporters

        spans, metrics = file_exporters(Path(config.export.directory).absolute(), config.export)
        return spans if wants_spans else None, metrics if wants_metrics else None, False
    from otel_verein.exporters.on_demand import MetricsOnDemand, SpansOnDemand

    preference = environ.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative").strip().lower()
    return (
        SpansOnDemand(lambda: _otlp(environ, "traces")) if wants_spans else None,
        MetricsOnDemand(lambda: _otlp(environ, "metrics")) if wants_metrics else None,
        preference not in ("delta", "lowmemory"),
    )


def _otlp(environ: Mapping[str, str], signal_name: str) -> Any:
    """The OpenTelemetry exporter of the protocol that the standard variables name."""
    general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    protocol = environ.get(f"OTEL_EXPORTER_OTLP_{signal_name.upper()}_PROTOCOL", general).strip()
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans

        return GrpcSpans() if signal_name == "traces" else GrpcMetrics()
    if protocol != "http/protobuf":
        _logger.warning("otel-verein: OTLP protocol %r is not known, using http/protobuf", protocol)
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans

    return HttpSpans() if signal_name == "traces" else HttpMetrics()


def _export_metrics_of_the_application(resource: Any, environ: Mapping[str, str]) -> None:
    """What the application itself measures goes to the same endpoint, as under the SDK's own set-up."""
    if environ.get("OTEL_METRICS_EXPORTER", "").strip() == "none":
        return
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    from otel_verein.exporters.on_demand import MetricsOnDemand, preferences

    exporter = MetricsOnDemand(lambda: _otlp(environ, "metrics"), **preferences(environ))
    reader = PeriodicExportingMetricReader(exporter)
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))


def _defaults(environ: Mapping[str, str]) -> dict[str, str]:
    """A service name that says more than ``unknown_service`` where the user gave none."""
    named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return {} if named else {"service.name": Path.cwd().name or "unknown_service"}


def flush_in_forked_children(provider: TracerProvider) -> None:
    """Flush at the end of children that ``multiprocessing`` forks: they leave without exit handlers.

    The finalizer is registered anew in each child, since a child forgets its parent's.
    """

    def imported(module: Any) -> None:
        # last of all: below the priorities that pools and queues use
        module.register_after_fork(provider, lambda _: module.Finalize(None, provider.shutdown, exitpriority=-1000))

    register_post_import_hook(imported, "multiprocessing.util")


def flush_on_sigterm(flush: Callable[[], None]) -> None:
    """Flush before a SIGTERM that nobody handles ends the process; it still dies of the signal.

    Servers that handle SIGTERM themselves replace this handler or exit normally, where the provider's own
    exit handler flushes.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def handle(number: int, _: object) -> None:
        from otel_verein.instrumentation.script.command import COMMAND

        with FAULTS.guard("distro.sigterm"):
            if not COMMAND.end_of_signal(number):
                return
        with FAULTS.guard("distro.sigterm"):
            flush()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, handle)
