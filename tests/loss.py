"""The loss equation, from metrics alone: what started was exported, sampled out, or dropped for a reason.

``started = kept + sampled out`` and ``kept = exported + dropped + still waiting``, per reporting instance. A process
that ended well has nothing waiting. Reads segments, or what an OTLP receiver was sent; nothing of the package.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests import segments
from tests.segments import Json

DELTA = 1
_KEEP_REASON = "verein.keep_reason"


@dataclass
class Balance:
    """What one instance says became of its operations."""

    instance: str
    started: int = 0
    queries: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    sampled_out: int = 0
    exported: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def waiting(self) -> int:
        """Kept operations of which the metrics do not say what became."""
        return self.kept.total() - self.exported - self.dropped.total()

    def problems(self, waiting: int = 0) -> list[str]:
        """What does not add up; up to *waiting* operations may have been on their way when the process was killed."""
        found = []
        if self.started != self.kept.total() + self.sampled_out:
            found.append("started is not kept + sampled out")
        if not 0 <= self.waiting <= waiting:
            found.append(f"kept - exported - dropped is {self.waiting}, not within 0..{waiting}")
        return found

    def __str__(self) -> str:
        return (
            f"instance {self.instance or '(none)'}: started {self.started}, kept {dict(self.kept)}, sampled out "
            f"{self.sampled_out}, exported {self.exported}, dropped {dict(self.dropped)}, waiting {self.waiting}"
        )


def of_files(directory: Path) -> dict[str, Balance]:
    """The balance of every instance that wrote metrics under *directory* (the one with ``spans`` and ``metrics``)."""
    return of_lines(segments.lines(directory, "metrics"))


def of_lines(payloads: Iterable[Json]) -> dict[str, Balance]:
    """The same from OTLP JSON lines of any temporality, in order, such as ``receiver.lines("metrics")``."""
    balances: dict[str, Balance] = {}
    for (instance, metric, _, attributes), (operations, queries) in _increases(payloads).items():
        balance = balances.setdefault(instance, Balance(instance))
        _book(balance, metric, dict(attributes), operations, queries)
    return balances


def assert_balanced(balances: dict[str, Balance], waiting: int = 0) -> dict[str, Balance]:
    """*balances*, if there are any and the equation holds in each; up to *waiting* may be missing in each."""
    assert balances, "no instance reported any metric"
    wrong = [
        f"{balance}: {'; '.join(problems)}" for balance in balances.values() if (problems := balance.problems(waiting))
    ]
    assert not wrong, "the loss equation does not hold:\n" + "\n".join(wrong)
    return balances


def total(balances: dict[str, Balance]) -> Balance:
    """All instances in one."""
    whole = Balance("all")
    for balance in balances.values():
        whole.started += balance.started
        whole.queries += balance.queries
        whole.sampled_out += balance.sampled_out
        whole.exported += balance.exported
        whole.kept += balance.kept
        whole.dropped += balance.dropped
    return whole


def roots_of_files(directory: Path) -> Counter[str]:
    """Exported operations by instance, counted by their root spans: those that say why they were kept."""
    found: Counter[str] = Counter()
    for resource, span in segments.spans(directory):
        if _KEEP_REASON in segments.attributes(span):
            found[resource.get("service.instance.id", "")] += 1
    return found


_Key = tuple[str, str, str, tuple[tuple[str, str], ...]]


def _increases(payloads: Iterable[Json]) -> dict[_Key, tuple[int, int]]:
    """By instance, metric, start and attributes: count (or value) and rounded sum.

    Deltas are added; of cumulative points the last of each start counts, since it holds those before it.
    """
    found: dict[_Key, tuple[int, int]] = {}
    for payload in payloads:
        for resource in payload.get("resourceMetrics", []):
            instance = segments.attributes(resource.get("resource", {})).get("service.instance.id", "")
            for scope in resource.get("scopeMetrics", []):
                for metric in scope.get("metrics", []):
                    if metric["name"].startswith("verein.") and "gauge" not in metric:
                        _add_points(found, instance, metric)
    return found


def _add_points(found: dict[_Key, tuple[int, int]], instance: str, metric: Json) -> None:
    body = metric.get("exponentialHistogram") or metric["sum"]
    delta = body["aggregationTemporality"] == DELTA
    for point in body["dataPoints"]:
        attributes = tuple(sorted((key, str(given)) for key, given in segments.attributes(point).items()))
        key = (instance, metric["name"], "" if delta else point["startTimeUnixNano"], attributes)
        count = int(point.get("count", point.get("asInt", 0)))
        queries = round(float(point.get("sum", 0)))
        before = found.get(key, (0, 0)) if delta else (0, 0)
        found[key] = (before[0] + count, before[1] + queries)


def _book(balance: Balance, metric: str, attributes: Json, operations: int, queries: int) -> None:
    if metric == "verein.operation.duration":
        balance.started += operations
    elif metric == "verein.operation.db.queries":
        balance.queries += queries
    elif metric == "verein.operation.kept":
        balance.kept[attributes.get(_KEEP_REASON, "")] += operations
    elif metric == "verein.operation.sampled_out":
        balance.sampled_out += operations
    elif metric == "verein.export.exported":
        balance.exported += operations
    elif metric == "verein.export.dropped":
        balance.dropped[attributes.get("verein.drop.reason", "")] += operations
