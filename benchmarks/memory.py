"""What watching takes in memory: a watched process against a bare one, after many and after very many operations.

Both run the same operations: sixty routes, five queries each, one of them with a text that never comes twice, every
fiftieth with an N+1 and every two hundredth with an error. Each process is read by the kernel's own accounts.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from figures import Target
from sections import RESULTS, Row, Section, machine, publish
from workers import Worker, WorkerEnded, on_one_processor
from workload import DISTINCT, database

LABELS = {
    "bare": "bare sqlite3",
    "asyncio": "bare sqlite3, asyncio and ssl imported",
    "files": "otel-verein, to files",
    "otlp": "otel-verein, to OTLP",
    "always_off": "OTel SDK, always_off",
}
ROUTES = 60
LIMIT_MB, GROWTH_MB = 20.0, 2.0
KINDS = {"rss": "Rss", "pss": "Pss", "uss": "Private"}
Read = dict[str, float]


def memory_mb() -> Read:
    """Megabytes of this process: resident, its share of what is shared, and its own alone."""
    gc.collect()
    found = dict.fromkeys(KINDS, 0.0)
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        for kind, prefix in KINDS.items():
            if name == prefix or (prefix == "Private" and name in ("Private_Clean", "Private_Dirty")):
                found[kind] += int(rest.split()[0]) / 1024
    return {kind: round(mb, 2) for kind, mb in found.items()}


class Watched:
    """Operations of one variant in this process."""

    def __init__(self, name: str, endpoint: str, directory: Path) -> None:
        self._directory = directory
        self._provider: Any = None
        if name in ("files", "otlp"):
            from otel_verein.distro import set_up

            otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
            self._provider = set_up({"VEREIN_EXPORT_DIRECTORY": str(directory)} if name == "files" else export(otlp))
        elif name == "asyncio":
            import asyncio  # noqa: F401  # what web frameworks, many drivers and wrapt bring along anyway
            import ssl  # noqa: F401
        elif name == "always_off":
            from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

            self._provider = TracerProvider(sampler=ALWAYS_OFF)
            SQLite3Instrumentor().instrument(tracer_provider=self._provider)
        self._tracer = None if self._provider is None else self._provider.get_tracer("bench")

    def operation(self, number: int) -> Any:
        if self._tracer is None:
            return nullcontext()
        from opentelemetry.trace import SpanKind

        route = f"/shop{number % ROUTES}/{{id}}"
        return self._tracer.start_as_current_span(
            f"GET {route}", kind=SpanKind.SERVER, attributes={"http.route": route, "http.request.method": "GET"}
        )

    def export(self) -> None:
        """Bring out what waits, and remove the files that are complete, as a shipper would."""
        if self._provider is not None:
            self._provider.force_flush()
        for path in self._directory.glob("*/*.jsonl"):
            path.unlink()

    def close(self) -> None:
        if self._provider is not None:
            self._provider.shutdown()


def export(variables: dict[str, str]) -> dict[str, str]:
    """*variables*, which the exporters of OpenTelemetry read from the environment of the process."""
    import os

    os.environ.update(variables)
    return variables


def work(connection: Any, watched: Watched, number: int) -> None:
    """The operation of that number."""
    try:
        with watched.operation(number):
            run(connection, f"SELECT price FROM item1 WHERE id = {number}")
            for index in range(4):
                run(connection, DISTINCT[(number + index) % len(DISTINCT)], (index,))
            if number % 50 == 0:
                for index in range(20):
                    run(connection, DISTINCT[number % 7], (index,))
            if number % 200 == 0:
                raise LookupError(number)
    except LookupError:
        pass


def run(connection: Any, statement: str, values: tuple[int, ...] = ()) -> None:
    """One query, as ORMs do it."""
    cursor = connection.cursor()
    cursor.execute(statement, values)
    cursor.fetchone()


def serve(name: str, endpoint: str) -> None:
    """Do as many operations as a line says, then answer with the memory."""
    done = 0
    with tempfile.TemporaryDirectory(prefix="verein-bench-") as directory:
        watched = Watched(name, endpoint, Path(directory))
        with closing(database()) as connection, closing(watched):
            for line in sys.stdin:
                for number in range(done, int(line)):
                    work(connection, watched, number)
                    if number % 1000 == 0:
                        watched.export()
                done = int(line)
                watched.export()
                print(json.dumps(memory_mb()), flush=True)


def measure(counts: list[int]) -> dict[str, list[Read]]:
    """The memory of every variant after each of *counts* operations."""
    found: dict[str, list[Read]] = {}
    for name in LABELS:
        with Worker("sink.py") as sink:
            endpoint = f"http://127.0.0.1:{sink.read()['http']}"
            with Worker("memory.py", "--worker", name, endpoint) as worker:
                found[name] = []
                for count in counts:
                    print(f"{name}: {count} operations", file=sys.stderr, flush=True)
                    found[name].append(worker.ask(str(count)))
    return found


def over_bare(found: dict[str, list[Read]], name: str, kind: str) -> list[float]:
    """Megabytes of that kind on top of the bare process, after the same operations."""
    return [read[kind] - bare[kind] for read, bare in zip(found[name], found["bare"], strict=True)]


def tables(found: dict[str, list[Read]], counts: list[int]) -> list[tuple[str, list[Row]]]:
    """A table for each kind of memory."""
    result: list[tuple[str, list[Row]]] = []
    for kind, meaning in (("rss", "Resident memory"), ("uss", "Memory of its own alone (private pages)")):
        rows: list[Row] = [("variant", *(f"{count} operations" for count in counts), "over bare", "growth over bare's")]
        for name, reads in found.items():
            over = over_bare(found, name, kind)
            rest = ("", "") if name == "bare" else (f"{over[-1]:.1f} MB", f"{over[-1] - over[1]:+.1f} MB")
            rows.append((LABELS[name], *(f"{read[kind]:.1f} MB" for read in reads), *rest))
        result.append((meaning, rows))
    return result


def targets(found: dict[str, list[Read]], counts: list[int]) -> list[Target]:
    """How much otel-verein may take over the bare process, and how little that may grow."""
    result = []
    for name in ("files", "otlp"):
        over, what = over_bare(found, name, "rss"), LABELS[name]
        grown = over[-1] - over[1]
        result += [
            Target(
                f"{what}: at most {LIMIT_MB:g} MB over bare at {counts[1]}", f"{over[1]:.1f} MB", over[1] <= LIMIT_MB
            ),
            Target(f"{what}: flat to {counts[-1]} (< {GROWTH_MB:g} MB)", f"{grown:+.1f} MB", grown < GROWTH_MB),
        ]
    return result


def section(found: dict[str, list[Read]], counts: list[int]) -> Section:
    """Tables by kind of memory, and the verdicts on what is resident."""
    return Section(
        "memory",
        "Memory",
        f'make bench-memory ARGS="--operations {" ".join(map(str, counts))}"',
        [
            f"One process each; {ROUTES} routes, 5 queries an operation, one of them a text that never comes twice.",
            "Every 50th operation has an N+1 of 20 queries, every 200th an error; of the others 0.1 are kept.",
            "What is kept leaves after every 1000 operations; complete files are removed, as a shipper would.",
            "Figures are of the kernel (smaps_rollup), after a full garbage collection; n is 1 process of each kind.",
            machine(),
        ],
        tables(found, counts),
        [str(target) for target in targets(found, counts)],
        {"mb": found, "operations": counts},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, nargs=3, default=[10_000, 100_000, 1_000_000], metavar="COUNT")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIRECTORY", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page anew from all results")
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "ENDPOINT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        serve(*given.worker)
        return
    on_one_processor()
    try:
        found = measure(given.operations)
    except WorkerEnded as ended:
        raise SystemExit(f"error: {ended}") from None
    publish(section(found, given.operations), given.results, given.markdown)


if __name__ == "__main__":
    main()
