"""What is measured: operations with a known number of queries on an in-memory SQLite database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TABLES = 10
COLUMNS = ("title", "price", "stock", "weight", "rating")
ROWS = 100

# Fifty texts that differ in table and column: repeats of one text would be an N+1, and the operation kept.
DISTINCT = tuple(f"SELECT {column} FROM item{table} WHERE id = ?" for table in range(TABLES) for column in COLUMNS)


@dataclass(frozen=True)
class Workload:
    """One kind of operation; *operations* of it make one measurement."""

    name: str
    label: str
    statements: tuple[str, ...]
    operations: int
    finding: bool = False


WORKLOADS = (
    Workload("q0", "no query", (), 1000),
    Workload("q5", "5 queries", DISTINCT[:5], 1000),
    Workload("q50", "50 different queries", DISTINCT, 400),
    Workload("n50", "50 equal queries, kept as N+1", DISTINCT[:1] * 50, 100, finding=True),
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}


def database() -> Any:
    """A filled database in memory; its connection is of the kind that the hooked driver gives."""
    import sqlite3  # not before: agents want to be first

    connection = sqlite3.connect(":memory:")
    cursor = connection.cursor()
    for table in range(TABLES):
        columns = ", ".join(f"{column} INTEGER" for column in COLUMNS)
        cursor.execute(f"CREATE TABLE item{table} (id INTEGER PRIMARY KEY, {columns})")
        row = ", ".join("?" * (len(COLUMNS) + 1))
        for number in range(ROWS):
            cursor.execute(f"INSERT INTO item{table} VALUES ({row})", (number, *range(len(COLUMNS))))
    connection.commit()
    return connection


def run_queries(connection: Any, statements: Sequence[str]) -> None:
    """The body of one operation: a fresh cursor per query, as ORMs do it, and its row fetched."""
    for number, statement in enumerate(statements):
        cursor = connection.cursor()
        cursor.execute(statement, (number,))
        cursor.fetchone()
