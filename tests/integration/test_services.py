"""The servers of the tests themselves: absence is said, failure shows the log, nothing is left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import REQUIRE, absent
from tests.services.process import ServerProcess, ServiceFailed


def test_absent_service_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where services are not required, a test without its server is skipped, saying why."""
    monkeypatch.delenv(REQUIRE, raising=False)

    with pytest.raises(pytest.skip.Exception) as skipped:
        absent("MariaDB is not installed")
    assert "MariaDB is not installed" == str(skipped.value)


def test_absent_service_fails_where_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where services are required, the same test fails."""
    monkeypatch.setenv(REQUIRE, "1")

    with pytest.raises(pytest.fail.Exception) as failed:
        absent("MariaDB is not installed")
    assert f"{REQUIRE}=1, but MariaDB is not installed" == str(failed.value)


@pytest.mark.parametrize("step", ["run", "start"])
def test_server_that_does_not_start_shows_its_log_and_leaves_nothing(step: str) -> None:
    """A program that ends is reported with what it said, and its directory is removed."""
    server = ServerProcess("broken", user=None)
    command = ["sh", "-c", "echo no such option >&2; exit 3"]

    def attempt() -> None:
        if step == "run":
            server.run(command)
        else:
            server.start(command, ready=lambda: False)

    with pytest.raises(ServiceFailed, match="no such option"):
        attempt()
    assert not server.directory.exists()


def test_interrupt_while_waiting_leaves_nothing() -> None:
    """Ctrl-C while a server is awaited ends that server and removes its directory."""
    server = ServerProcess("slow", user=None)
    pids = server.directory.parent / f"{server.directory.name}.pid"

    def interrupted() -> bool:
        if pids.exists() and pids.read_text().endswith("\n"):
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        server.start(["sh", "-c", f"echo $$ > {pids}; exec sleep 60"], interrupted)
    pid = int(pids.read_text())
    pids.unlink()
    assert not server.directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_server_that_ignores_the_request_to_end_is_killed_and_keeps_its_directory() -> None:
    """What outlasts its time ends by SIGKILL, which its exit code tells; it can start again where it was."""
    server = ServerProcess("stubborn", user=None)
    command = ["sh", "-c", "trap '' TERM; echo started >> here; while :; do sleep 60; done"]
    started = server.directory / "here"

    server.start(command, started.exists)
    assert -signal.SIGKILL == server.end(seconds=0.2)
    assert server.end() is None
    with pytest.raises(ServiceFailed, match="stubborn does not run"):
        server.kill()
    server.start(command, lambda: started.read_text() == "started\n" * 2)
    server.kill()
    assert started.exists()

    server.stop()
    assert not server.directory.exists()


def test_directory_that_was_given_stays(tmp_path: Path) -> None:
    """Only a directory of the server's own goes with it."""
    server = ServerProcess("guest", user=None, directory=tmp_path)

    server.start(["sleep", "60"], lambda: True)
    server.stop()

    assert [server.log] == list(tmp_path.iterdir())
