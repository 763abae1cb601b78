"""OTLP traffic with known numbers, made fast enough that a collector is slower than what feeds it.

A :class:`Load` is a plan: the same options and seed give the same traces, ids and bytes, so that what was sent need
not be remembered. :mod:`tests.services.otlp_sender` sends it, :mod:`tests.services.otlp_found` reads what arrived.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from tests.services.otlp_shapes import PLAIN, Part, Shape, Style, shape
from tests.services.otlp_wire import attributes, field_of

MIX = {"error": 0.02, "critical": 0.01, "warning": 0.03, "n_plus_one": 0.05}
_RANDOM_BITS = 56
SpanKey = tuple[str, str]
"""Trace id and span id, in hexadecimal digits."""


@dataclass(frozen=True)
class Traffic:
    """Which traces, from whom, in which requests."""

    traces: int = 3000
    """Operations that begin a trace, those included that a sampler leaves out."""
    services: int = 1
    """Processes that a trace goes through; what is wrong with it happens in the last one."""
    instances: int = 1
    """Processes of each service, in turn."""
    ours: bool = True
    """Whether the services run our SDK."""
    collector_decides: bool = False
    """With our SDK: ``sampling.decide: collector``, which exports every operation."""
    ratio: float = 0.1
    """The share that the coin keeps: of what has no breach with our SDK, of all without it."""
    mix: Mapping[str, float] = field(default_factory=lambda: dict(MIX))
    """The share of each kind; the rest is plain."""
    spans_per_request: int = 500
    spread: int = 0
    """Traces that may begin before the last span of one has left; 0: what leaves together ends together."""
    seed: int = 1
    begin_ns: int = 1_795_000_000_000_000_000
    """When the first trace began; one follows each millisecond."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace: what it is, and its ids."""

    number: int
    shape: Shape
    trace_id: bytes
    span_ids: Sequence[bytes]

    def keys(self, part: Part) -> Iterator[SpanKey]:
        """The spans of *part*."""
        return ((self.trace_id.hex(), self.span_ids[number].hex()) for number in part.numbers)


Piece = tuple[Trace, Part]


@dataclass(frozen=True, slots=True)
class Request:
    """The body of one request, by its number in the load."""

    number: int
    body: bytes
    spans: int


@dataclass
class Truth:
    """What is known of a load, or of those of its requests that were taken."""

    traces: Counter[str] = field(default_factory=Counter)
    """By kind, those that no sampler left out."""
    spans: dict[str, set[SpanKey]] = field(default_factory=dict)
    """By tier, as the process that sent them gave it."""
    whole: dict[str, dict[str, str]] = field(default_factory=dict)
    """By tier of the whole trace, its worst: trace ids and kinds. Without our SDK, what our SDK would give."""

    @property
    def all_spans(self) -> set[SpanKey]:
        """The spans of all tiers."""
        return set().union(*self.spans.values())


