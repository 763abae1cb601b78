"""A Kafka broker: the jars that ``scripts/fetch-kafka`` fetches, as broker and controller in one process."""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.services.kept import kept
from tests.services.ports import LOOPBACK, accepts, free_ports
from tests.services.process import ServerProcess, ServiceAbsent

ANSWER_S = 20.0
# 256 MiB is what the broker of one test needs; below 200 its log cleaner does not find its buffer.
_JAVA = ("-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")


class Kafka:
    """A running broker that keeps topics until :meth:`close`; a context manager that ends it.

    Topics that nobody made are made by the first to write to them, with four partitions.
    """

    def __init__(self) -> None:
        java = shutil.which("java")
        if not java:
            raise ServiceAbsent("java is not installed; run scripts/install-services")
        self._java = [java, *_JAVA, *_LOGGING, "-cp", f"{kept('fetch-kafka')}/*"]
        self.port, self._controller = free_ports(2)
        self._server = ServerProcess("kafka", None)
        self._properties = self._server.directory / "server.properties"
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # Joined by "=": an id may begin with a hyphen, which would be taken for an option.
        self._server.run([
            *self._java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._properties),
        ])  # fmt: skip
        self.start()

    def __enter__(self) -> Kafka:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it (again), with the same topics and on the same port, and return when it answers."""
        self._server.start([*self._java, "kafka.Kafka", str(self._properties)], self._ready)

    def kill(self) -> None:
        """End it by SIGKILL; what it has stays."""
        self._server.kill()

    def stop(self) -> None:
        """End it by SIGTERM; what it has stays."""
        self._server.end()

    def close(self) -> None:
        """End it and remove what it has; safe to call twice."""
        self._server.stop()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._server.pid

    @property
    def log(self) -> str:
        """Its warnings and errors, since its first start."""
        return self._server.log.read_text(encoding="utf-8", errors="replace")

    @property
    def broker(self) -> str:
        """``host:port`` for clients."""
        return f"{LOOPBACK}:{self.port}"

    def topic(self, name: str, partitions: int = 4) -> str:
        """Make the topic *name*; returns the name. Raises KafkaException where it is there already."""
        admin = self._admin()  # must outlive its answer
        admin.create_topics([NewTopic(name, partitions)])[name].result(ANSWER_S)
        return name

    def topics(self) -> dict[str, int]:
        """The topics there are, with their numbers of partitions; Kafka's own are left out."""
        found = self._admin().list_topics(timeout=ANSWER_S).topics
        return {name: len(topic.partitions) for name, topic in found.items() if not name.startswith("__")}

    def messages(self, topic: str) -> list[Message]:
        """Every message of *topic* up to now, by partition and offset."""
        consumer = self._consumer("verein-reads-all")
        try:
            found: list[Message] = []
            for place in self._places(topic):
                first, end = consumer.get_watermark_offsets(place, timeout=ANSWER_S)
                if end > first:
                    place.offset = first
                    consumer.assign([place])
                    found.extend(_up_to(consumer, end))
            return found
        finally:
            consumer.close()

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Up to which offset *group* has committed each partition of *topic*; partitions it has not are left out."""
        consumer = self._consumer(group)
        try:
            places = consumer.committed(self._places(topic), timeout=ANSWER_S)
            return {place.partition: place.offset for place in places if place.offset >= 0}
        finally:
            consumer.close()

    def lag(self, group: str, topic: str) -> int:
        """How many messages of *topic* the *group* has not committed yet."""
        committed = self.committed(group, topic)
        consumer = self._consumer(group)
        try:
            ends = [(place, *consumer.get_watermark_offsets(place, timeout=ANSWER_S)) for place in self._places(topic)]
            return sum(end - committed.get(place.partition, first) for place, first, end in ends)
        finally:
            consumer.close()

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(self.topics()[topic])]

    def _admin(self) -> AdminClient:
        return AdminClient(self._client())

    def _consumer(self, group: str) -> Consumer:
        # It only asks and reads by hand: it never joins the group, and commits nothing.
        return Consumer({**self._client(), "group.id": group, "enable.auto.commit": False})

    def _client(self) -> dict[str, str | int | float | bool]:
        return {"bootstrap.servers": self.broker, "log_level": 0}

    def _ready(self) -> bool:
        try:
            return accepts(self.port) and bool(self._admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return False

    def _settings(self) -> dict[str, object]:
        controller = f"{LOOPBACK}:{self._controller}"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.broker},CONTROLLER://{controller}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._server.directory / "data",
            "num.partitions": 4,
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # After a kill the broker is let in again only when its former session is over; by default 9 s.
            "broker.session.timeout.ms": 4000,
            "broker.heartbeat.interval.ms": 500,
        }


def _up_to(consumer: Consumer, end: int) -> Iterator[Message]:
    """The messages of the one partition that *consumer* reads, up to the offset *end*."""
    while (message := consumer.poll(ANSWER_S)) is not None:
        offset = message.offset()
        if message.error() or offset is None:
            raise KafkaException(message.error())
        if offset < end:
            yield message
        if offset >= end - 1:
            return
    raise TimeoutError(f"the broker gave nothing for {ANSWER_S:.0f} s, before offset {end}")
