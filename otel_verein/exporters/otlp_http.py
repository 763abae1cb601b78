"""OTLP over HTTP, as the exporters of OpenTelemetry are set up by the standard variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics.export import MetricsData

from otel_verein.delivery import Delivery, Outcome
from otel_verein.exporters.relay import Answered, Relay

_UNSENT = Delivery(Outcome.REFUSED, "cannot send: the OTLP exporter made no request")


class HttpChannel:
    """Sends requests of one signal, ``TRACES`` or ``METRICS``, by way of a stock exporter that is given nothing."""

    def __init__(self, environ: Mapping[str, str], signal: str) -> None:
        self._relay = Relay(environ, signal)
        self._ask: Callable[[], object]
        if signal == "TRACES":
            spans = OTLPSpanExporter(session=self._relay, compression=Compression.NoCompression)
            self._ask, self._rejected = lambda: spans.export([]), _rejected_spans
        else:
            nothing = MetricsData(resource_metrics=[])
            metrics = OTLPMetricExporter(session=self._relay, compression=Compression.NoCompression)
            self._ask, self._rejected = lambda: metrics.export(nothing), _rejected_points

    def send(self, body: bytes) -> Delivery:
        """Send *body*, once."""
        self._relay.body = body
        try:
            self._ask()
        except Answered as answered:
            return answered.answer.delivery(self._rejected)
        return _UNSENT

    def close(self) -> None:
        """Close the connections."""
        self._relay.close()


def _rejected_spans(body: bytes) -> int:
    return int(ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans)  # type: ignore[no-untyped-call]


def _rejected_points(body: bytes) -> int:
    return int(ExportMetricsServiceResponse.FromString(body).partial_success.rejected_data_points)  # type: ignore[no-untyped-call]
