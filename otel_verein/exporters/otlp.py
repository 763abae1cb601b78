"""OTLP exporters that send once, and say what became of it; how a request travels is the channel's."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_verein.delivery import TAKEN, Delivery, Outcome
from otel_verein.exporters.halves import halves
from otel_verein.exporters.otlp_protobuf import encoded
from otel_verein.faults import FAULTS


class Channel(Protocol):
    """A way to an endpoint for one signal."""

    def send(self, body: bytes) -> Delivery:
        """Send one encoded request, once."""

    def close(self) -> None:
        """Close the connections."""


class OtlpSpans(SpanExporter):
    """Sends spans through *channel*, in requests of at most *most_bytes*; used by one thread at a time."""

    def __init__(self, channel: Channel, most_bytes: int) -> None:
        self._channel = channel
        self._most_bytes = most_bytes
        self.last: Delivery | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send *spans* in one request, unless it is too large."""
        body, bad = encoded(spans)
        if len(body) > self._most_bytes:
            self.last = Delivery(Outcome.TOO_LARGE)
        else:
            delivery = self._channel.send(body) if bad < len(spans) else TAKEN
            self.last = delivery._replace(rejected=delivery.rejected + bad)
        return SpanExportResult.SUCCESS if self.last.outcome is Outcome.TAKEN else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connections."""
        self._channel.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True: nothing waits here."""
        return True


class OtlpMetrics(MetricExporter):
    """Sends metrics through *channel*, in requests of at most *most_bytes*; used by one thread at a time."""

    def __init__(self, channel: Channel, most_bytes: int, **preferences: Any) -> None:
        super().__init__(**preferences)
        self._channel = channel
        self._most_bytes = most_bytes
        self.last: Delivery | None = None

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Send *metrics_data* in one request, unless it is too large."""
        body = encode_metrics(metrics_data).SerializeToString()  # type: ignore[no-untyped-call]
        self.last = Delivery(Outcome.TOO_LARGE) if len(body) > self._most_bytes else self._channel.send(body)
        return MetricExportResult.SUCCESS if self.last.outcome is Outcome.TAKEN else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Close the connections."""
        self._channel.close()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """True: nothing waits here."""
        return True


class ApplicationMetrics(OtlpMetrics):
    """The same for a reader of the SDK, which would send what is too large again and again: it goes in halves."""

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Send *metrics_data* in as few requests as the endpoint takes; a point that is too large alone is let go."""
        parts = deque([metrics_data])
        while parts:
            part = parts.popleft()
            if super().export(part, timeout_millis, **kwargs) is MetricExportResult.SUCCESS:
                continue
            if self.last is None or self.last.outcome is not Outcome.TOO_LARGE:
                return MetricExportResult.FAILURE
            split = halves(part)
            if split is None:
                FAULTS.report(
                    "export.metrics.too_large", RuntimeError("a metric point of the application is too large")
                )
            else:
                parts.extendleft(reversed(split))
        return MetricExportResult.SUCCESS
