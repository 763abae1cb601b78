"""An ``agent`` with TLS and a token: who may send, who may scrape, and how our SDK gets through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import segments
from tests.conftest import absent
from tests.e2e.collector_agent import Agent, agent
from tests.e2e.collector_persons import telling
from tests.e2e.collector_secured import Papers, papers, posted
from tests.e2e.launch import job
from tests.services.process import ServiceAbsent

OPERATIONS = 20


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Agent, Papers]]:
    """A collector with a certificate and a token, and what its clients need."""
    try:
        made = papers(tmp_path_factory.mktemp("papers"))
    except ServiceAbsent as missing:
        absent(str(missing))
    with agent(tmp_path_factory.mktemp("agent"), options=made.options) as running:
        yield running, made


@pytest.mark.parametrize(
    ("encrypted", "token", "status"),
    [
        pytest.param(False, False, 400, id="neither"),
        pytest.param(False, True, 400, id="token without TLS"),
        pytest.param(True, False, 401, id="TLS without token"),
        pytest.param(True, None, 401, id="TLS with another token"),
        pytest.param(True, True, 200, id="both"),
    ],
)
@pytest.mark.parametrize("listener", ["http_endpoint", "prometheus_endpoint"])
def test_a_guarded_collector_takes_nothing_without_tls_and_token(
    listener: str, encrypted: bool, token: bool | None, status: int, guarded: tuple[Agent, Papers]
) -> None:
    """Without TLS there is no conversation, without the token 401; so it is with spans, and with figures."""
    running, made = guarded
    endpoint = getattr(running.config.collector, listener)
    shown = {True: made.token, None: "another", False: None}[token]
    method, path = ("GET", "/metrics") if listener == "prometheus_endpoint" else ("POST", "/v1/traces")
    body = b"" if method == "GET" else telling()

    before = running.collector.metric("otelcol_receiver_accepted_spans", absent=0)
    answered = posted(endpoint, path, body, ca=made.ca if encrypted else None, token=shown, method=method)
    taken = running.collector.metric("otelcol_receiver_accepted_spans", absent=0) - before

    assert (status, 3 * (status == 200 and method == "POST")) == (answered, taken)


@pytest.mark.parametrize("shows_token", [True, False], ids=["with its token", "without"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_our_sdk_gets_through_with_the_standard_variables(
    protocol: str, shows_token: bool, guarded: tuple[Agent, Papers], tmp_path: Path
) -> None:
    """Certificate and headers by their standard names; without the token nothing arrives, and the script ends well."""
    running, made = guarded
    name = f"{protocol} {shows_token}"
    listener = "grpc_endpoint" if protocol == "grpc" else "http_endpoint"
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{getattr(running.config.collector, listener)}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(made.ca),
        "VEREIN_SAMPLING_RATIO": "1.0",
        "VEREIN_COMMAND_OPERATION": "0",
        "OTEL_SERVICE_NAME": name,
    }
    if shows_token:
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer%20{made.token}"
    ended = job(tmp_path, str(OPERATIONS), extra=variables)

    roots = [
        span
        for resource, span in segments.spans(running.otlp)
        if resource["service.name"] == name and not span.get("parentSpanId")
    ]
    assert (0, "done\n") == (ended.returncode, ended.stdout), ended.stderr
    assert (not shows_token) == ("cannot send" in ended.stderr), ended.stderr
    assert shows_token * OPERATIONS == len(roots)
