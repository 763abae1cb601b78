"""Other agents, each set up as its documentation says for a program that is no web application.

Each lives in an environment of its own; an import here happens in the worker that runs there. Queues that would drop
what the benchmark makes faster than it is sent are made long enough, since dropping is cheaper than sending.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from variants import NAME, Endpoints, Variant

LONG_QUEUE = 200_000


class Datadog(Variant):
    """ddtrace with its automatic instrumentation."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        os.environ.update(DD_TRACE_AGENT_URL=endpoints.http, DD_SERVICE="bench")
        if not keep:
            os.environ["DD_TRACE_SAMPLING_RULES"] = json.dumps([{"sample_rate": 0}])
        import ddtrace.auto  # noqa: F401  # it is the set-up
        from ddtrace.trace import tracer

        self._tracer = tracer

    def open_operation(self) -> Any:
        return self._tracer.trace("web.request", resource=NAME, span_type="web")

    def flush(self) -> None:
        self._tracer.flush()

    def finish(self) -> dict[str, int]:
        self._tracer.shutdown()
        return {}


class Sentry(Variant):
    """sentry-sdk; it has no integration for sqlite3, so every query is a span by hand, as its documentation shows."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        import sentry_sdk

        self._sdk = sentry_sdk
        sentry_sdk.init(
            dsn=endpoints.http.replace("://", "://key@") + "/1",
            traces_sample_rate=1.0 if keep else 0.0,
            transport_queue_size=LONG_QUEUE,
        )

    def open_operation(self) -> Any:
        return self._sdk.start_transaction(op="http.server", name=NAME)

    def run(self, connection: Any, statements: Sequence[str]) -> None:
        for number, statement in enumerate(statements):
            cursor = connection.cursor()
            with self._sdk.start_span(op="db", name=statement) as span:
                span.set_data("db.system", "sqlite")
                cursor.execute(statement, (number,))
            cursor.fetchone()

    def flush(self) -> None:
        self._sdk.flush(timeout=60)


class Elastic(Variant):
    """elastic-apm with its instrumentation of sqlite3."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        import elasticapm

        self._client = elasticapm.Client(
            service_name="bench",
            server_url=endpoints.http,
            transaction_sample_rate=1.0 if keep else 0.0,
            cloud_provider="none",
        )
        elasticapm.instrument()

    def open_operation(self) -> Any:
        return _ElasticOperation(self._client)

    def flush(self) -> None:
        self._client._transport.flush()

    def finish(self) -> dict[str, int]:
        self._client.close()
        return {}


class _ElasticOperation:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __enter__(self) -> None:
        self._client.begin_transaction("request")

    def __exit__(self, *_: object) -> None:
        self._client.end_transaction(NAME, "HTTP 2xx")


class Logfire(Variant):
    """logfire with its instrumentation of sqlite3, sending over OTLP/HTTP instead of to its own service."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        import logfire
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = OTLPSpanExporter(endpoint=f"{endpoints.http}/v1/traces")
        logfire.configure(
            service_name="bench",
            send_to_logfire=False,
            console=False,
            additional_span_processors=[BatchSpanProcessor(exporter, max_queue_size=LONG_QUEUE)],
            sampling=logfire.SamplingOptions(head=1.0 if keep else 0.0),
        )
        logfire.instrument_sqlite3()
        self._logfire = logfire

    def open_operation(self) -> Any:
        return self._logfire.span("GET /items/{id}", id=1, _span_name=NAME)

    def flush(self) -> None:
        self._logfire.force_flush()

    def finish(self) -> dict[str, int]:
        self._logfire.shutdown()
        return {}


class NewRelic(Variant):
    """newrelic in its developer mode, which does all but send; what it keeps it decides itself, about ten a minute."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        os.environ.update(NEW_RELIC_DEVELOPER_MODE="true", NEW_RELIC_APP_NAME="bench", NEW_RELIC_LOG_LEVEL="error")
        import newrelic.agent
        from newrelic.common.agent_http import DeveloperModeClient

        self._payloads: list[bytes] = []
        send = DeveloperModeClient.send_request

        def kept(client: Any, *arguments: Any, **named: Any) -> Any:
            if (named.get("params") or {}).get("method") == "metric_data":
                self._payloads.append(named["payload"])
            return send(client, *arguments, **named)

        DeveloperModeClient.send_request = kept
        newrelic.agent.initialize()
        self._application = newrelic.agent.register_application(timeout=10.0)
        self._task = newrelic.agent.BackgroundTask
        self._shut_down = newrelic.agent.shutdown_agent

    def open_operation(self) -> Any:
        return self._task(self._application, name=NAME)

    def flush(self) -> None:
        """Harvest, which otherwise happens once a minute: the work belongs to the operations that caused it."""
        self._application._agent.application("bench").harvest()

    def finish(self) -> dict[str, int]:
        self._shut_down()
        metrics = [metric for payload in self._payloads for metric in json.loads(payload)[3]]
        calls = {
            "operations": ("OtherTransaction/all", "HttpDispatcher"),
            "spans": ("Datastore/SQLite/allOther", "Datastore/Postgres/allWeb"),
        }
        return {what: sum(m[1][0] for m in metrics if m[0]["name"] in names) for what, names in calls.items()}


