"""One reading of a source, limited to what is asked for: what report, findings and health start from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from otel_verein.analysis.loss import lossy_services
from otel_verein.analysis.operations import OperationStats, operations
from otel_verein.sources.base import Ask, Source, Tables
from otel_verein.sources.rows import FindingRow


@dataclass(frozen=True, slots=True)
class Read:
    """The ``tables`` of everything, the operations and finding events that were asked for, and what lost telemetry."""

    tables: Tables
    operations: tuple[OperationStats, ...]
    events: tuple[FindingRow, ...]
    lossy: frozenset[str]


def read(source: Source, ask: Ask) -> Read:
    """What *source* says; the name of an operation limits its operations and findings, not the account of loss.

    Drops are not counted by operation, so that only over all of them kept = exported + dropped.
    """
    tables = source.read(replace(ask, operation=None))
    return Read(
        tables=tables,
        operations=tuple(each for each in operations(tables) if ask.matches(each.key.operation)),
        events=tuple(row for row in tables.findings if ask.matches(row.operation)),
        lossy=lossy_services(tables),
    )
