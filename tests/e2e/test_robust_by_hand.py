"""Set up by hand in each worker, after the fork: the same counts as under ``otel-verein run``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.launch import APPS, Server, gunicorn
from tests.e2e.robust import by_instance, settled

pytest.importorskip("opentelemetry.instrumentation.flask")
REQUESTS = 40
QUERIES = 3


def test_set_up_in_post_fork_without_any_environment_counts_every_request(tmp_path: Path) -> None:
    """Each worker is an instance of its own that counts what it served; nothing of ours is in the environment."""
    command = gunicorn(
        "-w", "2", "--pythonpath", str(APPS), "-c", str(APPS / "robust_post_fork.py"), runner=[], app="robust_site:app"
    )
    with Server(command, tmp_path) as server:
        answers = server.get_all([f"/run/{QUERIES}"] * REQUESTS)
        status = server.terminate()

    assert ({200}, 0) == ({answer.status for answer in answers}, status), server.output
    found = settled(tmp_path)
    assert (REQUESTS, REQUESTS * QUERIES) == (found.started, found.queries), server.output
    served = [answer.pid for answer in answers]
    assert sorted(served.count(pid) for pid in set(served)) == sorted(by_instance(tmp_path).values())
