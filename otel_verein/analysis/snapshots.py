"""Snapshots of operations, to compare with later, and their form as a file."""

from __future__ import annotations

import json
import math
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from otel_verein.analysis.compare_sides import Side
from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.times import rfc3339, window_dict
from otel_verein.errors import MissingExtraError
from otel_verein.sources.base import Ask
from otel_verein.sources.rows import RootRow
from otel_verein.version import __version__

FORMAT: Final = "otel-verein baseline"
SCHEMA: Final = 1

_QUARTERS: Final = (1 / 4, 3 / 4)
_MOST_TEXTS: Final = 12
"""Different values of one attribute that are noted; of more, that there were more."""

_SYSTEM: Final = ("service.version", "process.runtime.", "telemetry.", "os.", "host.arch", "deployment.", "db.system")
"""What the attributes begin with that say what was measured, and on what."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Values of one figure; ``spread`` is the range of the middle half. None for what is not known."""

    n: float
    mean: float | None
    median: float | None
    p95: float | None
    min: float | None
    max: float | None
    spread: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What operations did, under a name; ``number`` is its version, 0 as long as it has none.

    ``asked`` is what it was limited to. ``versions`` are those that the telemetry names, of service, runtime and
    telemetry, ``made_with`` those of the program that took it. ``settings`` is the digest of the configuration then.
    """

    name: str
    number: int
    taken_ns: int
    source: str
    asked: Ask
    side: Side
    versions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    made_with: dict[str, str] = field(default_factory=dict)
    settings: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON object: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "version": self.number,
            "taken": rfc3339(self.taken_ns),
            "source": self.source,
            "asked": asdict(self.asked),
            "window": window_dict(self.side.window),
            "versions": {name: list(texts) for name, texts in self.versions.items()},
            "made_with": dict(self.made_with),
            "settings": self.settings,
            "lossy": sorted(self.side.lossy),
            "operations": [
                {
                    **asdict(each.key),
                    "count": each.count,
                    "errors": each.errors,
                    "estimated": each.estimated,
                    "queries": None if each.queries is None else asdict(statistics(each.queries, whole=True)),
                    "duration_s": asdict(statistics(each.duration)),
                    "db_duration_s": None if each.db_duration is None else asdict(statistics(each.db_duration)),
                }
                for each in self.side.operations
            ],
            "findings": [
                asdict(each.key) | {"queries_wasted": each.queries_wasted, "summary": each.summary}
                for each in self.side.findings
            ],
            "notes": list(self.side.notes),
        }


def statistics(values: Distribution, whole: bool = False) -> Statistics:
    """The statistics of a histogram; of counts, *whole* numbers."""
    percentile = values.whole_percentile if whole else values.percentile
    low, high = (percentile(part) for part in _QUARTERS)
    return Statistics(
        n=values.effective,
        mean=values.mean,
        median=percentile(1 / 2),
        p95=percentile(_TAIL),
        min=values.minimum,
        max=values.maximum,
        spread=None if low is None or high is None else high - low,
    )


_TAIL: Final = 0.95


def made_with() -> dict[str, str]:
    """The versions of what takes a snapshot now."""
    return {"otel_verein": __version__, "python": platform.python_version()}


def versions_in(roots: Iterable[RootRow]) -> dict[str, tuple[str, ...]]:
    """What kept operations say of the versions of what was measured, by the attribute that says it."""
    found: Mapping[str, set[str]] = defaultdict(set)
    for row in roots:
        for attribute, text in row.attributes.items():
            name = attribute.removeprefix("resource.")
            if name.startswith(_SYSTEM):
                found[name].add(text)
    return {name: _bounded(sorted(texts)) for name, texts in sorted(found.items())}


def _bounded(texts: list[str]) -> tuple[str, ...]:
    more = len(texts) - _MOST_TEXTS
    return tuple(texts) if more <= 0 else (*texts[:_MOST_TEXTS], f"and {more} more")


def encoded(snapshot: Snapshot) -> bytes:
    """The snapshot as a file."""
    plain = asdict(snapshot) | {"format": FORMAT, "schema": SCHEMA}
    plain["side"]["lossy"] = sorted(snapshot.side.lossy)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def decoded(data: bytes) -> Snapshot:
    """The snapshot that *data* is; raises ValueError, which says what is wrong, when it is none that we can read."""
    try:
        import msgspec
    except ImportError as fault:
        raise MissingExtraError("reading a baseline", "msgspec", "report") from fault

    try:
        plain = json.loads(data)
    except ValueError as fault:
        raise ValueError(f"it is no JSON ({fault})") from None
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise ValueError("it is no baseline of otel-verein")
    if plain.get("schema") != SCHEMA:
        raise ValueError(f"it has schema {plain.get('schema')!r}, and this version reads {SCHEMA}; upgrade otel-verein")
    try:
        snapshot = msgspec.convert(plain, Snapshot)
    except msgspec.ValidationError as fault:
        raise ValueError(f"it is damaged: {fault}") from None
    for each in snapshot.side.operations:
        for values in (each.duration, each.queries, each.db_duration):
            if values is not None and not _adds_up(values):
                raise ValueError(f"it is damaged: the buckets of {each.key.operation} do not add up")
    return snapshot


def numbered(snapshot: Snapshot, number: int) -> Snapshot:
    """The same as version *number*."""
    return replace(snapshot, number=number)


def _adds_up(values: Distribution) -> bool:
    amounts = [amount for _, amount in values.buckets]
    figures = [figure for figure in (values.total, values.minimum, values.maximum) if figure is not None]
    return (
        values.count > 0
        and all(amount >= 0 for amount in amounts)
        and (values.estimated or sum(amounts) <= values.count)
        and all(math.isfinite(figure) for figure in figures)
    )
