"""The queries of the applications under test: all of one statement, which is a finding where it repeats enough."""

from __future__ import annotations

import sqlite3


def queries(number: int) -> None:
    """Run *number* queries with different parameters, on a connection of their own."""
    connection = sqlite3.connect(":memory:")
    for value in range(number):
        connection.execute("select name from (select ? as name)", (value,)).fetchall()
    connection.close()
