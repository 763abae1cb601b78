"""Traces across services are decided on as wholes, each in one tier; weights and figures stay right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import sqrt

import pytest

from tests import segments
from tests.e2e.collector_gateway_run import TAIL, WHOLE, Expected, Z, expected, thresholds, weight
from tests.e2e.collector_gateway_shop import KINDS, SERVICES, TIERS, orphans, traces_of
from tests.e2e.collector_gateway_traffic import FOREIGN_TIERS, LOADS, RATIO, SHARES, Outcome, run, weighted
from tests.services.exposition import total
from tests.services.otlp_found import Found
from tests.services.otlp_load import Load, sampled
from tests.services.otlp_metric_load import MetricLoad

FOREIGN = ("strict", "lax")
NOTHING_LOST = ("sampling_trace_dropped_too_early", "sampling_policy_evaluation_error")
CAME = sum(load.truth().traces.total() for load in LOADS.values()) + sum(KINDS.values())
TOO_LATE = dict.fromkeys(("error", "critical", "warning", "n_plus_one"), "short")


@pytest.fixture(scope="module", params=[True, False], ids=["gate", "gate-free"])
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """What became of the traffic: with one buffer and a feature gate, or with a buffer for each tier."""
    yield from run(tmp_path_factory.mktemp("gateway") / "run", request.param)


@pytest.fixture(scope="module")
def found(outcome: Outcome) -> Found:
    """The spans in the files, when the gateway has ended."""
    outcome.gateway.collector.stop()
    return outcome.gateway.found()


def tiers_of(load: Load, name: str) -> Expected:
    """What belongs into each tier."""
    given = FOREIGN_TIERS if name in FOREIGN else TOO_LATE if name == "too_late" else None
    return expected(load, RATIO, given)


@pytest.mark.parametrize("name", LOADS)
def test_each_trace_is_whole_in_the_tier_of_its_worst_span(name: str, found: Found) -> None:
    """Every span of what is wrong anywhere is there once, in one tier, whichever service it happened in.

    So is every span of the sampled rest whose trace id the threshold lets through. What comes after the decision has
    the tier of what came before: also an error that comes too late.
    """
    load = LOADS[name]
    whole, traces = tiers_of(load, name), {trace.trace_id.hex() for trace in load.traces()}

    mine = {
        tier: Counter({key: n for key, n in keys.items() if key[0] in traces}) for tier, keys in found.tiers.items()
    }
    assert {tier: Counter(keys) for tier, keys in whole.tiers.items()} == mine
    assert all(whole.traces.values())


def test_every_span_says_the_tier_whose_file_it_is_in(outcome: Outcome, found: Found) -> None:
    """``verein.tier`` on each span is the tier of its trace, whatever its own process thought."""
    by_file = {tier: Counter({tier: keys.total()}) for tier, keys in found.tiers.items()}
    said = Counter(segments.attributes(span).get("verein.tier") for _, span in segments.spans(outcome.gateway.out))

    assert by_file == found.tagged
    assert {tier: keys.total() for tier, keys in found.tiers.items()} == dict(said)


def test_real_services_have_their_traces_whole(outcome: Outcome, found: Found) -> None:
    """Two services under our SDK, one under OpenTelemetry's: all three or none are there, in one tier, no orphans."""
    kept = traces_of(outcome.gateway.out)
    due = {
        kind: {trace for trace in traces if TIERS[kind] != "short" or sampled(bytes.fromhex(trace), RATIO)}
        for kind, traces in outcome.visits.items()
    }

    assert KINDS == {kind: len(set(traces)) for kind, traces in outcome.visits.items()}
    assert due == {kind: set(traces) & kept.keys() for kind, traces in outcome.visits.items()}
    assert set().union(*due.values()) == kept.keys()
    for kind, traces in due.items():
        for spans in (kept[trace] for trace in traces):
            assert (set(SERVICES), []) == ({span["service"] for span in spans}, orphans(spans))
            assert {TIERS[kind]} == {segments.attributes(span)["verein.tier"] for span in spans}


@pytest.mark.parametrize("name", ["ours", *FOREIGN])
def test_the_short_share_is_within_its_interval(name: str, found: Found) -> None:
    """Of the sampled rest, the share that is kept is the stricter of the gateway's and the sender's: to 99.9 %."""
    load = LOADS[name]
    begun = load.operations()
    tiers = {**dict.fromkeys(begun, "short"), "error": "long", "critical": "medium"} if name in FOREIGN else {}
    rest = sum(count for kind, count in begun.items() if tiers.get(kind, "short" if kind == "plain" else "") == "short")
    ratio = min(RATIO, SHARES.get(name, 1.0))
    kept = len({trace.trace_id.hex() for trace in load.traces()} & found.trace_ids("short"))

    assert abs(kept - rest * ratio) <= Z * sqrt(rest * ratio * (1 - ratio))


