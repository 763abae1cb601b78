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

from otel_verein import semconv
from otel_verein.config import Config
from otel_verein.config.watch import Look, Watch
from otel_verein.exporters.choice import export_metrics_of_the_application, exporters, has_endpoint, metrics_every_s
from otel_verein.faults import FAULTS
from otel_verein.instrumentation.drivers.registry import REPLACED_INSTRUMENTORS
from otel_verein.instrumentation.jobs import REPLACED_INSTRUMENTORS as JOB_SYSTEMS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_logger = logging.getLogger("otel_verein")


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

    from otel_verein.instrumentation import instrument
    from otel_verein.instrumentation.jobs import instrument_jobs
    from otel_verein.instrumentation.script.command import begin_command
    from otel_verein.instrumentation.script.exit import restore_interrupt
    from otel_verein.processors import VereinSpanProcessor
    from otel_verein.tracing import VereinTracerProvider

    atexit.register(restore_interrupt)  # first to be registered, so last to run
    watch = Watch(environ)
    look = watch.read()
    config = usable(look)
    resource = Resource.create(_defaults(environ, config))
    spans, metrics, cumulative = exporters(config, environ)
    every_s = metrics_every_s(config, environ)
    processor = VereinSpanProcessor(
        spans,
        config,
        metrics,
        resource=resource,
        cumulative=cumulative,
        metrics_every_s=every_s,
        watch=watch,
        refused=look.error,
    )
    provider = VereinTracerProvider(processor, resource=resource)
    trace.set_tracer_provider(provider)
    if has_endpoint(environ):
        export_metrics_of_the_application(resource, environ, config.export, provider.shutdown)
    instrument()
    instrument_jobs(provider.shutdown)
    begin_command(environ, provider)
    flush_on_sigterm(provider.shutdown)
    flush_in_forked_children(provider)
    return provider


def usable(look: Look) -> Config:
    """The configuration in force, or the defaults and one log line when it is broken."""
    if look.resolved is not None:
        for note in look.resolved.notes:
            _logger.warning("otel-verein: %s", note)
        return look.resolved.config
    problems = look.error.problems if look.error is not None else ()
    _logger.warning(
        "otel-verein: the configuration is not usable, defaults are in force: %s", "; ".join(map(str, problems))
    )
    return Config()


def _defaults(environ: Mapping[str, str], config: Config) -> dict[str, str]:
    """What the user's resource attributes do not say: a better name than ``unknown_service``, the environment."""
    given = environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    found = {}
    if not environ.get("OTEL_SERVICE_NAME") and "service.name=" not in given:
        found["service.name"] = Path.cwd().name or "unknown_service"
    if config.environment and f"{semconv.ENVIRONMENT}=" not in given:
        found[semconv.ENVIRONMENT] = config.environment
    return found


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
