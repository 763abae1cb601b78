"""A job that has metrics of its own, beside an operation; it sends both, and ends."""

from __future__ import annotations

from opentelemetry import metrics, trace

counter = metrics.get_meter("job").create_counter("job.steps")
with trace.get_tracer("job").start_as_current_span("job"):
    counter.add(3)
print("done", flush=True)
