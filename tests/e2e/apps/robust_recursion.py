"""A script in which telemetry could feed itself: ``robust_recursion.py logging|http OPERATIONS``.

``logging``: a handler of the root logger opens a span, with a query, for every record, also for ours. ``http``: every
request that leaves through ``http.client`` is a span, also those of an exporter, unless the caller suppresses that in
the way the instrumentations of ``requests`` and ``urllib3`` look for. Prints how many spans came of it.
"""

from __future__ import annotations

import http.client
import logging
import sqlite3
import sys
import time
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled

LASTS_S = 2.0
_tracer = trace.get_tracer("recursion")
_extra = 0


def _operation(name: str) -> None:
    with _tracer.start_as_current_span(name):
        connection = sqlite3.connect(":memory:")
        connection.execute("select 1").fetchall()
        connection.close()


class _Spans(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        global _extra
        _extra += 1
        _operation("log")


def _instrument_http() -> None:
    request = http.client.HTTPConnection.request

    def traced(self: http.client.HTTPConnection, *args: Any, **kwargs: Any) -> None:
        global _extra
        if not is_http_instrumentation_enabled():
            return request(self, *args, **kwargs)
        _extra += 1
        with _tracer.start_as_current_span("HTTP"):
            return request(self, *args, **kwargs)

    http.client.HTTPConnection.request = traced  # type: ignore[method-assign]


def main(how: str, operations: int) -> None:
    """Run the operations over some intervals of export."""
    if how == "logging":
        logging.getLogger().addHandler(_Spans())
    else:
        _instrument_http()
    for _ in range(operations):
        _operation("own")
        time.sleep(LASTS_S / operations)
    trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]
    print(_extra, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
