"""Exact query counts, N+1 findings and unbiased sampling for Python on OpenTelemetry."""

from otel_verein.version import __version__

__all__ = ["__version__"]
