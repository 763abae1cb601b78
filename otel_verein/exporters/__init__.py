"""Exporters of our own; for OTLP the OpenTelemetry exporters are used as they are."""

from otel_verein.exporters.otlp_file import FileMetricExporter, FileSpanExporter, file_exporters

__all__ = ["FileMetricExporter", "FileSpanExporter", "file_exporters"]
