"""The journal: changes are there wholly or not at all, and what covers what follows its files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from otel_verein.errors import StoreError
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store, new_place
from otel_verein.store.records import Aside, Change, NewFile, Process, Segment, StoredFile, Taken


def file(level: int = 0, kind: str = "points") -> NewFile:
    """A file that is told of, without being there."""
    place = new_place(kind, level, 0)
    return NewFile(kind, level, 0, "", place, 1, 10, "ab", {"operations": 3}, 1, 2, "ingest")


def entered(journal: Journal, *files: NewFile, **change: object) -> list[int]:
    """The ids of *files*, which are entered with the rest of the change."""
    return journal.commit(Change("test", add=files, **change))  # type: ignore[arg-type]


def process(digest: str, seen_ns: int) -> Process:
    """What one process said of its configuration."""
    return Process("shop\0a", "shop", "a", 7, "host", digest, "production", "ok", seen_ns)


def test_what_is_entered_is_read_again(tmp_path: Path) -> None:
    """Files, segments, batches, processes, cumulative points and what was set aside come back as they went in."""
    segment = Segment(1, "/x.jsonl", 1, 2, 100, 100, 5, "100:ab", "cd", "taken")
    taken = Taken(
        {"lines": 4}, [segment], [Aside("spans", "bad", 2, "a.jsonl")], [process("d", 9)], {b"k": (1, 2, b"s")}
    )
    new = file()

    with Journal.opened(Store(tmp_path), create=True) as journal:
        (number,) = entered(journal, new, taken=taken)
    with Journal.opened(Store(tmp_path)) as journal:
        (found,) = journal.files()
        assert (found.id, found.path, found.totals, found.batch, found.state) == (
            number,
            new.path,
            new.totals,
            1,
            "live",
        )
        assert journal.segments() == [segment]
        assert [batch.tallies for batch in journal.batches()] == [{"lines": 4}]
        assert journal.asides() == [(1, "spans", "bad", 2, "a.jsonl")]
        assert journal.processes() == [process("d", 9)]
        assert journal.cumulative([b"k", b"other"]) == {b"k": (1, 2, b"s")}
        assert journal.has_content("cd")
        assert not journal.has_content("ce")


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    """A file that is not live cannot be replaced; then the new one is not entered either."""
    with Journal.opened(Store(tmp_path), create=True) as journal:
        (old,) = entered(journal, file())
        entered(journal, file(), replaced={old: 0}, compaction=True)

        with pytest.raises(StoreError) as caught:
            entered(journal, file(), replaced={old: 0}, compaction=True)

        assert str(caught.value) == f"{tmp_path}: file 1 of the journal is not live; another writer was at it"
        assert len(journal.files(state=None)) == 2


def test_compaction_hands_on_what_covers_and_what_is_covered(tmp_path: Path) -> None:
    """A rollup covers what took the place of its input, and a merged rollup covers the inputs of both."""
    with Journal.opened(Store(tmp_path), create=True) as journal:
        one, two = entered(journal, file(), file())
        (hour,) = entered(journal, file(1, "series"), covers={0: frozenset((one, two))})
        (merged,) = entered(journal, file(), replaced={one: 0, two: 0}, compaction=True)
        (sibling,) = entered(journal, file(1, "series"), replaced={hour: 0}, compaction=True)

        assert journal.coverage() == {sibling: frozenset((merged,))}
        assert journal.replacements() == {}


def test_a_rollup_made_again_leaves_what_covered_it_stale(tmp_path: Path) -> None:
    """The day still names the old hour, and the journal says which hour took its place."""
    with Journal.opened(Store(tmp_path), create=True) as journal:
        (points,) = entered(journal, file())
        (hour,) = entered(journal, file(1, "series"), covers={0: frozenset((points,))})
        (day,) = entered(journal, file(2, "series"), covers={0: frozenset((hour,))})
        (again,) = entered(journal, file(1, "series"), covers={0: frozenset((points,))}, replaced={hour: 0})

        contents = journal.contents()

    assert {each.id for each in contents.files} == {points, day, again}
    assert contents.coverage[day] == {hour}
    assert contents.replaced == {hour: again}


def test_an_expired_file_stays_in_the_books(tmp_path: Path) -> None:
    """Its sums and the reason outlive it."""
    with Journal.opened(Store(tmp_path), create=True) as journal:
        (number,) = entered(journal, file())
        journal.commit(Change("retention", expired={number: "older than 7 days"}))

        found: StoredFile
        (found,) = journal.files(state="expired")
        assert journal.files() == []

    assert (found.totals, found.reason) == ({"operations": 3}, "older than 7 days")


def test_the_later_word_of_a_process_counts_whichever_comes_first(tmp_path: Path) -> None:
    """Segments come in any order."""
    with Journal.opened(Store(tmp_path), create=True) as journal:
        for said in (process("new", 20), process("old", 10)):
            entered(journal, taken=Taken({}, processes=[said]))

        assert journal.processes() == [process("new", 20)]


def test_no_store_is_no_journal(tmp_path: Path) -> None:
    """Nothing there, and an empty file that a killed process left, are both no store yet."""
    expected = f"{tmp_path}: there is no store here; `otel-verein store ingest` makes one"

    for _ in range(2):
        with pytest.raises(StoreError) as caught, Journal.opened(Store(tmp_path)):
            pass
        assert str(caught.value) == expected
        Store(tmp_path).journal.write_bytes(b"")


def test_a_journal_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """What a later version wrote is not read as if it were ours."""
    with Journal.opened(Store(tmp_path), create=True):
        pass
    database = sqlite3.connect(Store(tmp_path).journal)
    database.execute("UPDATE meta SET value = '2' WHERE key = 'version'")
    database.commit()
    database.close()

    with pytest.raises(StoreError) as caught, Journal.opened(Store(tmp_path), create=True):
        pass

    assert str(caught.value) == (
        f"{tmp_path}: the store has version 2, this otel-verein knows version 1; install the one that made it"
    )


def test_a_journal_that_is_none_names_the_cure(tmp_path: Path) -> None:
    """Whatever else lies in its place is not overwritten."""
    Store(tmp_path).journal.write_bytes(b"no database at all" * 100)

    with pytest.raises(StoreError) as caught, Journal.opened(Store(tmp_path), create=True):
        pass

    assert str(caught.value) == (
        f"{tmp_path}/journal.sqlite: the journal cannot be used: file is not a database; "
        "restore a backup with `otel-verein store restore`"
    )
    assert Store(tmp_path).journal.read_bytes().startswith(b"no database")


def test_a_journal_is_not_begun_anew_beside_files(tmp_path: Path) -> None:
    """Files whose journal is gone are no rubbish, and would be taken for it."""
    place = tmp_path / new_place("spans", 0, 0)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"PAR1")

    with pytest.raises(StoreError) as caught, Journal.opened(Store(tmp_path), create=True):
        pass

    assert str(caught.value) == (
        f"{tmp_path}: has 1 files and no journal, so nothing says which of them count; restore a backup with "
        "`otel-verein store restore`, or move the directory away to begin anew"
    )


def test_a_reader_sees_one_moment(tmp_path: Path) -> None:
    """What is entered while a reader reads is not in what it reads."""
    with Journal.opened(Store(tmp_path), create=True) as journal:
        entered(journal, file())
        with Journal.opened(Store(tmp_path)) as reader:
            with reader.snapshot():
                before = len(reader.files())
                again = len(reader.files())
            entered(journal, file())

            assert (before, again, len(reader.files())) == (1, 1, 2)
