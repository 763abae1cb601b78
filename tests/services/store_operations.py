"""Operations drawn at random, each with its spans as text and its entry in the truth."""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from otel_verein import semconv
from otel_verein.processors.sampling.tracestate import DIGITS, threshold_of, weight_of
from tests.services.store_drawn import Drawn, breaches_of, reason_of
from tests.services.store_metrics import Measured
from tests.services.store_shapes import (
    DRAWS,
    Shape,
    Site,
    Verdict,
    figures,
    query_format,
    repeats_format,
    root_format,
)
from tests.services.store_truth import Finding, Series, Truth, hour_of

_ENTITIES: Final = 2000
_IDS: Final = 4096


@dataclass(slots=True)
class Spans:
    """The spans of one process, tier and interval as text, by the scope they stand in."""

    roots: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    size: int = 0
    count: int = 0
    events: int = 0
    trace: tuple[str, int] = ("", 0)


class Operations:
    """Draws operations of *shapes*, of which those without a fault are kept by *ratio*; the same for each *seed*.

    None begins before *begin_ns*, when the processes start.
    """

    def __init__(
        self, shapes: Sequence[Shape], ratio: float, seed: str, begin_ns: int, truth: Truth, exact: bool
    ) -> None:
        self._begin_ns = begin_ns
        self._shapes = shapes
        self._by_service = {service: _weighed(shapes, service) for service in {shape.service for shape in shapes}}
        self._random = random.Random(seed)
        self._truth = truth
        self._exact = exact
        least = threshold_of(ratio)
        self._least = f"{least:0{DIGITS}x}"
        self._threshold = self._least.rstrip("0") or "0"
        self._weight = weight_of(least)
        self._ids, self._next = "", _IDS

    def interval(
        self, service: str, number: int, start_ns: int, end_ns: int, measured: dict[Series, Measured] | None
    ) -> dict[str, Spans]:
        """*number* operations that end within the interval; the spans of those that are kept, by tier.

        What is measured of all of them is added to *measured*, unless the service has no metrics.
        """
        spans: dict[str, Spans] = {}
        rnd, length = self._random.random, end_ns - start_ns
        hour = hour_of(end_ns)
        mine, weights = self._by_service[service]
        for shape in self._random.choices(mine, cum_weights=weights, k=number):
            drawn = self._drawn(shape)
            while drawn.duration_ns >= end_ns - self._begin_ns:
                drawn = self._drawn(shape)
            ended_ns = max(start_ns + int(rnd() * length), self._begin_ns + drawn.duration_ns)
            series = (service, shape.operation, shape.kind, "error" if drawn.failed else "ok")
            breaches, critical = breaches_of(drawn)
            trace_id = self._id() + self._id()
            kept = bool(breaches) or trace_id[32 - DIGITS :] >= self._least
            reason = reason_of(breaches) if kept else ""
            root_id = ""
            if kept:
                severity = "critical" if critical else "warning" if breaches else "ok"
                tier = "long" if critical else "medium" if breaches else "short"
                threshold = "0" if breaches else self._threshold
                verdict = Verdict(drawn.failed, breaches, severity, reason, tier, threshold, drawn.repeats > 0)
                root_id = self._id()
                into = spans.setdefault(tier, Spans())
                self._write(into, shape, drawn, verdict, series, (trace_id, root_id, ended_ns))
            if self._exact:
                self._truth.durations.setdefault(series, array("d")).append(drawn.duration_ns / 1e9)
            if measured is not None:
                example = (drawn.duration_ns / 1e9, trace_id, root_id, ended_ns)
                self._measure(measured, series, drawn, (breaches, reason), example, hour)
        return spans

    def _drawn(self, shape: Shape) -> Drawn:
        rnd, ways, site = self._random.random, shape.ways, shape.site
        statements = ways[int(rnd() * len(ways))]
        took_ns = [int(one.draws_ns[int(at := rnd() * DRAWS)] * (0.5 + at % 1)) for one in statements]
        repeats = each_ns = 0
        if site is not None and rnd() < site.share:
            repeats = 10 + int(rnd() * 50)
            each_ns = int(site.statement.draws_ns[int(at := rnd() * DRAWS)] * (0.5 + at % 1))
        db_ns = sum(took_ns) + repeats * each_ns
        duration_ns = db_ns + int(shape.own_ns[int(at := rnd() * DRAWS)] * (0.5 + at % 1)) + 1000
        failed = rnd() < shape.errors
        return Drawn(
            statements, took_ns, repeats, each_ns, failed, len(statements) + repeats, db_ns, duration_ns
        )  # fmt: skip

    def _write(
        self,
        into: Spans,
        shape: Shape,
        drawn: Drawn,
        verdict: Verdict,
        series: Series,
        place: tuple[str, str, int],
    ) -> None:
        trace_id, root_id, ended_ns = place
        begin_ns = ended_ns - drawn.duration_ns
        values, starts = self._query_values(drawn, trace_id, root_id, begin_ns)
        entity = f"{int(_ENTITIES * self._random.random() ** 3)}" if shape.entity else ""
        root = root_format(shape, verdict) % self._root_values(shape, drawn, verdict, place, entity)
        queries = [query_format(drawn.statements, verdict.threshold, verdict.tier) % tuple(values)] if values else []
        count = 1 + len(starts)
        if drawn.repeats and shape.site is not None:
            loop_ns = ended_ns - drawn.repeats * drawn.each_ns
            queries.append(self._loop(shape.site, drawn, verdict, (trace_id, root_id, loop_ns)))
            starts += [loop_ns, loop_ns + drawn.each_ns]
            count += 2
        into.roots.append(root)
        into.queries += queries
        into.size += len(root) + sum(map(len, queries))
        into.count += count
        into.events += bool(drawn.repeats)
        into.trace = into.trace if into.trace[1] else (trace_id, count)
        self._book(shape, drawn, verdict, series, (begin_ns, starts, entity))

    def _query_values(
        self, drawn: Drawn, trace_id: str, root_id: str, begin_ns: int
    ) -> tuple[list[str | int], list[int]]:
        rnd, count = self._random.random, len(drawn.took_ns)
        if self._next + count > _IDS:
            self._refill()
        first, ids = 16 * self._next, self._ids
        self._next += count
        own_ns = drawn.duration_ns - drawn.db_ns
        gap_ns = own_ns / (count + 1)
        at_ns = begin_ns
        values: list[str | int] = []
        starts: list[int] = []
        for took_ns in drawn.took_ns:
            at_ns += int(gap_ns * rnd())
            starts.append(at_ns)
            end_ns = at_ns + took_ns
            values += (trace_id, ids[first : first + 16], root_id, at_ns, end_ns)
            at_ns = end_ns
            first += 16
        return values, starts

    def _loop(self, site: Site, drawn: Drawn, verdict: Verdict, place: tuple[str, str, int]) -> str:
        trace_id, root_id, loop_ns = place
        first_ns = loop_ns + drawn.each_ns
        return repeats_format(site, verdict.threshold, verdict.tier) % (
            trace_id, self._id(), root_id, loop_ns, first_ns,
            trace_id, self._id(), root_id, first_ns, loop_ns + drawn.repeats * drawn.each_ns,
            *figures(drawn.repeats - 1, drawn.each_ns),
        )  # fmt: skip

    def _root_values(
        self, shape: Shape, drawn: Drawn, verdict: Verdict, place: tuple[str, str, int], entity: str
    ) -> tuple[str | int | float, ...]:
        trace_id, root_id, ended_ns = place
        distinct = len(set(drawn.statements)) + bool(drawn.repeats)
        number = self._id() if shape.http else f"{self._id()[:8]}-5d1c-4a8e-9d0b-{self._id()[:12]}"
        port = 30000 + int(self._random.random() * 30000) if shape.http else 0
        values: list[str | int | float] = [
            trace_id, root_id, ended_ns - drawn.duration_ns, ended_ns, number, port,
            drawn.queries, drawn.db_ns / 1e6, drawn.repeats, distinct, max(0, drawn.repeats - 1),
        ]  # fmt: skip
        if entity:
            values.append(entity)
        if verdict.failed:
            values.append(ended_ns)
        if drawn.repeats:
            total_ms = drawn.repeats * drawn.each_ns / 1e6
            values += (ended_ns, drawn.repeats, drawn.repeats, total_ms, drawn.repeats)
        return tuple(values)

    def _book(
        self, shape: Shape, drawn: Drawn, verdict: Verdict, series: Series, place: tuple[int, list[int], str]
    ) -> None:
        """What a kept operation adds to the truth."""
        begin_ns, starts, entity = place
        truth, hour, service = self._truth, hour_of(begin_ns), shape.service
        if starts and hour_of(starts[-1]) != hour:
            for start_ns in starts:
                truth.spans[service, verdict.tier, hour_of(start_ns)] += 1
            truth.spans[service, verdict.tier, hour] += 1
        else:
            truth.spans[service, verdict.tier, hour] += 1 + len(starts)
        truth.roots[series, hour] += 1
        weight = 1.0 if verdict.breaches else self._weight
        truth.weights[series, hour] = truth.weights.get((series, hour), 0.0) + weight
        if entity:
            truth.entities[service, shape.operation, shape.entity, entity, hour] += 1
        if drawn.repeats and shape.site is not None:
            key = (service, shape.operation, shape.site.kind, shape.site.statement.fingerprint, hour)
            finding = truth.findings.setdefault(key, Finding())
            finding.merge(Finding(1, drawn.repeats, drawn.repeats, drawn.repeats - 1))

    def _measure(
        self,
        measured: dict[Series, Measured],
        series: Series,
        drawn: Drawn,
        verdict: tuple[tuple[str, ...], str],
        example: tuple[float, str, str, int],
        hour: int,
    ) -> None:
        breaches, reason = verdict
        into, truth = measured.get(series), self._truth
        if into is None:
            into = measured[series] = Measured()
        duration_s = example[0]
        into.durations_s.append(duration_s)
        into.queries.append(drawn.queries)
        into.db_s.append(drawn.db_ns / 1e9)
        if reason and (into.slowest is None or duration_s > into.slowest[0]):
            into.slowest = example
        kept = (semconv.METRIC_KEPT, reason) if reason else (semconv.METRIC_SAMPLED_OUT, "")
        said = [kept, *[(semconv.METRIC_BREACHES, breach) for breach in breaches]]
        if drawn.repeats:
            said.append((semconv.METRIC_FINDINGS, self._finding_kind(series)))
        for what in said:
            into.counters[what] += 1
            truth.counters[what[0], series, what[1], hour] += 1
        truth.operations[series, hour] += 1
        truth.queries[series, hour] += drawn.queries
        truth.seconds[series, hour] = truth.seconds.get((series, hour), 0.0) + duration_s

    def _finding_kind(self, series: Series) -> str:
        sites = (shape.site for shape in self._shapes if (shape.service, shape.operation) == series[:2])
        return next(site.kind for site in sites if site is not None)

    def _refill(self) -> None:
        self._ids, self._next = self._random.randbytes(8 * _IDS).hex(), 0

    def _id(self) -> str:
        if self._next == _IDS:
            self._refill()
        at = 16 * self._next
        self._next += 1
        return self._ids[at : at + 16]


def _weighed(shapes: Sequence[Shape], service: str) -> tuple[list[Shape], list[float]]:
    mine = [shape for shape in shapes if shape.service == service]
    return mine, list(accumulate(shape.weight for shape in mine))
