"""What operations cost by what they were about: each entity's part, per item and in queries."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein import semconv
from otel_verein.analysis.histogram import spread
from otel_verein.sources.base import Entities
from otel_verein.sources.rows import EntityRow

SCHEMA: Final = 1
_SHOWN: Final = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class EntityCost:
    """What the operations about one entity cost, from ``samples`` kept ones and their weights; None is not known.

    ``entity_id`` is None for all of a type whose ids are not kept, and ``other`` for those that are not told apart. The
    shares are of all operations in the answer. ``item_s`` is the time per item of those that said their items,
    ``queries_per_item`` the queries.
    """

    entity_type: str
    entity_id: str | None
    operations: tuple[str, ...]
    count: float
    samples: int
    time_s: float
    time_share: float | None
    mean_s: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float
    error_share: float | None
    breached_share: float | None
    queries: float | None
    queries_share: float | None
    queries_mean: float | None
    queries_max: int | None
    db_s: float | None
    items: float | None
    item_s: float | None
    queries_per_item: float | None

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return asdict(self) | {"operations": list(self.operations)}


@dataclass(frozen=True, slots=True)
class EntitiesAnswer:
    """By type, then entity by entity: the one that took the most time first, ``other`` last.

    ``entities_seen`` is how many the source told apart; ``ids_kept`` is None when there was no entity at all.
    """

    types: tuple[EntityCost, ...]
    entities: tuple[EntityCost, ...]
    entities_seen: int
    ids_kept: bool | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            "types": [each.as_dict() for each in self.types],
            "entities": [each.as_dict() for each in self.entities],
            "entities_seen": self.entities_seen,
            "ids_kept": self.ids_kept,
            "notes": list(self.notes),
        }


def entity_costs(found: Entities, most: int) -> EntitiesAnswer:
    """The costs by type and by entity, with *most* entities told apart."""
    rows = found.rows
    types: dict[str, list[EntityRow]] = defaultdict(list)
    entities: dict[tuple[str, str], list[EntityRow]] = defaultdict(list)
    for row in rows:
        types[row.entity_type].append(row)
        if row.entity_id is not None:
            entities[row.entity_type, row.entity_id].append(row)
    named = {key: each for key, each in entities.items() if key[1] != semconv.OTHER}
    order = sorted(named, key=lambda key: (-_time(named[key]), key))
    whole = _time(rows), _sum(rows, lambda row: row.queries)
    shown = [_cost(kind, name, named[kind, name], whole) for kind, name in order[:most]]
    rest: dict[str, list[EntityRow]] = defaultdict(list)
    for kind, name in [*order[most:], *(key for key in entities if key not in named)]:
        rest[kind] += entities[kind, name]
    others = [
        _cost(kind, semconv.OTHER, rest[kind], whole) for kind in sorted(rest, key=lambda kind: -_time(rest[kind]))
    ]
    return EntitiesAnswer(
        types=tuple(
            _cost(kind, None, types[kind], whole) for kind in sorted(types, key=lambda kind: -_time(types[kind]))
        ),
        entities=(*shown, *others),
        entities_seen=len(named),
        ids_kept=bool(entities) if rows else None,
        notes=(*found.notes, *_notes(rows)),
    )


def _notes(rows: Sequence[EntityRow]) -> Iterator[str]:
    if not rows:
        yield "no operation said what it is about; `otel_verein.entity` does"
        return
    without = sum(row.samples for row in rows if row.entity_id is None)
    if without:
        yield (
            f"{without} of {sum(row.samples for row in rows)} operations do not say which entity; ids are kept where "
            "`privacy.entity_ids` is `keep`"
        )
    yield "from kept operations and their weights: an estimate"


def _cost(kind: str, name: str | None, rows: Sequence[EntityRow], whole: tuple[float, float | None]) -> EntityCost:
    """What *rows* cost, also as a share of the time and the queries of the *whole*."""
    all_time_s, all_queries = whole
    count, time_s = math.fsum(row.count for row in rows), _time(rows)
    values = spread(count, [(row.scale, row.buckets) for row in rows])
    queries = _sum(rows, lambda row: row.queries)
    maxima = [row.queries_max for row in rows if row.queries_max is not None]
    items = [row for row in rows if row.items]
    item_count = _sum(items, lambda row: row.items) if items else None
    percentiles = [values.percentile(part) if any(row.buckets for row in rows) else None for part in _SHOWN]
    return EntityCost(
        entity_type=kind,
        entity_id=name,
        operations=tuple(sorted({row.operation for row in rows})),
        count=count,
        samples=sum(row.samples for row in rows),
        time_s=time_s,
        time_share=_per(time_s, all_time_s),
        mean_s=_per(time_s, count),
        p50_s=percentiles[0],
        p95_s=percentiles[1],
        max_s=max(row.duration_max_s for row in rows),
        error_share=_per(math.fsum(row.errors for row in rows), count),
        breached_share=_per(math.fsum(row.breached for row in rows), count),
        queries=queries,
        queries_share=_per(queries, all_queries),
        queries_mean=_per(queries, count),
        queries_max=max(maxima) if len(maxima) == len(rows) else None,
        db_s=_sum(rows, lambda row: row.db_s),
        items=item_count,
        item_s=_per(_sum(items, lambda row: row.items_s), item_count),
        queries_per_item=_queries_per_item(items),
    )


def _queries_per_item(rows: Sequence[EntityRow]) -> float | None:
    """None unless all operations of an operation's name said their items: their queries alone are not known then."""
    if any(row.items_s is None or not math.isclose(row.items_s, row.duration_s, rel_tol=1e-6) for row in rows):
        return None
    return _per(_sum(rows, lambda row: row.queries), _sum(rows, lambda row: row.items))


def _time(rows: Sequence[EntityRow]) -> float:
    return math.fsum(row.duration_s for row in rows)


def _sum(rows: Sequence[EntityRow], value: Callable[[EntityRow], float | None]) -> float | None:
    """The sum; None when one of them is not known, or there is none."""
    known = [amount for row in rows if (amount := value(row)) is not None]
    return math.fsum(known) if known and len(known) == len(rows) else None


def _per(amount: float | None, number: float | None) -> float | None:
    return None if amount is None or not number else amount / number
