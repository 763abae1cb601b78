"""Fifty clients at once: every answer comes, and the service is afterwards as it was before."""

from __future__ import annotations

import http.client
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.process import wait_until
from tests.services.serving import Service, store

CLIENTS = 50
PATHS = (
    "/api/v1/health",
    "/api/v1/report",
    "/api/v1/findings",
    "/api/v1/slow?limit=5",
    "/api/v1/entities",
    "/api/v1/trend",
    "/api/v1/call/quick_health_check",
    "/api/v1/call/performance_dashboard_data",
    "/health/ready",
    "/page",
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service with no limit on how often it is asked, that reads its source anew every half second."""
    options = {
        "VEREIN_SERVE_REQUESTS_PER_S": "100000",
        "VEREIN_SERVE_BURST": "100000",
        "VEREIN_SERVE_FRESH_S": "0.5",
    }
    with Service(tmp_path, ["--source", str(store(tmp_path))], options) as running:
        yield running


def _round(service: Service, requests: int) -> Counter[int]:
    """How often each status came, to so many requests of all clients together, each on a connection of its own."""

    def client(number: int) -> Counter[int]:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        found: Counter[int] = Counter()
        for turn in range(requests // CLIENTS):
            connection.request("GET", PATHS[(number + turn) % len(PATHS)])
            answer = connection.getresponse()
            answer.read()
            found[answer.status] += 1
        connection.close()
        return found

    with ThreadPoolExecutor(CLIENTS) as clients:
        return sum(clients.map(client, range(CLIENTS)), Counter())


def _rudely(service: Service, times: int) -> None:
    """Ask and be gone before the answer; or say half of a request and be gone."""
    for number in range(times):
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            end = "\r\n" if number % 2 else ""
            connection.sendall(f"GET /page?since={number + 1}d HTTP/1.1\r\nHost: localhost\r\n{end}".encode())


def _files(service: Service) -> int:
    return len(list(Path(f"/proc/{service.pid}/fd").iterdir()))


def _threads(service: Service) -> int:
    return len(list(Path(f"/proc/{service.pid}/task").iterdir()))


def _rss_mb(service: Service) -> float:
    status = Path(f"/proc/{service.pid}/status").read_text().split()
    return int(status[status.index("VmRSS:") + 1]) / 1000


def _quiet(service: Service, files: int) -> bool:
    return wait_until(lambda: _files(service) <= files, 20)


def _rounds(service: Service, requests: Sequence[int]) -> tuple[Counter[int], list[float]]:
    """All statuses, and the memory in MB after each round, once connections are gone."""
    statuses: Counter[int] = Counter()
    memory = []
    files = _files(service)
    for each in requests:
        statuses += _round(service, each)
        _rudely(service, 20)
        assert _quiet(service, files + 8)
        memory.append(_rss_mb(service))
    return statuses, memory


def test_fifty_clients_are_all_answered(service: Service) -> None:
    """No fault and no refusal within the limits; files and threads are as before."""
    _round(service, CLIENTS)
    before = _threads(service)

    statuses, _ = _rounds(service, [300])

    assert statuses == {200: 300}
    assert wait_until(lambda: _threads(service) <= before + 2, 20)
    assert service.errors() == ""


@pytest.mark.soak
def test_fifty_clients_leave_nothing_behind(service: Service) -> None:
    """Memory does not grow from round to round once everything has been asked."""
    _round(service, 500)

    statuses, memory = _rounds(service, [750] * 8)

    assert statuses == {200: 6_000}
    assert max(memory[4:]) < max(memory[:4]) * 1.1
    assert service.errors() == ""


def test_idle_connections_are_closed(service: Service) -> None:
    """One that says nothing, or half of a request, ends by itself, so that none of them takes a file for long."""
    address = ("127.0.0.1", service.port)
    with socket.create_connection(address, timeout=20) as silent, socket.create_connection(address, timeout=20) as half:
        half.sendall(b"GET / HTTP/1.1\r\n")

        assert (silent.recv(1), half.recv(1)) == (b"", b"")
