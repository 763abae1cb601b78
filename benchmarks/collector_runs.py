"""One collector under one load: pinned to a processor of its own, fed, and asked what it took."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.services.collector import Collector
from tests.services.otlp_found import count_spans
from tests.services.otlp_load import Load, Request, Traffic, sampled
from tests.services.otlp_sender import Sender, Sending, Sent
from tests.services.ports import LOOPBACK, free_port
from tests.services.rendered import rendered

COLLECTOR_CPU = min(os.sched_getaffinity(0))
OTHER_CPU = max(os.sched_getaffinity(0))
IDLE_S, IDLE_SHARE = 2.0, 0.05
LONGEST_PAUSE_S = 7.0
"""Longer than a gateway waits for a decision while nothing comes in."""
LONGEST_S = 120.0
OURS_JUDGED = frozenset({"error", "critical", "warning", "n_plus_one"})
OTHERS_JUDGED = frozenset({"error", "critical"})
"""The kinds that a gateway keeps whole; of spans without our SDK it sees status and duration."""


class Unsound(Exception):
    """A run did not do the work that was measured; the message says what is missing."""


@dataclass(frozen=True)
class Variant:
    """What is rendered, and how it is fed."""

    label: str
    topology: str
    """Empty: the same binary from OTLP to one file, the reference."""
    traffic: str
    backends: tuple[str, ...] = ("files",)
    role: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    spans_per_s: float | None = None

    @property
    def thins(self) -> bool:
        """Whether it samples the short tier."""
        return self.topology == "gateway" or self.role == "gateway"


class Feed:
    """The requests of *traffic*, all made before, and what must come out of a collector that samples by *ratio*."""

    def __init__(self, traffic: Traffic, ratio: float) -> None:
        load = Load(traffic)
        self.requests = list(load.requests())
        self.spans = sum(request.spans for request in self.requests)
        self.size = sum(len(request.body) for request in self.requests)
        judged = OURS_JUDGED if traffic.ours else OTHERS_JUDGED
        self.kept = sum(
            sum(len(part.numbers) for part in load.kept(trace))
            for trace in load.traces()
            if trace.shape.kind in judged or sampled(trace.trace_id, ratio)
        )


@dataclass(frozen=True)
class Run:
    """What one run took."""

    us_per_span: float
    """Processor time of the collector."""
    spans_per_s: float | None
    """Spans taken by the clock; None where they were not sent to it, but fetched."""
    peak_mib: float


def _pipeline(exporters: Mapping[str, Any], receiver: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """From OTLP to one exporter, nothing between."""
    pipeline = {"receivers": ["otlp"], "exporters": list(exporters)}
    return json.dumps({
        "receivers": {"otlp": {"protocols": receiver}},
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": metrics, "logs": {"level": "warn"}},
            "pipelines": {"traces": pipeline, "metrics": pipeline},
        },
    })  # fmt: skip


def _plain(directory: Path) -> str:
    path = str(directory / "otlp" / "spans" / "all.jsonl")
    files = {"path": path, "create_directory": True, "rotation": {"max_megabytes": 64}}
    reader = {"pull": {"exporter": {"prometheus": {"host": LOOPBACK, "port": free_port()}}}}
    receiver = {"http": {"endpoint": f"{LOOPBACK}:{free_port()}"}}
    return _pipeline({"file": files}, receiver, {"level": "normal", "readers": [reader]})


def _forgetful(address: str) -> str:
    silent = {"verbosity": "basic", "sampling_initial": 0, "sampling_thereafter": 1_000_000_000}
    return _pipeline({"debug": silent}, {"grpc": {"endpoint": address}}, {"level": "none"})


@contextlib.contextmanager
def sink() -> Iterator[str]:
    """A backend for OTLP over gRPC that forgets what it takes, beside the generator; gives its ``host:port``."""
    address = f"{LOOPBACK}:{free_port()}"
    with Collector(_forgetful(address), under=("taskset", "-c", str(OTHER_CPU))):
        yield address


@contextlib.contextmanager
def started(variant: Variant, shared: Mapping[str, Any]) -> Iterator[tuple[Collector, Path]]:
    """The collector of *variant*, with *shared* options such as the address of a backend; and its directory."""
    with tempfile.TemporaryDirectory(prefix="verein-bench-") as name:
        directory = Path(name)
        gates: Sequence[str] = ()
        heap_mib = None
        if variant.topology:
            options = {**shared, **dict(variant.options)}
            made, _ = rendered(variant.topology, variant.backends, directory, options, role=variant.role)
            text, gates, heap_mib = made.text, made.gates, made.heap_goal_mib
        else:
            text = _plain(directory)
        pinned = ("taskset", "-c", str(COLLECTOR_CPU))
        with Collector(
            text, gates=gates, environment={"GOMAXPROCS": "1"}, memory_mib=heap_mib, directory=directory, under=pinned
        ) as collector:
            yield collector, directory


def fed(collector: Collector, requests: Sequence[Request], sending: Sending) -> Sent:
    """Send *requests* and return once the collector rests; raises :class:`Unsound` where it did not take them all."""
    sent = Sender(f"http://{collector.http_endpoint}", requests, sending).run()
    if sent.acknowledged_spans != sent.spans:
        raise Unsound(f"of {sent.spans} spans {sent.acknowledged_spans} were taken; answers {dict(sent.answers)}")
    rest(collector)
    return sent


def rest(collector: Collector, idle_s: float = IDLE_S) -> None:
    """Wait until the collector has used next to no processor time for *idle_s*."""
    deadline = time.monotonic() + LONGEST_S
    while True:
        before = collector.cpu_s()
        time.sleep(idle_s)
        if collector.cpu_s() - before <= IDLE_SHARE * idle_s:
            return
        if time.monotonic() > deadline:
            raise Unsound(f"the collector still works {LONGEST_S:.0f} s after the last span")


def measured(variant: Variant, feed: Feed, shared: Mapping[str, Any]) -> Run:
    """One run: a tenth of the requests to warm up, the rest measured; all of it has to come out again."""
    requests = feed.requests
    warm = max(1, len(requests) // 10)
    sending = Sending(connections=2, spans_per_s=variant.spans_per_s)
    with started(variant, shared) as (collector, directory):
        fed(collector, requests[:warm], sending)
        begun = collector.cpu_s()
        sent = fed(collector, requests[warm:], sending)
        used, peak = collector.cpu_s() - begun, collector.peak_rss_bytes()
        found = came_out(variant, collector, directory)
    whole(found, feed.kept if variant.thins else feed.spans)
    return Run(used * 1e6 / sent.spans, sent.spans / sent.seconds, peak / 2**20)


def fetched(variant: Variant, feed: Feed, shared: Mapping[str, Any]) -> Run:
    """One run of a gateway behind Kafka: an agent, not measured, has put all of *feed* there before.

    Its start is measured along.
    """
    agent = replace(variant, role="agent", backends=("files",))
    with started(agent, shared) as (collector, directory):
        fed(collector, feed.requests, Sending())
        whole(came_out(agent, collector, directory), feed.spans)
    with started(variant, shared) as (collector, directory):
        rest(collector, LONGEST_PAUSE_S)
        used, peak = collector.cpu_s(), collector.peak_rss_bytes()
        found = came_out(variant, collector, directory)
    whole(found, feed.kept)
    return Run(used * 1e6 / feed.spans, None, peak / 2**20)


def came_out(variant: Variant, collector: Collector, directory: Path) -> int:
    """The spans in files, or those that a backend has taken."""
    if variant.backends != ("files",) or variant.role == "agent":
        return round(collector.metric("otelcol_exporter_sent_spans", absent=0))
    collector.stop()
    return count_spans(directory / "otlp").total()


def whole(found: int, expected: int) -> None:
    """Refuse figures of a run that lost or doubled spans."""
    if found != expected:
        raise Unsound(f"{found} spans came out, not {expected}")
