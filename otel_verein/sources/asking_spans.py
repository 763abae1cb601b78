"""The questions that only kept spans answer, put to an open reading of a store or of messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from otel_verein import semconv
from otel_verein.sources.base import Ask, Roots, Statements
from otel_verein.sources.rows import RootRow, StatementRow
from otel_verein.sources.sql import detail, template
from otel_verein.sources.sql.dialect import DUCKDB, Query, asked, both, named, within
from otel_verein.store.rolling.sql import SPAN_SCALE

if TYPE_CHECKING:
    from otel_verein.store.reading import Reading

TOLD_APART: Final = (
    "service.version",
    "service.instance.id",
    "deployment.environment.name",
    "host.name",
    "process.pid",
    "process.runtime.version",
    "telemetry.sdk.version",
    "telemetry.distro.version",
    "container.id",
    "k8s.pod.name",
    "k8s.node.name",
    "cloud.region",
    "cloud.availability_zone",
)
"""The attributes of a resource that tell the processes of one service apart."""

_REASONS: Final = 11
_ITEMS: Final = 14
_NOT_NEEDED: Final = "span_id, parent_span_id, start_ns"

STATEMENTS: Final = frozenset((semconv.DB_QUERY_TEXT, "db.statement"))
"""The attributes with SQL, which are none of a root's."""

MOST_SPANS: Final = 300_000
"""Of which statements are added up for one answer, which takes seconds; of more, a sample of whole traces."""


