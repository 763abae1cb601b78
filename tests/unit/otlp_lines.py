"""OTLP/JSON lines for tests of the read side, built from plain values whose truth is known."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

START_NS = 1_764_072_000_000_000_000
END_NS = START_NS + 60_000_000_000

_HISTOGRAMS = {
    "duration": "verein.operation.duration",
    "queries": "verein.operation.db.queries",
    "db_duration": "verein.operation.db.duration",
}


def value(of: object) -> dict[str, Any]:
    """One AnyValue as protobuf's JSON mapping writes it: whole numbers are strings."""
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, str):
        return {"stringValue": of}
    if isinstance(of, Sequence):
        return {"arrayValue": {"values": [value(item) for item in of]}}
    raise TypeError(f"no AnyValue for {of!r}")


def attributes(of: Mapping[str, object]) -> list[dict[str, Any]]:
    """Attributes in the order given; None stands for one that is not known and is left out."""
    return [{"key": key, "value": value(item)} for key, item in of.items() if item is not None]


def series(operation: str | None, status: str = "ok", kind: str = "server", **more: object) -> dict[str, object]:
    """The attributes of a point; a double underscore in *more* stands for a dot."""
    own: dict[str, object] = {}
    if operation is not None:
        own = {
            "verein.operation.name": operation,
            "verein.operation.kind": kind,
            "verein.operation.status": status,
        }
    return own | {key.replace("__", "."): item for key, item in more.items()}


def histogram_point(values: Sequence[float], scale: int = 5) -> dict[str, Any]:
    """The fields of an exponential histogram point that holds *values*."""
    positive = [number for number in values if number > 0]
    counts = Counter(math.ceil(math.log2(number) * 2**scale) - 1 for number in positive)
    point: dict[str, Any] = {
        "count": str(len(values)),
        "sum": float(sum(values)),
        "min": float(min(values)),
        "max": float(max(values)),
        "scale": scale,
    }
    if len(positive) < len(values):
        point["zeroCount"] = str(len(values) - len(positive))
    if counts:
        first, last = min(counts), max(counts)
        point["positive"] = {
            "offset": first,
            "bucketCounts": [str(counts.get(index, 0)) for index in range(first, last + 1)],
        }
    return point


def metric(
    name: str,
    points: Iterable[tuple[Mapping[str, object], Mapping[str, Any]]],
    *,
    temporality: int = 1,
    shape: str | None = None,
    start_ns: int = START_NS,
    end_ns: int = END_NS,
) -> dict[str, Any]:
    """One metric; a point with ``asInt`` makes it a counter, any other an exponential histogram."""
    data = [
        {"attributes": attributes(own), "startTimeUnixNano": str(start_ns), "timeUnixNano": str(end_ns), **fields}
        for own, fields in points
    ]
    counter = all("asInt" in point for point in data)
    shape = shape or ("sum" if counter else "exponentialHistogram")
    holder: dict[str, Any] = {"aggregationTemporality": temporality, "dataPoints": data}
    if counter:
        holder["isMonotonic"] = True
    return {"name": name, "unit": "1", shape: holder}


def metrics_request(
    metrics: Sequence[Mapping[str, Any]], service: str = "shop", scope: str = "otel_verein", instance: str = "1"
) -> dict[str, Any]:
    """One request of the metrics signal."""
    resource = {"attributes": attributes({"service.name": service, "service.instance.id": instance})}
    return {
        "resourceMetrics": [
            {"resource": resource, "scopeMetrics": [{"scope": {"name": scope}, "metrics": list(metrics)}]}
        ]
    }


def operation_metrics(
    operation: str,
    *,
    duration: Sequence[float],
    queries: Sequence[float] | None = None,
    db_duration: Sequence[float] | None = None,
    scale: int = 5,
    breaches: Mapping[str, int] | None = None,
    kept: int = 0,
    sampled_out: int = 0,
    **options: Any,
) -> list[dict[str, Any]]:
    """The metrics of one operation with status ok, as the write side emits them."""
    given = {"duration": duration, "queries": queries, "db_duration": db_duration}
    metrics = [
        metric(_HISTOGRAMS[part], [(series(operation), histogram_point(values, scale))], **options)
        for part, values in given.items()
        if values is not None
    ]
    for breach, amount in (breaches or {}).items():
        metrics.append(counter("verein.operation.breaches", amount, operation, verein__breach=breach, **options))
    if kept:
        metrics.append(counter("verein.operation.kept", kept, operation, verein__keep_reason="sampled", **options))
    if sampled_out:
        metrics.append(counter("verein.operation.sampled_out", sampled_out, operation, **options))
    return metrics


def counter(name: str, amount: int, operation: str | None = None, **more: Any) -> dict[str, Any]:
    """One counter with one point; keywords of :func:`metric` are passed on, others are attributes."""
    options = {key: more.pop(key) for key in ("temporality", "start_ns", "end_ns") if key in more}
    return metric(name, [(series(operation, **more), {"asInt": str(amount)})], **options)


def finding(
    fingerprint: str = "f1", *, kind: str = "n_plus_one", repeats: int = 10, total_ms: float = 20.0, **more: object
) -> dict[str, Any]:
    """One finding event; a double underscore in *more* stands for a dot, None leaves an attribute out."""
    own: dict[str, object] = {
        "verein.finding.kind": kind,
        "verein.finding.fingerprint": fingerprint,
        "db.query.summary": "SELECT author",
        "db.query.text": "SELECT name FROM author WHERE id = ?",
        "db.operation.name": "SELECT",
        "db.system.name": "sqlite",
        "verein.finding.repeats": repeats,
        "verein.finding.statements": 1,
        "verein.finding.total_ms": total_ms,
        "code.file.path": "/srv/app/views.py",
        "code.line.number": 42,
        "code.function.name": "index",
        "verein.finding.stack": ["/srv/app/views.py:42 in index", "/srv/app/urls.py:7 in route"],
    }
    own |= {key.replace("__", "."): item for key, item in more.items()}
    return {"timeUnixNano": str(START_NS), "name": "verein.finding", "attributes": attributes(own)}


def spans_request(
    operation: str, events: Sequence[Mapping[str, Any]], *, number: int = 1, service: str = "shop"
) -> dict[str, Any]:
    """One request of the trace signal with one root span."""
    span = {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "traceState": "ot=th:0",
        "name": operation,
        "kind": 2,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(END_NS),
        "attributes": attributes({"verein.db.query_count": 12}),
        "events": list(events),
        "status": {},
    }
    resource = {"attributes": attributes({"service.name": service})}
    scopes = [{"scope": {"name": "opentelemetry.instrumentation.django"}, "spans": [span]}]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}


def write(path: Path, *requests: Mapping[str, Any] | str, end: str = "\n") -> Path:
    """A segment of these requests, one a line; text stands as it is, and *end* closes the last line."""
    lines = [line if isinstance(line, str) else json.dumps(line, separators=(",", ":")) for line in requests]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return path
