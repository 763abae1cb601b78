"""Answers of two sources made comparable: rows in an order of their own, texts of JSON as what they say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from otel_verein.sources.base import Tables
from otel_verein.sources.rows import StatementRow
from otel_verein.store.traces import TraceSpan


def figures(tables: Tables) -> Tables:
    """Without notes; sums of floats depend on their order in the last digit."""
    rounded = (
        replace(row, total=None if row.total is None else round(row.total, 9), variance=round(row.variance, 6))
        for row in tables.histograms
    )
    return replace(
        tables,
        histograms=tuple(ordered(rounded)),
        counters=tuple(ordered(tables.counters)),
        findings=tuple(ordered(tables.findings)),
        notes=(),
    )


def ordered(rows: Iterable[Any]) -> list[Any]:
    """Rows in the order of what they show."""
    return sorted(rows, key=repr)


def runs(rows: Iterable[StatementRow]) -> list[tuple[object, ...]]:
    """Statements by what they are and how often they ran."""
    return sorted(
        (each.service, each.operation, str(each.fingerprint), round(each.calls, 6), each.samples) for each in rows
    )


def said(span: TraceSpan) -> Any:
    """A span, of which attributes are in the order of their keys."""
    texts = ("resource", "attributes", "events", "links", "scope")
    return replace(span, **{name: _by_key(json.loads(getattr(span, name) or "null")) for name in texts})


def _by_key(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(_by_key, value), key=lambda each: each.get("key", "") if isinstance(each, dict) else "")
    if isinstance(value, dict):
        return {key: _by_key(each) for key, each in value.items()}
    return value
