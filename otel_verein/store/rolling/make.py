"""Making one rollup: the query over its inputs, the file, and the proof that nothing was lost on the way."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

import duckdb

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import StoreError
from otel_verein.store import parquet
from otel_verein.store.balance import imbalances
from otel_verein.store.layout import Level, Store, new_place
from otel_verein.store.records import NewFile
from otel_verein.store.rolling import sql
from otel_verein.store.rolling.database import PeriodDatabase
from otel_verein.store.rolling.merging import (
    merged_entities,
    merged_findings,
    merged_series,
    most_counted,
    number_merged,
    numbered,
    only_those,
)
from otel_verein.store.rolling.plan import RollStep
from otel_verein.store.rolling.sql import ENTITY_KEY, SERIES_KEY
from otel_verein.store.tables import table_of
from otel_verein.store.totals import added, totals_of

JOB: Final = "rollup"

_ROW_BYTES: Final = 4096
"""What a merged row may take: 500 buckets. DuckDB keeps the lists that it makes in memory until all are whole."""
_SHARE: Final = 8


class UnmadeError(Exception):
    """A rollup that could not be made, in a sentence; what it is to be made of stays as it is."""


def made(store: Store, step: RollStep, database: PeriodDatabase, config: StoreConfig) -> NewFile:
    """The finished file of *step* in its place, where nobody knows of it yet.

    Raises UnmadeError when an input is damaged, or the file would not hold what its inputs hold, and StoreError when
    the disk does not take it.
    """
    _refuse_damaged(store, step)
    try:
        queries, dropped = _QUERIES[step.kind](step, database, config)
        footer = {parquet.DUPLICATES: str(_duplicates(step) + dropped)} if step.kind == "findings" else None
        written = parquet.write(store, database.streamed(queries), table_of(step.kind, step.level), footer=footer)
        totals = totals_of(step.kind, step.level, written.path, database.connection.cursor())
    except duckdb.Error as fault:
        raise UnmadeError(f"{_named(step)} cannot be made: {str(fault).splitlines()[0]}") from fault
    wrong = ", ".join(imbalances(step.kind, totals, step.inputs))
    if wrong:
        written.path.unlink()
        raise UnmadeError(f"{_named(step)} would hold {wrong}; `otel-verein store verify` says more")
    place = new_place(step.kind, step.level, step.period)
    try:
        parquet.publish(store, written, place)
    except StoreError:
        written.path.unlink(missing_ok=True)  # it would keep room that a full disk has not
        raise
    return NewFile(
        kind=step.kind,
        level=step.level,
        period=step.period,
        tier="",
        path=place,
        rows=written.rows,
        bytes=written.bytes,
        sha256=written.sha256,
        totals=totals,
        first_ns=min(file.first_ns for file in step.inputs),
        last_ns=max(file.last_ns for file in step.inputs),
        made_by=JOB,
    )


def _refuse_damaged(store: Store, step: RollStep) -> None:
    """A damaged file may be readable, and its sums right; a rollup of it would hide the damage."""
    for file in step.inputs:
        try:
            if parquet.digest(store.path(file.path)) == file.sha256:
                continue
            what = "is not what was written"
        except OSError as fault:
            what = f"cannot be read: {fault.strerror or fault}"
        raise UnmadeError(f"{file.path}: {what}; `otel-verein store verify` says more")


def _series(step: RollStep, database: PeriodDatabase, config: StoreConfig) -> tuple[list[str], int]:
    rows = database.files("series", step.level - 1, step.inputs) if step.level > Level.HOUR else _hour(step, database)
    parts = _parts(database, rows, number_merged(rows, SERIES_KEY), config)
    return [merged_series(part, step.period) for part in parts], 0


def _hour(step: RollStep, database: PeriodDatabase) -> str:
    """The rows of series that the detail of one hour gives."""
    points = database.files("points", Level.DETAIL, step.of("points"))
    known = [sql.measured(points, Level.DETAIL)]
    for level in Level:
        files = [file for file in step.known if file.level == level]
        if files:
            known.append(sql.measured(database.files(files[0].kind, level, files), level))
    measured = database.table(" UNION ".join(known))
    roots = database.roots(step.of("spans"), step.beside)
    estimates = database.table(sql.series_of_roots(f"({sql.unmeasured(roots, measured)})"))
    return f"({sql.series_of_points(points)} UNION ALL BY NAME SELECT * FROM {estimates})"


def _entities(step: RollStep, database: PeriodDatabase, config: StoreConfig) -> tuple[list[str], int]:
    most = config.entities_per_hour
    if step.level > Level.HOUR:
        rows = database.files("entities", step.level - 1, step.inputs)
        rows = only_those(rows, database.table(most_counted(rows, '"count"', most)))
    else:
        # Before they become histograms, of which the others would be as many as there are operations.
        roots = database.roots(step.of("spans"), step.beside)
        named = f"(SELECT * FROM {roots} WHERE entity_type IS NOT NULL)"
        kept = database.table(most_counted(named, "weight", most))
        rows = database.table(sql.entities_of_roots(only_those(named, kept)))
    parts = _parts(database, rows, number_merged(rows, ENTITY_KEY), config)
    return [merged_entities(part, step.period) for part in parts], 0


def _findings(step: RollStep, database: PeriodDatabase, _config: StoreConfig) -> tuple[list[str], int]:
    """The query, and how many events it leaves out since others say the same."""
    given = database.files("findings", step.level - 1, step.inputs)
    if step.level > Level.HOUR:
        return [merged_findings(given, step.period)], 0
    beside = database.files("findings", Level.DETAIL, step.beside) if step.beside else None
    once = database.table(sql.findings_once(given, beside))
    dropped = database.number(f"SELECT (SELECT count(*) FROM {given}) - (SELECT count(*) FROM {once})")
    return [merged_findings(f"({sql.findings_of_events(once)})", step.period)], dropped


def _parts(database: PeriodDatabase, rows: str, number: str, config: StoreConfig) -> list[str]:
    """The *rows*, in parts to be merged one after the other, so that the lists of one take a small share of memory.

    *number* asks how many rows will come out.
    """
    bytes_at_once = config.memory_mb * 1_000_000 / _SHARE
    parts = 1 + int(database.number(number) * _ROW_BYTES / bytes_at_once)
    if parts == 1:
        return [rows]
    # In the order of the parts, so that the database skips the others when it looks for one.
    table = database.table(numbered(rows, parts))
    return [f"(SELECT * EXCLUDE (part) FROM {table} WHERE part = {part})" for part in range(parts)]


_QUERIES: Final = {"series": _series, "entities": _entities, "findings": _findings}


def _duplicates(step: RollStep) -> int:
    return int(added(file.totals for file in step.inputs).get("duplicates", 0))


def _named(step: RollStep) -> str:
    moment = datetime.fromtimestamp(step.period, timezone.utc)
    return f"the {Level(step.level).name.lower()} of {step.kind} from {moment:%Y-%m-%d %H:%M} UTC on"
