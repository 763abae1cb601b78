"""The traffic for collectors is what it says it is: each request, its truth, and what a sender books of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_verein.processors.sampling.tracestate import threshold_of
from tests import loss
from tests.segments import Json, attributes
from tests.services.otlp_found import count_spans, spans_of
from tests.services.otlp_load import Load, Traffic, sampled, threshold
from tests.services.otlp_metric_load import MetricLoad
from tests.services.otlp_receiver import as_line

OURS = Traffic(traces=600)
FOREIGN = Traffic(traces=600, ours=False, ratio=0.5)
THREE = Traffic(traces=400, services=3, instances=2, collector_decides=True, spread=50)
EACH = pytest.mark.parametrize(
    "traffic",
    [pytest.param(OURS, id="ours"), pytest.param(FOREIGN, id="foreign"), pytest.param(THREE, id="three-services")],
)


def _lines(load: Load) -> list[Json]:
    return [as_line(ExportTraceServiceRequest.FromString(request.body)) for request in load.requests()]


def _spans(load: Load) -> list[tuple[Json, Json]]:
    """Every span with the attributes of its resource."""
    return [
        (attributes(resource["resource"]), span)
        for line in _lines(load)
        for resource in line["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _key(span: Json) -> tuple[str, str]:
    return span["traceId"], span["spanId"]


@EACH
def test_requests_hold_the_spans_of_the_truth(traffic: Traffic) -> None:
    """Each span that the truth names is in the requests once, and no other."""
    load = Load(traffic)

    assert dict.fromkeys(load.truth().all_spans, 1) == Counter(_key(span) for _, span in _spans(load))


@EACH
def test_a_request_says_how_many_spans_it_has(traffic: Traffic) -> None:
    """Its number of spans is that of its body, at most what was asked for, all of one process."""
    load = Load(traffic)

    for request in load.requests():
        (resource,) = ExportTraceServiceRequest.FromString(request.body).resource_spans
        assert request.spans == sum(len(scope.spans) for scope in resource.scope_spans) <= traffic.spans_per_request


@EACH
def test_parents_of_all_spans_are_there(traffic: Traffic) -> None:
    """A span without parent is the first of its trace; the parent of any other was sent, if its process kept it."""
    spans = [span for _, span in _spans(Load(traffic))]
    known = {_key(span) for span in spans}

    assert all((span["traceId"], span["parentSpanId"]) in known for span in spans if span.get("parentSpanId"))
    assert len({span["traceId"] for span in spans}) == sum(not span.get("parentSpanId") for span in spans)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """What is sent follows from the options alone, and another seed gives other ids."""
    first, again, other = (Load(Traffic(traces=50, seed=seed)) for seed in (1, 1, 2))

    assert [request.body for request in first.requests()] == [request.body for request in again.requests()]
    assert first.truth().all_spans.isdisjoint(other.truth().all_spans)


def test_kinds_have_exactly_their_share() -> None:
    """Of 600 traces 2 % fail, 1 % are critical, 3 % warn and 5 % have an N+1; the rest is plain."""
    expected = {"error": 12, "critical": 6, "warning": 18, "n_plus_one": 30, "plain": 534}

    assert expected == Load(OURS).operations()


def test_what_our_sdk_keeps_of_the_plain_is_what_the_coin_says() -> None:
    """Traces with a fault are all sent; of the plain those whose id reaches the threshold, which they carry."""
    load = Load(OURS)
    coin = {trace.trace_id.hex() for trace in load.traces() if sampled(trace.trace_id, OURS.ratio)}
    plain = {trace.trace_id.hex() for trace in load.traces() if trace.shape.kind == "plain"}

    truth = load.truth()

    assert {"error": 12, "critical": 6, "warning": 18, "n_plus_one": 30, "plain": len(coin & plain)} == truth.traces
    assert coin & plain == {trace_id for trace_id, _ in truth.spans["short"]}
    states = {span["traceId"]: span["traceState"] for _, span in _spans(load)}
    assert {f"ot=th:{threshold(0.1)}"} == {states[trace_id] for trace_id in coin & plain}
    assert {"ot=th:0"} == {states[trace_id] for trace_id in states.keys() - plain}


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.1, 0.037])
def test_thresholds_are_those_of_our_sdk(ratio: float) -> None:
    """The digits stand for the number that our sampler compares with."""
    assert threshold_of(ratio) == int(threshold(ratio).ljust(14, "0"), 16)


def test_every_span_of_our_sdk_carries_its_tier() -> None:
    """The truth's tiers are those of the attribute."""
    load = Load(OURS)
    by_tier: dict[str, set[tuple[str, str]]] = {}
    for _, span in _spans(load):
        by_tier.setdefault(attributes(span)["verein.tier"], set()).add(_key(span))

    assert load.truth().spans == by_tier


