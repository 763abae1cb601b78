"""The slowest operations, and what made each of them slow as far as it is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.operations import OperationKey, OperationStats
from otel_verein.analysis.times import rfc3339
from otel_verein.config.schema import Config
from otel_verein.sources.base import Roots
from otel_verein.sources.rows import FindingRow, RootRow

SCHEMA: Final = 1

DATABASE: Final = "database"
OUTSIDE: Final = "outside_database"
QUERIES: Final = "queries"
FINDING: Final = "finding"
ERROR: Final = "error"
UNEXPLAINED: Final = "unexplained"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is known of a slow operation; ``kind`` is one of the words of this module, ``text`` a sentence."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class SlowOperation:
    """One kept operation; ``times_median`` is how many times the median of its name it took. None is not known."""

    root: RootRow
    db_share: float | None
    times_median: float | None
    reasons: tuple[Reason, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        root = self.root
        return {
            **{name: getattr(root, name) for name in ("trace_id", "service", "operation", "kind")},
            "start": rfc3339(root.start_ns),
            **{name: getattr(root, name) for name in ("duration_s", "error", "queries", "db_s", "items")},
            "db_share": self.db_share,
            "times_median": self.times_median,
            "breaches": list(root.breaches),
            "entity_type": root.entity_type,
            "entity_id": root.entity_id,
            "reasons": [asdict(each) for each in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class SlowAnswer:
    """The slowest of ``kept`` operations, the slowest first; with ``failed`` only those count that failed."""

    operations: tuple[SlowOperation, ...]
    kept: int
    failed: bool
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            "kept": self.kept,
            "failed": self.failed,
            "operations": [each.as_dict() for each in self.operations],
            "notes": list(self.notes),
        }


def slow_operations(
    roots: Roots,
    measured: Sequence[OperationStats],
    events: Iterable[FindingRow],
    config: Config,
    failed: bool = False,
) -> SlowAnswer:
    """The operations of *roots* with their reasons, from all that was *measured* and the finding *events*.

    *failed* says that the roots are only those that failed.
    """
    stats = {each.key: each for each in measured}
    found: Mapping[tuple[str, str], list[FindingRow]] = defaultdict(list)
    for row in events:
        found[row.service, row.operation].append(row)
    rows = sorted(roots.rows, key=lambda row: -row.duration_s)
    return SlowAnswer(
        operations=tuple(
            _slow(row, stats.get(OperationKey(row.service, row.operation, row.kind)), found, config) for row in rows
        ),
        kept=roots.kept,
        failed=failed,
        notes=roots.notes,
    )


def _slow(
    row: RootRow,
    stats: OperationStats | None,
    found: Mapping[tuple[str, str], list[FindingRow]],
    config: Config,
) -> SlowOperation:
    usual = None if stats is None else stats.duration.percentile(1 / 2)
    reasons = tuple(_reasons(row, stats, found.get((row.service, row.operation), ()), config))
    return SlowOperation(
        root=row,
        db_share=row.db_share,
        times_median=row.duration_s / usual if usual else None,
        reasons=reasons or (Reason(UNEXPLAINED, "nothing that was recorded explains it"),),
    )


def _reasons(
    row: RootRow,
    stats: OperationStats | None,
    findings: Sequence[FindingRow],
    config: Config,
) -> Iterator[Reason]:
    share = row.db_share
    if share is not None and row.queries is not None:
        where = DATABASE if share >= 1 / 2 else OUTSIDE
        yield Reason(where, f"{share:.0%} of the time in the database, {row.queries} queries")
    budget = config.thresholds.of(row.operation).queries
    if row.queries is not None and row.queries > budget:
        yield Reason(QUERIES, f"{row.queries} queries, of a budget of {budget}{_usual(stats)}")
    for finding in findings:
        what = finding.summary or finding.fingerprint
        if finding.trace_id == row.trace_id:
            yield Reason(FINDING, f"{finding.kind}: {what}, {finding.repeats_max} times in this trace")
        elif "n_plus_one" in row.breaches:
            yield Reason(FINDING, f"{finding.kind} of the operation, probably here too: {what}")
    if row.error:
        yield Reason(ERROR, "it failed")


def _usual(stats: OperationStats | None) -> str:
    queries: Distribution | None = None if stats is None else stats.queries
    usual = None if queries is None else queries.whole_percentile(1 / 2)
    return "" if usual is None else f", where {usual:.0f} is the median"
