"""A gateway of the product that decides within seconds, and what is known of the traces that go through it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_verein.collector.mending import mend
from otel_verein.config.schema import Config
from tests import segments
from tests.conftest import absent
from tests.services.collector import Collector
from tests.services.otlp_found import Found, spans_of
from tests.services.otlp_load import Load, SpanKey, sampled
from tests.services.process import ServiceAbsent, wait_until
from tests.services.rendered import rendered

Z = 3.2905  # two-sided 99.9 % of the normal distribution
WHOLE = 1 << 56
TICK_S = 1.0
"""Between two rounds of decisions in tail sampling; a wait ends with the first round after it."""
TAIL = "otelcol_processor_tail_sampling_"
QUICK: Mapping[str, Any] = {"collector.decision_wait_s": 2, "collector.decision_wait_after_root_s": 1}


@dataclass
class Gateway:
    """A running gateway, the configuration it was rendered from, and how many buffers decide in it."""

    collector: Collector
    config: Config

    @property
    def url(self) -> str:
        """Where it takes OTLP over HTTP."""
        return f"http://{self.collector.http_endpoint}"

    @property
    def out(self) -> Path:
        """The directory that ``otel-verein report`` reads."""
        return Path(self.config.collector.directory) / "otlp"

    @property
    def buffers(self) -> int:
        """Instances of tail sampling, each of which decides on every trace."""
        return 1 if self.config.collector.record_policy else 3

    def decided(self) -> int:
        """Traces on which there are decisions, since its last start."""
        return int(self.collector.metric(f"{TAIL}global_count_traces_sampled", absent=0)) // self.buffers

    def came(self) -> int:
        """Traces that came for a decision, since its last start."""
        return int(self.collector.metric(f"{TAIL}new_trace_id_received", absent=0)) // self.buffers

    def await_decisions(self, traces: int, seconds: float = 30) -> None:
        """Wait until there is a decision on as many as *traces*, and none is left."""
        done = wait_until(lambda: self.came() == self.decided() >= traces, seconds, every=0.1)
        assert done, f"of {traces} traces {self.came()} came and {self.decided()} are decided"

    def await_handed_on(self, spans: int, seconds: float = 30) -> None:
        """Wait until as many *spans* are with the exporters, and so in files or in queues on disk."""
        done = wait_until(lambda: self.handed_on() >= spans, seconds, every=0.1)
        assert done, f"{self.handed_on()} of {spans} spans were handed on"

    def handed_on(self) -> int:
        """Spans that are with the exporters, since its last start."""
        return int(self.collector.metric("otelcol_processor_batch_batch_send_size_sum", absent=0, processor="batch"))

    def kill(self) -> int:
        """End it by SIGKILL, then the lines that it did not end, as the next start does; how many those were."""
        self.collector.kill()
        return len(mend(Path(self.config.collector.directory)))

    def found(self) -> Found:
        """The spans in its files."""
        return spans_of(self.out)

    def found_in_whole_lines(self, into: Path) -> Found:
        """The same where a kill may have cut a line short; leaves copies without such lines *into* a new directory."""
        (into / "spans").mkdir(parents=True)
        for path in (self.out / "spans").iterdir():
            lines = path.read_bytes().splitlines(keepends=True)
            (into / "spans" / path.name).write_bytes(b"".join(filter(_is_whole, lines)))
        return spans_of(into)


@contextmanager
def gateway(
    directory: Path, options: Mapping[str, Any] | None = None, backends: Sequence[str] = ("files",)
) -> Iterator[Gateway]:
    """Run one in *directory*, with the waits of :data:`QUICK` unless *options* say otherwise; ends it."""
    made, config = rendered("gateway", backends, directory, {**QUICK, **(options or {})})
    try:
        running = Collector(made.text, gates=made.gates, memory_mib=made.heap_goal_mib, directory=directory)
    except ServiceAbsent as missing:
        absent(str(missing))
    with running:
        yield Gateway(running, config)


@dataclass(frozen=True)
class Expected:
    """The spans that belong into each tier, and the true number of traces of each tier."""

    tiers: Mapping[str, frozenset[SpanKey]]
    traces: Mapping[str, int]


def expected(load: Load, ratio: float, tiers: Mapping[str, str] | None = None) -> Expected:
    """What a gateway that thins to *ratio* makes of *load*: whole traces, each in the tier of the worst of it.

    *tiers* has the tier by kind, where it is not as the load itself says.
    """
    truth = load.truth()
    kinds = {trace: (kind, tier) for tier, traces in truth.whole.items() for trace, kind in traces.items()}
    tier_of = {trace: (tiers or {}).get(kind, tier) for trace, (kind, tier) in kinds.items()}
    spans: dict[str, set[SpanKey]] = {"long": set(), "medium": set(), "short": set()}
    for key in truth.all_spans:
        tier = tier_of[key[0]]
        if tier != "short" or sampled(bytes.fromhex(key[0]), ratio):
            spans[tier].add(key)
    return Expected({tier: frozenset(keys) for tier, keys in spans.items()}, Counter(tier_of.values()))


def thresholds(directory: Path) -> dict[str, dict[str, set[int]]]:
    """By tier and trace, the thresholds (``ot=th``) on its spans: of 2^56 traces, how many are rejected."""
    found: dict[str, dict[str, set[int]]] = {}
    for _, span in segments.spans(directory):
        tier = segments.attributes(span)["verein.tier"]
        found.setdefault(tier, {}).setdefault(span["traceId"], set()).add(_threshold(span.get("traceState", "")))
    return found


def weight(rejected: int) -> float:
    """How many traces one stands for, by its threshold."""
    return WHOLE / (WHOLE - rejected)


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _threshold(state: str) -> int:
    members = dict(member.split("=", 1) for member in state.split(",") if "=" in member)
    values = dict(value.split(":", 1) for value in members.get("ot", "").split(";") if ":" in value)
    return int(values.get("th", "0").ljust(14, "0"), 16)
