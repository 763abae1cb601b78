"""Traces of whole seconds with known times, as OTLP/JSON: for backends that take and give traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_verein import semconv
from tests.unit.otlp_lines import attributes
from tests.unit.otlp_lines import finding as finding_event

Json = dict[str, Any]


def trace(
    number: int,
    start_ns: int,
    *,
    service: str = "shop",
    operation: str = "GET /größe",
    queries: int = 2,
    threshold: str = "0",
    version: str = "1.0",
    finding: Mapping[str, Any] | None = None,
    failed: bool = False,
) -> Json:
    """A request with one trace: an operation of 10 ms with so many queries of 1 ms, each after the one before.

    *threshold* is OpenTelemetry's sampling threshold: ``8`` for a trace that stands for two.
    """
    trace_id, root_id = f"{number:032x}", f"{number:08x}00000000"
    root = _span(trace_id, root_id, operation, 2, (start_ns, 10_000_000), threshold)
    root["attributes"] = attributes(
        {semconv.DB_QUERY_COUNT: queries, semconv.DB_DURATION_MS: float(queries), semconv.OPERATION: operation}
        | ({semconv.BREACH: ["error"]} if failed else {})
    )
    root["status"] = {"code": 2, "message": "böse 😀"} if failed else {}
    root["events"] = [finding] if finding else []
    spans = [root]
    for place in range(queries):
        at = (start_ns + place * 1_000_000, 1_000_000)
        query = _span(trace_id, f"{number:08x}{place + 1:08x}", "SELECT author", 3, at, threshold)
        query["parentSpanId"] = root_id
        query["attributes"] = attributes(
            {
                "db.system.name": "sqlite",
                "db.operation.name": "SELECT",
                "db.query.summary": "SELECT author",
                "db.query.text": "SELECT name FROM author WHERE id = ?",
                semconv.DB_FINGERPRINT: "f1",
            }
        )
        spans.append(query)
    resource = {"attributes": attributes({"service.name": service, "service.version": version})}
    scopes = [{"scope": {"name": semconv.SCOPE}, "spans": spans}]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}


def n_plus_one(at_ns: int, repeats: int) -> Json:
    """The event of an N+1 of one statement."""
    return finding_event(repeats=repeats, total_ms=float(repeats)) | {"timeUnixNano": str(at_ns)}


def _span(trace_id: str, span_id: str, name: str, kind: int, time: tuple[int, int], threshold: str) -> Json:
    start_ns, duration_ns = time
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "traceState": f"ot=th:{threshold}",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + duration_ns),
    }
