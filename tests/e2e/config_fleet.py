"""Processes whose configuration changes under load: what each says it runs, and what its operations were judged by."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from otel_verein.config.layers import resolve
from tests import segments
from tests.e2e.launch import Answer, Server
from tests.services.process import wait_until

SITE = "config_site:app"
WITHIN_S = 5.0
"""How long a change may take until it is in force."""

QUERIES = 5
"""Equal queries of an operation: past the budget of STRICT, within that of LENIENT."""

LENIENT = "sampling: {ratio: 1}\nn_plus_one: {repeats: 1000, certain_repeats: 1000}\n"
STRICT = f"{LENIENT}thresholds: {{queries: 4}}\n"
OVER_QUERIES = ("queries",)
"""What STRICT says of an operation, and LENIENT does not."""
REPEATED = ("n_plus_one",)

BY_BUDGET = """\
sampling: {ratio: 0}
thresholds: {queries: 4, duration_s: 60, duration_critical_s: 90}
n_plus_one: {repeats: 1000, certain_repeats: 1000}
"""
BY_REPEATS = """\
sampling: {ratio: 0}
thresholds: {queries: 1000, queries_critical: 2000, duration_s: 60, duration_critical_s: 90}
n_plus_one: {repeats: 3, certain_repeats: 3}
"""
"""Each of the two has one thing to say of five equal queries, and not the same: a mix would say both, or nothing."""


def write(file: Path, text: str) -> int:
    """Put *text* in the place of *file* at once; the time at which it was there, in nanoseconds since the epoch."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text)
    os.replace(beside, file)
    return time.time_ns()


def digest_of(text: str, directory: Path) -> str:
    """What a process in *directory* says of itself while it runs *text*."""
    return resolve({}, directory, data=text.encode(), override_data=b"").digest


class Load:
    """Clients that ask for all of *paths* over and over, each time on a new connection; a context manager.

    Every worker serves if there are as many *clients* as workers and an answer takes a while.
    """

    def __init__(self, server: Server, clients: int, *paths: str) -> None:
        self._server = server
        self._paths = paths
        self._clients = clients
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._running: list[Future[None]] = []
        self.answers: list[Answer] = []

    def __enter__(self) -> Load:
        self._running = [self._pool.submit(self._ask) for _ in range(self._clients)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for client in self._running:
            client.result(30)
        self._pool.shutdown()

    @property
    def workers(self) -> set[int]:
        """The processes that have answered."""
        return {answer.pid for answer in list(self.answers)}

    def await_each(self, workers: set[int]) -> None:
        """Return when each of *workers*, which do one request at a time, has begun one after this call and ended it."""
        before = Counter(answer.pid for answer in list(self.answers))
        again = before + Counter(dict.fromkeys(workers, 2))
        reached = wait_until(lambda: Counter(answer.pid for answer in list(self.answers)) >= again, 20)
        assert reached, "a worker does not answer any more"

    def _ask(self) -> None:
        while not self._over.is_set():
            number = len(self.answers)
            self.answers.append(self._server.get(number, self._paths[number % len(self._paths)]))


@dataclass(frozen=True)
class Said:
    """What a process said of its configuration, and when."""

    pid: int
    digest: str
    state: str
    at_ns: int


def said(directory: Path) -> list[Said]:
    """Everything that the processes in *directory* said, in order."""
    found = []
    for line in segments.lines(directory / ".verein/otlp", "metrics"):
        for resource in line["resourceMetrics"]:
            pid = segments.attributes(resource["resource"])["process.pid"]
            for scope in resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    if metric["name"] == "verein.config.info":
                        (point,) = metric["gauge"]["dataPoints"]
                        told = segments.attributes(point)
                        digest, state = told["verein.config.digest"], told["verein.config.state"]
                        found.append(Said(pid, digest, state, int(point["timeUnixNano"])))
    return sorted(found, key=lambda each: each.at_ns)


def running(directory: Path) -> dict[int, tuple[str, str]]:
    """Digest and state that each process named last."""
    return {each.pid: (each.digest, each.state) for each in said(directory)}


def await_in_force(directory: Path, text: str, workers: int, state: str = "in_force") -> None:
    """Return when all of so many *workers* say that they run *text*; fails if one does not within a generous time."""
    wanted = (digest_of(text, directory), state)
    reached = wait_until(lambda: [wanted] * workers == list(running(directory).values()), 20, 0.1)
    assert reached, f"not all in force as {wanted}: {running(directory)}"


def changes(directory: Path) -> dict[int, Counter[str]]:
    """How many changes each process took over and refused."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for line in segments.lines(directory / ".verein/otlp", "metrics"):
        for resource in line["resourceMetrics"]:
            pid = segments.attributes(resource["resource"])["process.pid"]
            for scope in resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    if metric["name"] == "verein.config.changes":
                        for point in metric["sum"]["dataPoints"]:
                            outcome = segments.attributes(point)["verein.config.outcome"]
                            found[pid][outcome] += int(point["asInt"])
    return dict(found)


@dataclass(frozen=True)
class Judged:
    """One kept operation: where and when it ran, and the budgets it broke."""

    pid: int
    name: str
    started_ns: int
    ended_ns: int
    breaches: tuple[str, ...]


def judged(directory: Path) -> dict[int, list[Judged]]:
    """The kept operations of each process, in the order in which they began."""
    found: dict[int, list[Judged]] = defaultdict(list)
    for resource, span in segments.spans(directory / ".verein/otlp"):
        told = segments.attributes(span)
        if "verein.keep_reason" in told:
            pid = resource["process.pid"]
            begun, ended = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
            found[pid].append(Judged(pid, span["name"], begun, ended, tuple(told.get("verein.breach", ()))))
    return {pid: sorted(each, key=lambda one: one.started_ns) for pid, each in found.items()}


def taken_over_s(found: dict[int, list[Judged]], changed_ns: int) -> list[float]:
    """How long after a change to STRICT the first operation that it judged began in each process, in seconds, sorted.

    Fails where a process judged otherwise once more after that.
    """
    took = []
    for operations in found.values():
        after = [one for one in operations if one.started_ns > changed_ns]
        new = [one for one in after if one.breaches == OVER_QUERIES]
        assert new, "never judged by the changed configuration"
        assert after[-len(new) :] == new, "judged by the configuration of before, after the changed one"
        took.append((new[0].started_ns - changed_ns) / 1e9)
    return sorted(took)
