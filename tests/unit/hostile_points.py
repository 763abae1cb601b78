"""Metric points that are broken in every way we know of, each with what has to become of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.hostile_segments import FUTURE, HOUR_NS, NOW_NS, OLD, START_NS, Case, text
from tests.unit.otlp_lines import attributes

NO_POINT = "no metric point, or a part of it has a wrong type"
NO_TIME = "no time"
IMPOSSIBLE = "counts contradict each other or are out of range"
NO_EXPONENTIAL = "no exponential histogram, which percentiles need"


def point(shape: str, data: Mapping[str, object], **options: object) -> bytes:
    """A line with one point of one metric of ours."""
    name = {"sum": "verein.operation.kept", "exponentialHistogram": "verein.operation.duration"}.get(shape, "x")
    name = str(options.pop("name", name))
    own = attributes(
        {"verein.operation.name": "GET /", "verein.operation.kind": "server", "verein.operation.status": "ok"}
    )
    given = {
        "attributes": own,
        "startTimeUnixNano": str(START_NS),
        "timeUnixNano": str(START_NS + 60_000_000_000),
        **data,
    }
    given = {name: value for name, value in given.items() if value is not None}
    holder = {"aggregationTemporality": 1, "dataPoints": [given]} | options
    resource = {"attributes": attributes({"service.name": "shop", "service.instance.id": "1"})}
    scopes = [{"scope": {"name": "otel_verein"}, "metrics": [{"name": name, "unit": "s", shape: holder}]}]
    return text({"resourceMetrics": [{"resource": resource, "scopeMetrics": scopes}]})


def histogram(**fields: object) -> dict[str, Any]:
    """A histogram of three values, but for *fields*; None leaves one out."""
    return {
        "count": "3",
        "sum": 0.3,
        "min": 0.1,
        "max": 0.1,
        "scale": 5,
        "zeroCount": "0",
        "positive": {"offset": -107, "bucketCounts": ["3"]},
    } | fields


_HISTOGRAM = "exponentialHistogram"
_WHOLE_POINT: dict[str, bytes] = {
    "histogram": point(_HISTOGRAM, histogram()),
    "numbers as numbers": point(_HISTOGRAM, histogram(count=3, positive={"offset": "-107", "bucketCounts": [3]})),
    "nothing measured": point(_HISTOGRAM, histogram(count="0", sum=0, min=None, max=None, positive={})),
    "only zeros": point(_HISTOGRAM, histogram(zeroCount=3, sum=0, min=0, max=0, positive=None)),
    "no start": point(_HISTOGRAM, histogram(startTimeUnixNano="0")),
    "coarsest": point(_HISTOGRAM, histogram(scale=-10, positive={"offset": -1, "bucketCounts": ["3"]})),
    "finest": point(_HISTOGRAM, histogram(scale=20, positive={"offset": -3_483_294, "bucketCounts": ["3"]})),
    "no attributes": point("sum", {"asInt": "5", "attributes": None}),
    "attributes null": point("sum", {"asInt": "5", "attributes": "@"}).replace(b'"@"', b"null"),
    "counter": point("sum", {"asInt": "5"}),
    "counter as a fraction": point("sum", {"asDouble": 5.0}),
    "temporality by name": point("sum", {"asInt": "5"}, aggregationTemporality="AGGREGATION_TEMPORALITY_DELTA"),
    "largest counter": point("sum", {"asInt": str((1 << 53) - 1)}),
}
_BROKEN_POINT: dict[str, tuple[str, bytes]] = {
    "more than in the buckets": (IMPOSSIBLE, point(_HISTOGRAM, histogram(count="4"))),
    "fewer than in the buckets": (IMPOSSIBLE, point(_HISTOGRAM, histogram(count="2"))),
    "negative count": (IMPOSSIBLE, point(_HISTOGRAM, histogram(count="-3", positive={"bucketCounts": ["-3"]}))),
    "negative bucket": (IMPOSSIBLE, point(_HISTOGRAM, histogram(positive={"offset": 0, "bucketCounts": ["-1", "4"]}))),
    "negative zeros": (IMPOSSIBLE, point(_HISTOGRAM, histogram(zeroCount="-1", count=2))),
    "values below zero": (
        IMPOSSIBLE,
        point(_HISTOGRAM, histogram(count=4, negative={"offset": 0, "bucketCounts": [1]})),
    ),
    "count of 64 bits": (
        IMPOSSIBLE,
        point(_HISTOGRAM, histogram(count=(1 << 64) - 1, positive={"offset": 0, "bucketCounts": [(1 << 64) - 1]})),
    ),
    "100,000 buckets": (
        IMPOSSIBLE,
        point(_HISTOGRAM, histogram(count=100_000, positive={"offset": 0, "bucketCounts": [1] * 100_000})),
    ),
    "offset at the end": (
        IMPOSSIBLE,
        point(_HISTOGRAM, histogram(positive={"offset": (1 << 31) - 1, "bucketCounts": [3]})),
    ),
    "offset beyond 32 bits": (
        IMPOSSIBLE,
        point(_HISTOGRAM, histogram(positive={"offset": 1 << 40, "bucketCounts": [3]})),
    ),
    "offset that is no double": (
        IMPOSSIBLE,
        point(_HISTOGRAM, histogram(positive={"offset": -(1 << 31), "bucketCounts": [3]})),
    ),
    "scale too fine": (IMPOSSIBLE, point(_HISTOGRAM, histogram(scale=21))),
    "scale too coarse": (IMPOSSIBLE, point(_HISTOGRAM, histogram(scale=-11))),
    "scale beyond 32 bits": (IMPOSSIBLE, point(_HISTOGRAM, histogram(scale=1 << 40))),
    "sum not a number": (IMPOSSIBLE, point(_HISTOGRAM, histogram(sum="NaN"))),
    "sum infinite": (IMPOSSIBLE, point(_HISTOGRAM, histogram(sum="Infinity"))),
    "maximum infinite": (IMPOSSIBLE, point(_HISTOGRAM, histogram(max="-Infinity"))),
    "start after end": (IMPOSSIBLE, point(_HISTOGRAM, histogram(startTimeUnixNano=str(START_NS + 120_000_000_000)))),
    "time zero": (NO_TIME, point(_HISTOGRAM, histogram(timeUnixNano="0"))),
    "no time": (NO_TIME, point(_HISTOGRAM, histogram(timeUnixNano=None))),
    "before 2000": (OLD, point(_HISTOGRAM, histogram(startTimeUnixNano=1, timeUnixNano=2))),
    "start before 2000": (OLD, point(_HISTOGRAM, histogram(startTimeUnixNano=1))),
    "in the future": (FUTURE, point(_HISTOGRAM, histogram(timeUnixNano=str(NOW_NS + 2 * HOUR_NS)))),
    "beyond 64 bits": (FUTURE, point(_HISTOGRAM, histogram(timeUnixNano=10**30))),
    "counter below zero": (IMPOSSIBLE, point("sum", {"asInt": "-5"})),
    "counter too large": (IMPOSSIBLE, point("sum", {"asInt": str(1 << 53)})),
    "counter of 64 bits": (IMPOSSIBLE, point("sum", {"asInt": str((1 << 64) - 1)})),
    "counter not a number": (IMPOSSIBLE, point("sum", {"asDouble": "NaN"})),
    "counter without a value": (IMPOSSIBLE, point("sum", {})),
    "no temporality": (NO_POINT, point("sum", {"asInt": "5"}, aggregationTemporality=None)),
    "unknown temporality": (NO_POINT, point("sum", {"asInt": "5"}, aggregationTemporality=7)),
    "count a word": (NO_POINT, point(_HISTOGRAM, histogram(count="three"))),
    "count a list": (NO_POINT, point(_HISTOGRAM, histogram(count=[3]))),
    "count a fraction": (NO_POINT, point(_HISTOGRAM, histogram(count=3.5))),
    "sum a word": (NO_POINT, point(_HISTOGRAM, histogram(sum="much"))),
    "buckets a number": (NO_POINT, point(_HISTOGRAM, histogram(positive={"offset": 0, "bucketCounts": 3}))),
    "buckets of words": (NO_POINT, point(_HISTOGRAM, histogram(positive={"offset": 0, "bucketCounts": ["three"]}))),
    "attributes a number": (NO_POINT, point(_HISTOGRAM, histogram(attributes=5))),
    "points an object": (NO_POINT, point(_HISTOGRAM, {}, dataPoints={"a": 1})),
    "a point that is a number": (NO_POINT, point(_HISTOGRAM, {}, dataPoints=[5])),
    "a point that is null": (NO_POINT, point(_HISTOGRAM, {}, dataPoints=[None])),
}

POINT_CASES: list[Case] = [
    *(Case(f"point: {name}", content, points=1) for name, content in _WHOLE_POINT.items()),
    *(Case(f"no point: {name}", content, asides={reason: 1}) for name, (reason, content) in _BROKEN_POINT.items()),
    Case(
        "explicit histogram of ours",
        point("histogram", {"count": 1}, name="verein.operation.duration"),
        asides={NO_EXPONENTIAL: 1},
    ),
]
