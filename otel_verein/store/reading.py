"""The store as tables of a database: one consistent set of files, whatever writers do meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import duckdb

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import StoreError
from otel_verein.store import reading_sql as sql
from otel_verein.store.ages import later
from otel_verein.store.choose import DETAIL_OF, Bounds, choose, covered_time, whole_minutes
from otel_verein.store.duck import in_memory, rows_of_any_age
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Level, Store
from otel_verein.store.lock import quiet
from otel_verein.store.measuring import Measuring, hours_of
from otel_verein.store.records import Contents, Process, StoredFile
from otel_verein.store.rolling.sql import hours_asked

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")

ATTEMPTS: Final = 5
"""A file may be replaced between the look into the journal and the reading; then both are done again."""

_WAIT_S: Final = 15.0
"""How long the last try waits for a writer; jobs take seconds."""

_NOWHERE: Final = Store(Path())
_OF_SPANS: Final = frozenset(("spans", "copies"))


@dataclass(frozen=True, slots=True)
class Moment:
    """What the journal said at one moment."""

    contents: Contents
    asides: Sequence[tuple[int, str, str, int, str | None]]
    processes: Sequence[Process]


@dataclass(frozen=True, slots=True)
class Unstored:
    """What segments hold beyond the store, as tables of detail by kind, with as many parts as there are.

    ``notes`` say what could not be read; ``metrics_lost`` that measured counts are among it.
    """

    tables: Mapping[str, Sequence[pa.Table]] = field(default_factory=dict)
    processes: Sequence[Process] = ()
    notes: tuple[str, ...] = ()
    metrics_lost: bool = False


NOTHING: Final = Moment(Contents((), {}, {}), (), ())
"""What the journal of an empty store would say."""

Fresh = Callable[[Journal], Callable[[], Unstored]]
"""Looks, while the journal stands still, for what is not stored yet, and gives what reads it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An open reading; ``bounds`` is the time that the views of rollups really cover, None for all.

    The views are those of :mod:`otel_verein.store.reading_sql`, of the kinds that were asked for; there is one of
    spans only when ``spans`` says that there are any. ``files`` are those that the views of
    rollups rest on, by kind.
    """

    database: duckdb.DuckDBPyConnection
    moment: Moment
    unstored: Unstored
    spans: bool = False
    bounds: Bounds | None = None
    notes: tuple[str, ...] = ()
    files: Mapping[str, Sequence[StoredFile]] = field(default_factory=dict)


def answered(
    store: Store,
    ask: Callable[[Reading], _T],
    kinds: Collection[str],
    *,
    window: Bounds | None = None,
    fresh: Fresh | None = None,
    memory_mb: int = StoreConfig().memory_mb,
    step_s: int | None = None,
) -> _T:
    """What *ask* makes of a reading with the views of *kinds*: series, findings, entities, and spans or copies.

    *ask* is called again, at most five times in all, when a file vanished under it, so it must not act. Raises
    StoreError when the store cannot be read. With *step_s* the periods of series are steps of so many seconds, as far
    as the files tell them apart.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            # In the end, where files are replaced all the time, without anybody who does.
            apart = quiet(store, _WAIT_S) if attempt == ATTEMPTS else nullcontext()
            with apart, _opened(store, kinds, window, fresh, memory_mb, step_s) as reading:
                return ask(reading)
        except (duckdb.IOException, FileNotFoundError) as fault:
            if attempt == ATTEMPTS:
                cure = "`otel-verein store verify` tells what is amiss"
                raise StoreError(f"{store.root}: cannot be read: {_first_line(fault)}; {cure}") from fault
        except (duckdb.Error, OSError) as fault:
            raise StoreError(f"{store.root}: cannot be read: {_first_line(fault)}") from fault
    raise AssertionError("the last attempt returns or raises")


@contextmanager
def _opened(
    store: Store,
    kinds: Collection[str],
    window: Bounds | None,
    fresh: Fresh | None,
    memory_mb: int,
    step_s: int | None,
) -> Iterator[Reading]:
    moment, read = _moment(store, fresh)
    with viewed(moment, read(), kinds, store=store, window=window, memory_mb=memory_mb, step_s=step_s) as reading:
        yield reading


@contextmanager
def viewed(
    moment: Moment,
    unstored: Unstored,
    kinds: Collection[str],
    *,
    store: Store = _NOWHERE,
    window: Bounds | None = None,
    memory_mb: int = StoreConfig().memory_mb,
    step_s: int | None = None,
) -> Iterator[Reading]:
    """A reading of the files of *moment* in *store* and of what is *unstored*; arguments as of :func:`answered`.

    A file that vanishes under a query is a ``duckdb.IOException``.
    """
    with _database(memory_mb) as database:
        views = _Views(store, database, unstored.tables, moment.contents)
        spans = False
        for kind in _OF_SPANS.intersection(kinds):
            spans = views.add_spans(_spans_of(moment.contents, window), window, once=kind == "spans")
        contents, rolled = moment.contents, [kind for kind in kinds if kind not in _OF_SPANS]
        choice = choose(contents.files, contents.coverage, contents.replaced, rolled, window, step_s)
        exact = window is not None and choice.bounds == whole_minutes(window)
        for kind in rolled:
            views.add(kind, choice.files[kind], choice.bounds, window if exact else choice.bounds, step_s)
        yield Reading(database, moment, unstored, spans, choice.bounds, choice.notes, choice.files)


