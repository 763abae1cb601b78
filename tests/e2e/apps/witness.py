"""Queries that sqlite itself counts: each call adds a line to the file that ``WITNESS`` names."""

from __future__ import annotations

import os
import sqlite3


def query(name: str, number: int) -> None:
    """Run *number* queries, and write *name* and how many statements sqlite ran."""
    seen: list[str] = []
    connection = sqlite3.connect(":memory:")
    connection.set_trace_callback(seen.append)
    for value in range(number):
        connection.execute("select ?", (value,)).fetchall()
    connection.close()
    with open(os.environ["WITNESS"], "a", encoding="utf-8") as sink:
        sink.write(f"{name} {len(seen)}\n")
