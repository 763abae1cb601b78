"""Our query count of every operation against a witness that knows nothing of us."""

from __future__ import annotations

import pytest

from tests.integration.drivers import drivers
from tests.integration.harness import Dialect, Watched, plans, run, witnessed

OPERATIONS = 200


@drivers()
@pytest.mark.parametrize("threads", [1, 4, 16])
def test_every_operation_counts_what_the_witness_saw(dialect: Dialect, threads: int, watched: Watched) -> None:
    """For each of 200 operations our count is the number of driver calls that the database saw; zero is 0."""
    todo = plans(dialect, OPERATIONS, f"{type(dialect).__name__} {threads}")

    run_id = run(watched, dialect, todo, threads)

    seen = witnessed(dialect.statements(), run_id)
    expected = {plan.operation: len(seen[plan.operation]) for plan in todo}
    assert 0 in expected.values()
    assert expected == watched.counts()


@drivers()
def test_harness_and_witness_agree(dialect: Dialect, watched: Watched) -> None:
    """The witness sees each call as often as it was planned: once, or once per member of a batch."""
    todo = plans(dialect, OPERATIONS, "agreement")

    run_id = run(watched, dialect, todo, threads=4)

    seen = witnessed(dialect.statements(), run_id)
    planned = {plan.operation: {n: count for n, count in plan.members.items() if count} for plan in todo}
    assert planned == {plan.operation: dict(seen[plan.operation]) for plan in todo}


@drivers("psycopg", "psycopg2")
def test_pg_stat_statements_counts_the_same(dialect: Dialect, watched: Watched) -> None:
    """A second witness in the server: its sum of calls is the sum of our counts."""
    connection = dialect.connect()
    cursor = connection.cursor()
    cursor.execute("create extension if not exists pg_stat_statements")
    cursor.execute("select pg_stat_statements_reset()")
    connection.commit()

    for number in range(30):
        with watched.tracer.start_as_current_span("operation", attributes={"test.operation": number}):
            for value in range(number % 7):
                cursor.execute("select n from item where id = %s", (value,))

    cursor.execute("select sum(calls) from pg_stat_statements where query like 'select n from item%'")
    assert [(sum(watched.counts().values()),)] == cursor.fetchall()
    connection.close()
