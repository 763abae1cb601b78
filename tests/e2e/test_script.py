"""A script under ``otel-verein run`` is one operation with all queries of its main thread, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import segments
from tests.e2e.launch import APPS, environment, job
from tests.services.process import wait_until

# Upstream says that it cannot instrument a SQLAlchemy newer than it knows, which we leave out anyway.
ALL = {"VEREIN_SAMPLING_RATIO": "1.0", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "sqlalchemy"}
QUERIES = 12
NAME = "command.py"


def _roots(directory: Path) -> list[dict[str, Any]]:
    """Every root span: its name, status code and attributes in one."""
    return [
        {"name": span["name"], "status": span.get("status", {}).get("code", 0), **segments.attributes(span)}
        for _, span in segments.spans(directory / ".verein/otlp")
        if not span.get("parentSpanId")
    ]


def _told(root: dict[str, Any]) -> tuple[Any, ...]:
    keys = ("name", "verein.db.query_count", "process.exit.code", "error.type", "status")
    return tuple(root.get(key) for key in keys)


ENDINGS = {
    "return": (0, 0, None, 0),
    "exit 0": (0, 0, None, 0),
    "exit 3": (3, 3, "SystemExit", 2),
    "message": (1, 1, "SystemExit", 2),
    "caught": (0, 0, None, 0),
    "raise": (1, 1, "LookupError", 2),
    "system-exit 4": (4, None, None, 0),
}
"""Ending of the script -> its exit status, and what the operation says: exit code, type of error, status code."""


@pytest.mark.parametrize(("how", "expected"), ENDINGS.items(), ids=ENDINGS.keys())
def test_script_is_one_operation_however_it_ends(how: str, expected: tuple[Any, ...], tmp_path: Path) -> None:
    """One operation of all its queries, with its exit code and error; the script itself ends as it would without us.

    The code of a ``SystemExit`` raised by hand is not known, and so is not there.
    """
    bare = job(tmp_path, str(QUERIES), *how.split(), script="command.py", runner=[])

    done = job(tmp_path, str(QUERIES), *how.split(), script="command.py", extra=ALL, runner=_QUIET)

    status, *told = expected
    assert (status, bare.stdout, bare.stderr) == (done.returncode, done.stdout, done.stderr)
    assert [(NAME, QUERIES, *told)] == [_told(root) for root in _roots(tmp_path)]


_QUIET = ("otel-verein", "run", "--quiet", "--")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("how", ["wait", "busy"])
def test_script_that_a_signal_ends_is_an_operation(number: signal.Signals, how: str, tmp_path: Path) -> None:
    """The signal ends the script as it would without us, and the operation says so, also in the midst of queries."""
    out = tmp_path / "out.txt"
    with out.open("wb") as sink:
        process = subprocess.Popen(
            [*_QUIET, "python", str(APPS / "command.py"), str(QUERIES), how],
            cwd=tmp_path, env=environment(ALL), stdout=sink, stderr=sink,
        )  # fmt: skip
    try:
        assert wait_until(lambda: b"done" in out.read_bytes(), 15), out.read_text()
        process.send_signal(number)
        status = process.wait(timeout=10)
    finally:
        process.kill()

    (root,) = _roots(tmp_path)
    error = "KeyboardInterrupt" if number == signal.SIGINT else number.name
    assert -number == status, out.read_text()
    assert (NAME, 128 + number, error, 2) == tuple(_told(root)[at] for at in (0, 2, 3, 4))
    assert root["verein.db.query_count"] >= QUERIES


WHERE = {
    "task": ({"elsewhere.py": 10}, 0),
    "thread": ({"elsewhere.py": 5}, 5),
    "pool": ({"elsewhere.py": 5}, 5),
    "fork": ({"elsewhere.py": 5}, 5),
    "process": ({"elsewhere.py": 5}, 5),
    "subprocess": ({"elsewhere.py": 5, "command.py": 5}, 0),
    "one-liner": ({"elsewhere.py": 5}, 5),
}
"""Where 5 of 10 queries run -> queries by operation, and queries that belong to none."""


@pytest.mark.parametrize(("where", "expected"), WHERE.items(), ids=WHERE.keys())
def test_queries_elsewhere_are_booked_where_they_belong(
    where: str, expected: tuple[dict[str, int], int], tmp_path: Path
) -> None:
    """Tasks belong to the script, a Python command that it starts is one of its own, all else is unattributed."""
    extra = ALL | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "sqlalchemy,threading"}
    done = job(tmp_path, where, script="elsewhere.py", extra=extra)

    operations, outside = expected
    assert done.returncode == 0, done.stderr
    assert operations == {root["name"]: root["verein.db.query_count"] for root in _roots(tmp_path)}
    assert outside == segments.counter(tmp_path / ".verein/otlp", "verein.db.queries.unattributed")


def test_thread_that_carries_the_context_belongs_to_the_script(tmp_path: Path) -> None:
    """With ``opentelemetry-instrumentation-threading`` queries of threads are the script's too."""
    pytest.importorskip("opentelemetry.instrumentation.threading")

    done = job(tmp_path, "thread", script="elsewhere.py", extra=ALL)

    assert done.returncode == 0, done.stderr
    assert [("elsewhere.py", 10)] == [(root["name"], root["verein.db.query_count"]) for root in _roots(tmp_path)]


