"""What is in Kafka: the spans of each message, what a gateway has committed, and what a killed one can have lost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.collector_kafka_fleet import ANSWER_S, Fleet, Gateway
from tests.services.kafka import Kafka
from tests.services.otlp_load import SpanKey
from tests.services.process import wait_until


@dataclass(frozen=True, slots=True)
class Record:
    """A message with spans."""

    partition: int
    offset: int
    time_s: float
    """When an agent gave it to Kafka, as seconds of the epoch."""
    spans: tuple[SpanKey, ...]


def records(broker: Kafka, topic: str) -> list[Record]:
    """The messages of a topic of traces."""
    return [
        Record(message.partition(), message.offset(), message.timestamp()[1] / 1000, tuple(_spans(message.value())))
        for message in broker.messages(topic)
    ]


def spans(found: Iterable[Record]) -> list[SpanKey]:
    """All their spans, as often as they are there."""
    return [key for record in found for key in record.spans]


@dataclass(frozen=True, slots=True)
class Kill:
    """A gateway that was killed: when, how long after it had committed, and up to where in its partitions."""

    at_s: float
    since_commit_s: float
    committed: Mapping[int, int]

    def gone(self, record: Record) -> bool:
        """Whether *record* was committed, so that nobody reads it again."""
        return record.offset < self.committed.get(record.partition, 0)

    def again(self, record: Record) -> bool:
        """Whether *record* was there before, and is read by whoever comes after."""
        return self.committed.get(record.partition, record.offset + 1) <= record.offset and record.time_s < self.at_s

    def window(self, found: Iterable[Record], memory_s: float) -> set[SpanKey]:
        """The spans that may be lost: committed, and not yet decided on, which takes *memory_s* at most."""
        return {
            key
            for record in found
            if self.gone(record) and record.time_s > self.at_s - memory_s
            for key in record.spans
        }


class _Commits:
    """What a gateway commits, as it is seen from outside."""

    def __init__(self, fleet: Fleet, gateway: Gateway) -> None:
        self._fleet, self._mine = fleet, fleet.partitions(gateway)
        self._last_s: float | None = None
        self._seen = self.offsets()

    def offsets(self) -> dict[int, int]:
        """Up to where it has committed each of its partitions."""
        found = self._fleet.broker.committed(self._fleet.group, self._fleet.topic)
        return {partition: offset for partition, offset in found.items() if partition in self._mine}

    def age_s(self) -> float:
        """How long ago its last commit was seen; below 0 for never. It commits at rebalances, too, not only in time."""
        seen = self.offsets()
        if seen != self._seen:
            self._seen, self._last_s = seen, time.time()
        return -1.0 if self._last_s is None else time.time() - self._last_s


def kill_after_commit(fleet: Fleet, gateway: Gateway, seconds: float) -> Kill:
    """Wait until the last commit of *gateway* is *seconds* ago, and kill it."""
    commits = _Commits(fleet, gateway)
    reached = wait_until(lambda: commits.age_s() >= seconds, 3 * seconds + ANSWER_S, every=0.05)
    since_commit_s = commits.age_s()
    gateway.kill()
    assert reached, f"{gateway.name} commits never, or too often: the last time was {since_commit_s:.1f} s ago"
    return Kill(time.time(), since_commit_s, commits.offsets())


def _spans(value: bytes) -> Iterator[SpanKey]:
    for resource in ExportTraceServiceRequest.FromString(value).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield span.trace_id.hex(), span.span_id.hex()
