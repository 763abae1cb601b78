"""An exporter that takes half a minute for each export: requests, memory and exit do not feel it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests import loss, segments
from tests.e2e.launch import job
from tests.e2e.robust import MARGIN_S, SHUTDOWN_S, faults

REQUESTS = 400
QUEUE = 50
SPREAD_S = 0.25
"""What answers may vary by on a loaded machine; an answer that waits for the exporter takes 30 s."""


def test_sleeping_exporter_neither_slows_requests_nor_holds_the_exit(tmp_path: Path) -> None:
    """The 99th percentile is that of the same server without us; what finds no place in the queue is counted."""
    bare = json.loads(_run(tmp_path, "bare").stdout)
    begun = time.monotonic()
    done = _run(tmp_path, "sleeping")
    seconds = time.monotonic() - begun
    watched = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert watched["p99"] < bare["p99"] + SPREAD_S
    assert watched["exports"] == 1
    assert seconds < 10 * REQUESTS * bare["p50"] + SHUTDOWN_S + MARGIN_S
    found = loss.total(loss.assert_balanced(loss.of_files(tmp_path / ".verein/otlp")))
    assert (REQUESTS + 1, 2 * (REQUESTS + 1), REQUESTS + 1) == (found.started, found.queries, found.kept.total())
    assert (0, REQUESTS - QUEUE) == (found.exported, found.dropped["queue_full"]), str(found)
    assert {} == faults(tmp_path), done.stderr
    assert [] == list(segments.spans(tmp_path / ".verein/otlp"))


def _run(directory: Path, how: str) -> object:
    return job(directory, how, str(REQUESTS), script="robust_by_hand.py", runner=[], seconds=60)
