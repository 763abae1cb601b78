"""The ``ot`` entry of a tracestate: the randomness of a trace and the threshold it was kept with.

OpenTelemetry's specification (trace/tracestate-probability-sampling, trace/tracestate-handling): R is ``rv``, 14
lower-case hexadecimal digits, else the low 56 bits of the trace id; T is ``th``, up to 14 digits without trailing
zeros; a span is kept if R >= T and then stands for 2^56 / (2^56 - T). What callers send is read without trust:
nothing here raises, and what is malformed is left out of what is written, since readers such as the collector
refuse the whole entry for one bad part.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from opentelemetry.trace import TraceState

DIGITS: Final = 14
ALL: Final = 1 << (4 * DIGITS)
LOW_BITS: Final = ALL - 1

_KEY: Final = "ot"
_MEMBER = re.compile(r"([a-z][a-z0-9]*):([A-Za-z0-9._-]*)")
_HEX = re.compile(r"[0-9a-f]{1,14}")
_LONGEST_VALUE = 256
_MOST_ENTRIES = 32
# Receivers must take 512 characters and may drop more; the W3C has the large entries go first.
_LONGEST_HEADER = 512
_LARGE_ENTRY = 128


class _Ot(NamedTuple):
    threshold: int | None
    randomness: int | None
    rest: tuple[str, ...]  # every valid member but th, in order, rv among them


def threshold_of(ratio: float) -> int:
    """The rejection threshold that keeps *ratio* of all traces: 0 keeps all, 2^56 none; above 0 some are kept."""
    if ratio <= 0:
        return ALL
    return max(0, ALL - max(1, round(ratio * ALL)))


def weight_of(threshold: int) -> float:
    """How many operations one stands for that was kept with *threshold*."""
    return ALL / (ALL - threshold)


def randomness(trace_id: int, trace_state: TraceState | None) -> int:
    """The 56 random bits of a trace: a valid ``rv``, else the low bits of the id."""
    text = trace_state.get(_KEY) if trace_state is not None else None
    if text is not None and "rv:" in text:
        given = _parsed(text).randomness
        if given is not None:
            return given
    return trace_id & LOW_BITS


def consistent_threshold(trace_id: int, trace_state: TraceState | None) -> int | None:
    """The threshold that a kept trace came with; None if there is none, or if this trace cannot have passed it."""
    text = trace_state.get(_KEY) if trace_state is not None else None
    if text is None:
        return None
    threshold = _parsed(text).threshold
    return threshold if threshold is not None and randomness(trace_id, trace_state) >= threshold else None


def with_threshold(trace_state: TraceState | None, threshold: int | None) -> TraceState:
    """*trace_state* with ``ot=th`` in front, or without it where the threshold is None or 2^56.

    Other members and other vendors' entries stay, in order; past the limits of a tracestate the last ones go.
    """
    if threshold is not None and threshold >= ALL:
        threshold = None  # a trace that nothing keeps has no probability to tell
    text = trace_state.get(_KEY) if trace_state else ""
    if not trace_state or (text is not None and len(trace_state) == 1):
        return _alone(text or "", threshold)
    value = _rewritten(text or "", threshold)
    if (value or None) == text and (text is None or next(iter(trace_state)) == _KEY):
        return trace_state
    others = [(key, kept) for key, kept in trace_state.items() if key != _KEY]
    return TraceState(_fitting([(_KEY, value), *others] if value else others))


@lru_cache(maxsize=1024)
def _alone(text: str, threshold: int | None) -> TraceState:
    value = _rewritten(text, threshold)
    return TraceState([(_KEY, value)]) if value else TraceState()


@lru_cache(maxsize=1024)
def _parsed(text: str) -> _Ot:
    thresholds: list[int | None] = []
    rest: dict[str, str] = {}
    for member in text.split(";"):
        match = _MEMBER.fullmatch(member)
        if match is None:
            continue
        key, value = match.groups()
        if key == "th":
            thresholds.append(int(value.ljust(DIGITS, "0"), 16) if _HEX.fullmatch(value) else None)
        elif key != "rv" or (len(value) == DIGITS and _HEX.fullmatch(value)):
            rest.setdefault(key, member)
    given = rest.get("rv")
    return _Ot(
        threshold=thresholds[0] if len(thresholds) == 1 else None,  # of two, nobody knows which one holds
        randomness=int(given[3:], 16) if given is not None else None,
        rest=tuple(rest.values()),
    )


@lru_cache(maxsize=1024)
def _rewritten(text: str, threshold: int | None) -> str:
    members = list(_parsed(text).rest)
    if threshold is not None:
        members.insert(0, "th:" + (f"{threshold:014x}".rstrip("0") or "0"))
    while sum(map(len, members)) + len(members) - 1 > _LONGEST_VALUE:
        members.remove(next(member for member in reversed(members) if member[:3] not in ("th:", "rv:")))
    return ";".join(members)


def _fitting(entries: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """*entries* within 32 and 512 characters; the first, which may be ours, always stays."""
    sizes = [len(key) + len(value) + 2 for key, value in entries[:_MOST_ENTRIES]]
    kept = list(range(len(sizes)))
    while sum(sizes[index] for index in kept) - 1 > _LONGEST_HEADER and len(kept) > 1:
        large = [index for index in kept[1:] if sizes[index] > _LARGE_ENTRY + 1]
        kept.remove(large[-1] if large else kept[-1])
    return [entries[index] for index in kept]
