"""How each driver of the matrix connects, and the ways it is asked to query; the target is in the environment."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager

TARGET = json.loads(os.environ["MATRIX_TARGET"])
TABLE = "create temporary table {} matrix_item (id integer primary key, n integer)"


class Driver:
    """A DB-API driver with its placeholder, the error of a missing table, and how a failed transaction goes on."""

    def __init__(self, open, mark, errors) -> None:
        self.mark = mark
        self.open = open
        self.errors = errors
        self.calls = [self.select, self.select, self.rows, self.many, self.failing, self.verbs]

    def connect(self, tag: str):
        connection = self.open()
        cursor = connection.cursor()
        cursor.execute(TABLE.format(tag))
        connection.commit()
        return connection

    def finish(self, connection) -> None:
        connection.commit()

    def select(self, connection, tag: str) -> None:
        cursor = connection.cursor()
        cursor.execute(f"select {tag} n from matrix_item where id = {self.mark}", (7,))
        cursor.fetchone()
        cursor.close()

    def rows(self, connection, tag: str) -> None:
        cursor = connection.cursor()
        cursor.execute(f"select {tag} 1 union select 2")
        assert len(cursor.fetchall()) == 2
        cursor.close()

    def many(self, connection, tag: str) -> None:
        cursor = connection.cursor()
        cursor.executemany(f"update {tag} matrix_item set n = 0 where id = {self.mark}", [(1,), (2,), (3,)])
        cursor.close()

    def failing(self, connection, tag: str) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(f"select {tag} 1 from no_such_table")
            cursor.fetchall()
        except self.errors:
            connection.rollback()
        else:
            raise AssertionError("accepted")
        cursor.close()

    def verbs(self, connection, tag: str) -> None:
        connection.commit()
        cursor = connection.cursor()
        if self.begins:
            cursor.execute("begin")
        cursor.execute(f"{tag} savepoint s")
        cursor.execute(f"{tag} release savepoint s")
        cursor.close()
        connection.commit()

    begins = False


class Sqlite(Driver):
    """SQLite refuses an unknown table before its trace callback sees the statement; a duplicate key comes later."""

    begins = True

    def failing(self, connection, tag: str) -> None:
        try:
            connection.execute(f"insert {tag} into matrix_item (id) values (1), (1)")
        except self.errors:
            connection.rollback()
        else:
            raise AssertionError("accepted")


def _sqlite():
    import sqlite3
    import threading

    connection = sqlite3.connect(TARGET["sqlite"], check_same_thread=False)
    witness = open(f"{TARGET['witness']}/{os.getpid()}-{threading.get_ident()}.log", "a", buffering=1)  # noqa: SIM115
    connection.set_trace_callback(lambda statement: witness.write(statement.replace("\n", " ") + "\n"))
    return connection


def _psycopg():
    import psycopg

    return psycopg.connect(TARGET["postgres"])


def _psycopg2():
    import psycopg2

    return psycopg2.connect(TARGET["postgres"])


def _pymysql():
    import pymysql

    return pymysql.connect(**TARGET["mysql"])


def _mysqlclient():
    import MySQLdb

    return MySQLdb.connect(**TARGET["mysql"])


def _mysql_connector():
    import mysql.connector

    return mysql.connector.connect(**TARGET["mysql"], use_pure=True)


def _driver(name: str, kind: type[Driver], open, mark: str, error: str) -> Driver | None:
    """The driver, if it is the one that this process is to use: the others need not be imported."""
    if os.environ["MATRIX_DRIVER"] != name:
        return None
    import importlib

    module, _, attribute = error.rpartition(".")
    return kind(open, mark, getattr(importlib.import_module(module), attribute))


SYNC = {
    "sqlite3": _driver("sqlite3", Sqlite, _sqlite, "?", "sqlite3.IntegrityError"),
    "psycopg": _driver("psycopg", Driver, _psycopg, "%s", "psycopg.errors.UndefinedTable"),
    "psycopg2": _driver("psycopg2", Driver, _psycopg2, "%s", "psycopg2.errors.UndefinedTable"),
    "pymysql": _driver("pymysql", Driver, _pymysql, "%s", "pymysql.ProgrammingError"),
    "mysqlclient": _driver("mysqlclient", Driver, _mysqlclient, "%s", "MySQLdb.ProgrammingError"),
    "mysql-connector": _driver("mysql-connector", Driver, _mysql_connector, "%s", "mysql.connector.ProgrammingError"),
}


class Asyncpg:
    """asyncpg on a pool: connection methods, a prepared statement, a cursor."""

    def __init__(self) -> None:
        self.calls = [self.fetch, self.value, self.prepared, self.many, self.cursor, self.failing, self.verbs]
        self.pool = None
        self.opening = asyncio.Lock()

    @asynccontextmanager
    async def connection(self, tag: str):
        import asyncpg

        async with self.opening:
            if self.pool is None:
                self.pool = await asyncpg.create_pool(TARGET["postgres"], min_size=1, max_size=8)
        async with self.pool.acquire() as connection:
            yield connection

    async def fetch(self, connection, tag: str) -> None:
        await connection.fetch(f"select {tag} relname from pg_class where oid = $1", 7)

    async def value(self, connection, tag: str) -> None:
        await connection.fetchval(f"select {tag} 1")

    async def prepared(self, connection, tag: str) -> None:
        statement = await connection.prepare(f"select {tag} relname from pg_class where oid = $1")
        await statement.fetchrow(7)

    async def many(self, connection, tag: str) -> None:
        await connection.executemany(f"select {tag} $1::int", [(1,), (2,), (3,)])

    async def cursor(self, connection, tag: str) -> None:
        async with connection.transaction():
            async for _ in connection.cursor(f"select {tag} relname from pg_class limit 120"):
                pass

    async def failing(self, connection, tag: str) -> None:
        import asyncpg

        try:
            await connection.execute(f"select {tag} 1 from no_such_table")
        except asyncpg.UndefinedTableError:
            return
        raise AssertionError("accepted")

    async def verbs(self, connection, tag: str) -> None:
        async with connection.transaction(), connection.transaction():
            pass


class Cursors:
    """An async driver whose connections have DB-API cursors."""

    def __init__(self, open, mark: str, error: str, refused: str = "select {} 1 from no_such_table") -> None:
        self.open, self.mark, self.error, self.refused = open, mark, error, refused
        self.calls = [self.select, self.rows, self.many, self.failing]

    @asynccontextmanager
    async def connection(self, tag: str):
        connection = await self.open()
        await self._run(connection, "execute", TABLE.format(tag))
        await connection.commit()
        try:
            yield connection
        finally:
            closed = connection.close()
            if closed is not None:
                await closed

    async def _run(self, connection, method: str, *arguments) -> list:
        cursor = connection.cursor()
        cursor = await cursor if hasattr(cursor, "__await__") else cursor
        try:
            await getattr(cursor, method)(*arguments)
            return await cursor.fetchall() if cursor.description else []
        finally:
            await cursor.close()

    async def select(self, connection, tag: str) -> None:
        await self._run(connection, "execute", f"select {tag} 1 where 7 = {self.mark}", (7,))

    async def rows(self, connection, tag: str) -> None:
        assert len(await self._run(connection, "execute", f"select {tag} 1 union select 2")) == 2

    async def many(self, connection, tag: str) -> None:
        await self._run(
            connection, "executemany", f"update {tag} matrix_item set n = 0 where id = {self.mark}", [(1,), (2,), (3,)]
        )

    async def failing(self, connection, tag: str) -> None:
        try:
            await self._run(connection, "execute", self.refused.format(tag))
        except Exception as raised:
            if type(raised).__name__ != self.error:
                raise
            await connection.rollback()
            return
        raise AssertionError("accepted")


async def _psycopg_async():
    import psycopg

    return await psycopg.AsyncConnection.connect(TARGET["postgres"])


async def _aiomysql():
    import aiomysql

    target = {**TARGET["mysql"], "db": TARGET["mysql"]["database"]}
    del target["database"]
    return await aiomysql.connect(**target)


async def _aiosqlite():
    import aiosqlite

    connection = await aiosqlite.connect(TARGET["sqlite"])
    witness = open(f"{TARGET['witness']}/{os.getpid()}-{id(connection)}.log", "a", buffering=1)  # noqa: SIM115
    await connection.set_trace_callback(lambda statement: witness.write(statement.replace("\n", " ") + "\n"))
    return connection


ASYNC = {
    "asyncpg": Asyncpg(),
    "psycopg-async": Cursors(_psycopg_async, "%s", "UndefinedTable"),
    "aiomysql": Cursors(_aiomysql, "%s", "ProgrammingError"),
    "aiosqlite": Cursors(
        _aiosqlite, "?", "IntegrityError", "insert {} into matrix_item (id) values (1), (1)"
    ),  # see Sqlite
}
