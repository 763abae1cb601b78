"""The work of one request or job: a mix of driver calls that is the same for the same number.

Every statement carries ``/* run.number.call */``, so the database's own log says which request sent it.
"""

from __future__ import annotations

import os
import random
import threading

from matrix_drivers import ASYNC, SYNC
from opentelemetry import trace

RUN = os.environ["MATRIX_RUN"]
DRIVER = os.environ["MATRIX_DRIVER"]
MOST_CALLS = 9
_own: dict[tuple[int, int], object] = {}


def _plan(number: int, calls: list) -> list:
    chance = random.Random(number)
    return chance.choices(calls, k=chance.randint(0, MOST_CALLS))


def _tag(number: int, call: int) -> str:
    return f"/* {RUN}.{number}.{call} */"


def _mark(number: int) -> None:
    trace.get_current_span().set_attribute("test.operation", number)


def work(number: int) -> None:
    """The calls of *number* on the connection of this thread of this process."""
    _mark(number)
    driver = SYNC[DRIVER]
    key = (os.getpid(), threading.get_ident())
    connection = _own.get(key)
    if connection is None:
        connection = _own[key] = driver.connect(_tag(number, MOST_CALLS))
    for index, call in enumerate(_plan(number, driver.calls)):
        call(connection, _tag(number, index))
    driver.finish(connection)


async def work_async(number: int) -> None:
    """The calls of *number* on a connection of a pool, or one of its own."""
    _mark(number)
    driver = ASYNC[DRIVER]
    async with driver.connection(_tag(number, MOST_CALLS)) as connection:
        for index, call in enumerate(_plan(number, driver.calls)):
            await call(connection, _tag(number, index))
