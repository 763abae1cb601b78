"""gevent with an endpoint that never answers: no greenlet waits for it, and everything is accounted for."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from tests import loss
from tests.e2e.jobs import QUIET
from tests.e2e.launch import Server, gunicorn, job
from tests.e2e.robust import MARGIN_S, SHUTDOWN_S
from tests.services.otlp_receiver import SILENT, OtlpReceiver

pytest.importorskip("gevent")
REQUESTS = 1000
QUERIES = 2
PATIENCE_S = 2.0
"""Longer than any answer takes on a loaded machine, and far shorter than the exporter waits for the endpoint."""

KEEP_ALL = {"VEREIN_SAMPLING_RATIO": "1.0"}


def test_gevent_worker_serves_on_while_the_endpoint_is_silent(tmp_path: Path) -> None:
    """Each of a thousand answers comes at once; traces of which nothing is known are dropped, which the metrics say."""
    command = gunicorn("-k", "gevent", "-w", "1", runner=QUIET, app="robust_site:app")
    with OtlpReceiver() as receiver:
        receiver.behave(SILENT, signal="spans")
        with Server(command, tmp_path, receiver.environment(**KEEP_ALL)) as server:
            slowest, statuses = _ask(server, REQUESTS)
            begun = time.monotonic()
            status = server.terminate()
            seconds = time.monotonic() - begun
        metrics = receiver.lines("metrics")
        asked = len(receiver.requests("spans"))

    assert ({200}, 0) == (statuses, status), server.output
    assert slowest < PATIENCE_S
    assert seconds < SHUTDOWN_S + MARGIN_S
    assert asked > 0, "the endpoint was not asked while requests were served"
    found = loss.total(loss.assert_balanced(loss.of_lines(metrics)))
    assert (REQUESTS, REQUESTS * QUERIES) == (found.started, found.queries), server.output
    assert (0, REQUESTS) == (found.exported, found.dropped.total()), server.output


def _ask(server: Server, requests: int) -> tuple[float, set[int]]:
    """The longest time between two answers on one of four connections, and which statuses came."""
    longest = 0.0
    statuses: set[int] = set()
    for _ in range(requests // 100):
        begun = time.monotonic()
        answers = server.get_all([f"/run/{QUERIES}"] * 100)
        moments = [begun, *sorted(answer.finished for answer in answers)]
        longest = max(longest, *(after - before for before, after in itertools.pairwise(moments)))
        statuses |= {answer.status for answer in answers}
    return longest, statuses


def test_gevent_script_ends_in_time_while_the_endpoint_is_silent(tmp_path: Path) -> None:
    """A script that patches everything: no operation waits for the export, and the exit waits no longer than it may."""
    greenlets, operations = 20, 50
    with OtlpReceiver() as receiver:
        receiver.behave(SILENT, signal="spans")
        begun = time.monotonic()
        done = job(
            tmp_path, str(greenlets), str(operations),
            script="robust_greenlets.py", runner=QUIET, extra=receiver.environment(**KEEP_ALL),
        )  # fmt: skip
        seconds = time.monotonic() - begun
        metrics = receiver.lines("metrics")

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < PATIENCE_S
    assert seconds < 5 + SHUTDOWN_S + MARGIN_S
    found = loss.total(loss.assert_balanced(loss.of_lines(metrics)))
    started = greenlets * operations
    assert (started + 1, started * QUERIES, 0) == (found.started, found.queries, found.exported), done.stderr
