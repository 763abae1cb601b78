"""From segments to detail: Parquet files on disk, and then one transaction that says what was taken from where.

Whatever happens in between, a segment is taken as far as the journal says, and the files that it does not know are
nothing: the next run begins at the same byte again.
"""

from __future__ import annotations

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store import parquet, segments
from otel_verein.store.journal import Journal
from otel_verein.store.layout import NANOSECONDS, Store
from otel_verein.store.records import Aside
from otel_verein.store.segments import Found
from otel_verein.store.taking.batch import Advance, Batch
from otel_verein.store.taking.formats import PROTOBUF, messages

_OBJECTS: Final = 200_000
"""New objects after which the garbage collector looks."""

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(slots=True)
class IngestResult:
    """What was taken; ``refused`` names segments that are left alone, with the reason."""

    batches: int = 0
    segments: int = 0
    deleted: int = 0
    tallies: dict[str, float] = field(default_factory=lambda: defaultdict(int))
    asides: list[Aside] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """The numbers by name."""
        counts = {"batches": self.batches, "segments": self.segments, "deleted": self.deleted}
        return counts | {"aside": sum(each.items for each in self.asides), **self.tallies}


def ingest(
    store: Store,
    sources: Sequence[Path],
    config: StoreConfig,
    *,
    now_ns: int | None = None,
    progress: Progress | None = None,
    stop: Stop = bool,
) -> IngestResult:
    """Take all that is in the segments below *sources* and not in *store* yet. Whoever calls it holds the lock.

    *progress* is told the bytes that were read and those that there are; *stop* is asked between two messages, and
    what was read until then is stored. Raises StoreError; then nothing of the unfinished batch counts.
    """
    parquet.take_little(config.threads)
    with _rarely_collected(), Journal.opened(store, create=True) as journal:
        work = _Work(store, journal, config, time.time_ns() if now_ns is None else now_ns, stop)
        found = segments.find(sources, journal.segments(present=True), work.now_s)
        work.forget_lost(found, sources)
        total, done = sum(each.left for each in found), 0
        for each in found:
            work.take(each, lambda read, before=done: progress and progress(before + read, total))  # type: ignore[misc]
            done += each.left
            if stop():
                break
        work.commit()
        if progress is not None:
            progress(done, total)
        return work.result


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """The garbage collector looks for cycles in what waits to be written, of which there are none, less often."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Work:
    """One run."""

    def __init__(self, store: Store, journal: Journal, config: StoreConfig, now_ns: int, stop: Stop) -> None:
        self._journal = journal
        self._config = config
        self.now_s = now_ns / NANOSECONDS
        self._stop = stop
        self._batch = Batch(store, journal, now_ns + round(config.future_s * NANOSECONDS))
        self._sizes = journal.sizes_of_taken()
        self._highest = journal.highest_segment()
        self._midway = False  # in a segment that counts wholly or not at all
        self.result = IngestResult()

    def forget_lost(self, found: Sequence[Found], sources: Sequence[Path]) -> None:
        """Note that segments of these *sources* which the journal knows are no longer there."""
        seen = {each.known.id for each in found if each.known is not None}
        roots = tuple(segments.printable(source).rstrip("/") for source in sources)
        lost = [
            segment.id
            for segment in self._journal.segments(present=True)
            if segment.id not in seen
            and any(segment.path == root or segment.path.startswith(root + "/") for root in roots)
        ]
        if lost:
            self._journal.segment_states(dict.fromkeys(lost, "deleted"))

    def take(self, found: Found, progress: Callable[[int], Any]) -> None:
        """Take what is left of one segment."""
        number = self._next_number() if found.known is None else found.known.id
        if found.left == 0 and not found.closed:
            return
        if (found.left == 0 and found.known is not None) or self._is_copy(found):
            self._batch.advance(Advance(found, number, found.size, whole=True))
            return
        try:
            self._take_messages(found, number, progress)
        except OSError as fault:
            self.result.refused.append((found.path, f"cannot be read: {fault.strerror or fault}"))
        if self._midway:
            self._midway = False
            self._batch.forget()

    def _take_messages(self, found: Found, number: int, progress: Callable[[int], Any]) -> None:
        """Take the messages of a segment, until its end or where nobody can go on."""
        end = found.offset
        limit = self._config.line_mb * 1_000_000
        for message in messages(found.path, found.offset, limit=limit, closed=found.closed, stop=self._stop):
            if message.problem == PROTOBUF:
                self.result.refused.append((found.path, message.problem))
                return
            resumable = message.end > message.offset
            if not (resumable or self._midway):
                self.commit()  # what waits is of other segments; of this one nothing counts before its end
            self._midway = not resumable
            self._batch.take(found.path, message)
            if resumable:
                end = message.end
                self._batch.advance(Advance(found, number, end, found.closed and end >= found.size))
                progress(end - found.offset)
            if self._batch.is_full:
                self.commit() if resumable else self._batch.write()
        if found.closed and end >= found.size:
            self._batch.advance(Advance(found, number, end, whole=True))

    def commit(self) -> None:
        """Store what is in the batch, and delete the segments that are wholly in the store."""
        done = self._batch.commit()
        if done is None:
            return
        self.result.batches += 1
        self.result.segments += len(done.whole)
        self.result.asides.extend(done.asides)
        for name, value in done.tallies.items():
            self.result.tallies[name] += value
        if not self._config.keep_segments:
            self._delete(done.whole)

    def _is_copy(self, found: Found) -> bool:
        """Whether it is wholly in the store under another name."""
        if not found.closed or found.offset or found.size not in self._sizes:
            return False
        digest = segments.content_of(found.path, self._stop)
        return digest is not None and self._journal.has_content(digest)

    def _next_number(self) -> int:
        self._highest += 1
        return self._highest

    def _delete(self, whole: Sequence[Advance]) -> None:
        """Delete segments that are wholly in the store; one that is not as it was stays."""
        gone = []
        for advance in whole:
            found = advance.found
            try:
                status = found.path.lstat()
                if (status.st_dev, status.st_ino, status.st_size) != (found.device, found.inode, found.size):
                    continue
                found.path.unlink()
            except FileNotFoundError:
                continue
            except OSError as fault:
                self.result.refused.append((found.path, f"cannot be deleted: {fault.strerror or fault}"))
                continue
            gone.append(advance.number)
        if gone:
            self.result.deleted += len(gone)
            self._journal.segment_states(dict.fromkeys(gone, "deleted"))