class Load:
    """The plan of all traces and requests of *traffic*."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        style = Style(traffic.services, traffic.ours, traffic.collector_decides, threshold(traffic.ratio))
        self._shapes = {kind: shape(kind, style) for kind in (*traffic.mix, PLAIN)}
        self._resources = [
            field_of(b"\x0a", resource(service, instance, traffic.ours).SerializeToString())
            for service, instance in self.processes
        ]

    @property
    def processes(self) -> Sequence[tuple[int, int]]:
        """Every process, by service and instance."""
        return [(service, one) for service in range(self.traffic.services) for one in range(self.traffic.instances)]

    @cached_property
    def kinds(self) -> Sequence[str]:
        """The kind of each trace: shares exactly as asked for, the order by chance."""
        traffic = self.traffic
        found = [kind for kind, share in traffic.mix.items() for _ in range(round(share * traffic.traces))]
        found += [PLAIN] * (traffic.traces - len(found))
        random.Random(traffic.seed).shuffle(found)
        return found

    def operations(self) -> Counter[str]:
        """How many traces of each kind began, left out or not."""
        return Counter(self.kinds)

    def queries(self) -> int:
        """The queries of all operations of all services, left out or not."""
        return sum(self._shapes[kind].queries * count for kind, count in self.operations().items())

    def shape(self, kind: str) -> Shape:
        """The shape of a kind."""
        return self._shapes[kind]

    def traces(self) -> Iterator[Trace]:
        """Every trace that begins, in order."""
        chance = random.Random(f"ids {self.traffic.seed}")
        for number, kind in enumerate(self.kinds):
            one = self._shapes[kind]
            block = chance.randbytes(16 + 8 * one.spans)
            ids = [block[at : at + 8] for at in range(16, len(block), 8)]
            yield Trace(number, one, block[:16], ids)

    def kept(self, trace: Trace) -> Sequence[Part]:
        """The parts of *trace* that its processes export."""
        traffic = self.traffic
        if (traffic.ours and traffic.collector_decides) or sampled(trace.trace_id, traffic.ratio):
            return trace.shape.parts
        return [part for part in trace.shape.parts if part.tier != "short"] if traffic.ours else ()

    def pieces(self) -> Iterator[Piece]:
        """The exported parts in the order in which they leave: later processes later, by up to ``spread`` traces."""
        spread = self.traffic.spread
        chance = random.Random(f"order {self.traffic.seed}")
        waiting: list[tuple[float, int, int, Trace, Part]] = []
        for trace in self.traces():
            for part in self.kept(trace):
                if not spread:
                    yield trace, part
                    continue
                due = trace.number + chance.random() * spread
                heapq.heappush(waiting, (due, trace.number, part.service, trace, part))
            while waiting and waiting[0][0] <= trace.number:
                yield heapq.heappop(waiting)[3:]
        while waiting:
            yield heapq.heappop(waiting)[3:]

    def batches(self) -> Iterator[tuple[int, list[Piece]]]:
        """What goes into each request, with the number of its process."""
        instances, most = self.traffic.instances, self.traffic.spans_per_request
        open_: list[list[Piece]] = [[] for _ in self._resources]
        spans = [0] * len(self._resources)
        for trace, part in self.pieces():
            process = part.service * instances + trace.number % instances
            if open_[process] and spans[process] + len(part.numbers) > most:
                yield process, open_[process]
                open_[process], spans[process] = [], 0
            open_[process].append((trace, part))
            spans[process] += len(part.numbers)
        yield from ((process, pieces) for process, pieces in enumerate(open_) if pieces)

    def requests(self) -> Iterator[Request]:
        """Every request, in order."""
        for number, (process, pieces) in enumerate(self.batches()):
            spans = sum(len(part.numbers) for _, part in pieces)
            yield Request(number, self._encoded(self._resources[process], pieces), spans)

    def truth(self, taken: Container[int] | None = None) -> Truth:
        """What is known of all requests, or of those whose numbers *taken* holds."""
        found = Truth()
        seen: set[bytes] = set()
        for number, (_, pieces) in enumerate(self.batches()):
            if taken is not None and number not in taken:
                continue
            for trace, part in pieces:
                found.spans.setdefault(part.tier, set()).update(trace.keys(part))
                if trace.trace_id not in seen:
                    seen.add(trace.trace_id)
                    found.traces[trace.shape.kind] += 1
                    worst = trace.shape.parts[-1].tier
                    found.whole.setdefault(worst, {})[trace.trace_id.hex()] = trace.shape.kind
        return found

    def _encoded(self, resource: bytes, pieces: Sequence[Piece]) -> bytes:
        content: dict[str, bytearray] = {}
        begin = self.traffic.begin_ns
        for trace, part in pieces:
            for block in part.blocks:
                buffer = content.get(block.scope)
                if buffer is None:
                    buffer = content[block.scope] = bytearray(_scope(block.scope))
                start = len(buffer)
                buffer += block.content
                block.fill(buffer, start, trace.trace_id, trace.span_ids, begin + trace.number * 1_000_000)
        return field_of(b"\x0a", resource + b"".join([field_of(b"\x12", buffer) for buffer in content.values()]))


@lru_cache
def _scope(name: str) -> bytes:
    return field_of(b"\x0a", InstrumentationScope(name=name, version="0.1.0").SerializeToString())


def threshold(ratio: float) -> str:
    """``th`` of a sampler that keeps *ratio* of all traces: 14 digits at most, without the zeros at the end."""
    return f"{_rejected(ratio):014x}".rstrip("0") or "0"


def sampled(trace_id: bytes, ratio: float) -> bool:
    """Whether the coin of that sampler keeps the trace: its low 56 bits reach the threshold."""
    return int.from_bytes(trace_id[9:], "big") >= _rejected(ratio)


def _rejected(ratio: float) -> int:
    return (1 << _RANDOM_BITS) - round(ratio * (1 << _RANDOM_BITS))


def resource(service: int, instance: int, ours: bool) -> Resource:
    """Who sends."""
    distro = {"telemetry.distro.name": "otel-verein", "telemetry.distro.version": "0.1.0"} if ours else {}
    return Resource(
        attributes=attributes(
            {
                "telemetry.sdk.language": "python",
                "telemetry.sdk.name": "opentelemetry",
                "telemetry.sdk.version": "1.45.1",
                "service.name": service_name(service, ours),
                "service.instance.id": f"{service:08x}-0000-4000-8000-{instance:012x}",
                "process.pid": 1000 + instance,
                "deployment.environment.name": "production",
            }
            | distro
        )
    )


def service_name(service: int, ours: bool) -> str:
    """``service.name`` of a service by its number."""
    return f"{'shop' if ours else 'legacy'}-{service}"
