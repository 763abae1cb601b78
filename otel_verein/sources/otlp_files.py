"""OTLP/JSON files, as ``otel-verein run`` and the collector's file exporter write them, read with DuckDB."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from otel_verein.errors import MissingExtraError, SourceError
from otel_verein.sources import otlp_sql as sql
from otel_verein.sources.base import ConfigurationRow, CounterRow, FindingRow, HistogramRow, Tables, Window
from otel_verein.sources.segments import BrokenLines, Segments, broken_lines, find_segments
from otel_verein.store.duck import literal, quoted
from otel_verein.store.segments import OPEN_SUFFIX

if TYPE_CHECKING:
    import duckdb

_T = TypeVar("_T")

_SMALLEST_LINE_LIMIT = 16 * 1024 * 1024
_LARGEST_LINE_LIMIT = 64 * 1024 * 1024
"""Bytes of one line. DuckDB holds two buffers of this size per thread, so it grows only with the files."""

_ATTEMPTS = 5
"""A file may be renamed or expire after the listing; then it is listed again."""


@dataclass(frozen=True, slots=True)
class _Signal:
    table: str
    statement: str
    columns: Mapping[str, str]
    files: Callable[[Segments], tuple[Path, ...]]


_METRICS = _Signal("points", sql.POINTS, sql.METRIC_LINES, lambda segments: segments.metrics)
_CONFIGURATIONS = _Signal("configurations", sql.CONFIGURATIONS, sql.METRIC_LINES, lambda segments: segments.metrics)
_SPANS = _Signal("events", sql.EVENTS, sql.SPAN_LINES, lambda segments: segments.spans)


class OtlpFiles:
    """The segments under a directory, or one file.

    Nothing is kept between two reads. A segment that another process is writing may be read at any time.
    """

    def __init__(self, place: Path) -> None:
        self._place = place

    @property
    def name(self) -> str:
        """The directory or file as the user gave it."""
        return str(self._place)

    def read(self) -> Tables:
        """The tables of all segments that exist now.

        Raises SourceError when there are none or their metrics have an unusable form, and
        MissingExtraError without DuckDB.
        """
        with self._opened() as database:
            metric_faults = self._load(database, _METRICS)
            span_faults = self._load(database, _SPANS)
            _refuse_unusable(database)
            database.execute(sql.KEEP_LAST_CUMULATIVE)
            return _tables(database, metric_faults, span_faults)

    def configurations(self) -> tuple[tuple[ConfigurationRow, ...], tuple[str, ...]]:
        """The last that every process said of the configuration it runs, and notes as in :class:`Tables`.

        Raises as :meth:`read` does.
        """
        with self._opened() as database:
            faults = self._load(database, _CONFIGURATIONS)
            rows = database.execute(sql.LAST_CONFIGURATIONS).fetchall()
            return tuple(ConfigurationRow(*row) for row in rows), tuple(_notes(faults, [], 0))

    @contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An empty database; what goes wrong with it is a SourceError that names the place."""
        try:
            import duckdb
        except ImportError as fault:
            raise MissingExtraError("report", "duckdb", "report") from fault
        find_segments(self._place)
        with _database(duckdb) as database:
            try:
                yield database
            except (duckdb.Error, OSError) as fault:
                raise SourceError(f"{self._place}: cannot be read: {str(fault).splitlines()[0]}") from fault

    def _load(self, database: duckdb.DuckDBPyConnection, signal: _Signal) -> list[BrokenLines]:
        """Fill the table of one signal from its files; what was wrong with them."""
        import duckdb

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with tempfile.TemporaryDirectory(prefix="otel-verein-") as folder:
                    origins = _snapshot(signal.files(find_segments(self._place)), Path(folder))
                    lines = _lines(tuple(origins), signal.columns)
                    database.execute(signal.statement.format(lines=lines))
                    skipped = database.execute(sql.BROKEN.format(table=signal.table)).fetchall()
                    return [
                        replace(broken_lines(Path(name), count), path=origins[Path(name)]) for name, count in skipped
                    ]
            except (duckdb.IOException, FileNotFoundError):
                if attempt == _ATTEMPTS:
                    raise
                database.execute(f"DROP TABLE IF EXISTS {signal.table}")
        raise AssertionError("the last attempt returns or raises")


