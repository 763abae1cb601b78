"""PostgreSQL with psycopg, psycopg2 and SQLAlchemy: loops, server-side cursors, job queues, upserts, COPY."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import psycopg2
from psycopg2.extras import execute_values
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from tests.scenarios.n_plus_one.case import DUPLICATE, Group, Services

N = 15
SCHEMA = """
create schema if not exists shop;
drop table if exists shop.author, shop.job, shop.setting;
create table shop.author (id int primary key, name text);
create table shop.job (id int primary key, state text default 'new');
create table shop.setting (key text primary key, value text);
insert into shop.author select i, 'a' || i from generate_series(1, 6000) i;
insert into shop.job (id) select i from generate_series(1, 60) i;
insert into shop.setting values ('tax', 'on');
"""
_seeded: set[str] = set()


class Server:
    """A connection whose work is rolled back, and where to get more of them."""

    def __init__(self, url: str) -> None:
        if url not in _seeded:
            with psycopg.connect(url) as first:
                first.execute(SCHEMA)
            _seeded.add(url)
        self.url = url
        self.connection = psycopg.connect(url)
        self.execute = self.connection.execute

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of *work* in an event loop of its own, with the caller's context."""
        return asyncio.run(work)


@contextmanager
def server(services: Services) -> Iterator[Server]:
    """The seeded schema."""
    assert services.postgres is not None
    made = Server(services.postgres)
    try:
        yield made
    finally:
        made.connection.rollback()
        made.connection.close()


GROUP = Group("PostgreSQL", "postgres", server, needs="postgres")


@GROUP.defect()
def select_in_loop(db: Server) -> None:
    """One query per id."""
    for author in range(1, N + 1):
        db.execute("select name from shop.author where id = %s", (author,)).fetchone()  # <- here


@GROUP.silent(select_in_loop)
def any_of_array(db: Server) -> None:
    """One query with an array."""
    db.execute("select id, name from shop.author where id = any(%s)", (list(range(1, N + 1)),)).fetchall()


@GROUP.defect()
def named_parameters_in_loop(db: Server) -> None:
    """Parameters as a dictionary."""
    for author in range(1, N + 1):
        db.execute("select name from shop.author where id = %(id)s", {"id": author}).fetchone()  # <- here


@GROUP.silent(named_parameters_in_loop)
def named_parameters_of_three(db: Server) -> None:
    """Three of them."""
    for author in range(1, 4):
        db.execute("select name from shop.author where id = %(id)s", {"id": author}).fetchone()


@GROUP.defect()
def composed_statement_in_loop(db: Server) -> None:
    """A composed statement with literals in it: another text each turn."""
    for author in range(1, N + 1):
        statement = psycopg.sql.SQL("select name from {} where id = {}")
        db.execute(statement.format(psycopg.sql.Identifier("shop", "author"), author)).fetchone()  # <- here


@GROUP.silent(composed_statement_in_loop)
def composed_statement_once(db: Server) -> None:
    """Composed and run once."""
    db.execute(psycopg.sql.SQL("select name from {}").format(psycopg.sql.Identifier("shop", "author"))).fetchall()


@GROUP.defect(DUPLICATE)
def setting_in_loop(db: Server) -> None:
    """The same row twelve times."""
    for _ in range(12):
        db.execute("select value from shop.setting where key = %s", ("tax",)).fetchone()  # <- here


@GROUP.silent(setting_in_loop)
def setting_once(db: Server) -> None:
    """Read once."""
    (tax,) = db.execute("select value from shop.setting where key = %s", ("tax",)).fetchone()
    assert ["on"] * 12 == [tax for _ in range(12)]


@GROUP.silent(select_in_loop)
def server_cursor_in_pages(db: Server) -> None:
    """A named cursor, fetched in sixty pages: one query."""
    with db.connection.cursor("pages") as cursor:
        cursor.execute("select id, name from shop.author")
        assert 60 == sum(1 for _ in iter(lambda: cursor.fetchmany(100), []))


@GROUP.silent(select_in_loop)
def fetch_statements_of_a_cursor(db: Server) -> None:
    """DECLARE once, FETCH twelve times: paging through one result, in the words of SQL."""
    db.execute("declare pages cursor for select id, name from shop.author")
    for _ in range(12):
        assert 500 == len(db.execute("fetch forward 500 from pages").fetchall())
    db.execute("close pages")


@GROUP.defect(loops=2)
def claim_with_skip_locked_one_by_one(db: Server) -> None:
    """A run that claims and finishes fifteen jobs singly, where LIMIT 15 claims all; no two claims are alike."""
    claim = "select id from shop.job where state = 'new' order by id limit 1 for update skip locked"
    for _ in range(N):
        (job,) = db.execute(claim).fetchone()  # <- here
        db.execute("update shop.job set state = 'done' where id = %s", (job,))  # <- here


@GROUP.silent(claim_with_skip_locked_one_by_one)
def claim_with_skip_locked_together(db: Server) -> None:
    """One claim, one update."""
    claim = "select id from shop.job where state = 'new' order by id limit 15 for update skip locked"
    jobs = [job for (job,) in db.execute(claim)]
    db.execute("update shop.job set state = 'done' where id = any(%s)", (jobs,))


