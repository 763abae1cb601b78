"""Baselines on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from otel_verein.analysis.compare_sides import OperationSide
from otel_verein.analysis.snapshots import Snapshot, statistics
from otel_verein.api.baselines import Entry
from otel_verein.rendering.printable import clean
from otel_verein.rendering.terminal.screen import STYLES, fitted, text, wrapped
from otel_verein.rendering.terminal.table import Column, table
from otel_verein.rendering.words import ABSENT, known, many, moment_ns, ms, name_of, whole, window

_COLUMNS: Final = (
    Column("operation"),
    Column("n"),
    Column("median", "queries"),
    Column("min", "queries", 3),
    Column("max", "queries", 2),
    Column("spread", "queries", 5),
    Column("median", "ms"),
    Column("min", "ms", 4),
    Column("max", "ms", 1),
    Column("spread", "ms", 6),
)


def taken(snapshot: Snapshot, width: int) -> Iterator[Text]:
    """What was just kept."""
    yield from wrapped(
        f"{snapshot.name} {snapshot.number}: {many(len(snapshot.side.operations), 'operation name')}, "
        f"{many(snapshot.side.count, 'operation')}, from {clean(snapshot.source)}",
        width,
    )


def listed(entries: Sequence[Entry], width: int) -> Iterator[Text]:
    """Every version that there is."""
    if not entries:
        yield text("No baseline was taken.")
        return
    heads = (Column("name"), Column("number"), Column("taken (UTC)", left=True), Column("names", rank=2), Column("n"))
    rows = [
        (
            each.name,
            str(each.number),
            known(each.taken_ns, lambda value: moment_ns(int(value))),
            known(each.operations, str),
            known(each.count, "{:,}".format),
        )
        for each in entries
    ]
    yield from table(heads, rows, width)
    for each in entries:
        if each.problem:
            yield fitted(text(f"{each.name} {each.number}: {clean(each.problem)}", STYLES["high"]), width)


def shown(snapshot: Snapshot, limit: int, width: int) -> Iterator[Text]:
    """One version: what it was taken of, and at most *limit* of its operations."""
    yield from taken(snapshot, width)
    yield text(f"taken    {moment_ns(snapshot.taken_ns)} UTC")
    yield text(f"window   {window(snapshot.side.window)}")
    for name, texts in (*snapshot.versions.items(), *((key, (value,)) for key, value in snapshot.made_with.items())):
        yield from wrapped(f"{clean(name)}: {clean(', '.join(texts))}", width, 2)
    if snapshot.side.lossy:
        yield from wrapped(f"lost telemetry: {clean(', '.join(sorted(snapshot.side.lossy)))}", width, 2)
    yield text("")
    operations = snapshot.side.operations
    yield from table(_COLUMNS, [_row(each) for each in operations[:limit]], width)
    if len(operations) > limit:
        yield text(f"... and {many(len(operations) - limit, 'operation name')} more (--limit)")
    yield text("")
    yield from wrapped("spread: the range of the middle half", width)


def _row(each: OperationSide) -> list[str | Text]:
    cells: list[str | Text] = [name_of(each.key), f"{each.count:,}"]
    for values, show, is_whole in ((each.queries, whole, True), (each.duration, ms, False)):
        if values is None:
            cells += [ABSENT] * 4
            continue
        found = statistics(values, whole=is_whole)
        cells += [known(value, show, ABSENT) for value in (found.median, found.min, found.max, found.spread)]
    return cells
