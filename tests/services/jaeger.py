"""A real Jaeger v2 that keeps traces in badger: what ``scripts/build-jaeger`` builds."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode

from tests.services.kept import kept
from tests.services.ports import LOOPBACK, free_ports
from tests.services.process import ServerProcess

Json = dict[str, Any]
MOST_TRACES = 10_000
_LAST_US = 4_000_000_000_000_000  # the year 2096


class Jaeger:
    """A running Jaeger that keeps traces until :meth:`close`; a context manager that ends it.

    Traces come back as Jaeger's user interface gets them: a ``traceID``, ``spans`` and ``processes``.
    """

    def __init__(self) -> None:
        program = kept("build-jaeger")
        self._grpc, self._http, self._query, self._query_grpc, self._health = free_ports(5)
        self._server = ServerProcess("jaeger", None)
        config = self._server.directory / "jaeger.yaml"
        config.write_text(json.dumps(self._config()))  # JSON is YAML
        self._command = [str(program), "--config", str(config)]
        self.start()

    def __enter__(self) -> Jaeger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it (again), with the same traces and on the same ports, and return when it answers."""
        self._server.start(self._command, self._ready)

    def kill(self) -> None:
        """End it by SIGKILL; what it has on disk stays."""
        self._server.kill()

    def stop(self) -> None:
        """End it by SIGTERM; its traces stay."""
        self._server.end()

    def close(self) -> None:
        """End it and remove its traces; safe to call twice.

        At once, since nothing of it is wanted: after SIGTERM it takes longer than anybody waits.
        """
        self._server.stop(signal.SIGKILL)

    @property
    def grpc_endpoint(self) -> str:
        """``host:port`` that takes OTLP by gRPC."""
        return f"{LOOPBACK}:{self._grpc}"

    @property
    def http_endpoint(self) -> str:
        """``host:port`` that takes OTLP by HTTP."""
        return f"{LOOPBACK}:{self._http}"

    @property
    def query_url(self) -> str:
        """Where its API and its user interface are."""
        return f"http://{LOOPBACK}:{self._query}"

    @property
    def log(self) -> str:
        """All that it has said, since its first start."""
        return self._server.log.read_text(encoding="utf-8", errors="replace")

    def services(self) -> list[str]:
        """The names of the services of which it has spans, sorted."""
        return sorted(self._asked("/api/services"))

    def traces(self, service: str, **query: str | int) -> list[Json]:
        """The traces with spans of *service*, of any time, at most 10,000 of them.

        *query* are further parameters of Jaeger's search, such as ``operation`` or ``minDuration="1s"``.
        """
        return self._asked(
            "/api/traces", {"service": service, "start": 1, "end": _LAST_US, "limit": MOST_TRACES, **query}
        )

    def trace(self, trace_id: str) -> Json | None:
        """The trace with this id, in hexadecimal; None where it has none."""
        try:
            found = self._asked(f"/api/traces/{quote(trace_id)}", {"start": 1, "end": _LAST_US})
        except HTTPError as refused:
            if refused.code == 404:
                return None
            raise
        return found[0] if found else None

    def _asked(self, path: str, query: Mapping[str, object] | None = None) -> list[Any]:
        address = f"http://{LOOPBACK}:{self._query}{path}?{urlencode(query or {})}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return json.load(answer)["data"] or []

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self._health}/status", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _config(self) -> Json:
        directory = self._server.directory
        badger = {
            "directories": {"keys": str(directory / "keys"), "values": str(directory / "values")},
            "ephemeral": False,
            "ttl": {"spans": "48h"},
        }
        return {
            "extensions": {
                "healthcheckv2": {"use_v2": True, "http": {"endpoint": f"{LOOPBACK}:{self._health}"}},
                "jaeger_storage": {"backends": {"kept": {"badger": badger}}},
                "jaeger_query": {
                    "storage": {"traces": "kept"},
                    "http": {"endpoint": f"{LOOPBACK}:{self._query}"},
                    "grpc": {"endpoint": f"{LOOPBACK}:{self._query_grpc}"},
                },
            },
            "receivers": {
                "otlp": {
                    "protocols": {"grpc": {"endpoint": self.grpc_endpoint}, "http": {"endpoint": self.http_endpoint}}
                }
            },
            "exporters": {"jaeger_storage_exporter": {"trace_storage": "kept"}},
            "service": {
                "extensions": ["healthcheckv2", "jaeger_storage", "jaeger_query"],
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}},
            },
        }
