"""What is taken together: rows and files, and how far the segments that they came from are in the store by them.

It ends with one transaction, or it is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from otel_verein.store import segments
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.records import Aside, Change, Segment, Taken
from otel_verein.store.segments import Found
from otel_verein.store.taking import aside
from otel_verein.store.taking.aside import AsideFile
from otel_verein.store.taking.cumulative import Lasts, State
from otel_verein.store.taking.entering import Entering
from otel_verein.store.taking.formats import Message
from otel_verein.store.taking.messages import Taking
from otel_verein.store.taking.spans import At

JOB: Final = "ingest"
_ROWS: Final = 65_536
"""Rows in memory from which they are written."""

_BYTES: Final = 128 * 1024 * 1024
"""Bytes of messages after which they are, too: what they hold beside spans is not counted in rows."""


@dataclass(frozen=True, slots=True)
class Advance:
    """A segment of which the first ``offset`` bytes are taken; ``whole``: it is closed, and that is all of it."""

    found: Found
    number: int
    offset: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """What one batch brought into the store."""

    tallies: Mapping[str, float]
    asides: Sequence[Aside]
    whole: Sequence[Advance]


class Batch:
    """Begins empty, and is empty again after :meth:`commit` and :meth:`forget`."""

    def __init__(self, store: Store, journal: Journal, latest_ns: int) -> None:
        self._store = store
        self._journal = journal
        self._latest_ns = latest_ns
        self._database = duckdb.connect(":memory:", config={"threads": 1})
        self._begin()

    def _begin(self) -> None:
        self._aside = AsideFile(self._store)
        self._entering = Entering(self._store, self._database)
        self._lasts = Lasts(self._last)
        self._taking = Taking(self._lasts, self._latest_ns, self._set_aside)
        self._advances: dict[int, Advance] = {}
        self._bytes = self._since_write = 0

    def _last(self, key: bytes) -> State | None:
        return self._journal.cumulative([key]).get(key)

    def _set_aside(self, signal: str, reason: str, item: bytes, at: At) -> None:
        assert at is not None
        self._aside.add(signal, reason, *at, item)

    def take(self, path: Path, message: Message) -> None:
        """Take a message of the segment at *path*."""
        if message.problem is not None:
            self._aside.add_stretch(message.problem, path, message.offset, message.end)
        elif message.data.strip():
            self._bytes += len(message.data) + 1
            self._since_write += len(message.data)
            self._taking.take(message.data, (path, message.offset))

    def advance(self, advance: Advance) -> None:
        """Note how far a segment is taken by what is in the batch."""
        self._advances[advance.number] = advance

    @property
    def is_full(self) -> bool:
        """Whether what waits in memory is to be written."""
        return self._taking.rows >= _ROWS or self._since_write >= _BYTES

    def write(self) -> None:
        """Write what waits in memory to files, which are nothing yet."""
        self._since_write = 0
        self._entering.write(self._taking)

    def commit(self) -> Committed | None:
        """Enter everything in one transaction; None when there is nothing to enter."""
        self.write()
        if not self._advances and not self._entering.files and not self._bytes:
            return None
        tallies = self._tallies()
        self._entering.check(tallies)
        asides = self._aside.publish()
        taken = Taken(
            tallies=tallies,
            segments=[_segment(advance) for advance in self._advances.values()],
            asides=asides,
            processes=tuple(self._taking.points.processes.values()),
            cumulative=self._lasts.new,
        )
        self._journal.commit(Change(JOB, add=tuple(self._entering.files), taken=taken))
        done = Committed(tallies, asides, [advance for advance in self._advances.values() if advance.whole])
        self._begin()
        return done

    def forget(self) -> None:
        """Let go of everything, also of the files that were written."""
        self._aside.discard()
        for file in self._entering.files:
            self._store.path(file.path).unlink(missing_ok=True)
        self._begin()

    def _tallies(self) -> Mapping[str, float]:
        items = self._aside.items
        return {
            **self._taking.tallies,
            "bytes": self._bytes,
            "spans_aside": items[aside.SPANS],
            "metrics_aside": items[aside.METRICS],
            "lines_aside": items[aside.LINES],
        }


def _segment(advance: Advance) -> Segment:
    found, state, digest = advance.found, ("taken" if advance.whole else "growing"), None
    try:
        head = segments.head_of(found.path, advance.offset)
        digest = segments.content_of(found.path) if advance.whole else None
    except OSError:  # a collector deletes what is past its days, also what was just read
        head, state = f"0:{found.inode}", "deleted"
    return Segment(
        id=advance.number,
        path=segments.printable(found.path),
        device=found.device,
        inode=found.inode,
        size=found.size,
        offset=advance.offset,
        mtime_ns=found.mtime_ns,
        head=head,
        digest=digest,
        state=state,
    )
