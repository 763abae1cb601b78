"""All spans of one trace.

No index is kept beside the files: each has Bloom filters of the ids in it, so that hardly more is read than the row
groups that hold the trace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Final

import duckdb

from otel_verein.errors import StoreError
from otel_verein.store.layout import TIERS, Store
from otel_verein.store.reading import Fresh, Reading, answered

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}").fullmatch

_COLUMNS: Final = """lower(hex(trace_id)), lower(hex(span_id)), lower(hex(parent_span_id)), start_ns, duration_ns,
    service, name, kind, status, status_message, operation, tier, weight, resource, scope, attributes, events, links"""

# DuckDB before version 2 asks Arrow's Bloom filters of fixed-size values in a way that finds nothing; a range does not
# ask them.
_IS_WANTED: Final = (
    "trace_id = from_hex('{id}')"
    if int(duckdb.__version__.partition(".")[0]) >= 2
    else "trace_id >= from_hex('{id}') AND trace_id <= from_hex('{id}')"
)


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """One span as it came; ``kind`` and ``status`` are OTLP's numbers, ids hexadecimal.

    ``resource``, ``scope``, ``attributes``, ``events`` and ``links`` are texts of OTLP/JSON; ``operation`` is None for
    a span that is no local root. The span stands for ``weight`` of its like.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    start_ns: int
    duration_ns: int
    service: str
    name: str
    kind: int
    status: int
    status_message: str | None
    operation: str | None
    tier: str
    weight: float
    resource: str
    scope: str
    attributes: str
    events: str | None
    links: str | None


def find_trace(store: Store, trace_id: str, fresh: Fresh | None = None) -> tuple[TraceSpan, ...]:
    """The spans of the trace, each once, from the earliest start on; empty when it is not there (any more).

    *fresh* gives what is not stored yet. Raises StoreError for what is no trace id, and when the store cannot be read.
    """
    wanted = checked(trace_id)
    return answered(store, partial(spans_of, trace_id=wanted), ("copies",), fresh=fresh)


def checked(trace_id: str) -> str:
    """The trace id in lower case; raises StoreError for what is none."""
    wanted = trace_id.strip().lower()
    if _TRACE_ID(wanted) is None:
        raise StoreError(f"{trace_id!r} is no trace id: it has 32 hexadecimal digits")
    return wanted


def spans_of(reading: Reading, trace_id: str) -> tuple[TraceSpan, ...]:
    """The spans of the trace in a reading of copies, each once; *trace_id* is a checked one."""
    if not reading.spans:
        return ()
    rows = reading.database.execute(f"SELECT {_COLUMNS} FROM copies WHERE {_IS_WANTED.format(id=trace_id)}")
    once: dict[str, TraceSpan] = {}
    for span in sorted((TraceSpan(*row) for row in rows.fetchall()), key=_kept_longest):
        once.setdefault(span.span_id, span)
    return tuple(sorted(once.values(), key=lambda span: (span.start_ns, -span.duration_ns, span.span_id)))


def _kept_longest(span: TraceSpan) -> int:
    return TIERS.index(span.tier) if span.tier in TIERS else len(TIERS)
