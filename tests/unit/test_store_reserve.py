"""The room that is kept on the disk for what makes room, and how a full disk is known."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from otel_verein.errors import StoreError
from otel_verein.store.backup import backup
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.recovery import recover
from otel_verein.store.reserve import BYTES, give_up, is_full, keep
from otel_verein.store.verify import verify
from tests.unit.store_small import small_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A place without anything in it."""
    return Store(tmp_path)


def test_it_takes_its_room_until_it_is_given_up(store: Store) -> None:
    """Blocks of the disk, not just a size; given up once, and there again when it is wanted again."""
    keep(store)
    taken = store.reserve.stat()

    assert (True, False) == (give_up(store), give_up(store))
    keep(store)

    assert (BYTES, True) == (taken.st_size, taken.st_blocks * 512 >= BYTES)
    assert BYTES == store.reserve.stat().st_size


def test_one_that_was_cut_off_is_made_whole(store: Store) -> None:
    """A process may die while it makes it."""
    store.reserve.write_bytes(b"0")

    keep(store)

    assert BYTES == store.reserve.stat().st_size


def test_a_link_in_its_place_is_not_written_to(store: Store, tmp_path: Path) -> None:
    """What it leads to stays as it is."""
    other = tmp_path / "other"
    other.write_bytes(b"theirs")
    store.reserve.symlink_to(other)

    keep(store)

    assert b"theirs" == other.read_bytes()


def test_without_a_place_there_is_none(tmp_path: Path) -> None:
    """It is a nicety: that it cannot be made fails nothing."""
    keep(Store(tmp_path / "none"))

    assert not (tmp_path / "none").exists()


def test_nothing_minds_it(tmp_path: Path) -> None:
    """It is no part of a backup, no leftover, and nothing that verify would miss or find too much."""
    store = small_store(tmp_path / "store")
    without = backup(store, tmp_path / "without.tar")
    keep(store)

    with Journal.opened(store, create=True) as journal:
        assert recover(store, journal) == 0
    assert () == verify(store).problems
    assert without.bytes == backup(store, tmp_path / "with.tar").bytes
    assert store.reserve.exists()


def caused(fault: Exception, cause: Exception) -> Exception:
    """*fault*, raised from *cause*."""
    try:
        raise fault from cause
    except type(fault) as raised:
        return raised


NO_ROOM = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
FULL = {
    "the system": NO_ROOM,
    "a quota": OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
    "what it caused": caused(StoreError(".verein: cannot be written to"), NO_ROOM),
    "the journal": caused(StoreError("journal.sqlite"), sqlite3.OperationalError("database or disk is full")),
}


@pytest.mark.parametrize("fault", FULL.values(), ids=FULL)
def test_a_full_disk_is_known_by_any_of_its_names(fault: Exception) -> None:
    """Whoever finds it, and however deep it is."""
    assert is_full(fault)


@pytest.mark.parametrize("fault", [StoreError("busy"), OSError(errno.EACCES, "Permission denied"), ValueError()])
def test_another_fault_is_no_full_disk(fault: Exception) -> None:
    """It is tried again in the next round."""
    assert not is_full(fault)
