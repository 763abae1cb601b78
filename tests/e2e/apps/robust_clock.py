"""Operations during which the wall clock is set back and forth by an hour: ``robust_clock.py light|sdk``.

What reads the clock is replaced before anything imports it, as in a process whose clock an administrator sets.
"""

from __future__ import annotations

import time

_real_ns, _step_ns = time.time_ns, 0
time.time_ns = lambda: _real_ns() + _step_ns
time.time = lambda: (_real_ns() + _step_ns) / 1e9

import sqlite3  # noqa: E402
import sys  # noqa: E402

from opentelemetry import trace  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402

from otel_verein.config.schema import Config, Sampling  # noqa: E402
from otel_verein.exporters import file_exporters  # noqa: E402
from otel_verein.instrumentation import instrument  # noqa: E402
from otel_verein.processors import VereinSampler, VereinSpanProcessor  # noqa: E402

STEPS_S = (0, -3600, 0, 3600, -3600)
"""What the clock is set to, as seconds off the true time: the first during an operation, and so on."""


def _provider(how: str) -> TracerProvider:
    config = Config(sampling=Sampling(ratio=1.0))
    spans, metrics = file_exporters(".verein/otlp", config.export)
    processor = VereinSpanProcessor(spans, config, metrics)
    if how == "light":
        from otel_verein.tracing import VereinTracerProvider

        return VereinTracerProvider(processor)
    provider = TracerProvider(sampler=VereinSampler(config.sampling))
    provider.add_span_processor(processor)
    return provider


def main(how: str) -> None:
    """One operation for each step, with a child and queries on both sides of it."""
    global _step_ns
    provider = _provider(how)
    trace.set_tracer_provider(provider)
    instrument()
    tracer = trace.get_tracer("clock")
    for step in STEPS_S:
        with tracer.start_as_current_span("stepped"), tracer.start_as_current_span("child"):
            connection = sqlite3.connect(":memory:")
            connection.execute("select 1").fetchall()
            _step_ns = step * 1_000_000_000
            connection.execute("select 1").fetchall()
            connection.close()
    provider.shutdown()
    print(len(STEPS_S), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
