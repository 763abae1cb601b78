"""SIGTERM in mid-request: the request is answered, and both it and all before it are counted, exactly."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.jobs import QUIET
from tests.e2e.launch import APPS, Server, environment, gunicorn, job, uvicorn
from tests.e2e.robust import MARGIN_S, SHUTDOWN_S, settled
from tests.services.process import wait_until

BEFORE = 40
SLOW_S = 1.0
FLASK = "robust_site:app"
FASTAPI = "robust_asgi:app"
_soak = pytest.mark.soak
SERVERS = [
    pytest.param(gunicorn("-w", "2", app=FLASK), "slow", 0, id="gunicorn sync"),
    pytest.param(gunicorn("-w", "2", "--threads", "4", app=FLASK), "slow", 0, id="gunicorn threads"),
    pytest.param(gunicorn("-w", "2", "--preload", app=FLASK), "slow", 0, id="gunicorn preload", marks=_soak),
    pytest.param(gunicorn("-k", "gevent", "-w", "2", app=FLASK), "slow", 0, id="gunicorn gevent"),
    pytest.param(uvicorn(app=FASTAPI), "slow", -signal.SIGTERM, id="uvicorn, event loop"),
    pytest.param(uvicorn(app=FASTAPI), "threaded", -signal.SIGTERM, id="uvicorn, thread", marks=_soak),
    pytest.param(uvicorn("--workers", "2", app=FASTAPI), "slow", 0, id="uvicorn, two workers"),
]
"""Command, page, and how it ends: uvicorn serves to the end and then dies of the signal, as without us."""


@pytest.mark.parametrize(("command", "page", "ending"), SERVERS)
def test_sigterm_in_a_request_loses_nothing(
    command: Callable[[int], Sequence[str]], page: str, ending: int, tmp_path: Path
) -> None:
    """Two requests are under way: both are answered as without us, and the metrics hold every request and query."""
    with Server(command, tmp_path) as server, ThreadPoolExecutor(2) as pool:
        answers = server.get_all([f"/run/{number % 5}" for number in range(BEFORE)])
        slow = [pool.submit(server.get, 0, f"/{page}/5/{int(SLOW_S * 1000)}") for _ in range(2)]
        assert wait_until(lambda: len(_text(tmp_path / "entered")) == 2, 10), server.output
        begun = time.monotonic()
        status = server.terminate()
        seconds = time.monotonic() - begun
        answers += [answer.result() for answer in slow]

    assert ({200}, ending) == ({answer.status for answer in answers}, status), server.output
    assert seconds < SLOW_S + SHUTDOWN_S + MARGIN_S
    found = settled(tmp_path)
    assert (BEFORE + 2, 2 * 5 + sum(number % 5 for number in range(BEFORE))) == (found.started, found.queries)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_sigterm_in_an_operation_of_a_script_loses_nothing_that_had_ended(tmp_path: Path) -> None:
    """A script that dies of SIGTERM within an operation has all its others counted, and the one of the command."""
    out = tmp_path / "out.txt"
    with out.open("wb") as sink:
        process = subprocess.Popen(
            [*QUIET, "python", str(APPS / "robust_script.py"), "endless"],
            cwd=tmp_path, env=environment(), stdout=sink, stderr=sink,
        )  # fmt: skip
    try:
        assert wait_until(lambda: "inside" in out.read_text(), 15), out.read_text()
        begun = time.monotonic()
        process.terminate()
        status = process.wait(timeout=15)
        seconds = time.monotonic() - begun
    finally:
        process.kill()

    ended = int(out.read_text().split()[0])
    assert (-signal.SIGTERM, True) == (status, seconds < SHUTDOWN_S + MARGIN_S), out.read_text()
    assert ended + 1 == settled(tmp_path).started


def test_sigterm_while_the_last_metrics_are_exported_loses_nothing(tmp_path: Path) -> None:
    """A process on its way out, as a child of a pool that is taken down, dies of the signal when it has exported."""
    done = job(tmp_path, str(BEFORE), script="robust_interrupted_exit.py", runner=[])

    assert -signal.SIGTERM == done.returncode, done.stderr
    assert (BEFORE, BEFORE) == (settled(tmp_path).started, settled(tmp_path).exported)
