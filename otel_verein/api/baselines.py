"""Named snapshots of what operations did, kept in the store for as long as nobody removes them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from otel_verein.analysis.compare import Comparison
from otel_verein.analysis.snapshots import Snapshot, decoded, encoded, made_with, numbered, versions_in
from otel_verein.analysis.times import rfc3339
from otel_verein.api.compare import compare, side
from otel_verein.api.report import BaselineNote
from otel_verein.config.layers import digest
from otel_verein.config.schema import Config
from otel_verein.errors import SourceError, StoreError
from otel_verein.sources.base import ALL, Ask, Source
from otel_verein.store import baselines as files
from otel_verein.store.layout import Store

_LOOKED_AT = 1000
"""Kept operations that are asked for the versions of what was measured."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a baseline; of one that cannot be read, ``problem`` says why, and the rest is None."""

    name: str
    number: int
    taken_ns: int | None
    operations: int | None
    count: int | None
    source: str | None
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "name": self.name,
            "version": self.number,
            "taken": None if self.taken_ns is None else rfc3339(self.taken_ns),
            "operations": self.operations,
            "count": self.count,
            "source": self.source,
            "problem": self.problem,
        }


def take(source: Source, config: Config, root: Path, name: str, ask: Ask = ALL, now_ns: int | None = None) -> Snapshot:
    """Take a snapshot of what is asked for, and keep it as the next version of *name* in the store at *root*.

    Raises SourceError when there is no operation to take one of, what the source raises, and StoreError for a name that
    is none, or a disk that does not take it.
    """
    measured = side(source, ask)
    if not measured.operations:
        raise SourceError(f"{source.name}: no operation was measured there, so there is nothing to take a baseline of")
    snapshot = Snapshot(
        name=name,
        number=0,
        taken_ns=time.time_ns() if now_ns is None else now_ns,
        source=source.name,
        asked=ask,
        side=measured,
        versions=versions_in(source.roots(ask, most=_LOOKED_AT).rows),
        made_with=made_with(),
        settings=digest(config),
    )
    number = files.add(Store(root), name, lambda number: encoded(numbered(snapshot, number)))
    return numbered(snapshot, number)


def named(root: Path) -> tuple[Entry, ...]:
    """Every version of every baseline in the store at *root*, also those that cannot be read."""
    store = Store(root)
    return tuple(_entry(root, name, number) for name in files.names(store) for number in files.numbers(store, name))


def notes(root: Path) -> tuple[BaselineNote, ...]:
    """The baselines there are to compare with, as far as they can be read; raises what :func:`named` raises."""
    readable = ((each, each.taken_ns) for each in named(root))
    return tuple(
        BaselineNote(each.name, each.number, datetime.fromtimestamp(taken / 1e9, timezone.utc))
        for each, taken in readable
        if taken is not None
    )


def show(root: Path, name: str, number: int | None = None) -> Snapshot:
    """The version *number* of a baseline, or its latest; raises StoreError when it is not there, or is damaged."""
    number, data, path = files.content(Store(root), name, number)
    try:
        snapshot = decoded(data)
    except ValueError as fault:
        raise StoreError(f"{path}: cannot be read as a baseline: {fault}") from None
    return replace(snapshot, name=name, number=number)


def remove(root: Path, name: str, number: int) -> None:
    """Remove one version for good; raises StoreError when it is not there. The others keep their numbers."""
    files.remove(Store(root), name, number)


def compare_with(
    source: Source, config: Config, root: Path, name: str, ask: Ask = ALL, number: int | None = None
) -> Comparison:
    """Compare a baseline with what the source says now; raises as :func:`show` and the source do."""
    return compare(source, config, show(root, name, number), ask)


def _entry(root: Path, name: str, number: int) -> Entry:
    try:
        snapshot = show(root, name, number)
    except StoreError as fault:
        return Entry(name, number, None, None, None, None, str(fault))
    measured = snapshot.side
    return Entry(name, number, snapshot.taken_ns, len(measured.operations), measured.count, snapshot.source)
