"""One change of the configuration after the other while threads run operations; prints what it did and what it holds.

Arguments: how many changes, and how they come: ``file`` (every other one is invalid; the thread of the process notices
them) or ``call`` (two that are valid in turn, as fast as the process takes them).
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import config_work
from opentelemetry import trace

from otel_verein import operation
from otel_verein.config import Config
from otel_verein.config.layers import resolve
from otel_verein.processors.edition import Edition
from otel_verein.processors.sampling import Policy

LOADS = 3
PATIENCE_S = 10.0
TEXTS = (
    "thresholds: {queries: 90}\nn_plus_one: {repeats: 3, certain_repeats: 3}\nsampling: {ratio: 0}\n",
    "thresholds: {queries: 4}\nn_plus_one: {repeats: 1000, certain_repeats: 1000}\nsampling: {ratio: 0}\n",
)
"""The process starts under what says the same as the second one."""
CONFIGS = [resolve({}, data=text.encode(), override_data=b"").config for text in TEXTS]

processor: Any = trace.get_tracer_provider()._verein  # type: ignore[attr-defined] # the provider of the distro
worker = processor._follower._worker


class Said(logging.Handler):
    """Counts what the process says of its configuration."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Event()
        self.in_force = self.refused = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count it."""
        self.in_force += "is in force" in record.getMessage()
        self.refused += "not usable" in record.getMessage()
        self.changed.set()


def held() -> dict[str, int]:
    """What may not grow."""
    gc.collect()
    objects = gc.get_objects()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "editions": sum(isinstance(each, Edition) for each in objects),
        "policies": sum(isinstance(each, Policy) for each in objects),
        "configs": sum(isinstance(each, Config) for each in objects),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
        "resident_kb": resident // 1024,
    }


def by_file(number: int, said: Said) -> None:
    """Write change *number*, and return when the thread has read it; valid ones say the same never twice in a row."""
    told = said.in_force + said.refused
    text = f"thresholds: {{queries: -{number}}}\n" if number % 2 else TEXTS[number // 2 % 2]
    beside = Path("verein.yaml.new")
    beside.write_text(text)
    beside.replace("verein.yaml")
    deadline = time.monotonic() + PATIENCE_S
    while said.in_force + said.refused == told and time.monotonic() < deadline:
        said.changed.clear()
        worker.wake()  # now, not in a second
        said.changed.wait(0.002)


def by_call(number: int, _: Said) -> None:
    """Let the other one of the two be in force."""
    processor.reconfigure(CONFIGS[number % 2])


def main(changes: int, change: Callable[[int, Said], None]) -> None:
    """Change the configuration so often under load."""
    logger, said = logging.getLogger("otel_verein"), Said()
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(said)
    over = threading.Event()
    done = [0] * LOADS

    def load(place: int) -> None:
        while not over.is_set():
            with operation("load"):
                config_work.queries(5)
            done[place] += 1

    threads = [threading.Thread(target=load, args=(place,)) for place in range(LOADS)]
    for thread in threads:
        thread.start()
    for number in range(changes // 4):
        change(number, said)
    before = held()
    for number in range(changes // 4, changes):
        change(number, said)
    after = held()
    over.set()
    for thread in threads:
        thread.join()
    print(json.dumps({
        "operations": sum(done), "in_force": said.in_force, "refused": said.refused, "before": before, "after": after,
        "queries": processor.config.thresholds.queries,
    }))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]), {"file": by_file, "call": by_call}[sys.argv[2]])
