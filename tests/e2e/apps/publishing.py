"""Asks for a job from inside a span, and prints the id of its trace: ``publishing.py celery|rq QUERIES``."""

from __future__ import annotations

import os
import sys

from opentelemetry import trace


def main(system: str, queries: int) -> None:
    """Send one job that makes *queries* queries."""
    if system == "celery":
        from celery_app import plain

        plain.delay(queries)
        return
    import rq_jobs
    from redis import Redis
    from rq import Queue

    Queue("default", connection=Redis.from_url(os.environ["BROKER"])).enqueue(
        rq_jobs.plain, queries, meta={"theirs": 1}
    )


if __name__ == "__main__":
    with trace.get_tracer("job").start_as_current_span("asking") as span:
        main(sys.argv[1], int(sys.argv[2]))
        print(f"{span.get_span_context().trace_id:032x}", flush=True)
