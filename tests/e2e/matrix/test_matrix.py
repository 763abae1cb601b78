"""100 % over the whole matrix: no query missed, doubled or booked to another request.

The normal run asks a diagonal of the matrix, in which every framework and every driver occurs; the long form asks
all of it, more than 20,000 requests in sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.matrix.cell import ASYNC_DRIVERS, CELLS, FRAMEWORKS, SYNC_DRIVERS, Cell, Targets
from tests.services import MariaDB, Postgres

SHORT, LONG = 60, 300
FORKED = ("rq-fork",)
"""One process for each job: the long form asks fewer of them."""


def diagonal() -> Iterator[Cell]:
    """One cell for each framework, so that every driver has its turn."""
    turns = {"sync": 0, "async": 0}
    for framework in FRAMEWORKS:
        kind, drivers = ("async", ASYNC_DRIVERS) if "tasks" in framework else ("sync", SYNC_DRIVERS)
        yield Cell(framework, drivers[turns[kind] % len(drivers)])
        turns[kind] += 1


def ask(cell: Cell, requests: int, directory: Path, request: pytest.FixtureRequest) -> None:
    """Run *cell*, and hold every request's count against the witness."""
    server: Postgres | MariaDB | None = None
    postgres = mysql = None
    if cell.driver in ("psycopg", "psycopg2", "asyncpg", "psycopg-async"):
        server = request.getfixturevalue("postgres")
        postgres = server.url
    elif "sqlite" not in cell.driver:
        server = request.getfixturevalue("mariadb")
        mysql = server.address
    broker = request.getfixturevalue("redis").url if cell.framework.startswith(("celery", "rq")) else None

    outcome = cell.run(directory, requests, Targets(postgres, mysql, broker), server.statements if server else None)

    assert len({count for counts in outcome.expected.values() for count in counts}) > 3, outcome.output
    assert outcome.expected == outcome.counted, outcome.output[-3000:]


@pytest.mark.service
@pytest.mark.parametrize("cell", list(diagonal()), ids=str)
def test_every_framework_counts_what_the_witness_saw(
    cell: Cell, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """For each of 60 requests: one operation, and in it the driver calls that the database saw."""
    ask(cell, SHORT, tmp_path, request)


@pytest.mark.service
@pytest.mark.soak
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_whole_matrix_counts_what_the_witness_saw(
    cell: Cell, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same for every framework with every driver."""
    ask(cell, 60 if cell.framework in FORKED else LONG, tmp_path, request)
