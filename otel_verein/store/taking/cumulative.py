"""Increases from points that count since the start of their process.

What is stored is additive; so the last point of every series is kept, and what a later one has more is its increase.
A point that is older than the last adds nothing: what it counted is in the later one already, and stays with the
minute of that one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import msgspec

from otel_verein.store.taking.exponential import Exponential
from otel_verein.store.taking.point_rows import Increase, Series

State = tuple[int, int, bytes]
"""Start and end of the last point in ns, and its values as bytes."""


class Refusal(Enum):
    """Why a cumulative point adds nothing."""

    SUPERSEDED = "a later point of its series was taken, which holds it"
    CONTRADICTS = "a cumulative point has less than an earlier one"


class _Values(msgspec.Struct, array_like=True, gc=False):
    count: int
    total: float | None
    minimum: float | None
    maximum: float | None
    scale: int | None
    zeros: int
    first: int
    counts: list[int]
    value: float | None


def key_of(series: Series) -> bytes:
    """What the journal knows a series by: the same for the same process, metric and attributes."""
    parts = "\0".join((series.resource, series.metric, series.attributes, series.shape))
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass
class Lasts:
    """The last points of series: those of the journal, as *known* gives them, and what is new since."""

    known: Callable[[bytes], State | None]

    def __post_init__(self) -> None:
        self.new: dict[bytes, State] = {}

    def increase(self, series: Series, point: Increase) -> Increase | Refusal:
        """What *point* has more than the last of its series, or why that cannot be told."""
        key = key_of(series)
        last = self.new.get(key) or self.known(key)
        found = point
        if last is not None and last[0] == point.first_ns:
            if point.last_ns <= last[1]:
                return Refusal.SUPERSEDED
            difference = _difference(point, _point(last))
            if difference is None:
                return Refusal.CONTRADICTS
            found = replace(difference, first_ns=last[1])
        elif last is not None and point.first_ns < last[0]:
            return Refusal.SUPERSEDED
        self.new[key] = _state(point)
        return found


def _difference(now: Increase, before: Increase) -> Increase | None:
    if now.buckets is None or before.buckets is None:
        if now.value is None or before.value is None or now.value < before.value:
            return None
        return replace(now, value=now.value - before.value)
    buckets = now.buckets.minus(before.buckets)
    if buckets is None or now.count < before.count:
        return None
    buckets = buckets.trimmed()
    least, most = buckets.bounds
    return replace(
        now,
        count=now.count - before.count,
        total=None if now.total is None or before.total is None else now.total - before.total,
        # The extremes are of all time; of the increase they are exact when new, and else known by its buckets.
        minimum=None if now.minimum is None else max(now.minimum, least),
        maximum=None if now.maximum is None else min(now.maximum, most),
        buckets=buckets,
    )


def _state(point: Increase) -> State:
    buckets = point.buckets
    values = _Values(
        point.count,
        point.total,
        point.minimum,
        point.maximum,
        None if buckets is None else buckets.scale,
        0 if buckets is None else buckets.zeros,
        0 if buckets is None else buckets.first,
        [] if buckets is None else list(buckets.counts),
        point.value,
    )
    return point.first_ns, point.last_ns, msgspec.msgpack.encode(values)


_DECODER = msgspec.msgpack.Decoder(_Values)


def _point(state: State) -> Increase:
    values = _DECODER.decode(state[2])
    buckets = None
    if values.scale is not None:
        buckets = Exponential(values.scale, values.zeros, values.first, tuple(values.counts))
    return Increase(
        state[0],
        state[1],
        values.count,
        values.total,
        values.minimum,
        values.maximum,
        buckets,
        values.value,
    )
