"""OTLP exporters against an endpoint: they send once, say what came of it, and log nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from time import monotonic
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult, MetricsData
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_verein.config import Config
from otel_verein.delivery import Outcome
from otel_verein.exporters import choice
from otel_verein.exporters.otlp import ApplicationMetrics
from otel_verein.exporters.otlp_http import HttpChannel
from otel_verein.exporters.relay import retry_after_s
from tests.services.otlp_grpc import GrpcReceiver
from tests.services.otlp_receiver import OK, SILENT, SLOW, Behaviour, OtlpReceiver, partial, status, too_large_above
from tests.unit.odd_spans import span


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """An endpoint of this test."""
    with OtlpReceiver() as made:
        yield made


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens, neither OpenTelemetry's exporters nor ours say a word: one line a change is said elsewhere."""
    with caplog.at_level(logging.INFO):
        yield
    assert [] == [record for record in caplog.records if record.name.startswith(("opentelemetry", "otel_verein"))]


def exporter(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, kind: int = 0, **options: Any) -> Any:
    """The exporter of spans (0) or metrics (1) of a process with these variables; the stock ones read them, too."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    config = Config(export=choice.Export(**options))
    return choice.exporters(config, environ)[kind]


ANSWERS = {
    "ok": (OK, Outcome.TAKEN, ""),
    "202": (status(202), Outcome.TAKEN, ""),
    "400": (status(400), Outcome.REFUSED, ": 400 Bad Request"),
    "401": (status(401), Outcome.REFUSED, ": 401 Unauthorized"),
    "redirect": (status(302, Location="/elsewhere"), Outcome.REFUSED, ": 302 Found"),
    "413": (status(413), Outcome.TOO_LARGE, ": 413 for a single one"),
    "500": (status(500), Outcome.REFUSED, ": 500 Internal Server Error"),
    "429": (status(429), Outcome.LATER, ": 429 Too Many Requests"),
    "502": (status(502), Outcome.LATER, ": 502 Bad Gateway"),
    "503": (status(503), Outcome.LATER, ": 503 Service Unavailable"),
    "504": (status(504), Outcome.LATER, ": 504 Gateway Timeout"),
}


CASES = {
    f"{signal}-{name}": (number, *answer)
    for number, signal in enumerate(("spans", "metrics"))
    for name, answer in ANSWERS.items()
}


@pytest.mark.parametrize(("signal", "behaviour", "outcome", "why"), CASES.values(), ids=CASES.keys())
def test_each_answer_has_its_outcome(
    signal: int, behaviour: Behaviour, outcome: Outcome, why: str, receiver: OtlpReceiver, monkeypatch: Any
) -> None:
    """As the OTLP specification says: some are worth another try, and one asks for smaller pieces."""
    receiver.behave(behaviour)
    tried = exporter(receiver.environment(), monkeypatch, signal)

    tried.export(metrics(1) if signal else [span()])

    assert (outcome, f"cannot send to {receiver.url}{why}" if why else "") == (tried.last.outcome, tried.last.why)
    assert 1 == len(receiver.requests())
    tried.shutdown()


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_variables_of_the_standard_are_kept(compression: str, receiver: OtlpReceiver, monkeypatch: Any) -> None:
    """The endpoint of the signal, the headers and the compression are those that the exporters would use."""
    environ = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.url}/v1/traces",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=one",
    }
    tried = exporter(environ, monkeypatch)

    assert tried.export([span("GET /", text="a" * 10_000)]) is SpanExportResult.SUCCESS
    (request,) = receiver.requests("spans")
    assert ["GET /"] == [each["name"] for each in receiver.spans()]
    assert (request.size > 10_000) == (compression == "none")
    assert "one" == request.headers["x-tenant"]


def test_rejected_spans_are_told(receiver: OtlpReceiver, monkeypatch: Any) -> None:
    """A success may say that some were not taken."""
    receiver.behave(partial(2))
    tried = exporter(receiver.environment(), monkeypatch)
    tried.export([span(), span(), span()])

    assert (Outcome.TAKEN, 2) == (tried.last.outcome, tried.last.rejected)


def test_a_request_that_is_larger_than_allowed_is_not_sent(receiver: OtlpReceiver, monkeypatch: Any) -> None:
    """``export.request_bytes`` is the encoded size, before compression."""
    environ = receiver.environment(OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    tried = exporter(environ, monkeypatch, request_bytes=65_536)
    tried.export([span(text="a" * 70_000)])

    assert Outcome.TOO_LARGE == tried.last.outcome
    assert [] == receiver.requests()


def test_a_closed_port_is_worth_another_try(receiver: OtlpReceiver, monkeypatch: Any) -> None:
    """And when it is open again, the next export goes through."""
    tried = exporter(receiver.environment(), monkeypatch)
    tried.export([span("a")])
    receiver.refuse()
    tried.export([span("b")])
    closed = tried.last
    receiver.listen()
    tried.export([span("c")])

    assert (Outcome.LATER, f"cannot send to {receiver.url}: Connection refused") == (closed.outcome, closed.why)
    assert ["a", "c"] == [each["name"] for each in receiver.spans()]


@pytest.mark.parametrize("behaviour", [SILENT, SLOW], ids=["silent", "slow"])
def test_an_answer_is_whole_in_time_or_none(behaviour: Behaviour, receiver: OtlpReceiver, monkeypatch: Any) -> None:
    """The timeout is for the whole answer, however its bytes come."""
    receiver.behave(behaviour)
    tried = exporter(receiver.environment(OTEL_EXPORTER_OTLP_TIMEOUT="1"), monkeypatch)
    started = monotonic()
    tried.export([span()])
    took = monotonic() - started

    assert (Outcome.LATER, f"cannot send to {receiver.url}: no answer in time") == (tried.last.outcome, tried.last.why)
    assert 0.9 < took < 3


HEADERS: dict[str, tuple[str | timedelta | None, float | None]] = {
    "none": (None, None),
    "seconds": ("120", 120.0),
    "negative": ("-5", 0.0),
    "date": (timedelta(hours=1), 3600.0),
    "past": (timedelta(hours=-1), 0.0),
    "nonsense": ("soon", None),
    "infinite": ("inf", None),
}


@pytest.mark.parametrize(("header", "expected"), HEADERS.values(), ids=HEADERS.keys())
def test_retry_after_is_seconds_or_a_date(header: str | timedelta | None, expected: float | None) -> None:
    """What cannot be read is as if it were not there."""
    if isinstance(header, timedelta):
        header = format_datetime(datetime.now(timezone.utc) + header, usegmt=True)

    assert pytest.approx(expected, abs=60) == retry_after_s(header)


def metrics(points: int) -> MetricsData:
    """A counter with so many points, each of 1."""
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader]).get_meter("m").create_counter("c")
    for number in range(points):
        counter.add(1, {"number": number})
    data = reader.get_metrics_data()
    assert data is not None
    return data


def numbers(receiver: OtlpReceiver) -> list[int]:
    """The points that came, in order."""
    return [
        int(point["attributes"][0]["value"]["intValue"])
        for line in receiver.lines("metrics")
        for metric in line["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        for point in metric["sum"]["dataPoints"]
    ]


def of_application(receiver: OtlpReceiver, monkeypatch: Any) -> ApplicationMetrics:
    """The exporter that a reader of the SDK is given."""
    environ = receiver.environment()
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return ApplicationMetrics(HttpChannel(environ, "METRICS"), 1_000_000)


def test_metrics_of_the_application_go_in_halves(receiver: OtlpReceiver, monkeypatch: Any) -> None:
    """Every point arrives once; the payload that was refused is not sent again."""
    receiver.behave(too_large_above(1500))

    assert of_application(receiver, monkeypatch).export(metrics(100)) is MetricExportResult.SUCCESS
    assert list(range(100)) == numbers(receiver)
    assert [413, 413, 200, 200, 413, 200, 200] == [request.status for request in receiver.requests()]


def test_a_point_that_is_too_large_alone_is_let_go(receiver: OtlpReceiver, monkeypatch: Any) -> None:
    """A refused payload is not sent for ever, and neither is any part of it."""
    receiver.behave(status(413))
    results = [of_application(receiver, monkeypatch).export(metrics(2)) for _ in range(2)]

    assert [MetricExportResult.SUCCESS] * 2 == results
    assert 6 == len(receiver.requests())


def grpc_environment(url: str) -> dict[str, str]:
    """What makes a process send by gRPC."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_HEADERS": "a=b"}


