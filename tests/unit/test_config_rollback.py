"""The way back to what a configuration was."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.config.changes import Target, rollback
from otel_verein.config.changes.entry import Change
from otel_verein.config.changes.history import entries
from otel_verein.errors import ConfigError, Problem
from tests.unit.config_history import accepted, actions, set_queries


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A file that is not there yet."""
    return Target(tmp_path / "verein.yaml", tmp_path / ".verein" / "config")


def test_a_file_made_unreadable_by_hand_is_noticed_and_can_be_rolled_back(target: Target) -> None:
    """What cannot be read has no keys to name; the way back does not need to read it."""
    set_queries(target, 7)
    target.file.write_bytes(b"\xff{")

    with pytest.raises(ConfigError):
        set_queries(target, 8)
    entry = rollback(target, 1, "it was broken", accepted)

    assert [(1, "set"), (2, "outside"), (3, "rollback")] == [each[:2] for each in actions(target)]
    assert b"thresholds:\n  queries: 7\n" == target.file.read_bytes()
    assert entry is not None
    assert () == entry.changes


def test_rollback_goes_to_the_file_after_an_entry(target: Target) -> None:
    """Byte for byte, comments and all; it is an entry itself, so that it can be undone."""
    target.file.write_text("# ours\n")
    for value in (1, 2, 3):
        set_queries(target, value)

    back = rollback(target, 1, "calmer", accepted, who="bob")
    as_of_1 = target.file.read_text()
    rollback(target, 3, "", accepted)

    assert back is not None
    assert (4, "rollback", "bob", "calmer", (Change("thresholds.queries", 3, 1),)) == (
        back.id, back.action, back.who, back.why, back.changes,
    )  # fmt: skip
    assert "# ours\nthresholds:\n  queries: 1\n" == as_of_1
    assert "# ours\nthresholds:\n  queries: 3\n" == target.file.read_text()


@pytest.mark.parametrize("there", [True, False])
def test_rollback_to_0_goes_before_the_first_entry(target: Target, there: bool) -> None:
    """To the file as it was found, or to none."""
    if there:
        target.file.write_text("# ours\n")
    set_queries(target, 1)

    rollback(target, 0, "", accepted)

    assert there == target.file.exists()
    assert not there or "# ours\n" == target.file.read_text()


def test_rollback_to_where_the_file_is_does_nothing(target: Target) -> None:
    """There is nothing to write, and nothing to record."""
    set_queries(target, 1)

    assert rollback(target, 1, "", accepted) is None

    assert 1 == len(entries(target.state))


def test_rollback_is_checked(target: Target) -> None:
    """An old configuration may not be valid any more."""
    set_queries(target, 1)
    set_queries(target, 2)

    def refuse(data: bytes) -> None:
        raise ConfigError([Problem("here", f"{data!r}")])

    with pytest.raises(ConfigError) as raised:
        rollback(target, 1, "", refuse)

    assert "here: b'thresholds:\\n  queries: 1\\n'" == str(raised.value)
    assert 2 == len(entries(target.state))


@pytest.mark.parametrize("number", [-1, 3, 99])
def test_rollback_to_an_entry_that_is_not_there_is_refused(target: Target, number: int) -> None:
    """The message says which there are."""
    set_queries(target, 1)
    set_queries(target, 2)

    with pytest.raises(ConfigError) as raised:
        rollback(target, number, "", accepted)

    assert f"{target.state}: the history has no entry {number}; it has 1 to 2" == str(raised.value)


def test_a_damaged_snapshot_is_not_rolled_back_to(target: Target) -> None:
    """What comes back is what was there, or nothing."""
    first = set_queries(target, 1)
    set_queries(target, 2)
    path = target.state / "snapshots" / f"{first.after}.yaml"
    path.write_text("thresholds:\n  queries: 3\n")

    with pytest.raises(ConfigError) as raised:
        rollback(target, 1, "", accepted)

    assert f"{path}: is damaged: its content has changed" == str(raised.value)
    assert "thresholds:\n  queries: 2\n" == target.file.read_text()
