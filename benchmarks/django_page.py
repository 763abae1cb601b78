"""CPU that watching adds to a Django page with five PostgreSQL queries: otel-verein, OTel SDK, and other agents.

The page is served in the process through Django's WSGI application, without a server before it. Every generation
starts all processes anew, since what one process costs more than its twin is partly chance and stays for its life.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django_agents import DJANGO_AGENTS
from django_worker import QUERIES
from figures import Spread, Target, spread
from sections import RESULTS, Row, Section, machine, publish
from workers import Worker, WorkerEnded, on_one_processor

LABELS = {
    "bare": "bare Django",
    "verein": "otel-verein, by its distro, 0.1 kept",
    "middleware": "OTel SDK, always_off, Django's instrumentation alone",
    "always_off": "OTel SDK, always_off",
    "always_on": "OTel SDK, always_on, batch OTLP",
}
LIMIT_PERCENT = 5.0
SLICES = 5
Raw = dict[str, list[float]]


@contextlib.contextmanager
def database(given: str | None) -> Iterator[str]:
    """The address of an empty PostgreSQL database: the given one, or that of a server of the tests."""
    if given is not None:
        yield given
        return
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.services import Postgres, ServiceAbsent

    try:
        server = Postgres()
    except ServiceAbsent as absent:
        raise SystemExit(f"error: {absent}") from None
    with server:
        yield server.url


def environment(name: str, dsn: str, sink: dict[str, int], files: Path) -> dict[str, str]:
    """What the process of a variant finds in its environment; that of otel-verein is set up as `run` does it."""
    plain = {
        "BENCH_DSN": dsn,
        "BENCH_SINK": f"http://127.0.0.1:{sink.get('http')}",
        "BENCH_SCOUT": f"tcp://127.0.0.1:{sink.get('scout')}",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
    }
    if name in DJANGO_AGENTS:
        agent = DJANGO_AGENTS[name]
        return plain | {"BENCH_APP": agent.app, "BENCH_MIDDLEWARE": agent.middleware}
    if name != "verein":
        return plain
    from otel_verein.cli.run import prepared_environment

    # A busy process exports by its interval about once in a round; here each round ends with an export.
    return prepared_environment(plain | {"VEREIN_EXPORT_DIRECTORY": str(files), "VEREIN_EXPORT_INTERVAL_S": "60"})


class Served:
    """A process that serves the page, watched as *name* says, with a sink of its own; *stack* ends both."""

    def __init__(self, name: str, dsn: str, environments: Path | None, stack: contextlib.ExitStack) -> None:
        self.name = name
        self._sink = stack.enter_context(Worker("sink.py"))
        files = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="verein-bench-")))
        python = sys.executable
        if name in DJANGO_AGENTS:
            python = str((environments or Path()) / DJANGO_AGENTS[name].environment / "bin" / "python")
        if not Path(python).exists():
            raise WorkerEnded(f"{name} has no environment of its own, which `make bench-agents` makes")
        environ = environment(name, dsn, self._sink.read(), files)
        self._worker = stack.enter_context(Worker("django_worker.py", name, python=python, environ=environ))
        self.facts = self._worker.read()
        self._pages = 2

    def serve(self, pages: int) -> None:
        self._worker.ask(str(pages))
        self._pages += pages

    def flush(self) -> int:
        """CPU nanoseconds of everything since the last flush."""
        return self._worker.ask("flush")["cpu_ns"]

    def check_work(self) -> None:
        """Refuse figures of a variant that did not see every page with its queries."""
        known, received = self._worker.ask("finish"), self._sink.ask("count")
        if self.name == "verein":
            found = known["operations_counted"], known["queries_counted"]
        elif self.name in ("bare", "middleware", "always_off"):
            return
        else:
            counts = known if self.name == "newrelic" else received
            found = counts.get("operations", 0), counts.get("spans", 0)
        # Agents make spans of middleware and templates, too: theirs are more.
        exact = self.name not in DJANGO_AGENTS
        wanted = self._pages, self._pages * QUERIES
        if found[0] != wanted[0] or found[1] < wanted[1] or (exact and found != wanted):
            raise WorkerEnded(f"did not do the work that was measured: {found}, not {wanted} pages and queries")
        print(f"{self.name}: {found[0]} pages with {found[1]} queries and other spans", file=sys.stderr)


def generation(names: list[str], dsn: str, environments: Path | None, rounds: int, pages: int) -> tuple[Raw, int]:
    """*rounds* measurements of new processes, in µs per page, and the bytes of the page."""
    raw: Raw = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        served = [Served(name, dsn, environments, stack) for name in names]
        if len({one.facts["bytes"] for one in served}) != 1:
            raise SystemExit(f"error: the page is not the same for all: { {one.name: one.facts for one in served} }")
        for number in range(rounds + 1):
            for slice_number in range(SLICES):
                # Every other slice backwards, so that no variant always follows the same one.
                for one in served if slice_number % 2 else reversed(served):
                    one.serve(pages // SLICES)
            for one in served:
                cpu_ns = one.flush()
                if number:
                    raw[one.name].append(round(cpu_ns / pages / 1000, 2))
        for one in served:
            one.check_work()
        return raw, served[0].facts["bytes"]


def percent(raw: Raw, name: str) -> Spread:
    """What the variant adds to the bare page of the same round, in percent of it."""
    return spread([100 * (one / bare - 1) for one, bare in zip(raw[name], raw["bare"], strict=True)])


def section(raw: Raw, size: int, given: argparse.Namespace) -> Section:
    """The table and the verdict."""
    generations, rounds, pages = given.generations, given.rounds, given.pages
    options = f"--generations {generations} --rounds {rounds} --pages {pages}"
    if given.agents:
        options += " --agents .venv-agents"
    labels = {**LABELS, **{name: agent.label for name, agent in DJANGO_AGENTS.items()}}
    rows: list[Row] = [("variant", "n", "µs per page", "µs added", "% added")]
    for name, values in raw.items():
        added = spread([one - bare for one, bare in zip(values, raw["bare"], strict=True)])
        rest = ("", "") if name == "bare" else (str(added), str(percent(raw, name)))
        rows.append((labels[name], str(len(values)), str(spread(values)), *rest))
    ours = percent(raw, "verein")
    target = Target(f"less than {LIMIT_PERCENT:g} % of the page's CPU time", f"{ours} %", ours.median < LIMIT_PERCENT)
    return Section(
        "django_page",
        "A Django page with 5 PostgreSQL queries",
        f'make bench-django ARGS="{options}"',
        [
            f"A page of {size} bytes: session, user, category, 24 products by template, their number.",
            f"{generations} generations of new processes, each of {rounds} rounds of {pages} pages after a warm-up.",
            f"Within a round the variants take turns on one processor, {pages // SLICES} pages at a time.",
            "A round is compared with the bare one beside it.",
            "CPU time of all threads of the process, that of PostgreSQL not; median [quartiles].",
            f"otel-verein is started as `otel-verein run` starts it, and all export once in {pages} pages.",
            *(["The other agents keep every page, but newrelic, which decides itself."] if given.agents else []),
            machine(),
        ],
        [("Cost of one page", rows)],
        [str(target)],
        {"us_per_page": raw},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--generations", type=int, default=4, help="times that all processes start (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=8, help="measured rounds of each (default: %(default)s)")
    parser.add_argument("--pages", type=int, default=200, help=f"pages of a round, by {SLICES} (default: %(default)s)")
    parser.add_argument("--agents", type=Path, metavar="DIRECTORY", help="measure those with environments there, too")
    parser.add_argument("--only", nargs="+", choices=tuple(DJANGO_AGENTS), default=tuple(DJANGO_AGENTS))
    parser.add_argument("--dsn", help="an empty PostgreSQL database (default: a server of the tests)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIRECTORY", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page anew from all results")
    given = parser.parse_args()
    if given.pages % SLICES or given.generations * given.rounds < 2:
        parser.error(f"--pages must be a multiple of {SLICES}, and two rounds are the fewest that have a spread")
    names = [*LABELS, *(given.only if given.agents else ())]
    raw: Raw = {name: [] for name in names}
    with database(given.dsn) as dsn:
        on_one_processor()  # after the server, which has the other one
        try:
            with Worker("django_worker.py", "prepare", environ=environment("bare", dsn, {}, Path())) as worker:
                worker.read()
            for number in range(given.generations):
                print(f"generation {number + 1} of {given.generations}", file=sys.stderr, flush=True)
                found, size = generation(names, dsn, given.agents, given.rounds, given.pages)
                for name, values in found.items():
                    raw[name] += values
        except WorkerEnded as ended:
            raise SystemExit(f"error: {ended}") from None
    publish(section(raw, size, given), given.results, given.markdown)


if __name__ == "__main__":
    main()
