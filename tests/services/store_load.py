"""Segments of realistic telemetry with known truth, as our SDK writes them and as a collector does.

::

    load = Load(Traffic(operations=20_000, seconds=7200))
    truth = load.write(directory)              # spans/*.jsonl and metrics/*.jsonl,
    truth = load.write_collector(directory)    # spans/{long,medium,short}.jsonl and closed ones, metrics/metrics.jsonl

The same traffic makes the same bytes. Another ``piece`` of it is the next stretch of time, so that more than a disk
holds can be written piece by piece; truths add up with ``merge``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from otel_verein.exporters.otlp_json import attributes_field
from tests.services.store_files import Growing, Segments
from tests.services.store_metrics import Measured, Sums, configuration, cumulative, deltas
from tests.services.store_operations import Operations, Spans
from tests.services.store_shapes import SERVICES, shapes
from tests.services.store_truth import Series, Truth

SPANS_PER_OPERATION = 1.9
"""About so many spans are exported for each operation, with a ratio of 0.1."""
_VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What runs, and for how long."""

    operations: int = 2_000
    """Of all services; a part of them is exported."""
    seconds: int = 3_600
    begin_ns: int = 1_772_323_200_000_000_000
    """2026-03-01T00:00:00Z."""
    services: int = 3
    processes: int = 2
    """Of each service."""
    shapes: int = 10
    """Kinds of operations of each service."""
    ratio: float = 0.1
    interval_s: int = 5
    """Time between two exports of a process; a divisor of 60, so that no interval has a part in two minutes."""
    unmeasured: frozenset[str] = frozenset()
    """Services whose metrics are not there."""
    resend_every: int = 0
    """Each so many-th line of spans is written twice; 0: none."""
    segment_bytes: int = 16_777_216
    segment_age_s: int = 60
    exact: bool = False
    """Keep every duration in the truth."""
    seed: int = 1
    piece: int = 0


@dataclass(slots=True)
class _Process:
    service: str
    number: int
    head: str
    scopes: tuple[str, str, str]
    digest: str
    started_ns: int
    sums: Sums = field(default_factory=Sums)

    def resource(self, key: str, tier: str = "") -> str:
        """The beginning of an entry of *key*, up to its scopes; a collector says the tier on resources, too."""
        more = f',{{"key":"verein.tier","value":{{"stringValue":"{tier}"}}}}' if tier else ""
        return f'{{"resource":{{{self.head}{more}]}},"{key}":['

    def spans(self, tier: str, entry: Spans) -> str:
        """One entry of ``resourceSpans``."""
        roots, queries, _ = self.scopes
        scopes = [roots % ",".join(entry.roots)] if entry.roots else []
        scopes += [queries % ",".join(entry.queries)] if entry.queries else []
        return f"{self.resource('scopeSpans', tier)}{','.join(scopes)}]}}"


