"""What breaks us does not break the application: it serves on, and one clear line says what is wrong."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import segments
from tests.e2e.launch import Server, gunicorn, job
from tests.services.process import wait_until

REQUESTS = 20


QUIET = ("otel-verein", "run", "--quiet", "--")


def one_worker() -> Callable[[int], list[str]]:
    """gunicorn with one worker, and nothing said about what is hooked."""
    return gunicorn("-w", "1", runner=QUIET)


def _serve(server: Server, requests: int = REQUESTS) -> list[str]:
    """Have every request answered and the server ended well; the lines it wrote."""
    answers = server.get_all(["/run/3"] * requests)
    assert {200} == {answer.status for answer in answers}, server.output
    assert server.terminate() == 0, server.output
    return server.output.splitlines()


def test_healthy_server_says_nothing(tmp_path: Path) -> None:
    """The twin of all below: where nothing is wrong, nothing is written to stderr."""
    with Server(gunicorn("-w", "2", runner=QUIET), tmp_path) as server:
        assert [] == _serve(server)


def test_unwritable_directory_is_one_line(tmp_path: Path) -> None:
    """A directory that cannot be made is named in one line; every request is answered."""
    (tmp_path / "file").write_text("not a directory")
    extra = {"VEREIN_EXPORT_DIRECTORY": str(tmp_path / "file/otlp")}
    with Server(one_worker(), tmp_path, extra) as server:
        lines = _serve(server)

    (line,) = lines
    assert "otel-verein" in line
    assert str(tmp_path / "file/otlp") in line
    assert "Not a directory" in line


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB; where it cannot be mounted, the limit on file size below stands for it."""
    if os.geteuid() != 0:
        pytest.skip("a tmpfs of 64 KiB needs root to mount it")
    directory = tmp_path / "tiny"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(directory)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    yield directory
    subprocess.run(["umount", "-l", str(directory)], check=True)


def test_full_disk_is_one_line(tiny_disk: Path, tmp_path: Path) -> None:
    """A full disk is one line, and every request is answered; what was written before can be read."""
    written = tiny_disk / "otlp"
    extra = {"VEREIN_EXPORT_DIRECTORY": str(written), "VEREIN_SAMPLING_RATIO": "1.0"}
    with Server(one_worker(), tmp_path, extra) as server:
        server.get_all(["/run/3"] * 5)
        assert wait_until(lambda: len(segments.roots(written)) == 5, 5), server.output
        lines = _serve(server, 300)

    (line,) = lines
    assert "otel-verein" in line
    assert "No space left on device" in line
    assert 5 <= len(segments.roots(written)) < 305


def test_disk_with_space_again_is_written_again(tiny_disk: Path, tmp_path: Path) -> None:
    """Once there is space, what waited is written, nothing is lost, and a second line says so."""
    written = tiny_disk / "otlp"
    extra = {
        "VEREIN_EXPORT_DIRECTORY": str(written),
        "VEREIN_SAMPLING_RATIO": "1.0",
        "VEREIN_EXPORT_RETRY_S": "0.2",
    }
    with Server(one_worker(), tmp_path, extra) as server:
        server.get_all(["/run/3"] * 300)
        assert wait_until(lambda: "No space left on device" in server.output, 5), server.output
        subprocess.run(["mount", "-o", "remount,size=4m", str(tiny_disk)], check=True)
        before = len(segments.roots(written))
        assert wait_until(lambda: _one_more(server) and len(segments.roots(written)) > before, 5, 0.3)
        lines = _serve(server)

    assert len(lines) == 2, server.output
    assert "again" in lines[1]
    assert segments.counter(written, "verein.export.dropped") == 0
    assert len(segments.roots(written)) == segments.sums(written).operations


def _one_more(server: Server) -> bool:
    return server.get(0, "/run/1").status == 200


def _limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (32_768, 32_768))


def test_file_size_limit_is_one_line(tmp_path: Path) -> None:
    """A limit on file size (ulimit -f) is a full disk to us: one line, and every request is answered."""
    with Server(one_worker(), tmp_path, {"VEREIN_SAMPLING_RATIO": "1.0"}, _limit_file_size) as server:
        lines = _serve(server, 300)

    (line,) = lines
    assert "otel-verein" in line
    assert "File too large" in line


BROKEN = {
    "unknown key": (
        "thresholds:\n  querys: 5\n",
        "verein.yaml:2: thresholds.querys: unknown key; did you mean '",
    ),
    "no yaml": ("thresholds: [\n", "verein.yaml:"),
    "not text": (b"\xff\xfe\x00", "verein.yaml"),
}


@pytest.mark.parametrize(("content", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_config_is_one_line(content: str | bytes, says: str, tmp_path: Path) -> None:
    """A broken verein.yaml is one line with its place and cure; the application serves on."""
    (tmp_path / "verein.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with Server(gunicorn("-w", "2", runner=QUIET), tmp_path) as server:
        lines = _serve(server)

    (line,) = lines
    assert "otel-verein" in line
    assert says in line


def test_several_config_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """All mistakes are reported in one go, and the script runs to its end."""
    (tmp_path / "verein.yaml").write_text("thresholds:\n  queries: 0\n  duration_s: many\n")
    done = job(tmp_path, "2")

    assert (0, "done\n") == (done.returncode, done.stdout), done.stderr
    assert "thresholds.queries" in done.stderr
    assert "thresholds.duration_s" in done.stderr
    assert "Traceback" not in done.stderr


DRIVERS = {
    "missing": (
        "raise ModuleNotFoundError(\"No module named 'psycopg2'\", name='psycopg2')\n",
        "without psycopg2",
    ),
    "broken": (
        "raise ImportError('libpq.so.5: cannot open shared object file')\n",
        "without psycopg2: libpq",
    ),
    "another shape": ("", "with psycopg2"),
}


@pytest.mark.parametrize(("content", "says"), DRIVERS.values(), ids=DRIVERS.keys())
def test_driver_that_cannot_be_hooked_leaves_the_application_alone(content: str, says: str, tmp_path: Path) -> None:
    """The application sees the same import error or module as without us, and runs on; at most one line."""
    (tmp_path / "psycopg2.py").write_text(content)
    extra = {"PYTHONPATH": str(tmp_path)}
    bare = job(tmp_path, script="imports_driver.py", extra=extra, runner=[])

    done = job(tmp_path, script="imports_driver.py", extra=extra, runner=QUIET)

    assert says in bare.stdout
    assert (0, bare.stdout) == (done.returncode, done.stdout), done.stderr
    assert len(done.stderr.splitlines()) <= 1, done.stderr
    assert 1 <= segments.sums(tmp_path / ".verein/otlp", "job").queries
