"""What only psycopg 3 has: cursor kinds, pools, pipelines, streams, COPY, two-phase commits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.harness import Watched
from tests.services import Postgres

try:
    import psycopg
    from psycopg import sql
    from psycopg.rows import dict_row, namedtuple_row, scalar_row
    from psycopg_pool import ConnectionPool, NullConnectionPool
except ImportError as missing:  # pragma: no cover - only where the driver is not installed
    absent(f"psycopg cannot be imported: {missing}")

pytestmark = pytest.mark.service

ONE = "select 1 as one"


class Own(psycopg.Cursor[Any]):
    """A cursor class of the application that sends its statements by way of the driver's."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.of_the_application = True
        return super().execute(*args, **kwargs)


def _copy(cursor: Any) -> None:
    with cursor.copy("copy (select 1) to stdout") as rows:
        list(rows)


def _named(connection: Any, **options: Any) -> None:
    with connection.cursor("portal", **options) as cursor:
        cursor.execute(ONE).fetchall()


WAYS: dict[str, Callable[[Any], object]] = {
    "cursor": lambda connection: connection.cursor().execute(ONE),
    "connection": lambda connection: connection.execute(ONE),
    "connection by keyword": lambda connection: connection.execute(query=ONE, params=None, prepare=True),
    "binary": lambda connection: connection.execute(ONE, binary=True),
    "stream": lambda connection: list(connection.cursor().stream(ONE)),
    "copy": lambda connection: _copy(connection.cursor()),
    "executemany": lambda connection: connection.cursor().executemany("select %s", [(1,), (2,)]),
    "returning": lambda connection: connection.cursor().executemany("select %s", [(1,), (2,)], returning=True),
    "client": lambda connection: psycopg.ClientCursor(connection).execute("select %s", (1,)),
    "raw": lambda connection: psycopg.RawCursor(connection).execute("select $1::int", (1,)),
    "raw server": lambda connection: psycopg.RawServerCursor(connection, "raw").execute("select $1::int", (1,)),
    "server": _named,
    "scrollable": lambda connection: _named(connection, scrollable=True, withhold=True),
    "own class": lambda connection: Own(connection).execute(ONE),
    "composed": lambda connection: connection.execute(sql.SQL("select {}").format(sql.Literal(1))),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_query_counts_once(way: str, watched: Watched, postgres: Postgres, no_faults: None) -> None:
    """However a query is sent, it is one query."""
    connection = psycopg.connect(postgres.url)

    assert 1 == watched.count_of(lambda: WAYS[way](connection))
    connection.close()


@pytest.mark.parametrize(
    ("factory", "row"),
    [(dict_row, {"one": 1}), (scalar_row, 1), (namedtuple_row, (1,))],
    ids=["dict", "scalar", "named"],
)
def test_row_factories_stay(factory: Any, row: object, watched: Watched, postgres: Postgres) -> None:
    """Rows are of the kind that the application chose, on the connection or the cursor."""
    connection = psycopg.connect(postgres.url, row_factory=factory, cursor_factory=Own)

    cursor = connection.execute(ONE)

    assert row == cursor.fetchone()
    assert type(cursor) is Own
    assert cursor.of_the_application
    assert row == connection.cursor(row_factory=factory).execute(ONE).fetchone()
    connection.close()


@pytest.mark.parametrize("pool_class", [ConnectionPool, NullConnectionPool])
def test_pools_count_and_their_checks_do_not(
    pool_class: Any, watched: Watched, postgres: Postgres, no_faults: None
) -> None:
    """Connections of a pool count their queries; the check at each checkout is none."""
    sizes = {"min_size": 3} if pool_class is ConnectionPool else {"min_size": 0, "max_size": 3}

    with pool_class(postgres.url, check=pool_class.check_connection, **sizes) as pool:

        def work() -> None:
            for _ in range(5):
                with pool.connection() as connection:
                    connection.execute(ONE)

        assert 5 == watched.count_of(work)


def test_a_pipeline_counts_each_execute(watched: Watched, postgres: Postgres) -> None:
    """Statements of one pipeline are counted one by one, also those whose results are read at its end."""
    connection = psycopg.connect(postgres.url)

    def work() -> None:
        with connection.pipeline() as pipeline:
            cursors = [connection.execute("select %s", (number,)) for number in range(4)]
            pipeline.sync()
            assert [0, 1, 2, 3] == [cursor.fetchone()[0] for cursor in cursors]

    assert 4 == watched.count_of(work)
    connection.close()


def test_a_failure_in_a_pipeline_stays(watched: Watched, postgres: Postgres) -> None:
    """The error of a statement comes where the driver raises it: when results are read."""
    connection = psycopg.connect(postgres.url)

    def work() -> None:
        with pytest.raises(psycopg.errors.UndefinedTable), connection.pipeline():
            connection.execute("select * from nowhere")

    assert 1 == watched.count_of(work)
    connection.close()


def test_transactions_are_no_query(watched: Watched, postgres: Postgres) -> None:
    """Transaction blocks, savepoints, ``commit`` and ``rollback`` count as nothing."""
    connection = psycopg.connect(postgres.url)

    def work() -> None:
        with connection.transaction(), connection.transaction():
            connection.execute(ONE)
        connection.commit()
        connection.rollback()

    assert 1 == watched.count_of(work)
    connection.close()


def test_notices_and_types_stay(watched: Watched, postgres: Postgres) -> None:
    """The very classes of the driver, its cursor as result, its method names, and text made with a connection."""
    connection = psycopg.connect(postgres.url)
    cursor = connection.cursor()

    assert type(connection) is psycopg.Connection
    assert type(cursor) is psycopg.Cursor
    assert cursor is cursor.execute(ONE)
    assert "execute" == psycopg.Cursor.execute.__name__
    assert '"a b"' == sql.Identifier("a b").as_string(connection)
    with connection as entered:
        assert entered is connection
    assert connection.closed