def test_grpc_sends_spans_and_metrics(monkeypatch: Any) -> None:
    """With the headers of the variables, in the form that the exporters of OpenTelemetry send."""
    with GrpcReceiver() as receiver:
        environ = grpc_environment(receiver.url) | {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
        results = [
            exporter(environ, monkeypatch).export([span("GET /")]),
            exporter(environ, monkeypatch, 1).export(metrics(1)),
        ]

    assert [SpanExportResult.SUCCESS, MetricExportResult.SUCCESS] == results
    assert "GET /" == receiver.lines["spans"][0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"]
    assert 1 == len(receiver.lines["metrics"])
    assert {"b"} == {metadata["a"] for metadata in receiver.metadata}


CODES = {
    grpc.StatusCode.UNAVAILABLE: Outcome.LATER,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Outcome.LATER,
    grpc.StatusCode.INVALID_ARGUMENT: Outcome.REFUSED,
    grpc.StatusCode.UNAUTHENTICATED: Outcome.REFUSED,
}


@pytest.mark.parametrize(("code", "outcome"), CODES.items(), ids=lambda value: getattr(value, "name", None))
def test_each_code_of_grpc_has_its_outcome(code: Any, outcome: Outcome, monkeypatch: Any) -> None:
    """As the OTLP specification says, with the pause that the server asks for."""
    info = RetryInfo()
    info.retry_delay.seconds = 7

    def answer(context: Any) -> None:
        context.set_trailing_metadata([("google.rpc.retryinfo-bin", info.SerializeToString())])
        context.abort(code, "so it is")

    with GrpcReceiver() as receiver:
        receiver.answer = answer
        tried = exporter(grpc_environment(receiver.url), monkeypatch)
        tried.export([span()])

    assert (outcome, 7.0 if outcome is Outcome.LATER else None) == (tried.last.outcome, tried.last.retry_after_s)
    assert f"cannot send to {receiver.url[7:]}: {code.name} so it is" == tried.last.why


def test_grpc_message_that_is_too_large_is_told(monkeypatch: Any) -> None:
    """The limit of the server is found out from its words."""
    with GrpcReceiver(most_bytes=3000) as receiver:
        tried = exporter(grpc_environment(receiver.url), monkeypatch)
        tried.export([span(text="a" * 5000)])
        result = exporter(grpc_environment(receiver.url), monkeypatch, 1).export(metrics(200))

    assert Outcome.TOO_LARGE == tried.last.outcome
    assert MetricExportResult.FAILURE == result


def test_grpc_endpoint_that_is_away_or_silent_costs_its_timeout(monkeypatch: Any) -> None:
    """Refused at once, silent after the timeout; both are worth another try."""
    gone = threading.Event()
    with GrpcReceiver() as receiver:
        receiver.answer = lambda _: gone.wait(20) and None
        started = monotonic()
        silent = exporter(grpc_environment(receiver.url), monkeypatch)
        silent.export([span()])
        took = monotonic() - started
        gone.set()
    away = exporter(grpc_environment(receiver.url), monkeypatch)
    away.export([span()])

    assert [Outcome.LATER] * 2 == [silent.last.outcome, away.last.outcome]
    assert took < 4