def _snapshot(files: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """What to read for each file: open segments, whose name and end may change meanwhile, as copies."""
    origins: dict[Path, Path] = {}
    for number, file in enumerate(files):
        read = file
        if file.name.endswith(OPEN_SUFFIX):
            read = folder / f"{number}{OPEN_SUFFIX}"
            shutil.copyfile(file, read)
        origins[read] = file
    return origins


@contextmanager
def _database(duckdb: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that spills to a directory of its own, not to the working directory."""
    with (
        tempfile.TemporaryDirectory(prefix="otel-verein-") as spill,
        duckdb.connect(":memory:", config={"temp_directory": spill}) as database,
    ):
        database.execute("SET enable_progress_bar = false")
        yield database


def _lines(files: Sequence[Path], columns: Mapping[str, str]) -> str:
    """A table of the lines of *files*, all NULL where a line does not parse."""
    described = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in columns.items())
    if not files:
        empty = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns.items())
        return f"(SELECT NULL::VARCHAR AS filename, {empty} WHERE false)"
    largest = max(file.stat().st_size for file in files)
    limit = min(max(largest, _SMALLEST_LINE_LIMIT), _LARGEST_LINE_LIMIT)
    names = ", ".join(quoted(literal(file)) for file in files)
    return (
        f"read_json([{names}], format = 'newline_delimited', ignore_errors = true, filename = true, "
        f"compression = 'uncompressed', maximum_object_size = {limit}, columns = {{{described}}})"
    )


def _refuse_unusable(database: duckdb.DuckDBPyConnection) -> None:
    unusable = database.execute(sql.UNUSABLE).fetchone()
    if unusable:
        metric, filename, shape = unusable
        raise SourceError(
            f"{filename}: {metric} is of the form {shape!r}, but percentiles need an exponential histogram; "
            "remove the view or OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION that changes it"
        )


def _tables(
    database: duckdb.DuckDBPyConnection, metric_faults: list[BrokenLines], span_faults: list[BrokenLines]
) -> Tables:
    start, end = _only(database.execute(sql.WINDOW).fetchone())
    unusable_findings = _only(database.execute(sql.UNUSABLE_FINDINGS).fetchone())[0]
    return Tables(
        histograms=tuple(_histograms(database)),
        counters=tuple(CounterRow(*row) for row in database.execute(sql.COUNTERS).fetchall()),
        findings=tuple(_findings(database)),
        window=Window(start, end) if start is not None and end is not None else None,
        notes=tuple(_notes(metric_faults, span_faults, unusable_findings)),
        metrics_lost=any(fault.note() for fault in metric_faults),
    )


def _histograms(database: duckdb.DuckDBPyConnection) -> Iterator[HistogramRow]:
    buckets = {tuple(row[:6]): row[6] for row in database.execute(sql.HISTOGRAM_BUCKETS).fetchall()}
    for row in database.execute(sql.HISTOGRAM_TOTALS).fetchall():
        yield HistogramRow(*(*row, tuple(buckets.get(tuple(row[:6]), ()))))


def _findings(database: duckdb.DuckDBPyConnection) -> Iterator[FindingRow]:
    for *values, stack, trace_id in database.execute(sql.FINDINGS).fetchall():
        frames = tuple(frame for frame in stack or () if frame is not None)
        yield FindingRow(*(*values, frames, trace_id))


def _notes(metric_faults: list[BrokenLines], span_faults: list[BrokenLines], unusable_findings: int) -> Iterator[str]:
    by_path = {fault.path: fault for fault in (*metric_faults, *span_faults)}
    for fault in by_path.values():
        note = fault.note()
        if note:
            yield note
    cut_off = sum(fault.cut_off for fault in by_path.values())
    if cut_off:
        yield f"{cut_off} open segment(s) end in a line that is not complete; it is skipped"
    if unusable_findings:
        yield f"{unusable_findings} finding event(s) lack a kind, fingerprint or number of repeats; skipped"


def _only(row: tuple[_T, ...] | None) -> tuple[_T, ...]:
    if row is None:
        raise AssertionError("an aggregate without groups gives one row")
    return row
