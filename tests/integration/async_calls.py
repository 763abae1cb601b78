"""asyncpg, psycopg 3 async, aiomysql and aiosqlite: their calls, and the witnesses of their servers."""

from __future__ import annotations

import sqlite3
import threading
from io import BytesIO
from typing import Any

import aiomysql
import aiosqlite
import asyncpg
import psycopg
import pymysql
from psycopg import sql
from psycopg.rows import dict_row

from tests.integration.async_dialects import batch, failing, selecting, verbs
from tests.integration.dialects import DUPLICATE_KEY, NO_TABLE, SCHEMA, one, same
from tests.integration.mysql_table import prepare as prepare_mysql
from tests.integration.postgres_table import prepare as prepare_postgres
from tests.services import MariaDB, Postgres

Parameters = tuple[int, ...]
BEGIN_TO_COMMIT = ("begin", "savepoint s", "rollback to savepoint s", "release savepoint s", "commit")


async def _prepared(connection: Any, statement: str, values: Parameters) -> None:
    prepared = await connection.prepare(statement)
    await prepared.fetch(*values)


async def _prepared_once(connection: Any, statement: str, values: Parameters) -> None:
    await (await connection.prepare(statement)).fetchval(*values)


async def _iterating(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.transaction():
        async for _ in connection.cursor(statement, *values, prefetch=1):
            pass


async def _portal(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.transaction():
        cursor = await (await connection.prepare(statement)).cursor(*values)
        await cursor.fetch(2)
        await cursor.fetchrow()


async def _copied_out(connection: Any, statement: str, values: Parameters) -> None:
    await connection.copy_from_query(statement, *values, output=BytesIO())


async def _nested(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.transaction(), connection.transaction():
        await connection.fetch(statement, *values)


class Asyncpg:
    """asyncpg, in autocommit but where a transaction is opened."""

    calls = (
        selecting(lambda connection, statement, values: connection.fetch(statement, *values), "$1"),
        selecting(lambda connection, statement, values: connection.fetchrow(statement, *values), "$1"),
        selecting(lambda connection, statement, values: connection.fetchval(statement, *values), "$1"),
        selecting(lambda connection, statement, values: connection.fetchval(query=statement), "-1"),
        selecting(lambda connection, statement, values: connection.execute(statement, *values, timeout=9), "$1"),
        selecting(lambda connection, statement, values: connection.execute(statement), "-2"),
        selecting(lambda connection, statement, values: connection.fetchmany(statement, [values]), "$1"),
        selecting(_prepared, "$1"),
        selecting(_prepared_once, "$1"),
        selecting(_iterating, "$1"),
        selecting(_portal, "$1"),
        selecting(_copied_out, "$1"),
        selecting(_nested, "$1"),
        batch(
            lambda connection, statement, members: connection.executemany(statement, members),
            "insert {tag} into item (n) values ($1)",
            same,
        ),
        failing(lambda connection, text: connection.execute(text), asyncpg.UniqueViolationError, DUPLICATE_KEY),
        failing(lambda connection, text: connection.fetch(text), asyncpg.UndefinedTableError, NO_TABLE),
        failing(lambda connection, text: connection.prepare(text), asyncpg.UndefinedTableError, NO_TABLE),
        failing(lambda connection, text: connection.execute(text, 1), asyncpg.UndefinedTableError, NO_TABLE),
        verbs(lambda connection, text: connection.execute(text), *BEGIN_TO_COMMIT),
    )

    def __init__(self, server: Postgres) -> None:
        prepare_postgres(server)
        self.url = server.url
        self.statements = server.statements

    async def connect(self) -> Any:
        """A connection outside any transaction."""
        return await asyncpg.connect(self.url)

    async def close(self, connection: Any) -> None:
        """End *connection*."""
        await connection.close()


async def _psycopg_class(kind: Any, connection: Any, statement: Any, values: Parameters) -> None:
    async with kind(connection) as cursor:
        await cursor.execute(statement, values)
        await cursor.fetchall()


async def _streamed(connection: Any, statement: str, values: Parameters) -> None:
    async for _ in connection.cursor().stream(statement, values):
        pass


async def _server_side(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.transaction(), connection.cursor(name="portal") as cursor:
        await cursor.execute(statement, values)
        async for _ in cursor:
            pass
        await cursor.fetchmany(3)


async def _psycopg_copy(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.cursor().copy(f"copy ({statement}) to stdout", values) as rows:
        async for _ in rows:
            pass


async def _pipeline(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.pipeline():
        await connection.execute(statement, values)


async def _executemany(connection: Any, statement: str, members: list[tuple[int]]) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(statement, members)


class PsycopgAsync:
    """psycopg 3, asynchronous, in autocommit but where a transaction is opened."""

    calls = (
        selecting(lambda connection, *query: _psycopg_class(psycopg.AsyncCursor, connection, *query), "%s"),
        selecting(lambda connection, *query: _psycopg_class(psycopg.AsyncClientCursor, connection, *query), "%s"),
        selecting(lambda connection, *query: _psycopg_class(psycopg.AsyncRawCursor, connection, *query), "$1"),
        selecting(lambda connection, *query: connection.execute(*query), "%s"),
        selecting(lambda connection, query, values: connection.execute(query=query, params=values), "%s"),
        selecting(lambda connection, query, values: connection.execute(sql.SQL(query), values), "%s"),
        selecting(lambda connection, query, values: connection.execute(query.encode(), values), "%s"),
        selecting(lambda connection, *query: connection.cursor(row_factory=dict_row).execute(*query), "%s"),
        selecting(lambda connection, *query: connection.execute(*query, prepare=True), "%s"),
        selecting(_streamed, "%s"),
        selecting(_server_side, "%s"),
        selecting(_psycopg_copy, "%s"),
        selecting(_pipeline, "%s"),
        batch(_executemany, "insert {tag} into item (n) values (%s)", same),
        batch(_executemany, "update {tag} item set n = 0 where id = %s", same),
        failing(lambda connection, text: connection.execute(text), psycopg.errors.UniqueViolation, DUPLICATE_KEY),
        failing(lambda connection, text: connection.execute(text), psycopg.errors.UndefinedTable, NO_TABLE),
        failing(lambda connection, text: _streamed(connection, text, ()), psycopg.errors.UndefinedTable, NO_TABLE),
        verbs(lambda connection, text: connection.execute(text), *BEGIN_TO_COMMIT),
    )

    def __init__(self, server: Postgres) -> None:
        prepare_postgres(server)
        self.url = server.url
        self.statements = server.statements

    async def connect(self) -> Any:
        """A connection outside any transaction."""
        return await psycopg.AsyncConnection.connect(self.url, autocommit=True)

    async def close(self, connection: Any) -> None:
        """End *connection*."""
        await connection.close()


def _mysql_class(kind: Any) -> Any:
    async def how(connection: Any, statement: str, values: Parameters) -> None:
        async with connection.cursor(kind) as cursor:
            await cursor.execute(statement, values)
            await cursor.fetchall()

    return how


async def _iterated(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.cursor(aiomysql.SSCursor) as cursor:
        await cursor.execute(query=statement, args=list(values))
        async for _ in cursor:
            pass


async def _mysql_execute(connection: Any, statement: str) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute(statement)


class AioMySQL:
    """aiomysql, in autocommit: the operations share one table and should not wait for each other."""

    calls = (
        selecting(_mysql_class(aiomysql.Cursor), "%s"),
        selecting(_mysql_class(aiomysql.DictCursor), "%s"),
        selecting(_mysql_class(aiomysql.SSCursor), "%s"),
        selecting(_mysql_class(aiomysql.SSDictCursor), "%s"),
        selecting(_mysql_class(aiomysql.cursors.DeserializationCursor), "%s"),
        selecting(_iterated, "%s"),
        batch(_executemany, "insert {tag} into item (n) values (%s)", one),
        batch(_executemany, "update {tag} item set n = 0 where id = %s", same),
        failing(_mysql_execute, pymysql.err.IntegrityError, DUPLICATE_KEY),
        failing(_mysql_execute, pymysql.err.ProgrammingError, NO_TABLE),
        verbs(_mysql_execute, "begin", "savepoint s", "release savepoint s", "commit"),
    )

    def __init__(self, server: MariaDB) -> None:
        prepare_mysql(server)
        self.address = {"db" if key == "database" else key: value for key, value in server.address.items()}
        self.statements = server.statements

    async def connect(self) -> Any:
        """A connection in autocommit."""
        return await aiomysql.connect(autocommit=True, **self.address)

    async def close(self, connection: Any) -> None:
        """End *connection*."""
        await connection.ensure_closed()


async def _own_cursor(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute(statement, values)
        await cursor.fetchone()


async def _as_context(connection: Any, statement: str, values: Parameters) -> None:
    async with connection.execute(statement, values) as cursor:
        async for _ in cursor:
            pass


class AioSqlite:
    """aiosqlite: a database in memory per connection, all with one list of traced statements."""

    calls = (
        selecting(lambda connection, *query: connection.execute(*query), "?"),
        selecting(lambda connection, *query: connection.execute_fetchall(*query), "?"),
        selecting(_own_cursor, "?"),
        selecting(_as_context, "?"),
        batch(_executemany, "insert {tag} into item (n) values (?)", same),
        batch(
            lambda connection, statement, members: connection.executemany(statement, members),
            "update {tag} item set n = 0 where id = ?",
            same,
        ),
        failing(lambda connection, text: connection.execute(text), sqlite3.IntegrityError, DUPLICATE_KEY),
        failing(lambda connection, text: connection.execute_insert(text), sqlite3.IntegrityError, DUPLICATE_KEY),
        verbs(
            lambda connection, text: connection.execute(text), "begin", "savepoint s", "release savepoint s", "commit"
        ),
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _seen, which the threads of all connections fill
        self._seen: list[str] = []

    async def connect(self) -> Any:
        """A traced connection in autocommit, with the schema in place."""
        connection = await aiosqlite.connect(":memory:", isolation_level=None)
        await connection.execute(SCHEMA.format(name="item", auto=""))
        await connection.execute("insert into item values (1, 1)")
        await connection.set_trace_callback(self._trace)
        return connection

    async def close(self, connection: Any) -> None:
        """End *connection*."""
        await connection.close()

    def statements(self) -> list[str]:
        """Every statement any connection ran."""
        with self._lock:
            return list(self._seen)

    def _trace(self, statement: str) -> None:
        with self._lock:
            self._seen.append(statement)
