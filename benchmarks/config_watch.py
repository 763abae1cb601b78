"""What following the configuration costs: the thread that looks at it, one look, one reading, and reading a threshold.

The process serves nothing meanwhile, so that the thread's own clock has nothing but looks in it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import Target, spread
from sections import RESULTS, Section, machine, publish
from workers import on_one_processor

from otel_verein.config.watch import LOOK_S, Watch

THREAD = "otel-verein-configuration"
WAITING = "waiting"
MOST_OF_A_CPU = 0.001
CALLS, FEW, ROUNDS = 1000, 10, 31
READS = 100_000


def a_file_of_two_kilobytes() -> str:
    """Budgets by name until it is long enough; valid."""
    rules = ["thresholds:", "  queries: 40", "  operations:"]
    number = 0
    while len("\n".join(rules)) < 2048:
        number += 1
        rules += [f"    - operation: 'GET /shop/{number}/*'", f"      queries: {number}"]
    return "\n".join([*rules, ""])


def cpu_of_the_thread_s(name: str) -> float:
    """Processor time that the thread has taken so far, by the clock that the kernel keeps of it."""
    (thread,) = (each for each in threading.enumerate() if each.name == name)
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def wait_for_ever() -> None:
    """Wake up as often as the thread that looks, and do nothing."""
    never = threading.Lock()
    never.acquire()
    while not never.acquire(timeout=LOOK_S):
        pass


def microseconds(call: Callable[[], Any], calls: int = CALLS) -> list[float]:
    """Processor time of one *call*, a mean over *calls*, once per round."""
    found = []
    for _ in range(ROUNDS):
        begun = time.thread_time_ns()
        for _ in range(calls):
            call()
        found.append((time.thread_time_ns() - begun) / calls / 1000)
    return found


def reading_us() -> tuple[float, float]:
    """Microseconds that reading one threshold takes: of what is in force, and of a configuration that is held."""
    from otel_verein.config import Config
    from otel_verein.processors import VereinSpanProcessor

    processor = VereinSpanProcessor(None, Config())
    held = Config()
    found = []
    for body in ("processor.edition._thresholds.queries", "held.thresholds.queries"):
        space: dict[str, Any] = {"processor": processor, "held": held}
        exec(f"def read():\n for _ in range({READS}):\n  {body}\n", space)
        exec(f"def nothing():\n for _ in range({READS}):\n  pass\n", space)
        taken = statistics.median(microseconds(space["read"], 1))
        found.append((taken - statistics.median(microseconds(space["nothing"], 1))) / READS)
    return found[0], found[1]


def shares_of_a_cpu(directory: Path, seconds: float) -> tuple[float, float]:
    """The shares of one CPU that the thread takes in an idle process, and one that only wakes up as often."""
    from otel_verein.distro import set_up

    nowhere = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    provider = set_up({**nowhere, "VEREIN_CONFIG": str(directory / "verein.yaml")})
    provider.get_tracer("bench").start_span("GET /").end()  # which starts the thread
    threading.Thread(target=wait_for_ever, name=WAITING, daemon=True).start()
    time.sleep(3)  # until it has read the file for the last time
    threads = (THREAD, WAITING)
    before, begun = list(map(cpu_of_the_thread_s, threads)), time.monotonic()
    time.sleep(seconds)
    after, passed = list(map(cpu_of_the_thread_s, threads)), time.monotonic() - begun
    provider.shutdown()
    ours, waiting = ((end - start) / passed for start, end in zip(before, after, strict=True))
    return ours, waiting


def measured(seconds: float) -> Section:
    """Everything, as a section of the page."""
    on_one_processor()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "verein.yaml").write_text(a_file_of_two_kilobytes())
        os.utime(directory / "verein.yaml", (0, 0))
        share, waiting = shares_of_a_cpu(directory, seconds)
        watch = Watch({}, directory)
        assert watch.read().resolved is not None
        look, read = spread(microseconds(watch.look)), spread(microseconds(watch.read, FEW))
    edition, held = reading_us()
    target = f"following takes less than {MOST_OF_A_CPU:.1%} of a CPU in an idle process"
    rows = [
        ("what", "n", "figure"),
        ("the thread that looks, in an idle process", "1", f"{share:.4%} of a CPU"),
        ("a thread that wakes up as often and does nothing", "1", f"{waiting:.4%} of a CPU"),
        ("one look, nothing changed", str(look.n), f"{look} µs"),
        ("reading the file, once it has changed", str(read.n), f"{read} µs"),
        ("a threshold in force", str(ROUNDS), f"{edition * 1000:.0f} ns"),
        ("a threshold of a configuration in a variable", str(ROUNDS), f"{held * 1000:.0f} ns"),
    ]
    return Section(
        "configuration",
        "Following the configuration",
        f'make bench-config ARGS="--seconds {seconds:g}"',
        [
            f"A verein.yaml of 2 KB, a look every {LOOK_S:g} s, for {seconds:g} s; processor time of the thread.",
            f"A look is a mean over {CALLS} calls, a reading over {FEW}; median [lower quartile, upper quartile].",
            f"A threshold is the median of means over {READS} readings, less those of an empty loop.",
            machine(),
        ],
        [("What it takes", rows)],
        [str(Target(target, f"{share:.4%}", share < MOST_OF_A_CPU))],
        {"share": share, "waiting": waiting},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="time of the idle process (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIRECTORY", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page anew from all results")
    given = parser.parse_args()
    publish(measured(given.seconds), given.results, given.markdown)


if __name__ == "__main__":
    main()
