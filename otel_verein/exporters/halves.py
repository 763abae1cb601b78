"""Metrics in two halves, for an endpoint that finds them too large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.metrics.export import MetricsData

_Place = tuple[Any, Any, Any, Any]
"""A point with the resource, scope and metric it stands in."""


def halves(data: MetricsData) -> tuple[MetricsData, MetricsData] | None:
    """The first half of the points of *data* and the second; None for a single point."""
    places: list[_Place] = [
        (resource, scope, metric, point)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]
    if len(places) < 2:
        return None
    middle = len(places) // 2
    return MetricsData(_rebuilt(places[:middle])), MetricsData(_rebuilt(places[middle:]))


def _rebuilt(places: Sequence[_Place]) -> list[Any]:
    resources = []
    for resource, of_resource in _runs(places, 0):
        scopes = []
        for scope, of_scope in _runs(of_resource, 1):
            metrics = [
                replace(metric, data=replace(metric.data, data_points=[point for *_, point in of_metric]))
                for metric, of_metric in _runs(of_scope, 2)
            ]
            scopes.append(replace(scope, metrics=metrics))
        resources.append(replace(resource, scope_metrics=scopes))
    return resources


def _runs(places: Sequence[_Place], level: int) -> list[tuple[Any, list[_Place]]]:
    """Places that follow each other and have the same object at *level*."""
    runs: list[tuple[Any, list[_Place]]] = []
    for place in places:
        if not runs or runs[-1][0] is not place[level]:
            runs.append((place[level], []))
        runs[-1][1].append(place)
    return runs
