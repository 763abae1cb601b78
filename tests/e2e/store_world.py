"""A small application and a small collector whose segments are fed to a store, and what these held in sum."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_verein import semconv
from tests.e2e.store_truth import Figures, of_segments

_NS = 1_000_000_000
_SERVICES = ("shop", "members")
_TIERS = ("long", "medium", "short")
_QUERIES = {"GET /books": 3, "GET /books/{id}": 12, "POST /orders": 1}
_SCALE = 6


@dataclass(frozen=True)
class _Ran:
    """One operation: how it was named, when it ended and what it did."""

    service: str
    name: str
    end_ns: int
    tier: str
    found: bool

    @property
    def queries(self) -> int:
        return _QUERIES[self.name]


class World:
    """Directories of segments under *directory*, and a copy of all that was ever written to them.

    Equal numbers of *seed* give equal contents.
    """

    def __init__(self, directory: Path, seed: int = 1) -> None:
        self.root = directory / ".verein"
        self.ours = self.root / "otlp"
        self.collectors = directory / "collector" / "otlp"
        self._copy = directory.parent / f"{directory.name}-written"
        self._random = random.Random(seed)
        self._number = 0
        self._torn: dict[Path, bytes] = {}
        for place in (self.ours, self.collectors, self._copy):
            for signal in ("spans", "metrics"):
                (place / signal).mkdir(parents=True)

    @property
    def sources(self) -> list[Path]:
        """The directories that ingest reads."""
        return [self.ours, self.collectors]

    def written(self) -> Figures:
        """What all segments so far held."""
        return of_segments(self._copy)

    def record(self, begin_s: float, seconds: float, operations: int = 40) -> None:
        """One closed segment of spans and one of metrics, of *operations* that ended in this time; some spans twice."""
        self._number += 1
        ran = [self._operation(begin_s, seconds) for _ in range(operations)]
        spans = [self._spans(service, [each for each in ran if each.service == service]) for service in _SERVICES]
        metrics = [_metrics(service, [each for each in ran if each.service == service]) for service in _SERVICES]
        self._write(self.ours / "spans" / f"{self._number:06}.jsonl", [*spans, spans[self._number % 2]])
        self._write(self.ours / "metrics" / f"{self._number:06}.jsonl", metrics)

    def grow(self, begin_s: float, seconds: float, operations: int = 10) -> None:
        """Lines at the end of the collector's open files, the last of which is half written until the next call."""
        ran = [self._operation(begin_s, seconds) for _ in range(operations)]
        for tier in _TIERS:
            line = self._spans("members", [each for each in ran if each.tier == tier])
            self._append(self.collectors / "spans" / f"{tier}.jsonl", line)
        self._append(self.collectors / "metrics" / "metrics.jsonl", _metrics("members", ran))

    def settle(self) -> None:
        """Finish the lines that are half written."""
        for path, rest in self._torn.items():
            with path.open("ab") as file:
                file.write(rest)
        self._torn.clear()

    def _operation(self, begin_s: float, seconds: float) -> _Ran:
        end_ns = int((begin_s + self._random.random() * seconds) * _NS)
        name = self._random.choice(list(_QUERIES))
        service = self._random.choice(_SERVICES)
        return _Ran(service, name, end_ns, self._random.choice(_TIERS), self._random.random() < 0.2)

    def _write(self, path: Path, lines: list[bytes]) -> None:
        (self._copy / path.parent.name / path.name).write_bytes(b"".join(lines))
        part = path.with_name(path.name + ".part")
        part.write_bytes(b"".join(lines))
        part.rename(path)

    def _append(self, path: Path, line: bytes) -> None:
        with (self._copy / path.parent.name / path.name).open("ab") as file:
            file.write(line)
        half = len(line) // 2
        with path.open("ab") as file:
            file.write(self._torn.get(path, b"") + line[:half])
        self._torn[path] = line[half:]

    def _spans(self, service: str, ran: list[_Ran]) -> bytes:
        spans = [span for operation in ran for span in self._trace(operation)]
        scope = {"scope": {"name": "otel_verein"}, "spans": spans}
        return _line({"resourceSpans": [{"resource": _resource(service), "scopeSpans": [scope]}]})

    def _trace(self, ran: _Ran) -> list[dict[str, Any]]:
        trace, start = f"{self._random.getrandbits(128):032x}", ran.end_ns - _NS // 20
        root = {
            **_span(trace, self._random, ran.name, 2, start, ran.end_ns),
            "traceState": "ot=th:8",
            "attributes": [
                _pair(semconv.OPERATION, ran.name),
                _pair(semconv.TIER, ran.tier),
                _pair(semconv.DB_QUERY_COUNT, ran.queries),
            ],
            "events": [_finding(ran)] if ran.found else [],
        }
        children = [
            {
                **_span(trace, self._random, "SELECT book", 3, start, start + _NS // 100),
                "parentSpanId": root["spanId"],
                "attributes": [_pair(semconv.TIER, ran.tier), _pair("db.query.summary", "SELECT book")],
            }
            for _ in range(ran.queries)
        ]
        return [*children, root]


def _span(trace: str, chance: random.Random, name: str, kind: int, start: int, end: int) -> dict[str, Any]:
    return {
        "traceId": trace,
        "spanId": f"{chance.getrandbits(64):016x}",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "flags": 257,
        "status": {},
    }


def _finding(ran: _Ran) -> dict[str, Any]:
    said = {
        semconv.FINDING_KIND: "n_plus_one",
        semconv.FINDING_FINGERPRINT: f"{len(ran.name):016x}",
        semconv.FINDING_REPEATS: ran.queries,
        semconv.FINDING_QUERIES: ran.queries,
        semconv.FINDING_STATEMENTS: 1,
        "code.file.path": "/srv/shop/views.py",
        "code.line.number": 88,
    }
    pairs = [_pair(key, value) for key, value in said.items()]
    return {"name": semconv.FINDING_EVENT, "timeUnixNano": str(ran.end_ns), "attributes": pairs}


def _metrics(service: str, ran: list[_Ran]) -> bytes:
    durations: list[dict[str, Any]] = []
    queries: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    for one in ran:
        who = [_pair(semconv.OPERATION, one.name), _pair(semconv.OPERATION_KIND, "server")]
        who.append(_pair(semconv.OPERATION_STATUS, "ok"))
        when = {"attributes": who, "startTimeUnixNano": str(one.end_ns - _NS), "timeUnixNano": str(one.end_ns)}
        durations.append({**when, **_bucket(0.05, -277)})
        queries.append({**when, **_bucket(float(one.queries), 0)})
        kept.append({**when, "asInt": "1", "attributes": [*who, _pair(semconv.KEEP_REASON, "sampled")]})
    metrics = [
        {"name": semconv.METRIC_DURATION, "unit": "s", "exponentialHistogram": _delta(durations)},
        {"name": semconv.METRIC_QUERIES, "unit": "{query}", "exponentialHistogram": _delta(queries)},
        {"name": semconv.METRIC_KEPT, "sum": {**_delta(kept), "isMonotonic": True}},
    ]
    scope = {"scope": {"name": "otel_verein"}, "metrics": metrics}
    return _line({"resourceMetrics": [{"resource": _resource(service), "scopeMetrics": [scope]}]})


def _bucket(value: float, index: int) -> dict[str, Any]:
    filled = {"offset": index, "bucketCounts": ["1"]}
    return {
        "count": "1",
        "sum": value,
        "min": value,
        "max": value,
        "scale": _SCALE,
        "zeroCount": "0",
        "positive": filled,
    }


def _delta(points: list[dict[str, Any]]) -> dict[str, Any]:
    return {"aggregationTemporality": 1, "dataPoints": points}


def _resource(service: str) -> dict[str, Any]:
    said = {"service.name": service, "service.instance.id": f"{service}-1", "deployment.environment.name": "test"}
    return {"attributes": [_pair(key, value) for key, value in said.items()]}


def _pair(key: str, value: str | int) -> dict[str, Any]:
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


def _line(request: dict[str, Any]) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode() + b"\n"
