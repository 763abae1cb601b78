"""OTLP over gRPC, set up by the standard variables.

The exporter of OpenTelemetry sleeps between retries and tells only SUCCESS or FAILURE, and there is no place in it
where one could listen; so the call is made here, with the variables read as it reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlparse

import grpc  # type: ignore[import-untyped]
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.util._importlib_metadata import entry_points
from opentelemetry.util.re import parse_env_headers

from otel_verein.delivery import Delivery, Outcome
from otel_verein.exporters.relay import setting
from otel_verein.version import __version__

_LATER = frozenset({
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
})  # fmt: skip
"""Those of the OTLP specification, and RESOURCE_EXHAUSTED also without a hint when to come back."""

_SERVICES: dict[str, tuple[str, Any, str]] = {
    "TRACES": ("trace.v1.TraceService", ExportTraceServiceResponse, "rejected_spans"),
    "METRICS": ("metrics.v1.MetricsService", ExportMetricsServiceResponse, "rejected_data_points"),
}
_OPTIONS = (
    ("grpc.primary_user_agent", f"otel-verein/{__version__}"),
    # After an outage gRPC itself would wait up to two minutes before it connects again; we have a pause of our own.
    ("grpc.initial_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 5000),
)


class GrpcChannel:
    """Sends requests of one signal, ``TRACES`` or ``METRICS``."""

    def __init__(self, environ: Mapping[str, str], signal: str) -> None:
        service, response, self._rejected = _SERVICES[signal]
        self._target, secure = _target(environ, signal)
        compression = grpc.Compression.NoCompression
        if setting(environ, signal, "COMPRESSION").strip().lower() == "gzip":
            compression = grpc.Compression.Gzip
        self._headers = tuple(parse_env_headers(setting(environ, signal, "HEADERS"), liberal=True).items())
        self._timeout_s = float(setting(environ, signal, "TIMEOUT") or 10)
        options: dict[str, Any] = {"options": _OPTIONS, "compression": compression}
        if secure:
            self._channel = grpc.secure_channel(self._target, _credentials(environ, signal), **options)
        else:
            self._channel = grpc.insecure_channel(self._target, **options)
        self._call = self._channel.unary_unary(
            f"/opentelemetry.proto.collector.{service}/Export",
            request_serializer=bytes,
            response_deserializer=response.FromString,
        )

    def send(self, body: bytes) -> Delivery:
        """Send *body*, once."""
        try:
            answer = self._call(body, metadata=self._headers, timeout=self._timeout_s)
        except grpc.RpcError as fault:
            return self._failed(fault)
        return Delivery(Outcome.TAKEN, rejected=max(0, getattr(answer.partial_success, self._rejected)))

    def close(self) -> None:
        """Close the connections."""
        self._channel.close()

    def _failed(self, fault: grpc.RpcError) -> Delivery:
        call = cast(grpc.Call, fault)  # so the documentation of grpc: the error of a call is the call
        code, details = call.code(), call.details() or ""
        why = f"cannot send to {self._target}: {code.name} {details}".rstrip()
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
            return Delivery(Outcome.TOO_LARGE, why)
        if code in _LATER:
            return Delivery(Outcome.LATER, why, retry_after_s=_retry_after_s(call))
        return Delivery(Outcome.REFUSED, why)


def _retry_after_s(call: grpc.Call) -> float | None:
    for key, value in call.trailing_metadata() or ():
        if key == "google.rpc.retryinfo-bin":
            delay = RetryInfo.FromString(value).retry_delay  # type: ignore[no-untyped-call]
            return float(delay.seconds + delay.nanos / 1e9)
    return None


def _target(environ: Mapping[str, str], signal: str) -> tuple[str, bool]:
    """Host and port, and whether the connection is secure: by the scheme, else unless INSECURE says otherwise."""
    endpoint = setting(environ, signal, "ENDPOINT") or "http://localhost:4317"
    parts = urlparse(endpoint)
    if parts.scheme == "https":
        return parts.netloc, True
    insecure = setting(environ, signal, "INSECURE").strip().lower()
    secure = insecure != "true" if insecure else parts.scheme != "http"
    return parts.netloc or endpoint, secure


def _credentials(environ: Mapping[str, str], signal: str) -> grpc.ChannelCredentials:
    prefix = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_"
    name = environ.get(f"{prefix}CREDENTIAL_PROVIDER") or environ.get(f"{prefix}{signal}_CREDENTIAL_PROVIDER")
    if name:
        for found in entry_points(group="opentelemetry_otlp_credential_provider", name=name):
            return cast(grpc.ChannelCredentials, found.load()())
        raise RuntimeError(f"the credential provider {name!r} is not installed")

    def content(what: str) -> bytes | None:
        path = setting(environ, signal, what)
        return Path(path).read_bytes() if path else None

    key, chain = content("CLIENT_KEY"), content("CLIENT_CERTIFICATE")
    return grpc.ssl_channel_credentials(content("CERTIFICATE"), key, chain if key else None)
