"""A real Jaeger behind the collector: the traces that matter are read back from it whole, the others stay in files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import segments
from tests.conftest import absent
from tests.e2e.collector_agent import agent
from tests.e2e.collector_gateway_run import gateway
from tests.e2e.collector_gateway_shop import KINDS, PATIENT, SERVICES, TIERS, shop
from tests.e2e.collector_shop import LOOP, OPTIONS, PLAIN, RATIO, Asked, Page, ask
from tests.segments import Json
from tests.services.jaeger import Jaeger
from tests.services.otlp_load import sampled
from tests.services.process import ServiceAbsent, wait_until

WAIT_S = 30
SUMMARY = {
    "aggregation.is_summary", "aggregation.span_count", "aggregation.duration_min_ns", "aggregation.duration_max_ns",
    "aggregation.duration_avg_ns", "aggregation.duration_total_ns", "aggregation.duration_median_ns",
    "aggregation.histogram_bucket_bounds_s", "aggregation.histogram_bucket_counts",
}  # fmt: skip


@pytest.fixture(scope="module")
def jaeger() -> Iterator[Jaeger]:
    """A Jaeger of these tests, each of which has services of its own."""
    try:
        server = Jaeger()
    except ServiceAbsent as missing:
        absent(str(missing))
    with server:
        yield server


@dataclass(frozen=True)
class Span:
    """A span as Jaeger has it."""

    span_id: str
    parent: str
    service: str
    tags: dict[str, Any]


def spans_of(trace: Json) -> list[Span]:
    """The spans of a trace that Jaeger answered with."""
    return [
        Span(
            span["spanID"],
            next((to["spanID"] for to in span["references"] if to["refType"] == "CHILD_OF"), ""),
            trace["processes"][span["processID"]]["serviceName"],
            {tag["key"]: tag["value"] for tag in span["tags"]},
        )
        for span in trace["spans"]
    ]


def faults(spans: Sequence[Span]) -> list[str]:
    """What is missing of a trace: parents, and queries that a root counted."""
    ids = {span.span_id for span in spans}
    found = [f"no parent of {span}" for span in spans if span.parent and span.parent not in ids]
    if len(ids) != len(spans):
        found.append("a span twice")
    for service in {span.service for span in spans}:
        tags = [span.tags for span in spans if span.service == service]
        counted = sum(each.get("verein.db.query_count", 0) for each in tags)
        there = sum(each.get("aggregation.span_count", 1) for each in tags if "verein.db.fingerprint" in each)
        if counted != there:
            found.append(f"{service} ran {counted} queries, of which {there} are there")
    return found


def read_back(jaeger: Jaeger, service: str, traces: int) -> dict[str, list[Span]]:
    """The spans of every trace of *service* by id, once there are as many as *traces*, or time is up."""
    wait_until(lambda: len(jaeger.traces(service)) >= traces, WAIT_S, every=0.3)
    return {trace["traceID"]: spans_of(trace) for trace in jaeger.traces(service)}


def of_files(directory: Path) -> dict[str, set[str]]:
    """The traces of each tier in the files."""
    found: dict[str, set[str]] = {}
    for _, span in segments.spans(directory):
        found.setdefault(segments.attributes(span)["verein.tier"], set()).add(span["traceId"])
    return found


def summaries(traces: dict[str, list[Span]]) -> list[dict[str, Any]]:
    """What the summary spans of *traces* say of themselves."""
    tags = [span.tags for spans in traces.values() for span in spans if "aggregation.is_summary" in span.tags]
    return [{key: value for key, value in each.items() if key.startswith("aggregation.")} for each in tags]


@dataclass(frozen=True)
class Shopped:
    """What a shop under our SDK was asked, and where its traces are."""

    asked: Asked
    found: dict[str, list[Span]]
    """In Jaeger."""
    filed: dict[str, set[str]]

    @property
    def due(self) -> dict[Page, int]:
        """How often a page was asked for that is kept as long or medium."""
        return {page: count for page, count in self.asked.counts.items() if page is not PLAIN}


@pytest.fixture(scope="module")
def shopped(jaeger: Jaeger, tmp_path_factory: pytest.TempPathFactory) -> Shopped:
    """A shop that sends through an agent."""
    options = OPTIONS | {"backends.jaeger_endpoint": jaeger.grpc_endpoint}
    with agent(tmp_path_factory.mktemp("jaeger") / "agent", ["jaeger"], options) as running:
        asked = ask(running, 200)
        found = read_back(jaeger, "shop", sum(count for page, count in asked.counts.items() if page is not PLAIN))
        running.collector.stop()
        return Shopped(asked, found, of_files(running.otlp))


def test_jaeger_has_what_processes_kept_as_long_and_medium(shopped: Shopped) -> None:
    """Behind an agent, each trace with an error, a breach or an N+1 is there whole."""
    found = shopped.found
    names = Counter(root.tags["http.route"] for spans in found.values() for root in spans if not root.parent)
    tiers = {frozenset(span.tags["verein.tier"] for span in spans) for spans in found.values()}
    told = {shopped.asked.trace_ids.get(number) for number in shopped.asked.numbers(*shopped.due)} - {None}

    assert {page.operation.removeprefix("GET "): count for page, count in shopped.due.items()} == dict(names)
    assert {} == {trace: wrong for trace, spans in found.items() if (wrong := faults(spans))}
    assert {frozenset({"long"}), frozenset({"medium"})} == tiers
    assert told <= found.keys()


def test_the_sampled_rest_stays_in_files(shopped: Shopped) -> None:
    """Jaeger has one time to live for all, so short traces are not there; files have them, and nothing else."""
    assert {"short"} == shopped.filed.keys()
    assert shopped.filed["short"].isdisjoint(shopped.found)
    assert len(shopped.filed["short"]) <= shopped.asked.counts[PLAIN]


def test_summary_spans_keep_all_they_say(shopped: Shopped) -> None:
    """The summary of an N+1 has every ``aggregation.*`` attribute in Jaeger, and stands for the queries it merged."""
    loops = {shopped.asked.trace_ids[number] for number in shopped.asked.numbers(LOOP)}
    said = summaries({trace: shopped.found[trace] for trace in loops})

    assert shopped.asked.counts[LOOP] == len(said)
    for each in said:
        assert each.keys() == SUMMARY
        assert each["aggregation.is_summary"] is True
        assert 1 < each["aggregation.span_count"] <= LOOP.queries
        assert each["aggregation.duration_min_ns"] <= each["aggregation.duration_median_ns"]
        assert each["aggregation.duration_max_ns"] <= each["aggregation.duration_total_ns"]


def test_jaeger_has_traces_across_services_whole(jaeger: Jaeger, tmp_path: Path) -> None:
    """Behind a gateway: what is wrong in any of three services is there with all three; the rest only in files."""
    waits = {"collector.decision_wait_s": 4, "collector.decision_wait_after_root_s": 3}
    options = {**PATIENT, **waits, "sampling.ratio": RATIO, "backends.jaeger_endpoint": jaeger.grpc_endpoint}
    with gateway(tmp_path / "gateway", options, ["jaeger"]) as running:
        with shop(tmp_path, running.url, {"VEREIN_SAMPLING_RATIO": str(RATIO)}) as services:
            visits = services.visit(KINDS)
        running.await_decisions(sum(KINDS.values()))
        due = {trace: TIERS[kind] for kind, traces in visits.items() for trace in traces if TIERS[kind] != "short"}
        found = read_back(jaeger, "stock", len(due))
        running.collector.stop()
        filed = of_files(running.out)

    assert due == {
        trace: tier for trace, spans in found.items() for tier in {span.tags["verein.tier"] for span in spans}
    }
    assert {} == {trace: wrong for trace, spans in found.items() if (wrong := faults(spans))}
    assert {frozenset(SERVICES)} == {frozenset(span.service for span in spans) for spans in found.values()}
    assert KINDS["loop"] == len(summaries({trace: found[trace] for trace in visits["loop"]}))
    assert {"short": {trace for trace in visits["plain"] if sampled(bytes.fromhex(trace), RATIO)}} == filed
