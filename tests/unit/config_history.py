"""What the tests of changes share: changes to one option, and how the history reads."""

from __future__ import annotations

from otel_verein.config.changes import Edit, Target, apply
from otel_verein.config.changes.entry import Change, Entry
from otel_verein.config.changes.history import entries

QUERIES = ("thresholds", "queries")


def accepted(_: bytes) -> None:
    """The check of somebody who agrees to everything."""


def set_queries(target: Target, value: object, why: str = "") -> Entry:
    """One change that is made."""
    entry = apply(target, [Edit(QUERIES, value)], why, accepted, who="ann")
    assert entry is not None
    return entry


def actions(target: Target) -> list[tuple[int, str, tuple[Change, ...]]]:
    """The history in short."""
    return [(entry.id, entry.action, entry.changes) for entry in entries(target.state)]
