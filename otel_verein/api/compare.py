"""What changed between two windows, releases or environments, or since a baseline."""

from __future__ import annotations

from dataclasses import asdict, replace

from otel_verein.analysis.compare import Comparison, compared
from otel_verein.analysis.compare_sides import Side, side_of
from otel_verein.analysis.snapshots import Snapshot
from otel_verein.analysis.times import rfc3339
from otel_verein.api.read import read
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL, Ask, Source


def compare(
    source: Source,
    config: Config,
    before: Ask | Snapshot,
    after: Ask | Snapshot = ALL,
    *,
    before_source: Source | None = None,
) -> Comparison:
    """Compare what *source* says of *before* and *after*; with *before_source*, what came before is read from there.

    A snapshot is compared as it was taken, and what comes after it is limited to what it was limited to, but for window
    and version, where *after* says nothing else. Raises what ``read`` of the sources raises.
    """
    if isinstance(before, Snapshot) and isinstance(after, Ask):
        after = _limited(after, before.asked)
    first = side(before_source or source, before)
    return compared(first, side(source, after), config)


def side(source: Source, asked: Ask | Snapshot) -> Side:
    """One side of a comparison: a snapshot, or what *source* says of what is asked for."""
    if isinstance(asked, Snapshot):
        return replace(asked.side, name=f"baseline {asked.name}, version {asked.number}")
    found = read(source, asked)
    return side_of(found.tables, found.operations, found.events, found.lossy, called(asked))


def _limited(ask: Ask, taken: Ask) -> Ask:
    return replace(
        ask,
        service=ask.service or taken.service,
        environment=ask.environment or taken.environment,
        operation=ask.operation or taken.operation,
    )


def called(ask: Ask) -> str:
    """How what is asked for is called: what it is limited to."""
    limits = {name: value for name, value in asdict(ask).items() if value is not None}
    start, end = limits.pop("start_ns", None), limits.pop("end_ns", None)
    words = [f"{name} {value}" for name, value in limits.items()]
    if start is not None:
        words.append(f"from {rfc3339(start)}")
    if end is not None:
        words.append(f"until {rfc3339(end)}")
    return ", ".join(words) or "all"
