"""The metrics of messages: those of our scope as increases, all others as they are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from msgspec import Raw

from otel_verein import semconv
from otel_verein.store.records import Process
from otel_verein.store.taking import otlp
from otel_verein.store.taking.cumulative import Lasts, Refusal
from otel_verein.store.taking.exponential import Exponential, is_possible
from otel_verein.store.taking.otlp import UNUSABLE, Metric, Point
from otel_verein.store.taking.point_rows import EXPONENTIAL, GAUGE, SUM, Increase, Labels, PointRows, Series
from otel_verein.store.taking.promoted import Origin
from otel_verein.store.taking.times import EARLIEST_NS, FUTURE, TOO_OLD

MEASURED: Final = frozenset((semconv.METRIC_DURATION, semconv.METRIC_QUERIES, semconv.METRIC_DB_DURATION))
"""What percentiles are needed of."""

BROKEN = "no metric point, or a part of it has a wrong type"
ZERO_STAMP = "no time"
IMPOSSIBLE = "counts contradict each other or are out of range"
UNUSABLE_SHAPE = "no exponential histogram, which percentiles need"

_DELTA: Final = frozenset((1, "1", "AGGREGATION_TEMPORALITY_DELTA"))
_CUMULATIVE: Final = frozenset((2, "2", "AGGREGATION_TEMPORALITY_CUMULATIVE"))
_SHAPES: Final = (
    ("exponentialHistogram", EXPONENTIAL),
    ("sum", SUM),
    ("gauge", GAUGE),
    ("histogram", "histogram"),
    ("summary", "summary"),
)
_MOST = 1 << 53
"""Above it a double does not hold every whole number."""

_OURS: Final = (EXPONENTIAL, SUM, GAUGE)

SetAside = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Maker:
    """Who sent metrics: the process by the text of its resource, and the meter."""

    resource: str
    scope: str
    origin: Origin
    is_ours: bool


class Points:
    """Takes the points of metrics; what cannot be taken goes to *set_aside* with the reason."""

    def __init__(self, lasts: Lasts, latest_ns: int) -> None:
        self.rows = PointRows()
        self.others: list[dict[str, Any]] = []
        self.processes: dict[str, Process] = {}
        self.tallies: dict[str, float] = defaultdict(int)
        self._lasts = lasts
        self._latest_ns = latest_ns

    def take(self, metric: Metric, maker: Maker, set_aside: SetAside) -> None:
        """Take all points of *metric*."""
        raw, shape = _data(metric)
        if shape is None:
            return
        if not (maker.is_ours and shape in _OURS and metric.name):
            self._keep_all(metric, shape, raw, maker, set_aside)
            return
        try:
            data = otlp.DATA.decode(raw)
        except UNUSABLE:
            self._take_loose(metric, shape, raw, maker, set_aside)
            return
        for point in data.dataPoints or ():
            problem = self._take(metric, shape, data.aggregationTemporality, point, maker)
            if problem is not None:
                set_aside(problem, otlp.encoded(point))

    def _take_loose(self, metric: Metric, shape: str, raw: Raw, maker: Maker, set_aside: SetAside) -> None:
        """Take the points of a metric of which some are wrong, one by one."""
        try:
            data = otlp.LOOSE_DATA.decode(raw)
        except UNUSABLE:
            set_aside(BROKEN, bytes(raw))
            return
        for text in data.dataPoints or ():
            try:
                problem = self._take(metric, shape, data.aggregationTemporality, otlp.POINT.decode(text), maker)
            except UNUSABLE:
                problem = BROKEN
            if problem is not None:
                set_aside(problem, bytes(text))

    def _keep_all(self, metric: Metric, shape: str, raw: Raw, maker: Maker, set_aside: SetAside) -> None:
        """Keep the points of a metric that the store does not add up, as they are."""
        try:
            data, rest = otlp.LOOSE_DATA.decode(raw), otlp.without_points(raw)
        except UNUSABLE:
            set_aside(BROKEN, bytes(raw))
            return
        for text in data.dataPoints or ():
            problem = self._keep(metric, shape, rest, text, maker)
            if problem is not None:
                set_aside(problem, bytes(text))
        if maker.is_ours and metric.name in MEASURED:
            set_aside(UNUSABLE_SHAPE, bytes(raw))

    def _take(
        self, metric: Metric, shape: str, temporality: int | str | None, point: Point, maker: Maker
    ) -> str | None:
        labels = _labels(bytes(point.attributes))
        if labels is None:
            return BROKEN
        problem = self._untimely(point.timeUnixNano) or self._untimely(point.startTimeUnixNano or point.timeUnixNano)
        increase = None if problem else _increase(point, shape)
        if increase is None:
            return problem or IMPOSSIBLE
        series = Series(maker.resource, metric.name, labels.attributes, shape)
        if metric.name == semconv.METRIC_CONFIG_INFO:
            self._note_process(point, maker)
        if temporality in _CUMULATIVE and shape != GAUGE:
            found = self._lasts.increase(series, increase)
            if found is Refusal.SUPERSEDED:
                self.tallies["points_superseded"] += 1
                return None
            if isinstance(found, Refusal):
                return str(found.value)
            increase = found
        elif temporality not in _DELTA and shape != GAUGE:
            return BROKEN
        self.rows.add(series, maker.origin, labels, increase)
        self._count(metric.name, shape, increase)
        return None

    def _count(self, metric: str, shape: str, increase: Increase) -> None:
        tallies = self.tallies
        tallies["points"] += 1
        if shape == EXPONENTIAL:
            tallies["observations"] += increase.count
            if metric == semconv.METRIC_DURATION:
                tallies["operations"] += increase.count
                tallies["seconds"] += increase.total or 0.0
            elif metric == semconv.METRIC_QUERIES:
                tallies["queries"] += round(increase.total or 0)
        elif shape == SUM:
            tallies["values"] += increase.value or 0.0

    def _keep(self, metric: Metric, shape: str, rest: str, text: Raw, maker: Maker) -> str | None:
        try:
            point = otlp.POINT_TIME.decode(text)
            whole = otlp.text_of(text)
        except UNUSABLE:
            return BROKEN
        problem = self._untimely(point.timeUnixNano)
        if problem:
            return problem
        self.others.append(
            {
                "time_ns": point.timeUnixNano,
                "service": maker.origin.service,
                "resource": maker.resource,
                "scope": maker.scope,
                "metric": metric.name,
                "unit": metric.unit,
                "description": metric.description,
                "shape": shape,
                "data": rest,
                "point": whole,
            }
        )
        self.tallies["others"] += 1
        return None

    def _untimely(self, time_ns: int) -> str | None:
        if time_ns <= 0:
            return ZERO_STAMP
        if time_ns < EARLIEST_NS:
            return TOO_OLD
        return FUTURE if time_ns > self._latest_ns else None

    def _note_process(self, point: Point, maker: Maker) -> None:
        found = otlp.attributes_of(point.attributes)
        digest = found.get(semconv.CONFIG_DIGEST)
        key = f"{maker.origin.service}\0{maker.origin.instance or maker.resource}"
        known = self.processes.get(key)
        if not isinstance(digest, str) or (known is not None and known.seen_ns > point.timeUnixNano):
            return
        origin = maker.origin
        environment, state = found.get(semconv.CONFIG_ENVIRONMENT), found.get(semconv.CONFIG_STATE)
        self.processes[key] = Process(
            key,
            origin.service,
            origin.instance,
            origin.pid,
            origin.host,
            digest,
            environment if isinstance(environment, str) else "unknown",
            state if isinstance(state, str) else "unknown",
            point.timeUnixNano,
        )


def _data(metric: Metric) -> tuple[Raw, str | None]:
    for name, shape in _SHAPES:
        raw: Raw = getattr(metric, name)
        if len(raw):
            return raw, shape
    return otlp.NOTHING, None


def _increase(point: Point, shape: str) -> Increase | None:
    """What the point says, if it can be true."""
    first, last = point.startTimeUnixNano or point.timeUnixNano, point.timeUnixNano
    if first > last:
        return None
    if shape != EXPONENTIAL:
        value = point.asInt if point.asInt is not None else point.asDouble
        if value is None or not math.isfinite(value) or abs(value) >= _MOST or (shape == SUM and value < 0):
            return None
        return Increase(first, last, value=float(value))
    count, zeros = point.count or 0, point.zeroCount or 0
    positive, negative = point.positive, point.negative
    if negative is not None and any(negative.bucketCounts or ()):
        return None
    buckets: Sequence[int] = () if positive is None else positive.bucketCounts or ()
    offset = 0 if positive is None else positive.offset
    if not is_possible(point.scale or 0, offset, buckets, zeros, count):
        return None
    if not (_is_finite(point.sum) and _is_finite(point.min) and _is_finite(point.max)):
        return None
    total, least, most = point.sum, point.min, point.max
    if count and count == zeros:  # what is 0 is left out of the JSON of some
        total, least, most = total or 0.0, least or 0.0, most or 0.0
    return Increase(
        first,
        last,
        count,
        total,
        least,
        most,
        Exponential(point.scale or 0, zeros, offset, tuple(buckets)),
        exemplar=_exemplar(point) if point.exemplars else None,
    )


def _is_finite(value: float | None) -> bool:
    return value is None or math.isfinite(value)


def _exemplar(point: Point) -> tuple[float, bytes] | None:
    best: tuple[float, bytes] | None = None
    for each in point.exemplars or ():
        value = each.asDouble if each.asDouble is not None else each.asInt
        if value is None or not each.traceId or len(each.traceId) != 32 or not math.isfinite(value):
            continue
        try:
            found = float(value), bytes.fromhex(each.traceId)
        except (ValueError, OverflowError):
            continue
        if len(found[1]) == 16 and (best is None or found[0] > best[0]):
            best = found
    return best


@lru_cache(maxsize=4096)
def _labels(text: bytes) -> Labels | None:
    try:
        found, attributes = otlp.attributes_of(text), otlp.text_of(text)
    except UNUSABLE:
        return None
    values = {key: value for key, value in found.items() if isinstance(value, str)}
    kind = values.get(semconv.OPERATION_KIND)
    return Labels(
        attributes,
        values.get(semconv.OPERATION),
        None if kind is None else kind.lower(),
        values.get(semconv.OPERATION_STATUS),
        next((values[key] for key in semconv.DETAILS if key in values), None),
    )
