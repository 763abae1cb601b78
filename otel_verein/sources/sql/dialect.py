"""What differs between the databases that the same questions are put to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from otel_verein.globs import regex_of
from otel_verein.sources.base import Ask

Value = str | int


@dataclass(frozen=True, slots=True)
class Dialect:
    """The names of functions, or what makes an expression of other ones."""

    parameter: Callable[[str, type], str]
    """Where a value goes that is bound, by its name and type."""
    fsum: str
    """A sum of doubles without the error of the order."""
    arg_max: str
    collect: str
    unnest: str
    matches: str
    """Whether a text has the RE2 pattern somewhere."""
    texts: Callable[[str], str]
    """An id as hexadecimal text."""
    digest: Callable[[str], str]
    """A hash of a text that is the same everywhere: the MD5 as lower-case hexadecimal text."""
    divided: Callable[[str, int], str]
    """A whole number by another, rounded down."""
    whole: Callable[[str], str]
    """A double without its fraction, as a whole number."""
    has: Callable[[str, str], str]
    """Whether a list of texts has one."""
    numbers: Callable[[str], str]
    """A row for each number from one to that many."""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and the values that are bound in it."""

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)


DUCKDB: Final = Dialect(
    parameter=lambda name, kind: f"${name}",
    fsum="fsum",
    arg_max="arg_max",
    collect="list",
    unnest="unnest",
    matches="regexp_matches",
    texts=lambda of: f"lower(hex({of}))",
    digest=lambda of: f"md5({of})",
    divided=lambda of, by: f"({of} // {by})",
    whole=lambda of: f"CAST({of} AS BIGINT)",
    has=lambda of, one: f"list_contains({of}, '{one}')",
    numbers=lambda most: f"unnest(range(1, {most} + 1))",
)
_TYPES: Final = {str: "String", int: "Int64"}
CLICKHOUSE: Final = Dialect(
    parameter=lambda name, kind: f"{{{name}:{_TYPES[kind]}}}",
    fsum="sumKahan",
    arg_max="argMax",
    collect="groupArray",
    unnest="arrayJoin",
    matches="match",
    texts=lambda of: of,
    digest=lambda of: f"lower(hex(MD5({of})))",
    divided=lambda of, by: f"intDiv({of}, {by})",
    whole=lambda of: f"toInt64({of})",
    has=lambda of, one: f"has({of}, '{one}')",
    numbers=lambda most: f"arrayJoin(range(1, toUInt64({most} + 1)))",
)


def equal(dialect: Dialect, columns: Mapping[str, str], values: Mapping[str, str | None]) -> Query:
    """The condition that each of *columns* is what *values* has under its name, ``true`` where it has nothing."""
    given = {name: value for name in columns if (value := values[name]) is not None}
    return _all([f"{columns[name]} = {dialect.parameter(name, str)}" for name in given], given)


def asked(dialect: Dialect, ask: Ask) -> Query:
    """The condition on service, environment and version that *ask* makes, ``true`` where it names none."""
    names = {"service": ask.service, "environment": ask.environment, "version": ask.version}
    return equal(dialect, {name: name for name in names}, names)


def of_entity(dialect: Dialect, entity_type: str | None, entity_id: str | None) -> Query:
    """The condition that a row is of such an entity; of any where nothing is given."""
    wanted = {"entity_type": entity_type, "entity_id": entity_id}
    return equal(dialect, {name: name for name in wanted}, wanted)


def within(dialect: Dialect, ask: Ask) -> Query:
    """The condition that ``start_ns`` is in the window of *ask*."""
    values = {"start_ns": ask.start_ns, "end_ns": ask.end_ns}
    given = {name: value for name, value in values.items() if value is not None}
    signs = {"start_ns": ">=", "end_ns": "<"}
    return _all([f"start_ns {signs[name]} {dialect.parameter(name, int)}" for name in given], given)


def named(dialect: Dialect, ask: Ask, column: str = "operation") -> Query:
    """The condition that *column* is the operation of *ask*, by its name or as a glob."""
    if ask.operation is None:
        return Query("true")
    name, pattern = dialect.parameter("operation", str), dialect.parameter("pattern", str)
    values = {"operation": ask.operation, "pattern": pattern_of(ask.operation)}
    return Query(f"({column} = {name} OR {dialect.matches}({column}, {pattern}))", values)


def both(*conditions: Query) -> Query:
    """All of *conditions*."""
    values: dict[str, Value] = {}
    for condition in conditions:
        values.update(condition.values)
    return _all([each.text for each in conditions if each.text != "true"], values)


def _all(conditions: list[str], values: Mapping[str, Value]) -> Query:
    return Query(" AND ".join(conditions) or "true", values)


def pattern_of(glob: str) -> str:
    """The RE2 pattern that a whole text has when :func:`fnmatch.fnmatchcase` says that *glob* fits it."""
    return f"^{regex_of(glob)}$"
