"""Baselines: what operations did, kept under a name, and whether they got worse since."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from otel_verein.analysis.compare_figures import BETTER, SAME, WORSE
from otel_verein.analysis.snapshots import Snapshot, made_with
from otel_verein.api import baselines
from otel_verein.api.compare import compare, side
from otel_verein.api.convenience.arguments import text, whole
from otel_verein.api.convenience.envelope import Told, enveloped, timestamp
from otel_verein.api.convenience.here import Asked, asked
from otel_verein.config.layers import digest
from otel_verein.config.schema import Config
from otel_verein.errors import SourceError
from otel_verein.sources.base import Source

NAME: Final = "baseline"
_VERDICTS: Final = {WORSE: "fail", BETTER: "pass", SAME: "pass"}
_LARGEST_VERSION: Final = 999_999_999


@enveloped("baselines")
def collect_performance_baselines(
    operation: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """What a baseline taken now would hold, by operation, and which baselines are kept; nothing is written.

    *operation* is a name or a glob.
    """
    at = asked(source, config, hours)
    ask = at.of(operation)
    now = Snapshot(
        name="",
        number=0,
        taken_ns=time.time_ns(),
        source=at.source.name,
        asked=ask,
        side=side(at.source, ask),
        made_with=made_with(),
        settings=digest(at.config),
    )
    kept = baselines.named(_root(at))
    payload = {"current": now.as_dict(), "kept": [each.as_dict() for each in kept]}
    return Told(payload, f"{len(now.side.operations)} operations now; {len(kept)} versions of baselines are kept.")


@enveloped("baseline")
def create_performance_baseline_snapshot(
    name: str = NAME,
    operation: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """Keep what operations did as the next version of the baseline *name*; earlier versions stay as they are."""
    at = asked(source, config, hours)
    taken = baselines.take(at.source, at.config, _root(at), text("name", name), at.of(operation))
    return Told(taken.as_dict(), f"{taken.name}, version {taken.number}: {len(taken.side.operations)} operations.")


@enveloped("baseline")
def establish_performance_baseline(
    name: str = NAME,
    operation: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """As a snapshot, but only of enough: fewer than ``health.minimum_operations`` are no ground to judge others by.

    ``too_rare`` names the operations that are there and cannot be judged by it, each for itself.
    """
    at = asked(source, config, hours)
    ask, least = at.of(operation), at.config.health.minimum_operations
    measured = side(at.source, ask)
    if measured.count < least:
        raise SourceError(
            f"{at.source.name}: {measured.count} operations are no ground for a baseline; it takes {least}"
        )
    taken = baselines.take(at.source, at.config, _root(at), text("name", name), ask)
    rare = [each.key.operation for each in taken.side.operations if each.count < least]
    told = (
        f"{taken.name}, version {taken.number}: {len(taken.side.operations)} operations, {len(rare)} of them too rare."
    )
    return Told(taken.as_dict() | {"too_rare": rare}, told)


@enveloped("regression_test")
def run_performance_regression_test(
    baseline: str = NAME,
    version: int | str | None = None,
    operation: str | None = None,
    hours: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """What operations do now against a baseline: pass, fail or inconclusive, with the reasons.

    Counts are compared exactly, times by the interval of their difference against ``analysis.margin``. Unknown figures
    are inconclusive.
    """
    at = asked(source, config, hours)
    number = None if version is None or version == "" else whole("version", version, 1, _LARGEST_VERSION)
    kept = baselines.show(_root(at), text("baseline", baseline), number)
    found = compare(at.source, at.config, kept, at.of(operation))
    verdict = _VERDICTS.get(found.verdict, "inconclusive")
    payload: dict[str, Any] = {
        "timestamp": timestamp(at.now),
        "verdict": verdict,
        "baseline": {"name": kept.name, "version": kept.number, "taken": kept.as_dict()["taken"]},
        "comparison": found.as_dict(),
    }
    return Told(payload, f"{verdict}: {'; '.join(found.reasons) or found.verdict}.")


def _root(at: Asked) -> Path:
    return Path(at.config.store.directory)