def share_of(name: str, kind: str, tier: str) -> float:
    """The probability with which a trace gets into the files."""
    before = SHARES.get(name, 1.0)
    return min(before, RATIO) if tier == "short" else before


@pytest.mark.parametrize("name", ["ours", *FOREIGN])
def test_weights_estimate_the_true_number_of_each_kind(name: str, outcome: Outcome, found: Found) -> None:
    """The weights of what is kept sum up to what began, within 99.9 %; each is what the probabilities were.

    A sender's stricter threshold stays, a laxer one becomes the gateway's; what is long or medium weighs as it came.
    """
    load = LOADS[name]
    said = thresholds(outcome.gateway.out)
    kind_of = {trace.trace_id.hex(): trace.shape.kind for trace in load.traces()}
    sums: Counter[str] = Counter()
    for tier, traces in said.items():
        for trace, rejected in traces.items():
            if kind := kind_of.get(trace):
                assert {round(1 / share_of(name, kind, tier), 6)} == {round(weight(each), 6) for each in rejected}
                sums[kind] += weight(max(rejected))  # type: ignore[assignment]

    tiers = {"plain": "short", "error": "long", "critical": "medium" if name in FOREIGN else "long"}
    other = "short" if name in FOREIGN else "medium"
    for kind, begun in load.operations().items():
        share = share_of(name, kind, tiers.get(kind, other))
        assert abs(sums[kind] - begun) <= Z * sqrt(begun * (1 - share) / share) + 1e-6, kind
    assert all(0 <= each < WHOLE for traces in said.values() for rejected in traces.values() for each in rejected)


def test_figures_of_other_services_are_taken_before_anything_is_dropped(outcome: Outcome) -> None:
    """Calls and queries of services without our SDK are those of all their spans, each by its weight."""
    calls: Counter[str] = Counter()
    queries: Counter[str] = Counter()
    for name in FOREIGN:
        of_load, in_database = weighted(LOADS[name])
        calls, queries = calls + of_load, queries + in_database

    counted = {name: outcome.scraped("traces_span_metrics_calls_total", span_name=name) for name in calls}
    assert dict(calls) == counted
    assert dict(queries) == pytest.approx(
        {job: outcome.scraped("verein_db_queries_total", job=job) for job in queries}, abs=1e-6
    )
    assert sum(KINDS.values()) == outcome.scraped("verein_db_queries_total", job="stock")


def test_figures_of_other_services_estimate_the_truth(outcome: Outcome) -> None:
    """What was sampled before it came is estimated: within 99.9 % of the true number of operations and queries."""
    begun = {name: LOADS[name].traffic.traces for name in FOREIGN}
    spread = sqrt(sum(begun[name] * (1 - share) / share for name, share in SHARES.items()))
    each_has_many = sum(LOADS[name].queries() for name in FOREIGN) / sum(begun.values()) * 3

    for service in ("legacy-0", "legacy-1"):
        counted = outcome.scraped("traces_span_metrics_calls_total", job=service, span_kind="SPAN_KIND_SERVER")
        assert abs(counted - sum(begun.values())) <= Z * spread
    queries = sum(outcome.scraped("verein_db_queries_total", job=service) for service in ("legacy-0", "legacy-1"))
    assert abs(queries - sum(LOADS[name].queries() for name in FOREIGN)) <= Z * spread * each_has_many


def test_figures_of_our_services_pass_through(outcome: Outcome) -> None:
    """Every operation of our SDK is counted, of real services and of the load, though most traces are dropped."""
    series = "verein_operation_duration_seconds_count"
    totals = MetricLoad(LOADS["ours"]).totals()

    assert dict(totals) == {name: outcome.scraped(series, verein_operation_name=name) for name in totals}
    for service in ("front", "back"):
        assert sum(KINDS.values()) == outcome.scraped(series, job=service)


def test_nothing_was_given_up_before_its_decision(outcome: Outcome) -> None:
    """Tail sampling counts what it has to forget; it has forgotten nothing."""
    said = {name: total(outcome.own, f"{TAIL}{name}", {}) for name in NOTHING_LOST}

    assert dict.fromkeys(NOTHING_LOST, 0.0) == said
    assert outcome.gateway.buffers * CAME == total(outcome.own, f"{TAIL}new_trace_id_received", {})
    assert outcome.gateway.buffers * CAME == total(outcome.own, f"{TAIL}global_count_traces_sampled", {})
