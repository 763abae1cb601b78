"""The forms that the convenience functions promise: their signatures, and the keys of what they answer.

``python -m tests.contracts.convenience_forms`` writes them anew; a key or argument that goes, goes for those who rely
on it.
"""

from __future__ import annotations

import inspect
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from otel_verein.api.convenience import FUNCTIONS, Function
from otel_verein.api.convenience.here import remembered_source
from otel_verein.api.store import placed
from otel_verein.api.store_jobs import COMPACT, INGEST, ROLLUP, Controls, run_job
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL
from otel_verein.sources.remembered import Remembered
from tests.services.store_load import Load, Traffic

GOLDEN = Path(__file__).with_name("convenience.json")
MEMBER = "<member>"
OPERATIONS = 3_000

ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "quick_health_check": {"member_name": MEMBER},
    "comprehensive_member_analysis": {"member_name": MEMBER},
    "batch_member_analysis": {"member_names": f"{MEMBER}, nobody"},
    "measure_member_performance": {"member_name": MEMBER},
    "measure_payment_history_performance": {"member_name": MEMBER, "operation": "*"},
    "update_performance_config": {"changes": {"thresholds.queries": 60}, "reason": "trying"},
    "validate_performance_config": {"changes": {"thresholds.queries": -1}},
}
"""What the functions are given where they take more than nothing; ``<member>`` is the one that was seen most often."""

OF_CONFIGURATION = ("update_performance_config", "reset_performance_config", "validate_performance_config")
"""Those that are about the configuration of this process, and refuse one that is given."""

ANY_KEY = frozenset(
    (
        "config.categories.*",
        "environment_config.differs_from_defaults",
        "environment_config.environments",
        "environment_config.presets",
        "bottlenecks.by_kind",
        "report.loss.dropped",
        "report.internal_errors",
        "retention_status.tallies",
        "baseline.versions",
        "baseline.made_with",
        "baselines.current.versions",
        "baselines.current.made_with",
        "aggregation.figures",
    )
)
"""The mappings whose keys are names of options, of reasons, of versions: what they hold is no promise."""

_ORDER = ("create_performance_baseline_snapshot", "establish_performance_baseline", "update_performance_config")


@dataclass(frozen=True)
class World:
    """A small store with known traffic, who asks it, and the member that was seen most often there."""

    config: Config
    source: Remembered
    member: str

    def call(self, function: Function) -> dict[str, Any]:
        """What *function* answers here, through JSON and back."""
        given = {
            name: value.replace(MEMBER, self.member) if isinstance(value, str) else value
            for name, value in ARGUMENTS.get(function.name, {}).items()
        }
        if function.name not in OF_CONFIGURATION:
            given |= {"source": self.source, "config": self.config}
        answer: dict[str, Any] = json.loads(json.dumps(function.function(**given), allow_nan=False))
        return answer


def world(directory: Path) -> World:
    """The store, made in *directory* of an hour's traffic that ended a little while ago."""
    root = directory / "store"
    begin_ns = (int(time.time()) - 3_600) // 60 * 60 * 10**9
    Load(Traffic(operations=OPERATIONS, seconds=1_800, begin_ns=begin_ns, processes=1)).write(root / "otlp")
    config = replace(Config(), store=replace(Config().store, directory=str(root)))
    for job in (INGEST, ROLLUP, COMPACT):
        run_job(placed(config, (), directory), job, Controls())
    source = remembered_source(config)
    seen: Counter[str] = Counter()
    for row in source.entities(ALL, "member").rows:
        seen[row.entity_id or ""] += row.samples
    return World(config, source, seen.most_common(1)[0][0])


def ordered() -> list[Function]:
    """The functions, those first that others need something of."""
    return sorted(FUNCTIONS, key=lambda each: _ORDER.index(each.name) if each.name in _ORDER else len(_ORDER))


def signature(function: Callable[..., Any]) -> list[str]:
    """The parameters as they may be given: name, kind and default, without types."""
    parameters = inspect.signature(function).parameters.values()
    return [
        f"{each.kind.description}: {each.name}" + ("" if each.default is each.empty else f" = {each.default!r}")
        for each in parameters
    ]


def tree(value: Any, path: str = "") -> Any:
    """The keys of *value*, those of all members of a list together; what is no mapping or list is null."""
    parts = path.split(".")
    if path in ANY_KEY or ".".join([*parts[:-1], "*"]) in ANY_KEY:
        return "any keys"
    if isinstance(value, dict):
        return {key: tree(each, f"{path}.{key}".strip(".")) for key, each in sorted(value.items())}
    if isinstance(value, list):
        merged: Any = None
        for each in value:
            merged = _merged(merged, tree(each, path))
        return [merged]
    return None


def missing(wanted: Any, found: Any, path: str = "") -> list[str]:
    """The paths of what is *wanted* and not *found*; a list that is empty here, or a null, has no keys to look at."""
    if isinstance(wanted, dict):
        if found is None:
            return []
        if not isinstance(found, dict):
            return [f"{path}: no mapping any more"]
        gone = [f"{path}.{key}".strip(".") for key in wanted if key not in found]
        return gone + [
            lost
            for key in wanted
            if key in found
            for lost in missing(wanted[key], found[key], f"{path}.{key}".strip("."))
        ]
    if isinstance(wanted, list) and found is not None:
        return missing(wanted[0], found[0], path) if isinstance(found, list) else [f"{path}: no list any more"]
    return []


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _merged(one.get(key), other.get(key)) for key in sorted({*one, *other})}
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(one[0], other[0])]
    return other if one is None else one


def forms(here: World) -> dict[str, Any]:
    """The form of every function, by its name."""
    found = {}
    for function in ordered():
        answer = here.call(function)
        found[function.name] = {
            "signature": signature(function.function),
            "arguments": list(function.arguments),
            "changes": function.changes,
            "payload": function.payload,
            "answer": tree(answer),
        }
    return dict(sorted(found.items()))


if __name__ == "__main__":
    import os

    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        told = json.dumps(forms(world(Path(place))), indent=1, sort_keys=False)
    GOLDEN.write_text(told + "\n", encoding="utf-8")
    sys.stdout.write(f"{GOLDEN}: {len(FUNCTIONS)} functions\n")
