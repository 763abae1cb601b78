"""The file exporter of metrics as one of the SDK's, for its readers and whoever else has data of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

from otel_verein.config.schema import Export
from otel_verein.exporters.otlp_file import FileMetrics


class FileMetricExporter(FileMetrics, MetricExporter):
    """Writes metrics as OTLP JSON lines under ``<directory>/metrics``."""

    def __init__(self, directory: Path | str, options: Export) -> None:
        MetricExporter.__init__(self)
        FileMetrics.__init__(self, directory, options)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Write *metrics_data* as one line; FAILURE when it would be too long, or the disk would not take it."""
        return MetricExportResult.SUCCESS if self.export_plain(metrics_data) else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """True: every line is with the operating system when ``export`` returns."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Close the open segment."""
        super().shutdown(timeout_millis)
