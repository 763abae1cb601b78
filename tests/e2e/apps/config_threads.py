"""A gunicorn configuration that writes down which threads the master has when it forks, and a worker when it ends."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any


def pre_fork(server: Any, worker: Any) -> None:
    """In the master."""
    _write("master")


def worker_exit(server: Any, worker: Any) -> None:
    """In the worker."""
    _write("worker")


def on_exit(server: Any) -> None:
    """In the master, at its end."""
    _write("master")


def _write(role: str) -> None:
    with Path("threads.txt").open("a") as sink:
        for thread in threading.enumerate():
            sink.write(f"{role} {os.getpid()} {thread.name}\n")
