"""Workers in processes of their own, and what the witness and the segments say of their jobs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests import segments
from tests.e2e.launch import environment
from tests.services.process import wait_until

QUIET = ("otel-verein", "run", "--quiet", "--")
# Upstream says that it cannot instrument a SQLAlchemy newer than it knows, which we leave out anyway.
SETTINGS = {"VEREIN_SAMPLING_RATIO": "1.0", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "sqlalchemy"}

Booked = dict[str, tuple[int, int]]
"""Runs and queries by name."""


class Worker:
    """A worker under ``otel-verein run``; a context manager that ends it hard if the test did not end it well."""

    def __init__(self, command: Sequence[str], directory: Path, extra: Mapping[str, str]) -> None:
        self.directory = directory
        self._out = directory / "worker.txt"
        settings = SETTINGS | {"WITNESS": str(directory / "witness.txt")} | dict(extra)
        with self._out.open("ab") as out:
            self.process = subprocess.Popen(
                [*QUIET, *command],
                cwd=directory, env=environment(settings), stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    @property
    def output(self) -> str:
        """What the worker wrote so far."""
        return self._out.read_text(errors="replace")

    def wait_for(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Return when *condition* holds; fail with the worker's output where it does not."""
        wait_until(lambda: condition() or self.process.poll() is not None, seconds, 0.05)
        assert condition(), self.output

    def terminate(self) -> int:
        """SIGTERM, as a warm shutdown; the exit status."""
        self.process.terminate()
        return self.process.wait(timeout=25)


def witnessed(directory: Path) -> Booked:
    """What sqlite counted, by the name of the job that ran the queries."""
    found: dict[str, list[int]] = defaultdict(list)
    path = directory / "witness.txt"
    for line in path.read_text().splitlines() if path.exists() else ():
        name, _, number = line.rpartition(" ")
        found[name].append(int(number))
    return {name: (len(numbers), sum(numbers)) for name, numbers in found.items()}


def runs(directory: Path) -> int:
    """How many runs the witness saw begin."""
    return sum(number for number, _ in witnessed(directory).values())


def booked(directory: Path, status: str | None = None) -> Booked:
    """What the metrics say: operations and queries by name, of all or of one status."""
    operations: Counter[str] = Counter()
    queries: Counter[str] = Counter()
    for point in segments.points(directory / ".verein/otlp"):
        name = point.attributes.get("verein.operation.name")
        if status not in (None, point.attributes.get("verein.operation.status")):
            continue
        if point.metric == "verein.operation.duration":
            operations[name] += int(point.data.get("count", 0))
        elif point.metric == "verein.operation.db.queries":
            queries[name] += round(float(point.data.get("sum", 0)))
    return {name: (operations[name], queries[name]) for name in operations}


def roots(directory: Path) -> list[dict[str, Any]]:
    """Every root span as it was written, its attributes under ``attributes`` as a plain dict."""
    return [
        span | {"attributes": segments.attributes(span)}
        for _, span in segments.spans(directory / ".verein/otlp")
        if not span.get("parentSpanId")
    ]


def outside(directory: Path) -> int:
    """Queries that belong to no operation."""
    return segments.counter(directory / ".verein/otlp", "verein.db.queries.unattributed")


def faults(directory: Path) -> int:
    """Faults of ours."""
    return segments.counter(directory / ".verein/otlp", "verein.internal.errors")
