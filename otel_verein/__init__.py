"""Exact query counts, N+1 findings and unbiased sampling for Python on OpenTelemetry.

The public names; each is imported from its home when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from otel_verein.version import __version__

TYPE_CHECKING = False  # as in typing, which costs 30 modules
if TYPE_CHECKING:
    from typing import Any

    from otel_verein.handwritten import entity, ignore, items, keep, measure, operation
    from otel_verein.processors import VereinSpanProcessor

__all__ = ["operation", "measure", "entity", "items", "keep", "ignore", "VereinSpanProcessor", "__version__"]

_HOMES = {
    "operation": "otel_verein.handwritten",
    "measure": "otel_verein.handwritten",
    "entity": "otel_verein.handwritten",
    "items": "otel_verein.handwritten",
    "keep": "otel_verein.handwritten",
    "ignore": "otel_verein.handwritten",
    "VereinSpanProcessor": "otel_verein.processors",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'otel_verein' has no attribute {name!r}")
    import importlib

    found = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found