class Load:
    """Writes the segments of *traffic*."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self._begin_ns = traffic.begin_ns + traffic.piece * traffic.seconds * 10**9
        self._processes = [
            _process(service, number, traffic.begin_ns)
            for service in SERVICES[: traffic.services]
            for number in range(traffic.processes)
        ]

    def write(self, directory: Path, *, open_last: bool = False) -> Truth:
        """As our SDK: segments by process; with *open_last* the last one of each stays ``*.part``."""
        truth = Truth()
        files = [
            tuple(
                Segments(directory / signal, 1000 + number, self.traffic.segment_bytes, self.traffic.segment_age_s)
                for signal in ("spans", "metrics")
            )
            for number in range(len(self._processes))
        ]
        for number, window, spans, measured in self._intervals(truth):
            process, (for_spans, for_metrics) = self._processes[number], files[number]
            whole = _merged(spans.values())
            if whole.roots:
                _count_line(truth, whole)
                line = f'{{"resourceSpans":[{process.spans("", whole)}]}}\n'.encode()
                for _ in range(self._copies(truth, whole)):
                    truth.span_bytes += len(line)
                    for_spans.write(line, window[1])
            if measured:
                line = self._metrics([(process, measured)], window, truth, total=False)
                for_metrics.write(line, window[1])
        for pair in files:
            for file in pair:
                file.close(open_last)
        return truth

    def write_collector(self, directory: Path, *, cumulative: bool = True, rotate_bytes: int = 64 << 20) -> Truth:
        """As a collector: a file for each tier that grows and is closed by size, and one for metrics."""
        truth = Truth()
        tiers = {tier: Growing(directory / "spans", tier, rotate_bytes) for tier in ("long", "medium", "short")}
        metrics = Growing(directory / "metrics", "metrics", rotate_bytes)
        for window, entries in self._rounds(truth):
            for tier, file in tiers.items():
                parts = [(self._processes[number], spans[tier]) for number, spans, _ in entries if tier in spans]
                if parts:
                    whole = _merged(part for _, part in parts)
                    _count_line(truth, whole)
                    line = f'{{"resourceSpans":[{",".join(p.spans(tier, part) for p, part in parts)}]}}\n'.encode()
                    for _ in range(self._copies(truth, whole)):
                        truth.span_bytes += len(line)
                        file.write(line, window[1])
            measured = [(self._processes[number], each) for number, _, each in entries if each]
            if measured:
                metrics.write(self._metrics(measured, window, truth, total=cumulative), window[1])
        return truth

    def _copies(self, truth: Truth, whole: Spans) -> int:
        every = self.traffic.resend_every
        if not every or truth.span_lines % every:
            return 1
        truth.resent += whole.count
        truth.resent_events += whole.events
        return 2

    def _metrics(
        self,
        measured: Sequence[tuple[_Process, dict[Series, Measured]]],
        window: tuple[int, int],
        truth: Truth,
        *,
        total: bool,
    ) -> bytes:
        entries = []
        for process, each in measured:
            if total:
                process.sums.add(each)
                text, points = cumulative(process.sums, process.started_ns, window[1])
            else:
                text, points = deltas(each, *window)
            info = configuration(process.digest, *window)
            truth.points += points + 1
            entries.append(f"{process.resource('scopeMetrics')}{process.scopes[2] % f'{text},{info}'}]}}")
        line = f'{{"resourceMetrics":[{",".join(entries)}]}}\n'.encode()
        truth.metric_lines += 1
        truth.metric_bytes += len(line)
        return line

    def _rounds(
        self, truth: Truth
    ) -> Iterator[tuple[tuple[int, int], list[tuple[int, dict[str, Spans], dict[Series, Measured]]]]]:
        """The same intervals, those of all processes together."""
        entries: list[tuple[int, dict[str, Spans], dict[Series, Measured]]] = []
        for number, window, spans, measured in self._intervals(truth):
            entries.append((number, spans, measured))
            if number == len(self._processes) - 1:
                yield window, entries
                entries = []

    def _intervals(
        self, truth: Truth
    ) -> Iterator[tuple[int, tuple[int, int], dict[str, Spans], dict[Series, Measured]]]:
        """By interval, then by process: its number, the time, spans by tier, and what was measured."""
        traffic = self.traffic
        kinds = shapes(traffic.services, traffic.shapes)
        seed = f"{traffic.seed}/{traffic.piece}"
        made = Operations(kinds, traffic.ratio, seed, traffic.begin_ns, truth, traffic.exact)
        slots = max(1, traffic.seconds // traffic.interval_s) * len(self._processes)
        for slot in range(slots):
            interval, number = divmod(slot, len(self._processes))
            start_ns = self._begin_ns + interval * traffic.interval_s * 10**9
            # No interval touches a whole minute, so that each belongs to one by its begin as by its end.
            window = start_ns + 1_000_003, start_ns + traffic.interval_s * 10**9 - 1_000_003
            service = self._processes[number].service
            share = (slot + 1) * traffic.operations // slots - slot * traffic.operations // slots
            measured: dict[Series, Measured] | None = None if service in traffic.unmeasured else {}
            spans = made.interval(service, share, *window, measured)
            yield number, window, spans, measured or {}


def _process(service: str, number: int, started_ns: int) -> _Process:
    said = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.1",
        "service.instance.id": f"d536e635-3840-4e6b-8f25-{service.encode().hex():0>12.12}-{number}",
        "service.name": service,
        "service.version": "2026.3",
        "process.pid": 1000 + number,
        "host.name": f"{service}-1",
        "deployment.environment.name": "production",
        "telemetry.distro.name": "otel-verein",
        "telemetry.distro.version": _VERSION,
    }
    library = "celery" if service == "worker" else "django"
    roots = f'{{"scope":{{"name":"opentelemetry.instrumentation.{library}","version":"0.66b1"}},"spans":[%s]}}'
    ours = f'{{"scope":{{"name":"otel_verein","version":"{_VERSION}"}},"%s":[%%s]}}'
    scopes = (roots, ours % "spans", ours % "metrics")
    return _Process(
        service, number, attributes_field(said)[:-1], scopes, f"{service.encode().hex():0<12.12}", started_ns
    )


def _merged(parts: Iterable[Spans]) -> Spans:
    whole = Spans()
    for part in parts:
        whole.roots += part.roots
        whole.queries += part.queries
        whole.count += part.count
        whole.events += part.events
        whole.trace = whole.trace if whole.trace[1] else part.trace
    return whole


def _count_line(truth: Truth, whole: Spans) -> None:
    truth.span_lines += 1
    truth.traces.append(whole.trace)
