"""Finding events of spans as rows of Parquet detail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from otel_verein import semconv
from otel_verein.store.layout import HOUR_S, NANOSECONDS
from otel_verein.store.tables import FINDINGS
from otel_verein.store.taking import otlp
from otel_verein.store.taking.otlp import Attributes, Span
from otel_verein.store.taking.promoted import Origin

_MARK: Final = f'"{semconv.FINDING_EVENT}"'.encode()
_HOUR_NS: Final = HOUR_S * NANOSECONDS
_MOST: Final = 1 << 53

_TEXTS: Final = {
    "kind": semconv.FINDING_KIND,
    "fingerprint": semconv.FINDING_FINGERPRINT,
    "file": semconv.CODE_FILE_PATH,
    "function": semconv.CODE_FUNCTION_NAME,
    "summary": semconv.DB_QUERY_SUMMARY,
    "statement": semconv.DB_QUERY_TEXT,
    "verb": semconv.DB_OPERATION_NAME,
    "db_system": semconv.DB_SYSTEM_NAME,
    "orm": semconv.FINDING_ORM,
    "orm_version": semconv.FINDING_ORM_VERSION,
    "via": semconv.FINDING_VIA,
}


def has_findings(span: Span) -> bool:
    """Whether some event of *span* may be a finding."""
    return len(span.events) > len(_MARK) and _MARK in bytes(span.events)


class FindingRows:
    """Rows that wait to be written."""

    def __init__(self) -> None:
        self._hours: dict[int, list[dict[str, Any]]] = {}
        self._duplicates: Counter[int] = Counter()
        self._seen: set[tuple[str, str, int]] = set()
        self.rows = 0

    def add(self, span: Span, operation: str, origin: Origin) -> tuple[int, int]:
        """Take the findings of *span*; how many there are, and how many lack what makes a finding.

        Raises one of ``otlp.UNUSABLE`` when its events are none.
        """
        usable = unusable = 0
        for ordinal, event in enumerate(otlp.EVENTS.decode(span.events)):
            if event.name != semconv.FINDING_EVENT:
                continue
            row = _row(otlp.attributes_of(event.attributes))
            key = span.traceId.lower(), span.spanId.lower(), ordinal
            if row is None:
                unusable += 1
            elif key in self._seen:
                usable += 1
                self._duplicates[span.startTimeUnixNano // _HOUR_NS] += 1
            else:
                usable += 1
                self._seen.add(key)
                self._append(span, ordinal, operation, origin, row)
        return usable, unusable

    def files(self) -> Iterator[tuple[int, pa.Table, int]]:
        """All rows, by hour in epoch seconds, with the number of those that came again; they are gone from here."""
        hours, self._hours, self.rows = self._hours, {}, 0
        duplicates, self._duplicates = self._duplicates, Counter()
        self._seen.clear()
        for hour in sorted(hours):
            yield hour * HOUR_S, pa.Table.from_pylist(hours[hour], FINDINGS.schema), duplicates[hour]

    def _append(self, span: Span, ordinal: int, operation: str, origin: Origin, row: Mapping[str, Any]) -> None:
        self.rows += 1
        self._hours.setdefault(span.startTimeUnixNano // _HOUR_NS, []).append(
            {
                "start_ns": span.startTimeUnixNano,
                "trace_id": bytes.fromhex(span.traceId),
                "span_id": bytes.fromhex(span.spanId),
                "ordinal": ordinal,
                "service": origin.service,
                "environment": origin.environment,
                "version": origin.version,
                "operation": operation,
                **row,
            }
        )


def _row(found: Attributes) -> dict[str, Any] | None:
    """The columns that the event's attributes give; None without a kind, a fingerprint or a number of repeats."""
    repeats = _whole(found.get(semconv.FINDING_REPEATS))
    row: dict[str, Any] = {column: _text(found.get(key)) for column, key in _TEXTS.items()}
    if not repeats or row["kind"] is None or row["fingerprint"] is None:
        return None
    statements = _whole(found.get(semconv.FINDING_STATEMENTS)) or 1
    queries = _whole(found.get(semconv.FINDING_QUERIES)) or statements * repeats
    total = found.get(semconv.FINDING_TOTAL_MS)
    return row | {
        "line": _whole(found.get(semconv.CODE_LINE_NUMBER)),
        "repeats": repeats,
        "statements": statements,
        "queries": queries,
        "total_ms": float(total) if isinstance(total, (int, float)) and abs(total) < _MOST else None,
        "stack": list(otlp.texts(found.get(semconv.FINDING_STACK))),
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    """A whole number above zero, of a size that sums of it stay exact."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1 << 31:
        return None
    return int(value)
