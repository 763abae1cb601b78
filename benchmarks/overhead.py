"""CPU cost per query and per operation: bare driver, otel-verein, OTel SDK off and on, interleaved.

Prints medians with quartiles and ratios, and whether the targets are met; a missed target is no error,
a variant that did not do its work is one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from figures import Raw
from render import markdown, text
from variants import LABELS
from workload import FILLING, WORKLOADS

HERE = Path(__file__).parent
TRIPLES = 4000


class Worker:
    """A program of this folder that answers a line with a line; a context that ends it."""

    def __init__(self, program: str, *arguments: str) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "VEREIN_"))}
        self.name = " ".join([program, *arguments[:1]])
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )

    def read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"error: {self.name} ended with code {self._process.wait()}; see its message above")
        return line

    def ask(self, line: str) -> dict[str, int]:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # read() says what happened
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        return json.loads(self.read())

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=30)


def measure(rounds: int) -> Raw:
    """Every variant's cost of every workload, by round; the warm-up round is thrown away."""
    raw: Raw = {variant: {workload.name: [] for workload in WORKLOADS} for variant in LABELS}
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(Worker("sink.py"))
        endpoint = f"http://127.0.0.1:{sink.read().strip()}"
        workers = {name: stack.enter_context(Worker("worker.py", name, endpoint)) for name in LABELS}
        for number in range(rounds + 1):
            print(f"round {number} of {rounds}" if number else "warm-up", file=sys.stderr, flush=True)
            # A variant's workloads side by side: the slope between them must not span a change of the machine's pace.
            for name, worker in workers.items():
                for workload in WORKLOADS:
                    cpu_ns = worker.ask(workload.name)["cpu_ns"]
                    if number:
                        raw[name][workload.name].append(cpu_ns / workload.operations / 1000)
        for name, worker in workers.items():
            check_work(name, worker.ask("finish"))
    return raw


def beside_the_driver() -> list[float]:
    """Microseconds that recording adds to a query, triple by triple."""
    print("operation by operation", file=sys.stderr, flush=True)
    command = [sys.executable, str(HERE / "per_query.py"), str(TRIPLES)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def check_work(name: str, done: dict[str, int]) -> None:
    """Refuse figures of a variant that lost, kept or counted something else than it should have."""
    if name == "always_on":
        # The stock instrumentation makes spans of the statements that fill the database, too.
        made = done["operations"] + done["queries"] + FILLING
        wrong = done["spans_exported"] != made
        said = f"{done['spans_exported']} spans exported of {made}"
    elif name == "verein":
        queries = done["queries_counted"], done["queries"]
        kept = done["operations_exported"], done["operations_with_finding"]
        wrong = queries[0] != queries[1] or kept[0] != kept[1]
        said = "{} queries counted of {}, {} operations exported of {} to keep".format(*queries, *kept)
    else:
        return
    if wrong:
        raise SystemExit(f"error: {name} did not do the work that was measured: {said}")
    print(f"{name}: {said}", file=sys.stderr)


def conditions(rounds: int) -> list[str]:
    """What the figures rest on, a sentence a line."""
    from importlib.metadata import version

    sizes = ", ".join(f"{w.operations} of {w.label}" for w in WORKLOADS)
    return [
        f"{TRIPLES} operations of 50 different queries with recording, each beside one without, in one process.",
        f"{rounds} rounds after one of warm-up, each of {sizes}.",
        "In the rounds every variant runs in a process of its own; they take turns, round by round.",
        "All of them run on one processor: without that, figures of one round differ by a factor of two.",
        "CPU time of all threads of the process, flush included; median [lower quartile, upper quartile].",
        f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()},"
        f" opentelemetry-sdk {version('opentelemetry-sdk')}, otel-verein {version('otel-verein')}.",
        "`-`: the base takes less than 5 µs, so a ratio over it says nothing.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="measured rounds, 7 or more (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single measurement, in µs")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as a page")
    given = parser.parse_args()
    if given.rounds < 7:
        parser.error("--rounds must be 7 or more: fewer give no spread worth reading")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    paired = beside_the_driver()
    raw = measure(given.rounds)
    facts = conditions(given.rounds)
    print(text(raw, paired, facts))
    if given.json:
        given.json.write_text(
            json.dumps({"conditions": facts, "us_per_query": paired, "us_per_operation": raw}, indent=1) + "\n"
        )
    if given.markdown:
        command = f'make bench ARGS="--rounds {given.rounds} --markdown docs/reference/overhead.md"'
        given.markdown.write_text(markdown(raw, paired, facts, command))


if __name__ == "__main__":
    main()
