"""Files as the journal knows them, for decisions that need no file on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

from otel_verein.store.layout import NANOSECONDS, period_end
from otel_verein.store.records import Contents, StoredFile

HOUR = int(datetime(2026, 3, 1, 10, tzinfo=timezone.utc).timestamp())
DAY = HOUR - 10 * 3600
MONTH = DAY
DAY_S = 86_400


def stored(number: int, kind: str, level: int = 0, period: int = HOUR, **more: object) -> StoredFile:
    """A live file of 1000 rows and 1 MB; what is in *more* is otherwise."""
    values: dict[str, object] = {
        "tier": "", "path": f"file-{number}", "rows": 1000, "bytes": 1_000_000, "sha256": "", "totals": {},
        "first_ns": period * NANOSECONDS, "last_ns": period * NANOSECONDS, "made_by": "rollup" if level else "ingest",
        "batch": None, "state": "live", "replaced_by": None, "created_s": float(period_end(period, level)),
        "ended_s": None, "reason": None, **more,
    }  # fmt: skip
    return StoredFile(number, kind, level, period, **values)  # type: ignore[arg-type]


def contents(
    files: Iterable[StoredFile],
    coverage: Mapping[int, Iterable[int]] | None = None,
    replaced: Mapping[int, int] | None = None,
) -> Contents:
    """What the journal would say."""
    covered = {rollup: frozenset(inputs) for rollup, inputs in (coverage or {}).items()}
    return Contents(tuple(files), covered, replaced or {})
