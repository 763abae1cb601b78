"""What is done to a fleet of the topology ``kafka`` while a load goes through it, and what then is missing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.e2e.collector_kafka_fleet import PARTITIONS, SESSION_S, TICK_S, Fleet, Gateway, Stream, fleet, merged
from tests.e2e.collector_kafka_records import Kill, Record, kill_after_commit, records
from tests.services.kafka import Kafka
from tests.services.otlp_found import Found
from tests.services.otlp_load import Load, SpanKey, Traffic
from tests.services.otlp_sender import Sent
from tests.services.process import wait_until

MEMORY_MIB = 512
LAG_S = 1.0
"""From an agent's hand through Kafka into a gateway, and from a decision into a file, on a machine with much to do."""
_SPANS_OF_TRACE = 11


@dataclass(frozen=True)
class Timing:
    """How long traces wait, and how often gateways commit."""

    wait_s: int
    commit_s: int

    @property
    def memory_s(self) -> float:
        """How long a span is in memory at most, as seen from an agent."""
        return self.wait_s + TICK_S + LAG_S

    @property
    def options(self) -> dict[str, Any]:
        """Nothing is thinned, so that each span tells whether it was lost."""
        return {
            "sampling.ratio": 1.0,
            "collector.decision_wait_s": self.wait_s,
            "collector.decision_wait_after_root_s": self.wait_s - 1,
            "collector.memory_mib": MEMORY_MIB,
            "backends.kafka_commit_s": self.commit_s,
        }


@dataclass
class Ran:
    """What a fleet had, when all that it took was decided on."""

    load: Load
    sent: Sequence[Sent]
    apart: Sequence[Found]
    """By gateway."""
    records: Sequence[Record]
    """All that was between agents and gateways."""

    @cached_property
    def found(self) -> Found:
        """What all gateways have."""
        return merged(self.apart)

    @cached_property
    def taken(self) -> set[SpanKey]:
        """The spans that agents have acknowledged."""
        return self._of(number for each in self.sent for number in each.taken)

    @cached_property
    def unknown(self) -> set[SpanKey]:
        """Spans of which no agent has said whether it has them."""
        return self._of(number for each in self.sent for number in each.failed)

    @cached_property
    def missing(self) -> set[SpanKey]:
        """What was acknowledged and is in no file."""
        return self.taken - set(self.found.spans)

    @cached_property
    def repeated(self) -> set[SpanKey]:
        """What is there more than once."""
        return {key for key, times in self.found.spans.items() if times > 1}

    @cached_property
    def in_two_tiers(self) -> int:
        """Spans that one decision put into another tier than the next."""
        return sum(map(len, self.found.tiers.values())) - len(self.found.spans)

    @cached_property
    def in_two_gateways(self) -> set[str]:
        """Traces that two gateways have spans of."""
        first, second = ({trace for trace, _ in each.spans} for each in self.apart)
        return first & second

    def _of(self, requests: Iterable[int]) -> set[SpanKey]:
        return self.load.truth(set(requests)).all_spans


class Running:
    """A fleet with a load on its way through it, for *seconds* at most."""

    def __init__(self, fleet: Fleet, spans_per_s: float, seconds: float) -> None:
        traces = round(spans_per_s * seconds / _SPANS_OF_TRACE)
        traffic = Traffic(traces, services=2, collector_decides=True, ratio=1.0, spread=20, spans_per_request=60)
        self.fleet, self._load = fleet, Load(traffic)
        self.stream = Stream(fleet.agents, self._load, spans_per_s)

    def kill(self, gateway: Gateway, seconds: float) -> Kill:
        """Kill *gateway* that many *seconds* after its next commit, and start it again."""
        kill = kill_after_commit(self.fleet, gateway, seconds)
        gateway.restart()
        return kill

    def await_heir(self, heir: Gateway) -> None:
        """Wait until the group has given all partitions to *heir*."""
        taken_over = wait_until(lambda: len(self.fleet.partitions(heir)) == PARTITIONS, SESSION_S + 20, every=0.2)
        assert taken_over, f"after {SESSION_S + 20} s it has only {set(self.fleet.partitions(heir))}"

    def freeze_broker(self, seconds: float) -> None:
        """Have the broker stand still for that long."""
        os.kill(self.fleet.broker.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.fleet.broker.pid, signal.SIGCONT)

    def end(self, seconds: float = 40.0) -> Ran:
        """Send no more, wait until all that was taken is decided on, stop the gateways, and see what there is."""
        sent = self.stream.end()
        self.fleet.await_decisions(seconds)
        self.fleet.stop_gateways()
        apart = [gateway.found() for gateway in self.fleet.gateways]
        return Ran(self._load, sent, apart, records(self.fleet.broker, self.fleet.topic))


@contextmanager
def running(
    broker: Kafka, directory: Path, timing: Timing, *, spans_per_s: float = 400, seconds: float = 90
) -> Iterator[Running]:
    """Run a fleet, and send it spans until :meth:`Running.end`, or for that many *seconds*."""
    with fleet(broker, directory, timing.options) as made:
        one = Running(made, spans_per_s, seconds)
        with one.stream:
            yield one
