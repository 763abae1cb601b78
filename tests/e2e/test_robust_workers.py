"""Workers that are replaced, and workers that are ended because they hang: every request is counted once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.e2e.jobs import QUIET
from tests.e2e.launch import Server, gunicorn
from tests.e2e.robust import by_instance, settled
from tests.services.process import wait_until

REQUESTS = 40
QUERIES = 2
FLASK = "robust_site:app"
REPLACED = [
    pytest.param(gunicorn("-w", "2", "--max-requests", "1", app=FLASK), id="each one", marks=pytest.mark.soak),
    pytest.param(gunicorn("-w", "2", "--max-requests", "7", app=FLASK), id="7"),
    pytest.param(
        gunicorn("-w", "2", "--threads", "2", "--preload", "--max-requests", "10", app=FLASK), id="10, threads, preload"
    ),
]


@pytest.mark.parametrize("command", REPLACED)
def test_workers_replaced_after_some_requests_lose_nothing(
    command: Callable[[int], Sequence[str]], tmp_path: Path
) -> None:
    """Each worker counts what it served until it was replaced, and none of them hangs on its way out."""
    with Server(command, tmp_path) as server:
        answers = server.get_all([f"/run/{QUERIES}"] * REQUESTS, threads=1)
        status = server.terminate()

    assert ({200}, 0) == ({answer.status for answer in answers}, status), server.output
    assert "TIMEOUT" not in server.output
    served = [answer.pid for answer in answers]
    found = settled(tmp_path)
    assert (REQUESTS, REQUESTS * QUERIES) == (found.started, found.queries), server.output
    assert sorted(served.count(pid) for pid in set(served)) == sorted(by_instance(tmp_path).values())


def test_worker_ended_because_it_hangs_loses_nothing(tmp_path: Path) -> None:
    """gunicorn's timeout ends a worker within a request: that one and all before it are counted, by the worker itself.

    It answers that request with an error, as without us.
    """
    with Server(gunicorn("-w", "1", "--timeout", "1", app=FLASK, runner=QUIET), tmp_path) as server:
        answers = server.get_all([f"/run/{QUERIES}"] * REQUESTS, threads=1)
        hung = server.get(0, "/slow/4/60000")
        assert wait_until(lambda: _answers(server), 15), server.output
        server.terminate()

    assert ({200}, 500) == ({answer.status for answer in answers}, hung.status), server.output
    found = settled(tmp_path)
    assert REQUESTS + 1 + 1 == found.started, server.output
    assert (REQUESTS + 1) * QUERIES + 4 // 2 == found.queries, server.output


def test_reload_of_gunicorn_loses_nothing(tmp_path: Path) -> None:
    """After SIGHUP new workers serve; what the old ones had served is counted, while requests go on."""
    with Server(gunicorn("-w", "2", app=FLASK), tmp_path) as server:
        answers = server.get_all([f"/run/{QUERIES}"] * REQUESTS)
        old = {answer.pid for answer in answers}
        server.process.send_signal(signal.SIGHUP)
        while answers[-1].pid in old:
            answers.append(server.get(0, f"/run/{QUERIES}"))
        status = server.terminate()

    assert ({200}, 0) == ({answer.status for answer in answers}, status), server.output
    served = [answer.pid for answer in answers]
    assert sorted(served.count(pid) for pid in set(served)) == sorted(by_instance(tmp_path).values())
    assert (len(answers), len(answers) * QUERIES) == (settled(tmp_path).started, settled(tmp_path).queries)


def _answers(server: Server) -> bool:
    return server.get(0, f"/run/{QUERIES}").status == 200
