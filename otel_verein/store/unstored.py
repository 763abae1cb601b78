"""What segments hold beyond the store, read in the same way as it is going to be taken; nothing of it is written."""

from __future__ import annotations

import time
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

    from otel_verein.store.intake import Intake
    from otel_verein.store.taking.cumulative import State

_MUCH_BYTES: Final = 256_000_000
"""What takes seconds to read: then it is said that storing it would make the next answer faster."""

Reduce = Callable[["pa.Table"], "pa.Table"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: messages with one of these texts in them, or all; and of their spans what *reduce* keeps."""

    texts: tuple[bytes, ...] = ()
    reduce: Reduce | None = None

    def has(self, data: bytes) -> bool:
        """Whether the message may hold something of it."""
        return not self.texts or any(text in data for text in self.texts)


ALL: Final = Wanted()


def fresh(sources: Sequence[Path], config: StoreConfig, wanted: Wanted = ALL) -> Fresh:
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
    return partial(_read, left, lasts, now_ns, config, wanted)


def _is_copy(journal: Journal, found: Found, sizes: frozenset[int]) -> bool:
    if not found.closed or found.offset or found.size not in sizes:
        return False
    digest = segments.content_of(found.path)
    return digest is not None and journal.has_content(digest)


def _read(
    left: Sequence[Found], lasts: Mapping[bytes, State], now_ns: int, config: StoreConfig, wanted: Wanted
) -> Unstored:
    if not left:
        return Unstored()
    # What takes messages needs Arrow, which loads slowly; mostly there is nothing to take.
    from otel_verein.store.intake import Intake
    from otel_verein.store.taking.formats import messages

    intake = Intake(config, wanted, lasts, now_ns)
    for each in left:
        for message in messages(each.path, each.offset, limit=config.line_mb * 1_000_000, closed=each.closed):
            if message.problem is None:
                intake.take(message.data)
            else:
                intake.refuse(message.problem)
    return intake.unstored(partial(_notes, left))


def is_missing(signal: str) -> bool:
    """Whether items that were set aside as *signal* are counted nowhere."""
    from otel_verein.store.taking.aside import REPAIRED

    return signal != REPAIRED


def loses_metrics(signal: str, reason: str) -> bool:
    """Whether measured counts may be among what was set aside as *signal* for that reason."""
    from otel_verein.store.taking.aside import SPANS
    from otel_verein.store.taking.messages import OTHER_SIGNAL

    return is_missing(signal) and signal != SPANS and reason != OTHER_SIGNAL


def _notes(left: Sequence[Found], intake: Intake) -> Iterator[str]:
    for (signal, reason), items in sorted(intake.counts.items()):
        if is_missing(signal):
            yield f"{items} {signal} in segments that are not stored yet: {reason}; not counted"
    yield from intake.finding_notes()
    size = sum(each.left for each in left)
    if size > _MUCH_BYTES:
        yield (
            f"{size / 1e6:.0f} MB of {len(left)} segment(s) are not stored yet and were read as they are; "
            "`otel-verein store ingest` makes the next answer faster"
        )
