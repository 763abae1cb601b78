"""Spans that cost little until they are kept, and the provider that makes them."""

from otel_verein.tracing.provider import VereinTracerProvider

__all__ = ["VereinTracerProvider"]
