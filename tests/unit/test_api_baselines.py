"""Baselines: taken, listed, shown, compared, removed; never overwritten, and whole or not there."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from otel_verein.api import baselines
from otel_verein.config.layers import digest
from otel_verein.config.schema import Config
from otel_verein.errors import SourceError, StoreError
from otel_verein.sources.base import Ask
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.store import baselines as files
from otel_verein.store.backup import backup
from otel_verein.store.layout import Store
from otel_verein.store.restore import restore
from otel_verein.store.verify import verify
from tests.unit.otlp_lines import START_NS, metrics_request, operation_metrics, write
from tests.unit.store_small import small_store

CONFIG = Config()
NAMES = ("", ".", "..", "../up", "a/b", ".hidden", "a b", "nächtlich", "a" * 65, "a\n", "a\x00b")


def source(folder: Path, queries: int = 12) -> OtlpFiles:
    """A hundred operations."""
    lines = operation_metrics("GET /", duration=[0.1, 0.3] * 50, queries=[queries] * 100)
    write(folder / f"{queries}" / "metrics" / "a.jsonl", metrics_request(lines))
    return OtlpFiles(folder / f"{queries}")


def test_baseline_is_kept_and_shown(tmp_path: Path):
    """Under its name, as version 1, with when, from where, and on what settings it was taken."""
    root = tmp_path / "store"
    taken = baselines.take(source(tmp_path), CONFIG, root, "nightly", Ask(service="shop"), START_NS)

    shown = baselines.show(root, "nightly")

    assert shown == taken
    assert (shown.number, shown.taken_ns, shown.asked.service) == (1, START_NS, "shop")
    assert (shown.source, shown.settings) == (str(tmp_path / "12"), digest(CONFIG))
    assert set(shown.made_with) == {"otel_verein", "python"}
    assert stat.S_IMODE((root / "baselines" / "nightly" / "1.json").stat().st_mode) & 0o007 == 0


def test_second_baseline_is_a_new_version(tmp_path: Path):
    """The first one stays as it is, and both are listed."""
    root = tmp_path / "store"
    baselines.take(source(tmp_path), CONFIG, root, "nightly", now_ns=START_NS)
    first = (root / "baselines" / "nightly" / "1.json").read_bytes()
    baselines.take(source(tmp_path, 9), CONFIG, root, "nightly", now_ns=START_NS + 1)

    assert (root / "baselines" / "nightly" / "1.json").read_bytes() == first
    assert [(each.name, each.number, each.count) for each in baselines.named(root)] == [
        ("nightly", 1, 100),
        ("nightly", 2, 100),
    ]
    assert baselines.show(root, "nightly").side.operations[0].queries == (
        baselines.show(root, "nightly", 2).side.operations[0].queries
    )
    assert baselines.show(root, "nightly", 1).number == 1


def test_comparison_with_a_baseline(tmp_path: Path):
    """Exact queries, and the same data is the same."""
    root = tmp_path / "store"
    baselines.take(source(tmp_path), CONFIG, root, "nightly")

    found = baselines.compare_with(source(tmp_path, 9), CONFIG, root, "nightly")

    assert (found.queries_removed, found.operations[0].figure("queries_mean").verdict) == (300.0, "better")
    again = baselines.compare_with(source(tmp_path), CONFIG, root, "nightly")
    assert (again.queries_removed, again.operations[0].figure("queries_mean").verdict) == (0.0, "same")


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_name_that_is_a_path_is_refused(tmp_path: Path, name: str):
    """Nothing is written, read or removed elsewhere."""
    message = (
        f"{name!r}: cannot be the name of a baseline; it has to be up to 64 of A-Z a-z 0-9 . _ = + -, "
        "with a letter or digit first"
    )
    for call in (
        lambda: baselines.take(source(tmp_path), CONFIG, tmp_path / "store", name),
        lambda: baselines.show(tmp_path / "store", name),
        lambda: baselines.remove(tmp_path / "store", name, 1),
    ):
        with pytest.raises(StoreError) as caught:
            call()
        assert str(caught.value) == message
    assert not (tmp_path / "store").exists()


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path):
    """Names and versions that there are are part of the message."""
    root = tmp_path / "store"
    baselines.take(source(tmp_path), CONFIG, root, "nightly")

    with pytest.raises(StoreError) as caught:
        baselines.show(root, "daily")
    assert str(caught.value) == f"{root}/baselines: there is no baseline 'daily'; there are: nightly"
    with pytest.raises(StoreError) as caught:
        baselines.show(root, "nightly", 7)
    assert str(caught.value) == f"{root}/baselines: 'nightly' has no version 7; it has 1"
    assert baselines.named(tmp_path / "none") == ()


def test_nothing_measured_is_no_baseline(tmp_path: Path):
    """An empty one would call everything new."""
    with pytest.raises(SourceError) as caught:
        baselines.take(source(tmp_path), CONFIG, tmp_path / "store", "nightly", Ask(service="another"))

    assert str(caught.value) == (
        f"{tmp_path}/12: no operation was measured there, so there is nothing to take a baseline of"
    )
    assert baselines.named(tmp_path / "store") == ()


def test_only_the_version_that_was_said_is_removed(tmp_path: Path):
    """The others keep their numbers; the last one takes its folder along."""
    root = tmp_path / "store"
    for _ in range(3):
        baselines.take(source(tmp_path), CONFIG, root, "nightly")

    baselines.remove(root, "nightly", 2)
    assert [each.number for each in baselines.named(root)] == [1, 3]
    for number in (1, 3):
        baselines.remove(root, "nightly", number)
    assert list((root / "baselines").iterdir()) == []


def test_damaged_file_is_listed_with_its_problem(tmp_path: Path):
    """It hides no other, and reading it says what is wrong."""
    root = tmp_path / "store"
    for _ in range(2):
        baselines.take(source(tmp_path), CONFIG, root, "nightly")
    path = root / "baselines" / "nightly" / "1.json"
    path.write_bytes(path.read_bytes()[:-20])

    bad, good = baselines.named(root)

    assert bad.problem is not None
    assert bad.problem.startswith(f"{path}: cannot be read as a baseline: it is no JSON (")
    assert (bad.count, good.problem, good.number) == (None, None, 2)
    with pytest.raises(StoreError):
        baselines.show(root, "nightly", 1)


def test_writers_at_once_get_versions_of_their_own(tmp_path: Path):
    """Eight at a time: eight files, each with its own content, and nothing unfinished left."""
    store, numbers = Store(tmp_path / "store"), []
    start = threading.Barrier(8)

    def write_one(place: int) -> None:
        start.wait()
        number = files.add(store, "nightly", lambda number: f"{place} as {number}".encode())
        numbers.append((number, place))

    threads = [threading.Thread(target=write_one, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert files.numbers(store, "nightly") == [1, 2, 3, 4, 5, 6, 7, 8]
    for number, place in numbers:
        assert files.content(store, "nightly", number)[1] == f"{place} as {number}".encode()
    assert list(store.tmp.iterdir()) == []


def test_place_that_is_a_file_is_an_error(tmp_path: Path):
    """A file where the store should be is no store."""
    root = tmp_path / "store"
    root.write_text("")

    with pytest.raises(StoreError) as caught:
        baselines.take(source(tmp_path), CONFIG, root, "nightly")
    assert str(caught.value).startswith(f"{root}: cannot be written to: ")


def test_backup_holds_baselines(tmp_path: Path):
    """They come back as they were, and verifying finds nothing strange in them."""
    store = small_store(tmp_path / "store")
    taken = baselines.take(source(tmp_path), CONFIG, store.root, "nightly")

    backup(store, tmp_path / "backup.tar")
    restored = restore(tmp_path / "backup.tar", tmp_path / "again")

    assert baselines.show(tmp_path / "again", "nightly") == taken
    assert (verify(store).problems, restored.verdict.problems) == ((), ())
