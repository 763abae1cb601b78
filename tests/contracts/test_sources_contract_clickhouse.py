"""ClickHouse's own engine, over HTTP, filled by the collector's own exporter."""

from __future__ import annotations

from tests.contracts.sources_contract import SourceContract


class TestClickHouse(SourceContract):
    """The database."""

    holder = "clickhouse"
