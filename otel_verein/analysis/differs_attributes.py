"""The attributes of operations, value by value, as far as they can explain anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from otel_verein import semconv
from otel_verein.sources.rows import RootRow

ABSENT: Final = "(absent)"
"""The value of an attribute that an operation does not have."""

MOST_VALUES: Final = 25
"""Values of one attribute that are told apart, the most frequent ones."""

_OURS: Final = "verein."
"""What our own attributes begin with: they say that an operation was slow, and not why."""

_STATEMENTS: Final = ("db.query.", "db.statement")
"""What may hold a statement."""


@dataclass(frozen=True, slots=True)
class Values:
    """The slow and the normal operations whose attribute *name* has one *value*."""

    name: str
    value: str
    slow: tuple[RootRow, ...]
    normal: tuple[RootRow, ...]


def attribute_values(
    slow: Sequence[RootRow], normal: Sequence[RootRow], least: int
) -> tuple[list[Values], tuple[str, ...]]:
    """Every value that *least* operations have and some have not, and the names of attributes with too many values.

    An attribute names operations, rather than to explain them, when its values are not shared by *least* operations on
    the mean. Our own attributes and statements are left out.
    """
    parts = _by_value(slow), _by_value(normal)
    found: list[Values] = []
    skipped: list[str] = []
    for name in sorted(parts[0].keys() | parts[1].keys()):
        first, second = (
            _with_absent(part.get(name, {}), rows) for part, rows in zip(parts, (slow, normal), strict=True)
        )
        numbers = {
            value: len(first.get(value, ())) + len(second.get(value, ())) for value in first.keys() | second.keys()
        }
        if len(slow) + len(normal) < least * len(numbers):
            skipped.append(name)
            continue
        frequent = sorted((-number, value) for value, number in numbers.items() if number >= least)
        for number, value in frequent[:MOST_VALUES]:
            if -number < len(slow) + len(normal):
                found.append(Values(name, value, tuple(first.get(value, ())), tuple(second.get(value, ()))))
    return found, tuple(skipped)


def _by_value(rows: Sequence[RootRow]) -> dict[str, dict[str, list[RootRow]]]:
    values: dict[str, dict[str, list[RootRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for name, value in _attributes(row):
            values[name][value].append(row)
    return values


def _attributes(row: RootRow) -> Iterator[tuple[str, str]]:
    for name, value in row.attributes.items():
        if not name.startswith((_OURS, *_STATEMENTS)):
            yield name, value
    yield "operation", row.operation
    if row.entity_type is not None:
        yield semconv.ENTITY_TYPE, row.entity_type
    if row.entity_id is not None:
        yield semconv.ENTITY_ID, row.entity_id


def _with_absent(values: Mapping[str, list[RootRow]], rows: Sequence[RootRow]) -> dict[str, list[RootRow]]:
    having = {id(row) for each in values.values() for row in each}
    without = [row for row in rows if id(row) not in having]
    return {**values, ABSENT: without} if without else dict(values)
