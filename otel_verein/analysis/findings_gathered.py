"""All findings of one reading of a source, without telling anything twice."""

from __future__ import annotations

from collections.abc import Sequence

from otel_verein.analysis.findings import Finding, by_waste, findings
from otel_verein.analysis.findings_operations import chatty, errors, failing_most
from otel_verein.analysis.operations import OperationStats
from otel_verein.analysis.statements import repeated_queries, slow_statements, statements
from otel_verein.config.schema import Config
from otel_verein.sources.rows import FindingRow, StatementRow


def all_findings(
    events: Sequence[FindingRow], calls: Sequence[StatementRow], stats: Sequence[OperationStats], config: Config
) -> tuple[Finding, ...]:
    """Repeats from *events*, slow statements from *calls*, chatty and failing operations from *stats*, by waste."""
    repeats = findings(events, config.n_plus_one)
    measured = statements(calls)
    slow = slow_statements(measured, config, repeated_queries(repeats))
    whole = (*chatty(stats, config, repeats), *errors(stats, config, failing_most(measured)))
    return by_waste((*repeats, *slow, *whole))
