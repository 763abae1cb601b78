"""What the store knows of a span by its attributes, its resource and its tracestate alone.

Spans of one statement have the same attributes, and those of one process the same resource: each different text is
looked into once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from otel_verein import semconv
from otel_verein.store.layout import TIERS
from otel_verein.store.taking.otlp import UNUSABLE, Attributes, attributes_of, resource_attributes, texts

_HIGHEST: Final = 1 << 53
"""Sums of what is below it stay exact as doubles, and what a span is said to have done is far below it."""
_ALL: Final = 1 << 56
_DIGITS: Final = 14
_THRESHOLD = re.compile(r"(?:^|,)[ \t]*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?=[;, \t]|$)")


@dataclass(frozen=True, slots=True)
class Promoted:
    """The values of some attributes; None where they are absent or of another type."""

    tier: str
    operation: str | None
    query_count: int | None
    db_ms: float | None
    severity: str | None
    keep_reason: str | None
    breaches: str | None
    entity_type: str | None
    entity_id: str | None
    db_summary: str | None
    fingerprint: str | None
    merged: int | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose telemetry it is."""

    service: str
    environment: str | None
    version: str | None
    instance: str | None
    pid: int | None
    host: str | None


_WANTED: Final = frozenset(
    (
        semconv.TIER,
        semconv.OPERATION,
        semconv.DB_QUERY_COUNT,
        semconv.DB_DURATION_MS,
        semconv.SEVERITY,
        semconv.KEEP_REASON,
        semconv.BREACH,
        semconv.ENTITY_TYPE,
        semconv.ENTITY_ID,
        semconv.DB_QUERY_SUMMARY,
        semconv.DB_FINGERPRINT,
        semconv.AGG_SPAN_COUNT,
    )
)
FIELDS: Final = tuple(Promoted.__dataclass_fields__)


def promoted(attributes: bytes) -> Promoted | None:
    """From the text of a span's attributes; None if it is no list of keys and values."""
    try:
        found = attributes_of(attributes, _WANTED)
    except UNUSABLE:
        return None
    tier = _text(found, semconv.TIER)
    breaches = [each for each in texts(found.get(semconv.BREACH)) if "," not in each]
    return Promoted(
        tier=tier if tier in TIERS and tier else "",
        operation=_text(found, semconv.OPERATION),
        query_count=_count(found, semconv.DB_QUERY_COUNT),
        db_ms=_number(found, semconv.DB_DURATION_MS),
        severity=_text(found, semconv.SEVERITY),
        keep_reason=_text(found, semconv.KEEP_REASON),
        breaches=",".join(breaches) if breaches else None,
        entity_type=_text(found, semconv.ENTITY_TYPE),
        entity_id=_text(found, semconv.ENTITY_ID),
        db_summary=_text(found, semconv.DB_QUERY_SUMMARY),
        fingerprint=_text(found, semconv.DB_FINGERPRINT),
        merged=_count(found, semconv.AGG_SPAN_COUNT),
    )


def origin(resource: bytes) -> Origin | None:
    """From the text of a resource; None if it is none."""
    try:
        found = resource_attributes(resource)
    except UNUSABLE:
        return None
    return Origin(
        service=_text(found, "service.name") or "unknown_service",
        environment=_text(found, semconv.ENVIRONMENT),
        version=_text(found, "service.version"),
        instance=_text(found, "service.instance.id"),
        pid=_count(found, "process.pid"),
        host=_text(found, "host.name"),
    )


def weight(trace_state: str | None) -> float:
    """How many operations a span stands for by the ``ot=th`` of its tracestate: 2^56 / (2^56 - T); 1 without.

    https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
    """
    found = _THRESHOLD.search(trace_state) if trace_state else None
    return 1.0 if found is None else _ALL / (_ALL - int(found[1].ljust(_DIGITS, "0"), 16))


def _text(attributes: Attributes, key: str) -> str | None:
    value = attributes.get(key)
    return value if isinstance(value, str) else None


def _count(attributes: Attributes, key: str) -> int | None:
    value = attributes.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _HIGHEST:
        return None
    return value


def _number(attributes: Attributes, key: str) -> float | None:
    value = attributes.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _HIGHEST:
        return None
    return float(value)
