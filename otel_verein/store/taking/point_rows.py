"""Metric points as rows of Parquet detail: increases, added up by minute, process and series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import pyarrow as pa

from otel_verein.store.layout import HOUR_S, NANOSECONDS
from otel_verein.store.tables import POINTS
from otel_verein.store.taking.exponential import Exponential, Sum
from otel_verein.store.taking.promoted import Origin

EXPONENTIAL: Final = "exponential"
SUM: Final = "sum"
GAUGE: Final = "gauge"
_MINUTE_NS: Final = 60 * NANOSECONDS


class Labels(NamedTuple):
    """The attributes of a point as text, and what they say; ``detail`` tells the series of one operation apart."""

    attributes: str
    operation: str | None
    kind: str | None
    status: str | None
    detail: str | None


class Series(NamedTuple):
    """What makes two points of one row: the process, as the text of its resource, metric, and attributes."""

    resource: str
    metric: str
    attributes: str
    shape: str


@dataclass(slots=True)
class Increase:
    """What a point adds: from ``first_ns`` to ``last_ns``, ``count`` values or ``value``; None for what is not said."""

    first_ns: int
    last_ns: int
    count: int = 0
    total: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    buckets: Exponential | None = None
    value: float | None = None
    exemplar: tuple[float, bytes] | None = None


@dataclass(slots=True)
class _Row:
    origin: Origin
    labels: Labels
    first_ns: int
    last_ns: int
    count: int = 0
    totals: list[float] = field(default_factory=list)
    total_known: bool = True
    minimum: float | None = math.inf
    maximum: float | None = -math.inf
    buckets: Sum | None = None
    value: float | None = None
    exemplar: tuple[float, bytes] | None = None

    def add(self, new: Increase, shape: str) -> None:
        if shape == GAUGE:
            if self.value is None or new.last_ns >= self.last_ns:
                self.value = new.value
        elif new.value is not None:
            self.value = (self.value or 0.0) + new.value
        if new.first_ns < self.first_ns:
            self.first_ns = new.first_ns
        if new.last_ns > self.last_ns:
            self.last_ns = new.last_ns
        if new.buckets is None:
            return
        if new.count:
            self._add_extremes(new)
            self.total_known &= new.total is not None
            self.totals.append(new.total or 0.0)
        self.count += new.count
        if self.buckets is None:
            self.buckets = Sum(new.buckets)
        else:
            self.buckets.add(new.buckets)
        if new.exemplar is not None and (self.exemplar is None or new.exemplar[0] > self.exemplar[0]):
            self.exemplar = new.exemplar

    def _add_extremes(self, new: Increase) -> None:
        """None from the first on that does not say its own."""
        if new.minimum is None or self.minimum is None:
            self.minimum = None
        elif new.minimum < self.minimum:
            self.minimum = new.minimum
        if new.maximum is None or self.maximum is None:
            self.maximum = None
        elif new.maximum > self.maximum:
            self.maximum = new.maximum


@dataclass(frozen=True, slots=True)
class PointFile:
    """The rows of one hour, in epoch seconds."""

    hour: int
    table: pa.Table
    first_ns: int
    last_ns: int


class PointRows:
    """Rows that wait to be written."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, Series], _Row] = {}

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self._rows)

    def add(self, series: Series, origin: Origin, labels: Labels, new: Increase) -> None:
        """Add what a point of *series* adds, to the minute in which it ended."""
        key = new.last_ns // _MINUTE_NS * 60, series
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row(origin, labels, new.first_ns, new.last_ns)
        row.add(new, series.shape)

    def files(self) -> Iterator[PointFile]:
        """All rows, by hour; they are gone from here."""
        rows, self._rows = self._rows, {}
        hours: dict[int, list[tuple[int, Series, _Row]]] = {}
        for (minute, series), row in rows.items():
            hours.setdefault(minute - minute % HOUR_S, []).append((minute, series, row))
        for hour in sorted(hours):
            found = sorted(hours[hour], key=lambda each: (each[2].origin.service, each[1].metric, each[0]))
            yield PointFile(
                hour,
                _table(found),
                min(row.first_ns for _, _, row in found),
                max(row.last_ns for _, _, row in found),
            )


def _table(rows: Iterable[tuple[int, Series, _Row]]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [] for name in POINTS.schema.names}
    for minute, series, row in rows:
        for name, value in _values(minute, series, row).items():
            columns[name].append(value)
    return pa.table(columns, POINTS.schema)


def _values(minute: int, series: Series, row: _Row) -> dict[str, Any]:
    buckets = None if row.buckets is None else row.buckets.whole().trimmed()
    measured = row.count > 0
    return {
        "minute": minute,
        "service": row.origin.service,
        "environment": row.origin.environment,
        "version": row.origin.version,
        "instance": row.origin.instance,
        "resource": series.resource,
        "metric": series.metric,
        "operation": row.labels.operation,
        "kind": row.labels.kind,
        "status": row.labels.status,
        "detail": row.labels.detail,
        "attributes": series.attributes,
        "shape": series.shape,
        "scale": None if buckets is None else buckets.scale,
        "count": row.count,
        "zero_count": 0 if buckets is None else buckets.zeros,
        "total": math.fsum(row.totals) if measured and row.total_known else None,
        "minimum": row.minimum if measured else None,
        "maximum": row.maximum if measured else None,
        "first_index": None if buckets is None else buckets.first,
        "counts": None if buckets is None else list(buckets.counts),
        "value": row.value,
        "first_ns": row.first_ns,
        "last_ns": row.last_ns,
        "exemplar_value": None if row.exemplar is None else row.exemplar[0],
        "exemplar_trace": None if row.exemplar is None else row.exemplar[1],
    }
