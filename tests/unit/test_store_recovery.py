"""What dead processes left is taken away, and nothing that counts is."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store, new_place
from otel_verein.store.recovery import recover
from otel_verein.store.verify import verify
from tests.unit.store_small import HOUR, small_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in which nothing is wrong."""
    return small_store(tmp_path / "store")


def recovered(store: Store) -> int:
    """How many files recovery takes away."""
    with Journal.opened(store, create=True) as journal:
        return recover(store, journal)


def names(store: Store) -> set[str]:
    """Every file of the store."""
    return {str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file()}


def test_a_store_without_leftovers_stays_as_it_is(store: Store) -> None:
    """The silent twin: live files, items set aside and baselines are nobody's leftovers."""
    before = names(store)

    assert recovered(store) == 0
    assert before == names(store)


def test_what_was_never_entered_goes(store: Store) -> None:
    """An unfinished file, a folder for spilling, a finished file without its row, items that were not entered."""
    before = names(store)
    orphan = store.path(new_place("spans", 0, HOUR, "long"))
    (store.tmp / "rollup-1").mkdir(parents=True)
    for path in (store.tmp / "ab.parquet", store.tmp / "rollup-1/spilled", orphan, store.aside / "two.jsonl"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PAR1")

    assert recovered(store) == 4
    assert before == names(store)
    assert verify(store).sound


def test_a_replaced_file_that_is_still_there_goes(store: Store) -> None:
    """A process may die between entering a change and deleting what it replaced."""
    with Journal.opened(store) as journal:
        old = next(file for file in journal.files(state="replaced"))
    store.path(old.path).write_bytes(b"PAR1")

    assert recovered(store) == 1
    assert not store.path(old.path).exists()


def test_a_link_below_tmp_is_not_followed(store: Store, tmp_path: Path) -> None:
    """What it leads to is not ours."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    store.tmp.mkdir(exist_ok=True)
    (store.tmp / "link").symlink_to(elsewhere)

    assert recovered(store) == 1
    assert (elsewhere / "kept").exists()


def test_a_live_file_that_is_gone_stays_a_matter_of_verify(store: Store) -> None:
    """It enters nothing: a loss is told, not tidied away."""
    with Journal.opened(store) as journal:
        gone = journal.files()[0]
    store.path(gone.path).unlink()

    assert recovered(store) == 0
    assert [(gone.path, "file missing")] == [(each.where, each.check) for each in verify(store).problems]
