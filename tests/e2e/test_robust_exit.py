"""Hard ways to end a script: in time, with all that had ended counted, whatever the endpoint does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import loss
from tests.e2e.jobs import QUIET
from tests.e2e.launch import job
from tests.e2e.robust import MARGIN_S, SHUTDOWN_S, settled
from tests.services.otlp_receiver import SILENT, SLOW, Behaviour, OtlpReceiver, status

KEEP_ALL = {"VEREIN_SAMPLING_RATIO": "1.0"}
OPERATIONS = 20


@pytest.mark.parametrize("what", ["thread", "short"])
def test_script_counts_all_that_it_did(what: str, tmp_path: Path) -> None:
    """Also what a thread does while the main thread is on its way out, and that thread's own ``sys.exit`` is no end."""
    done = job(tmp_path, what, script="robust_script.py", runner=QUIET)

    assert (0, f"{OPERATIONS}\n", "") == (done.returncode, done.stdout, done.stderr)
    assert OPERATIONS + 1 == settled(tmp_path).started


def test_threads_that_record_until_the_end_neither_hang_it_nor_break_the_equation(tmp_path: Path) -> None:
    """Daemon threads record while the interpreter goes: what is counted adds up, and holds what had ended before."""
    begun = time.monotonic()
    done = job(tmp_path, "daemon", script="robust_script.py", runner=QUIET)
    seconds = time.monotonic() - begun

    assert (0, f"{OPERATIONS}\n", "") == (done.returncode, done.stdout, done.stderr)
    assert seconds < SHUTDOWN_S + MARGIN_S
    assert settled(tmp_path).started > OPERATIONS


ENDPOINTS = [
    pytest.param(SILENT, id="silent"),
    pytest.param(SLOW, id="slow", marks=pytest.mark.soak),
    pytest.param(status(503, Retry_After="3600"), id="unavailable for an hour"),
]


@pytest.mark.parametrize("how", ENDPOINTS)
def test_short_script_with_a_bad_endpoint_ends_in_time_and_accounts_for_all(how: Behaviour, tmp_path: Path) -> None:
    """The traces are lost, which the metrics say; the script's output and status are its own."""
    with OtlpReceiver() as receiver:
        receiver.behave(how, signal="spans")
        begun = time.monotonic()
        done = job(tmp_path, "short", script="robust_script.py", runner=QUIET, extra=receiver.environment(**KEEP_ALL))
        seconds = time.monotonic() - begun
        metrics = receiver.lines("metrics")

    assert (0, f"{OPERATIONS}\n") == (done.returncode, done.stdout), done.stderr
    assert seconds < SHUTDOWN_S + MARGIN_S
    assert len(done.stderr.splitlines()) <= 1, done.stderr
    found = loss.total(loss.assert_balanced(loss.of_lines(metrics)))
    assert (OPERATIONS + 1, 0, OPERATIONS + 1) == (found.started, found.exported, found.dropped.total()), done.stderr


def test_short_script_whose_endpoint_is_gone_ends_quickly(tmp_path: Path) -> None:
    """Nothing listens at all: the exit does not wait for it."""
    with OtlpReceiver() as receiver:
        receiver.refuse()
        begun = time.monotonic()
        done = job(tmp_path, "short", script="robust_script.py", runner=QUIET, extra=receiver.environment(**KEEP_ALL))
        seconds = time.monotonic() - begun

    assert (0, f"{OPERATIONS}\n") == (done.returncode, done.stdout), done.stderr
    assert seconds < SHUTDOWN_S
    assert len(done.stderr.splitlines()) <= 1, done.stderr
