"""Exporters that send once and say what came of it: to files, and to OTLP endpoints; ``choice.py`` picks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_verein.exporters.otlp_file import FileMetrics, FileSpanExporter, file_exporters

if TYPE_CHECKING:
    from otel_verein.exporters.otlp_file_metrics import FileMetricExporter

__all__ = ["FileMetricExporter", "FileMetrics", "FileSpanExporter", "file_exporters"]


def __getattr__(name: str) -> Any:
    """The one that brings the SDK's metrics along is imported when it is asked for."""
    if name != "FileMetricExporter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from otel_verein.exporters.otlp_file_metrics import FileMetricExporter

    return FileMetricExporter
