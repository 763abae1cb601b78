"""Forks wait for the imports of our threads, and not for ever."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_verein.forks import ForkGate

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks processes")
MODULE = "verein_test_slow_module"
SLOW = """
import sys
entered, go = sys.verein_test_events
entered.set()
go.wait(10)
"""
DEADLINE_S = 10


def _forked(work: Callable[[], object]) -> int:
    """The exit code of a child that does *work*; it dies of SIGALRM where that hangs."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(DEADLINE_S)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_child_can_import_what_a_thread_was_importing_at_the_fork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fork comes when the import is done, so the child finds the module whole and no lock of it taken."""
    (tmp_path / f"{MODULE}.py").write_text(SLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    entered, go = threading.Event(), threading.Event()
    monkeypatch.setattr(sys, "verein_test_events", (entered, go), raising=False)
    gate = ForkGate()

    def importing() -> None:
        with gate.closed():
            importlib.import_module(MODULE)

    thread = threading.Thread(target=importing)
    thread.start()
    entered.wait(DEADLINE_S)
    threading.Timer(0.2, go.set).start()
    code = _forked(lambda: importlib.import_module(MODULE))
    thread.join()
    del sys.modules[MODULE]

    assert code == 0


def test_fork_waits_for_a_bounded_time() -> None:
    """An import that does not end holds a fork back as long as the gate allows, and the child has a gate of its own."""
    gate = ForkGate(at_most_s=0.2)
    entered, go = threading.Event(), threading.Event()

    def endless() -> None:
        with gate.closed():
            entered.set()
            go.wait(DEADLINE_S)

    def in_child() -> None:
        with gate.closed():
            pass

    thread = threading.Thread(target=endless)
    thread.start()
    entered.wait(DEADLINE_S)
    begun = time.monotonic()
    code = _forked(in_child)
    seconds = time.monotonic() - begun
    go.set()
    thread.join()

    assert code == 0
    assert 0.2 <= seconds < DEADLINE_S


def test_parent_goes_on_after_a_fork() -> None:
    """A fork leaves the gate of the parent open: the next import and the next fork wait for nothing."""
    gate = ForkGate()

    codes = [_forked(lambda: None) for _ in range(3)]
    begun = time.monotonic()
    with gate.closed():
        pass

    assert [0, 0, 0] == codes
    assert time.monotonic() - begun < 1
