"""How a store stands, as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from otel_verein.cli.render_store import length, many, size, table
from otel_verein.cli.terminal import printable

if TYPE_CHECKING:
    from otel_verein.store.status import Lag, Next, Part, Reduction, Status

_NANOSECONDS = 1_000_000_000


def render_status(status: Status) -> str:
    """What is kept, how small it became, what waits, what was set aside, and what comes next."""
    return "\n".join(
        [
            *_parts(status),
            "",
            *_reduction(status.reduction),
            _disk(status),
            *_waiting(status.lag, status.now_s),
            *_aside(status),
            *_next(status.next, status.now_s, status.retention),
            *_jobs(status),
        ]
    )


def _parts(status: Status) -> Iterator[str]:
    age = status.age_s
    newest = "nothing is in it yet" if age is None else f"the newest is {length(age)} old"
    yield f"store {printable(str(status.root))}: {newest}"
    if status.parts:
        heads = ("kind", "level", "tier", "files", "rows", "size", "from", "to")
        yield from table(heads, [_row(part) for part in status.parts], numbers=(3, 4, 5))


def _row(part: Part) -> tuple[str, ...]:
    counts = (f"{part.files:,}", f"{part.rows:,}", size(part.bytes))
    return (part.kind, part.level, part.tier or "-", *counts, _minute(part.oldest_ns), _minute(part.newest_ns))


def _reduction(reduction: Reduction) -> Iterator[str]:
    if reduction.share is None:
        yield "nothing was taken yet"
        return
    per_span = "" if reduction.bytes_per_span is None else f", {reduction.bytes_per_span:.1f} bytes per span"
    yield (f"{size(reduction.json_bytes)} of JSON were taken; the store takes {reduction.share:.1%} of that{per_span}")
    if reduction.rolled is not None and reduction.rolled_json_bytes is not None:
        yield (
            f"figures by hour, day and month: {size(reduction.rollup_bytes)} for {size(reduction.rolled_json_bytes)} "
            f"of JSON, {reduction.rolled:,.0f} : 1"
        )


def _disk(status: Status) -> str:
    disk = status.disk
    bound = "without a bound" if disk.budget_bytes is None else f"of {size(disk.budget_bytes)}"
    over = f", {size(disk.over_bytes)} too much" if disk.over_bytes else ""
    return f"on disk: {size(disk.used_bytes)} {bound}{over}; {size(disk.free_bytes)} are free"


def _waiting(lag: Lag, now_s: float) -> Iterator[str]:
    if not lag.segments:
        yield "behind: nothing waits to be taken"
        return
    since = "" if lag.oldest_s is None else f", the oldest for {length(now_s - lag.oldest_s)}"
    yield f"behind: {many(lag.segments, 'segment')} with {size(lag.bytes)}{since}"


def _aside(status: Status) -> Iterator[str]:
    for (signal, reason), items in status.aside.items():
        yield f"set aside: {many(items, 'item')} ({signal}: {printable(reason)})"


def _next(following: Next, now_s: float, retention: bool) -> Iterator[str]:
    if not retention:
        yield "capabilities.retention is off: nothing is added up or deleted"
        return
    if following.rollups:
        yield f"due: {many(following.rollups, 'rollup')}"
    if following.expiring_files:
        yield f"due: {many(following.expiring_files, 'file')} to delete, {size(following.expiring_bytes)}"
    if following.held_files:
        yield f"held: {many(following.held_files, 'file')} past their days; `store retention --dry-run` says why"
    yield from (f"stuck: {printable(each)}" for each in following.stuck)
    for what, at in (("rollup", following.rollup_s), ("deletion", following.expiry_s)):
        if at is not None and at > now_s:
            yield f"next {what} in {length(at - now_s)}"


def _jobs(status: Status) -> Iterator[str]:
    for run in status.jobs:
        outcome = "" if run.error is None else f"; it failed: {printable(run.error)}"
        ago = length(status.now_s - run.ended_s)
        yield f"last {run.job} {ago} ago, took {run.ended_s - run.began_s:.1f} s{outcome}"


def _minute(moment_ns: int) -> str:
    return f"{datetime.fromtimestamp(moment_ns / _NANOSECONDS, timezone.utc):%Y-%m-%d %H:%M}"
