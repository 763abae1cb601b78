"""What `otel-verein store watch` costs the applications beside it: rounds with it running and stopped, in turns."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from workers import Worker

from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store

ROUNDS, ROUND_S, WARM_S = 8, 5.0, 3.0
LONGEST_S = 60.0
WATCHED = {"VEREIN_STORE_INTERVAL_S": "1"}
LOG = "watch.log"


class Unsound(Exception):
    """A run did not do the work that was measured; the message says what is missing."""


@dataclass(frozen=True)
class Beside:
    """Operations a second of all applications by round; and what the watch did."""

    applications: int
    off: Sequence[float]
    on: Sequence[float]
    watch_cpu: float
    """Share of one processor that the watch had while it ran."""
    taken_bytes: int
    """Of segments, that it took into the store."""

    @property
    def cost(self) -> float:
        """The share of the work that the watch takes away: of each pair of rounds, then the median."""
        return statistics.median(1 - on / off for on, off in zip(self.on, self.off, strict=True))


def beside(applications: int) -> Beside:
    """Rounds of *applications* processes under load, with the watch running in every other one."""
    with tempfile.TemporaryDirectory(prefix="verein-bench-") as name, ExitStack() as stack:
        home = Path(name)
        otlp = home / ".verein" / "otlp"
        workers = [
            stack.enter_context(Worker("store_application.py", str(otlp), f"app-{number}"))
            for number in range(applications)
        ]
        pool = stack.enter_context(ThreadPoolExecutor(applications))
        _served(pool, workers, WARM_S)
        watch = _started(home)
        stack.callback(_ended, watch)
        _until_at_work(home, watch)
        before = _taken(home)
        on, off, used_s = _rounds(pool, workers, watch.pid)
        taken = _taken(home) - before
    return Beside(applications, off, on, used_s / (ROUNDS * ROUND_S), taken)


def _until_at_work(home: Path, watch: subprocess.Popen[bytes]) -> None:
    """Wait until the watch has taken what is there: its start is none of what is measured."""
    deadline = time.monotonic() + LONGEST_S
    while not (Store(home / ".verein").exists and _taken(home)):
        if watch.poll() is not None or time.monotonic() > deadline:
            raise Unsound(f"the watch takes nothing: {(home / LOG).read_text(encoding='utf-8')}")
        time.sleep(0.2)


def _rounds(pool: ThreadPoolExecutor, workers: Sequence[Worker], watch: int) -> tuple[list[float], list[float], float]:
    found: dict[bool, list[float]] = {True: [], False: []}
    used_s = 0.0
    for number in range(ROUNDS):
        for running in (True, False) if number % 2 == 0 else (False, True):
            os.kill(watch, signal.SIGCONT if running else signal.SIGSTOP)
            before = _cpu_s(watch)
            found[running].append(_served(pool, workers, ROUND_S))
            used_s += _cpu_s(watch) - before
    os.kill(watch, signal.SIGCONT)
    return found[True], found[False], used_s


def _served(pool: ThreadPoolExecutor, workers: Sequence[Worker], seconds: float) -> float:
    answers = list(pool.map(lambda worker: worker.ask(str(seconds)), workers))
    return float(sum(answer["operations"] for answer in answers)) / seconds


def _started(home: Path) -> subprocess.Popen[bytes]:
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("OTEL_", "VEREIN_"))}
    command = [sys.executable, "-c", "from otel_verein.cli.main import main; main()", "store", "watch"]
    log = (home / LOG).open("wb")
    return subprocess.Popen(command, cwd=home, env=environ | WATCHED, stdout=log, stderr=log)


def _ended(watch: subprocess.Popen[bytes]) -> None:
    watch.send_signal(signal.SIGCONT)
    watch.terminate()
    watch.wait(timeout=60)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _taken(home: Path) -> int:
    with Journal.opened(Store(home / ".verein")) as journal:
        return int(sum(batch.tallies.get("bytes", 0) for batch in journal.batches()))
