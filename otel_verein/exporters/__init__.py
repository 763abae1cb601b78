"""Exporters of our own; for OTLP the OpenTelemetry exporters are used as they are."""

from otel_verein.exporters.otlp_file import FileMetricExporter, FileSpanExporter

__all__ = ["FileMetricExporter", "FileSpanExporter"]
