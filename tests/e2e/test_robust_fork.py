"""Forks under load: no child hangs, and the counts of parent and children are exact."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.jobs import QUIET
from tests.e2e.launch import job
from tests.e2e.robust import by_instance, settled

OF_THE_PARENT = 2
"""Its operation around the forks, and the command that it is."""


@pytest.mark.parametrize("children", [60, pytest.param(1000, marks=pytest.mark.soak)])
def test_fork_under_load_hangs_nothing_and_counts_exactly(children: int, tmp_path: Path) -> None:
    """Children forked while four threads record, one logs and one exports: each ends in time with its own three.

    They leave by ``os._exit`` after a flush, by ``sys.exit``, and through multiprocessing.
    """
    done = job(tmp_path, str(children), runner=QUIET, script="robust_fork.py", seconds=60 + children)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {"0": children} == told["codes"], done.stderr
    counts = Counter(by_instance(tmp_path).values())
    assert Counter({3: children, told["recorded"] + OF_THE_PARENT: 1}) == counts
    found = settled(tmp_path)
    assert told["recorded"] + OF_THE_PARENT + 3 * children == found.started
    assert 2 * (told["recorded"] + 3 * children) == found.queries