def test_management_command_is_named_and_exact(tmp_path: Path) -> None:
    """``manage.py migrate`` is one operation, with as many queries as sqlite saw."""
    done = job(tmp_path, "migrate", script="manage.py", extra=ALL)

    witnessed = int(done.stdout.rsplit("witnessed ", 1)[1])
    assert witnessed > 50, done.stderr
    assert [("manage.py migrate", witnessed)] == [
        (root["name"], root["verein.db.query_count"]) for root in _roots(tmp_path)
    ]


def test_plain_file_is_run_with_this_python(tmp_path: Path) -> None:
    """``otel-verein run script.py`` needs neither ``python`` nor an executable file; the name is the path."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/nightly.py").write_text((APPS / "command.py").read_text())
    done = subprocess.run(
        ["otel-verein", "run", "--quiet", "jobs/nightly.py", "4"],
        cwd=tmp_path, env=environment(ALL), capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip

    assert (0, "done\n", "") == (done.returncode, done.stdout, done.stderr)
    assert [("jobs/nightly.py", 4)] == [(root["name"], root["verein.db.query_count"]) for root in _roots(tmp_path)]


COMMANDS = {
    "module": (["python", "-m", "command", "4"], "python -m command"),
    "executable": (["./nightly", "4"], "nightly"),
}


@pytest.mark.parametrize(("command", "name"), COMMANDS.values(), ids=COMMANDS.keys())
def test_every_way_to_start_a_command_is_one_operation(command: list[str], name: str, tmp_path: Path) -> None:
    """A module and an executable script are operations as a file is."""
    script = tmp_path / "nightly"
    script.write_text(f"#!{sys.executable}\n" + (APPS / "command.py").read_text())
    script.chmod(0o755)
    done = subprocess.run(
        [*_QUIET, *command],
        cwd=tmp_path, env=environment(ALL), capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip

    assert (0, "done\n") == (done.returncode, done.stdout), done.stderr
    assert [(name, 4)] == [(root["name"], root["verein.db.query_count"]) for root in _roots(tmp_path)]


@pytest.mark.parametrize(
    ("runner", "setting"),
    [(["opentelemetry-instrument"], {}), (_QUIET, {"VEREIN_COMMAND_OPERATION": "0"})],
    ids=["opentelemetry-instrument", "switched off"],
)
def test_script_is_no_operation_where_nobody_asked(runner: list[str], setting: dict[str, str], tmp_path: Path) -> None:
    """Only ``otel-verein run`` asks for it, and a variable takes that back; the queries are counted all the same."""
    job(tmp_path, str(QUERIES), script="command.py", extra=ALL | setting, runner=runner)

    assert [] == _roots(tmp_path)
    assert QUERIES == segments.counter(tmp_path / ".verein/otlp", "verein.db.queries.unattributed")
