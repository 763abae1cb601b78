"""Where telemetry is read from: every source gives the same tables."""

from otel_verein.sources.base import Source, Tables
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.sources.rows import ConfigurationRow, CounterRow, FindingRow, HistogramRow, Window

__all__ = ["ConfigurationRow", "CounterRow", "FindingRow", "HistogramRow", "OtlpFiles", "Source", "Tables", "Window"]
