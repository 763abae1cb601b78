"""A few operations of which everything is known, as telemetry, and the sources that read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from otel_verein.config.schema import Config
from otel_verein.sources.messages import Messages
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.sources.store import StoreSource
from otel_verein.sources.viewed import Viewed
from otel_verein.store.ingest import ingest
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from tests.unit.otlp_lines import START_NS, attributes, finding, write

MS: Final = 1_000_000
SECOND: Final = 1000 * MS
CONFIG: Final = Config()


def span(
    trace: int,
    number: int,
    name: str,
    *,
    kind: int = 3,
    parent: int | None = None,
    at_ms: float = 0,
    took_ms: float = 10,
    threshold: str = "0",
    failed: bool = False,
    events: Sequence[Mapping[str, Any]] = (),
    **own: object,
) -> dict[str, Any]:
    """A span; a double underscore in *own* stands for a dot; times are after START_NS."""
    start_ns = START_NS + round(at_ms * MS)
    made: dict[str, Any] = {
        "traceId": f"{trace:032x}",
        "spanId": f"{number:016x}",
        "traceState": f"ot=th:{threshold}",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + round(took_ms * MS)),
        "attributes": attributes({key.replace("__", "."): value for key, value in own.items()}),
        "events": list(events),
        "status": {"code": 2} if failed else {},
    }
    return made if parent is None else made | {"parentSpanId": f"{parent:016x}"}


def request(spans: Sequence[Mapping[str, Any]], version: str = "1", environment: str = "production") -> dict[str, Any]:
    """One request of the trace signal, of the service shop."""
    of_process = {
        "service.name": "shop",
        "service.version": version,
        "deployment.environment.name": environment,
        "service.instance.id": f"process of {version}",
        "process.command": "gunicorn",
    }
    scopes = [{"scope": {"name": "otel_verein"}, "spans": list(spans)}]
    return {"resourceSpans": [{"resource": {"attributes": attributes(of_process)}, "scopeSpans": scopes}]}


def query(trace: int, number: int, key: str, **more: Any) -> dict[str, Any]:
    """A span of a query of the statement *key*."""
    said = {
        "db__system__name": "sqlite",
        "db__query__text": f"SELECT {key}",
        "db__query__summary": f"SELECT {key}",
        "db__operation__name": "SELECT",
        "verein__db__fingerprint": key,
    }
    return span(trace, number, f"SELECT {key}", **(said | more))


SUMMARY: Final = {
    "aggregation.is_summary": True,
    "aggregation.span_count": 4,
    "aggregation.duration_min_ns": 2 * MS,
    "aggregation.duration_max_ns": 16 * MS,
    "aggregation.duration_total_ns": 24 * MS,
    "aggregation.histogram_bucket_bounds_s": [0.001, 0.004, 0.01],
    "aggregation.histogram_bucket_counts": [0, 3, 3, 4],
}
_IN_SUMMARY: Final = {key.replace(".", "__"): value for key, value in SUMMARY.items()}
_ORDER: Final = {"verein__entity__type": "order", "verein__db__query_count": 5, "verein__db__duration_ms": 34.0}

FIRST: Final = request(
    [
        span(
            1, 1, "GET /a", kind=2, took_ms=100, verein__entity__id="7", verein__items=5, events=[finding()], **_ORDER
        ),
        query(
            1, 2, "f1", parent=1, at_ms=1, db__response__returned_rows=3, code__file__path="a.py", code__line__number=9
        ),
        query(1, 3, "f2", parent=1, at_ms=20, took_ms=40, **_IN_SUMMARY),
    ]
)
"""The release 1: an order is shown by one query and four of a kind."""

SECOND_RELEASE: Final = request(
    [
        span(
            2, 4, "GET /a", kind=2, at_ms=61_000, took_ms=400, threshold="c", failed=True, verein__breach=["duration"],
            verein__entity__id="8", http__route="/a", db__query__text="SELECT secret", **_ORDER,
        ),
        query(2, 5, "f1", parent=4, at_ms=61_001, took_ms=20, threshold="c", failed=True),
    ],
    "2",
    "staging",
)  # fmt: skip
"""The release 2: one operation that stands for four, and failed."""

NESTED: Final = request(
    [
        span(3, 6, "GET /b", kind=2, at_ms=1000, took_ms=500),
        query(3, 7, "f3", parent=6, at_ms=1001, took_ms=1),
        span(3, 8, "job", kind=5, parent=6, at_ms=1100, took_ms=300, threshold="8", verein__breach=["n_plus_one"]),
        span(3, 9, "step", kind=1, parent=8, at_ms=1110, took_ms=200),
        query(3, 10, "f3", parent=9, at_ms=1120, took_ms=2),
        query(3, 11, "f3", parent=6, at_ms=1130, took_ms=4),
    ]
)
"""A request whose job runs in the same service and trace; the last query is of the request, while the job runs."""

ALL_REQUESTS: Final = (FIRST, SECOND_RELEASE, NESTED, FIRST)
"""One of them twice: its sender had no answer."""


def of_files(folder: Path, requests: Sequence[Mapping[str, Any]]) -> Viewed:
    """Files that nothing was taken from."""
    write(folder / "otlp" / "spans" / "a.jsonl", *requests)
    return OtlpFiles(folder / "otlp")


def of_store(folder: Path, requests: Sequence[Mapping[str, Any]]) -> Viewed:
    """A store that has it all."""
    store = _made(folder)
    write(folder / "otlp" / "spans" / "a.jsonl", *requests)
    ingest(store, [folder / "otlp"], CONFIG.store)
    return StoreSource(store, [folder / "otlp"], CONFIG.store)


def half_stored(folder: Path, requests: Sequence[Mapping[str, Any]]) -> Viewed:
    """A store that has the first of them, and segments with all."""
    store = _made(folder)
    write(folder / "otlp" / "spans" / "a.jsonl", *requests[:1])
    ingest(store, [folder / "otlp"], CONFIG.store)
    write(folder / "otlp" / "spans" / "b.jsonl", *requests)
    return StoreSource(store, [folder / "otlp"], CONFIG.store)


def of_messages(folder: Path, requests: Sequence[Mapping[str, Any]]) -> Viewed:
    """Messages in memory."""
    return Messages([json.dumps(each).encode() for each in requests], "backend")


def _made(folder: Path) -> Store:
    store = Store(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with Journal.opened(store, create=True):
        return store


Made = Callable[[Path, Sequence[Mapping[str, Any]]], Viewed]
EVERY_SOURCE: Final[tuple[Made, ...]] = (of_files, of_store, half_stored, of_messages)