@GROUP.silent(claim_with_skip_locked_one_by_one)
def claim_three_jobs(db: Server) -> None:
    """Three jobs, then the queue is empty: four claims."""
    db.execute("update shop.job set state = 'done' where id > 3")
    claim = "select id from shop.job where state = 'new' order by id limit 1 for update skip locked"
    while job := db.execute(claim).fetchone():
        db.execute("update shop.job set state = 'done' where id = %s", job)


@GROUP.silent(claim_with_skip_locked_one_by_one, own_operations=True)
def claim_in_operations(db: Server, tracer) -> None:  # type: ignore[no-untyped-def]
    """A worker that polls: fifteen operations, one claim each."""
    for _ in range(N):
        with tracer.start_as_current_span("poll"):
            db.execute("select id from shop.job where state = 'new' limit 1 for update skip locked").fetchone()


@GROUP.defect()
def upsert_in_loop(db: Server) -> None:
    """ON CONFLICT for one row at a time."""
    statement = "insert into shop.setting values (%s, 'on') on conflict (key) do update set value = excluded.value"
    for number in range(N):
        db.execute(statement, (f"k{number}",))  # <- here


@GROUP.silent(upsert_in_loop)
def upsert_from_arrays(db: Server) -> None:
    """unnest() makes rows of an array: one statement."""
    db.execute(
        "insert into shop.setting select unnest(%s::text[]), 'on' on conflict (key) do nothing",
        ([f"k{number}" for number in range(N)],),
    )


@GROUP.silent(upsert_in_loop)
def upsert_by_executemany(db: Server) -> None:
    """One batch."""
    statement = "insert into shop.setting values (%s, 'on') on conflict (key) do update set value = excluded.value"
    db.connection.cursor().executemany(statement, [(f"k{number}",) for number in range(N)])


@GROUP.silent(upsert_in_loop)
def rows_by_copy(db: Server) -> None:
    """COPY: one statement, a row at a time on the wire."""
    with db.connection.cursor().copy("copy shop.author (id, name) from stdin") as copy:
        for number in range(N):
            copy.write_row((10_000 + number, "n"))


@GROUP.defect()
def six_slow_repeats(db: Server) -> None:
    """Six repeats of 20 ms."""
    for author in range(1, 7):
        db.execute("select name, pg_sleep(0.02) from shop.author where id = %s", (author,)).fetchone()  # <- here


@GROUP.silent(six_slow_repeats)
def six_fast_repeats(db: Server) -> None:
    """Six look-ups by key take next to no time."""
    for author in range(1, 7):
        db.execute("select name from shop.author where id = %s", (author,)).fetchone()


@GROUP.defect()
async def gathered_connections(db: Server) -> None:
    """Five tasks with a connection each ask fifteen times, at the same time."""

    async def one(first: int) -> None:
        async with await psycopg.AsyncConnection.connect(db.url) as connection:
            for author in range(first, first + 3):
                await connection.execute("select name from shop.author where id = %s", (author,))  # <- here

    await asyncio.gather(*(one(first) for first in range(1, N + 1, 3)))


@GROUP.silent(gathered_connections)
async def four_gathered_connections(db: Server) -> None:
    """Four tasks, one query each."""

    async def one(author: int) -> None:
        async with await psycopg.AsyncConnection.connect(db.url) as connection:
            await connection.execute("select name from shop.author where id = %s", (author,))

    await asyncio.gather(*(one(author) for author in range(1, 5)))


@GROUP.defect()
def psycopg2_in_loop(db: Server) -> None:
    """The older driver: an insert per row."""
    connection = psycopg2.connect(db.url)
    with connection.cursor() as cursor:
        for number in range(N):
            cursor.execute("insert into shop.author values (%s, 'n')", (20_000 + number,))  # <- here
    connection.close()


@GROUP.silent(psycopg2_in_loop)
def psycopg2_execute_values(db: Server) -> None:
    """execute_values() writes them in one statement."""
    connection = psycopg2.connect(db.url)
    with connection.cursor() as cursor:
        execute_values(cursor, "insert into shop.author values %s", [(20_000 + number, "n") for number in range(N)])
    connection.close()


class Base(DeclarativeBase):
    """Of the models on this server."""


class Author(Base):
    __tablename__ = "author"
    __table_args__ = {"schema": "shop"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Job(Base):
    __tablename__ = "job"
    __table_args__ = {"schema": "shop"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(ForeignKey(Author.id), primary_key=True)
    author: Mapped[Author] = relationship()


def _session(db: Server) -> Session:
    return Session(create_engine(db.url.replace("postgresql:", "postgresql+psycopg:")))


@GROUP.defect()
def sqlalchemy_relation_in_loop(db: Server) -> None:
    """SQLAlchemy over psycopg: each job loads its author."""
    with _session(db) as session:
        for job in session.scalars(select(Job).limit(N)):
            assert job.author.name  # <- here


@GROUP.silent(sqlalchemy_relation_in_loop)
def sqlalchemy_select_in(db: Server) -> None:
    """selectinload: two queries."""
    with _session(db) as session:
        for job in session.scalars(select(Job).limit(N).options(selectinload(Job.author))):
            assert job.author.name
