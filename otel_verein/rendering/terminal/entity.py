"""What entities cost, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from otel_verein.analysis.entities import EntitiesAnswer, EntityCost
from otel_verein.rendering.terminal.screen import text, wrapped
from otel_verein.rendering.terminal.table import Column, table
from otel_verein.rendering.words import ABSENT, decimal, known, many, ms, percent, seconds

_COLUMNS: Final = (
    Column("entity"),
    Column("n"),
    Column("seen", rank=6),
    Column("total", "time"),
    Column("share", "time", 1),
    Column("mean ms", "time"),
    Column("p95 ms", "time", 3),
    Column("mean", "queries"),
    Column("share", "queries", 4),
    Column("errors", rank=2),
    Column("ms/item", rank=5),
)


def lines(answer: EntitiesAnswer, limit: int, width: int) -> Iterator[Text]:
    """By type, then by entity, each line at most *width* columns; at most *limit* rows of each table."""
    if not answer.types:
        yield text("No operation said what it is about.")
        return
    yield from _table(answer.types, limit, width)
    if answer.entities:
        yield text("")
        yield text(f"{many(answer.entities_seen, 'entity', 'entities')} told apart, the one with the most time first")
        yield from _table(answer.entities, limit, width)
    yield text("")
    yield from wrapped("n and sums are estimated from the kept operations, which are the ones seen.", width)


def _table(costs: Sequence[EntityCost], limit: int, width: int) -> Iterator[Text]:
    yield from table(_COLUMNS, [_row(each) for each in costs[:limit]], width)
    if len(costs) > limit:
        yield text(f"... and {len(costs) - limit} more (--limit)")


def _row(cost: EntityCost) -> list[str | Text]:
    return [
        cost.entity_type if cost.entity_id is None else f"{cost.entity_type} {cost.entity_id}",
        f"{cost.count:,.0f}",
        str(cost.samples),
        seconds(cost.time_s),
        known(cost.time_share, percent, ABSENT),
        known(cost.mean_s, ms, ABSENT),
        known(cost.p95_s, ms, ABSENT),
        known(cost.queries_mean, decimal, ABSENT),
        known(cost.queries_share, percent, ABSENT),
        known(cost.error_share, percent, ABSENT),
        known(cost.item_s, ms, ABSENT),
    ]