def statements(reading: Reading, ask: Ask, most_spans: int = MOST_SPANS) -> Statements:
    """Statements of the kept traces, of a reading of copies that goes on for the calls of the last roots.

    Where there are more than *most_spans*, of every k-th trace by a hash of its id, each with k times its weight, which
    a note says.
    """
    if not reading.spans:
        return Statements(notes=(*reading.notes, *reading.unstored.notes))
    database = reading.database
    spans = int(database.execute("SELECT count(*) FROM copies").fetchall()[0][0])
    every = -(-spans // most_spans)
    of_service = both(asked(DUCKDB, ask), Query("true" if every == 1 else f"hash(trace_id) % {every} = 0"))
    roots = both(of_service, within(DUCKDB, ask))
    operation = named(DUCKDB, ask)
    repeats = _repeats(reading, of_service)
    database.execute(f"CREATE TEMP TABLE roots AS {detail.owners(roots.text, every, repeats)}", roots.values)
    database.execute(f"CREATE TEMP TABLE said_texts AS {detail.texts(of_service.text)}", of_service.values)
    for statement in detail.numbered_texts():
        database.execute(statement)
    database.execute(f"CREATE TEMP TABLE calls AS {detail.calls(of_service.text, repeats)}", of_service.values)
    owned = template.owned_calls(DUCKDB, operation.text)
    database.execute(f"CREATE TEMP TABLE owned AS SELECT * EXCLUDE ({_NOT_NEEDED}) FROM ({owned})", operation.values)
    database.execute("DROP TABLE calls")
    traces = database.execute(
        f"SELECT count(DISTINCT trace_id) FROM roots WHERE {operation.text}", operation.values
    ).fetchall()[0][0]
    buckets = {
        tuple(key): tuple(sorted(pairs or ()))
        for *key, pairs in database.execute(template.statement_buckets(DUCKDB)).fetchall()
    }
    rows = database.execute(template.statements(DUCKDB)).fetchall()
    notes = [*reading.notes, *reading.unstored.notes]
    if every > 1:
        notes.append(
            f"statements are estimated from a sample of {traces} traces: one in {every} of those that were kept"
        )
    rows.sort(key=lambda row: tuple(map(str, row[:7])))
    return Statements(tuple(statement_rows(rows, buckets)), int(traces), tuple(notes))


def statement_rows(
    rows: Sequence[tuple[Any, ...]], buckets: Mapping[tuple[Any, ...], tuple[tuple[int, float], ...]]
) -> Iterator[StatementRow]:
    """Rows of what :func:`~otel_verein.sources.sql.template.statements` and its buckets by key gave."""
    for row in rows:
        service, operation, fingerprint, _, file, line, function = key = tuple(row[:7])
        summary, statement, db_system, verb, calls, errors, total_s, max_s, operations, samples = row[7:17]
        returned, known, trace_id = row[17:]
        yield StatementRow(
            service=service,
            operation=operation,
            fingerprint=fingerprint,
            summary=summary,
            statement=statement,
            db_system=db_system,
            verb=verb,
            calls=float(calls),
            errors=float(errors),
            total_s=total_s,
            max_s=max_s,
            operations=operations,
            samples=int(samples),
            rows=float(returned),
            rows_known=float(known),
            scale=SPAN_SCALE,
            buckets=buckets.get(key, ()),
            file=file,
            line=line,
            function=function,
            trace_id=trace_id,
        )


def roots(reading: Reading, ask: Ask, most: int, slowest: bool, failed: bool = False) -> Roots:
    """Kept operations, of a reading of copies; only *failed* ones, if so."""
    notes = (*reading.notes, *reading.unstored.notes)
    if not reading.spans:
        return Roots(notes=notes)
    database = reading.database
    condition = both(asked(DUCKDB, ask), within(DUCKDB, ask), named(DUCKDB, ask, "coalesce(operation, name)"))
    condition = both(condition, Query(detail.FAILED if failed else "true"))
    repeats = _repeats(reading, both(Query("root"), condition))
    database.execute(f"CREATE TEMP TABLE roots AS {detail.roots(condition.text, repeats)}", condition.values)
    kept = int(database.execute("SELECT count(*) FROM roots").fetchall()[0][0])
    rows = database.execute(template.roots(DUCKDB, most, slowest)).fetchall()
    ids = [bytes.fromhex(row[1]) for row in rows]
    database.execute("CREATE TEMP TABLE wanted AS SELECT unnest($ids::BLOB[]) AS span_id", {"ids": ids})
    said = {(trace, span): (own, resource) for trace, span, own, resource in database.execute(detail.WHOLE).fetchall()}
    found = (root_row(row, attributes(*said[row[0], row[1]])) for row in rows)
    return Roots(tuple(found), kept, notes)


def _repeats(reading: Reading, condition: Query) -> bool:
    """Whether any span comes twice among the copies for which *condition* holds."""
    found = reading.database.execute(f"{detail.repeated(condition.text)} LIMIT 1", condition.values).fetchall()
    return bool(found)


def root_row(row: Sequence[Any], own: Mapping[str, str]) -> RootRow:
    """The row of what :func:`~otel_verein.sources.sql.template.roots` gave, with its attributes."""
    values = list(row)
    said = own.get(semconv.ITEMS, "")
    values[_REASONS] = tuple(sorted(row[_REASONS]))
    values[_ITEMS] = int(said) if row[_ITEMS] is None and said.isdecimal() else row[_ITEMS]
    return RootRow(*(*values, own))


def attributes(own: str, resource: str) -> dict[str, str]:
    """The attributes of a root from two texts of OTLP/JSON, as :class:`RootRow` has them."""
    found = {key: text for key, text in _texts(json.loads(own)) if key not in STATEMENTS}
    of_process = json.loads(resource).get("attributes") or ()
    found |= {f"resource.{key}": text for key, text in _texts(of_process) if key in TOLD_APART}
    return found


def _texts(given: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for attribute in given:
        text = _text(attribute.get("value") or {})
        if text is not None:
            yield str(attribute.get("key")), text


def _text(value: Mapping[str, Any]) -> str | None:
    for kind, of in value.items():
        if kind == "boolValue":
            return "true" if of else "false"
        if kind in ("stringValue", "intValue", "doubleValue"):
            return str(of)
        if kind == "arrayValue":
            return ", ".join(text for each in of.get("values") or () if (text := _text(each)) is not None)
    return None
