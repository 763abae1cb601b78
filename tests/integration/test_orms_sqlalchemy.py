"""SQLAlchemy 2 on each driver: one logical query counts once, as the database's own witness says."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import absent
from tests.integration.harness import Watched

try:
    from sqlalchemy import Engine, create_engine, event, insert, select, text
    from sqlalchemy.orm import Session, selectinload

    from tests.integration.orm_tables import Author, Book, make_tables, queries, traced_sqlite
except ImportError as missing:  # pragma: no cover - only where it is not installed
    absent(f"SQLAlchemy cannot be imported: {missing}")

SCHEMES = {
    "sqlite": ("sqlite", None),
    "psycopg": ("postgresql+psycopg", "postgres"),
    "psycopg2": ("postgresql+psycopg2", "postgres"),
    "pymysql": ("mysql+pymysql", "mariadb"),
    "mysqlclient": ("mysql+mysqldb", "mariadb"),
    "mysql-connector": ("mysql+mysqlconnector", "mariadb"),
}
"""Driver -> scheme of its engine, and its server."""

engines = pytest.mark.parametrize(
    "database",
    [pytest.param(name, id=name, marks=[pytest.mark.service] if SCHEMES[name][1] else []) for name in SCHEMES],
    indirect=True,
)


@dataclass
class Database:
    """Where engines of one driver connect to, and the witness of what they ran."""

    url: str
    witness: Callable[[], list[str]] | None
    made: list[Engine]

    def engine(self, **options: Any) -> Engine:
        """An engine with a warm pool of one connection and fresh tables."""
        engine = create_engine(self.url, pool_size=1, max_overflow=0, **options)
        if self.witness is None:
            self.witness = traced_sqlite(engine)
        make_tables(engine)
        self.made.append(engine)
        return engine

    def seen(self, work: Callable[[], object]) -> list[str]:
        """The queries that the witness saw while *work* ran."""
        assert self.witness is not None
        before = len(self.witness())
        work()
        return queries(self.witness()[before:])


@pytest.fixture
def database(request: pytest.FixtureRequest, watched: Watched, tmp_path: Path) -> Iterator[Database]:
    """The database of the driver that the test is parametrised with, while the drivers are hooked."""
    scheme, server = SCHEMES[request.param]
    if server is None:
        made = Database(f"sqlite:///{tmp_path / 'orm.db'}", None, [])
    else:
        running = request.getfixturevalue(server)
        if server == "postgres":
            url = running.url.replace("postgresql", scheme)
        else:
            url = "{0}://{user}:{password}@{host}:{port}/{database}".format(scheme, **running.address)
        made = Database(url, running.statements, [])
    yield made
    for engine in made.made:
        engine.dispose()


def core(engine: Engine) -> None:
    """Ten selects, one insert of three rows, one update, in one transaction."""
    with engine.begin() as connection:
        for number in range(10):
            connection.execute(select(Author).where(Author.name == number)).all()
        connection.execute(insert(Author).returning(Author.id), [{"name": n} for n in (7, 8, 9)]).all()
        connection.execute(text("update orm_author set name = 1 where id = :id"), {"id": -1})


def orm(engine: Engine) -> None:
    """A loop over lazy relations, one eager load, new objects with generated keys, a nested transaction."""
    with Session(engine) as session:
        for author in session.scalars(select(Author).limit(5)):
            assert author.books
        session.expire_all()
        assert session.scalars(select(Author).options(selectinload(Author.books))).all()
        session.add_all([Book(author_id=1) for _ in range(20)])
        session.flush()
        with session.begin_nested():
            assert session.get(Author, 1) is not None
        session.rollback()


@engines
@pytest.mark.parametrize("work", [core, orm], ids=["core", "orm"])
@pytest.mark.parametrize("pre_ping", [False, True], ids=["", "pre_ping"])
def test_our_count_is_that_of_the_witness(
    pre_ping: bool, work: Callable[[Engine], None], database: Database, watched: Watched, no_faults: None
) -> None:
    """Whatever SQLAlchemy sends, through its pool, with checks of it or not, counts as the database saw it."""
    engine = database.engine(pool_pre_ping=pre_ping)
    counts: list[int] = []

    seen = database.seen(lambda: counts.append(watched.count_of(lambda: work(engine))))

    assert len(seen) >= 10
    assert [len(seen)] == counts, seen


@engines
def test_pool_checks_are_no_query(database: Database, watched: Watched, no_faults: None) -> None:
    """Thirty checkouts with ``pool_pre_ping`` and one query each are thirty queries, and their time counts."""
    engine = database.engine(pool_pre_ping=True)

    def work() -> None:
        for _ in range(30):
            with engine.connect() as connection:
                connection.execute(select(Author.id).limit(1)).all()

    assert 30 == watched.count_of(work)


@engines
def test_a_select_1_of_the_application_is_a_query(database: Database, watched: Watched) -> None:
    """Only the pool's own check is a ping: the same text from the application is a query."""
    engine = database.engine(pool_pre_ping=True)

    def work() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1")).all()

    assert 1 == watched.count_of(work)


@engines
def test_two_engines_count_together(database: Database, watched: Watched) -> None:
    """Every engine is counted, not only the first."""
    engines = [database.engine(), create_engine(database.url)]

    def work() -> None:
        for engine in engines:
            with engine.connect() as connection:
                for number in range(10):
                    connection.execute(select(Author.id).where(Author.id == number)).all()

    with engines[1].connect():
        pass  # what SQLAlchemy asks a new connection is not the subject here
    assert 20 == watched.count_of(work)
    engines[1].dispose()


@engines
def test_events_and_raw_cursors_see_the_drivers_objects(database: Database, watched: Watched) -> None:
    """Listeners of SQLAlchemy fire as often as without us, and ``cursor.execute`` of theirs counts."""
    engine = database.engine()
    fired: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def before(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        fired.append(statement)
        raw = connection.connection.cursor()
        raw.execute("select count(*) from orm_book")
        raw.fetchall()
        raw.close()

    def work() -> None:
        with engine.connect() as connection:
            connection.execute(select(Author.id)).all()

    assert 2 == watched.count_of(work)
    assert 1 == len(fired)


@engines
def test_a_failing_query_counts_and_the_error_stays(database: Database, watched: Watched) -> None:
    """An error of the driver arrives as SQLAlchemy wraps it; its query counts."""
    from sqlalchemy.exc import DBAPIError

    engine = database.engine()

    def work() -> None:
        with pytest.raises(DBAPIError, match="nowhere"), engine.connect() as connection:
            connection.execute(text("select * from nowhere"))

    assert 1 == watched.count_of(work)


def test_engines_made_and_thrown_away_leave_nothing(watched: Watched) -> None:
    """Three hundred engines after a warm-up of fifty hold no more memory than a constant."""

    def use(times: int) -> None:
        for _ in range(times):
            engine = create_engine("sqlite://", pool_pre_ping=True)
            with engine.connect() as connection:
                connection.execute(text("select 1")).all()
            engine.dispose()

    use(50)
    gc.collect()
    tracemalloc.start()
    use(50)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    use(300)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert grown < 300 * 200
