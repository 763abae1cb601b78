"""Shops with known figures for the tests of commands that answer questions, and how they are run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from otel_verein.cli.main import main
from tests.unit.otlp_lines import (
    START_NS,
    attributes,
    counter,
    finding,
    metrics_request,
    operation_metrics,
    spans_request,
    write,
)

TRACE_ID = f"{1:032x}"
"""The trace of which there are two spans."""


def run(*words: object) -> Result:
    """What such a command line does."""
    return CliRunner().invoke(main, [str(word) for word in words])


def answer(*words: object) -> dict[str, Any]:
    """The JSON object of a command that ends well."""
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shop(place: Path, *, repeats: int = 25, seconds: float = 0.1, queries: int = 26) -> Path:
    """A directory with 40 operations of GET /books, each with an N+1 if *repeats* is more than 1."""
    found = repeats > 1
    metrics = operation_metrics(
        "GET /books",
        duration=[seconds * (1 + number % 5 / 100) for number in range(40)],
        queries=[queries] * 40,
        db_duration=[seconds / 2] * 40,
        breaches={"n_plus_one": 40} if found else {},
        kept=40 if found else 1,
        sampled_out=0 if found else 39,
    )
    metrics += operation_metrics("GET /about", duration=[0.01] * 3, queries=[0] * 3, kept=0, sampled_out=3)
    write(place / "metrics" / "a.jsonl", metrics_request(metrics))
    events = [finding(repeats=repeats, total_ms=50.0)] if found else []
    kept = [spans_request("GET /books", events, number=number) for number in range(1, 41 if found else 2)]
    kept[0]["resourceSpans"][0]["scopeSpans"][0]["spans"].append(call())
    write(place / "spans" / "a.jsonl", *kept)
    return place


def call() -> dict[str, Any]:
    """A summary span of 25 queries below the root of the trace."""
    told = {
        "db.query.text": "SELECT name FROM author WHERE id = ?",
        "aggregation.is_summary": True,
        "aggregation.span_count": 25,
        "aggregation.duration_min_ns": 500_000,
        "aggregation.duration_max_ns": 4_000_000,
        "aggregation.duration_avg_ns": 2_000_000,
        "aggregation.duration_total_ns": 50_000_000,
    }
    return {
        "traceId": TRACE_ID,
        "spanId": f"{99:016x}",
        "parentSpanId": f"{1:016x}",
        "name": "SELECT author",
        "kind": 3,
        "startTimeUnixNano": str(START_NS + 1_000_000),
        "endTimeUnixNano": str(START_NS + 80_000_000),
        "attributes": attributes(told),
        "status": {},
    }


def lossy(place: Path) -> Path:
    """The same, of which two operations were lost on the way."""
    dropped = counter("verein.export.dropped", 2, verein__drop__reason="queue_full")
    write(shop(place) / "metrics" / "b.jsonl", metrics_request([dropped]))
    return place
