"""One writer at a time: who waits, and what is said of the one that holds the lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from otel_verein.errors import StoreBusyError, StoreError
from otel_verein.store.layout import Store
from otel_verein.store.lock import held, quiet

HOLDER = """
import sys, time
from pathlib import Path
from otel_verein.store.layout import Store
from otel_verein.store.lock import held, quiet
with held(Store(Path(sys.argv[1])), "rollup"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(root: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that holds the lock for *seconds*."""
    words = [sys.executable, "-c", HOLDER, str(root), str(seconds)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    """The message names job, process and time, and what to do."""
    process = holder(tmp_path, 60)
    try:
        with pytest.raises(StoreBusyError) as caught, held(Store(tmp_path), "ingest"):
            pass
    finally:
        process.kill()
        process.wait(10)

    found = str(caught.value)
    assert found.startswith(f"{tmp_path}: rollup of process {process.pid} is writing to it since 20")
    assert found.endswith(" UTC; wait for it with --wait SECONDS")


def test_a_writer_that_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    """With time to wait, there is no error."""
    process = holder(tmp_path, 0.3)

    with held(Store(tmp_path), "ingest", wait_s=30):
        assert process.wait(10) == 0


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """The kernel lets go of it; what its file says does not matter."""
    process = holder(tmp_path, 60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)

    with held(Store(tmp_path), "ingest"):
        assert '"job": "ingest"' in Store(tmp_path).lock.read_text()


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where the directory should be is no crash."""
    (tmp_path / "taken").write_text("")

    with pytest.raises(StoreError) as caught, held(Store(tmp_path / "taken" / "store"), "ingest"):
        pass

    assert str(caught.value) == f"{tmp_path}/taken/store: cannot be written to: Not a directory"


def test_who_reads_in_quiet_keeps_writers_away_and_waits_for_them(tmp_path: Path) -> None:
    """Several may read so at once; a writer comes in when they are done, and they when it is."""
    store = Store(tmp_path)
    with held(store, "ingest"):
        pass

    with quiet(store, 0), quiet(store, 0):
        with pytest.raises(StoreBusyError) as caught, held(store, "ingest"):
            pass
        assert str(caught.value) == f"{tmp_path}: another process is at it; wait for it with --wait SECONDS"
    process = holder(tmp_path, 0.3)
    with quiet(store, 30):
        assert process.wait(10) == 0


def test_who_cannot_have_quiet_reads_all_the_same(tmp_path: Path) -> None:
    """Without a lock file, or while a writer goes on and on."""
    with quiet(Store(tmp_path / "none"), 0):
        pass
    with held(Store(tmp_path), "ingest"), quiet(Store(tmp_path), 0.05):
        pass
