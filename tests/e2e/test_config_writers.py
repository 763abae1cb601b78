"""Writers of a configuration that are killed, that come together, and that have no room: nothing is lost."""

from __future__ import annotations

import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from otel_verein.config.changes import Edit, Target, apply
from otel_verein.config.changes.history import entries, hash_of
from otel_verein.config.document import plain, read
from tests.e2e.launch import APPS, environment

HEAD = "# ours\nsampling:\n  ratio: 0.5  # half\nthresholds:\n  queries: "
FILE = re.compile(re.escape(HEAD) + r"([0-9]+)\n")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A configuration that says 0."""
    (tmp_path / "verein.yaml").write_text(f"{HEAD}0\n")
    return Target(tmp_path / "verein.yaml", tmp_path / ".verein" / "config")


def accepted(_: bytes) -> None:
    """The check of somebody who agrees to everything."""


def command(what: str, target: Target, *more: object) -> list[str]:
    """The command line of a writer."""
    return [sys.executable, str(APPS / "config_writer.py"), what, str(target.file), str(target.state), *map(str, more)]


def run(line: Sequence[str], before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a writer to its end."""
    without_bytecode = environment({"PYTHONDONTWRITEBYTECODE": "1"})  # on a full disk it would be cut off, and stay
    return subprocess.run(
        line, env=without_bytecode, preexec_fn=before, capture_output=True, text=True, check=False, timeout=60
    )


def value_of(target: Target) -> int:
    """What the file says, which must be whole."""
    whole = FILE.fullmatch(target.file.read_text())
    assert whole, target.file.read_text()
    return int(whole.group(1))


def told_until_killed(target: Target, rng: random.Random) -> list[int]:
    """The values that a writer had set when it was killed, at some moment after a few of them."""
    with subprocess.Popen(command("loop", target), env=environment(), stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(rng.randint(1, 6))]
        time.sleep(rng.random() * 0.008)  # any moment of the some 4 ms that one change takes
        writer.kill()
        lines += writer.stdout.readlines()
    return [int(line) for line in lines if line.endswith(b"\n")]


@pytest.mark.parametrize("kills", [pytest.param(25, id="short"), pytest.param(500, id="long", marks=pytest.mark.soak)])
def test_a_killed_writer_leaves_the_old_or_the_new_file(target: Target, kills: int) -> None:
    """Whatever had returned is in the file and in the history; at most the change that was going on is there, too."""
    rng = random.Random(kills)
    told: list[int] = []

    for _ in range(kills):
        told += told_until_killed(target, rng)
        assert value_of(target) in (told[-1], told[-1] + 1)
        told[-1:] = range(told[-1], value_of(target) + 1)

    last = apply(target, [Edit(("thresholds", "queries"), told[-1] + 1)], "", accepted)
    recorded = entries(target.state)
    assert last == recorded[-1]
    assert [*told, told[-1] + 1] == [entry.changes[0].new for entry in recorded]
    assert list(range(1, len(recorded) + 1)) == [entry.id for entry in recorded]
    assert {"set"} == {entry.action for entry in recorded}
    assert [entry.before for entry in recorded[1:]] == [entry.after for entry in recorded[:-1]]
    assert hash_of(target.file.read_bytes()) == recorded[-1].after
    assert {target.file.name, ".verein"} == {path.name for path in target.file.parent.iterdir()}


def test_a_writer_may_die_at_any_system_call(target: Target) -> None:
    """Killed at each one in turn, and the next one, too: the history has the change if and only if the file has."""
    done = run(command("die", target))

    assert (0, "") == (done.returncode, done.stderr)
    places = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(places) > 40
    for place in places:
        expected = {
            "end": "exit" if place is places[-1] else "killed", "whole": True, "changed": place["changed"],
            "in_history": place["changed"], "actions": ["set", "unset"], "numbered": True, "chained": True,
            "left": [".verein", "history.jsonl", "lock", "snapshots", target.file.name],
        }  # fmt: skip
        assert expected == place
    assert {True, False} == {place["changed"] for place in places[:-1]}


