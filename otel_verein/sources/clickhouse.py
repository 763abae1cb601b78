"""ClickHouse, in the tables that the collector's exporter writes: asked to add up, so that hardly a row is fetched.

Counts are exact where the tables of metrics hold ours; for hours of a service without them they are estimated from its
sampled spans, which a note says with the error.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otel_verein import semconv
from otel_verein.errors import SourceError
from otel_verein.sources import clickhouse_points as points
from otel_verein.sources import clickhouse_rows as rows
from otel_verein.sources import clickhouse_spans as spans
from otel_verein.sources.asking_spans import root_row, statement_rows
from otel_verein.sources.backend import Backend
from otel_verein.sources.base import ALL, Ask, Entities, Roots, Statements, Steps, Tables
from otel_verein.sources.clickhouse_client import Client
from otel_verein.sources.clickhouse_steps import Measured, measured_steps
from otel_verein.sources.rows import CounterRow, HistogramRow, StepRow, Window
from otel_verein.sources.sql import template
from otel_verein.sources.sql.dialect import CLICKHOUSE, Query, both, named, of_entity
from otel_verein.sources.viewed import checked_id

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan

_Z95: Final = 1.96


@dataclass(frozen=True, slots=True)
class _Present:
    """Which of the tables that are known are there."""

    spans: tuple[str, ...]
    metrics: frozenset[str]
    notes: tuple[str, ...]


class ClickHouse:
    """A database of a ClickHouse that a collector's exporter writes to.

    Nothing is kept between two questions but the connection. Every method raises SourceError when the whole answer
    cannot be had.
    """

    def __init__(self, backend: Backend) -> None:
        self._client = Client(backend)

    @property
    def name(self) -> str:
        """Its address, as ``clickhouse:URL``."""
        return self._client.name

    def read(self, ask: Ask = ALL) -> Tables:
        """Counts and findings as they stand now."""
        present = self._present()
        found = list(self._client.rows(points.histograms(ask))) if points.HISTOGRAMS in present.metrics else []
        estimate = self._estimate(present, ask)
        moments = (*((row[-2], row[-1]) for row in found if row[-2] is not None), *estimate.moments)
        unusable = self._unusable(present, ask)
        return Tables(
            histograms=(*map(rows.measured, found), *estimate.histograms),
            counters=(*self._counters(present, ask), *estimate.breaches),
            findings=tuple(map(rows.finding, self._ask(spans.events(present.spans, ask), template.findings, ask))),
            window=Window(min(a for a, _ in moments), max(b for _, b in moments)) if moments else None,
            notes=(*present.notes, *estimate.notes, *unusable),
            metrics_lost=bool(unusable),
        )

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        """Operations by steps: of metrics by the moment they tell of, of spans by their begin."""
        present = self._present()
        found: list[StepRow] = []
        if points.HISTOGRAMS in present.metrics:
            by_metric = Measured(self._client.rows(points.histograms(ask, step_s)))
            if points.SUMS in present.metrics:
                by_metric.breaches = self._client.rows(points.counters(ask, step_s, semconv.METRIC_BREACHES))
            found += measured_steps(by_metric, step_s)
        condition = named(CLICKHOUSE, ask)
        roots = self._unmeasured(present, ask)
        asked = Query(template.steps(CLICKHOUSE, step_s, condition.text), condition.values)
        found += map(rows.step, self._client.rows(_with((roots,), asked)))
        return Steps(step_s, tuple(sorted(found, key=lambda row: row.start_ns)), present.notes)

    def statements(self, ask: Ask = ALL) -> Statements:
        """What kept traces say of single statements."""
        present = self._present()
        condition = named(CLICKHOUSE, ask)
        before = (spans.roots(present.spans, ask), spans.calls(present.spans, ask))
        owned = Query(spans.owned(condition.text), condition.values)
        sums = self._client.rows(_with((*before, owned), Query(template.statements(CLICKHOUSE))))
        times = self._client.rows(_with((*before, owned), Query(template.statement_buckets(CLICKHOUSE))))
        buckets = {tuple(key): rows.pairs(places) for *key, places in times}
        return Statements(
            tuple(statement_rows(sums, buckets)),
            self._counted(present, ask, named(CLICKHOUSE, ask), "trace_id"),
            present.notes,
        )

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        """What operations were about: all entities, those of a type, or one."""
        present = self._present()
        condition = both(named(CLICKHOUSE, ask), of_entity(CLICKHOUSE, entity_type, entity_id))
        asked = Query(template.entities(CLICKHOUSE, condition.text), condition.values)
        found = self._client.rows(_with((spans.roots(present.spans, ask),), asked))
        return Entities(tuple(map(rows.entity, found)), present.notes)

    def roots(self, ask: Ask = ALL, most: int = 1000, slowest: bool = False, failed: bool = False) -> Roots:
        """At most *most* kept operations, or *failed* ones: the *slowest*, else those of the lowest hash of the id."""
        present = self._present()
        condition = both(named(CLICKHOUSE, ask), Query("error" if failed else "true"))
        before = spans.roots(present.spans, ask)
        asked = Query(template.roots(CLICKHOUSE, most, slowest, condition.text), condition.values)
        found = self._client.rows(_with((before,), asked))
        said = self._client.rows(spans.attributes_of(present.spans, ask, _with((before,), asked))) if found else ()
        known = {(trace_id, span_id): rows.attributes(own, of) for trace_id, span_id, own, of in said}
        made = tuple(root_row(row, known.get((row[0], row[1]), {})) for row in found)
        return Roots(made, self._counted(present, ask, condition), present.notes)

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        """The spans of one trace, the earliest first; empty when it is not there."""
        wanted = checked_id(trace_id)
        found = self._client.rows(spans.of_trace(self._present().spans, wanted))
        return tuple(map(rows.trace_span, found))

    def state(self) -> Hashable | None:
        """None: nothing tells without asking."""
        return None

    def _present(self) -> _Present:
        tables = (*spans.TABLES, *points.TABLES)
        names = ", ".join(f"'{name}'" for name in tables)
        found = self._client.rows(
            Query(
                "SELECT table, type FROM system.columns WHERE database = currentDatabase() AND "
                f"table IN ({names}) AND name IN ('SpanAttributes', 'Attributes')"
            )
        )
        types = dict(found)
        if odd := sorted(table for table, kind in types.items() if not kind.startswith("Map(")):
            raise SourceError(f"{self.name}: {odd[0]} holds attributes as JSON; set `json: false` in the exporter")
        there = tuple(table for table in spans.TABLES if table in types)
        if not there:
            raise SourceError(
                f"{self.name}: there is no table of spans, such as {spans.TABLES[0]}; check the database in the "
                "address, that a collector writes to it, and that the user may read it"
            )
        return _Present(there, frozenset(points.TABLES) & types.keys(), tuple(self._missing(there)))

    def _missing(self, there: Sequence[str]) -> Iterator[str]:
        tiers = spans.TABLES[1:]
        absent = [table for table in tiers if table not in there]
        if 0 < len(absent) < len(tiers):
            yield f"{self.name}: {', '.join(absent)} cannot be read, or is not there; what it holds is missing"

    def _counters(self, present: _Present, ask: Ask) -> Iterator[CounterRow]:
        if points.SUMS in present.metrics:
            for _, *series, value in self._client.rows(points.counters(ask)):
                yield CounterRow(*(*series, round(value)))

    def _unusable(self, present: _Present, ask: Ask) -> tuple[str, ...]:
        if points.OTHER_HISTOGRAMS not in present.metrics:
            return ()
        found = self._client.rows(points.unusable(ask))
        return tuple(
            f"{service}: {count} points of {metric} are no exponential histograms, which percentiles need; not counted"
            for service, metric, count in found
        )

    def _unmeasured(self, present: _Present, ask: Ask) -> Query:
        """The CTE of the roots of hours in which nothing of their service was measured."""
        known = points.measured(ask, [table for table in points.TABLES if table in present.metrics])
        roots = spans.roots(present.spans, ask, spans.outside("measured") if known else "true")
        if known is None:
            return roots
        return Query(f"measured AS ({known.text}), {roots.text}", {**known.values, **roots.values})

    def _estimate(self, present: _Present, ask: Ask) -> _Estimate:
        roots = self._unmeasured(present, ask)
        condition = named(CLICKHOUSE, ask)
        windows = self._client.rows(_with((roots,), Query(template.windows(condition.text), condition.values)))
        if not windows:
            return _Estimate()
        found = tuple(map(rows.estimated, self._ask(roots, template.histograms, ask)))
        breaches = tuple(
            CounterRow(semconv.METRIC_BREACHES, service, operation, kind, reason, round(weight))
            for service, operation, kind, reason, weight in self._ask(roots, template.breaches, ask)
        )
        notes = tuple(_note(service, number, found) for service, _, _, number in sorted(windows))
        return _Estimate(found, breaches, tuple((start, end) for _, start, end, _ in windows), notes)

    def _counted(self, present: _Present, ask: Ask, condition: Query, distinct: str = "") -> int:
        counted = f"uniqExact({distinct})" if distinct else "count()"
        query = Query(f"SELECT {counted} FROM roots WHERE {condition.text}", condition.values)
        [[number]] = self._client.rows(_with((spans.roots(present.spans, ask),), query))
        return int(number)

    def _ask(self, relation: Query, question: Any, ask: Ask) -> Sequence[tuple[Any, ...]]:
        """The answer to a question of the template that has a condition on the operation."""
        condition = named(CLICKHOUSE, ask)
        asked = Query(question(CLICKHOUSE, condition.text), condition.values)
        return self._client.rows(_with((relation,), asked))


@dataclass(frozen=True, slots=True)
class _Estimate:
    histograms: tuple[HistogramRow, ...] = ()
    breaches: tuple[CounterRow, ...] = ()
    moments: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()


def _note(service: str, samples: int, estimated: Sequence[HistogramRow]) -> str:
    mine = [row for row in estimated if row.service == service and row.metric == semconv.METRIC_DURATION]
    count, error = sum(row.count for row in mine), _Z95 * math.sqrt(math.fsum(row.variance for row in mine))
    return (
        f"{service}: hours without metrics are estimated from {samples} sampled operations: "
        f"{count} operations, {error:.0f} more or less (95 %)"
    )


def _with(relations: Sequence[Query], asked: Query) -> Query:
    values = {name: value for each in (*relations, asked) for name, value in each.values.items()}
    return Query(f"WITH {', '.join(each.text for each in relations)} {asked.text}", values)
