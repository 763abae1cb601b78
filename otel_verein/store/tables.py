"""The columns of every kind of Parquet file, and how each is encoded.

The encodings decide the size more than the compression does: ids and times that never repeat are not looked up in a
dictionary, and times are written as differences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

_DELTA = "DELTA_BINARY_PACKED"
_SPLIT = "BYTE_STREAM_SPLIT"  # of doubles: DuckDB reads it of whole numbers from version 2 on


@dataclass(frozen=True, slots=True)
class Table:
    """The schema of one kind.

    ``plain`` names the encoding of columns that repeat too little for a dictionary. ``sought`` are columns by whose
    single values somebody looks for a row, with the number of different ones to expect in a row group. Files of
    older versions may lack the columns of :mod:`otel_verein.store.ages`.
    """

    kind: str
    schema: pa.Schema
    plain: dict[str, str]
    sought: dict[str, int] = field(default_factory=dict)

    @property
    def dictionary(self) -> list[str]:
        """The columns, also those inside lists, that are looked up in a dictionary."""
        names = []
        for column in self.schema:
            leaf = f"{column.name}.list.element" if pa.types.is_list(column.type) else column.name
            if leaf not in self.plain:
                names.append(leaf)
        return names


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


_TEXT, _INT, _BIG, _REAL = pa.string(), pa.int32(), pa.int64(), pa.float64()
_TRACE, _SPAN = pa.binary(16), pa.binary(8)
_SERIES = {
    "metric": _TEXT,
    "operation": _TEXT,
    "kind": _TEXT,
    "status": _TEXT,
    "detail": _TEXT,
}
_ORIGIN = {"service": _TEXT, "environment": _TEXT, "version": _TEXT}
_STATEMENT = {
    "summary": _TEXT,
    "statement": _TEXT,
    "verb": _TEXT,
    "db_system": _TEXT,
    "stack": pa.list_(_TEXT),
}
_ORM = {"orm": _TEXT, "orm_version": _TEXT, "via": _TEXT}

SPANS: Final = Table(
    "spans",
    _schema(
        trace_id=_TRACE,
        span_id=_SPAN,
        parent_span_id=_SPAN,
        start_ns=_BIG,
        duration_ns=_BIG,
        service=_TEXT,
        name=_TEXT,
        kind=pa.int8(),
        status=pa.int8(),
        status_message=_TEXT,
        trace_state=_TEXT,
        flags=_BIG,
        environment=_TEXT,
        version=_TEXT,
        resource=_TEXT,
        scope=_TEXT,
        attributes=_TEXT,
        events=_TEXT,
        links=_TEXT,
        dropped=_TEXT,
        root=pa.bool_(),
        operation=_TEXT,
        tier=_TEXT,
        weight=_REAL,
        query_count=_BIG,
        db_ms=_REAL,
        severity=_TEXT,
        keep_reason=_TEXT,
        breaches=_TEXT,
        entity_type=_TEXT,
        entity_id=_TEXT,
        db_summary=_TEXT,
        fingerprint=_TEXT,
        merged=_BIG,
    ),
    {"span_id": "PLAIN", "start_ns": _DELTA, "duration_ns": _DELTA, "db_ms": _SPLIT, "root": "RLE", "events": "PLAIN"},
    {"trace_id": 8192},
)

FINDINGS: Final = Table(
    "findings",
    _schema(
        start_ns=_BIG,
        trace_id=_TRACE,
        span_id=_SPAN,
        ordinal=_INT,
        **_ORIGIN,
        operation=_TEXT,
        kind=_TEXT,
        fingerprint=_TEXT,
        file=_TEXT,
        line=_BIG,
        function=_TEXT,
        repeats=_BIG,
        statements=_BIG,
        queries=_BIG,
        total_ms=_REAL,
        **_STATEMENT,
        **_ORM,
    ),
    {"start_ns": _DELTA, "trace_id": "PLAIN", "span_id": "PLAIN", "total_ms": _SPLIT},
)

POINTS: Final = Table(
    "points",
    _schema(
        minute=_BIG,
        **_ORIGIN,
        instance=_TEXT,
        resource=_TEXT,
        **_SERIES,
        attributes=_TEXT,
        shape=_TEXT,
        scale=_INT,
        count=_BIG,
        zero_count=_BIG,
        total=_REAL,
        minimum=_REAL,
        maximum=_REAL,
        first_index=_INT,
        counts=pa.list_(_BIG),
        value=_REAL,
        first_ns=_BIG,
        last_ns=_BIG,
        exemplar_value=_REAL,
        exemplar_trace=_TRACE,
    ),
    {"minute": _DELTA, "first_ns": _DELTA, "last_ns": _DELTA},
)

OTHERS: Final = Table(
    "others",
    _schema(
        time_ns=_BIG,
        service=_TEXT,
        resource=_TEXT,
        scope=_TEXT,
        metric=_TEXT,
        unit=_TEXT,
        description=_TEXT,
        shape=_TEXT,
        data=_TEXT,
        point=_TEXT,
    ),
    {"time_ns": _DELTA, "point": "PLAIN"},
)

SERIES: Final = Table(
    "series",
    _schema(
        period=_BIG,
        basis=_TEXT,
        **_ORIGIN,
        **_SERIES,
        shape=_TEXT,
        scale=_INT,
        count=_REAL,
        zero_count=_REAL,
        total=_REAL,
        minimum=_REAL,
        maximum=_REAL,
        first_index=_INT,
        counts=pa.list_(_REAL),
        value=_REAL,
        samples=_BIG,
        first_ns=_BIG,
        last_ns=_BIG,
        variance=_REAL,
    ),
    {"first_ns": _DELTA, "last_ns": _DELTA},
)

ROLLED_FINDINGS: Final = Table(
    "findings",
    _schema(
        period=_BIG,
        **_ORIGIN,
        operation=_TEXT,
        kind=_TEXT,
        fingerprint=_TEXT,
        file=_TEXT,
        line=_BIG,
        function=_TEXT,
        events=_BIG,
        operations=_BIG,
        repeats_sum=_BIG,
        repeats_max=_BIG,
        wasted_queries=_BIG,
        wasted_ms=_REAL,
        total_ms=_REAL,
        **_STATEMENT,
        trace_id=_TRACE,
        **_ORM,
    ),
    {"trace_id": "PLAIN"},
)

ENTITIES: Final = Table(
    "entities",
    _schema(
        period=_BIG,
        **_ORIGIN,
        operation=_TEXT,
        entity_type=_TEXT,
        entity_id=_TEXT,
        count=_REAL,
        errors=_REAL,
        breached=_REAL,
        samples=_BIG,
        duration_sum_s=_REAL,
        duration_max_s=_REAL,
        scale=_INT,
        first_index=_INT,
        counts=pa.list_(_REAL),
        queries_sum=_REAL,
        queries_max=_BIG,
        db_ms_sum=_REAL,
        items_sum=_REAL,
        items_s=_REAL,
    ),
    {"duration_sum_s": _SPLIT, "duration_max_s": _SPLIT, "db_ms_sum": _SPLIT},
)

_DETAIL: Final = {table.kind: table for table in (SPANS, FINDINGS, POINTS, OTHERS)}
_ROLLED: Final = {table.kind: table for table in (SERIES, ROLLED_FINDINGS, ENTITIES)}


def table_of(kind: str, level: int) -> Table:
    """The table of the files of one kind at one level."""
    return (_ROLLED if level else _DETAIL)[kind]
