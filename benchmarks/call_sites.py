"""What a call site costs, once per finding: a walk up the stack, by its depth and where in it the application is."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from otel_verein.config.schema import CallSite
from otel_verein.ledger.callsite import CallSites

STACKS = ((5, 20), (20, 60), (60, 200), (20, 300))
"""Frames of libraries between the driver and the application, and below it."""

_BODY = "def step(left, inner):\n    return step(left - 1, inner) if left else inner()\n"


def library_step(name: str) -> Callable[[int, Callable[[], float]], float]:
    """A function that calls itself before it calls on, in a file of an installed package."""
    import site

    space: dict[str, Callable[[int, Callable[[], float]], float]] = {}
    exec(compile(_BODY, str(Path(site.getsitepackages()[0]) / "django" / f"{name}.py"), "exec"), space)
    return space["step"]


def measure(inner: int, outer: int, calls: int) -> list[float]:
    """Microseconds of each of *calls* captures below *inner* frames, the application, and *outer* frames."""
    sites, step = CallSites(CallSite()), library_step("query")
    taken: list[float] = []

    def capture() -> float:
        for _ in range(calls):
            begun = time.perf_counter_ns()
            sites.capture()
            taken.append((time.perf_counter_ns() - begun) / 1000)
        return 0.0

    def application() -> float:
        return step(inner, capture)

    step(outer, application)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="captures of each stack (default: %(default)s)")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"Median [quartiles] of {given.calls} captures, one processor, µs.")
    for inner, outer in STACKS:
        low, median, high = statistics.quantiles(measure(inner, outer, given.calls), n=4)
        print(f"{inner:4} frames above the application, {outer:4} below: {median:.1f} [{low:.1f}, {high:.1f}]")


if __name__ == "__main__":
    main()
