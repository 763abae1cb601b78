"""Workers of one server report as instances of their own, and together what was asked; the loss equation holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import loss, segments
from tests.e2e.launch import Answer, Server, gunicorn, job, uvicorn
from tests.services.otlp_receiver import OtlpReceiver

REQUESTS = 200
QUERIES = [number % 7 for number in range(REQUESTS)]
KEEP_HALF = {"VEREIN_SAMPLING_RATIO": "0.5"}
CHOSEN = {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=web-1,team=shop"}
FOUR_WORKERS = {
    "preload": gunicorn("-w", "4", "--preload"),
    "plain": gunicorn("-w", "4"),
    "preload and threads": gunicorn("-w", "4", "--preload", "--threads", "2"),
}


def serve(command: Callable[[int], Sequence[str]], directory: Path, extra: dict[str, str]) -> list[Answer]:
    """The answers to all requests, of a server that ended well."""
    with Server(command, directory, extra) as server:
        answers = server.get_all((f"/run/{queries}" for queries in QUERIES), threads=8)
        status = server.terminate()
    assert (0, {200}) == (status, {answer.status for answer in answers}), server.output
    return answers


def assert_each_reports_its_own(balances: dict[str, loss.Balance], answers: list[Answer]) -> None:
    """The equation holds in every instance; each says what one process served, and all what was asked."""
    loss.assert_balanced(balances)
    served = Counter(answer.pid for answer in answers)
    assert sorted(served.values()) == sorted(balance.started for balance in balances.values())
    assert (REQUESTS, sum(QUERIES)) == (loss.total(balances).started, loss.total(balances).queries)


@pytest.mark.parametrize("command", FOUR_WORKERS.values(), ids=FOUR_WORKERS.keys())
def test_workers_add_up_in_files(command: Callable[[int], Sequence[str]], tmp_path: Path) -> None:
    """Deltas in files: four workers, four instances, and the roots that were exported are there."""
    answers = serve(command, tmp_path, KEEP_HALF)
    directory = tmp_path / ".verein/otlp"

    balances = loss.of_files(directory)
    assert_each_reports_its_own(balances, answers)
    assert {name: balance.exported for name, balance in balances.items()} == {
        name: loss.roots_of_files(directory)[name] for name in balances
    }
    assert 0 < loss.total(balances).sampled_out < REQUESTS


def test_exemplars_lead_to_traces_that_are_there(tmp_path: Path) -> None:
    """Every exemplar names the root span of an exported trace, and points of kept operations have one."""
    serve(gunicorn("-w", "2", "--preload"), tmp_path, KEEP_HALF)
    directory = tmp_path / ".verein/otlp"

    roots = {(span["traceId"], span["spanId"]) for _, span in segments.spans(directory) if "parentSpanId" not in span}
    named = {
        (exemplar["traceId"], exemplar["spanId"])
        for point in segments.points(directory)
        for exemplar in point.data.get("exemplars", [])
    }
    assert named
    assert set() == named - roots


@pytest.mark.parametrize("preference", ["cumulative", "delta"])
def test_workers_add_up_at_an_endpoint(preference: str, tmp_path: Path) -> None:
    """The same over OTLP; cumulative sums of four workers do not overwrite each other."""
    with OtlpReceiver() as receiver:
        extra = receiver.environment(OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=preference)
        answers = serve(gunicorn("-w", "4", "--preload"), tmp_path, extra | KEEP_HALF)
        metrics, spans = receiver.lines("metrics"), receiver.spans()

    balances = loss.of_lines(metrics)
    assert_each_reports_its_own(balances, answers)
    roots = sum("verein.keep_reason" in segments.attributes(span) for span in spans)
    assert roots == loss.total(balances).exported
    assert {preference == "cumulative"} == {body["aggregationTemporality"] == 2 for body in bodies(metrics)}


def bodies(lines: list[segments.Json]) -> list[segments.Json]:
    """The data of every metric of ours that adds up, so the gauges are left out."""
    return [
        metric.get("exponentialHistogram") or metric["sum"]
        for line in lines
        for resource in line["resourceMetrics"]
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
        if metric["name"].startswith("verein.") and "gauge" not in metric
    ]


SERVERS = {
    "gunicorn, preload": gunicorn("-w", "2", "--preload"),
    "gunicorn": gunicorn("-w", "2"),
    "uvicorn, spawned": uvicorn("--workers", "2"),
}


@pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS.keys())
def test_chosen_id_is_told_apart_in_workers(command: Callable[[int], Sequence[str]], tmp_path: Path) -> None:
    """Workers that share a chosen id append their process id, which the client can check."""
    answers = serve(command, tmp_path, CHOSEN)
    balances = loss.of_files(tmp_path / ".verein/otlp")

    assert_each_reports_its_own(balances, answers)
    assert {f"web-1-{answer.pid}" for answer in answers} == {instance.rpartition("-")[0] for instance in balances}


def test_chosen_id_of_a_single_process_is_kept(tmp_path: Path) -> None:
    """A job that is given an id reports under it."""
    done = job(tmp_path, "3", extra=CHOSEN)
    balances = loss.assert_balanced(loss.of_files(tmp_path / ".verein/otlp"))

    assert (0, ["web-1"]) == (done.returncode, list(balances)), done.stderr


def test_process_that_serves_nothing_reports_nothing(tmp_path: Path) -> None:
    """A server that is stopped before its first request writes no metrics, and sends none."""
    with OtlpReceiver() as receiver:
        with Server(gunicorn("-w", "1", "--preload"), tmp_path, receiver.environment()) as server:
            assert 0 == server.terminate(), server.output
        requests = receiver.requests()

    assert [] == requests
    assert not (tmp_path / ".verein").exists()