class Scout(Variant):
    """scout-apm; it has no integration for sqlite3, so every query is a span as its one for SQLAlchemy makes it."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        import queue

        from scout_apm.api import WebTransaction, install
        from scout_apm.core.agent.socket import CoreAgentSocketThread
        from scout_apm.core.tracked_request import TrackedRequest

        self._socket, self._transaction, self._request = CoreAgentSocketThread, WebTransaction, TrackedRequest
        CoreAgentSocketThread._command_queue = queue.Queue(LONG_QUEUE)
        install(
            config={
                "name": "bench", "key": "key", "monitor": True, "errors_enabled": False, "core_agent_launch": False,
                "core_agent_download": False, "core_agent_socket_path": endpoints.scout, "sample_rate": int(keep),
            }
        )  # fmt: skip

    def open_operation(self) -> Any:
        return self._transaction(NAME)

    def run(self, connection: Any, statements: Sequence[str]) -> None:
        for number, statement in enumerate(statements):
            cursor = connection.cursor()
            request = self._request.instance()
            span = request.start_span(operation="SQL/Query")
            span.tag("db.statement", statement)
            try:
                cursor.execute(statement, (number,))
            finally:
                if request.n_plus_one_tracker.should_capture_backtrace(
                    sql=statement, duration=span.duration(), count=1
                ):
                    span.capture_backtrace()
                request.stop_span()
            cursor.fetchone()

    def flush(self) -> None:
        self._socket.wait_until_drained(timeout_seconds=60)


@dataclass(frozen=True)
class Agent:
    """A variant in the environment of that name; without *keep* it is told to keep nothing."""

    label: str
    environment: str
    make: Callable[[Endpoints, bool], Variant]
    keep: bool = True
    note: str = ""


AGENTS = {
    "ddtrace": Agent("ddtrace", "ddtrace", Datadog),
    "ddtrace_off": Agent(
        "ddtrace, sample rate 0", "ddtrace", Datadog, keep=False,
        note="spans are made and sent all the same, marked as rejected: its agent counts them.",
    ),
    "sentry": Agent(
        "sentry-sdk, spans by hand", "sentry-sdk", Sentry,
        note="it has no integration for sqlite3; an operation is a request of its own to its server.",
    ),
    "sentry_off": Agent("sentry-sdk, spans by hand, sample rate 0", "sentry-sdk", Sentry, keep=False),
    "elastic": Agent(
        "elastic-apm", "elastic-apm", Elastic, note="equal queries in a row leave the process as one compressed span."
    ),
    "elastic_off": Agent("elastic-apm, sample rate 0", "elastic-apm", Elastic, keep=False),
    "logfire": Agent(
        "logfire", "logfire", Logfire, note="its queries are seen by the same stock instrumentation as always_on's."
    ),
    "logfire_off": Agent("logfire, head sampling 0", "logfire", Logfire, keep=False),
    "newrelic": Agent(
        "newrelic, offline, adaptive sampling", "newrelic", NewRelic,
        note="its developer mode sends nothing; it counts all, keeps about ten transactions a minute, and harvests "
        "after each workload instead of each minute.",
    ),
    "scout": Agent(
        "scout-apm, spans by hand", "scout-apm", Scout, note="it has no integration for sqlite3; a stand-in for its "
        "core agent takes what it sends.",
    ),
    "scout_off": Agent("scout-apm, spans by hand, sample rate 0", "scout-apm", Scout, keep=False),
}  # fmt: skip
