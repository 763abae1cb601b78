"""Servers that restart themselves when a file changes: one count per request, and the process above them is silent."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import segments
from tests.e2e.jobs import QUIET
from tests.e2e.launch import APPS, Server
from tests.e2e.robust import by_instance, settled
from tests.services.ports import LOOPBACK, accepts
from tests.services.process import wait_until

REQUESTS = 20
QUERIES = 2
SERVERS: dict[str, Callable[[int], Sequence[str]]] = {
    "Django runserver": lambda port: [*QUIET, "python", "manage.py", "runserver", f"{LOOPBACK}:{port}"],
    "Flask debug": lambda port: [
        *QUIET, "flask", "--app", "robust_reloaded", "run", "--debug", "--host", LOOPBACK, "--port", str(port),
    ],
    "uvicorn --reload": lambda port: [
        *QUIET, "uvicorn", "--reload", "--port", str(port), "--log-level", "warning", "robust_reloaded:asgi",
    ],
}  # fmt: skip


@pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS.keys())
def test_reloaded_server_counts_every_request_once(command: Callable[[int], Sequence[str]], tmp_path: Path) -> None:
    """Before and after a restart the process that serves counts what it served; the one above it exports nothing."""
    source = tmp_path / ("manage.py" if "manage.py" in command(0) else "robust_reloaded.py")
    shutil.copy(APPS / "robust_reloaded.py", source)
    with Server(command, tmp_path, {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(APPS)])}) as server:
        first = server.get_all(["/run/2"] * REQUESTS, threads=2)
        with source.open("a") as sink:
            sink.write("\n# changed\n")
        assert wait_until(lambda: _gone(first[0].pid) and accepts(server.port), 20), server.output
        second = server.get_all(["/run/2"] * REQUESTS, threads=2)
        os.kill(second[0].pid, signal.SIGTERM)  # else the process above it may kill it, as it does at Ctrl-C
        assert wait_until(lambda: _gone(second[0].pid), 15), server.output
        server.process.terminate()
        server.process.wait(timeout=15)

    assert {200} == {answer.status for answer in first + second}, server.output
    served = dict.fromkeys((first[0].pid, second[0].pid), REQUESTS)
    assert len(served) == 2
    assert served == {answer.pid: REQUESTS for answer in first + second}
    found = settled(tmp_path)
    assert (2 * REQUESTS, 2 * REQUESTS * QUERIES) == (found.started, found.queries), server.output
    assert [REQUESTS] * 2 == sorted(by_instance(tmp_path).values())
    assert served.keys() == _writers(tmp_path)


def _gone(pid: int) -> bool:
    """Whether the process is no more, or waits to be buried.

    Its first thread may be there already while another, not yet ended, keeps the port open.
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z" and threads == 1


def _writers(directory: Path) -> set[int]:
    """The processes that wrote a segment."""
    return {
        segments.attributes(resource["resource"])["process.pid"]
        for line in segments.lines(directory / ".verein/otlp", "metrics")
        for resource in line["resourceMetrics"]
    }
