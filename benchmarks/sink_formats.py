"""What the agents' messages hold: operations and spans of queries, counted; pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from typing import Any

Counted = dict[str, int]


def otlp(body: bytes) -> Counted:
    """Spans without parent are operations, all others are queries."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(body)
    scopes = [scope for resource in request.resource_spans for scope in resource.scope_spans]
    roots = [not span.parent_span_id for scope in scopes for span in scope.spans]
    return {"operations": sum(roots), "spans": len(roots) - sum(roots)}


def sentry(body: bytes) -> Counted:
    """An envelope: a line of head, then items, each a line of head and its content."""
    counted = {"operations": 0, "spans": 0}
    rest = body.partition(b"\n")[2]
    while rest:
        line, _, rest = rest.partition(b"\n")
        if not line:
            continue
        head = json.loads(line)
        size = head.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        content, rest = rest[:size], rest[size + 1 :]
        if head["type"] == "transaction":
            counted["operations"] += 1
            counted["spans"] += len(json.loads(content)["spans"])
    return counted


def elastic(body: bytes) -> Counted:
    """A JSON object a line; one span may stand for many, and what its limits dropped is counted, too."""
    counted = {"operations": 0, "spans": 0}
    for line in body.splitlines():
        event = json.loads(line)
        if "transaction" in event:
            counted["operations"] += 1
            counted["spans"] += event["transaction"]["span_count"]["dropped"]
        elif "span" in event:
            counted["spans"] += event["span"].get("composite", {}).get("count", 1)
    return counted


def scout(body: bytes) -> Counted:
    """A batch of commands that start and stop requests and spans; one span is the request's own."""
    commands = json.loads(body).get("BatchCommand", {}).get("commands", ())
    started = [next(iter(command)) for command in commands]
    requests = started.count("StartRequest")
    return {"operations": requests, "spans": started.count("StartSpan") - requests}


def datadog(body: bytes) -> Counted:
    """Traces as lists of spans; kept by its sampling priority, or said to be dropped."""
    document = unpack(body)
    if len(document) == 2 and document[0] and isinstance(document[0][0], str):  # version 0.5: strings, then traces
        strings, traces = document
        metrics = [{strings[key]: value for key, value in trace[0][10].items()} for trace in traces]
    else:
        traces = document
        metrics = [trace[0].get("metrics", {}) for trace in traces]
    kept = [found.get("_sampling_priority_v1", 1) > 0 for found in metrics]
    return {
        "operations": sum(kept),
        "operations_rejected": len(kept) - sum(kept),
        "spans": sum(len(trace) - 1 for trace, is_kept in zip(traces, kept, strict=True) if is_kept),
    }


def unpack(body: bytes) -> Any:
    """The value that *body* holds in MessagePack."""
    return _value(memoryview(body), 0)[0]


_FIXED = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i",
    0xD3: ">q",
}  # fmt: skip
_SIZED = {
    0xC4: (">B", "bin"), 0xC5: (">H", "bin"), 0xC6: (">I", "bin"), 0xD9: (">B", "str"), 0xDA: (">H", "str"),
    0xDB: (">I", "str"), 0xDC: (">H", "list"), 0xDD: (">I", "list"), 0xDE: (">H", "map"), 0xDF: (">I", "map"),
}  # fmt: skip


def _value(data: memoryview, at: int) -> tuple[Any, int]:
    code, at = data[at], at + 1
    if code < 0x80:
        return code, at
    if code >= 0xE0:
        return code - 0x100, at
    if code < 0xC0:
        kind, size = ("map", code & 15) if code < 0x90 else ("list", code & 15) if code < 0xA0 else ("str", code & 31)
        return _sized(data, at, kind, size)
    if code in _FIXED:
        form = _FIXED[code]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    if code in _SIZED:
        form, kind = _SIZED[code]
        return _sized(data, at + struct.calcsize(form), kind, struct.unpack_from(form, data, at)[0])
    return {0xC0: None, 0xC2: False, 0xC3: True}[code], at


def _sized(data: memoryview, at: int, kind: str, size: int) -> tuple[Any, int]:
    if kind == "str":
        return str(data[at : at + size], "utf-8"), at + size
    if kind == "bin":
        return bytes(data[at : at + size]), at + size
    values, at = _values(data, at, size if kind == "list" else 2 * size)
    return (values, at) if kind == "list" else (dict(_pairs(values)), at)


def _values(data: memoryview, at: int, count: int) -> tuple[list[Any], int]:
    values = []
    for _ in range(count):
        value, at = _value(data, at)
        values.append(value)
    return values, at


def _pairs(values: list[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(values[::2], values[1::2], strict=True)
