"""A shop in real worker processes under our SDK that sends to a collector, and the numbers of what was asked of it."""

from __future__ import annotations

import http.client
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

from tests.e2e.collector_agent import Agent
from tests.e2e.launch import Server, await_workers, gunicorn
from tests.services.ports import LOOPBACK

RATIO = 0.1
WORKERS = 3
CLIENTS = 4
PER_CONNECTION = 10
_PATIENT = {"duration_s": 60, "duration_critical_s": 120, "db_duration_s": 60, "db_duration_critical_s": 120}
OPTIONS = {
    "sampling.ratio": RATIO,
    **{f"thresholds.{name}": seconds for name, seconds in _PATIENT.items()},
    "thresholds.operations": [
        {"operation": "GET /slow/*", "duration_s": 0.01, "duration_critical_s": 0.02},
        {"operation": "GET /wide/*", "queries": 5},
    ],
}
"""Budgets that no page passes because the machine is busy, and two that the pages for it always pass."""


@dataclass(frozen=True)
class Page:
    """A page, and what our SDK has to make of each request for it."""

    path: str
    operation: str
    share: float
    queries: int
    tier: str
    breach: str | None = None
    fails: bool = False


LOOP = Page("/loop/20", "GET /loop/<int:repeats>", 0.04, 21, "medium", "n_plus_one")
FAIL = Page("/fail/2", "GET /fail/<int:queries>", 0.04, 2, "long", "error", fails=True)
SLOW = Page("/slow/30", "GET /slow/<int:milliseconds>", 0.02, 0, "long", "duration")
WIDE = Page("/wide/6", "GET /wide/<int:queries>", 0.02, 6, "medium", "queries")
PLAIN = Page("/plain/3", "GET /plain/<int:queries>", 0.88, 3, "short")
PAGES = (LOOP, FAIL, SLOW, WIDE, PLAIN)


@dataclass(frozen=True)
class Asked:
    """The requests by number, the trace ids of those that were told theirs, and the workers that served them."""

    pages: Sequence[Page]
    trace_ids: dict[int, str]
    workers: set[int]

    @cached_property
    def counts(self) -> Counter[Page]:
        """Requests of each page."""
        return Counter(self.pages)

    @property
    def queries(self) -> int:
        """The queries of all requests."""
        return sum(page.queries for page in self.pages)

    def numbers(self, *pages: Page) -> set[int]:
        """The numbers of the requests for *pages*."""
        return {number for number, page in enumerate(self.pages) if page in pages}


def ask(agent: Agent, requests: int, seed: int = 1) -> Asked:
    """Start the shop, ask it for pages in an order of chance, and end it as an operator does."""
    pages = [page for page in PAGES for _ in range(round(page.share * requests))]
    random.Random(seed).shuffle(pages)
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": agent.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": "shop",
        "VEREIN_CONFIG": str(agent.options),
    }
    command = gunicorn("-w", str(WORKERS), "--threads", "2", "--keep-alive", "30", app="collector_site:app")
    with Server(command, agent.directory, environment) as server:
        await_workers(server.process.pid)
        with ThreadPoolExecutor(CLIENTS) as pool:
            parts = pool.map(lambda first: list(_client(server, pages, first)), range(CLIENTS))
            told = {number: text for part in parts for number, text in part}
        assert server.terminate() == 0, server.output
    trace_ids = {number: text.split()[0] for number, text in told.items()}
    return Asked(pages, trace_ids, {int(text.split()[1]) for text in told.values()})


def _client(server: Server, pages: Sequence[Page], first: int) -> Iterator[tuple[int, str]]:
    """Ask for every fourth page, some on each connection; the number and answer of each that does not fail."""
    mine = range(first, len(pages), CLIENTS)
    for begin in range(0, len(mine), PER_CONNECTION):
        with closing(http.client.HTTPConnection(LOOPBACK, server.port, timeout=30)) as connection:
            for number in mine[begin : begin + PER_CONNECTION]:
                connection.request("GET", f"{pages[number].path}?number={number}")
                answer = connection.getresponse()
                body = answer.read().decode()
                assert answer.status == (500 if pages[number].fails else 200), body
                if answer.status == 200:
                    yield number, body
