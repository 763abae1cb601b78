"""RQ: the work in a job."""

from __future__ import annotations

from matrix_work import work


def job(number: int) -> None:
    work(number)
