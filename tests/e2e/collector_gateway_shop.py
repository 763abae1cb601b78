"""Three real services whose traces go through one gateway: two under our SDK, one under OpenTelemetry's own."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests import segments
from tests.e2e.launch import APPS, Server, gunicorn
from tests.segments import Json
from tests.services.ports import LOOPBACK

SERVICES = ("front", "back", "stock")
KINDS = {"plain": 60, "loop": 8, "greedy": 6, "broken": 8, "out_of_stock": 8}
"""Requests of each kind."""
TIERS = {"plain": "short", "loop": "medium", "greedy": "medium", "broken": "long", "out_of_stock": "long"}
"""The tier of the worst that any of the three has in a trace of each kind."""
PATIENT = {"thresholds.duration_s": 40, "thresholds.duration_critical_s": 60}
"""Budgets of time that a busy machine does not break, for the gateway; below for the services."""
_ENVIRONMENT = {
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_BSP_SCHEDULE_DELAY": "200",  # of 5,000 ms by default, in which a gateway that is this quick would decide
    "VEREIN_SAMPLING_DECIDE": "collector",
    "VEREIN_THRESHOLDS_DURATION_S": "40",
    "VEREIN_THRESHOLDS_DURATION_CRITICAL_S": "60",
}


class Shop:
    """The running services."""

    def __init__(self, port: int) -> None:
        self._port = port

    def visit(self, kinds: Mapping[str, int]) -> dict[str, list[str]]:
        """Ask for as many pages of each kind; by kind, the ids of the traces, in the order they were asked for."""
        asked = [kind for kind, count in kinds.items() for _ in range(count)]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(self._page, asked))
        found: dict[str, list[str]] = {kind: [] for kind in kinds}
        for kind, trace_id in zip(asked, answers, strict=True):
            found[kind].append(trace_id)
        return found

    def _page(self, kind: str) -> str:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self._port}/{kind}", timeout=20) as answer:
            return str(answer.read().decode())


@contextmanager
def shop(directory: Path, url: str, more: Mapping[str, str] | None = None) -> Iterator[Shop]:
    """Start the services, which export to *url*; when the block ends, they have sent all they had."""
    common = {**_ENVIRONMENT, "OTEL_EXPORTER_OTLP_ENDPOINT": url, **(more or {})}
    names = {name: common | {"OTEL_SERVICE_NAME": name} for name in SERVICES}
    places = {name: directory / name for name in SERVICES}
    for place in places.values():
        place.mkdir()
    served = gunicorn("--threads", "4", app="collector_gateway_shop:app")
    with Server(_stock, places["stock"], names["stock"]) as stock:
        back_env = names["back"] | {"NEXT": f"http://{LOOPBACK}:{stock.port}", "QUERIES": "1"}
        with Server(served, places["back"], back_env) as back:
            front_env = names["front"] | {"NEXT": f"http://{LOOPBACK}:{back.port}"}
            with Server(served, places["front"], front_env) as front:
                yield Shop(front.port)
                ended = [server.terminate() for server in (front, back, stock)]
                assert [0, 0, 0] == ended, front.output + back.output + stock.output


def _stock(port: int) -> Sequence[str]:
    return [sys.executable, str(APPS / "collector_gateway_stock.py"), str(port)]


def traces_of(directory: Path) -> dict[str, list[Json]]:
    """The spans of the three services by trace, each with ``service`` beside what OTLP has, and its tier by span."""
    found: dict[str, list[Json]] = {}
    for resource, span in segments.spans(directory):
        if resource.get("service.name") in SERVICES:
            found.setdefault(span["traceId"], []).append({**span, "service": resource["service.name"]})
    return found


def orphans(spans: Sequence[Json]) -> list[str]:
    """The names of spans whose parent is not among *spans*."""
    ids = {span["spanId"] for span in spans}
    return [span["name"] for span in spans if span.get("parentSpanId") and span["parentSpanId"] not in ids]