def test_writers_that_come_together_lose_nothing(target: Target) -> None:
    """Eight processes of twenty-five changes each: two hundred entries without a gap, and the last of each key."""
    writers = [
        subprocess.Popen(command("keys", target, f"writer{number}", 25), env=environment(), stderr=subprocess.PIPE)
        for number in range(8)
    ]
    errors = [writer.communicate(timeout=60)[1] for writer in writers]

    recorded = entries(target.state)
    assert [b""] * 8 == errors
    assert list(range(1, 201)) == [entry.id for entry in recorded]
    assert [entry.before for entry in recorded[1:]] == [entry.after for entry in recorded[:-1]]
    root, problems = read(target.file.read_bytes(), "f")
    said = plain(root)
    assert isinstance(said, dict)
    assert ([], {f"key{number % 5}": number for number in range(20, 25)}) == (problems, said["writer0"])
    assert {str(said[f"writer{number}"]) for number in range(8)} == {str(said["writer0"])}
    assert target.file.read_text().startswith(f"{HEAD}0\n")


@pytest.fixture
def public_target() -> Iterator[Target]:
    """A configuration in a directory that nobody may write, and everybody may read."""
    directory = Path(tempfile.mkdtemp(prefix="verein-config-"))
    (directory / "verein.yaml").write_text(f"{HEAD}0\n")
    (directory / "state").mkdir()
    yield Target(directory / "verein.yaml", directory / "state")
    directory.chmod(0o755)
    shutil.rmtree(directory)


@pytest.mark.parametrize("protected", ["file", "state"])
def test_a_directory_that_cannot_be_written_is_told(public_target: Target, protected: str) -> None:
    """The message names what cannot be done; the file stays, and nothing claims that it was changed."""
    state, file = public_target.state, public_target.file
    state.chmod(0o777 if protected == "file" else 0o555)
    file.parent.chmod(0o555)

    done = run(command("denied", public_target, 1))

    what = f"{file}: cannot be written" if protected == "file" else f"{state / 'lock'}: cannot be locked"
    assert (1, f"{what}: Permission denied\n") == (done.returncode, done.stderr)
    assert (0, []) == (value_of(public_target), entries(state))
    assert {file.name, "state"} == {path.name for path in file.parent.iterdir()}


def limited(size: int) -> Callable[[], None]:
    """A process that may not write a file beyond that size, as on a disk that is full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_leaves_the_old_file(target: Target) -> None:
    """Before the file is touched, its copy finds no room; and so does the new file itself."""
    target.file.write_text("#" * 20_000 + f"\n{HEAD}0\n")
    old = target.file.read_bytes()

    copy = run(command("once", target, 1), before=limited(8_000))
    left = list(target.state.rglob("new.tmp"))
    unlimited = run(command("once", target, 1))
    new = run(command("back", target, 0), before=limited(8_000))

    full = f"{target.state / 'snapshots' / str(hash_of(old))}.yaml: cannot be written: File too large\n"
    assert (full, [], "1\n") == (copy.stderr, left, unlimited.stdout)
    assert f"{target.file}: cannot be written: File too large\n" == new.stderr
    assert target.file.read_text().endswith(f"{HEAD}1\n")
    assert [1] == [entry.id for entry in entries(target.state)]
    assert {target.file.name, ".verein"} == {path.name for path in target.file.parent.iterdir()}


def test_a_history_without_room_is_completed_later(target: Target) -> None:
    """The file has changed, and the error says so; the next change finds the entry and adds it."""
    for value in range(1, 30):
        apply(target, [Edit(("thresholds", "queries"), value)], "why" * 100, accepted)

    log = target.state / "history.jsonl"
    old = log.read_bytes()

    full = run(command("once", target, 30), before=limited(len(old) + 10))
    left = log.read_bytes()
    apply(target, [Edit(("thresholds", "queries"), 31)], "", accepted)

    assert full.stderr == (
        f"{target.file}: was changed; its entry waits for the next change to be added to the history: "
        f"{log}: cannot be written: File too large\n"
    )
    assert old == left
    assert list(range(1, 32)) == [entry.changes[0].new for entry in entries(target.state)]
