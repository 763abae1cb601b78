"""A small reader of our segment files for tests: the standard library only, and nothing of the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """One point of one metric, with the instance that reported it."""

    metric: str
    instance: str
    attributes: Json
    data: Json


def lines(directory: Path, signal: str) -> Iterator[Json]:
    """Every complete line of all segments, open ones too; the torn last line of a killed process is left."""
    for path in sorted((directory / signal).glob("*.jsonl*")):
        whole, _, _ = path.read_bytes().rpartition(b"\n")
        for line in whole.splitlines():
            yield json.loads(line)


def open_segments(directory: Path) -> list[Path]:
    """The segments that no process closed."""
    return sorted(directory.glob("*/*.part"))


def value(typed: Json) -> Any:
    """The value of an OTLP ``AnyValue``."""
    for kind, given in typed.items():
        if kind == "intValue":
            return int(given)
        if kind == "arrayValue":
            return [value(item) for item in given.get("values", [])]
        return given
    return None


def attributes(owner: Json) -> Json:
    """The attributes of a resource, span, event or point, as a plain dict."""
    return {pair["key"]: value(pair.get("value", {})) for pair in owner.get("attributes", [])}


def spans(directory: Path) -> Iterator[tuple[Json, Json]]:
    """Every span with the attributes of its resource."""
    for line in lines(directory, "spans"):
        for resource in line["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    yield attributes(resource.get("resource", {})), span


def roots(directory: Path) -> list[Json]:
    """The attributes of every span without parent."""
    return [attributes(span) for _, span in spans(directory) if not span.get("parentSpanId")]


def points(directory: Path) -> Iterator[Point]:
    """Every point of every metric; refuses anything but delta temporality."""
    for line in lines(directory, "metrics"):
        for resource in line["resourceMetrics"]:
            instance = attributes(resource.get("resource", {})).get("service.instance.id", "")
            for scope in resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    if "gauge" in metric:
                        continue  # says what holds, not how much of it
                    body = metric.get("exponentialHistogram") or metric["sum"]
                    assert body["aggregationTemporality"] == 1, metric
                    for data in body["dataPoints"]:
                        yield Point(metric["name"], instance, attributes(data), data)


@dataclass(frozen=True)
class Sums:
    """Operations and queries over all points, and per reporting instance the operations."""

    operations: int
    queries: int
    by_instance: dict[str, int]


def sums(directory: Path, operation: str | None = None) -> Sums:
    """What the metrics say in sum, of one operation or of all."""
    operations = queries = 0
    by_instance: dict[str, int] = {}
    for point in points(directory):
        if operation not in (None, point.attributes.get("verein.operation.name")):
            continue
        count = int(point.data.get("count", 0))
        if point.metric == "verein.operation.duration":
            operations += count
            by_instance[point.instance] = by_instance.get(point.instance, 0) + count
        elif point.metric == "verein.operation.db.queries":
            queries += round(float(point.data.get("sum", 0)))
    return Sums(operations, queries, by_instance)


def counter(directory: Path, name: str) -> int:
    """The sum of a counter over all its points."""
    return sum(int(point.data.get("asInt", 0)) for point in points(directory) if point.metric == name)
