"""The questions that a source answers, put to an open reading of a store or of messages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from otel_verein.sources import store_sql as sql
from otel_verein.sources.base import Ask, Entities, Steps, Tables
from otel_verein.sources.rows import CounterRow, EntityRow, FindingRow, HistogramRow, StepRow, Window
from otel_verein.sources.sql.dialect import DUCKDB, Query, asked, both, named, of_entity
from otel_verein.store.layout import Level, period_end

if TYPE_CHECKING:
    import duckdb

    from otel_verein.store.reading import Reading


def tables(reading: Reading, ask: Ask) -> Tables:
    """Counts and findings, of a reading of series and findings; notes on what was not stored yet are among its own."""
    database = reading.database
    _make_series(database, ask)
    names = both(asked(DUCKDB, ask), named(DUCKDB, ask))
    database.execute(sql.asked("findings", names.text), names.values)
    database.execute(sql.HISTOGRAMS)
    start, end = database.execute(sql.WINDOW).fetchall()[0]
    return Tables(
        histograms=tuple(_histograms(database)),
        counters=tuple(CounterRow(*(*row, round(value))) for *row, value in database.execute(sql.COUNTERS).fetchall()),
        findings=tuple(_findings(database)),
        window=None if start is None or end is None else Window(start, end),
        notes=(*reading.notes, *reading.unstored.notes, *_estimates(database)),
        metrics_lost=reading.unstored.metrics_lost,
    )


def steps(reading: Reading, step_s: int, ask: Ask) -> Steps:
    """Operations by steps, of a reading of series by steps of *step_s* seconds."""
    database = reading.database
    _make_series(database, ask)
    rows = [StepRow(*(*row[:11], tuple(row[11] or ()), row[12])) for row in database.execute(sql.STEPS).fetchall()]
    level = max((file.level for files in reading.files.values() for file in files), default=Level.DETAIL)
    notes = [*reading.notes, *reading.unstored.notes, *_estimates(database)]
    mixed = bool(level and (level == Level.MONTH or step_s % period_end(0, level)))
    if mixed:
        coarse = Level(level).name.lower()
        notes.append(f"of a part of the time only figures by the {coarse} are kept; they stand at the beginning of it")
    return Steps(step_s, tuple(rows), tuple(notes), mixed)


def _make_series(database: duckdb.DuckDBPyConnection, ask: Ask) -> None:
    """Counters of no operation belong to the whole service, so they stay."""
    operation = named(DUCKDB, ask)
    if operation.text != "true":
        operation = Query(f"(operation IS NULL OR {operation.text})", operation.values)
    condition = both(asked(DUCKDB, ask), operation)
    database.execute(sql.asked("series", condition.text), condition.values)


def _histograms(database: duckdb.DuckDBPyConnection) -> Iterator[HistogramRow]:
    buckets = dict(database.execute(sql.HISTOGRAM_BUCKETS).fetchall())
    for number, *series, basis, count, total, least, most, samples, variance in database.execute(
        sql.HISTOGRAM_TOTALS
    ).fetchall():
        rounded, amounts = whole(count, buckets.get(number, ()))
        estimated = basis == "spans"
        yield HistogramRow(
            *(*series, rounded, total, least, most, amounts, estimated, samples if estimated else 0, variance)
        )


def whole(count: float, buckets: Sequence[tuple[int, float]]) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Whole numbers for weighted ones, so that every rank stays in its bucket and the rest is zeros, as before.

    They are differences of rounded sums: of each the error is below one, and none adds to another's.
    """
    below = count - math.fsum(amount for _, amount in buckets)
    before = round(below)
    found = []
    for index, amount in buckets:
        below += amount
        now = round(below)
        if now > before:
            found.append((index, now - before))
        before = max(before, now)
    return round(count), tuple(found)


def _findings(database: duckdb.DuckDBPyConnection) -> Iterator[FindingRow]:
    for *values, stack, trace_id, orm, orm_version, via in database.execute(sql.FINDINGS).fetchall():
        frames = tuple(frame for frame in stack or () if frame is not None)
        yield FindingRow(*(*values, frames, trace_id, orm, orm_version, via))


def _estimates(database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    for service, samples in database.execute(sql.ESTIMATED).fetchall():
        yield f"{service}: hours without metrics are estimated from {samples} sampled operations"


def entities(reading: Reading, ask: Ask, entity_type: str | None, entity_id: str | None) -> Entities:
    """What operations were about, of a reading of entities."""
    database = reading.database
    condition = both(asked(DUCKDB, ask), named(DUCKDB, ask), of_entity(DUCKDB, entity_type, entity_id))
    database.execute(sql.asked("entities", condition.text), condition.values)
    rows = database.execute(sql.ENTITIES).fetchall()
    found = (EntityRow(*(*row[:11], tuple(row[11] or ()), *row[12:])) for row in rows)
    return Entities(tuple(found), (*reading.notes, *reading.unstored.notes))
