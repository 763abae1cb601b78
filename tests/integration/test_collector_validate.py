"""The real collector takes everything that is rendered, and its reason is told where it does not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otel_verein.api.collector import Wanted, check, make
from otel_verein.collector import program
from otel_verein.collector.plan import Backend
from otel_verein.collector.tiering import RECORD_POLICY_GATE
from otel_verein.errors import CollectorError
from tests.services.collector import binary
from tests.services.ports import LOOPBACK, free_ports
from tests.services.process import wait_until

CHECKED_IN = Path(__file__).resolve().parents[2] / "collector-config"
FILES = sorted(
    path.relative_to(CHECKED_IN) for name in ("topologies", "backends") for path in CHECKED_IN.glob(f"{name}/*.yaml")
)


OPENSSL = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes")

LISTENS_S = 0.5
"""How long after its ready line the collector listens to signals; until then one ends it as it ends any program."""


@pytest.fixture(scope="module")
def collector() -> Path:
    """The program built from our manifest."""
    return binary()


@pytest.mark.parametrize("file", FILES, ids=str)
def test_what_is_checked_in_is_taken(collector: Path, file: Path) -> None:
    """Each file, with the gate that its head names, and no other."""
    text = (CHECKED_IN / file).read_text(encoding="utf-8")
    gates = (RECORD_POLICY_GATE,) if f"--feature-gates=+{RECORD_POLICY_GATE}" in text else ()

    program.check(collector, CHECKED_IN / file, gates, os.environ)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(topology, role, tuple(each.value for each in Backend), environment)
        for topology, role in (("agent", ""), ("gateway", ""), ("kafka", "agent"), ("kafka", "gateway"))
        for environment in ("", "production")
    ],
    ids=str,
)
def test_every_backend_at_once_is_taken_everywhere(collector: Path, wanted: Wanted, tmp_path: Path) -> None:
    """All names are different, in every topology, with TLS and tokens."""
    files = ("token", "cert.pem", "key.pem", "ca.pem")
    subprocess.run(
        [*OPENSSL, "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (tmp_path / "ca.pem").write_bytes((tmp_path / "cert.pem").read_bytes())
    (tmp_path / "token").write_text("secret")
    token, cert, key, ca = (str(tmp_path / name) for name in files)
    (tmp_path / "verein.yaml").write_text(f"""\
collector:
  directory: {tmp_path / "collector"}
  grpc_endpoint: 0.0.0.0:4317
  token_file: {token}
  tls_cert_file: {cert}
  tls_key_file: {key}
  tls_client_ca_file: {ca}
backends:
  otlp_endpoint: https://otel.example
  jaeger_endpoint: jaeger.example:4317
  tempo_endpoint: tempo.example:4317
  clickhouse_endpoint: tcp://clickhouse.example:9440
  kafka_brokers: [one.example:9093, two.example:9093]
  kafka_user: verein
  token_file: {token}
  tls_ca_file: {ca}
  tls_cert_file: {cert}
  tls_key_file: {key}
""")
    environ = {**os.environ, "KAFKA_PASSWORD": "secret"}

    said = check(make(wanted, environ, tmp_path), str(collector), environ)

    assert said == "otel-verein-collector version 0.155.0"


def test_what_the_collector_does_not_take_is_told(collector: Path, tmp_path: Path) -> None:
    """With its own reason, without its usage."""
    file = tmp_path / "wrong.yaml"
    file.write_text(
        (CHECKED_IN / "topologies/agent.yaml").read_text().replace("check_interval: 200ms", "check_interval: 0s")
    )

    with pytest.raises(CollectorError) as fault:
        program.check(collector, file, (), os.environ)

    assert str(fault.value).startswith(f"{collector.name} does not take the configuration: ")
    assert "'check_interval' must be greater than zero" in str(fault.value)


def test_run_becomes_the_collector(collector: Path, tmp_path: Path) -> None:
    """One process, which SIGTERM ends well; torn ends are mended before, and said."""
    listeners = ("grpc", "http", "prometheus", "telemetry", "health")
    ports = dict(zip(listeners, free_ports(len(listeners)), strict=True))
    spans = tmp_path / "data/otlp/spans"
    spans.mkdir(parents=True)
    (spans / "long.jsonl").write_text('{"resourceSpans":[')
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("VEREIN_", "OTEL_"))},
        **{f"VEREIN_COLLECTOR_{name.upper()}_ENDPOINT": f"{LOOPBACK}:{port}" for name, port in ports.items()},
        "VEREIN_COLLECTOR_DIRECTORY": "data",
        "VEREIN_COLLECTOR": str(collector),
    }
    command = [str(Path(sys.executable).with_name("otel-verein")), "collector", "run", "--topology", "agent"]

    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=said, stdout=said)
    try:
        assert wait_until(lambda: "Everything is ready" in (tmp_path / "said").read_text(), 30)
        name = Path(f"/proc/{process.pid}/exe").resolve().name
        limit = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        time.sleep(LISTENS_S)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)

    assert (name, code) == (collector.resolve().name, 0)
    assert b"GOMEMLIMIT=243MiB" in limit
    assert f"COLLECTOR_INSTANCE={socket.gethostname()}-agent-{ports['health']}".encode() in limit
    assert (spans / "long.jsonl").read_text() == '{"resourceSpans":[\n'
    assert (tmp_path / "said").read_text().splitlines()[:2] == [
        "otel-verein collector run: data/otlp/spans/long.jsonl: its last line was cut off by a crash, and ended",
        "otel-verein collector run: agent, by data/agent.yaml",
    ]
