"""How fast the convenience functions answer from a store of a million operations, and what they add to what they call.

The store holds the traffic of days before, taken in and added up as the jobs of a store do it. Every call is one of a
process that asks again and again, as a dashboard does: what was read is remembered, and looked at anew when it is
older than ``serve.fresh_s``. The times of first calls, which read, are told beside.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from figures import Target
from sections import RESULTS, Row, Section, machine, publish

from otel_verein.api.convenience import (
    analyze_system_bottlenecks,
    batch_member_analysis,
    comprehensive_member_analysis,
    generate_comprehensive_performance_report,
    performance_dashboard_data,
    quick_health_check,
)
from otel_verein.api.convenience.here import Anew, remembered_source
from otel_verein.api.findings import findings
from otel_verein.api.health import health
from otel_verein.api.report import report
from otel_verein.api.store import placed
from otel_verein.api.store_jobs import COMPACT, INGEST, ROLLUP, Controls, run_job
from otel_verein.config.schema import Config
from otel_verein.semconv import OTHER
from otel_verein.sources.base import ALL
from otel_verein.sources.remembered import Remembered
from tests.services.store_load import Load, Traffic

CALLS = 200
FEWER_CALLS = 50
"""Of those that take longer, and of pairs."""
QUICK_S, COMPREHENSIVE_S, ADDED = 0.015, 0.2, 0.05
PIECES = 10
DAY_S = 86_400

Call = Callable[[], Any]


@dataclass(frozen=True)
class Times:
    """Seconds of the first call, and of those after it."""

    name: str
    first: float
    later: Sequence[float]

    @property
    def p50(self) -> float:
        """The median of the later ones."""
        return statistics.median(self.later)

    @property
    def p95(self) -> float:
        """Their 95th percentile, nearest rank."""
        return sorted(self.later)[-(-len(self.later) * 95 // 100) - 1]

    def row(self) -> Row:
        """One line of a table, in milliseconds."""
        figures = (self.first, self.p50, self.p95, max(self.later))
        return (self.name, str(len(self.later)), *(f"{1000 * each:.2f}" for each in figures))


def build(root: Path, operations: int) -> Config:
    """A store of so many operations at *root*, unless it is there; its hours are over since two days."""
    config = replace(Config(), store=replace(Config().store, directory=str(root)))
    place = placed(config, (), root.parent)
    if place.store.exists:
        return config
    begin_ns = (int(time.time()) // DAY_S - 3) * DAY_S * 10**9
    for piece in range(PIECES):
        traffic = Traffic(operations=operations // PIECES, seconds=3_600, begin_ns=begin_ns, interval_s=15, piece=piece)
        Load(replace(traffic, segment_age_s=600, processes=1)).write(root / "otlp")
        run_job(place, INGEST, Controls())
        sys.stderr.write(f"\r{(piece + 1) * operations // PIECES:,} of {operations:,} operations")
    sys.stderr.write("\n")
    for job in (ROLLUP, COMPACT):
        run_job(place, job, Controls())
    return config


def members(source: Remembered, number: int) -> list[str]:
    """So many members, those that were seen most often."""
    seen: Counter[str] = Counter()
    for row in source.entities(ALL, "member").rows:
        seen[row.entity_id or ""] += row.samples
    del seen[OTHER], seen[""]
    return [name for name, _ in seen.most_common(number)]


def timed(name: str, first: Call, later: Call) -> Times:
    """The times of one call that reads, and of many more."""
    calls = CALLS if name.startswith("quick") else FEWER_CALLS
    return Times(name, _took(first), [_took(later) for _ in range(calls)])


def answers(config: Config) -> tuple[list[Times], dict[str, Any]]:
    """The times of every function, each with a memory of its own at first; and how large the store is."""
    shared = remembered_source(config)
    names = members(shared, CALLS)
    counted = sum(stats.count for stats, _ in report(shared, config).operations)
    by_turns = cycle(names)
    asking: dict[str, Callable[[Remembered], Any]] = {
        "quick_health_check()": lambda source: quick_health_check(source=source, config=config),
        "quick_health_check(member), another each time": lambda source: quick_health_check(
            next(by_turns), source=source, config=config
        ),
        "comprehensive_member_analysis(member)": lambda source: comprehensive_member_analysis(
            next(by_turns), source=source, config=config
        ),
        "batch_member_analysis, 10 members": lambda source: batch_member_analysis(
            [next(by_turns) for _ in range(10)], source=source, config=config
        ),
        "performance_dashboard_data()": lambda source: performance_dashboard_data(source=source, config=config),
    }
    found = []
    for name, ask in asking.items():
        source = remembered_source(config)
        found.append(
            timed(name, lambda ask=ask, source=source: _well(ask(source)), lambda ask=ask, source=source: ask(source))
        )
    each_time = remembered_source(replace(config, serve=replace(config.serve, fresh_s=0.0)))
    asked = lambda: quick_health_check(source=each_time, config=config)  # noqa: E731
    found.append(timed("quick_health_check(), the state of the store looked at each time", asked, asked))
    return found, {"operations": counted, "members": len(names)}


def added(config: Config) -> list[tuple[str, Times, Times]]:
    """What functions take, and what they call takes, call by call in turns, from a source that has been read.

    It is CPU time, as nothing is read, without the collection of garbage, which falls upon the one or the other as the
    number of objects has it. What the functions compute themselves is not remembered here from one call to
    the next, as it else is.
    """
    source = remembered_source(replace(config, serve=replace(config.serve, fresh_s=3600.0)))
    anew = Anew(lambda: source)
    one = members(source, 1)[0]

    def called_by_comprehensive() -> None:
        findings(source, config)
        health(source, config)
        source.entities(ALL, "member", one)

    pairs: dict[str, tuple[Call, Call]] = {
        "generate_comprehensive_performance_report over report": (
            lambda: generate_comprehensive_performance_report(source=anew, config=config),
            lambda: report(source, config).as_dict(),
        ),
        "analyze_system_bottlenecks over findings": (
            lambda: analyze_system_bottlenecks(source=anew, config=config),
            lambda: findings(source, config).as_dict(),
        ),
        "comprehensive_member_analysis over findings, health and entities": (
            lambda: comprehensive_member_analysis(one, source=anew, config=config),
            called_by_comprehensive,
        ),
    }
    found = []
    for name, (ours, theirs) in pairs.items():
        ours(), theirs()
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(FEWER_CALLS):
            for place in (0, 1) if number % 2 else (1, 0):
                times[place].append(_alone((ours, theirs)[place]))
        found.append((name, Times(name, times[0][0], times[0]), Times(name, times[1][0], times[1])))
    return found


def targets(found: Sequence[Times], more: Sequence[tuple[str, Times, Times]]) -> list[Target]:
    """What was asked for."""
    limits = {"quick_health_check": QUICK_S, "comprehensive_member_analysis": COMPREHENSIVE_S}
    judged = []
    for each in found:
        limit = next((limit for name, limit in limits.items() if each.name.startswith(name)), None)
        if limit is not None:
            text = f"{each.name}: p95 at most {1000 * limit:.0f} ms"
            judged.append(Target(text, f"{1000 * each.p95:.2f} ms", each.p95 <= limit))
    for name, ours, theirs in more:
        share = ours.p50 / theirs.p50 - 1
        judged.append(Target(f"{name}: less than {ADDED:.0%} more", f"{share:+.1%}", share < ADDED))
    return judged


def main() -> None:
    """Build, measure, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="where the store is, or is made and kept; else it is made anew")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the section of results is left")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="verein-answers-") as scratch:
        config = build(given.store or Path(scratch) / "store", given.operations)
        found, size = answers(config)
        more = added(config)
    head = ("", "calls", "first, ms", "p50, ms", "p95, ms", "longest, ms")
    over = [
        (name, *(f"{1000 * each.p50:.2f}" for each in pair), f"{pair[0].p50 / pair[1].p50 - 1:+.1%}")
        for name, *pair in more
    ]
    judged = targets(found, more)
    section = Section(
        name="answers",
        title="Answers of the convenience functions",
        command="python benchmarks/answers.py",
        conditions=[
            machine(),
            f"A store of {size['operations']:,} operations, added up by the hour; {size['members']} members by turns.",
        ],
        tables=[
            ("Time of an answer", [head, *(each.row() for each in found)]),
            ("What a function adds, CPU time", [("", "it, ms", "what it calls, ms", "more"), *over]),
        ],
        verdicts=[str(each) for each in judged],
        raw={each.name: list(each.later) for each in found},
    )
    publish(section, given.results, None)


def _alone(call: Call) -> float:
    """CPU seconds of one call, with the garbage of those before it gone, and none collected."""
    gc.collect()
    gc.disable()
    try:
        return _took(call, time.process_time)
    finally:
        gc.enable()


def _took(call: Call, clock: Callable[[], float] = time.perf_counter) -> float:
    begun = clock()
    call()
    return clock() - begun


def _well(answer: dict[str, Any]) -> None:
    if not answer["success"]:
        raise SystemExit(f"no answer, so there is nothing to measure: {json.dumps(answer)}")


if __name__ == "__main__":
    main()
