"""The world that sources are compared on, and what holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.contracts.sources_world import HOLDERS, Held, World, made


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The telemetry, in files."""
    return made(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="class")
def held(request: pytest.FixtureRequest, world: World) -> Iterator[Held]:
    """The same in the source that the class of the test names."""
    with ExitStack() as stack:
        yield HOLDERS[request.cls.holder](world, stack)
