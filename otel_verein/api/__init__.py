"""One function per question; every result prints as JSON with ``as_dict``."""

from otel_verein.api.report import Report, report

__all__ = ["Report", "report"]
