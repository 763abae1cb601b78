"""Celery: the work in a task."""

from __future__ import annotations

import os

from celery import Celery
from matrix_work import work

app = Celery("matrix", broker=os.environ["MATRIX_REDIS"], backend=os.environ["MATRIX_REDIS"])
app.conf.worker_hijack_root_logger = False


@app.task(name="matrix.job")
def job(number: int) -> None:
    work(number)
