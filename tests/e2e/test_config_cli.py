"""The whole life of a configuration, by the commands that a person types in a fresh directory."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, code_blocks
from tests.services.process import wait_until

COMMAND = (sys.executable, "-c", "from otel_verein.cli.main import main; main()")
JOB = "import sqlite3\nfor number in range(3):\n    sqlite3.connect(':memory:').execute('SELECT 1')\n"


WORKER = """
import pathlib, time, otel_verein
while not pathlib.Path("stop").exists():
    with otel_verein.operation("tick"):
        time.sleep(0.01)
"""


class Shell:
    """Real commands in a directory, without variables that speak of a configuration."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "verein.yaml"
        self._directory = directory
        foreign = ("VEREIN_", "OTEL_", "FLASK_DEBUG", "DJANGO_DEBUG")
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}

    @contextmanager
    def started(self, *arguments: str) -> Iterator[None]:
        """`otel-verein` with these arguments, running until the end of the block, where it finds the file `stop`."""
        process = subprocess.Popen([*COMMAND, *arguments], cwd=self._directory, env=self._environ)
        try:
            yield
        finally:
            (self._directory / "stop").touch()
            assert process.wait(30) == 0

    def __call__(self, *arguments: str, status: int | None = 0, **environ: str) -> str:
        """What `otel-verein` with these arguments prints; it has to end with *status*, if given, and no traceback."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self._directory,
            env=self._environ | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert status in (None, done.returncode), done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if not status or done.stdout else done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A fresh directory."""
    return Shell(tmp_path)


def test_a_configuration_is_made_checked_changed_explained_and_brought_back(shell: Shell) -> None:
    """From the sample to a roll-back: every step holds, and what is refused leaves the file as it was."""
    shell.file.write_text(shell("config", "sample"))
    sample = shell.file.read_text()
    assert shell("config", "validate").startswith("verein.yaml: valid; 0 options set; digest ")

    shell("config", "set", "thresholds.queries", "30", "--reason", "slow pages")
    changed = shell.file.read_text()
    shell("config", "set", "sampling.ratio", "0.5", "--environment", "production")
    shell("config", "set", "thresholds.queries", "45", "--for", "2h")
    refused = shell("config", "set", "thresholds.queries", "1000", status=2)
    why = shell("config", "show", "--why", "thresholds.queries")
    history = shell("config", "history")
    before = shell.file.read_text()
    shell("config", "rollback", "1")

    assert [line for line in changed.splitlines() if line not in sample.splitlines()] == ["  queries: 30"]
    assert "queries: 1000 must be below thresholds.queries_critical: 100 (as by default)\n" in refused
    assert "  queries: 45\n    # from .verein/config/override.yaml:2, until " in why
    assert "    # over default: 50\n" in why
    assert [line.split()[0] for line in history.splitlines() if line[0] != " "] == ["3", "2", "1"]
    assert "why: slow pages" in history
    assert before != changed == shell.file.read_text()
    assert shell("config", "get", "sampling.ratio", VEREIN_ENVIRONMENT="production") == "1.0\n"


def test_a_process_is_told_to_be_current_or_to_lag(shell: Shell, tmp_path: Path) -> None:
    """A process that ran with the configuration of now is current, until that changes; then it lags."""
    (tmp_path / "job.py").write_text(JOB)
    shell("run", "--quiet", "job.py")

    current = json.loads(shell("config", "status", "--json"))
    shell("config", "set", "thresholds.queries", "30")
    lagging = json.loads(shell("config", "status", "--json", status=1))

    assert [each["counts"] for each in (current, lagging)] == [{"current": 1}, {"lagging": 1}]


def test_a_running_process_is_current_again_after_a_change(shell: Shell, tmp_path: Path) -> None:
    """It lags until it has taken the change over; an unusable file makes it `invalid`, and the old one is kept."""
    (tmp_path / "worker.py").write_text(WORKER)

    def is_seen(status: str) -> bool:
        seen = json.loads(shell("config", "status", "--from", ".verein/otlp", "--json", status=None) or "{}")
        return [each["status"] for each in seen.get("processes", ())] == [status]

    with shell.started("run", "--quiet", "worker.py"):
        assert wait_until(lambda: is_seen("current"), 20)
        shell("config", "set", "thresholds.queries", "30")
        assert wait_until(lambda: is_seen("current"), 20)
        shell("config", "set", "export.retry_s", "6")
        assert wait_until(lambda: is_seen("restart_needed"), 20)
        shell.file.write_text("thresholds: [\n")
        assert wait_until(lambda: is_seen("invalid"), 20)


def test_a_broken_file_is_told_by_every_command_that_reads_it(shell: Shell) -> None:
    """One bad line: `validate` and what reads the file say where it is, and what writes leaves it alone."""
    shell.file.write_text("thresholds:\n\tqueries: 3\n")
    where = "verein.yaml:2: is indented with a tab; use spaces\n"

    told = [
        shell("config", "validate", status=1),
        shell("config", "show", status=1),
        shell("config", "get", "thresholds.queries", status=1),
        shell("config", "set", "thresholds.queries", "4", status=2),
        shell("config", "unset", "thresholds.queries", status=2),
        shell("config", "diff", status=2),
    ]

    assert [where in each for each in told] == [True] * 6
    assert shell.file.read_text() == "thresholds:\n\tqueries: 3\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A full disk behind the output ends the command with 2 and one line, not with a traceback."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "config", "schema"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )

    assert (done.returncode, done.stderr) == (2, "otel-verein config: cannot be printed: No space left on device\n")


def test_the_commands_of_the_page_do_what_it_says(shell: Shell, tmp_path: Path) -> None:
    """Every command of docs/how-to/configure.md runs, in its order, on the first file that the page shows."""
    page = ROOT / "docs/how-to/configure.md"
    (tmp_path / "job.py").write_text(JOB)
    shell.file.write_text(code_blocks(page, "yaml")[0])
    shell("run", "--quiet", "job.py")
    commands = [shlex.split(line)[1:] for block in code_blocks(page, "bash") for line in block.splitlines()]

    for command in commands:
        if command[1] == "diff":
            shell(*command, status=1)  # as told: they differ
        else:
            shell(*command, status=1 if command[1] == "status" else 0)  # the job of before lags behind

    assert {command[1] for command in commands} == {
        *("sample", "validate", "show", "get", "diff", "set", "unset", "history", "rollback", "status"),
    }
    assert shell("config", "history").startswith("6  ")
