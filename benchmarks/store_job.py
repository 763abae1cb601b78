"""One job on a store in a process of its own; a line of JSON says what it took and what came of it.

The clocks start when everything is imported, so that figures are of the job; who started the process knows the rest.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from otel_verein.api.report import report
from otel_verein.config.schema import Config
from otel_verein.sources.store import StoreSource
from otel_verein.store.compaction import compact
from otel_verein.store.ingest import ingest
from otel_verein.store.layout import Store
from otel_verein.store.rollup import roll
from otel_verein.store.traces import find_trace
from otel_verein.store.verify import verify

Answer = dict[str, Any]


def _ingest(store: Store, now_s: float, source: str, keep: str = "") -> Answer:
    config = replace(Config().store, keep_segments=bool(keep))
    return ingest(store, [Path(source)], config, now_ns=int(now_s * 1e9)).figures()


def _rollup(store: Store, now_s: float) -> Answer:
    return roll(store, Config(), now_s).figures()


def _compact(store: Store, now_s: float) -> Answer:
    return compact(store, now_s).figures()


def _verify(store: Store, now_s: float, quick: str = "") -> Answer:
    verdict = verify(store, quick=bool(quick))
    return {"problems": len(verdict.problems), **verdict.checked}


def _report(store: Store, now_s: float) -> Answer:
    found = report(StoreSource(store, ()), Config())
    return {"operations": sum(stats.count for stats, _ in found.operations)}


def _trace(store: Store, now_s: float, trace_ids: str) -> Answer:
    """Several traces, each timed; the first one bears what a process does once."""
    times, spans = [], []
    for trace_id in trace_ids.split(","):
        begun = time.perf_counter()
        spans.append(len(find_trace(store, trace_id)))
        times.append(time.perf_counter() - begun)
    return {"times_s": times, "spans": spans}


JOBS: Mapping[str, Callable[..., Answer]] = {
    "ingest": _ingest,
    "rollup": _rollup,
    "compact": _compact,
    "verify": _verify,
    "report": _report,
    "trace": _trace,
}


def peak_mib() -> float:
    """The most memory that this process has held; the kernel's word of it, without that of whoever started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    root, job, now_s, *arguments = sys.argv[1:]
    wall, cpu = time.perf_counter(), time.process_time()
    figures = JOBS[job](Store(Path(root)), float(now_s), *arguments)
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    print(json.dumps({**took, "peak_mib": peak_mib(), "figures": figures}))


if __name__ == "__main__":
    main()
