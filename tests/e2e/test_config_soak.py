"""Very many changes in one process under load: nothing is left behind, and nothing is lost or judged wrongly."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_verein.config import Config
from otel_verein.config.schema import Thresholds
from otel_verein.config.watch import Watch
from otel_verein.processors import VereinSpanProcessor
from tests.e2e.config_fleet import BY_BUDGET, OVER_QUERIES, REPEATED, changes, judged
from tests.e2e.jobs import QUIET
from tests.e2e.launch import job
from tests.e2e.robust import settled

AT_MOST = {"editions": 6, "policies": 6, "configs": 9}
"""The one in force, what the process was started under, what three operations hold that are open, and the script's."""

SEGMENTS = 2
"""Files that may be open at one of two times and not at the other."""


def _run(directory: Path, number: int, way: str) -> dict[str, Any]:
    """What the process says after so many changes; it ran to its end."""
    write_long_ago(directory / "verein.yaml", BY_BUDGET)
    done = job(directory, f"{number}", way, script="config_changes.py", runner=QUIET, seconds=280)
    assert (0, "") == (done.returncode, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write_long_ago(file: Path, text: str) -> None:
    """Write a file that is not young: such a one is read twice, in case that it changes within its time stamp."""
    file.write_text(text)
    os.utime(file, (0, 0))


@pytest.mark.parametrize(
    ("number", "growth_kb"),
    [pytest.param(60, 12_288, id="60, still warming up"), pytest.param(1000, 4096, id="1000", marks=pytest.mark.soak)],
)
def test_changes_in_a_row_half_of_them_invalid_leave_nothing_behind(
    number: int, growth_kb: int, tmp_path: Path
) -> None:
    """Each is taken over or refused, once; what they needed is let go, and the last valid one is in force."""
    found = _run(tmp_path, number, "file")

    before, after = found["before"], found["after"]
    assert (number // 2, number // 2) == (found["in_force"], found["refused"])
    assert [{"applied": number // 2, "refused": number // 2}] == list(changes(tmp_path).values())
    assert 4 == found["queries"]
    assert {} == {kind: after[kind] for kind, most in AT_MOST.items() if after[kind] > most}
    assert before["threads"] == after["threads"]
    assert after["files"] <= before["files"] + SEGMENTS
    assert after["resident_kb"] <= before["resident_kb"] + growth_kb
    _assert_judged_by_one(tmp_path, found["operations"])


@pytest.mark.parametrize(
    "number", [pytest.param(1000, id="1000"), pytest.param(10_000, id="10000", marks=pytest.mark.soak)]
)
def test_changes_faster_than_operations_are_never_mixed(number: int, tmp_path: Path) -> None:
    """Where the configuration changes several times within an operation, that is judged by the one it began under."""
    found = _run(tmp_path, number, "call")

    assert [{"applied": number}] == list(changes(tmp_path).values())
    _assert_judged_by_one(tmp_path, found["operations"])


def _assert_judged_by_one(directory: Path, operations: int) -> None:
    """Each of so many operations is kept for what one of the two configurations says of it, and nothing is lost."""
    verdicts = Counter(one.breaches for each in judged(directory).values() for one in each if one.name == "load")
    assert {OVER_QUERIES, REPEATED} == verdicts.keys()
    assert operations == verdicts.total() == settled(directory).started - 1  # the script is one, too


def test_what_the_application_has_set_stays_until_the_file_says_something_else(tmp_path: Path) -> None:
    """A file is read again while it is young, and in a forked child; as long as it says the same, nothing changes."""
    (tmp_path / "verein.yaml").write_text(BY_BUDGET)
    watch = Watch({}, tmp_path)
    started = watch.read().resolved
    assert started is not None
    processor = VereinSpanProcessor(None, started.config)
    own = Config(thresholds=Thresholds(queries=7))

    processor.reconfigure(own)
    processor._follower.take(watch.read())
    after_the_same = processor.config
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 8}\n")
    processor._follower.take(watch.read())

    assert (own, 8) == (after_the_same, processor.config.thresholds.queries)


def test_look_at_what_has_not_changed_asks_for_two_files_and_opens_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hearing: list[str]
) -> None:
    """The configuration and its override, once each; with a standard file that is named, those of it, too."""
    write_long_ago(tmp_path / "verein.yaml", BY_BUDGET)
    watch = Watch({}, tmp_path)
    assert watch.read().resolved is not None
    stat = os.stat
    asked: list[str] = []
    monkeypatch.setattr(os, "stat", lambda path, **how: asked.append(str(path)) or stat(path, **how))
    hearing.clear()

    found = watch.look()
    opened = hearing.copy()

    monkeypatch.undo()
    assert (None, []) == (found, opened)
    assert [str(tmp_path / "verein.yaml"), str(tmp_path / ".verein/config/override.yaml")] == asked


@pytest.fixture
def hearing() -> Iterator[list[str]]:
    """The files that this thread opens; the hook itself cannot be taken away again."""
    heard: list[str] = []
    own, over = threading.get_ident(), threading.Event()

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and not over.is_set() and threading.get_ident() == own:
            heard.append(str(arguments[0]))

    sys.addaudithook(hear)
    yield heard
    over.set()
