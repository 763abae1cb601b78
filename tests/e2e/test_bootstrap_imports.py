"""What is loaded before an application begins, and that gevent can patch what it needs after that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import segments
from tests.e2e.jobs import QUIET, SETTINGS
from tests.e2e.launch import APPS, Server, environment
from tests.services import Postgres
from tests.services.ports import LOOPBACK

NETWORK = frozenset({"grpc", "requests", "urllib3", "httpx", "google.protobuf"})
APPLICATION = frozenset({"sqlite3", "psycopg", "psycopg2", "pymysql", "celery", "rq", "apscheduler", "gevent"})
NOWHERE = f"http://{LOOPBACK}:1"
MODES = {
    "files": {},
    "otlp grpc": {"OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE, "OTEL_METRICS_EXPORTER": "none"},
    "otlp http": {
        "OTEL_EXPORTER_OTLP_ENDPOINT": NOWHERE,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "none",
    },
}
REQUESTS = 200
QUERIES = [number % 5 for number in range(REQUESTS)]


def _loaded(directory: Path, command: list[str], extra: dict[str, str]) -> dict[str, Any]:
    settings = SETTINGS | {"VEREIN_COMMAND_OPERATION": "0", "VEREIN_EXPORT_SHUTDOWN_S": "0.5"} | extra
    done = subprocess.run(
        command, cwd=directory, env=environment(settings), capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_package_itself_loads_nothing(tmp_path: Path) -> None:
    """``import otel_verein`` loads neither network nor threads, whatever the interpreter had loaded by itself."""
    code = "import sys; before = {*sys.modules}; import otel_verein; print(*({*sys.modules} - before))"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root, env=environment({"PYTHONPATH": root}), capture_output=True, text=True, check=True,
    )  # fmt: skip

    loaded = set(done.stdout.split())
    assert "otel_verein" in loaded
    assert set() == loaded & (
        NETWORK | APPLICATION | {"ssl", "socket", "threading", "asyncio", "wrapt", "opentelemetry"}
    )


@pytest.mark.parametrize("extra", MODES.values(), ids=MODES.keys())
def test_bootstrap_loads_no_network_and_starts_no_thread(extra: dict[str, str], tmp_path: Path) -> None:
    """Exporters are made when there is something to export; drivers and job systems are left to the application.

    ``ssl`` itself may be there, since wrapt 2.2 loads asyncio, but nothing that keeps a class of it for itself.
    """
    found = _loaded(tmp_path, [*QUIET, "python", str(APPS / "loaded.py")], extra)

    assert set() == set(found["loaded"]) & (NETWORK | APPLICATION)
    assert {"ssl"} >= set(found["holders"])
    assert found["threads"] == 1


@pytest.mark.parametrize("extra", MODES.values(), ids=MODES.keys())
def test_gevent_patches_without_a_warning(extra: dict[str, str], tmp_path: Path) -> None:
    """What gevent finds loaded too early it warns about, and then anything may happen."""
    pytest.importorskip("gevent")
    code = "from gevent import monkey; monkey.patch_all(); print('{}')"

    assert {} == _loaded(tmp_path, [*QUIET, "python", "-W", "error", "-c", code], extra)


def test_gevent_workers_count_every_request_and_query(postgres: Postgres, tmp_path: Path) -> None:
    """200 requests that interleave within their queries, on two databases: every query is in its own request."""
    pytest.importorskip("gevent")
    settings = SETTINGS | {"POSTGRES": postgres.url}
    with Server(_gunicorn, tmp_path, settings) as server:
        answers = server.get_all((f"/run/{queries}" for queries in QUERIES), threads=8)
        server.terminate()

    counts = sorted(root["verein.db.query_count"] for root in segments.roots(tmp_path / ".verein/otlp"))
    assert {200} == {answer.status for answer in answers}, server.output
    assert sorted(2 * queries for queries in QUERIES) == counts, server.output
    assert 0 == segments.counter(tmp_path / ".verein/otlp", "verein.db.queries.unattributed"), server.output


def test_greenlets_that_a_request_spawns_are_counted_apart(postgres: Postgres, tmp_path: Path) -> None:
    """gevent gives a new greenlet an empty context: its queries belong to no operation, and are counted as such."""
    pytest.importorskip("gevent")
    settings = SETTINGS | {"POSTGRES": postgres.url}
    with Server(_gunicorn, tmp_path, settings) as server:
        answers = server.get_all(["/spawn/3"] * 10)
        server.terminate()

    found = segments.sums(tmp_path / ".verein/otlp")
    assert {200} == {answer.status for answer in answers}, server.output
    assert (10, 10) == (found.operations, found.queries), server.output
    assert 60 == segments.counter(tmp_path / ".verein/otlp", "verein.db.queries.unattributed")


def _gunicorn(port: int) -> list[str]:
    return [
        *QUIET, "gunicorn", "-k", "gevent", "-w", "2", "--bind", f"{LOOPBACK}:{port}", "--log-level", "warning",
        "gevent_app:app",
    ]  # fmt: skip
