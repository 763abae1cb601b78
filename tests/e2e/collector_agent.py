"""A collector of the topology ``agent``, rendered by the product, and what it says of what went through it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_verein.config.schema import Config
from tests import segments
from tests.conftest import absent
from tests.services.collector import Collector
from tests.services.exposition import Sample, scrape, total
from tests.services.process import ServiceAbsent
from tests.services.rendered import rendered

DELTA = 1


@dataclass(frozen=True)
class Agent:
    """One that runs, with the configuration that it was rendered from."""

    collector: Collector
    config: Config

    @property
    def url(self) -> str:
        """Where it takes OTLP over HTTP."""
        return f"http://{self.config.collector.http_endpoint}"

    @property
    def directory(self) -> Path:
        """Where it keeps tiers, figures and queues."""
        return Path(self.config.collector.directory)

    @property
    def otlp(self) -> Path:
        """Its files of spans and metrics."""
        return self.directory / "otlp"

    @property
    def options(self) -> Path:
        """The file with its options, which the processes of applications may read, too."""
        return self.directory / "verein.yaml"

    def figures(self) -> list[Sample]:
        """What it has for Prometheus now."""
        return scrape(f"http://{self.config.collector.prometheus_endpoint}/metrics")

    def figure(self, name: str, **labels: str) -> float:
        """The sum of all series *name* with these *labels*; 0 where there is none yet."""
        return total(self.figures(), name, labels, absent=0)

    def queued(self) -> float:
        """What waits for its backends, in bytes, by its own figures."""
        return self.collector.metric("otelcol_exporter_queue_size")

    def own_memory_bytes(self) -> int:
        """Its resident memory without pages of files: queues on disk are mapped, and the kernel takes those back."""
        found = re.search(r"^RssAnon:\s+(\d+) kB$", Path(f"/proc/{self.collector.pid}/status").read_text(), re.M)
        assert found, "/proc does not tell anonymous memory"
        return int(found[1]) * 1024


@contextmanager
def agent(
    directory: Path, backends: Sequence[str] = ("files",), options: Mapping[str, Any] | None = None
) -> Iterator[Agent]:
    """Run one in *directory*; skips the test where there is no collector."""
    made, config = rendered("agent", backends, directory, options)
    try:
        collector = Collector(made.text, gates=made.gates, memory_mib=made.heap_goal_mib, directory=directory)
    except ServiceAbsent as missing:
        absent(str(missing))
    with collector:
        yield Agent(collector, config)


def counted(directory: Path, metric: str, by: str) -> Counter[str]:
    """The increases of the counter *metric* in the files, by the attribute *by*; fails if they are no deltas."""
    found: Counter[str] = Counter()
    for line in segments.lines(directory, "metrics"):
        for resource in line.get("resourceMetrics", []):
            for scope in resource["scopeMetrics"]:
                for one in scope["metrics"]:
                    if one["name"] == metric:
                        assert one["sum"]["aggregationTemporality"] == DELTA
                        for point in one["sum"]["dataPoints"]:
                            key = str(segments.attributes(point).get(by, ""))
                            found[key] += float(point.get("asInt", point.get("asDouble", 0)))
    return found