def test_query_counts_of_roots_are_those_of_the_query_spans() -> None:
    """Whole spans and those that summary spans stand for add up to what the root says."""
    roots: Counter[str] = Counter()
    queries: Counter[str] = Counter()
    for _, span in _spans(Load(OURS)):
        given = attributes(span)
        if "db.system.name" in given:
            queries[span["traceId"]] += given.get("aggregation.span_count", 1)
        else:
            roots[span["traceId"]] += given["verein.db.query_count"]

    assert roots == queries


def test_services_without_our_sdk_know_nothing_of_it() -> None:
    """No name of ours on spans and resources; statements with literals; weights of the head sampler."""
    spans = _spans(Load(FOREIGN))

    names = {name for resource, span in spans for name in {**resource, **attributes(span)}}
    assert not [name for name in names if name.startswith(("verein", "aggregation", "telemetry.distro"))]
    assert all("'ann@example.org'" in text for _, span in spans if (text := attributes(span).get("db.statement")))
    assert {"ot=th:8"} == {span["traceState"] for _, span in spans}


def test_faults_of_a_distributed_trace_lie_in_its_last_process() -> None:
    """The parts of the processes before it are plain, and all of a trace reads its worst tier in the truth."""
    load = Load(THREE)
    tiers: dict[str, dict[str, str]] = {}
    for resource, span in _spans(load):
        tiers.setdefault(span["traceId"], {})[resource["service.name"]] = attributes(span)["verein.tier"]

    truth = load.truth()

    for worst, traces in truth.whole.items():
        for trace_id in traces:
            assert {"shop-0": "short", "shop-1": "short", "shop-2": worst} == tiers[trace_id]


def test_parts_of_a_trace_leave_apart() -> None:
    """With a spread, processes send their parts in requests of their own, and a later process may be first."""
    services: dict[str, list[str]] = {}
    for resource, span in _spans(Load(THREE)):
        seen = services.setdefault(span["traceId"], [])
        if resource["service.name"] not in seen:
            seen.append(resource["service.name"])

    assert {("shop-0", "shop-1", "shop-2"), ("shop-2", "shop-1", "shop-0")} <= set(map(tuple, services.values()))


def test_truth_of_some_requests_is_that_of_their_spans() -> None:
    """What is known of the taken requests is what they hold."""
    load = Load(OURS)
    lines = _lines(load)
    some = {0, len(lines) - 1}

    spans = [s for n in some for r in lines[n]["resourceSpans"] for c in r["scopeSpans"] for s in c["spans"]]

    assert {_key(span) for span in spans} == load.truth(some).all_spans


def test_metrics_count_every_operation() -> None:
    """The last cumulative points hold all operations and queries, sampled out or not, and the loss equation."""
    traffic = Traffic(traces=500, instances=2)
    load, metrics = Load(traffic), MetricLoad(Load(traffic), reports=3)
    requests = list(metrics.requests())
    lines = [as_line(ExportMetricsServiceRequest.FromString(request.body)) for request in requests]

    balances = loss.assert_balanced(loss.of_lines(lines))

    whole = loss.total(balances)
    assert (500, load.queries()) == (whole.started, whole.queries)
    assert 2 == len(balances)
    assert sum(load.truth().traces.values()) == whole.kept.total()
    assert 500 == sum(metrics.totals().values())


