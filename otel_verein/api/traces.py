"""All spans of one trace, from the store and from what is not stored yet."""

from __future__ import annotations

from pathlib import Path

from otel_verein.api.places import segments_of
from otel_verein.config.schema import Config
from otel_verein.store.layout import Store
from otel_verein.store.traces import TraceSpan, find_trace
from otel_verein.store.unstored import Wanted, fresh


def trace(config: Config, trace_id: str, root: Path | None = None) -> tuple[TraceSpan, ...]:
    """The spans of *trace_id*, from the earliest on, in the store at *root*, else the configured one.

    Raises StoreError for what is no trace id, and when the store cannot be read.
    """
    store = Store(root or Path(config.store.directory))
    wanted = trace_id.strip()
    texts = (wanted.lower().encode(), wanted.upper().encode())
    return find_trace(store, wanted, fresh(segments_of(config, store), config.store, Wanted(texts)))
