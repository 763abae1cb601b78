"""All spans of one trace, from the store and from what is not stored yet."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from otel_verein.api.places import segments_of
from otel_verein.config.schema import Config
from otel_verein.sources.viewed import texts_of
from otel_verein.store.layout import Store

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan

_PARTS: Final = ("resource", "scope", "attributes", "events", "links")


def trace(config: Config, trace_id: str, root: Path | None = None) -> tuple[TraceSpan, ...]:
    """The spans of *trace_id*, from the earliest on, in the store at *root*, else the configured one.

    Raises StoreError for what is no trace id, and when the store cannot be read.
    """
    from otel_verein.store.traces import find_trace
    from otel_verein.store.unstored import Wanted, fresh

    store = Store(root or Path(config.store.directory))
    wanted = trace_id.strip()
    return find_trace(store, wanted, fresh(segments_of(config, store), config.store, Wanted(texts_of(wanted))))


def as_dict(spans: Sequence[TraceSpan]) -> dict[str, Any]:
    """The JSON object of a trace, which has spans."""
    return {"schema": 1, "trace_id": spans[0].trace_id, "spans": [_as_dict(span) for span in spans]}


def _as_dict(span: TraceSpan) -> dict[str, Any]:
    """The span with what it has of OTLP/JSON as JSON, not as text of it."""
    parts = {name: value for name in _PARTS if (value := getattr(span, name)) is not None}
    return {**asdict(span), **{name: json.loads(text, parse_float=_number) for name, text in parts.items()}}


def _number(text: str) -> float | str:
    """A number of JSON; as text where it is beyond what a float holds."""
    value = float(text)
    return value if math.isfinite(value) else text
