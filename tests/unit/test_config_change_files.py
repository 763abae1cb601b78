"""What a change leaves as it was: links, modes, locks, and files that are none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_verein.config.changes import Edit, Target, apply
from otel_verein.config.changes.atomic import MAX_BYTES
from otel_verein.config.changes.lock import locked
from otel_verein.errors import ConfigError
from tests.unit.config_history import QUERIES, set_queries


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A file that is not there yet."""
    return Target(tmp_path / "verein.yaml", tmp_path / ".verein" / "config")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced, in its own directory."""
    real = tmp_path / "real" / "shop.yaml"
    real.parent.mkdir()
    real.write_text("# shop\n")
    link = tmp_path / "verein.yaml"
    link.symlink_to(Path("real") / "shop.yaml")

    set_queries(Target(link, tmp_path / "state"), 7)

    assert (True, "# shop\nthresholds:\n  queries: 7\n") == (link.is_symlink(), real.read_text())
    assert [real] == list(real.parent.iterdir())


def test_mode_and_line_breaks_of_the_file_stay(target: Target) -> None:
    """A file that only its owner may read is not opened to others."""
    target.file.write_bytes(b"a: 1\r\n")
    target.file.chmod(0o640)

    set_queries(target, 7)

    assert (0o640, b"a: 1\r\nthresholds:\r\n  queries: 7\r\n") == (
        target.file.stat().st_mode & 0o7777,
        target.file.read_bytes(),
    )


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A process that takes no rights away from what it makes."""
    usual = os.umask(0)
    yield
    os.umask(usual)


@pytest.mark.usefixtures("open_umask")
def test_nothing_is_writable_by_the_world(target: Target) -> None:
    """Whatever the umask says; and no file can be run."""
    set_queries(target, 7)

    made = [target.file, target.file.parent / ".verein", target.state, *target.state.rglob("*")]
    modes = {oct(path.stat().st_mode & 0o7777) for path in made if path.is_file()}
    assert ({"0o664"}, {"0o775"}) == (modes, {oct(path.stat().st_mode & 0o7777) for path in made if path.is_dir()})


def test_a_lock_that_is_held_is_waited_for_and_then_told(target: Target) -> None:
    """The message names the process that holds it."""
    with locked(target.state), pytest.raises(ConfigError) as raised, locked(target.state, seconds=0.05):
        pass

    assert str(raised.value) == (
        f"{target.state / 'lock'}: process {os.getpid()} has held it for 0.05 s; see what that does, and try again"
    )


def test_a_change_by_something_else_meanwhile_is_not_overwritten(target: Target) -> None:
    """An editor knows no lock: what it saved while a change was being checked stays."""
    set_queries(target, 1)

    def save(_: bytes) -> None:
        target.file.write_text("# saved\n")

    with pytest.raises(ConfigError) as raised:
        apply(target, [Edit(QUERIES, 2)], "", save)

    assert f"{target.file}: was changed by something else meanwhile; try again" == str(raised.value)
    assert "# saved\n" == target.file.read_text()


@pytest.mark.parametrize("kind", ["directory", "pipe", "large"])
def test_what_is_no_configuration_file_is_refused(target: Target, kind: str) -> None:
    """Nothing waits for a pipe, and nothing endless is read."""
    if kind == "directory":
        target.file.mkdir()
    elif kind == "pipe":
        os.mkfifo(target.file)
    else:
        target.file.write_bytes(b"#" * (MAX_BYTES + 1))

    with pytest.raises(ConfigError) as raised:
        set_queries(target, 1)

    why = f"it is larger than {MAX_BYTES} bytes" if kind == "large" else "it is not a regular file"
    assert f"{target.file}: cannot be read: {why}" == str(raised.value)
