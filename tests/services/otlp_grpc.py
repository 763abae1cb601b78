"""An OTLP/gRPC endpoint on loopback that answers as a test tells it to, and keeps what it took as OTLP JSON."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.services.otlp_receiver import Json, as_line
from tests.services.ports import LOOPBACK

Answer = Callable[[grpc.ServicerContext], None]
"""Called for each request; aborts it, waits, or lets it pass."""


class GrpcReceiver:
    """A server of this process; a context manager that ends it. Messages above *most_bytes* it refuses itself."""

    def __init__(self, most_bytes: int = 4 * 1024 * 1024) -> None:
        self.answer: Answer = lambda _: None
        self.lines: dict[str, list[Json]] = {"spans": [], "metrics": []}
        self.metadata: list[dict[str, Any]] = []
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", most_bytes)])
        services = {
            "trace.v1.TraceService": ("spans", ExportTraceServiceRequest, ExportTraceServiceResponse),
            "metrics.v1.MetricsService": ("metrics", ExportMetricsServiceRequest, ExportMetricsServiceResponse),
        }
        for name, (signal, request, response) in services.items():
            handler = grpc.unary_unary_rpc_method_handler(
                self._export(signal, response), request.FromString, response.SerializeToString
            )
            full = f"opentelemetry.proto.collector.{name}"
            self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(full, {"Export": handler})])
        self.port = self._server.add_insecure_port(f"{LOOPBACK}:0")
        self._server.start()

    def __enter__(self) -> GrpcReceiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None)

    @property
    def url(self) -> str:
        """The endpoint, for ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"http://{LOOPBACK}:{self.port}"

    def _export(self, signal: str, response: Any) -> Callable[[Any, grpc.ServicerContext], Any]:
        def export(request: Any, context: grpc.ServicerContext) -> Any:
            self.metadata.append(dict(context.invocation_metadata()))
            self.answer(context)
            self.lines[signal].append(as_line(request))
            return response()

        return export
