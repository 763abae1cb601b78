"""APScheduler 3: every run of a job is one operation with its exact queries, in every executor."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.jobs import QUIET, SETTINGS, booked, faults, outside, roots, witnessed
from tests.e2e.launch import APPS, environment
from tests.e2e.robust import settled

pytest.importorskip("apscheduler")
TIMES = 3
JOBS = {"plain": (TIMES, 2 * TIMES), "nightly import": (TIMES, 3 * TIMES)}
EXECUTORS = {
    "threads": JOBS,
    "processes": JOBS,
    "asyncio": JOBS | {"awaited": (1, 4)},
    "inside": JOBS | {"around": (1, 1)},
}
"""What runs, by executor; ``inside`` starts the scheduler in a span, which the jobs outlive and do not belong to."""


@pytest.mark.parametrize(("executor", "expected"), EXECUTORS.items(), ids=EXECUTORS.keys())
def test_every_run_is_one_operation_in_every_executor(
    executor: str, expected: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    """Operations and queries by job are what sqlite saw, failed runs say so, a missed time is none.

    The traceback that APScheduler keeps as text names no file of ours.
    """
    settings = SETTINGS | {"WITNESS": str(tmp_path / "witness.txt")}
    done = subprocess.run(
        [*QUIET, "python", str(APPS / "scheduled.py"), executor],
        cwd=tmp_path, env=environment(settings), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (0, f"theirs {TIMES}\n") == (done.returncode, done.stdout), done.stderr
    assert expected == witnessed(tmp_path), done.stderr
    assert expected == booked(tmp_path), done.stderr
    assert {"nightly import": JOBS["nightly import"]} == booked(tmp_path, "error")
    assert {"LookupError"} == {root["attributes"].get("error.type") for root in roots(tmp_path)} - {None}
    assert (0, 0) == (outside(tmp_path), faults(tmp_path)), done.stderr
    settled(tmp_path)
