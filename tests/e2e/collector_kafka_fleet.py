"""The topology ``kafka`` as processes around one broker: two agents, and two gateways of one consumer group."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from otel_verein.collector.mending import mend
from tests.conftest import absent
from tests.services.collector import Collector, binary
from tests.services.kafka import Kafka
from tests.services.otlp_found import Found, spans_of
from tests.services.otlp_load import Load, Request
from tests.services.otlp_sender import Sender, Sending, Sent
from tests.services.process import ServiceAbsent, wait_until
from tests.services.rendered import rendered

ANSWER_S = 20.0
_NO_COORDINATOR = frozenset(
    (
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    )
)
PARTITIONS = 4
TICK_S = 1.0
"""Between two rounds of decisions in tail sampling; a wait ends with the first round after it."""
SESSION_S = 6
"""After how long without a sign of life a gateway counts as gone: the least that a broker allows by itself."""


@dataclass
class Gateway:
    """One of the gateways, with its name in the group and the directory of its files."""

    name: str
    collector: Collector
    directory: Path
    running: bool = True

    def found(self) -> Found:
        """The spans in its files."""
        return spans_of(self.directory / "otlp")

    def kill(self) -> None:
        """End it by SIGKILL; its files stay."""
        self.running = False
        self.collector.kill()

    def stop(self) -> None:
        """End it by SIGTERM; its files stay."""
        self.running = False
        self.collector.stop()

    def restart(self) -> None:
        """Start it again after it was killed, as ``otel-verein collector run`` does: ends of lines first."""
        mend(self.directory)
        self.collector.start()
        self.running = True

    def decided(self) -> int:
        """Decisions since its last start."""
        return self._tail("global_count_traces_sampled")

    def undecided(self) -> int:
        """Traces that wait for a decision."""
        return self._tail("new_trace_id_received") - self.decided()

    def late_spans(self) -> int:
        """Spans that came after the decision on their trace, since its last start."""
        return self._tail("early_releases_from_cache_decision")

    def positions(self) -> dict[int, int]:
        """The offset after the last message that it read, by partition, since its last start."""
        offsets = [each for each in self.collector.samples() if each.name == "otelcol_kafka_receiver_current_offset"]
        return {int(each.labels["partition"]): int(each.value) + 1 for each in offsets}

    def _tail(self, name: str) -> int:
        return int(self.collector.metric(f"otelcol_processor_tail_sampling_{name}", absent=0))


@dataclass
class Fleet:
    """All that runs of one test, on topics and in a group of its own."""

    broker: Kafka
    directory: Path
    topic: str
    """Between agents and gateways."""
    group: str
    agents: list[Collector] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)

    def await_decisions(self, seconds: float = 40.0) -> None:
        """Wait until agents have handed on what they took, and gateways have read it, and decided on it."""
        left = (self._queued, self._unread, self._undecided)
        done = wait_until(lambda: not any(count() for count in left), seconds, every=0.2)
        assert done, f"{self._queued()} bytes wait in agents, {self._unread()} messages, {self._undecided()} traces"

    def partitions(self, gateway: Gateway) -> frozenset[int]:
        """Those that the group has given to *gateway*; none while it has no coordinator yet."""
        admin = AdminClient({"bootstrap.servers": self.broker.broker, "log_level": 0})  # must outlive its answer
        try:
            group = admin.describe_consumer_groups([self.group])[self.group].result(ANSWER_S)
        except KafkaException as fault:
            if fault.args[0].code() not in _NO_COORDINATOR:
                raise
            return frozenset()
        return frozenset(
            place.partition
            for member in group.members
            if member.group_instance_id == gateway.name
            for place in member.assignment.topic_partitions
        )

    def await_group(self) -> None:
        """Wait until every gateway has its share of the partitions; before, a trace may meet two of them."""
        share = PARTITIONS // len(self.gateways)
        done = wait_until(lambda: all(len(self.partitions(each)) == share for each in self.gateways), 30, every=0.1)
        assert done, f"the gateways have {[set(self.partitions(each)) for each in self.gateways]}"

    def stop_gateways(self) -> None:
        """End those that run by SIGTERM: all that they have decided on is in their files then."""
        for gateway in filter(lambda each: each.running, self.gateways):
            gateway.stop()

    def _queued(self) -> int:
        return sum(int(each.metric("otelcol_exporter_queue_size", exporter="kafka/spans")) for each in self.agents)

    def _undecided(self) -> int:
        return sum(each.undecided() for each in self.gateways if each.running)

    def _unread(self) -> int:
        read = self.broker.committed(self.group, self.topic)
        end = self.broker.lag(self.group, self.topic) + sum(read.values())
        for gateway in filter(lambda each: each.running, self.gateways):
            for partition, position in gateway.positions().items():
                read[partition] = max(read.get(partition, 0), position)
        return end - sum(read.values())


class Stream:
    """A load on its way: the requests of each service to the agent of its number, all over the same time."""

    def __init__(self, agents: Sequence[Collector], load: Load, spans_per_s: float) -> None:
        mine: list[list[Request]] = [[] for _ in agents]
        for (process, _), request in zip(load.batches(), load.requests(), strict=True):
            mine[load.processes[process][0] % len(agents)].append(request)
        self.spans = sum(request.spans for requests in mine for request in requests)
        self._seconds = self.spans / spans_per_s
        self._sent: list[Sent] = []
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(agent, requests))
            for agent, requests in zip(agents, mine, strict=True)
        ]

    def __enter__(self) -> Stream:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> list[Sent]:
        """Send nothing more: what became of what was sent, by agent."""
        self._ended.set()
        return self.sent()

    def sent(self) -> list[Sent]:
        """Wait until all is sent: what became of it, by agent."""
        for thread in self._threads:
            thread.join()
        assert len(self._sent) == len(self._threads), "a sender has failed"
        return self._sent

    def _run(self, agent: Collector, requests: Sequence[Request]) -> None:
        rate = sum(request.spans for request in requests) / self._seconds
        sending = Sending(connections=1, spans_per_s=rate, attempts=10_000, pause_s=0.1, timeout_s=5)
        sender = Sender(f"http://{agent.http_endpoint}", requests, sending, stop=self._ended.is_set)
        self._sent.append(sender.run())


def merged(apart: Iterable[Found]) -> Found:
    """What several gateways have, as if it were one."""
    whole = Found()
    for one in apart:
        for tier, keys in one.tiers.items():
            whole.tiers[tier] = whole.tiers.get(tier, Counter()) + keys
        whole.weights += one.weights
    return whole


def broker() -> Kafka:
    """A running broker; skips the test where there is none, or no collector."""
    try:
        binary()
        return Kafka()
    except ServiceAbsent as missing:
        absent(str(missing))


@contextmanager
def fleet(
    broker: Kafka, directory: Path, options: Mapping[str, Any], *, agents: int = 2, gateways: int = 2
) -> Iterator[Fleet]:
    """Run agents and gateways with *options* in *directory*; ends them."""
    name = re.sub(r"[^a-z0-9]+", "-", directory.name)
    topic = broker.topic(f"{name}-spans", PARTITIONS)
    made = Fleet(broker, directory, topic, f"{name}-group")
    named = {
        "backends.kafka_brokers": (broker.broker,),
        "backends.kafka_topic": name,
        "backends.kafka_group": made.group,
        "backends.kafka_session_s": SESSION_S,
        **options,
    }
    with ExitStack() as stack:
        for number in range(agents):
            made.agents.append(stack.enter_context(_started("agent", directory / f"agent-{number}", named)))
        for number in range(gateways):
            place = directory / f"gateway-{number}"
            made.gateways.append(Gateway(place.name, stack.enter_context(_started("gateway", place, named)), place))
        made.await_group()
        yield made


def _started(role: str, directory: Path, options: Mapping[str, Any]) -> Collector:
    made, _ = rendered("kafka", ["files"], directory, options, role=role)
    environment = {"COLLECTOR_INSTANCE": directory.name}
    return Collector(
        made.text, gates=made.gates, memory_mib=made.heap_goal_mib, directory=directory, environment=environment
    )
