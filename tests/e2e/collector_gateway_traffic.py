"""All kinds of traffic through one gateway at once, and what became of it.

``ours`` goes through three services under our SDK. ``strict`` and ``lax`` are of services without it, which sampled for
themselves before, a smaller and a larger share than the gateway does. Of ``late`` the fault comes first and the root
after the decision; of ``too_late`` it is the other way round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.collector_gateway_run import Gateway, gateway
from tests.e2e.collector_gateway_shop import KINDS, PATIENT, shop
from tests.services.exposition import Sample, scrape, total
from tests.services.otlp_load import Load, Request, Traffic
from tests.services.otlp_metric_load import MetricLoad
from tests.services.otlp_sender import Sender, Sending
from tests.services.process import wait_until

RATIO = 0.1
SHARES = {"strict": 0.05, "lax": 0.5}
FOREIGN_TIERS = {"critical": "medium", "warning": "short", "n_plus_one": "short"}
"""Without our SDK there is only status and duration to go by; a trace of "critical" takes three seconds."""
LOADS = {
    "ours": Load(
        Traffic(1000, services=3, instances=2, collector_decides=True, spread=60, spans_per_request=100, seed=7)
    ),
    "strict": Load(Traffic(5000, services=2, ours=False, ratio=SHARES["strict"], spread=60, seed=8)),
    "lax": Load(Traffic(1000, services=2, ours=False, ratio=SHARES["lax"], spread=60, spans_per_request=100, seed=9)),
    "late": Load(Traffic(300, services=2, collector_decides=True, seed=10)),
    "too_late": Load(Traffic(300, services=2, collector_decides=True, seed=11)),
}
_OPTIONS = {
    **PATIENT,
    "thresholds.duration_s": 2,
    "sampling.ratio": RATIO,
    "collector.decision_wait_s": 4,  # services of a busy machine have to export within the shorter one of the two
    "collector.decision_wait_after_root_s": 3,
}


@dataclass
class Outcome:
    """What the gateway has in its files, and what Prometheus scraped from it."""

    gateway: Gateway
    samples: list[Sample]
    own: list[Sample]
    """What the gateway says of itself."""
    visits: Mapping[str, list[str]]
    """By kind of page, the traces of the shop."""

    def scraped(self, name: str, **labels: str) -> float:
        """The sum of a series."""
        return total(self.samples, name, labels)


def run(directory: Path, record_policy: bool) -> Iterator[Outcome]:
    """Send everything through a gateway; yields once, while it still runs."""
    directory.mkdir()
    options = {**_OPTIONS, "collector.record_policy": record_policy}
    with gateway(directory / "gateway", options) as running:
        with shop(directory, running.url, {"VEREIN_SAMPLING_RATIO": str(RATIO)}) as services:
            traces = _first(running)
            visits = services.visit(KINDS)
        running.await_decisions(traces + sum(KINDS.values()))
        for name, service in (("late", 0), ("too_late", 1)):
            send(running, of_service(LOADS[name], service))
        _send_metrics(running)
        yield Outcome(running, _scraped_when_counted(running), running.collector.samples(), visits)


def send(running: Gateway, requests: Iterable[Request]) -> None:
    """Send *requests*; every one has to be taken at once."""
    sent = Sender(running.url, requests, Sending(connections=2)).run()
    assert {200: sent.requests} == dict(sent.answers)


def of_service(load: Load, service: int) -> Iterator[Request]:
    """The requests of one service."""
    for (process, _), request in zip(load.batches(), load.requests(), strict=True):
        if load.processes[process][0] == service:
            yield request


def weighted(load: Load) -> tuple[Counter[str], Counter[str]]:
    """What the spans of a load without our SDK stand for: operations by name, queries by service."""
    calls: Counter[str] = Counter()
    queries: Counter[str] = Counter()
    weight = round(1 / load.traffic.ratio)
    for trace in load.traces():
        for part in load.kept(trace):
            calls[f"GET /service-{part.service}/{part.kind}/{{id}}"] += weight
            queries[f"legacy-{part.service}"] += weight * part.queries
    return calls, queries


def _first(running: Gateway) -> int:
    """Send what is not late; how many traces that is."""
    for name in ("ours", "strict", "lax"):
        send(running, LOADS[name].requests())
    send(running, of_service(LOADS["late"], 1))
    send(running, of_service(LOADS["too_late"], 0))
    return sum(load.truth().traces.total() for load in LOADS.values())


def _send_metrics(running: Gateway) -> None:
    sent = Sender(running.url, MetricLoad(LOADS["ours"]).requests(), Sending(connections=1), path="/v1/metrics").run()
    assert {200: sent.requests} == dict(sent.answers)


def _scraped_when_counted(running: Gateway) -> list[Sample]:
    """The samples once what is counted here has been handed on, which is every few seconds."""
    calls = sum((weighted(LOADS[name])[0] for name in SHARES), Counter())
    url = f"http://{running.config.collector.prometheus_endpoint}/metrics"
    every = {"span_kind": "SPAN_KIND_SERVER"}

    def counted() -> bool:
        found = scrape(url)
        of_load = total(found, "traces_span_metrics_calls_total", every, absent=0)
        return of_load >= calls.total() + sum(KINDS.values())

    wait_until(counted, 15, every=0.2)
    return scrape(url)