def _spans_of(contents: Contents, window: Bounds | None) -> list[StoredFile]:
    """The files of spans of which some began in the *window*."""
    files = (file for file in contents.files if file.kind == "spans")
    return [file for file in files if window is None or window.meets(covered_time(file))]


def _moment(store: Store, fresh: Fresh | None) -> tuple[Moment, Callable[[], Unstored]]:
    """What the journal says now, in one transaction, and what reads the rest."""
    with Journal.opened(store) as journal, journal.snapshot():
        contents = Contents(tuple(journal.files()), journal.coverage(), journal.replacements())
        moment = Moment(contents, journal.asides(), journal.processes())
        return moment, Unstored if fresh is None else fresh(journal)


class _Views:
    """Makes views over files and over what is not stored yet."""

    def __init__(
        self,
        store: Store,
        database: duckdb.DuckDBPyConnection,
        unstored: Mapping[str, Sequence[pa.Table]],
        contents: Contents,
    ) -> None:
        self._store = store
        self._database = database
        self._unstored = unstored
        self._contents = contents

    def add(
        self, kind: str, chosen: Sequence[StoredFile], minutes: Bounds | None, exact: Bounds | None, step_s: int | None
    ) -> None:
        """The view of one kind of rollup, with detail in the same shape: of points that of whole *minutes* only."""
        present = []
        for source in DETAIL_OF[kind]:
            files = [file for file in chosen if file.level == Level.DETAIL and file.kind == source]
            if self._base(f"{kind}_{source}", files, source, minutes if source == "points" else exact):
                present.append(source)
        for level, name in sql.LEVELS.items():
            if self._base(f"{kind}_{name}", [file for file in chosen if file.level == level]):
                present.append(name)
        if kind == "series" and "spans" in present and not self._is_estimated(chosen):
            present.remove("spans")
        for statement in sql.statements(kind, present, step_s):
            self._database.execute(statement)

    def _is_estimated(self, chosen: Iterable[StoredFile]) -> bool:
        """Whether any operation has to be estimated from spans; makes the table of what is measured."""
        known = list(self._measuring(file for file in chosen if file.kind == "spans"))
        self._database.execute(sql.measured(known))
        return bool(self._database.execute(sql.IS_ESTIMATED).fetchall()[0][0])

    def _measuring(self, spans: Iterable[StoredFile]) -> Iterator[str]:
        """Make the relations that tell where the services of these and of what is not stored yet are measured."""
        hours = set(hours_of(spans))
        for number, _ in enumerate(self._unstored.get("spans", ())):
            asked = self._database.execute(hours_asked(f"fresh_series_spans_{number}"))
            hours.update(hour for (hour,) in asked.fetchall())
        files = Measuring(self._contents).files(hours)
        for level, name in sql.MEASURING.items():
            detail = "points" if level == Level.DETAIL else None
            if self._base(name, [file for file in files if file.level == level], detail):
                yield name

    def add_spans(self, files: Sequence[StoredFile], window: Bounds | None, *, once: bool) -> bool:
        """The view ``copies`` of all rows of spans, and *once* that of every span, if there are any."""
        there = self._base("copies", files, "spans", window)
        if there and once:
            self._database.execute(sql.SPANS_ONCE)
        return there

    def _base(
        self, name: str, files: Sequence[StoredFile], detail: str | None = None, bounds: Bounds | None = None
    ) -> bool:
        """A view over *files*, and over what is not stored yet of that kind of *detail*; False if there is neither."""
        parts = []
        if files:
            younger = later(files[0].kind, files[0].level)
            parts.append(f"SELECT * FROM {rows_of_any_age((self._store.path(file.path) for file in files), younger)}")
        for number, rows in enumerate(self._unstored.get(detail or "", ())):
            self._database.register(f"fresh_{name}_{number}", rows)
            parts.append(f"SELECT * FROM fresh_{name}_{number}")
        if not parts:
            return False
        whole = " UNION ALL BY NAME ".join(parts)
        where = ""
        if bounds is not None and detail is not None:
            moment = sql.MOMENT[detail]
            where = f" WHERE {moment} >= {bounds.start_ns} AND {moment} < {bounds.end_ns}"
        self._database.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM ({whole}){where}")
        return True


@contextmanager
def _database(memory_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that spills to a directory of its own: a reader may not be allowed to write to the store."""
    spilling = tempfile.TemporaryDirectory(prefix="otel-verein-")
    with in_memory(spilling, memory_limit=f"{memory_mb}MB") as database:
        yield database


def _first_line(fault: Exception) -> str:
    return str(fault).splitlines()[0]
