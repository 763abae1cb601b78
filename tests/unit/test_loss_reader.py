"""The reader of the loss equation finds what does not add up: tests of real processes rest on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests import loss

KEPT = {"verein.keep_reason": "sampled"}
SOUND = {
    "verein.operation.duration": [(10, {})],
    "verein.operation.kept": [(4, KEPT), (1, {"verein.keep_reason": "breach"})],
    "verein.operation.sampled_out": [(5, {})],
    "verein.export.exported": [(2, {})],
    "verein.export.dropped": [(3, {"verein.drop.reason": "queue_full"})],
}


def line(instance: str, given: dict[str, list[tuple[int, dict[str, str]]]], cumulative: bool = False) -> dict[str, Any]:
    """One OTLP JSON line of counters and histograms."""
    metrics = []
    for name, points in given.items():
        histogram = name == "verein.operation.duration"
        data = [
            {
                "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()],
                "startTimeUnixNano": "1",
                "count" if histogram else "asInt": str(value),
            }
            for value, attributes in points
        ]
        body = {"aggregationTemporality": 2 if cumulative else 1, "dataPoints": data}
        metrics.append({"name": name, "exponentialHistogram" if histogram else "sum": body})
    identity = [{"key": "service.instance.id", "value": {"stringValue": instance}}]
    return {"resourceMetrics": [{"resource": {"attributes": identity}, "scopeMetrics": [{"metrics": metrics}]}]}


@pytest.mark.parametrize("cumulative", [False, True], ids=["delta", "cumulative"])
def test_deltas_add_up_and_cumulative_points_replace(cumulative: bool) -> None:
    """Two collections of one instance are a sum or a later state; two instances are apart."""
    lines = [line("a", SOUND, cumulative), line("a", SOUND, cumulative), line("b", SOUND, cumulative)]
    balances = loss.assert_balanced(loss.of_lines(lines))

    assert {"a": 10 if cumulative else 20, "b": 10} == {name: found.started for name, found in balances.items()}
    assert (20 if cumulative else 30) == loss.total(balances).started


UNSOUND = {
    "one more started": ("verein.operation.duration", [(11, {})], "started is not kept + sampled out"),
    "one exported less": ("verein.export.exported", [(1, {})], "kept - exported - dropped is 1, not within 0..0"),
    "one exported more": ("verein.export.exported", [(3, {})], "kept - exported - dropped is -1, not within 0..0"),
}


@pytest.mark.parametrize(("name", "points", "says"), UNSOUND.values(), ids=UNSOUND.keys())
def test_what_does_not_add_up_is_named(name: str, points: list[tuple[int, dict[str, str]]], says: str) -> None:
    """The message names the instance, its figures and what is wrong with them."""
    balances = loss.of_lines([line("a", SOUND | {name: points})])

    with pytest.raises(AssertionError) as raised:
        loss.assert_balanced(balances)
    assert "instance a: started" in str(raised.value)
    assert says in str(raised.value)


def test_what_was_on_its_way_may_be_missing_of_a_killed_process() -> None:
    """Only so many as are allowed, and only where they were kept."""
    balances = loss.of_lines([line("a", SOUND | {"verein.export.exported": [(1, {})]})])

    assert balances == loss.assert_balanced(balances, waiting=1)


def test_no_metrics_at_all_are_no_balance() -> None:
    """An empty directory is no proof that nothing was lost."""
    with pytest.raises(AssertionError, match="no instance reported"):
        loss.assert_balanced({})
