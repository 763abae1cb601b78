"""Whether what watches the application is well itself."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from otel_verein import semconv
from otel_verein.analysis.loss import by_detail, lossy_services
from otel_verein.api.config_check import validate
from otel_verein.api.convenience.checks import (
    FAIL,
    PASS,
    UNKNOWN,
    WARNING,
    Check,
    at_most,
    not_run,
    summed_up,
)
from otel_verein.api.convenience.envelope import Told, enveloped
from otel_verein.api.convenience.here import Asked, asked
from otel_verein.api.convenience.system import system
from otel_verein.api.store import placed, status
from otel_verein.config.schema import Config
from otel_verein.errors import VereinError
from otel_verein.sources.base import Source, Tables

_MB = 1_000_000
_STATUS = {FAIL: "critical", UNKNOWN: "degraded", WARNING: "warning", PASS: "healthy"}


@enveloped("monitoring_health")
def monitor_monitoring_system_health(*, source: Source | None = None, config: Config | None = None) -> Told:
    """Every check on the product itself, each with its limit; what cannot be checked from here is a breach, too.

    ``status`` is critical where a limit is broken, degraded where a check could not be made, else warning or healthy.
    """
    at = asked(source, config)
    payload, told = summed_up(list(_checks(at)), _STATUS, at.now)
    return Told(payload, f"{told}.")


def self_monitoring_works(at: Asked) -> Iterator[Check]:
    """The checks that can be made from data alone."""
    yield _answer_time(at)
    yield from _of_data(at, at.source.read(at.ask))
    yield _config_is_valid()
    yield _disk(at)


def _checks(at: Asked) -> Iterator[Check]:
    yield from self_monitoring_works(at)
    yield not_run("overhead", "it takes runs with and without the product, one after the other; they are not made here")
    yield not_run("memory", "no telemetry says how much memory the product takes in the processes that it watches")
    yield not_run("queue depth", "no telemetry says how full the queues of processes are")
    yield not_run("collector", "the collector is not asked from here; `otel-verein collector` runs it")


def _answer_time(at: Asked) -> Check:
    """How long the health of all takes, once what it rests on is read."""
    limits = at.config.self_monitoring
    system(at)
    begun = time.perf_counter()
    system(at)
    took = time.perf_counter() - begun
    found = at_most("answer time", took, limits.api_response_critical_s, "s", None, "")
    if found.verdict == PASS and took > limits.api_response_s:
        why = f"{took:.4g} s, above {limits.api_response_s:g}"
        return Check("answer time", WARNING, took, limits.api_response_s, "s", None, why)
    return found


def _of_data(at: Asked, tables: Tables) -> Iterator[Check]:
    if tables.window is None:
        for name in ("lost telemetry", "internal errors", "lag of the newest data", "clock"):
            yield not_run(name, f"{at.source.name}: no operation was measured")
        return
    dropped = by_detail(tables.counters, semconv.METRIC_EXPORT_DROPPED)
    lossy = lossy_services(tables)
    if tables.metrics_lost:
        yield Check("lost telemetry", FAIL, None, 0.0, "", None, "metrics could not be read in full")
    else:
        why = f"of {', '.join(sorted(lossy))}: {dropped}" if lossy else "no process dropped an operation"
        yield Check(
            "lost telemetry", FAIL if lossy else PASS, float(sum(dropped.values())), 0.0, "{operation}", None, why
        )
    faults = by_detail(tables.counters, semconv.METRIC_INTERNAL_ERRORS)
    yield at_most("internal errors", float(sum(faults.values())), 0.0, "{error}", None, "")
    yield from _age(at, tables.window.end_ns / 1e9)


def _age(at: Asked, newest_s: float) -> Iterator[Check]:
    age_s = at.now_s - newest_s
    yield at_most("lag of the newest data", max(0.0, age_s), at.config.alerts.away_min * 60.0, "s", None, "")
    ahead_s = max(0.0, -age_s)
    yield at_most("clock", ahead_s, at.config.export.metrics_interval_s, "s", None, "")


def _config_is_valid() -> Check:
    """Whether the file, the override and the variables here are valid; a process goes on with what was so before."""
    try:
        problems = validate(os.environ).problems
    except VereinError as fault:
        return not_run("configuration", str(fault))
    why = f"{len(problems)} problems; the first: {problems[0]}" if problems else "it is valid"
    return Check("configuration", FAIL if problems else PASS, float(len(problems)), 0.0, "{problem}", None, why)


def _disk(at: Asked) -> Check:
    place = placed(at.config, (), Path.cwd())
    if not place.store.exists:
        return not_run("disk", f"{place.store.root}: there is no store")
    try:
        disk = status(place, at.now_s).disk
    except VereinError as fault:
        return not_run("disk", str(fault))
    if disk.budget_bytes is None:
        return not_run("disk", "the store has no bound; `retention.disk_mb` sets one")
    free = f"{disk.free_bytes / _MB:.0f} MB are free on the disk"
    if disk.free_bytes < disk.budget_bytes - disk.used_bytes:
        why = f"{free}, less than the store may still grow by"
        return Check("disk", WARNING, disk.used_bytes / _MB, disk.budget_bytes / _MB, "MB", None, why)
    return at_most("disk", disk.used_bytes / _MB, disk.budget_bytes / _MB, "MB", None, "")
