"""The topology ``agent`` with real processes: whole traces in their tiers, exact figures, right weights."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests import loss
from tests.e2e.collector_agent import Agent, agent
from tests.e2e.collector_shop import FAIL, LOOP, OPTIONS, PAGES, PLAIN, RATIO, SLOW, WIDE, WORKERS, Asked, Page, ask
from tests.e2e.collector_traces import TIERS, Stored, stored
from tests.e2e.launch import BIN
from tests.services.exposition import Sample, total
from tests.services.otlp_found import spans_of
from tests.services.otlp_load import sampled

REQUESTS = 3000
Z = 3.2905  # two-sided 99.9 % of the normal distribution


@dataclass(frozen=True)
class Run:
    """What went through a collector, and what it then had."""

    agent: Agent
    asked: Asked
    tiers: dict[str, dict[str, Stored]]
    figures: list[Sample]

    def counted(self, name: str, page: Page, **labels: str) -> float:
        """A counter on Prometheus, of one page and all workers."""
        return total(self.figures, name, labels | {"verein_operation_name": page.operation}, absent=0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A shop of several processes that was asked for all its pages, and has ended."""
    with agent(tmp_path_factory.mktemp("agent"), options=OPTIONS) as running:
        asked = ask(running, REQUESTS)
        tiers = {tier: stored(running.otlp, tier) for tier in TIERS}
        yield Run(running, asked, tiers, running.figures())


def test_every_error_and_every_n_plus_one_is_whole_in_its_tier(run: Run) -> None:
    """What must be kept is there by the number of its request, once, with root, queries and summaries, no orphan."""
    long, medium = run.tiers["long"].values(), run.tiers["medium"].values()

    assert len(run.asked.workers) == WORKERS
    assert run.asked.numbers(FAIL, SLOW) == {trace.number for trace in long}
    assert run.asked.numbers(LOOP, WIDE) == {trace.number for trace in medium}
    assert len(long) == run.asked.counts[FAIL] + run.asked.counts[SLOW]
    assert len(medium) == run.asked.counts[LOOP] + run.asked.counts[WIDE]
    assert [] == [(trace.number, gap) for trace in (*long, *medium) for gap in trace.missing]
    loops = [trace for trace in medium if trace.root["name"] == LOOP.operation]
    assert {((19,), 20)} == {
        (tuple(trace.summaries), finding["verein.finding.repeats"]) for trace in loops for finding in trace.findings
    }
    assert run.asked.counts[LOOP] == sum(len(trace.findings) for trace in loops)


def test_a_trace_is_in_one_tier_and_all_its_spans_say_so(run: Run) -> None:
    """No trace is torn between two files, and no span is there twice."""
    found = [trace for tier in TIERS for trace in run.tiers[tier]]

    assert sorted(set(found)) == sorted(found)
    for tier in TIERS:
        assert {tier} == set().union(*(trace.tiers for trace in run.tiers[tier].values()))
    assert spans_of(run.agent.otlp).repeated == 0


def test_the_sampled_rest_is_what_the_coin_says(run: Run) -> None:
    """Of plain requests those whose trace id passes the threshold, and no other, and they are whole, too.

    How many that are is within the interval that chance alone leaves in one run of a thousand.
    """
    plain = run.asked.numbers(PLAIN)
    due = {
        run.asked.trace_ids[number] for number in plain if sampled(bytes.fromhex(run.asked.trace_ids[number]), RATIO)
    }

    assert due == set(run.tiers["short"])
    assert [] == [gap for trace in run.tiers["short"].values() for gap in trace.missing]
    assert abs(len(due) - len(plain) * RATIO) <= Z * (len(plain) * RATIO * (1 - RATIO)) ** 0.5


def test_weights_estimate_what_was_asked_for(run: Run) -> None:
    """Each error and breach weighs 1, each sampled trace 1/p, and together they estimate all requests."""
    weights = spans_of(run.agent.otlp).weights
    plain, kept = run.asked.counts[PLAIN], len(run.tiers["short"])

    assert {"ot=th:0"} == {
        span.get("traceState")
        for tier in ("long", "medium")
        for trace in run.tiers[tier].values()
        for span in trace.spans
    }
    assert (len(run.tiers["long"]), len(run.tiers["medium"])) == (weights["long"], weights["medium"])
    assert weights["short"] == pytest.approx(kept / RATIO, rel=1e-9)
    assert abs(weights.total() - len(run.asked.pages)) <= Z * (plain * (1 - RATIO) / RATIO) ** 0.5


def test_metrics_in_the_files_are_exact_and_add_up(run: Run) -> None:
    """All that started is kept or sampled out, all that was kept was exported, by each of the workers."""
    counts = run.asked.counts
    whole = loss.total(loss.assert_balanced(loss.of_files(run.agent.otlp)))

    assert (len(run.asked.pages), run.asked.queries) == (whole.started, whole.queries)
    assert {
        "error": counts[FAIL],
        "breach": counts[SLOW] + counts[WIDE],
        "n_plus_one": counts[LOOP],
        "sampled": len(run.tiers["short"]),
    } == dict(whole.kept)
    assert whole.exported == sum(len(run.tiers[tier]) for tier in TIERS)
    assert {} == dict(whole.dropped)


def test_report_reads_the_files_of_the_collector(run: Run) -> None:
    """``otel-verein report`` on them has the known numbers of each page, a health score, and nothing to complain of."""
    answer, said = _report(run)
    by_name = {each["operation"]: each for each in answer["operations"]}

    assert said == ""
    assert {page.operation for page in PAGES} == set(by_name)
    for page in PAGES:
        count, found = run.asked.counts[page], by_name[page.operation]
        breaches = {name: number for name, number in found["breaches"].items() if number}
        assert (count, count * page.queries) == (found["count"], found["queries"]["total"])
        assert count * page.fails == found["errors"]
        assert ({page.breach: count} if page.breach else {}) == breaches
    (finding,) = [each for each in answer["findings"] if each["kind"] in ("n_plus_one", "duplicate")]
    assert (run.asked.counts[LOOP], 20.0) == (finding["operations_seen"], finding["repeats_mean"])
    assert (len(run.asked.pages), {}) == (answer["loss"]["started"], answer["loss"]["dropped"])
    assert answer["health"]["score"] is not None


@pytest.mark.parametrize("page", PAGES, ids=[page.path for page in PAGES])
def test_prometheus_has_the_same_numbers(page: Page, run: Run) -> None:
    """Over all workers, each page counts what was asked for, in totals and in buckets."""
    count = run.asked.counts[page]
    duration, queries = "verein_operation_duration_seconds", "verein_operation_db_queries"
    enough = {0: "0.5", 2: "2.5", 3: "5.5", 6: "10.5", 21: "50.5"}[page.queries]

    assert count == run.counted(f"{duration}_count", page) == run.counted(f"{duration}_bucket", page, le="+Inf")
    assert count * page.queries == run.counted(f"{queries}_sum", page)
    assert count == run.counted(f"{queries}_bucket", page, le=enough)
    assert count * (page.queries == 0) == run.counted(f"{queries}_bucket", page, le="0.5")
    if page.breach:
        assert count == run.counted("verein_operation_breaches_total", page, verein_breach=page.breach)
    else:
        assert run.counted("verein_operation_breaches_total", page) == 0
    assert count * (page is LOOP) == run.counted("verein_findings_total", page, verein_finding_kind="n_plus_one")


def _report(run: Run) -> tuple[dict[str, Any], str]:
    command = [str(BIN / "otel-verein"), "report", "--json"]
    paths = ["--from", str(run.agent.otlp), "--config", str(run.agent.options)]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout), done.stderr
