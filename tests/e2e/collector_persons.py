"""A span that says more than it should: persons and credentials, as instrumentation of others sends them."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.services.otlp_wire import attributes

PERSON = "ann@example.org"
SECRETS = (PERSON, "hunter2secret", "4111 1111 1111 1111", "DE89370400440532013000", "cookie-of-ann")
STATEMENTS = {
    "SELECT name FROM owner WHERE mail = 'ann@example.org' AND id = 4711": (
        "SELECT name FROM owner WHERE mail = ? AND id = ?"
    ),
    "INSERT INTO visit VALUES (17, 'late')": "INSERT INTO visit VALUES (?, ?)",
}
"""What others send, and what is left of it."""


def telling() -> bytes:
    """A request with one trace: a root, and a query for each of :data:`STATEMENTS`."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend(attributes({"service.name": "legacy", "owner": PERSON}))
    scope = resource.scope_spans.add()
    said = {
        "enduser.id": PERSON,
        "note": f"asked for {PERSON}, paid with 4111 1111 1111 1111 and DE89370400440532013000",
        "http.request.header.authorization": "Bearer hunter2secret",
        "http.request.header.cookie": "cookie-of-ann",
        "what": "Bearer hunter2secret",
        "kept": "as it is",
    }
    root = _span(scope.spans.add(), 1, Span.SPAN_KIND_SERVER, said)
    root.status.code, root.status.message = Status.STATUS_CODE_ERROR, f"ValueError: no {PERSON}, bearer hunter2secret"
    root.events.add(name="exception", attributes=attributes({"exception.message": f"no {PERSON}"}))
    for number, text in enumerate(STATEMENTS, 2):
        query = _span(scope.spans.add(), number, Span.SPAN_KIND_CLIENT, {"db.system": "mysql", "db.statement": text})
        query.parent_span_id = root.span_id
    return request.SerializeToString()


def _span(span: Span, number: int, kind: Span.SpanKind, said: dict[str, str]) -> Span:
    span.trace_id, span.span_id, span.kind, span.name = b"\1" * 16, bytes([number]) * 8, kind, "call"
    span.start_time_unix_nano, span.end_time_unix_nano = 1_795_000_000_000_000_000, 1_795_000_000_001_000_000
    span.attributes.extend(attributes(said))
    return span