def test_buckets_of_histograms_hold_their_values() -> None:
    """The counts of the buckets add up, and the bounds of the lowest and highest hold the extremes."""
    (*_, request) = MetricLoad(Load(OURS)).requests()

    metrics = ExportMetricsServiceRequest.FromString(request.body).resource_metrics[0].scope_metrics[0].metrics

    points = [point for metric in metrics for point in metric.exponential_histogram.data_points]
    assert points
    for point in points:
        base, positive = 2 ** (2**-point.scale), point.positive
        highest = positive.offset + len(positive.bucket_counts)
        assert point.count == sum(positive.bucket_counts)
        assert base**positive.offset * (1 - 1e-9) <= point.min <= base ** (positive.offset + 1) * (1 + 1e-9)
        assert base ** (highest - 1) * (1 - 1e-9) <= point.max <= base**highest * (1 + 1e-9)


def _written(directory: Path, name: str, lines: list[Json], end: str = "") -> None:
    path = directory / "spans" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines) + end)


def test_found_spans_are_those_of_all_files_of_a_tier(tmp_path: Path) -> None:
    """Rotated files belong to the tier that their names begin with; copies are counted; a torn end is left."""
    load = Load(OURS)
    lines = _lines(load)
    _written(tmp_path, "long.jsonl", lines[:1], '{"resourceSpans":[{"res')
    _written(tmp_path, "long-2026-11-27T10-00-00.000.jsonl", lines)

    found = spans_of(tmp_path)

    assert load.truth().all_spans == found.ids("long")
    assert load.truth({0}).all_spans == {key for key, times in found.tiers["long"].items() if times == 2}
    assert len(load.truth({0}).all_spans) == found.repeated
    assert {"long": found.spans.total()} == count_spans(tmp_path)


def test_a_line_torn_in_the_middle_of_a_file_is_told(tmp_path: Path) -> None:
    """Two lines that a crash glued together are no spans: where they stand is said."""
    _written(tmp_path, "short.jsonl", [{"resourceSpans": []}])
    with (tmp_path / "spans" / "short.jsonl").open("a") as file:
        file.write('{"resourceSp{"resourceSpans":[]}\n')

    with pytest.raises(ValueError) as told:
        spans_of(tmp_path)

    assert str(told.value).startswith(f"{tmp_path}/spans/short.jsonl:2: ")


def test_weights_of_found_spans_estimate_the_operations(tmp_path: Path) -> None:
    """The roots of the short tier stand for all plain operations, within the 99.9 % interval; others for themselves."""
    traffic = Traffic(traces=4000, ratio=0.25)
    load = Load(traffic)
    for tier in ("short", "long"):
        lines = [line for line in _lines(load) if _keep_tier(line, tier)]
        _written(tmp_path, f"{tier}.jsonl", lines)

    weights = spans_of(tmp_path).weights

    plain = load.operations()["plain"]
    within = 3.2905 * math.sqrt(plain * (1 - traffic.ratio) / traffic.ratio)
    assert weights["short"] == pytest.approx(plain, abs=within)
    assert weights["short"] == 4 * load.truth().traces["plain"]
    assert weights["long"] == load.operations()["error"] + load.operations()["critical"]


def _keep_tier(line: Json, tier: str) -> bool:
    """Leave only the spans of *tier* in *line*; whether any are left."""
    scopes = [scope for resource in line["resourceSpans"] for scope in resource["scopeSpans"]]
    for scope in scopes:
        scope["spans"] = [span for span in scope["spans"] if attributes(span)["verein.tier"] == tier]
    return any(scope["spans"] for scope in scopes)
