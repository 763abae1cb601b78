"""CPU cost per query and per operation, interleaved: bare driver, otel-verein, OTel SDK off and on, other agents.

Prints medians with quartiles and ratios, and whether the targets are met; a missed target is no error. A variant
that did not do its work is one; an agent that did not is left out of the tables and named with the reason.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
from pathlib import Path

from agent_variants import AGENTS
from figures import Raw, targets
from proofs import proof
from sections import RESULTS, Section, machine, publish
from tables import beside_table, operation_tables, slope_table
from variants import LABELS
from workers import HERE, Worker, WorkerEnded, on_one_processor
from workload import WORKLOADS

TRIPLES = 4000
ALL_LABELS = {**LABELS, **{name: agent.label for name, agent in AGENTS.items()}}


class Run:
    """One variant at work in a process, with a sink of its own; a context that ends both."""

    def __init__(self, name: str, environments: Path) -> None:
        self.name = name
        self._stack = contextlib.ExitStack()
        self._sink = self._stack.enter_context(Worker("sink.py"))
        at = self._sink.read()
        endpoints = f"http://127.0.0.1:{at['http']}", f"tcp://127.0.0.1:{at['scout']}"
        python = str(environments / AGENTS[name].environment / "bin" / "python") if name in AGENTS else sys.executable
        if not Path(python).exists():
            self._stack.close()
            raise WorkerEnded("it has no environment of its own, which `make bench-agents` makes")
        self._worker = self._stack.enter_context(Worker("worker.py", name, *endpoints, python=python))
        self._hooked = self._worker.read()["hooked"]
        # Statements that fill the database arrived, too; they are no part of the work.
        self._before = self._sink.ask("count")
        self.us: dict[str, list[float]] = {workload.name: [] for workload in WORKLOADS}

    def measure(self, counted: bool) -> None:
        """All workloads once: the slope between them must not span a change of the machine's pace."""
        for workload in WORKLOADS:
            cpu_ns = self._worker.ask(workload.name)["cpu_ns"]
            if counted:
                self.us[workload.name].append(round(cpu_ns / workload.operations / 1000, 3))

    def finish(self) -> str:
        """The counts that prove the work; raises :class:`WorkerEnded` where they do not."""
        done = self._worker.ask("finish")
        received = {what: count - self._before.get(what, 0) for what, count in self._sink.ask("count").items()}
        found = proof(self.name, self._hooked, done["asked"], done["known"], received)
        if not found.done:
            raise WorkerEnded(f"did not do the work that was measured: {found.said}")
        return found.said

    def close(self) -> None:
        self._stack.close()


class Comparison:
    """Variants that take turns; *failed* says why one of the agents has no figures."""

    def __init__(self, names: list[str], environments: Path) -> None:
        self.failed: dict[str, str] = {}
        self._runs: dict[str, Run] = {}
        for name in names:
            with self._named(name):
                self._runs[name] = Run(name, environments)

    @contextlib.contextmanager
    def _named(self, name: str):
        try:
            yield
        except WorkerEnded as ended:
            if name not in AGENTS:
                raise SystemExit(f"error: {name}: {ended}") from None
            self.failed[name] = str(ended)
            if (run := self._runs.pop(name, None)) is not None:
                run.close()

    def measure(self, rounds: int) -> Raw:
        """Microseconds of every variant that did its work; the warm-up round is thrown away."""
        for number in range(rounds + 1):
            print(f"round {number} of {rounds}" if number else "warm-up", file=sys.stderr, flush=True)
            for name, run in list(self._runs.items()):
                with self._named(name):
                    run.measure(counted=number > 0)
        for name, run in list(self._runs.items()):
            with self._named(name):
                print(f"{name}: {run.finish()}", file=sys.stderr)
        return {name: run.us for name, run in self._runs.items()}

    def close(self) -> None:
        for run in self._runs.values():
            run.close()


def beside_the_driver() -> list[float]:
    """Microseconds that recording adds to a query, triple by triple."""
    print("operation by operation", file=sys.stderr, flush=True)
    command = [sys.executable, str(HERE / "per_query.py"), str(TRIPLES)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def conditions(rounds: int) -> list[str]:
    """What the figures rest on, a sentence a line."""
    sizes = ", ".join(f"{w.operations} of {w.label}" for w in WORKLOADS)
    return [
        f"{rounds} rounds after one of warm-up, each of {sizes}.",
        "Every variant runs in a process of its own; they take turns, round by round, on one processor.",
        "CPU time of all threads of the process, flush included; median [lower quartile, upper quartile].",
        "otel-verein keeps what has a finding; who has a ratio or rate of 0 or is always_off keeps nothing at all.",
        "Every variant has proved that it did the work: by what its sink received, or by its own counts.",
        machine(),
        "`-`: the base takes less than 3 µs, so a ratio over it says nothing.",
    ]


def basics(raw: Raw, rounds: int) -> Section:
    """The section of the four basics."""
    paired = beside_the_driver()
    beside = f"{TRIPLES} operations of 50 different queries with recording, each beside one without, in one process."
    return Section(
        "overhead",
        "Operations on SQLite",
        f'make bench ARGS="--rounds {rounds}"',
        [beside, *conditions(rounds)],
        [beside_table(LABELS["verein"], paired), slope_table(raw, ALL_LABELS), *operation_tables(raw, ALL_LABELS)],
        [str(target) for target in targets(raw, paired)],
        {"us_per_query": [round(one, 3) for one in paired], "us_per_operation": raw},
    )


def with_agents(raw: Raw, rounds: int, failed: dict[str, str]) -> Section:
    """The section that has other agents, too."""
    missing = [f"No figures of {ALL_LABELS[name]}: {reason}." for name, reason in failed.items()]
    notes = [f"{ALL_LABELS[name]}: {AGENTS[name].note}" for name in raw if name in AGENTS and AGENTS[name].note]
    return Section(
        "agents",
        "The same beside other agents",
        f'make bench-agents ARGS="--rounds {rounds}"',
        [*conditions(rounds), *notes, *missing],
        [slope_table(raw, ALL_LABELS), *operation_tables(raw, ALL_LABELS)],
        raw={"us_per_operation": raw},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="measured rounds, 7 or more (default: %(default)s)")
    parser.add_argument("--agents", type=Path, metavar="DIRECTORY", help="measure those with environments there, too")
    parser.add_argument("--only", nargs="+", choices=tuple(AGENTS), default=tuple(AGENTS), help="of the agents these")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIRECTORY", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page anew from all results")
    given = parser.parse_args()
    if given.rounds < 7:
        parser.error("--rounds must be 7 or more: fewer give no spread worth reading")
    on_one_processor()
    with contextlib.closing(Comparison([*LABELS, *(given.only if given.agents else ())], given.agents or HERE)) as runs:
        raw = runs.measure(given.rounds)
    section = with_agents(raw, given.rounds, runs.failed) if given.agents else basics(raw, given.rounds)
    publish(section, given.results, given.markdown)


if __name__ == "__main__":
    main()
