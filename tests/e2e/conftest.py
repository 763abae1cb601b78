"""The broker of the job tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import absent
from tests.services.process import ServiceAbsent
from tests.services.redis import Redis


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A Redis server of this test, empty."""
    try:
        server = Redis()
    except ServiceAbsent as missing:
        absent(str(missing))
    with server:
        yield server
