"""A wall clock that is set while operations run: no duration is negative, and none is an hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import segments
from tests.e2e.launch import job
from tests.e2e.robust import settled

LONGEST_S = 20.0
"""Far more than the operations take, far less than the clock is set by."""


@pytest.mark.parametrize("how", ["light", "sdk"])
def test_clock_that_is_set_in_an_operation_makes_no_duration_wrong(how: str, tmp_path: Path) -> None:
    """Durations in metrics and of spans, of the operation, its child and its queries, are those of a steady clock."""
    done = job(tmp_path, how, script="robust_clock.py", runner=[])

    assert done.returncode == 0, done.stderr
    operations = int(done.stdout)
    found = settled(tmp_path)
    assert (operations, 2 * operations) == (found.started, found.queries)
    lengths = [
        (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e9
        for _, span in segments.spans(tmp_path / ".verein/otlp")
    ]
    assert len(lengths) >= 2 * operations
    assert [] == [length for length in lengths if not 0 <= length < LONGEST_S]
    assert [] == [point for point in _durations(tmp_path) if not 0 <= point < LONGEST_S]


def _durations(directory: Path) -> list[float]:
    """Least, greatest and sum of every duration that the metrics tell."""
    return [
        float(point.data[key])
        for point in segments.points(directory / ".verein/otlp")
        if point.metric in ("verein.operation.duration", "verein.operation.db.duration")
        for key in ("min", "max", "sum")
    ]
