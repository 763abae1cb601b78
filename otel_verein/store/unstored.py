"""What segments hold beyond the store, read in the same way as it is going to be taken; nothing of it is written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store import segments
from otel_verein.store.journal import Journal
from otel_verein.store.layout import NANOSECONDS
from otel_verein.store.reading import Fresh, Unstored
from otel_verein.store.segments import Found

if TYPE_CHECKING:
    import pyarrow as pa

    from otel_verein.store.taking.cumulative import State
    from otel_verein.store.taking.messages import Taking

_ROWS: Final = 131_072
"""Rows of spans after which they are reduced to what the question needs."""

_MUCH_BYTES: Final = 256_000_000
"""What takes seconds to read: then it is said that storing it would make the next answer faster."""

Reduce = Callable[["pa.Table"], "pa.Table"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: messages with one of these texts in them, or all; and of their spans what *reduce* keeps."""

    texts: tuple[bytes, ...] = ()
    reduce: Reduce | None = None


def fresh(sources: Sequence[Path], config: StoreConfig, wanted: Wanted = Wanted()) -> Fresh:
    """What looks for the segments below *sources*, as far as the store of a journal does not have them.

    It looks while the journal stands still, and gives what reads them then.
    """
    return partial(_look, tuple(sources), config, wanted)


def _look(sources: Sequence[Path], config: StoreConfig, wanted: Wanted, journal: Journal) -> Callable[[], Unstored]:
    now_ns = time.time_ns()
    found = segments.find(sources, journal.segments(present=True), now_ns / NANOSECONDS)
    sizes = journal.sizes_of_taken() if any(each.closed and each.left for each in found) else frozenset()
    left = [each for each in found if each.left and not _is_copy(journal, each, sizes)]
    lasts = journal.cumulative() if left else {}
    latest_ns = now_ns + round(config.future_s * NANOSECONDS)
    return partial(_read, left, lasts, latest_ns, config.line_mb * 1_000_000, wanted)


def _is_copy(journal: Journal, found: Found, sizes: frozenset[int]) -> bool:
    if not found.closed or found.offset or found.size not in sizes:
        return False
    digest = segments.content_of(found.path)
    return digest is not None and journal.has_content(digest)


def _read(
    left: Sequence[Found], lasts: Mapping[bytes, State], latest_ns: int, line_bytes: int, wanted: Wanted
) -> Unstored:
    if not left:
        return Unstored()
    # What takes messages needs Arrow, which loads slowly; mostly there is nothing to take.
    from otel_verein.store.taking.cumulative import Lasts
    from otel_verein.store.taking.formats import messages
    from otel_verein.store.taking.messages import Taking

    asides: Counter[tuple[str, str]] = Counter()

    def set_aside(signal: str, reason: str, item: bytes, at: object) -> None:
        asides[signal, reason] += 1

    taking = Taking(Lasts(lasts.get), latest_ns, set_aside)
    tables: dict[str, list[pa.Table]] = {}
    for each in left:
        for message in messages(each.path, each.offset, limit=line_bytes, closed=each.closed):
            if message.problem is not None:
                asides["lines", message.problem] += 1
            elif message.data.strip() and _has(message.data, wanted.texts):
                taking.take(message.data)
                taking.points.others.clear()
                if taking.spans.number >= _ROWS:
                    _add_spans(tables, taking, wanted.reduce)
    _add_spans(tables, taking, wanted.reduce)
    tables["points"] = [file.table for file in taking.points.rows.files()]
    tables["findings"] = [table for _, table, _ in taking.spans.findings.files()]
    return Unstored(
        tables,
        tuple(taking.points.processes.values()),
        tuple(_notes(left, asides, taking.tallies)),
        metrics_lost=any(loses_metrics(*kind) for kind in asides),
    )


def is_missing(signal: str) -> bool:
    """Whether items that were set aside as *signal* are counted nowhere."""
    from otel_verein.store.taking.aside import REPAIRED

    return signal != REPAIRED


def loses_metrics(signal: str, reason: str) -> bool:
    """Whether measured counts may be among what was set aside as *signal* for that reason."""
    from otel_verein.store.taking.aside import SPANS
    from otel_verein.store.taking.messages import OTHER_SIGNAL

    return is_missing(signal) and signal != SPANS and reason != OTHER_SIGNAL


def _has(data: bytes, texts: Sequence[bytes]) -> bool:
    return not texts or any(text in data for text in texts)


def _add_spans(tables: dict[str, list[pa.Table]], taking: Taking, reduce: Reduce | None) -> None:
    taking.spans.settle()
    for file in taking.spans.rows.files():
        table = file.table if reduce is None else reduce(file.table)
        if table.num_rows:
            tables.setdefault("spans", []).append(table)


def _notes(left: Sequence[Found], asides: Counter[tuple[str, str]], tallies: Mapping[str, float]) -> Iterator[str]:
    for (signal, reason), items in sorted(asides.items()):
        if is_missing(signal):
            yield f"{items} {signal} in segments that are not stored yet: {reason}; not counted"
    findings = round(tallies.get("findings_unusable", 0))
    if findings:
        yield f"{findings} finding event(s) lack a kind, fingerprint or number of repeats; skipped"
    size = sum(each.left for each in left)
    if size > _MUCH_BYTES:
        yield (
            f"{size / 1e6:.0f} MB of {len(left)} segment(s) are not stored yet and were read as they are; "
            "`otel-verein store ingest` makes the next answer faster"
        )
