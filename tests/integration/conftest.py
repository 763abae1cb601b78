"""Fixtures of the driver tests: hooks around each test, a tracer with our processor, and the drivers."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from otel_verein.instrumentation import instrument, uninstrument
from tests.conftest import absent
from tests.integration.harness import Dialect, Watched

WHERE = {
    "sqlite3": ("sqlite_calls", "Sqlite", None),
    "psycopg": ("postgres_calls", "Psycopg", "postgres"),
    "psycopg2": ("postgres_calls", "Psycopg2", "postgres"),
    "pymysql": ("mysql_calls", "PyMySQL", "mariadb"),
    "mysqlclient": ("mysql_calls", "MySQLClient", "mariadb"),
}


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """The driver that the test is parametrised with, on its server."""
    module, name, server = WHERE[request.param]
    try:
        kind = getattr(import_module(f"tests.integration.{module}"), name)
    except ImportError as missing:
        absent(f"{request.param} cannot be imported: {missing}")
    made: Dialect = kind(request.getfixturevalue(server)) if server else kind()
    return made


@pytest.fixture
def hooked() -> Iterator[None]:
    """All drivers hooked during the test."""
    instrument()
    yield
    uninstrument()


@pytest.fixture
def watched(hooked: None) -> Iterator[Watched]:
    """A tracer with our processor, while all drivers are hooked."""
    watched = Watched()
    yield watched
    watched.shutdown()
