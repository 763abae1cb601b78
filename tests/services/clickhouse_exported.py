"""Telemetry brought into a ClickHouse by the collector's own exporter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from tests.services.clickhouse_http import ClickHouseHttp
from tests.services.collector import Collector
from tests.services.ports import LOOPBACK, free_port

DATABASE = "otel"
_JSON = {"Content-Type": "application/json"}
_TIERS = ("long", "medium", "short")


def exported(into: ClickHouseHttp, directory: Path, *, copies: int = 1, metrics: bool = True) -> None:
    """Send all segments below *directory* through a real collector, whose exporter makes the tables and fills them.

    Spans go into the table of their tier, as our configuration of it has them. Each request is sent *copies* times.
    """
    with Collector(json.dumps(_configuration(into))) as collector:
        signals = ("spans", "metrics") if metrics else ("spans",)
        with requests.Session() as session:
            for signal, path in zip(signals, ("v1/traces", "v1/metrics"), strict=False):
                for line in lines(directory, signal):
                    for _ in range(copies):
                        answer = session.post(f"http://{collector.http_endpoint}/{path}", line, headers=_JSON)
                        answer.raise_for_status()
        collector.stop()


def lines(directory: Path, signal: str) -> Iterator[bytes]:
    """The messages of a *signal* in all segments below *directory*."""
    for file in sorted(directory.rglob("*.jsonl*")):
        if file.parent.name == signal:
            yield from file.read_bytes().splitlines()


def _exporter(into: ClickHouseHttp, **more: Any) -> dict[str, Any]:
    return {
        "endpoint": into.url,
        "database": DATABASE,
        "username": into.access.user,
        "password": into.access.password or "",
        "create_schema": True,
        "compress": "none",
        "async_insert": False,
        "sending_queue": {"num_consumers": 1, "batch": {"flush_timeout": "100ms", "min_size": 5000}},
        **more,
    }


def _configuration(into: ClickHouseHttp) -> dict[str, Any]:
    of_tiers = {f"clickhouse/{tier}": _exporter(into, traces_table_name=f"otel_traces_{tier}") for tier in _TIERS}
    only = {f"filter/{tier}": {"traces": {"span": [f'attributes["verein.tier"] != "{tier}"']}} for tier in _TIERS}
    return {
        "extensions": {"health_check": {"endpoint": f"{LOOPBACK}:{free_port()}"}},
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"{LOOPBACK}:{free_port()}"}}}},
        "processors": only,
        "exporters": {**of_tiers, "clickhouse/metrics": _exporter(into)},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {
                **{
                    f"traces/{tier}": {
                        "receivers": ["otlp"],
                        "processors": [f"filter/{tier}"],
                        "exporters": [f"clickhouse/{tier}"],
                    }
                    for tier in _TIERS
                },
                "metrics": {"receivers": ["otlp"], "exporters": ["clickhouse/metrics"]},
            },
        },
    }
