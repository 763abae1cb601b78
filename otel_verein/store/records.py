"""What the journal knows of files, segments and jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Totals = Mapping[str, float]
"""Sums that survive adding up; see :mod:`otel_verein.store.totals`."""

LIVE = "live"
REPLACED = "replaced"
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A finished file that is to be entered; ``period`` in epoch seconds, ``first_ns`` and ``last_ns`` of its data."""

    kind: str
    level: int
    period: int
    tier: str
    path: str
    rows: int
    bytes: int
    sha256: str
    totals: Totals
    first_ns: int
    last_ns: int
    made_by: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the journal knows it; ``state`` is live, replaced (then ``replaced_by``) or expired."""

    id: int
    kind: str
    level: int
    period: int
    tier: str
    path: str
    rows: int
    bytes: int
    sha256: str
    totals: Totals
    first_ns: int
    last_ns: int
    made_by: str
    batch: int | None
    state: str
    replaced_by: int | None
    created_s: float
    ended_s: float | None
    reason: str | None


def resolved(number: int, replaced: Mapping[int, int]) -> int:
    """The file that stands for *number* now, by what took the place of which."""
    while number in replaced:
        number = replaced[number]
    return number


@dataclass(frozen=True, slots=True)
class Contents:
    """What counts at one moment: the live files, what covers what, and what took the place of which covered file."""

    files: tuple[StoredFile, ...]
    coverage: Mapping[int, frozenset[int]]
    replaced: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Segment:
    """An input file; the first ``offset`` bytes of it are in the store.

    ``state`` is growing, taken (wholly, and closed), or deleted. No two segments ever have the same ``id``; ``digest``
    is the SHA-256 of the whole file once it is taken. ``head`` tells a file that was begun anew under the same name:
    the SHA-256 of its first bytes.
    """

    id: int
    path: str
    device: int
    inode: int
    size: int
    offset: int
    mtime_ns: int
    head: str
    digest: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Aside:
    """Items that were not taken, by signal and reason; ``path`` is the file below ``aside`` that holds them."""

    signal: str
    reason: str
    items: int
    path: str | None


@dataclass(frozen=True, slots=True)
class Process:
    """The last that a process said of its configuration."""

    key: str
    service: str
    instance: str | None
    pid: int | None
    host: str | None
    digest: str
    environment: str
    state: str
    seen_ns: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction of ingest took."""

    id: int
    at_s: float
    tallies: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Taken:
    """The part of a change that only ingest has."""

    tallies: Mapping[str, float]
    segments: Sequence[Segment] = ()
    asides: Sequence[Aside] = ()
    processes: Sequence[Process] = ()
    cumulative: Mapping[bytes, tuple[int, int, bytes]] = field(default_factory=dict)
    """By series: start and end in ns, and the state as bytes."""


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction. Keys of ``covers``, and values of ``replaced``, are indexes into ``add``.

    ``replaced`` maps the id of a file to what takes its place. With ``compaction`` whatever covered the old files
    covers the new one; otherwise what covered them has to be made again. ``expired`` gives the reason by id.
    """

    job: str
    add: Sequence[NewFile] = ()
    replaced: Mapping[int, int] = field(default_factory=dict)
    compaction: bool = False
    covers: Mapping[int, frozenset[int]] = field(default_factory=dict)
    expired: Mapping[int, str] = field(default_factory=dict)
    taken: Taken | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of a job: when it began and ended, what came of it; ``error`` is None when it went well."""

    job: str
    began_s: float
    ended_s: float
    error: str | None
    figures: Mapping[str, Any]
