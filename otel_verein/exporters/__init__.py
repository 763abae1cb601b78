"""Exporters that send once and say what came of it: to files, and to OTLP endpoints; ``choice.py`` picks them."""

from otel_verein.exporters.otlp_file import FileMetricExporter, FileSpanExporter, file_exporters

__all__ = ["FileMetricExporter", "FileSpanExporter", "file_exporters"]
