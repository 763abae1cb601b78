"""Operations with a known number of queries, and what our side and a witness say about them.

Every statement carries a tag in a comment, ``/* run.operation.call */``. The witness (sqlite's trace
callback, a server's log) sees the text, so its statements can be grouped by operation without our help.
"""

from __future__ import annotations

import random
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from otel_verein.config import Config
from otel_verein.config.schema import Sampling
from otel_verein.processors import VereinSpanProcessor
from otel_verein.processors.sampling import VereinSampler

_TAG = re.compile(r"/\* (\w+)\.(\d+)\.(\d+) \*/")
_TRANSACTION = re.compile(
    r"(?:\s|/\*.*?\*/)*(begin|start|commit|rollback|savepoint|release|end|abort)\b", re.IGNORECASE
)
OPERATION = "test.operation"
MOST_CALLS = 12

Call = Callable[[Any, str, random.Random], int]
"""One driver call with a connection and a tag; returns how many statements the witness should see for it."""


class Dialect(Protocol):
    """A driver under test: how it connects, the calls it offers, and who witnesses them."""

    calls: tuple[Call, ...]
    errors: type[Exception]

    def connect(self) -> Any:
        """A connection to the prepared database."""

    def statements(self) -> list[str]:
        """What the witness saw so far."""


@dataclass
class Plan:
    """One operation: the calls it will make."""

    operation: int
    calls: list[Call]
    members: dict[int, int] = field(default_factory=dict)


def plans(dialect: Dialect, number: int, seed: str) -> list[Plan]:
    """*number* operations of 0 to 12 calls each, the same ones for the same seed."""
    chance = random.Random(seed)
    return [Plan(n, chance.choices(dialect.calls, k=chance.randint(0, MOST_CALLS))) for n in range(number)]


class Watched:
    """A tracer whose operations go through our processor into memory."""

    def __init__(self, config: Config | None = None) -> None:
        config = config or Config(sampling=Sampling(ratio=1.0))
        self.exporter = InMemorySpanExporter()
        self.processor = VereinSpanProcessor(self.exporter, config)
        self._provider = TracerProvider(sampler=VereinSampler(config.sampling))
        self._provider.add_span_processor(self.processor)
        self.tracer: Tracer = self._provider.get_tracer("tests.integration")

    def roots(self) -> list[ReadableSpan]:
        """The root spans exported so far."""
        assert self.processor.force_flush()
        return [span for span in self.exporter.get_finished_spans() if span.parent is None]

    def counts(self) -> dict[int, int]:
        """Our query count by operation number."""
        return {
            span.attributes[OPERATION]: span.attributes["verein.db.query_count"]
            for span in self.roots()
            if span.attributes
        }

    def count_of(self, work: Callable[[], object]) -> int:
        """Our query count of one operation that does *work*."""
        self.exporter.clear()
        with self.tracer.start_as_current_span("one"):
            work()
        (root,) = self.roots()
        assert root.attributes is not None
        return int(root.attributes["verein.db.query_count"])  # type: ignore[arg-type]

    def shutdown(self) -> None:
        """End the provider with its processor."""
        self._provider.shutdown()


def run(watched: Watched, dialect: Dialect, todo: list[Plan], threads: int) -> str:
    """Run *todo* on *threads* threads, one connection each; the id of this run, for the witness."""
    run_id = "r" + uuid4().hex[:10]
    local = threading.local()
    connections: list[Any] = []

    def one(plan: Plan) -> None:
        if not hasattr(local, "connection"):
            local.connection = dialect.connect()
            connections.append(local.connection)
        chance = random.Random(plan.operation)
        with watched.tracer.start_as_current_span("operation", attributes={OPERATION: plan.operation}):
            for number, call in enumerate(plan.calls):
                tag = f"/* {run_id}.{plan.operation}.{number} */"
                plan.members[number] = call(local.connection, tag, chance)
            local.connection.commit()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, todo))
    for connection in connections:
        connection.close()
    return run_id


def witnessed(statements: list[str], run_id: str) -> dict[int, Counter[int]]:
    """By operation and call: how many statements the witness saw, transaction verbs apart."""
    seen: dict[int, Counter[int]] = defaultdict(Counter)
    for statement in statements:
        tag = _TAG.search(statement)
        if tag and tag[1] == run_id and not _TRANSACTION.match(statement):
            seen[int(tag[2])][int(tag[3])] += 1
    return seen
