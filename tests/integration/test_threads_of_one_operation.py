"""One operation whose queries come from several threads at once."""

from __future__ import annotations

import contextvars
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.harness import Watched

THREADS = 8


@pytest.mark.parametrize("each", [10, 1500], ids=["below the cap", "past the cap"])
def test_threads_of_one_operation_are_counted_exactly(each: int, watched: Watched, hasty: None) -> None:
    """All queries count, also while one thread folds records past the cap and others append."""

    def queries() -> None:
        connection = sqlite3.connect(":memory:")
        for number in range(each):
            connection.execute("select ?", (number,)).fetchall()
        connection.close()

    def work() -> None:
        contexts = [contextvars.copy_context() for _ in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda context: context.run(queries), contexts))

    for _ in range(3):
        assert THREADS * each == watched.count_of(work)
