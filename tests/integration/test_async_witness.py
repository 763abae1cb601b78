"""Our query count of every operation on asynchronous drivers against a witness that knows nothing of us."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.async_dialects import AsyncDialect, async_plans, run_plans, watching
from tests.integration.harness import witnessed

OPERATIONS, MANY = 200, 5_000
WHERE = {
    "asyncpg": ("Asyncpg", "postgres"),
    "psycopg": ("PsycopgAsync", "postgres"),
    "aiomysql": ("AioMySQL", "mariadb"),
    "aiosqlite": ("AioSqlite", None),
}


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> AsyncDialect:
    """The driver that the test is parametrised with, on its server."""
    name, server = WHERE[request.param]
    try:
        kind = getattr(import_module("tests.integration.async_calls"), name)
    except ImportError as missing:
        absent(f"an asynchronous driver cannot be imported: {missing}")
    made: AsyncDialect = kind(request.getfixturevalue(server)) if server else kind()
    return made


def drivers() -> Any:
    """Parametrise ``dialect``; those that need a server carry the mark."""
    return pytest.mark.parametrize(
        "dialect",
        [
            pytest.param(name, id=name, marks=[pytest.mark.service] if server else [])
            for name, (_, server) in WHERE.items()
        ],
        indirect=True,
    )


@drivers()
@pytest.mark.parametrize(
    ("operations", "tasks"),
    [(OPERATIONS, 1), (OPERATIONS, 4), (OPERATIONS, 16), pytest.param(MANY, 16, marks=pytest.mark.soak)],
)
def test_every_operation_counts_what_the_witness_saw(dialect: AsyncDialect, operations: int, tasks: int) -> None:
    """For each operation our count is the number of driver calls that the database saw; zero is 0."""
    todo = async_plans(dialect, operations, f"{type(dialect).__name__} {tasks}")

    with watching() as watched:
        run_id = run_plans(watched, dialect, todo, tasks)
        counts = watched.counts()

    seen = witnessed(dialect.statements(), run_id)
    expected = {plan.operation: len(seen[plan.operation]) for plan in todo}
    assert 0 in expected.values()
    assert expected == counts


@drivers()
def test_harness_and_witness_agree(dialect: AsyncDialect) -> None:
    """The witness sees each call that was planned to be seen, and no other."""
    todo = async_plans(dialect, OPERATIONS, "agreement")

    with watching() as watched:
        run_id = run_plans(watched, dialect, todo, tasks=4)

    seen = witnessed(dialect.statements(), run_id)
    planned = {plan.operation: {n: count for n, count in plan.members.items() if count} for plan in todo}
    assert planned == {plan.operation: dict(seen[plan.operation]) for plan in todo}
