"""kill -9 of a worker: at most its last second is lost, and nothing of the others."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

from tests import segments
from tests.e2e.launch import Answer, Server, gunicorn
from tests.services.process import wait_until

TRAFFIC_S = 2.5
LOSS_S = 1.0


def _traffic(server: Server, seconds: float) -> list[Answer]:
    answers: list[Answer] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number = len(answers)
        answers += [server.get(number, f"/run/{number % 5}?number={number}")]
    return answers


def _numbers(directory: Path) -> set[int]:
    keys = ("http.target", "url.query", "http.url", "url.full")
    texts = [str(root[key]) for root in segments.roots(directory) for key in keys if key in root]
    return {int(text.rpartition("number=")[2]) for text in texts if "number=" in text}


def test_killed_worker_loses_at_most_its_last_second(tmp_path: Path) -> None:
    """Requests finished more than 1.0 s before the kill are in the segments, as metrics and as traces."""
    directory = tmp_path / ".verein/otlp"
    with Server(gunicorn("-w", "2"), tmp_path, {"VEREIN_SAMPLING_RATIO": "1.0"}) as server:
        answers = _traffic(server, TRAFFIC_S)
        ((victim, _),) = Counter(answer.pid for answer in answers).most_common(1)
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        assert wait_until(lambda: f"(pid:{victim}) was sent SIGKILL" in server.output, 5), server.output
        server.terminate()

    theirs = [answer for answer in answers if answer.pid == victim]
    due = {answer.number for answer in theirs if answer.finished < killed - LOSS_S}
    safe = due | {answer.number for answer in answers if answer.pid != victim}
    assert due, "the victim served nothing early enough to tell"
    assert set() == safe - _numbers(directory), server.output
    extra = segments.sums(directory).operations - len(safe)
    assert 0 <= extra <= len(theirs) - len(due), server.output
