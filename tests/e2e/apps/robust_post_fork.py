"""A gunicorn configuration that sets everything up in each worker, without ``otel-verein run`` and its environment."""

from __future__ import annotations

import atexit
import os
from typing import Any

for _name in [name for name in os.environ if name.startswith(("PYTHON", "OTEL_", "VEREIN_"))]:
    del os.environ[_name]


def post_fork(server: Any, worker: Any) -> None:
    """Set up this worker."""
    from opentelemetry import trace
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    from otel_verein.config import Config
    from otel_verein.exporters import file_exporters
    from otel_verein.instrumentation import instrument
    from otel_verein.processors import VereinSpanProcessor
    from otel_verein.tracing import VereinTracerProvider

    config = Config()
    spans, metrics = file_exporters(config.export.directory, config.export)
    provider = VereinTracerProvider(VereinSpanProcessor(spans, config, metrics))
    atexit.register(provider.shutdown)
    trace.set_tracer_provider(provider)
    FlaskInstrumentor().instrument()
    instrument()
