"""The way out of a process: a bounded queue, the threads that empty it, and what they do when an endpoint is away."""

from otel_verein.processors.outbox.outbox import Outbox

__all__ = ["Outbox"]
