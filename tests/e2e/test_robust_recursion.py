"""Telemetry does not feed itself: by our log lines, by the exporter's requests, or by processes that start others."""

from __future__ import annotations

from pathlib import Path

from tests import loss
from tests.e2e.jobs import QUIET, booked
from tests.e2e.launch import Server, gunicorn, job
from tests.e2e.robust import settled
from tests.services.otlp_receiver import OtlpReceiver, status

OPERATIONS = 100
KEEP_ALL = {"VEREIN_SAMPLING_RATIO": "1.0"}


def test_handler_that_opens_a_span_for_our_log_lines_makes_few_of_them(tmp_path: Path) -> None:
    """An endpoint that is down is a line or two, however many operations of log records that makes; they add up."""
    with OtlpReceiver() as receiver:
        receiver.behave(status(500), signal="spans")
        done = job(
            tmp_path, "logging", str(OPERATIONS),
            script="robust_recursion.py", runner=QUIET, extra=receiver.environment(**KEEP_ALL),
        )  # fmt: skip
        metrics = receiver.lines("metrics")

    assert done.returncode == 0, done.stderr
    extra = int(done.stdout)
    assert 1 <= extra <= 2, done.stderr
    found = loss.total(loss.assert_balanced(loss.of_lines(metrics)))
    assert (0, OPERATIONS + extra) == (found.exported, found.started), done.stderr
    assert OPERATIONS + extra == found.queries


def test_requests_of_the_exporter_are_no_spans(tmp_path: Path) -> None:
    """Where all HTTP is instrumented, what the exporter sends is what the application did, and no more."""
    with OtlpReceiver() as receiver:
        done = job(
            tmp_path, "http", str(OPERATIONS),
            script="robust_recursion.py", runner=QUIET, extra=receiver.environment(**KEEP_ALL),
        )  # fmt: skip
        metrics, sent = receiver.lines("metrics"), len(receiver.requests("spans"))

    assert (0, "0\n", "") == (done.returncode, done.stdout, done.stderr)
    assert sent > 1, "the exporter sent too little for a test"
    found = loss.total(loss.assert_balanced(loss.of_lines(metrics)))
    assert (OPERATIONS, OPERATIONS, OPERATIONS) == (found.exported, found.started, found.queries)


def test_python_process_that_a_request_starts_is_counted_once_and_apart(tmp_path: Path) -> None:
    """The environment reaches it, so it is a command of its own with its own queries, set up once."""
    requests, queries = 5, 4
    with Server(gunicorn("-w", "1", runner=QUIET, app="robust_site:app"), tmp_path) as server:
        answers = server.get_all([f"/subprocess/{queries}"] * requests, threads=1)
        server.terminate()

    assert {200} == {answer.status for answer in answers}, server.output
    every = (requests, requests * queries)
    assert {"GET /subprocess/<int:queries>": every, "command.py": every} == booked(tmp_path), server.output
    assert 2 * requests == settled(tmp_path).started
    assert "" == server.output
