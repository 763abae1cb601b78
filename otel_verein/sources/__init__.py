"""Where telemetry is read from: every source gives the same tables."""

from otel_verein.sources.base import ConfigurationRow, CounterRow, FindingRow, HistogramRow, Source, Tables, Window
from otel_verein.sources.otlp_files import OtlpFiles

__all__ = ["ConfigurationRow", "CounterRow", "FindingRow", "HistogramRow", "OtlpFiles", "Source", "Tables", "Window"]
