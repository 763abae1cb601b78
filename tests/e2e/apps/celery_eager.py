"""Eager runs of tasks: ``celery_eager.py alone|span`` runs tasks at once, without or inside an operation."""

from __future__ import annotations

import contextlib
import sys

from celery_app import nested, plain, retried
from opentelemetry import trace


def main() -> None:
    """Three tasks, one of which retries itself under its own id."""
    plain.delay(2)
    retried.apply((3,))
    nested.delay(4)


if __name__ == "__main__":
    span = trace.get_tracer("job").start_as_current_span("outer") if sys.argv[1] == "span" else contextlib.nullcontext()
    with span:
        main()
