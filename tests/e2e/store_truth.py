"""What segments and a store hold, each read by itself: the standard library, DuckDB, nothing of the package."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tests import segments

_DURATION = "verein.operation.duration"
_QUERIES = "verein.operation.db.queries"
_OPERATION = "verein.operation.name"
_FINDING = "verein.finding"


@dataclass(frozen=True)
class Figures:
    """Sums that must be equal before and after; spans count as often as they were sent, their findings once.

    ``operations`` and ``queries`` are by service and operation, ``values`` by counter.
    """

    spans: int = 0
    findings: int = 0
    operations: Counter[tuple[str, str]] = field(default_factory=Counter)
    queries: Counter[tuple[str, str]] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.spans + other.spans,
            self.findings + other.findings,
            self.operations + other.operations,
            self.queries + other.queries,
            self.values + other.values,
        )

    def without(self, other: Figures) -> Figures:
        """What this has more than *other*."""
        return Figures(
            max(0, self.spans - other.spans),
            max(0, self.findings - other.findings),
            self.operations - other.operations,
            self.queries - other.queries,
            self.values - other.values,
        )


def of_segments(directory: Path) -> Figures:
    """What the complete lines under *directory* hold, of every segment, open ones too."""
    spans = list(segments.spans(directory))
    once = {(span["traceId"], span["spanId"]): span for _, span in spans}.values()
    findings = sum(event["name"] == _FINDING for span in once for event in span.get("events", ()))
    operations: Counter[tuple[str, str]] = Counter()
    queries: Counter[tuple[str, str]] = Counter()
    values: Counter[str] = Counter()
    for service, name, data in _points(directory):
        operation = segments.attributes(data).get(_OPERATION)
        if name == _DURATION:
            operations[service, operation] += int(data["count"])
        elif name == _QUERIES:
            queries[service, operation] += round(float(data.get("sum", 0)))
        elif "count" not in data:
            values[name] += int(data.get("asInt", 0))
    return Figures(len(spans), findings, +operations, +queries, +values)


def _points(directory: Path) -> Iterable[tuple[str, str, segments.Json]]:
    """Service, metric and point of every delta of ours."""
    for line in segments.lines(directory, "metrics"):
        for resource in line["resourceMetrics"]:
            service = segments.attributes(resource.get("resource", {})).get("service.name", "")
            for scope in resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    body = metric.get("exponentialHistogram") or metric.get("sum")
                    if body is None or not metric["name"].startswith("verein."):
                        continue
                    assert body["aggregationTemporality"] == 1, metric
                    for data in body["dataPoints"]:
                        yield service, metric["name"], data


@dataclass(frozen=True)
class Held:
    """One row of the journal that counts, or counted until it was old enough to go."""

    id: int
    kind: str
    level: int
    path: Path
    state: str
    totals: dict[str, float]


class Holding:
    """A store as it is on disk now."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with sqlite3.connect(f"file:{root / 'journal.sqlite'}?mode=ro", uri=True) as journal:
            rows = journal.execute("SELECT id, kind, level, path, state, totals FROM files").fetchall()
            covers = journal.execute("SELECT rollup_id, input_id FROM coverage").fetchall()
        journal.close()
        self.files = [
            Held(id, kind, level, root / path, state, json.loads(totals))
            for id, kind, level, path, state, totals in rows
        ]
        self.live = [file for file in self.files if file.state == "live"]
        self.roots = _roots(self.files, covers)

    def figures(self) -> Figures:
        """The sums over the roots, read from their Parquet; spans that are gone by age count by the journal's word."""
        with duckdb.connect(":memory:") as database:
            gone = [file for file in self.files if file.kind == "spans" and file.state == "expired"]
            kept = [file for file in self.live if file.kind == "spans"]
            return Figures(
                spans=int(
                    sum(file.totals["spans"] + file.totals["duplicates"] for file in gone)
                    + sum(file.totals["duplicates"] for file in kept)
                    + _one(database, "count(*)", kept)
                ),
                findings=_one(database, "count(*)", self._roots("findings", 0))
                + _one(database, "sum(events)", self._roots("findings", 1)),
                operations=self._by(database, "service, operation", "count", f"metric = '{_DURATION}'"),
                queries=self._by(database, "service, operation", "total", f"metric = '{_QUERIES}'"),
                values=_flat(self._by(database, "metric", "value", "value IS NOT NULL AND shape = 'sum'")),
            )

    def _roots(self, kind: str, least: int) -> list[Held]:
        return [file for file in self.roots if file.kind == kind and (file.level >= 1) == (least >= 1)]

    def _by(self, database: duckdb.DuckDBPyConnection, keys: str, value: str, where: str) -> Counter[tuple[str, ...]]:
        sums: Counter[tuple[str, ...]] = Counter()
        sources = [
            (self._roots("points", 0), where),
            (self._roots("series", 1), f"basis = 'metrics' AND {where}"),
        ]
        for files, condition in sources:
            if files:
                query = f"SELECT {keys}, sum({value}) FROM {_read(files)} WHERE {condition} GROUP BY ALL"
                for *key, total in database.execute(query).fetchall():
                    sums[tuple(key)] += round(total or 0)
        return +sums

    def orphans(self) -> list[str]:
        """Files under the store that no live row names; those for which nobody keeps a row are not meant."""
        known = {file.path for file in self.live}
        found = [path for folder in ("detail", "rollup", "tmp") for path in (self.root / folder).rglob("*")]
        return sorted(str(path.relative_to(self.root)) for path in found if path.is_file() and path not in known)

    def missing(self) -> list[str]:
        """Live rows without a file."""
        return sorted(str(file.path) for file in self.live if not file.path.is_file())


def _roots(files: list[Held], covers: list[tuple[int, int]]) -> list[Held]:
    """The live files that hold everything once: a rollup counts for its inputs until one of these was made anew."""
    states = {file.id: file.state for file in files}
    inputs: dict[int, list[int]] = {}
    for rollup, input in covers:
        inputs.setdefault(rollup, []).append(input)
    stale: set[int] = set()
    for file in sorted(files, key=lambda each: each.level):
        if any(states[input] == "replaced" or input in stale for input in inputs.get(file.id, ())):
            stale.add(file.id)
    current = [file for file in files if file.state == "live" and file.id not in stale]
    covered = {input for file in current for input in inputs.get(file.id, ())}
    return [file for file in current if file.id not in covered]


def _flat(sums: Counter[tuple[str, ...]]) -> Counter[str]:
    return Counter({key[0]: total for key, total in sums.items()})


def _read(files: list[Held]) -> str:
    names = ", ".join("'" + str(file.path).replace("'", "''") + "'" for file in files)
    return f"read_parquet([{names}], hive_partitioning = false, union_by_name = true)"


def _one(database: duckdb.DuckDBPyConnection, what: str, files: list[Held]) -> int:
    if not files:
        return 0
    row = database.execute(f"SELECT {what} FROM {_read(files)}").fetchone()
    assert row is not None
    return round(row[0] or 0)
