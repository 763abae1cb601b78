"""What the jobs of the store did, each on one line, and what they leave for somebody to see to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from otel_verein.api.store_jobs import COMPACT, INGEST, RETENTION, ROLLUP
from otel_verein.api.store_watch import Words
from otel_verein.cli.render_store import many, size

NOTHING = "nothing to do"
_REPAIRED = "repaired"  # what was wrong is kept, and the rest was taken


def words_of(job: str, result: Any) -> Words:
    """What *job* did, and what stands, from its result; no deed where there was nothing to do."""
    return _WORDS[job](result)


def lines_of(job: str, result: Any) -> list[str]:
    """All that is to be said of one run of *job*."""
    words = words_of(job, result)
    return [words.deed or NOTHING, *words.standing.splitlines()]


def _ingest(result: Any) -> Words:
    tallies: Mapping[str, float] = result.tallies
    counts = [
        many(int(tallies.get(key, 0)), one)
        for key, one in (("spans", "span"), ("points", "point"), ("findings", "finding"), ("others", "other point"))
        if tallies.get(key)
    ]
    if counts:
        counts[-1] += f" from {many(result.segments, 'segment')}, {size(int(tallies.get('bytes', 0)))}"
    aside = [each for each in result.asides if each.signal != _REPAIRED]
    if aside:
        reasons = ", ".join(sorted({each.reason for each in aside}))
        counts.append(f"{many(sum(each.items for each in aside), 'item')} set aside ({reasons})")
    if result.deleted:
        counts.append(f"{many(result.deleted, 'segment')} deleted")
    return Words(", ".join(counts), "\n".join(f"{path}: left alone: {why}" for path, why in result.refused))


def _rollup(result: Any) -> Words:
    made = [
        many(number, one)
        for number, one in ((result.hours, "hour"), (result.days, "day"), (result.months, "month"))
        if number
    ]
    deed = f"made {', '.join(made)}: {many(result.rows, 'row')}, {size(result.bytes)}" if made else ""
    return Words(deed, "\n".join(result.problems))


def _compact(result: Any) -> Words:
    deed = ""
    if result.files_before:
        deed = (
            f"{many(result.files_before, 'file')} became {result.files_after:,}, "
            f"{size(result.bytes_before)} became {size(result.bytes_after)}"
        )
    return Words(deed, "\n".join(result.problems))


def _retention(result: Any) -> Words:
    applied, standing = result.applied, [f"{each.file.path}: {each.why}" for each in result.applied.held]
    gone = [
        many(number, one, several)
        for number, one, several in (
            (applied.files, "file", "files"),
            (applied.asides, "file of items set aside", "files of items set aside"),
        )
        if number
    ]
    if result.plan.over_bytes:
        bound = size(result.plan.budget_bytes)
        standing.append(
            f"the store takes {size(result.plan.over_bytes)} more than its bound of {bound}: the rest may not go"
        )
    return Words(f"deleted {' and '.join(gone)}, {size(applied.bytes)}" if gone else "", "\n".join(standing))


_WORDS: Mapping[str, Callable[[Any], Words]] = {
    INGEST: _ingest,
    ROLLUP: _rollup,
    COMPACT: _compact,
    RETENTION: _retention,
}
