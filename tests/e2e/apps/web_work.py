"""What the web applications under test do: a known number of queries, or as many as a client waits for."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator

STEPS = 5000
"""Parts of a stream that no client is meant to take to its end; together more than a socket buffers."""

PART = b"x" * 4096
_done = 0


def queries(number: int) -> None:
    """Run *number* queries."""
    connection = sqlite3.connect(":memory:")
    for value in range(number):
        connection.execute("select ?", (value,)).fetchall()
    connection.close()


def parts(number: int) -> Iterator[bytes]:
    """*number* parts of a body with one query each."""
    for _ in range(number):
        queries(1)
        yield b"part\n"


async def async_parts(number: int) -> AsyncIterator[bytes]:
    """The same, asynchronously."""
    for part in parts(number):
        yield part


def counted(number: int) -> None:
    """Run *number* queries that :func:`done` tells of."""
    global _done
    _done += number
    queries(number)


def endless(at_close: int) -> Iterator[bytes]:
    """A query for each large part, and *at_close* more when the stream is closed."""
    try:
        for _ in range(STEPS):
            counted(1)
            yield PART
    finally:
        counted(at_close)


async def async_endless() -> AsyncIterator[bytes]:
    """The same, asynchronously, and without queries at its end."""
    for part in endless(0):
        yield part


def waiting() -> Iterator[bytes]:
    """Two parts with half a second between them."""
    yield b"part\n"
    time.sleep(0.5)
    yield b"part\n"


def done() -> int:
    """How many queries that a test cannot foresee have run in this process."""
    return _done
