"""Fixtures of the driver tests: hooks around each test, a tracer with our processor, and the drivers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_verein.faults import FAULTS
from otel_verein.instrumentation import instrument, uninstrument
from tests.conftest import absent
from tests.integration.drivers import dialect_named
from tests.integration.harness import Dialect, Watched


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """The driver that the test is parametrised with, on its server."""
    try:
        return dialect_named(request.param, request)
    except ImportError as missing:
        absent(f"{request.param} cannot be imported: {missing}")


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


@pytest.fixture
def no_faults() -> Iterator[None]:
    """Fails the test if a fault of ours was counted during it."""
    before = FAULTS.counts.copy()
    yield
    assert {} == dict(FAULTS.counts - before)
