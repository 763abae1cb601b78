"""What is answered to each question: the functions of the API, for what was given over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from otel_verein.api import baselines
from otel_verein.api.asking import Side, limited
from otel_verein.api.compare import compare
from otel_verein.api.differs import differs
from otel_verein.api.entity import entities
from otel_verein.api.findings import findings
from otel_verein.api.health import health
from otel_verein.api.report import report
from otel_verein.api.slow import slowest
from otel_verein.api.traces import as_dict
from otel_verein.api.trend import trend
from otel_verein.config.schema import Config
from otel_verein.serving.limits import POINTS
from otel_verein.serving.problems import Problem, wrong
from otel_verein.sources.base import Ask
from otel_verein.sources.remembered import Remembered
from otel_verein.store import baselines as files
from otel_verein.store.layout import Store

_NS: Final = 1_000_000_000
_HOUR_S: Final = 3600
_SHOWN: Final = 25
_ASK: Final = {
    "since": "start_ns",
    "until": "end_ns",
    "service": "service",
    "environment": "environment",
    "release": "version",
    "operation": "operation",
}


@dataclass(frozen=True, slots=True)
class World:
    """Where questions are answered from: the source, the configuration as it is now, and the store with baselines."""

    source: Remembered
    config: Callable[[], Config]
    root: Path


@dataclass(frozen=True, slots=True)
class Question:
    """One question: of which world, by which configuration, about what, and what else was given."""

    world: World
    config: Config
    ask: Ask
    given: Mapping[str, Any]

    @property
    def limit(self) -> int:
        """How many rows are asked for."""
        limit: int = self.given.get("limit", _SHOWN)
        return limit


def question(world: World, given: Mapping[str, Any]) -> Question:
    """The question that the parameters ask; raises Problem for a window that ends before it begins."""
    ask = Ask(**{field: given.get(name) for name, field in _ASK.items()})
    if ask.is_backwards:
        raise wrong("until has to be after since")
    return Question(world, world.config(), ask, given)


def tell_report(asked: Question) -> dict[str, Any]:
    """See :func:`otel_verein.api.report.report`."""
    there = baselines.notes(asked.world.root)
    return report(asked.world.source, asked.config, asked.ask, baselines=there).as_dict()


def tell_findings(asked: Question) -> dict[str, Any]:
    """See :func:`otel_verein.api.findings.findings`."""
    return findings(asked.world.source, asked.config, asked.ask, asked.given.get("kind", ())).as_dict()


def tell_health(asked: Question) -> dict[str, Any]:
    """See :func:`otel_verein.api.health.health`."""
    return health(asked.world.source, asked.config, asked.ask).as_dict()


def tell_compare(asked: Question) -> dict[str, Any]:
    """See :func:`otel_verein.api.compare.compare`."""
    before: Side = asked.given["before"]
    after: Side = asked.given.get("after") or Side(Ask())
    if after.baseline is not None:
        raise wrong("after: a baseline can only be the older side")
    newer = limited(asked.ask, after.ask)
    if before.baseline is not None:
        kept = _baseline(asked.world.root, before.baseline, before.number)
        return compare(asked.world.source, asked.config, kept, newer).as_dict()
    older = limited(asked.ask, before.ask)
    for name, ask in (("before", older), ("after", newer)):
        if ask.is_backwards:
            raise wrong(f"{name}: the window has to end after it begins")
    return compare(asked.world.source, asked.config, older, newer).as_dict()


def tell_trend(asked: Question) -> dict[str, Any]:
    """See :func:`otel_verein.api.trend.trend`; short steps take a window, so that there are not too many."""
    step_s, ask = asked.given.get("step"), asked.ask
    if step_s is not None:
        end_s = time.time() if ask.end_ns is None else ask.end_ns / _NS
        if ask.start_ns is None and step_s < _HOUR_S:
            raise wrong("step: steps of less than an hour take a window; say since")
        if ask.start_ns is not None and (end_s - ask.start_ns / _NS) / step_s > POINTS:
            raise wrong(f"step: makes more than {POINTS} of the window; say a longer step, or a shorter window")
    return trend(asked.world.source, asked.config, ask, step_s, asked.limit).as_dict()


def tell_slow(asked: Question) -> dict[str, Any]:
    """See :func:`otel_verein.api.slow.slowest`."""
    return slowest(asked.world.source, asked.config, asked.ask, asked.limit, asked.given.get("failed", False)).as_dict()


def tell_differs(asked: Question) -> dict[str, Any]:
    """See :func:`otel_verein.api.differs.differs`."""
    more = {"by": asked.given["by"]} if "by" in asked.given else {}
    return differs(asked.world.source, asked.config, asked.ask, limit=asked.limit, **more).as_dict()


def tell_entities(asked: Question) -> dict[str, Any]:
    """See :func:`otel_verein.api.entity.entities`."""
    kind, name = asked.given.get("type"), asked.given.get("id")
    if name is not None and kind is None:
        raise wrong("id: an id is one of a type; say type, too")
    return entities(asked.world.source, asked.config, asked.ask, kind, name).as_dict()


def tell_trace(asked: Question) -> dict[str, Any]:
    """The spans of one trace; raises Problem where there are none."""
    wanted: str = asked.given["id"]
    spans = asked.world.source.trace(wanted.lower())
    if not spans:
        raise Problem(404, f"{wanted}: no span of it is there: sampled out, or past the days of its tier")
    return as_dict(spans)


def tell_baselines(asked: Question) -> dict[str, Any]:
    """Every version of every baseline, or of the one that is named."""
    name = asked.given.get("name")
    found = [each.as_dict() for each in baselines.named(asked.world.root) if name in (None, each.name)]
    return {"schema": 1, "baselines": found}


def tell_page(asked: Question) -> bytes:
    """The report as a page, which shows no baselines."""
    from otel_verein.rendering.html.gathered import page_of

    source, config, ask = asked.world.source, asked.config, asked.ask
    return page_of(report(source, config, ask), source, config, ask)


def today(asked: Question) -> Hashable:
    """What reports rest on beside source and configuration: the day, for rules that expire, and the baselines."""
    return datetime.now(timezone.utc).date(), kept(asked)


def kept(asked: Question) -> Hashable:
    """The versions of baselines that there are; none of them ever changes."""
    store = Store(asked.world.root)
    return tuple((name, tuple(files.numbers(store, name))) for name in files.names(store))


def nothing(_: Question) -> Hashable:
    """Nothing beside source and configuration."""
    return ()


def _baseline(root: Path, name: str, number: int | None) -> Any:
    if not re.fullmatch(files.NAME, name, re.ASCII):
        raise wrong(f"before: {name[:80]!r} is no name of a baseline")
    there = files.numbers(Store(root), name)
    if not there or number not in (None, *there):
        raise Problem(404, f"before: there is no such baseline: {name}" + ("" if number is None else f"@{number}"))
    return baselines.show(root, name, number)
