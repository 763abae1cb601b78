"""Queries that say in a comment to which operation they belong, for the tests of context laws.

sqlite's trace callback is the witness: it sees each statement with its comment, whatever we make of it.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import AbstractContextManager
from typing import Any

from otel_verein.ledger import UNATTRIBUTED
from tests.integration.harness import Watched

NONE = "no operation"
_COMMENT = re.compile(r"/\* (.*) \*/")


def late(name: str) -> str:
    """The name of the operation that takes what comes after the end of the operation *name*."""
    return f"{name} (after its end)"


class Booked:
    """What the queries of one test say about themselves, and where we have booked them."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._seen: list[str] = []
        UNATTRIBUTED.take()

    def operation(self, name: str) -> AbstractContextManager[Any]:
        """A root span called *name*."""
        return self._watched.tracer.start_as_current_span(name)

    def query(self, name: str, number: int = 1) -> None:
        """Run *number* queries that belong to the operation *name*."""
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.set_trace_callback(self._seen.append)
        for _ in range(number):
            connection.execute(f"select 1 /* {name} */").fetchall()
        connection.close()

    def witnessed(self) -> dict[str, int]:
        """Queries by the operation they name."""
        return dict(Counter(_COMMENT.search(statement)[1] for statement in self._seen))  # type: ignore[index]

    def counted(self) -> dict[str, int]:
        """Queries by the operation they were booked to; operations without any are left out."""
        counts: Counter[str] = Counter()
        for root in self._watched.roots():
            counts[root.name] += int(root.attributes["verein.db.query_count"])  # type: ignore[index,arg-type]
        counts[NONE] = sum(UNATTRIBUTED.take().values())
        return {name: number for name, number in counts.items() if number}

    def number_of(self, name: str) -> int:
        """How many operations were called *name*."""
        return sum(root.name == name for root in self._watched.roots())
