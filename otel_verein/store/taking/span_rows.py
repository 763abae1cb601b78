"""Spans of messages as rows of Parquet detail, apart by hour and tier."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import lt
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from otel_verein.store.layout import HOUR_S, NANOSECONDS
from otel_verein.store.tables import SPANS
from otel_verein.store.taking.columns import Repeated, fixed, looked_up, numbers
from otel_verein.store.taking.otlp import Span
from otel_verein.store.taking.promoted import FIELDS, Origin, Promoted, weight
from otel_verein.store.taking.times import EARLIEST_NS, FUTURE, TOO_OLD

_HOUR_NS: Final = HOUR_S * NANOSECONDS
_ROOT_KINDS: Final = (2, 5)
_KINDS: Final = frozenset(range(6))
_CODES: Final = frozenset(range(3))
_NO_PARENT: Final = "0" * 16
_NO_TRACE: Final = "0" * 32
_DIGITS_ONLY: Final = re.compile("[0-9a-fA-F]*").fullmatch

ZERO_STAMP = "no time of start or end"
NEGATIVE = "ends before it starts"
BAD_ID = "an id is not of 16 or 8 bytes in hexadecimal digits"
BAD_ATTRIBUTES = "attributes are not a list of keys and values"
BAD_NUMBER = "a number is out of range"

Key = tuple[int, str]
"""The hour, in epoch seconds, and the tier."""


def problem_of(span: Span, latest_ns: int) -> str | None:
    """Why *span* cannot be taken; None if it can, as far as its times, ids and numbers go."""
    if not span.startTimeUnixNano or not span.endTimeUnixNano:
        return ZERO_STAMP
    if span.endTimeUnixNano < span.startTimeUnixNano:
        return NEGATIVE
    if span.startTimeUnixNano < EARLIEST_NS:
        return TOO_OLD
    if max(span.startTimeUnixNano, span.endTimeUnixNano) > latest_ns:
        return FUTURE
    if not (_is_id(span.traceId, 32) and _is_id(span.spanId, 16)):
        return BAD_ID
    if span.parentSpanId and span.parentSpanId != _NO_PARENT and not _is_id(span.parentSpanId, 16):
        return BAD_ID
    code = 0 if span.status is None else span.status.code or 0
    if not ((span.kind or 0) in _KINDS and code in _CODES and 0 <= (span.flags or 0) < 1 << 32):
        return BAD_NUMBER
    return None


def all_good(spans: Sequence[Span], latest_ns: int) -> bool:
    """Whether none of *spans* has a problem, told much faster than one by one; False may be said in vain."""
    starts = [span.startTimeUnixNano for span in spans]
    ends = [span.endTimeUnixNano for span in spans]
    if min(starts) < EARLIEST_NS or max(ends) > latest_ns or any(map(lt, ends, starts)):
        return False
    traces, ids = [span.traceId for span in spans], [span.spanId for span in spans]
    parents = [span.parentSpanId or _NO_PARENT for span in spans]
    if set(map(len, traces)) != {32} or set(map(len, ids)) != {16} or set(map(len, parents)) != {16}:
        return False
    if (
        _NO_TRACE in traces
        or _NO_PARENT in ids
        or _DIGITS_ONLY(f"{''.join(traces)}{''.join(ids)}{''.join(parents)}") is None
    ):
        return False
    kinds = {span.kind or 0 for span in spans}
    codes = {0 if span.status is None else span.status.code or 0 for span in spans}
    flags = {span.flags or 0 for span in spans}
    return _KINDS.issuperset(kinds) and _CODES.issuperset(codes) and min(flags) >= 0 and max(flags) < 1 << 32


def _is_id(digits: str, length: int) -> bool:
    return len(digits) == length and _DIGITS_ONLY(digits) is not None and bool(digits.strip("0"))


@dataclass(frozen=True, slots=True)
class SpanFile:
    """The rows of one file."""

    key: Key
    table: pa.Table
    first_ns: int
    last_ns: int
    duplicates: int


class SpanRows:
    """Rows that wait to be written; every span given has no :func:`problem_of`."""

    def __init__(self) -> None:
        self._parts: dict[Key, _Part] = {}
        self.rows = 0

    def add(
        self,
        spans: Sequence[Span],
        attributes: Sequence[bytes],
        known: Sequence[Promoted],
        runs: Sequence[tuple[Where, int]],
    ) -> None:
        """Append *spans*: the texts of their attributes, what is known by those, and runs of where they are from."""
        given = _Given(spans, attributes, known, runs)
        hours = [span.startTimeUnixNano // _HOUR_NS for span in spans]
        of_spans = list(zip(hours, [each.tier for each in known], strict=True))
        keys = set(of_spans)
        for key in keys:
            whole = len(keys) == 1
            chosen = given if whole else given.at([at for at, each in enumerate(of_spans) if each == key])
            self._part(*key).add(chosen)
        self.rows += len(spans)

    def files(self) -> Iterator[SpanFile]:
        """All rows, by hour and tier; they are gone from here."""
        parts, self._parts, self.rows = self._parts, {}, 0
        for key in sorted(parts):
            yield parts[key].file(key)

    def _part(self, hour: int, tier: str) -> _Part:
        key = hour * HOUR_S, tier
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = _Part()
        return found


@dataclass(frozen=True, slots=True)
class Where:
    """What the spans of one instrumentation in one process have in common."""

    resource: str
    scope: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Given:
    """What :meth:`SpanRows.add` is given."""

    spans: Sequence[Span]
    attributes: Sequence[bytes]
    known: Sequence[Promoted]
    runs: Sequence[tuple[Where, int]]

    def at(self, places: Sequence[int]) -> _Given:
        """The spans at *places*."""
        wheres = [where for where, times in self.runs for _ in range(times)]
        return _Given(
            [self.spans[at] for at in places],
            [self.attributes[at] for at in places],
            [self.known[at] for at in places],
            [(wheres[at], 1) for at in places],
        )


class _Part:
    """The rows of one hour and tier."""

    def __init__(self) -> None:
        self._ids: list[tuple[pa.Array, pa.Array, pa.Array]] = []
        self._starts = array("q")
        self._durations = array("q")
        self._kinds = bytearray()
        self._statuses = bytearray()
        self._flags: list[int | None] = []
        self._columns: dict[str, Repeated[str]] = {
            name: Repeated()
            for name in ("name", "status_message", "trace_state", "resource", "scope", "events", "links", "dropped")
        }
        self._attributes: Repeated[bytes] = Repeated()
        self._known: dict[bytes, Promoted] = {}
        self._origins: dict[str, Origin] = {}

    def add(self, given: _Given) -> None:
        spans = given.spans
        self._ids.append(
            (
                fixed(16, [span.traceId for span in spans]),
                fixed(8, [span.spanId for span in spans]),
                fixed(8, [span.parentSpanId or _NO_PARENT for span in spans]),
            )
        )
        self._starts.extend([span.startTimeUnixNano for span in spans])
        self._durations.extend([span.endTimeUnixNano - span.startTimeUnixNano for span in spans])
        self._kinds.extend([span.kind or 0 for span in spans])
        statuses = [span.status for span in spans]
        self._statuses.extend([0 if status is None else status.code or 0 for status in statuses])
        self._flags.extend([span.flags for span in spans])
        columns = self._columns
        columns["name"].extend([span.name or "" for span in spans])
        columns["status_message"].extend([None if status is None else status.message for status in statuses])
        columns["trace_state"].extend([span.traceState or None for span in spans])
        columns["events"].extend([_text(span.events) if len(span.events) > 2 else None for span in spans])
        columns["links"].extend([_text(span.links) if len(span.links) > 2 else None for span in spans])
        columns["dropped"].extend([_dropped(span) for span in spans])
        for where, times in given.runs:
            columns["resource"].extend_with(where.resource, times)
            columns["scope"].extend_with(where.scope, times)
        self._attributes.extend(given.attributes)
        self._known.update(zip(given.attributes, given.known, strict=True))
        self._origins.update({where.resource: where.origin for where, _ in given.runs})

    def file(self, key: Key) -> SpanFile:
        table = self._table()
        kept = _first_of_each(table)
        duplicates = table.num_rows - kept.num_rows
        last_ns = pc.max(pc.add(table["start_ns"], table["duration_ns"])).as_py()
        return SpanFile(key, kept, min(self._starts), last_ns, duplicates)

    def _table(self) -> pa.Table:
        traces, ids, parents = (
            pa.chunked_array(list(column)).combine_chunks() for column in zip(*self._ids, strict=True)
        )
        none = pa.scalar(bytes(8), pa.binary(8))
        columns: dict[str, Any] = {
            "trace_id": traces,
            "span_id": ids,
            "parent_span_id": pc.if_else(pc.equal(parents, none), pa.scalar(None, pa.binary(8)), parents),
            "start_ns": numbers(self._starts),
            "duration_ns": numbers(self._durations),
            "kind": pa.Array.from_buffers(pa.int8(), len(self._kinds), [None, pa.py_buffer(bytes(self._kinds))]),
            "status": pa.Array.from_buffers(
                pa.int8(), len(self._statuses), [None, pa.py_buffer(bytes(self._statuses))]
            ),
            "flags": pa.array(self._flags, pa.int64()),
            "attributes": self._attributes.array(pa.string()),
        }
        for name, column in self._columns.items():
            columns[name] = column.array(pa.string())
        self._look_up(columns)
        operation = pc.coalesce(columns["operation"].cast(pa.string()), columns["name"].cast(pa.string()))
        root = pc.or_(
            pc.or_(pc.is_null(columns["parent_span_id"]), pc.is_in(columns["kind"], pa.array(_ROOT_KINDS, pa.int8()))),
            pc.is_valid(columns["query_count"]),
        )
        columns["root"] = root
        columns["operation"] = pc.if_else(root, operation, pa.scalar(None, pa.string())).dictionary_encode()
        return pa.table({name: columns[name] for name in SPANS.schema.names})

    def _look_up(self, columns: dict[str, Any]) -> None:
        """The columns that follow from another one."""
        known = [self._known[text] for text in self._attributes.values]
        indices = self._attributes.indices()
        for name in FIELDS:
            kind = SPANS.schema.field(name).type
            columns[name] = looked_up(indices, [getattr(each, name) for each in known], kind)
        origins = [self._origins[resource] for resource in self._columns["resource"].values]
        indices = self._columns["resource"].indices()
        for name in ("service", "environment", "version"):
            columns[name] = looked_up(indices, [getattr(each, name) for each in origins], pa.string())
        states = self._columns["trace_state"]
        weights = pa.array([weight(state) for state in states.values], pa.float64()).take(states.indices())
        columns["weight"] = pc.fill_null(weights, 1.0)


def _first_of_each(table: pa.Table) -> pa.Table:
    """*table* with the first of the rows of each span; it was sent again when nobody had answered."""
    keys = pc.binary_join_element_wise(
        table["trace_id"].cast(pa.binary()), table["span_id"].cast(pa.binary()), pa.scalar(b"", pa.binary())
    )
    if pc.count_distinct(keys).as_py() == table.num_rows:
        return table
    seen: set[bytes] = set()
    firsts = [not (key in seen or seen.add(key)) for key in keys.to_pylist()]  # type: ignore[func-returns-value]
    return table.filter(pa.array(firsts))


def _text(raw: msgspec.Raw) -> str | None:
    """The text of events or links; None where there are none, however that is written."""
    text = str(bytes(raw), "utf-8")
    return None if text == "null" else text


def _dropped(span: Span) -> str | None:
    if not (span.droppedAttributesCount or span.droppedEventsCount or span.droppedLinksCount):
        return None
    counts = {
        "droppedAttributesCount": span.droppedAttributesCount,
        "droppedEventsCount": span.droppedEventsCount,
        "droppedLinksCount": span.droppedLinksCount,
    }
    said = {name: count for name, count in counts.items() if count}
    return msgspec.json.encode(said).decode()
