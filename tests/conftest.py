"""What all suites share: real servers, started once, and the rule about their absence."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import NoReturn

import pytest
from hypothesis import settings

with suppress(ImportError):
    # Its C extension, which takes room for the variables of threads, finds none left once pyarrow is loaded.
    import mysql.connector  # noqa: F401

from tests.services import MariaDB, Postgres, ServiceAbsent

REQUIRE = "VEREIN_REQUIRE_SERVICES"

# Where a change is judged, it is judged by the same examples each time; everywhere else by new ones.
settings.register_profile("judge", derandomize=True, database=None)
if os.environ.get(REQUIRE) == "1":
    settings.load_profile("judge")


def absent(reason: str) -> NoReturn:
    """Skip the test, saying why; where services are required, fail it instead."""
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """A fixture whose service is absent skips or fails its tests, with the reason."""
    try:
        return (yield)
    except ServiceAbsent as missing:
        reason = str(missing)
    absent(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """A test that itself starts an absent service does so, too."""
    try:
        return (yield)
    except ServiceAbsent as missing:
        reason = str(missing)
    absent(reason)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this session."""
    try:
        server = Postgres()
    except ServiceAbsent as missing:
        absent(str(missing))
    with server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A MariaDB server of this session."""
    try:
        server = MariaDB()
    except ServiceAbsent as missing:
        absent(str(missing))
    with server:
        yield server


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns as often as the interpreter lets them, which makes a lost update likely."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)
