"""Services without our SDK at an ``agent``: counted by weight, kept whole and short, without literals and persons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.collector_agent import Agent, agent, counted
from tests.e2e.collector_persons import SECRETS, STATEMENTS, telling
from tests.e2e.collector_secured import posted
from tests.e2e.collector_traces import stored
from tests.segments import attributes
from tests.services.otlp_found import spans_of
from tests.services.otlp_load import Load, Traffic, Truth
from tests.services.otlp_sender import Sender, Sending
from tests.services.process import wait_until

TRACES = 1000
CONNECTIONS = 8
Z = 3.2905  # two-sided 99.9 % of the normal distribution
CALLS, QUERIES = "traces_span_metrics_calls_total", "verein_db_queries_total"


@dataclass(frozen=True)
class Others:
    """What a service without our SDK sent, which share of its traces that is, and what the collector made of it."""

    ratio: float
    load: Load
    truth: Truth
    agent: Agent
    calls: dict[str, float]
    queries: float

    @property
    def rounding(self) -> float:
        """How far a figure may be from the weights it is the sum of: not at all, where each is 1."""
        return 0 if self.ratio == 1 else 1

    def within_chance(self, figure: float, truth: int, squares: int) -> bool:
        """Whether a figure is as near to the truth as all but one run of a thousand; *squares* of what traces have."""
        return abs(figure - truth) <= Z * (squares * (1 - self.ratio) / self.ratio) ** 0.5 + self.rounding


@pytest.fixture(scope="module", params=[1.0, 0.1])
def others(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Others]:
    """Many small requests on several connections at once, and what Prometheus is shown of them."""
    ratio = request.param
    load = Load(Traffic(traces=TRACES, ours=False, ratio=ratio, instances=2, spans_per_request=20))
    truth = load.truth()
    spans = len(truth.all_spans) / ratio
    with agent(tmp_path_factory.mktemp("agent")) as running:
        sent = Sender(running.url, load.requests(), Sending(connections=CONNECTIONS)).run()
        assert {200} == set(sent.answers)
        wait_until(lambda: running.figure(QUERIES) + running.figure(CALLS) >= spans + queries_of(load, truth) - 2, 20)
        calls = {name: running.figure(CALLS, span_name=name, job="legacy-0") for name in names(load).values()}
        queries = running.figure(QUERIES, job="legacy-0", db_system="postgresql")
        yield Others(ratio, load, truth, running, calls, queries)


def names(load: Load) -> dict[str, str]:
    """The operation of each kind."""
    return {kind: f"GET /service-0/{kind}/{{id}}" for kind in load.operations()}


def queries_of(load: Load, truth: Truth) -> float:
    """The queries that those traces stand for."""
    return sum(load.shape(kind).queries * count for kind, count in truth.traces.items()) / load.traffic.ratio


def test_figures_are_the_sums_of_weights(others: Others) -> None:
    """Calls and queries count each span for as many as it stands for, however many requests come at once."""
    calls = {name: others.truth.traces[kind] / others.ratio for kind, name in names(others.load).items()}

    assert others.calls == pytest.approx(calls, abs=others.rounding)
    assert others.queries == pytest.approx(queries_of(others.load, others.truth), abs=others.rounding)


def test_figures_estimate_what_ran(others: Others) -> None:
    """What a sampler left out is counted, too, within the interval of chance; exactly, where it left nothing out."""
    ran = others.load.operations()
    squares = sum(others.load.shape(kind).queries ** 2 * count for kind, count in ran.items())

    for kind, name in names(others.load).items():
        assert others.within_chance(others.calls[name], ran[kind], ran[kind])
    assert others.within_chance(others.queries, others.load.queries(), squares)


def test_files_have_the_same_figures(others: Others) -> None:
    """The deltas in the files add up to what Prometheus is shown."""
    filed = counted(others.agent.otlp, "traces.span.metrics.calls", "span.name")

    assert others.calls == {name: filed[name] for name in others.calls}
    assert {"postgresql": others.queries} == counted(others.agent.otlp, "verein.db.queries", "db.system")


def test_their_traces_are_whole_and_short(others: Others) -> None:
    """Nobody judged them, so all that was sent is in the short tier, once."""
    found = spans_of(others.agent.otlp)

    assert others.truth.all_spans == found.ids("short")
    assert (set(), set(), 0) == (found.ids("long"), found.ids("medium"), found.repeated)
    assert {"short": len(others.truth.all_spans)} == dict(found.tagged["short"])


def test_what_others_tell_of_persons_does_not_reach_a_file(tmp_path: Path) -> None:
    """Literals of statements, credentials, e-mail addresses, card and account numbers are taken out; the rest stays."""
    with agent(tmp_path) as running:
        status = posted(running.config.collector.http_endpoint, "/v1/traces", telling(), ca=None, token=None)
    text = "".join(path.read_text() for path in running.otlp.rglob("*.jsonl"))
    (trace,) = stored(running.otlp, "short").values()

    assert status == 200
    assert [] == [secret for secret in SECRETS if secret in text]
    assert {*STATEMENTS.values(), None} == {attributes(span).get("db.statement") for span in trace.spans}
    assert trace.tags["kept"] == "as it is"
    assert trace.root["status"]["message"] == "ValueError: no ****, ****"
    assert [{"exception.message": "no ****"}] == [attributes(event) for event in trace.root["events"]]
