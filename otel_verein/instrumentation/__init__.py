"""The hook into database drivers and frameworks: what feeds the ledger."""

from otel_verein.instrumentation.drivers.registry import instrument, uninstrument

__all__ = ["instrument", "uninstrument"]
